"""The lease on a district's sync: one process at a time holds it and renews it while it works."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from msgspec import Struct
from uuid_utils import uuid7

from passback.store import syncs
from passback.store.engine.database import Connection, StoreError

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.store.syncs import Sync

Renew = Callable[[Connection], None]
"""Part of every transaction that a sync writes: raises `LeaseLost` if another process has taken over."""

_RENEW_SECONDS = 10.0


class LeaseLost(Exception):
    """Another process has taken over the sync: nothing more may be written for it."""


class SyncLease(Struct, frozen=True):
    """A sync that this process has claimed."""

    sync: Sync
    worker: str
    gateway: Gateway

    @property
    def district_id(self) -> str:
        """The district that is synced."""
        return self.sync.district_id

    def renew(self, conn: Connection) -> None:
        """Extend the lease, as part of a transaction. Raises `LeaseLost`."""
        if not syncs.renew(conn, self.district_id, self.worker, self.gateway.clock() + syncs.LONGEST_LEASE):
            raise LeaseLost(self.district_id)


async def claim(gateway: Gateway, district_id: str | None = None) -> SyncLease | None:
    """Claim a sync that is due, or the sync of the given district; None if there is none or it is already claimed."""
    worker = str(uuid7())
    now = gateway.clock()
    found = await gateway.database.write(
        lambda conn: syncs.claim(conn, worker, now, now + syncs.LONGEST_LEASE, district_id)
    )
    return None if found is None else SyncLease(found, worker, gateway)


@contextlib.asynccontextmanager
async def leased(lease: SyncLease) -> AsyncIterator[None]:
    """Keep a lease renewed inside the ``with`` and release it at the end; what is unfinished can be resumed later."""

    async def keep_renewing() -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            # If this fails or the lease is lost, the next write of the sync notices.
            with contextlib.suppress(StoreError, LeaseLost):
                await lease.gateway.database.write(lease.renew)

    task = asyncio.create_task(keep_renewing())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        with contextlib.suppress(StoreError):
            await lease.gateway.database.write(
                lambda conn: syncs.release(conn, lease.district_id, lease.worker)
            )
