"""The rate limit: so many requests a minute for each token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.domain.clock import MINUTE, SECOND
from passback.store import rate
from passback.wire import errors

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Database

_BUCKET = (b"x-ratelimit-bucket", b"all")


class RateLimit:
    """Counts requests in the minutes of the clock.

    Processes that share a database count there together; one that is alone counts by itself.
    """

    def __init__(self, per_minute: int, database: Database) -> None:
        self._per_minute = per_minute
        self._limit_header = (b"x-ratelimit-limit", b"%d" % per_minute)
        self._minute = -1
        self._reset_header = (b"x-ratelimit-reset", b"")
        self._counts: dict[str, int] = {}
        self._shared = database if database.shared else None

    async def count(self, token_id: str, now: Instant, headers: list[tuple[bytes, bytes]]) -> None:
        """Count a request of a token at `now`, and tell the client in `headers`.

        Raises `Refusal` (429) where it is one too many of this minute.
        """
        minute = now // MINUTE
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
            # Seconds since 1970 of the next minute.
            self._reset_header = (b"x-ratelimit-reset", b"%d" % ((minute + 1) * MINUTE // SECOND))
        used = self._count(token_id) if self._shared is None else await self._count_shared(token_id, minute)
        headers += (
            _BUCKET,
            self._limit_header,
            (b"x-ratelimit-remaining", b"%d" % (0 if used is None else self._per_minute - used)),
            self._reset_header,
        )
        if used is None:
            raise errors.too_many_requests(max(1, (minute + 1) * 60 - now // SECOND))

    def _count(self, token_id: str) -> int | None:
        """How many requests there are with this one; None where it is one too many."""
        used = self._counts.get(token_id, 0) + 1
        if used > self._per_minute:
            return None
        self._counts[token_id] = used
        return used

    async def _count_shared(self, token_id: str, minute: int) -> int | None:
        assert self._shared is not None
        return await self._shared.note(lambda conn: rate.count(conn, token_id, minute, self._per_minute))
