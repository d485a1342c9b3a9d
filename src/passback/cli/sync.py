"""``passback sync``: keep districts in step with their LMSs."""

from __future__ import annotations

import asyncio
import sys
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators

from passback.cli import Data, UsageError, group, leaving
from passback.cli.data import existing, gateway_on, on_database
from passback.cli.output import show_json, show_rows
from passback.cli.progress import progress_bar
from passback.cli.text import iso, one_line
from passback.domain.clock import HOUR, system_clock
from passback.operations import syncs
from passback.operations.dates import show as show_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.clock import Instant
    from passback.operations.rosters import HeldBack
    from passback.operations.syncs import Counts, Status, Sync

app = group("sync")

_ON_REQUEST = "only on request: passback sync run"


@app.command
def run(*, district: str, allow_removals: bool = False, json: bool = False, data: Data = None) -> int:
    """Read a district's LMS now, match the roster to it, and record what has changed.

    A running server carries the sync out, at the LMS's pace beside the grades; if none is running, this command does.
    It can be interrupted, and continues where it was.

    If more than 10 % (and more than 5) would be removed or unmatched, that waits; everything else is done.

    Exit codes: 0 success, 1 the sync failed, skipped sections or holds removals back (it says which), 2 usage error.

    Args:
        district: The district's id.
        allow_removals: Allow the sync to remove and unmatch any number, also what waits.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    district = district.lower()
    with existing(data) as database:
        since = asyncio.run(syncs.request(database, district, system_clock, allow_removals=allow_removals))
        if since is not None and not json:
            say_what_is_resumed(since)
        with leaving(lambda: _left(district)), progress_bar() as bar:
            ended = asyncio.run(
                syncs.follow(database, district, lambda: gateway_on(database, data), system_clock, bar)
            )
        matched = asyncio.run(syncs.match_counts(database, district)) if ended.failures == 0 else []
        if json:
            [now] = asyncio.run(syncs.status(database, district))
            ways = {
                kind: {way: count for _, way, count in of_kind}
                for kind, of_kind in groupby(matched, key=lambda it: it[0])
            }
            show_json({**_fields(now), "matched": ways})
        else:
            _summarise(matched)
    if ended.error is None:
        return 0
    print(f"passback: {one_line(ended.error)}; next: {_next(ended)}", file=sys.stderr)
    return 1


def _left(district_id: str) -> str:
    return (
        "what was read of the LMS is kept. A running server goes on with the sync, or the next"
        f" passback sync run --district {district_id}"
    )


def say_what_is_resumed(since: Instant) -> None:
    """Print that a sync continues with what an earlier one has read."""
    print(f"continuing with what was read since {show_date(since)}")


@app.command
def status(*, district: str | None = None, json: bool = False, data: Data = None) -> None:
    """Show when each district was last read, the progress of its sync, when the next one is, and what waits.

    Args:
        district: The district's id; without it, all connected districts.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found = on_database(data, lambda it: syncs.status(it, district and district.lower()))
    if json:
        show_rows(map(_fields, found), (), json=True)
        return
    if not found:
        print("No district is connected to an LMS: passback connect")
    for one in found:
        _show(one)


def waiting(held: HeldBack) -> str:
    """What waits for a person, in words."""
    what = ", ".join(
        f"{done} of {', '.join(f'{count:,} {kind}' for kind, count in of.items())}"
        for done, of in (("removal", held.removals), ("unmatching", held.unmatching))
        if of
    )
    return f"{what}, since {show_date(held.since)}: --allow-removals if it is right"


def waiting_fields(held: HeldBack | None) -> dict[str, Any] | None:
    """What waits for a person, for JSON."""
    if held is None:
        return None
    return {"since": iso(held.since), "removals": held.removals, "unmatching": held.unmatching}


def _fields(one: Status) -> dict[str, Any]:
    """How a district's sync is, for JSON."""
    district, sync = one.district, one.sync
    return {
        "district_id": district.id,
        "district_name": district.name,
        "lms_state": district.lms_state or None,
        "last": iso(district.last_lms_sync),
        "running": sync is not None and syncs.is_running(sync, system_clock()),
        "phase": None if sync is None else sync.phase,
        "courses": one.progress.courses,
        "courses_read": one.progress.courses_read,
        "sections": one.progress.sections,
        "sections_read": one.progress.sections_read,
        "next": None if sync is None else iso(sync.due),
        "every_hours": None if sync is None or sync.every is None else sync.every / HOUR,
        "failures": 0 if sync is None else sync.failures,
        "error": None if sync is None else sync.error,
        "waiting": waiting_fields(one.held_back),
    }


def _show(one: Status) -> None:
    district, sync = one.district, one.sync
    print(f"{district.id}  {one_line(district.name)} ({district.lms_state or 'not connected'})")
    print(f"  last  {'never' if district.last_lms_sync is None else show_date(district.last_lms_sync)}")
    if one.held_back is not None:
        print(f"  waits {waiting(one.held_back)}")
    if sync is None:
        print(
            f"  next  {_ON_REQUEST if syncs.reads_lms(district) else 'none: it is not connected to an LMS'}"
        )
        return
    if syncs.is_running(sync, system_clock()):
        print(f"  now   {sync.phase}: {_progress(one.progress)}")
    elif sync.phase != "idle":
        print(f"  begun {_progress(one.progress)}")
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
    """Set how often a district's LMS is read; once a day by default.

    Args:
        district: The district's id.
        hours: How many hours from one sync to the next, from 1 to 2160.
        off: Read it only on request.
        data: The folder of the data file [data].
    """
    if (hours is None) is not off:
        raise UsageError("give --hours or --off")
    every = None if hours is None else round(hours * HOUR)
    sync = on_database(data, lambda it: syncs.schedule(it, district.lower(), every, system_clock))
    print(f"next: {_next(sync)}")


def _progress(it: Counts) -> str:
    if not it.courses:
        return "the list of courses is being read"
    return f"{it.courses_read:,} of {it.courses:,} courses, {it.sections_read:,} of {it.sections:,} sections read"


def _next(sync: Sync) -> str:
    if sync.due is None:
        return _ON_REQUEST
    hours = 0.0 if sync.every is None else sync.every / HOUR
    every = f", then every {hours:.6g} hours" if hours else ""
    if hours == 1:
        every = ", then every hour"
    return f"{show_date(sync.due) if sync.due > system_clock() else 'now'}{every}"


def _summarise(found: Sequence[tuple[str, str, int]]) -> None:
    for kind, of_kind in groupby(found, key=lambda it: it[0]):
        print(f"{kind}: " + ", ".join(f"{count:,} {way}" for _, way, count in of_kind))
