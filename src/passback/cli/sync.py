"""``passback sync``: keep districts in step with their LMSs."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter, validators

from passback.cli import Data, UsageError, one_line
from passback.cli.data import existing, gateway_on
from passback.cli.progress import shown
from passback.domain.clock import HOUR, system_clock
from passback.store import districts, lms_roster, matching, roster, syncs, workers
from passback.wire.dates import show as show_date

if TYPE_CHECKING:
    from passback.cli.progress import Shown
    from passback.domain.roster import District
    from passback.store.engine.database import Connection, Opened
    from passback.store.lms_roster import Counts
    from passback.store.syncs import Sync

app = App(name="sync", help="Keep districts in step with their LMSs.")

_SERVER_TAKES_IT_SECONDS = 5.0
"""How long a running server has to take up what it was asked for, before this command does it itself."""
_LOOK_SECONDS = 0.25
_NOT_BEFORE = "not until somebody asks: passback sync run"


@app.command
def run(*, district: str, allow_removals: bool = False, data: Data = None) -> int:
    """Read a district's LMS now, match, and write down what has changed.

    A running server does it, at the LMS's pace beside the grades; where none is running, this command does. It can be
    broken off, and goes on where it was.

    Exit codes: 0 done, 1 broken off or done without some sections (it says which), 2 asked for wrongly.

    Args:
        district: The district's id.
        allow_removals: Remove, or take as matched no more, also more than a tenth.
        data: The folder of the data file [data].
    """
    district = district.lower()
    with existing(data) as database:
        _connected(database, district)
        now = system_clock()
        report_resuming(database.read_now(lambda conn: syncs.find(conn, district)))
        database.write_now(lambda conn: syncs.request(conn, district, now, removals=allow_removals))
        with shown() as bar:
            ended = asyncio.run(_follow(database, data, district, bar))
        if ended.failures == 0:
            _summarise(database, district)
        if ended.error is None:
            return 0
        print(f"passback: {one_line(ended.error)}; next: {_next(ended)}", file=sys.stderr)
        return 1


def report_resuming(sync: Sync | None) -> None:
    """Say where a sync goes on with what an earlier one has read."""
    from passback.rosters import read_lms

    now = system_clock()
    if sync is not None and read_lms.can_resume(sync, now):
        print(f"going on with what was read since {show_date(sync.began or now)}")


async def _follow(database: Opened, data: str | None, district: str, bar: Shown) -> Sync:
    """Show how far the sync is until it has ended, and carry it out where nobody does. How it ended."""
    # None is running where none has said that it is there; of one that was killed that is not known.
    anybody = await database.read(workers.find_all)
    patience = _SERVER_TAKES_IT_SECONDS if anybody else 0.0
    free_since = time.monotonic()
    while True:
        sync, found = await database.snapshot(
            lambda conn: (syncs.find(conn, district), lms_roster.count(conn, district))
        )
        if sync is None:
            raise UsageError(f"district {district} was disconnected meanwhile")
        if sync.worker is None and sync.requested is None:
            return sync
        if sync.worker is not None and (sync.leased_until or 0) > system_clock():
            free_since = time.monotonic()
            bar.step(sync.phase)
            if sync.phase == "sections":
                bar.read(found.courses_read, found.courses)
            elif sync.phase == "people":
                bar.read(found.sections_read, found.sections)
        elif time.monotonic() - free_since >= patience:
            await _run_here(database, data, district, bar)
        await asyncio.sleep(_LOOK_SECONDS)


async def _run_here(database: Opened, data: str | None, district: str, bar: Shown) -> None:
    from passback.lms.interface import LmsError
    from passback.rosters import sync
    from passback.rosters.failures import Broken
    from passback.rosters.lease import LeaseLost, claim
    from passback.rosters.read_lms import NotConnected

    async with gateway_on(database, data) as gateway:
        held = await claim(gateway, district)
        if held is not None:
            # Why it was broken off is told from what is written down.
            with contextlib.suppress(LmsError, NotConnected, Broken, LeaseLost):
                await sync.sync(held, bar)


@app.command
def status(*, district: str | None = None, data: Data = None) -> None:
    """Show when each district was last read, how far a sync is, and when the next one is.

    Args:
        district: The district's id; all that are connected unless given.
        data: The folder of the data file [data].
    """
    wanted = None if district is None else district.lower()

    def read(conn: Connection) -> list[tuple[District, Sync | None, Counts]]:
        found = []
        for district_id in districts.all_ids(conn) if wanted is None else [wanted]:
            known = roster.find(conn, roster.DISTRICTS, district_id, district_id)
            if known is None:
                raise UsageError(f"there is no district {district_id}")
            sync = syncs.find(conn, district_id)
            if sync is not None or wanted is not None:
                found.append((known, sync, lms_roster.count(conn, district_id)))
        return found

    with existing(data) as database:
        found = database.read_now(read)
        if not found:
            print("No district is connected to an LMS: passback connect")
        for known, sync, it in found:
            print(f"{known.id}  {one_line(known.name)} ({known.lms_state or 'not connected'})")
            print(f"  last  {'never' if known.last_lms_sync is None else show_date(known.last_lms_sync)}")
            if sync is None:
                print(f"  next  {_NOT_BEFORE if _is_read(known) else 'none: it is not connected to an LMS'}")
                continue
            if sync.worker is not None and (sync.leased_until or 0) > system_clock():
                print(f"  now   {sync.phase}: {_shown(it)}")
            elif sync.phase != "idle":
                print(f"  begun {_shown(it)}")
            print(f"  next  {_next(sync)}")
            if sync.error is not None:
                print(f"  error {one_line(sync.error)}")


@app.command
def schedule(
    *,
    district: str,
    hours: Annotated[float | None, Parameter(validator=validators.Number(gte=1, lte=24 * 90))] = None,
    off: bool = False,
    data: Data = None,
) -> None:
    """Say how often a district's LMS is read; once a day unless told.

    Args:
        district: The district's id.
        hours: How many hours from one to the next, from 1 to 2160.
        off: Only when somebody asks.
        data: The folder of the data file [data].
    """
    if (hours is None) is not off:
        raise UsageError("give --hours, or say --off")
    district = district.lower()
    every = None if hours is None else round(hours * HOUR)
    with existing(data) as database:
        known = _connected(database, district)
        now = system_clock()
        last = known.last_lms_sync or now

        def set_(conn: Connection) -> Sync | None:
            syncs.schedule(conn, district, every, last, now)
            return syncs.find(conn, district)

        found = database.write_now(set_)
    assert found is not None
    print(f"next: {_next(found)}")


def _connected(database: Opened, district_id: str) -> District:
    """The district. Raises `UsageError` for one without an LMS to read."""
    known = database.read_now(lambda conn: roster.find(conn, roster.DISTRICTS, district_id, district_id))
    if known is None:
        raise UsageError(f"there is no district {district_id}")
    if not _is_read(known):
        raise UsageError(f"district {district_id} is not connected to an LMS")
    return known


def _is_read(known: District) -> bool:
    """Whether a district has an LMS to read."""
    return known.lms_type not in ("", "builtin") and known.lms_state != "disconnected"


def _shown(it: Counts) -> str:
    if not it.courses:
        return "which there are is being read"
    return f"{it.courses_read:,} of {it.courses:,} courses, {it.sections_read:,} of {it.sections:,} sections read"


def _next(sync: Sync) -> str:
    if sync.due is None:
        return _NOT_BEFORE
    hours = 0.0 if sync.every is None else sync.every / HOUR
    every = f", then every {hours:.6g} hours" if hours else ""
    if hours == 1:
        every = ", then every hour"
    return f"{show_date(sync.due) if sync.due > system_clock() else 'now'}{every}"


def _summarise(database: Opened, district_id: str) -> None:
    found = database.read_now(lambda conn: matching.count_by_way(conn, district_id))
    for kind, of_kind in groupby(found, key=lambda it: it[0]):
        print(f"{kind}: " + ", ".join(f"{count:,} {way}" for _, way, count in of_kind))
