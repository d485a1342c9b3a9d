"""Reading all of a district's LMS into the store, piece by piece, so that it can go on after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from passback.domain.clock import DAY
from passback.domain.matching import LmsCourse, SectionRef
from passback.lms.http.client import without_tripping_breaker
from passback.lms.interface import Gone, LmsError, NotAllowed
from passback.lms.registry import BUILTIN
from passback.store import roster, syncs

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.domain.clock import Instant
    from passback.domain.matching import Person
    from passback.lms.interface import Connector
    from passback.rosters.lease import Renew, SyncLease
    from passback.rosters.progress import Progress
    from passback.store.engine.database import Connection
    from passback.store.syncs import Phase, Sync

T = TypeVar("T", LmsCourse, SectionRef)
R = TypeVar("R")

_AT_ONCE = 4
"""How many courses or sections are read at once, so that grades find room beside it."""
_TOO_OLD = DAY
"""What was begun longer ago is not gone on with, but read anew, in milliseconds."""
_WRITTEN_AT_ONCE = 1_000
_LOOKED_UP_AT_ONCE = 500
_MOST_IN_A_ROW = 5
"""After how many courses or sections in a row that cannot be read none is tried any more: the LMS is down."""
_MOST_FAILED = 5, 0.01
"""How many may fail at all: so many, or such a part of them."""
_TRIES = 3
"""How often in a row nothing may have been got further, before what cannot be read is left as it is."""


class NotConnected(LookupError):
    """The district has no connection to an LMS."""


async def connector_of(gateway: Gateway, district_id: str) -> Connector:
    """The connector to a district's LMS. Raises `NotConnected`."""

    def look_up(conn: Connection) -> Connector | None:
        district = roster.find(conn, roster.DISTRICTS, district_id, district_id)
        if district is None or district.lms_type == BUILTIN:  # which has no roster of its own
            return None
        return gateway.connectors.find(conn, district_id, district.lms_type)

    connector = await gateway.database.read(look_up)
    if connector is None:
        raise NotConnected(f"district {district_id} is not connected to an LMS")
    return connector


def can_resume(sync: Sync, now: Instant) -> bool:
    """Whether what was read by an earlier one counts, so that reading goes on from there."""
    recent = sync.began is not None and sync.began > now - _TOO_OLD
    return sync.phase not in ("idle", "courses") and recent


async def read_lms(
    gateway: Gateway, connector: Connector, sync: Sync, hold: Renew, progress: Progress
) -> dict[str, LmsError]:
    """Read every course with its sections, then every section with its people.

    What an earlier one has read is not read again. Raises `LmsError`; what has been read by then stays. Where it failed
    in the same sections again and again, it is done without them: why, by their ids.
    """
    reading = _Reading(gateway, connector, sync.district_id, hold, progress)
    with without_tripping_breaker():
        before = can_resume(sync, gateway.clock())
        if not before:
            await reading.courses()
        await reading.sections()
        return await reading.people(last=before and sync.failures >= _TRIES - 1)


async def clear(gateway: Gateway, district_id: str, hold: Renew) -> None:
    """Forget what was read, a little at a time, so that others are not held up."""

    def some(conn: Connection) -> bool:
        hold(conn)
        return syncs.clear(conn, district_id, _WRITTEN_AT_ONCE)

    while await gateway.database.write(some):
        pass


async def discard(held: SyncLease) -> None:
    """Forget what was read, and leave the next sync as it was set."""

    def end(conn: Connection) -> None:
        roster.enter_first_sync(conn, held.district_id, "initial_sync_processing")
        held.renew(conn)
        syncs.enter(conn, held.district_id, "idle")

    await held.gateway.database.write(end)
    await clear(held.gateway, held.district_id, held.renew)


async def items_read(held: SyncLease) -> int:
    """How many courses and sections have been read."""
    found = await held.gateway.database.read(lambda conn: syncs.progress(conn, held.district_id))
    return found.courses_read + found.sections_read


