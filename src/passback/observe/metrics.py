"""All metrics of one server. A new instance starts at zero, so a process can have several."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from passback.observe.counts import Count, Counter, Histogram
from passback.observe.lms import LmsCounts, LmsWatch

if TYPE_CHECKING:
    from prometheus_client import Metric

T = TypeVar("T", bound=Count)

Source = Callable[[], Awaitable[Iterable["Metric"]]]
"""Computes metrics when they are scraped, for example from the database."""


class Metrics:
    """What ``/metrics`` shows."""

    def __init__(self) -> None:
        self.counts: list[Count] = []
        self.sources: list[Source] = []
        self.requests = self.add(
            Counter(
                "passback_requests",
                "HTTP requests answered, by operation ('none' for unknown paths, 'page' for paths outside the API).",
                ("operation", "method", "status"),
            )
        )
        self.request_seconds = self.add(
            Histogram(
                "passback_request_seconds",
                "Duration of HTTP requests in seconds, from receiving the headers to the response.",
                ("operation",),
            )
        )
        self.rate_limited = self.add(
            Counter(
                "passback_rate_limited", "Requests refused because their token exceeded its rate limit (429)."
            )
        )
        self._lms = LmsCounts()
        self.lms_requests = self._lms.requests
        for count in (self._lms.requests, self._lms.seconds, self._lms.throttled):
            self.add(count)

    def add(self, count: T) -> T:
        """Add a count."""
        self.counts.append(count)
        return count

    def add_source(self, source: Source) -> None:
        """Add a source. If it fails, the other metrics are still shown."""
        self.sources.append(source)

    def lms_watch(self, lms: str, district_id: str) -> LmsWatch:
        """An observer for the requests of a district's connection to an LMS of this kind."""
        return LmsWatch(lms, self._lms, district=district_id)
