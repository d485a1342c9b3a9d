"""Reads all of a district's LMS into the store, piece by piece, so that it can resume after a crash.

A list may be cut or empty although the LMS has more. So what is matched and no longer listed is asked for by itself,
section by section and person by person, before it counts as gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from passback.domain.clock import DAY
from passback.domain.matching import LmsCourse, SectionRef
from passback.lms.http.within import without_tripping_breaker
from passback.lms.interface import Gone, LmsError, NotAllowed, Unavailable
from passback.lms.registry import BUILTIN
from passback.rosters.removals import most_removed
from passback.store import districts, lms_roster, roster, syncs

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.domain.clock import Instant
    from passback.domain.matching import Person
    from passback.domain.roster import Role
    from passback.lms.interface import Connector
    from passback.rosters.lease import SyncLease
    from passback.rosters.progress import Progress
    from passback.store.engine.database import Connection
    from passback.store.syncs import Phase, Sync

T = TypeVar("T", LmsCourse, SectionRef)
R = TypeVar("R")

_AT_ONCE = 4
"""How many courses or sections are read at once; few enough that grades still get through."""
_TOO_OLD = DAY
"""After how many milliseconds a started reading is not resumed but begun again."""
_WRITTEN_AT_ONCE = 1_000
_LOOKED_UP_AT_ONCE = 500
_MOST_IN_A_ROW = 5
"""After so many failures in a row the LMS counts as down and reading stops."""
_MOST_FAILED = 5, 0.01
"""How many courses or sections may fail before reading stops: this number or this share, whichever is larger."""
_MOST_ASKED = 5
"""How many people of a section, on the average of all, are asked for by themselves because its list lacks them."""
_TRIES = 3
"""After so many tries without progress, sections that cannot be read are skipped."""


class NotConnected(LookupError):
    """The district has no connection to an LMS."""


async def connector_of(gateway: Gateway, district_id: str) -> Connector:
    """The connector to a district's LMS. Raises `NotConnected`."""

    def look_up(conn: Connection) -> Connector | None:
        district = roster.find(conn, roster.DISTRICTS, district_id, district_id)
        if (
            district is None or district.lms_type == BUILTIN
        ):  # the built-in gradebook has no roster of its own
            return None
        return gateway.connectors.find(conn, district_id, district.lms_type)

    connector = await gateway.database.read(look_up)
    if connector is None:
        raise NotConnected(f"district {district_id} is not connected to an LMS")
    return connector


def can_resume(sync: Sync, now: Instant) -> bool:
    """Whether reading can continue from what an earlier sync has read."""
    recent = sync.began is not None and sync.began > now - _TOO_OLD
    return sync.phase not in ("idle", "courses") and recent


async def read_lms(lease: SyncLease, connector: Connector, progress: Progress) -> dict[str, LmsError]:
    """Read every course with its sections, then every section with its people.

    What an earlier sync has read is not read again. Raises `LmsError`; what has been read by then is kept. Sections
    that fail on every try are skipped in the end: returns their errors by their ids in the LMS.
    """
    reading = _Reading(lease, connector, progress)
    with without_tripping_breaker():
        resuming = can_resume(lease.sync, lease.gateway.clock())
        if not resuming:
            await reading.courses()
        await reading.sections()
        await reading.unlisted_sections()
        return await reading.people(last=resuming and lease.sync.failures >= _TRIES - 1)


async def clear(lease: SyncLease) -> None:
    """Delete what was read, a little at a time so that other writers are not blocked."""

    def some(conn: Connection) -> bool:
        lease.renew(conn)
        return lms_roster.clear(conn, lease.district_id, _WRITTEN_AT_ONCE)

    while await lease.gateway.database.write(some):
        pass


async def discard(lease: SyncLease) -> None:
    """Delete what was read, leaving the next sync scheduled as it is."""

    def end(conn: Connection) -> None:
        districts.enter_first_sync(conn, lease.district_id, "initial_sync_processing")
        lease.renew(conn)
        syncs.set_phase(conn, lease.district_id, "idle")

    await lease.gateway.database.write(end)
    await clear(lease)


async def items_read(lease: SyncLease) -> int:
    """How many courses and sections have been read."""
    found = await lease.gateway.database.read(lambda conn: lms_roster.count(conn, lease.district_id))
    return found.courses_read + found.sections_read


