"""Syncs: requesting, following and scheduling the reading of districts' LMSs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.context import Gateway
from passback.domain.roster import District
from passback.lms.interface import LmsError
from passback.lms.registry import BUILTIN
from passback.operations import audit
from passback.operations.districts import required
from passback.operations.errors import OperationError
from passback.rosters import sync as syncing
from passback.rosters.failures import Broken
from passback.rosters.lease import LeaseLost, claim
from passback.rosters.read_lms import NotConnected, can_resume
from passback.store import districts, held_back, lms_roster, matching, syncs, workers
from passback.store.held_back import HeldBack
from passback.store.lms_roster import Counts
from passback.store.syncs import Sync

if TYPE_CHECKING:
    from passback.domain.clock import Clock, Instant
    from passback.rosters.progress import Progress as Watch
    from passback.store.engine.database import Connection, Database

__all__ = [
    "Counts",
    "OpenGateway",
    "Status",
    "Sync",
    "follow",
    "is_running",
    "match_counts",
    "reads_lms",
    "request",
    "resumes_from",
    "schedule",
    "status",
]

OpenGateway = Callable[[], AbstractAsyncContextManager[Gateway]]

_SERVER_TAKES_IT_SECONDS = 5.0
"""How long a running server has to start a requested sync, before it is carried out here."""
_LOOK_SECONDS = 0.25


class Status(Struct, frozen=True):
    """How far the reading of a district is."""

    district: District
    sync: Sync | None
    """None if nothing has been scheduled yet."""
    progress: Counts
    held_back: HeldBack | None
    """What waits for a person; None if nothing does."""


async def status(database: Database, district_id: str | None = None) -> list[Status]:
    """Return the status of a district, or of all that are connected. Raises `NotFound`."""

    def read(conn: Connection) -> list[Status]:
        found = []
        for id_ in districts.all_ids(conn) if district_id is None else [district_id]:
            district = required(conn, id_)
            sync = syncs.find(conn, id_)
            if sync is not None or district_id is not None:
                begun = sync is not None and sync.phase != "idle"
                progress = lms_roster.count(conn, id_) if begun else Counts(0, 0, 0, 0)
                found.append(Status(district, sync, progress, held_back.find(conn, id_)))
        return found

    return await database.snapshot(read)


async def request(
    database: Database, district_id: str, clock: Clock, *, allow_removals: bool = False, actor: str = ""
) -> Instant | None:
    """Request a sync now; returns since when what it continues with was read, if it resumes an earlier one.

    Raises `OperationError` for a district without an LMS.
    """
    now = clock()

    def write(conn: Connection) -> Instant | None:
        connected(conn, district_id)
        earlier = syncs.find(conn, district_id)
        syncs.request(conn, district_id, now, removals=allow_removals)
        allowed = "removals allowed" if allow_removals else ""
        audit.record(conn, "sync.requested", district_id, district_id, allowed, actor=actor)
        return resumes_from(earlier, now)

    return await database.write(write)


def resumes_from(sync: Sync | None, now: Instant) -> Instant | None:
    """Since when what a sync would continue with was read; None if it would start over."""
    return (sync.began or now) if sync is not None and can_resume(sync, now) else None


async def follow(
    database: Database, district_id: str, open_gateway: OpenGateway, clock: Clock, watch: Watch
) -> Sync:
    """Wait until a requested sync has ended, and carry it out here if no running server does; how it ended.

    Raises `OperationError` if the district is disconnected meanwhile.
    """
    # Without a registered worker no server is running; a registered one may have been killed.
    registered = await database.read(workers.find_all)
    patience = _SERVER_TAKES_IT_SECONDS if registered else 0.0
    free_since = time.monotonic()
    while True:
        sync, progress = await database.snapshot(
            lambda conn: (syncs.find(conn, district_id), lms_roster.count(conn, district_id))
        )
        if sync is None:
            raise OperationError(f"district {district_id} was disconnected meanwhile")
        if sync.worker is None and sync.requested is None:
            return sync
        if is_running(sync, clock()):
            free_since = time.monotonic()
            _show(sync, progress, watch)
        elif time.monotonic() - free_since >= patience:
            await _run_here(district_id, open_gateway, watch)
        await asyncio.sleep(_LOOK_SECONDS)


async def schedule(database: Database, district_id: str, every: int | None, clock: Clock) -> Sync:
    """Read a district's LMS every so many milliseconds, or with None only on request.

    Raises `OperationError` for a district without an LMS.
    """
    now = clock()

    def write(conn: Connection) -> Sync | None:
        district = connected(conn, district_id)
        syncs.schedule(conn, district_id, every, district.last_lms_sync or now, now)
        return syncs.find(conn, district_id)

    found = await database.write(write)
    assert found is not None
    return found


async def match_counts(database: Database, district_id: str) -> list[tuple[str, str, int]]:
    """How many ``sections`` and ``people`` are matched in which way, the most common first."""
    return await database.snapshot(lambda conn: matching.count_by_way(conn, district_id))


def is_running(sync: Sync, now: Instant) -> bool:
    """Whether a process is carrying the sync out."""
    return sync.worker is not None and (sync.leased_until or 0) > now


def reads_lms(district: District) -> bool:
    """Whether a district has an LMS to read."""
    return district.lms_type not in ("", BUILTIN) and district.lms_state != "disconnected"


def connected(conn: Connection, district_id: str) -> District:
    """A district with an LMS to read. Raises `OperationError`."""
    district = required(conn, district_id)
    if not reads_lms(district):
        raise OperationError(f"district {district_id} is not connected to an LMS")
    return district


def _show(sync: Sync, progress: Counts, watch: Watch) -> None:
    watch.step(sync.phase)
    if sync.phase == "sections":
        watch.read(progress.courses_read, progress.courses)
    elif sync.phase == "people":
        watch.read(progress.sections_read, progress.sections)


async def _run_here(district_id: str, open_gateway: OpenGateway, watch: Watch) -> None:
    async with open_gateway() as gateway:
        held = await claim(gateway, district_id)
        if held is not None:
            # The database keeps why it failed.
            with contextlib.suppress(LmsError, NotConnected, Broken, LeaseLost):
                await syncing.sync(held, watch)
