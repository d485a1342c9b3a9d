"""How long ago districts were last in step with their LMSs, read when somebody asks."""

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
    """Count the districts that are read again and again."""

    async def read() -> Iterable[Metric]:
        # Imported when somebody asks: the server starts without it.
        from prometheus_client.metrics_core import GaugeMetricFamily

        ages = GaugeMetricFamily(
            "passback_lms_sync_age_seconds",
            "How long ago a district's LMS was last read and matched; before the first time, how old the district is.",
            labels=["lms", "district"],
        )
        failures = GaugeMetricFamily(
            "passback_lms_sync_failures",
            "How often in a row the sync of a district was broken off without having got further.",
            labels=["lms", "district"],
        )
        now = clock()
        for it in await database.read(syncs.ages):
            ages.add_metric([it.lms_type, it.district_id], max(0, now - it.since) / SECOND)
            failures.add_metric([it.lms_type, it.district_id], it.failures)
        return [ages, failures]

    metrics.add_source(read)
