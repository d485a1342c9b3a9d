"""Metrics of the requests to LMSs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from passback.observe.counts import Counter, Histogram

Outcome = Literal["ok", "refused", "failed", "throttled", "in_doubt"]
"""How a try ended: it was done; the LMS refused it (4xx); it failed and was not done, or is harmless to repeat; the LMS
throttled it; it failed and may have been done."""


class LmsCounts:
    """The counts of all LMSs."""

    def __init__(self) -> None:
        self.requests = Counter(
            "passback_lms_requests",
            "Requests to an LMS, counting each try, by outcome: ok, refused, failed, throttled, in_doubt.",
            ("lms", "district", "outcome"),
        )
        self.seconds = Histogram(
            "passback_lms_request_seconds",
            "Duration of requests to an LMS in seconds, for each try.",
            ("lms",),
        )
        self.throttled = Counter("passback_lms_throttled", "Requests that an LMS throttled.", ("lms",))


class LmsWatch:
    """Observes the requests of one connection to an LMS."""

    def __init__(self, lms: str = "", counts: LmsCounts | None = None, *, district: str = "") -> None:
        """`lms` is the LMS's kind. Without `counts`, nothing is counted."""
        self.lms = lms
        self._district = district
        self._counts = counts
        self._breakers: list[Callable[[], bool]] = []

    def tried(self, outcome: Outcome, seconds: float) -> None:
        """Count a try of a request."""
        if self._counts is None:
            return
        self._counts.requests.add(self.lms, self._district, outcome)
        self._counts.seconds.add(seconds, self.lms)
        if outcome == "throttled":
            self._counts.throttled.add(self.lms)

    def rests_with(self, breaker: Callable[[], bool]) -> None:
        """Add a breaker, which says whether requests are held back because the LMS kept failing."""
        self._breakers.append(breaker)

    def resting(self) -> bool:
        """Whether requests are held back now."""
        return any(breaker() for breaker in self._breakers)
