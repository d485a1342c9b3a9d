"""The headers of the rate limit, and the refusal of a request that is one too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.domain.clock import MINUTE, SECOND
from passback.wire import errors

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.web.messages import Header

_BUCKET = (b"x-ratelimit-bucket", b"all")


class LimitHeaders:
    """Tells clients what is left of a limit of `per_minute` requests."""

    def __init__(self, per_minute: int) -> None:
        self._limit = (b"x-ratelimit-limit", b"%d" % per_minute)
        self._next_minute = -1
        self._reset = (b"x-ratelimit-reset", b"")

    def add(self, headers: list[Header], left: int | None, now: Instant) -> None:
        """Add to `headers` what is left after a request at `now`.

        Raises `Refusal` (429) if it is None: that request was one too many.
        """
        next_minute = now // MINUTE + 1
        if next_minute != self._next_minute:
            self._next_minute = next_minute
            self._reset = (b"x-ratelimit-reset", b"%d" % (next_minute * MINUTE // SECOND))
        headers += (_BUCKET, self._limit, (b"x-ratelimit-remaining", b"%d" % (left or 0)), self._reset)
        if left is None:
            raise errors.too_many_requests(max(1, next_minute * 60 - now // SECOND))
