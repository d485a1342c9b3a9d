"""The rate limit: how many requests a token has left in this minute."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from passback.domain.clock import MINUTE
from passback.store import rate
from passback.store.engine.database import StoreUnavailable

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Database

SHARE_SECONDS = 0.2
"""How long a process that shares its database counts by itself before it tells the others, and learns of theirs."""


class RateLimit:
    """Counts requests in the minutes of the clock.

    It counts in memory. Processes that share a database add up there what each has counted, so a token may exceed its
    limit by as much as it sends them within `SHARE_SECONDS`.
    """

    def __init__(self, per_minute: int, database: Database) -> None:
        self._per_minute = per_minute
        self._minute = -1
        self._used: dict[str, int] = {}
        """By token, as far as it is known here."""
        self._untold: dict[str, int] = {}
        """What of it the others do not know yet."""
        self._shared = database if database.shared else None
        self._sharing: asyncio.Task[None] | None = None

    def count(self, token_id: str, now: Instant) -> int | None:
        """Count a request of a token at `now`; how many are left. None if this was one too many."""
        minute = now // MINUTE
        if minute != self._minute:
            self._minute = minute
            self._used.clear()
            self._untold.clear()
        used = self._used.get(token_id, 0)
        if used >= self._per_minute:
            return None
        self._used[token_id] = used + 1
        if self._shared is not None:
            self._untold[token_id] = self._untold.get(token_id, 0) + 1
            if self._sharing is None:
                self._sharing = asyncio.get_running_loop().create_task(self._share(self._shared))
        return self._per_minute - used - 1

    async def _share(self, database: Database) -> None:
        """Tell the others until they know all."""
        try:
            while self._untold:
                await asyncio.sleep(SHARE_SECONDS)
                with contextlib.suppress(StoreUnavailable):  # then with what is counted until the next time
                    await self._tell(database)
        finally:
            self._sharing = None

    async def _tell(self, database: Database) -> None:
        minute, told = self._minute, dict(self._untold)
        used = await database.note(lambda conn: rate.add(conn, minute, told))
        if minute != self._minute:
            return
        for token_id, by_all in used.items():
            self._untold[token_id] -= told[token_id]
            self._used[token_id] = by_all + self._untold[token_id]
            if not self._untold[token_id]:
                del self._untold[token_id]