class _Reading:
    """The reading of one district."""

    def __init__(
        self, gateway: Gateway, connector: Connector, district_id: str, hold: Renew, progress: Progress
    ) -> None:
        self._gateway = gateway
        self._connector = connector
        self._district_id = district_id
        self._hold = hold
        self._progress = progress

    async def courses(self) -> None:
        """List the courses, from the beginning."""
        await self._enter("courses", self._gateway.clock())
        await clear(self._gateway, self._district_id, self._hold)
        courses = await self._connector.read_courses()
        await self._gateway.database.write(self._begun)
        for start in range(0, len(courses), _WRITTEN_AT_ONCE):
            some = courses[start : start + _WRITTEN_AT_ONCE]
            await self._write(lambda conn, some=some: syncs.add_courses(conn, self._district_id, some))  # type: ignore[misc]

    def _begun(self, conn: Connection) -> None:
        # The district first, as everywhere: who locks them the other way round would wait for one another.
        roster.enter_first_sync(conn, self._district_id, "initial_sync_processing")
        self._hold(conn)

    async def sections(self) -> None:
        """Read the sections of the courses that have not been read."""
        found = await self._enter("sections")
        failed = await self._each(syncs.unread_courses, self._read_course, found.courses_read, found.courses)
        _raise_first(failed)

    async def people(self, *, last: bool) -> dict[str, LmsError]:
        """Read the people of the sections that have not been read; why some cannot be, where it is the `last` try."""
        found = await self._enter("people")
        failed = await self._each(
            syncs.unread_sections, self._read_section, found.sections_read, found.sections, to_the_end=last
        )
        if not last:
            _raise_first(failed)
        if failed:
            await self._write(lambda conn: syncs.keep_unread(conn, self._district_id))
        return {section.id: error for section, error in failed.items()}

    async def _enter(self, phase: Phase, began: int | None = None) -> syncs.Progress:
        self._progress.step(phase)

        def enter(conn: Connection) -> syncs.Progress:
            syncs.enter(conn, self._district_id, phase, began)
            return syncs.progress(conn, self._district_id)

        return await self._write(enter)

    async def _write(self, fn: Callable[[Connection], R]) -> R:
        def held(conn: Connection) -> R:
            self._hold(conn)
            return fn(conn)

        return await self._gateway.database.write(held)

    async def _each(
        self,
        unread: Callable[[Connection, str, int], list[T]],
        read: Callable[[T], Awaitable[None]],
        done: int,
        total: int,
        *,
        to_the_end: bool = False,
    ) -> dict[T, LmsError]:
        """Read all that has not been read, some at once; which of them failed, and why.

        Raises `LmsError` where too many do (also in a row, unless it is to go on `to_the_end`), or our credentials are
        refused.
        """
        self._progress.read(done, total)
        failed: dict[T, LmsError] = {}
        in_a_row = 0
        least, share = _MOST_FAILED

        async def read_some(waiting: Iterator[T]) -> None:
            nonlocal done, in_a_row
            for one in waiting:
                try:
                    await read(one)
                except LmsError as error:
                    if isinstance(error, NotAllowed) and error.credentials:
                        raise
                    failed[one] = error
                    in_a_row += 1
                    down = in_a_row >= _MOST_IN_A_ROW and not to_the_end
                    if down or len(failed) > max(least, share * total):
                        _raise_first(failed)
                else:
                    done += 1
                    in_a_row = 0
                    self._progress.read(done, total)

        def look_up(conn: Connection) -> list[T]:
            found = unread(conn, self._district_id, _LOOKED_UP_AT_ONCE + len(failed))
            return [it for it in found if it not in failed]

        while found := await self._gateway.database.read(look_up):
            waiting = iter(found)
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(_AT_ONCE):
                        group.create_task(read_some(waiting))
            except* Exception as several:
                raise several.exceptions[0] from None
        return failed

    async def _read_course(self, course: LmsCourse) -> None:
        sections: Sequence[SectionRef]
        try:
            sections = await self._connector.read_sections(course)
        except Gone:
            sections = []  # it was deleted meanwhile
        await self._write(lambda conn: syncs.add_sections(conn, self._district_id, course, sections))

    async def _read_section(self, section: SectionRef) -> None:
        people: Sequence[Person]
        try:
            people = await self._connector.read_people(section.id)
        except Gone:
            people = []
        await self._write(lambda conn: syncs.add_members(conn, self._district_id, section.id, people))


def _raise_first(failed: Mapping[T, LmsError]) -> None:
    """Raise the first of what went wrong, if anything did, saying with what it did."""
    for where, error in failed.items():
        kind = "course" if isinstance(where, LmsCourse) else "section"
        error.add_note(f"{kind} {where.id}")
        raise error
