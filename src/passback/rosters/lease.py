"""A sync is held by one process at a time, which says again and again that it still is at it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from msgspec import Struct
from uuid_utils import uuid7

from passback.domain.clock import SECOND
from passback.store import syncs
from passback.store.engine.database import Connection, StoreError

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.store.syncs import Sync

Renew = Callable[[Connection], None]
"""Part of every transaction of who reads a district: it raises `Lost` where another does by now."""
_HELD_FOR = 45 * SECOND
_HOLD_AGAIN_SECONDS = 10.0


class LeaseLost(Exception):
    """Another reads the district by now: nothing may be written for it any more."""


class SyncLease(Struct, frozen=True):
    """A sync that this process holds."""

    sync: Sync
    worker: str
    gateway: Gateway

    @property
    def district_id(self) -> str:
        """Whose it is."""
        return self.sync.district_id

    def renew(self, conn: Connection) -> None:
        """Go on holding it; part of a transaction. Raises `Lost`."""
        if not syncs.renew(conn, self.district_id, self.worker, self.gateway.clock() + _HELD_FOR):
            raise LeaseLost(self.district_id)


async def claim(gateway: Gateway, district_id: str | None = None) -> SyncLease | None:
    """Hold a sync that is due, or the district's that is named; None where there is none, or another holds it."""
    worker = str(uuid7())
    now = gateway.clock()
    found = await gateway.database.write(
        lambda conn: syncs.claim(conn, worker, now, now + _HELD_FOR, district_id)
    )
    return None if found is None else SyncLease(found, worker, gateway)


@contextlib.asynccontextmanager
async def leased(held: SyncLease) -> AsyncIterator[None]:
    """Hold a sync inside the ``with``. What is not finished in the end is gone on with later, by this or another."""

    async def show() -> None:
        while True:
            await asyncio.sleep(_HOLD_AGAIN_SECONDS)
            # Where it cannot be shown, or another holds it by now, the next thing that is written finds out.
            with contextlib.suppress(StoreError, LeaseLost):
                await held.gateway.database.write(held.renew)

    task = asyncio.create_task(show())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        with contextlib.suppress(StoreError):
            await held.gateway.database.write(lambda conn: syncs.release(conn, held.district_id, held.worker))
