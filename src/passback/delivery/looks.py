"""Looks for assignments that were deleted or changed in the LMS, so that applications hear of it without asking.

Each section with assignments is looked at once a day, and sooner if a list lacked one or its district was synced. An
LMS that fails, or that shows less than there is, must not make anything count as deleted: what a list lacks is read by
itself, and the section must be readable.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.delivery import changes, webhook_notify
from passback.delivery.lms_errors import report_lms_error
from passback.domain.clock import DAY, HOUR, MINUTE
from passback.domain.delivery import lane_of
from passback.lms.http.within import without_tripping_breaker
from passback.lms.interface import Gone, LmsError, RefusedByLms
from passback.store import assignments, delivery_lanes, lms_seen, looks, roster
from passback.store.engine.database import StoreError
from passback.store.looks import Look

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.context import Gateway
    from passback.domain.assignment import Assignment
    from passback.domain.clock import Instant
    from passback.lms.interface import Connector
    from passback.store.engine.database import Connection
    from passback.store.looks import Expected

log = logging.getLogger(__name__)

SECOND_LOOK_AFTER = 20 * HOUR
"""How long an assignment must have been missed if the LMS may only have hidden it."""
_JITTER = 2 * HOUR
_RETRY_AFTER = 2 * HOUR
"""When a look is repeated if the LMS failed."""
_OTHERS_AFTER = 5 * MINUTE
"""How long a process leaves the others of its district alone then: the whole LMS may be down."""
_PAUSE_SECONDS = 2.0
"""How long a process waits between two looks."""
_AT_ONCE = 2
"""How many sections a process looks at concurrently, so that a slow LMS does not hold up the others."""
_RESTORED_WITHIN = 30 * DAY
"""How long an assignment that is gone is still looked for, since LMSs can restore it."""
_MOST_EXPECTED = 500
"""How many of a section's assignments are looked for: the newest."""
_LISTED_AT_ONCE = 100
_MOST_READ = 20
"""How many missing assignments are read by themselves in one look; more are left to the next."""
_MOST_TIMES = 3
"""How many times a section is looked at while other looks at it note what has changed."""
_MOST_WAITING = 100
"""How many changes of an assignment that wait are examined."""


class _Seen(Struct, frozen=True):
    """What a look has missed, and what it has seen again."""

    sure: list[Expected]
    doubtful: list[Expected]
    there: Mapping[str, Assignment] = {}
    """What was listed, by the LMS's ids."""
    back: Sequence[str] = ()
    """The ids of those that were missed before, and are there."""
    titles: Mapping[str, str] = {}
    """The titles in the LMS of those whose titles are not known, by their ids."""
    more: bool = False
    """Whether more are missing than were looked for."""


async def run_looks(gateway: Gateway) -> None:
    """Look at the sections that are due until cancelled."""
    failing: dict[str, Instant] = {}

    async def run() -> None:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            with contextlib.suppress(StoreError):
                await look_at_next(gateway, failing)

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(run())


async def look_at_next(gateway: Gateway, failing: dict[str, Instant] | None = None) -> bool:
    """Look at a section that is due. False if none is. Raises `StoreError`.

    `failing` has the districts whose LMS has just failed, and until when each is left alone; it is brought up to date.
    """
    now = gateway.clock()
    failing = {} if failing is None else failing
    # A time further ahead is from before the clock was set back.
    but = {district for district, until in failing.items() if now < until <= now + _OTHERS_AFTER}
    if not await gateway.database.read(lambda conn: looks.any_due(conn, now)):
        return False

    def claim(conn: Connection) -> Look | None:
        looks.spread(conn, lambda: now + 1 + secrets.randbelow(looks.EVERY))
        return looks.claim(conn, now, now + looks.LONGEST_CLAIM, but)

    look = await gateway.database.write(claim)
    if look is None:
        return False
    try:
        with without_tripping_breaker():
            await _look(gateway, look)
    except LmsError as error:
        log.info("could not look for the assignments of section %s: %s", look.section_id, error)
        await report_lms_error(gateway, look.district_id, error)
        failing[look.district_id] = gateway.clock() + _OTHERS_AFTER
        await _finish(gateway, look, now + _RETRY_AFTER)
    except StoreError:
        raise
    except Exception:
        log.exception("internal error while looking for the assignments of section %s", look.section_id)
        await _finish(gateway, look, now + looks.EVERY)
    return True


async def notice_missing(
    gateway: Gateway, district_id: str, section_id: str, assignment_ids: Sequence[str]
) -> None:
    """Look at a section soon, because a list of the LMS lacked these assignments."""
    now = gateway.clock()
    if gateway.connectors.pretending:

        def pretend(conn: Connection) -> None:
            for id_ in assignment_ids:
                webhook_notify.assignment_gone(conn, district_id, section_id, id_, now, pretended=True)

        await gateway.database.write(pretend)
    elif await gateway.database.read(lambda conn: looks.any_expected(conn, assignment_ids)):
        await gateway.database.write(lambda conn: looks.request(conn, section_id, now))


async def look_at(gateway: Gateway, district_id: str, section_id: str) -> None:
    """Look at a section now, whenever it is due. Raises `LmsError` and `StoreError`."""
    with without_tripping_breaker():
        await _look(gateway, Look(section_id, district_id, 0))


