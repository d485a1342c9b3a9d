"""Carrying out the syncs that are due."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from passback.lms.interface import LmsError
from passback.rosters.failures import Broken, describe_error
from passback.rosters.lease import LeaseLost, claim
from passback.rosters.progress import Quiet
from passback.rosters.read_lms import NotConnected
from passback.rosters.sync import sync
from passback.store import syncs
from passback.store.engine.database import StoreError
from passback.store.staging import tables

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.rosters.lease import SyncLease

log = logging.getLogger(__name__)

MOST_AT_ONCE = 2
"""How many districts a process reads at once."""
_POLL_SECONDS = 1.0


async def run_due(gateway: Gateway) -> None:
    """Carry out the syncs that are due, until cancelled; then they are left for whoever comes next."""
    running: set[asyncio.Task[None]] = set()
    try:
        while True:
            with contextlib.suppress(StoreError):
                while len(running) < MOST_AT_ONCE and (held := await _next(gateway)) is not None:
                    task = asyncio.create_task(_run_one(held))
                    running.add(task)
                    task.add_done_callback(running.discard)
            await asyncio.sleep(_POLL_SECONDS)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _next(gateway: Gateway) -> SyncLease | None:
    now = gateway.clock()
    if not await gateway.database.read(lambda conn: syncs.anything_due(conn, now)):
        return None
    return await claim(gateway)


async def _run_one(held: SyncLease) -> None:
    try:
        await sync(held, Quiet())
    except Broken:  # what is in the way may name somebody
        log.warning(
            "the sync of district %s waits for somebody: passback sync status says why", held.district_id
        )
    except (LmsError, NotConnected, StoreError, tables.RosterChanged) as error:
        log.warning("the sync of district %s was broken off: %s", held.district_id, describe_error(error))
    except LeaseLost:
        log.warning("the sync of district %s is another's by now, or nobody's", held.district_id)
    except Exception:
        log.exception("a fault of ours in the sync of district %s", held.district_id)