class _Reading:
    """The reading of one district."""

    def __init__(self, lease: SyncLease, connector: Connector, progress: Progress) -> None:
        self._lease = lease
        self._database = lease.gateway.database
        self._district_id = lease.district_id
        self._connector = connector
        self._progress = progress
        self._may_ask = 0
        """How many more people are asked for by themselves, besides one for each section."""

    async def courses(self) -> None:
        """List the courses, from the beginning."""
        await self._enter("courses", self._lease.gateway.clock())
        await clear(self._lease)
        courses = await self._connector.read_courses()
        await self._database.write(self._begun)
        for start in range(0, len(courses), _WRITTEN_AT_ONCE):
            some = courses[start : start + _WRITTEN_AT_ONCE]
            await self._write(lambda conn, some=some: lms_roster.add_courses(conn, self._district_id, some))  # type: ignore[misc]

    def _begun(self, conn: Connection) -> None:
        # Lock the district first, as everywhere else: the opposite order could deadlock.
        districts.enter_first_sync(conn, self._district_id, "initial_sync_processing")
        self._lease.renew(conn)

    async def sections(self) -> None:
        """Read the sections of the unread courses."""
        found = await self._enter("sections")
        failed = await self._each(
            lms_roster.unread_courses, self._read_course, found.courses_read, found.courses
        )
        _raise_first(failed)

    async def unlisted_sections(self) -> None:
        """Ask for the matched sections that no list has. Those that are still there are read as if one had them.

        If so many are missing that none will be removed or unmatched without a person, none is asked for.
        """
        missing, matched = await self._database.read(
            lambda conn: lms_roster.unlisted_sections(conn, self._district_id)
        )
        for section in missing if len(missing) <= most_removed(matched) else ():
            await self._find_section(section)

    async def _find_section(self, section: str) -> None:
        try:
            found = await self._connector.find_section(section)
        except LmsError as error:
            error.add_note(f"section {section}")
            raise
        if found is not None:
            course, listed = found
            await self._write(lambda conn: lms_roster.add_unlisted(conn, self._district_id, course, listed))

    async def people(self, *, last: bool) -> dict[str, LmsError]:
        """Read the people of the unread sections. On the `last` try, return the sections that failed and why."""
        found = await self._enter("people")
        self._may_ask = _MOST_ASKED * found.sections
        failed = await self._each(
            lms_roster.unread_sections,
            self._read_section,
            found.sections_read,
            found.sections,
            to_the_end=last,
        )
        if not last:
            _raise_first(failed)
        if failed:
            await self._write(lambda conn: lms_roster.fill_unread_sections(conn, self._district_id))
        return {section.id: error for section, error in failed.items()}

    async def _enter(self, phase: Phase, began: int | None = None) -> lms_roster.Counts:
        self._progress.step(phase)

        def enter(conn: Connection) -> lms_roster.Counts:
            syncs.set_phase(conn, self._district_id, phase, began)
            return lms_roster.count(conn, self._district_id)

        return await self._write(enter)

    async def _write(self, fn: Callable[[Connection], R]) -> R:
        def renewed(conn: Connection) -> R:
            self._lease.renew(conn)
            return fn(conn)

        return await self._database.write(renewed)

    async def _each(
        self,
        unread: Callable[[Connection, str, int], list[T]],
        read: Callable[[T], Awaitable[None]],
        done: int,
        total: int,
        *,
        to_the_end: bool = False,
    ) -> dict[T, LmsError]:
        """Read everything that is still unread, several at once. Return those that failed, each with its error.

        Raises `LmsError` if too many fail, if several fail in a row (unless `to_the_end`), or if the LMS rejects our
        credentials.
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

        while found := await self._database.read(look_up):
            waiting = iter(found)
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(_AT_ONCE):
                        group.create_task(read_some(waiting))
            except ExceptionGroup as several:
                raise several.exceptions[0] from None
        return failed

    async def _read_course(self, course: LmsCourse) -> None:
        sections: Sequence[SectionRef]
        try:
            sections = await self._connector.read_sections(course)
        except Gone:
            sections = []  # the course was deleted in the meantime
        await self._write(lambda conn: lms_roster.add_sections(conn, self._district_id, course, sections))

    async def _read_section(self, section: SectionRef) -> None:
        def add(conn: Connection) -> None:
            lms_roster.add_members(conn, self._district_id, section.id, people)

        def add_if_whole(conn: Connection) -> list[tuple[Role, str]]:
            lacking = lms_roster.lacking(conn, self._district_id, section.id, people)
            if not lacking:
                add(conn)
            return lacking

        people: Sequence[Person] = []
        try:
            people = await self._connector.read_people(section.id)
        except Gone:
            if await self._connector.find_section(section.id) is not None:
                raise Unavailable("it says that the section is gone, and shows it") from None
            await self._write(add)
            return
        if lacking := await self._write(add_if_whole):
            await self._check_absent(section.id, lacking)
            await self._write(add)

    async def _check_absent(self, section: str, lacking: Sequence[tuple[Role, str]]) -> None:
        """Ask for the people whom a section's list lacks. Raises `Unavailable` if one is there.

        Once many were rightly missing, one of each section is asked for: it is one who is there if the list is empty.
        """
        for role, person in lacking[: max(1, self._may_ask)]:
            if await self._connector.has_person(section, role, person):
                raise Unavailable(f"it does not list a {role} of the section, and shows them")
            self._may_ask -= 1


def _raise_first(failed: Mapping[T, LmsError]) -> None:
    """Raise the first error, if there is one, with a note that names its course or section."""
    for item, error in failed.items():
        kind = "course" if isinstance(item, LmsCourse) else "section"
        error.add_note(f"{kind} {item.id}")
        raise error
