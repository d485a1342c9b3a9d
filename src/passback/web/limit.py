"""The rate limit: so many requests a minute for each token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.domain.clock import MINUTE, SECOND

if TYPE_CHECKING:
    from passback.domain.clock import Instant


class RateLimit:
    """Counts requests in the minutes of the clock, for one process."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._minute = 0
        self._counts: dict[str, int] = {}

    def take(self, token_id: str, now: Instant) -> tuple[int, int]:
        """Count a request of a token at `now`.

        Returns what remains of the minute's requests, -1 where this one is too many, and the time of the next
        minute in seconds since 1970.
        """
        minute = now // MINUTE
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        used = self._counts.get(token_id, 0) + 1
        reset = (minute + 1) * MINUTE // SECOND
        if used > self.per_minute:
            return -1, reset
        self._counts[token_id] = used
        return self.per_minute - used, reset
