"""Metrics of deliveries: counted as they are tried, or read from the ledger when they are scraped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from passback.domain.clock import SECOND
from passback.domain.delivery import Delivered, Refused
from passback.observe.counts import Counter, Histogram
from passback.store import deliveries, districts
from passback.store.engine.database import StoreError

if TYPE_CHECKING:
    from prometheus_client import Metric

    from passback.domain.clock import Clock
    from passback.domain.delivery import Delivery, Outcome
    from passback.observe.metrics import Metrics
    from passback.store.engine.database import Connection, Database

_WEBHOOK = "webhook"


class DeliveryMetrics:
    """Deliveries in the background, by the kind of LMS; messages to webhooks count as of the kind ``webhook``."""

    def __init__(self, metrics: Metrics, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._attempts = metrics.add(
            Counter(
                "passback_delivery_attempts",
                "Tries to deliver in the background: delivered, refused or failed (to be tried again).",
                ("lms", "outcome"),
            )
        )
        self._seconds = metrics.add(
            Histogram(
                "passback_delivery_seconds",
                "From when a delivery was accepted in the background until it was delivered.",
                ("lms",),
            )
        )
        metrics.add_source(self._read)

    async def tried(self, group: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        """Count the outcomes of a try."""
        first = group[0]
        lms = _WEBHOOK
        if first.operation != "send_webhook":
            try:
                lms = (await self._database.read(districts.lms_types)).get(first.district_id, "")
            except StoreError:
                lms = ""  # a count must not be in the way of what is counted
        now = self._clock()
        for delivery, outcome in zip(group, outcomes, strict=True):
            match outcome:
                case Delivered():
                    self._attempts.add(lms, "delivered")
                    self._seconds.add((now - delivery.created) / SECOND, lms)
                case Refused():
                    self._attempts.add(lms, "refused")
                case _:
                    self._attempts.add(lms, "failed")

    async def _read(self) -> Iterable[Metric]:
        # Imported when metrics are scraped: the server starts without it.
        from prometheus_client.metrics_core import GaugeMetricFamily

        def read(conn: Connection) -> tuple[list[deliveries.Tally], dict[str, str]]:
            return deliveries.tallies(conn), districts.lms_types(conn)

        tallies, kinds = await self._database.read(read)
        counts: dict[tuple[str, str], int] = {}
        oldest: dict[str, float] = {}
        for tally in tallies:
            lms = kinds.get(tally.destination, _WEBHOOK)
            counts[lms, tally.state] = counts.get((lms, tally.state), 0) + tally.count
            if tally.state == "waiting":
                age = max(0.0, (self._clock() - _time_of(tally.first_id)) / SECOND)
                oldest[lms] = max(age, oldest.get(lms, 0.0))
        states = GaugeMetricFamily(
            "passback_deliveries",
            "Deliveries that are open, or ended without success and are still kept.",
            labels=["lms", "state"],
        )
        for (lms, state), count in sorted(counts.items()):
            states.add_metric([lms, state], count)
        backlog = GaugeMetricFamily(
            "passback_delivery_backlog_seconds",
            "How long ago the oldest delivery that waits was accepted.",
            labels=["lms"],
        )
        for lms, age in sorted(oldest.items()):
            backlog.add_metric([lms], age)
        return [states, backlog]


def _time_of(delivery_id: str) -> int:
    """When an id was made, in milliseconds: ids begin with the time (UUIDv7)."""
    return UUID(delivery_id).int >> 80
