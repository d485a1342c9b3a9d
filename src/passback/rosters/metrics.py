"""Metrics of the syncs: how old each is and how often it has failed, read when metrics are scraped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.domain.clock import SECOND
from passback.store import syncs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import Metric

    from passback.domain.clock import Clock
    from passback.observe.metrics import Metrics
    from passback.store.engine.database import Database


def add_to(metrics: Metrics, database: Database, clock: Clock) -> None:
    """Add the metrics of all districts with a regular sync."""

    async def read() -> Iterable[Metric]:
        # Imported on the first scrape, to keep startup fast.
        from prometheus_client.metrics_core import GaugeMetricFamily

        ages = GaugeMetricFamily(
            "passback_lms_sync_age_seconds",
            "Seconds since the district was last synced with its LMS; before the first sync, since it was created.",
            labels=["lms", "district"],
        )
        failures = GaugeMetricFamily(
            "passback_lms_sync_failures",
            "Consecutive failures of the district's sync without progress.",
            labels=["lms", "district"],
        )
        now = clock()
        for it in await database.read(syncs.ages):
            ages.add_metric([it.lms_type, it.district_id], max(0, now - it.since) / SECOND)
            failures.add_metric([it.lms_type, it.district_id], it.failures)
        return [ages, failures]

    metrics.add_source(read)
