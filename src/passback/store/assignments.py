"""The gateway's own records of assignments: the id of each in the LMS. The content stays in the LMS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.store.roster import IN_ERROR, SectionInLms
from passback.store.statements import among

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from passback.domain.clock import Instant
    from passback.domain.roster import Role
    from passback.store.engine.database import Connection


class AssignmentRecord(Struct, frozen=True):
    """An assignment that was created, and not deleted, through the gateway."""

    id: str
    lms_id: str


IN_ITS_SECTION = (
    "(assignments.lms_section_id IS NULL OR assignments.lms_section_id ="
    " (SELECT own.lms_id FROM sections AS own WHERE own.id = assignments.section_id))"
)
"""Whether an assignment is in the LMS's section that its own is matched to: that may have changed since it was made."""


def add(
    connection: Connection,
    *,
    assignment_id: str,
    section_id: str,
    lms_id: str,
    lms_section_id: str | None = None,
    title: str | None = None,
) -> None:
    """Record a new assignment, unless it is recorded already."""
    connection.execute(
        "INSERT INTO assignments (id, district_id, section_id, lms_id, lms_section_id, title)"
        " VALUES (:id, (SELECT district_id FROM sections WHERE id = :section_id), :section_id, :lms_id,"
        " :lms_section_id, :title) ON CONFLICT (id) DO NOTHING",
        {
            "id": assignment_id,
            "section_id": section_id,
            "lms_id": lms_id,
            "lms_section_id": lms_section_id,
            "title": title,
        },
    )


def is_made(connection: Connection, assignment_id: str) -> bool:
    """Whether the gateway has made an assignment of that id."""
    rows = connection.execute("SELECT 1 FROM assignments WHERE id = :id", {"id": assignment_id})
    return rows.fetchone() is not None


def set_title(connection: Connection, assignment_id: str, title: str) -> None:
    """Record another title of an assignment."""
    connection.execute(
        "UPDATE assignments SET title = :title WHERE id = :id", {"id": assignment_id, "title": title}
    )


def set_unknown_titles(connection: Connection, titles: Mapping[str, str]) -> None:
    """Record the titles of assignments, by their ids, that version 0.1.0 has made."""
    connection.executemany(
        "UPDATE assignments SET title = :title,"
        " district_id = (SELECT district_id FROM sections WHERE sections.id = assignments.section_id)"
        " WHERE id = :id AND title IS NULL",
        [{"id": id_, "title": title} for id_, title in titles.items()],
    )


IN_SECTION_COLUMNS = (
    f"sections.id, sections.lms_id, districts.lms_type, {IN_ERROR}, assignments.id, assignments.lms_id"
)
IN_SECTION = (
    "FROM sections JOIN districts ON districts.id = sections.district_id"
    " LEFT JOIN assignments ON assignments.id = :assignment_id"
    " AND assignments.section_id = sections.id AND assignments.deleted IS NULL"
    " AND (assignments.lms_section_id IS NULL OR assignments.lms_section_id = sections.lms_id)"
)
OF_DISTRICT = (
    "WHERE sections.id = :section_id AND sections.district_id = :district_id AND sections.removed IS NULL"
)
InSection = tuple[SectionInLms | None, AssignmentRecord | None]
"""A section, and one of its assignments, as far as they are found."""


def find_in_section(
    connection: Connection, district_id: str, section_id: str, assignment_id: str
) -> InSection:
    """Find the section, if it belongs to the district, and its assignment of that id, unless it was deleted.

    An assignment that was made in another section of the LMS is not found: its id may be another's in this one.
    One statement for both: almost every request needs just these.
    """
    row = connection.execute(
        f"SELECT {IN_SECTION_COLUMNS} {IN_SECTION} {OF_DISTRICT}",
        {"assignment_id": assignment_id, "section_id": section_id, "district_id": district_id},
    ).fetchone()
    return (None, None) if row is None else in_section(row)


Members = Mapping[tuple["Role", str], str | None]
"""Members of a section: the LMS's id of each, by role and our id; None for one who is not matched."""