async def _look(gateway: Gateway, look: Look) -> None:
    """Look at a section. Raises `LmsError` if nothing can be concluded."""

    def find(conn: Connection) -> tuple[Connector | None, str, list[Expected], changes.Wanted]:
        want = changes.wanted(conn, look.district_id, gateway.clock())
        section = roster.section_in_lms(conn, look.district_id, look.section_id)
        if section is None:  # removed from the roster
            return None, "", [], want
        # A section that is no longer in the LMS is no longer matched: it is looked for where it was.
        lms_section = section.lms_id or looks.lms_section(conn, section.id)
        if lms_section is None:
            return None, "", [], want
        connector = gateway.connectors.find(conn, look.district_id, section.lms_type)
        since = gateway.clock() - _RESTORED_WITHIN
        expected = looks.expected(conn, section.id, lms_section, since, _MOST_EXPECTED)
        return connector, lms_section, expected, want

    connector, section, expected, want = await gateway.database.read(find)
    if not expected:
        await gateway.database.write(lambda conn: looks.forget(conn, look))
    elif connector is None:  # not connected now: nothing can be concluded
        await _finish(gateway, look, _next(gateway.clock()))
    elif not want.any:
        await _record(gateway, look, await _see(connector, section, expected), soon=False)
    else:
        await _notice(gateway, look, connector, section, expected, want)


async def _notice(
    gateway: Gateway,
    look: Look,
    connector: Connector,
    section: str,
    expected: Sequence[Expected],
    want: changes.Wanted,
) -> None:
    """Look for changes, too; again if another look has noted some meanwhile. Raises as `_look`."""
    seen: _Seen | None = None
    try:
        for _ in range(_MOST_TIMES):
            began = gateway.clock()
            before = await gateway.database.read(lambda conn: lms_seen.find_all(conn, look.section_id))
            seen = await _see(connector, section, expected)
            found = changes.Found(section, seen.there, expected, began, before)
            if await changes.notice(gateway, look, connector, found, want):
                break
    finally:  # what is gone is gone, also if grades cannot be read
        if seen is not None:
            await _record(gateway, look, seen, soon=True)


async def _see(connector: Connector, section: str, expected: Sequence[Expected]) -> _Seen:
    """See which assignments the LMS has. Raises `LmsError`."""
    try:
        listed: dict[str, Assignment] = {}
        for start in range(0, len(expected), _LISTED_AT_ONCE):
            some = [it.lms_id for it in expected[start : start + _LISTED_AT_ONCE]]
            listed |= await connector.read_assignments(section, some)
        lacking = [it for it in expected if it.lms_id not in listed and it.gone is None]
        unread = lacking[:_MOST_READ]
        gone = [it for it in unread if await _is_gone(connector, section, it.lms_id)]
        if gone and not listed:
            await connector.read_people(section)  # if the section itself is hidden, so are its assignments
    except Gone as error:
        if error.thing != "section":
            raise
        return _Seen([], [it for it in expected if it.gone is None])
    there = listed.keys() | {it.lms_id for it in unread if it not in gone}
    back = [it.id for it in expected if it.lms_id in there and (it.missed, it.gone) != (None, None)]
    titles = {it.id: listed[it.lms_id].title for it in expected if it.untitled and it.lms_id in listed}
    return _Seen(gone, [], listed, back, titles, more=len(lacking) > len(unread))


async def _is_gone(connector: Connector, section: str, assignment: str) -> bool:
    """Whether the LMS has no such assignment. Raises `LmsError`, and `Gone` if the section itself is gone."""
    try:
        await connector.read_assignment(section, assignment)
    except Gone as error:
        if error.thing == "assignment":
            return True
        raise
    except RefusedByLms:
        return False  # it is there, but nobody may read it
    return False


async def _record(gateway: Gateway, look: Look, seen: _Seen, *, soon: bool) -> None:
    """Record what a look has seen; `soon` if the next is to come sooner."""
    now = gateway.clock()
    first = [it.id for it in seen.doubtful if it.missed is None]
    again = [it for it in seen.doubtful if it.missed is not None and it.missed <= now - SECOND_LOOK_AFTER]

    def record(conn: Connection) -> None:
        for it in (*seen.sure, *again):
            _record_gone(conn, look, it.id, now)
        looks.set_missed(conn, first, now)
        looks.set_there(conn, seen.back)
        assignments.set_unknown_titles(conn, seen.titles)
        looks.finish(conn, look, now + MINUTE if seen.more else _next(now, soon=soon), now)
        webhook_notify.connection_works(conn, look.district_id, now)  # as a look that fails marks it

    await gateway.database.write(record)


def _record_gone(conn: Connection, look: Look, assignment_id: str, now: Instant) -> None:
    """Notify applications, unless one deleted it itself, and the answer was lost or is still to come."""
    lane = lane_of("delete_assignment", "", assignment_id, None)
    waiting = delivery_lanes.waiting_in(conn, lane, _MOST_WAITING)
    if delivery_lanes.is_under_way(conn, lane) or any(it.operation == "delete_assignment" for it in waiting):
        return  # its outcome will tell
    if any(it.operation == "delete_assignment" for it in delivery_lanes.in_doubt(conn, lane)):
        assignments.mark_deleted(conn, assignment_id, now)
    else:
        webhook_notify.assignment_gone(
            conn, look.district_id, look.section_id, assignment_id, now, pretended=False
        )


async def _finish(gateway: Gateway, look: Look, due: Instant) -> None:
    await gateway.database.write(lambda conn: looks.finish(conn, look, due, gateway.clock()))


def _next(now: Instant, *, soon: bool = False) -> Instant:
    """When a section is looked at again: not all at the same time of the day."""
    return now + (changes.EVERY if soon else looks.EVERY) + secrets.randbelow(_JITTER)
