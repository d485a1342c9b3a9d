"""What is seen of the requests to one LMS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from passback.observe.counts import Counter, Histogram

Outcome = Literal["ok", "refused", "failed", "throttled", "in_doubt"]
"""What became of a try: it was done; the LMS said no (4xx); it failed and was not done, or does no harm; the LMS said
that it is too much; it failed and may have been done."""


class LmsCounts:
    """The counts of all LMSs."""

    def __init__(self) -> None:
        self.requests = Counter(
            "passback_lms_requests",
            "Requests to an LMS, each try, by what became of it: ok, refused, failed, throttled, in_doubt.",
            ("lms", "outcome"),
        )
        self.seconds = Histogram(
            "passback_lms_request_seconds", "How long a request to an LMS took, each try.", ("lms",)
        )
        self.throttled = Counter(
            "passback_lms_throttled", "Answers of an LMS that said it is asked too much.", ("lms",)
        )


class LmsWatch:
    """Sees what becomes of the requests of one connection to an LMS."""

    def __init__(self, lms: str = "", counts: LmsCounts | None = None) -> None:
        """`lms` is its kind. Without `counts` nobody is told."""
        self.lms = lms
        self._counts = counts
        self._breakers: list[Callable[[], bool]] = []

    def tried(self, outcome: Outcome, seconds: float) -> None:
        """A request was made."""
        if self._counts is None:
            return
        self._counts.requests.add(self.lms, outcome)
        self._counts.seconds.add(seconds, self.lms)
        if outcome == "throttled":
            self._counts.throttled.add(self.lms)

    def rests_with(self, breaker: Callable[[], bool]) -> None:
        """`breaker` says whether requests of the connection are held off, because the LMS kept failing."""
        self._breakers.append(breaker)

    def resting(self) -> bool:
        """Whether requests are held off now."""
        return any(breaker() for breaker in self._breakers)
