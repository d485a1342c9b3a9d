"""The built-in gradebook as a sheet: a section's students down, its assignments across."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.assignment import Assignment
from passback.domain.roster import Section
from passback.domain.submission import Submission
from passback.lms.builtin.grade import read_submissions
from passback.operations.errors import NotFound
from passback.store import assignments, enrollments, gradebook, names, roster

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.clock import Clock
    from passback.store.engine.database import Connection, Database

_MOST_ASSIGNMENTS = 10_000


class Sections(Struct, frozen=True):
    """Part of a district's sections, in the order of their ids."""

    items: Sequence[Section]
    next: str | None
    """After which id the next part begins; None at the end."""


class Column(Struct, frozen=True):
    """An assignment of a sheet, with its id in the API."""

    id: str
    assignment: Assignment
    submissions: Mapping[str, Submission]
    """By the ids of the students whom it is for."""


class Sheet(Struct, frozen=True):
    """A section's gradebook, or the part with some of its assignments."""

    section: Section
    students: Sequence[tuple[str, str]]
    """Ids and names, by last name."""
    columns: Sequence[Column]
    """The newest first."""
    total: int
    """How many assignments there are in all."""


async def sections(
    database: Database, district_id: str, *, teacher_id: str | None, after: str, limit: int
) -> Sections:
    """Return up to `limit` sections of a district with ids after `after`; with a `teacher_id` only theirs."""

    def read(conn: Connection) -> Sections:
        filters = [] if teacher_id is None else [roster.with_member(teacher_id)]
        found = roster.page(
            conn, roster.SECTIONS, district_id, limit=limit, starting_after=after or None, filters=filters
        )
        return Sections(found.items, found.items[-1].id if found.after else None)

    return await database.snapshot(read)


async def teaches(database: Database, section_id: str, teacher_id: str) -> bool:
    """Whether somebody is a teacher of a section."""
    return await database.read(
        lambda conn: ("teacher", teacher_id) in enrollments.members_among(conn, section_id, [teacher_id])
    )


async def sheet(
    database: Database,
    district_id: str,
    section_id: str,
    clock: Clock,
    *,
    skip: int = 0,
    limit: int = _MOST_ASSIGNMENTS,
    only: str | None = None,
) -> Sheet:
    """Return a section's sheet: `limit` assignments behind the `skip` newest, or only the one of an id.

    Raises `NotFound`.
    """
    now = clock()

    def read(conn: Connection) -> Sheet:
        section = roster.find(conn, roster.SECTIONS, district_id, section_id)
        if section is None:
            raise NotFound(f"there is no section {section_id}")
        members = [it.user_id for it in enrollments.matched_members(conn, section_id, "student")]
        students = sorted(names.of_people(conn, members).items(), key=lambda it: _by_last_name(it[1]))
        records = assignments.page(conn, section_id, after="", limit=_MOST_ASSIGNMENTS)
        newest = records[::-1][skip : skip + limit]
        if only is not None:
            newest = [it for it in records if it.id == only]
        columns = []
        for record in newest:
            held = gradebook.find_assignment(conn, section_id, record.lms_id)
            if held is not None:
                columns.append(
                    Column(record.id, held, read_submissions(conn, section_id, held, members, now))
                )
        return Sheet(section, students, columns, len(records))

    return await database.snapshot(read)


def _by_last_name(name: str) -> tuple[str, str]:
    *first, last = name.casefold().split() or [""]
    return last, " ".join(first)