def find_with_members(
    connection: Connection,
    district_id: str,
    section_id: str,
    assignment_id: str,
    user_ids: Collection[str],
) -> tuple[InSection, Members]:
    """What `find_in_section` finds, and those of some users who are members of the section, in one statement."""
    parameters: dict[str, Any] = {
        "assignment_id": assignment_id,
        "section_id": section_id,
        "district_id": district_id,
    }
    rows = connection.execute(
        f"SELECT {IN_SECTION_COLUMNS}, enrollments.role, users.id, users.lms_id {IN_SECTION}"
        " LEFT JOIN enrollments ON enrollments.section_id = sections.id"
        f" AND enrollments.role IN ('student', 'teacher') AND {among('enrollments.user_id', user_ids, parameters)}"
        f" LEFT JOIN users ON users.id = enrollments.user_id {OF_DISTRICT}",
        parameters,
    ).fetchall()
    if not rows:
        return (None, None), {}
    return in_section(rows[0][:6]), {(row[6], row[7]): row[8] for row in rows if row[6] is not None}


def in_section(row: Sequence[Any]) -> InSection:
    """What a row of `IN_SECTION_COLUMNS` says."""
    return SectionInLms(*row[:4]), None if row[4] is None else AssignmentRecord(*row[4:])


def locate(connection: Connection, assignment_id: str) -> tuple[str, AssignmentRecord] | None:
    """Find an assignment that was not deleted, and the id of its section."""
    row = connection.execute(
        "SELECT section_id, id, lms_id FROM assignments WHERE id = :id AND deleted IS NULL",
        {"id": assignment_id},
    ).fetchone()
    return None if row is None else (row[0], AssignmentRecord(*row[1:]))


def find_by_lms_id(connection: Connection, section_id: str, lms_id: str) -> tuple[str, bool] | None:
    """Our id of the assignment of a section that has that id in the LMS, and whether it was deleted."""
    row = connection.execute(
        "SELECT id, deleted FROM assignments WHERE section_id = :section_id AND lms_id = :lms_id"
        f" AND {IN_ITS_SECTION} ORDER BY CASE WHEN deleted IS NULL THEN 0 ELSE 1 END, id LIMIT 1",
        {"section_id": section_id, "lms_id": lms_id},
    ).fetchone()
    return None if row is None else (str(row[0]), row[1] is not None)


def page(connection: Connection, section_id: str, *, after: str, limit: int) -> list[AssignmentRecord]:
    """A section's assignments with ids after `after`, oldest first (our ids sort by time)."""
    rows = connection.execute(
        "SELECT id, lms_id FROM assignments"
        f" WHERE section_id = :section_id AND id > :after AND deleted IS NULL AND {IN_ITS_SECTION}"
        " ORDER BY id LIMIT :limit",
        {"section_id": section_id, "after": after, "limit": limit},
    )
    return [AssignmentRecord(*row) for row in rows]


def known_in_lms(connection: Connection, section_id: str) -> dict[str, Instant]:
    """The LMS ids of all assignments that the gateway ever created in the section, and when it knew of each.

    That is 0 if it was so long ago that the create is no longer kept.
    """
    rows = connection.execute(
        "SELECT assignments.lms_id, deliveries.finished FROM assignments"
        " LEFT JOIN deliveries ON deliveries.id = assignments.id WHERE assignments.section_id = :section_id",
        {"section_id": section_id},
    )
    return {row[0]: row[1] or 0 for row in rows}


def mark_deleted(connection: Connection, assignment_id: str, now: Instant) -> None:
    """Record that an assignment was deleted through the gateway."""
    connection.execute(
        "UPDATE assignments SET deleted = :now WHERE id = :id", {"id": assignment_id, "now": now}
    )


def mark_gone(connection: Connection, assignment_id: str, now: Instant) -> bool:
    """Record that the LMS no longer has an assignment. False if that is known already."""
    done = connection.execute(
        "UPDATE assignments SET gone = :now WHERE id = :id AND gone IS NULL AND deleted IS NULL",
        {"id": assignment_id, "now": now},
    )
    return done.rowcount == 1
