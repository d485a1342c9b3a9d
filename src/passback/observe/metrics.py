"""All numbers of one server. A new one starts at nothing, so that a process can have several."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from passback.observe.counts import Count, Counter, Histogram
from passback.observe.lms import LmsCounts, LmsWatch

if TYPE_CHECKING:
    from prometheus_client import Metric

T = TypeVar("T", bound=Count)

Source = Callable[[], Awaitable[Iterable["Metric"]]]
"""Reckons metrics when somebody asks for them, as from the database."""


class Metrics:
    """What ``/metrics`` shows."""

    def __init__(self) -> None:
        self.counts: list[Count] = []
        self.sources: list[Source] = []
        self.requests = self.add(
            Counter(
                "passback_requests",
                "HTTP requests answered; the operation is 'none' where the API has none, 'page' beside the API.",
                ("operation", "method", "status"),
            )
        )
        self.request_seconds = self.add(
            Histogram("passback_request_seconds", "From a request's head to its answer.", ("operation",))
        )
        self.rate_limited = self.add(
            Counter("passback_rate_limited", "Requests refused because their token had too many (429).")
        )
        self._lms = LmsCounts()
        for count in (self._lms.requests, self._lms.seconds, self._lms.throttled):
            self.add(count)

    def add(self, count: T) -> T:
        """Show a count, too."""
        self.counts.append(count)
        return count

    def add_source(self, source: Source) -> None:
        """Show what `source` reckons, too. Where it fails, the rest is shown without it."""
        self.sources.append(source)

    def lms_watch(self, lms: str) -> LmsWatch:
        """What counts the requests of a connection to an LMS of that kind."""
        return LmsWatch(lms, self._lms)
