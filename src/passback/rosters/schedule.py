"""Runs the syncs that are due."""

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
from passback.store.staging import compare

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.rosters.lease import SyncLease

log = logging.getLogger(__name__)

MOST_AT_ONCE = 2
"""How many districts one process syncs at the same time."""
_POLL_SECONDS = 1.0
_NEEDS_ATTENTION = "district %s's sync needs attention: passback sync status shows why"


async def run_due(gateway: Gateway) -> None:
    """Run due syncs until cancelled; unfinished ones are then free for any process to resume."""
    running: set[asyncio.Task[None]] = set()
    try:
        while True:
            with contextlib.suppress(StoreError):
                while len(running) < MOST_AT_ONCE and (lease := await _claim_next(gateway)) is not None:
                    task = asyncio.create_task(_run_one(lease))
                    running.add(task)
                    task.add_done_callback(running.discard)
            await asyncio.sleep(_POLL_SECONDS)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _claim_next(gateway: Gateway) -> SyncLease | None:
    now = gateway.clock()
    if not await gateway.database.read(lambda conn: syncs.any_due(conn, now)):
        return None
    return await claim(gateway)


async def _run_one(lease: SyncLease) -> None:
    district_id = lease.district_id
    try:
        if await sync(lease, Quiet()) is not None:
            log.warning(_NEEDS_ATTENTION, district_id)
    except Broken:  # the reason may name a student or teacher
        log.warning(_NEEDS_ATTENTION, district_id)
    except (LmsError, NotConnected, StoreError, compare.RosterChanged) as error:
        log.warning("district %s's sync failed: %s", district_id, describe_error(error))
    except LeaseLost:
        log.warning("lost the lease on district %s's sync", district_id)
    except Exception:
        log.exception("internal error in district %s's sync", district_id)
