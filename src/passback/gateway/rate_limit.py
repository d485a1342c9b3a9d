"""The rate limit: how many requests a token has left in this minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.domain.clock import MINUTE
from passback.store import rate

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Database


class RateLimit:
    """Counts requests in the minutes of the clock.

    Processes that share a database count there together; a process that has it to itself counts in memory.
    """

    def __init__(self, per_minute: int, database: Database) -> None:
        self._per_minute = per_minute
        self._minute = -1
        self._counts: dict[str, int] = {}
        self._shared = database if database.shared else None

    async def count(self, token_id: str, now: Instant) -> int | None:
        """Count a request of a token at `now`; how many are left. None if this was one too many."""
        minute = now // MINUTE
        if self._shared is not None:
            used = await self._shared.note(lambda conn: rate.count(conn, token_id, minute, self._per_minute))
            return None if used is None else self._per_minute - used
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        left = self._counts.get(token_id, self._per_minute) - 1
        if left < 0:
            return None
        self._counts[token_id] = left
        return left
