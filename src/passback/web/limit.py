"""The rate limit: so many requests a minute for each token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.domain.clock import MINUTE, SECOND
from passback.wire import errors

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.web.messages import Header

_BUCKET = (b"x-ratelimit-bucket", b"all")


class RateLimit:
    """Counts requests in the minutes of the clock, for one process."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._limit_header = (b"x-ratelimit-limit", b"%d" % per_minute)
        self._minute = -1
        self._reset_header = (b"x-ratelimit-reset", b"")
        self._counts: dict[str, int] = {}

    def count(self, token_id: str, now: Instant, headers: list[Header]) -> None:
        """Count a request of a token at `now`, and tell the client in `headers`.

        Raises `Refusal` (429) where it is one too many of this minute.
        """
        minute = now // MINUTE
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
            # Seconds since 1970 of the next minute.
            self._reset_header = (b"x-ratelimit-reset", b"%d" % ((minute + 1) * MINUTE // SECOND))
        used = self._counts.get(token_id, 0)
        remaining = self._per_minute - used - 1
        headers += (
            _BUCKET,
            self._limit_header,
            (b"x-ratelimit-remaining", b"%d" % max(remaining, 0)),
            self._reset_header,
        )
        if remaining < 0:
            raise errors.too_many_requests(max(1, (minute + 1) * 60 - now // SECOND))
        self._counts[token_id] = used + 1
