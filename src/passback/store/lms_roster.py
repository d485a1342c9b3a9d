"""What has been read of districts' LMSs so far: their courses, sections and members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.matching import LmsCourse, Person, SectionRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from passback.domain.roster import Role
    from passback.store.engine.database import Connection, Session


class Counts(Struct, frozen=True):
    """How much of an LMS has been read. The number of sections is only known once all courses have been read."""

    courses_read: int
    courses: int
    sections_read: int
    sections: int


_LONGEST = 1_000
"""How many characters of a text are stored, as with texts from files."""
_KEY = "COALESCE(sis_id, 'lms:' || id)"
"""An object's key in a roster: its SIS id, or else its id, marked as one (`passback.domain.matching.of_lms`)."""


def count(connection: Connection, district_id: str) -> Counts:
    """How much of a district's LMS has been read."""
    counts = [
        connection.execute(
            f"SELECT COALESCE(SUM(read), 0), COUNT(*) FROM {table} WHERE district_id = :id",
            {"id": district_id},
        ).fetchone()
        for table in ("lms_courses", "lms_sections")
    ]
    return Counts(*(int(count) for row in counts for count in row))


def add_courses(connection: Connection, district_id: str, courses: Iterable[LmsCourse]) -> None:
    """Add courses of the LMS whose sections are to be read."""
    connection.executemany(
        "INSERT INTO lms_courses (district_id, id, name, sis_id, number, read)"
        " VALUES (:district_id, :id, :name, :sis_id, :number, 0) ON CONFLICT DO NOTHING",
        [
            {
                "district_id": district_id, "id": it.id, "name": _clean(it.name), "sis_id": _clean(it.sis_id) or None,
                "number": _clean(it.number) or None,
            }
            for it in courses
        ],
    )  # fmt: skip


def add_sections(
    connection: Connection, district_id: str, course: LmsCourse, sections: Sequence[SectionRef]
) -> None:
    """Add the sections of a course, whose members are to be read, and mark the course as read."""
    given = {"district_id": district_id, "course_id": course.id}
    connection.executemany(
        "INSERT INTO lms_sections (district_id, id, course_id, name, sis_id, read)"
        " VALUES (:district_id, :id, :course_id, :name, :sis_id, 0) ON CONFLICT DO NOTHING",
        [
            {**given, "id": it.id, "name": _clean(it.name), "sis_id": _clean(it.sis_id) or None}
            for it in sections
        ],
    )
    connection.execute(
        "UPDATE lms_courses SET read = 1 WHERE district_id = :district_id AND id = :course_id", given
    )


def unread_courses(connection: Connection, district_id: str, limit: int) -> list[LmsCourse]:
    """Courses of the LMS that have not been read yet."""
    rows = connection.execute(
        "SELECT id, name, sis_id, number FROM lms_courses WHERE district_id = :id AND read = 0 ORDER BY id"
        " LIMIT :limit",
        {"id": district_id, "limit": limit},
    )
    return [LmsCourse(*row) for row in rows]


def unread_sections(connection: Connection, district_id: str, limit: int) -> list[SectionRef]:
    """Sections of the LMS that have not been read yet."""
    rows = connection.execute(
        "SELECT id, name, sis_id FROM lms_sections WHERE district_id = :id AND read = 0 ORDER BY id LIMIT :limit",
        {"id": district_id, "limit": limit},
    )
    return [SectionRef(*row) for row in rows]


def add_members(connection: Connection, district_id: str, section_id: str, people: Sequence[Person]) -> None:
    """Replace the members of a section, and mark it as read."""
    given = {"district_id": district_id, "section_id": section_id}
    connection.execute(
        "DELETE FROM lms_members WHERE district_id = :district_id AND section_id = :section_id", given
    )
    connection.executemany(
        "INSERT INTO lms_members (district_id, section_id, role, id, name, email, sis_id)"
        " VALUES (:district_id, :section_id, :role, :id, :name, :email, :sis_id) ON CONFLICT DO NOTHING",
        [
            {
                **given, "role": it.role, "id": it.id, "name": _clean(it.name), "email": _clean(it.email) or None,
                "sis_id": _clean(it.sis_id) or None,
            }
            for it in people
        ],
    )  # fmt: skip
    connection.execute(
        "UPDATE lms_sections SET read = 1 WHERE district_id = :district_id AND id = :section_id", given
    )


def lacking(
    connection: Connection, district_id: str, section_id: str, people: Iterable[Person]
) -> list[tuple[Role, str]]:
    """Whom a section's list of people lacks of those who are matched in our section: role and id in the LMS."""
    rows = connection.execute(
        "SELECT enrollments.role, users.lms_id FROM sections"
        " JOIN enrollments ON enrollments.section_id = sections.id JOIN users ON users.id = enrollments.user_id"
        " WHERE sections.district_id = :district_id AND sections.lms_id = :section_id AND sections.removed IS NULL"
        " AND users.lms_id IS NOT NULL AND users.removed IS NULL",
        {"district_id": district_id, "section_id": section_id},
    )
    return sorted({(role, lms_id) for role, lms_id in rows} - {(it.role, it.id) for it in people})


def unlisted_sections(connection: Connection, district_id: str) -> tuple[list[str], int]:
    """The LMS ids of the sections that ours are matched to and that no course has, and how many are matched in all."""
    matched = "FROM sections WHERE district_id = :id AND lms_id IS NOT NULL AND removed IS NULL"
    given = {"id": district_id}
    rows = connection.execute(
        f"SELECT lms_id {matched} AND NOT EXISTS (SELECT 1 FROM lms_sections WHERE lms_sections.district_id = :id"
        " AND lms_sections.id = sections.lms_id) ORDER BY lms_id",
        given,
    ).fetchall()
    total = connection.execute(f"SELECT COUNT(*) {matched}", given).fetchone()[0] if rows else 0
    return [row[0] for row in rows], int(total)


def add_unlisted(connection: Connection, district_id: str, course: LmsCourse, section: SectionRef) -> None:
    """Add a section that no list has, whose members are to be read, and its course."""
    add_courses(connection, district_id, [course])
    add_sections(connection, district_id, course, [section])


def fill_unread_sections(connection: Connection, district_id: str) -> None:
    """Assume that sections which cannot be read have the members that are matched to them in our roster.

    Sections that none of ours is matched to are left out.
    """
    connection.execute(
        "DELETE FROM lms_sections WHERE district_id = :id AND read = 0 AND NOT EXISTS (SELECT 1 FROM sections"
        " WHERE sections.district_id = :id AND sections.lms_id = lms_sections.id AND sections.removed IS NULL)",
        {"id": district_id},
    )
    connection.execute(
        "INSERT INTO lms_members (district_id, section_id, role, id, name, email, sis_id)"
        " SELECT :id, place.id, enrollments.role, users.lms_id, users.first_name || ' ' || users.last_name,"
        " users.email, users.sis_id FROM lms_sections AS place"
        " JOIN sections ON sections.district_id = place.district_id AND sections.lms_id = place.id"
        " AND sections.removed IS NULL"
        " JOIN enrollments ON enrollments.section_id = sections.id JOIN users ON users.id = enrollments.user_id"
        " WHERE place.district_id = :id AND place.read = 0 AND users.lms_id IS NOT NULL ON CONFLICT DO NOTHING",
        {"id": district_id},
    )


def clear(connection: Connection, district_id: str, limit: int) -> bool:
    """Delete some of what was read, up to `limit` sections. Returns whether there may be more."""
    rows = connection.execute(
        "SELECT id FROM lms_sections WHERE district_id = :id ORDER BY id LIMIT :limit",
        {"id": district_id, "limit": limit},
    ).fetchall()
    if rows:
        given = {"id": district_id, "last": rows[-1][0]}
        connection.execute("DELETE FROM lms_members WHERE district_id = :id AND section_id <= :last", given)
        connection.execute("DELETE FROM lms_sections WHERE district_id = :id AND id <= :last", given)
    if len(rows) == limit:
        return True
    for table in ("lms_members", "lms_courses"):
        connection.execute(f"DELETE FROM {table} WHERE district_id = :id", {"id": district_id})
    return False


def gather_people(session: Session, district_id: str) -> int:
    """Gather each person once in a temporary table. Returns the number of memberships.

    A SIS id that several people, courses or sections share is taken from all of them: ids of a roster must be unique.
    """
    given = {"id": district_id}
    for table in ("lms_courses", "lms_sections", "lms_members"):
        session.analyse(table)  # they may have grown a lot just now
    for table, scope in (("lms_courses", ""), ("lms_sections", ""), ("lms_members", "role, ")):
        shared = (
            f"SELECT {scope}sis_id FROM {table} WHERE district_id = :id AND sis_id IS NOT NULL"
            f" GROUP BY {scope}sis_id HAVING MIN(id) <> MAX(id)"
        )
        with session.transaction():
            session.execute(
                f"UPDATE {table} SET sis_id = NULL WHERE district_id = :id"
                f" AND (sis_id LIKE 'lms:%' OR ({scope}sis_id) IN ({shared}))",
                given,
            )
    session.define(
        "CREATE TEMP TABLE lms_people (role TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL,"
        " email TEXT, PRIMARY KEY (role, id)) WITHOUT ROWID"
    )
    session.execute(
        "INSERT INTO lms_people (role, id, key, name, email) SELECT role, id, COALESCE(MIN(sis_id), 'lms:' || id),"
        " MIN(name), MIN(email) FROM lms_members WHERE district_id = :id GROUP BY role, id",
        given,
    )
    session.analyse("lms_people")
    found = session.execute("SELECT COUNT(*) FROM lms_members WHERE district_id = :id", given)
    return int(found.fetchone()[0])


def keyed_courses(
    session: Session, district_id: str, batch: int
) -> Iterator[list[tuple[str, str, str | None]]]:
    """Read the key, name and number of each course that has a section."""
    after = ""
    while rows := session.execute(
        f"SELECT id, {_KEY}, name, number FROM lms_courses AS course WHERE district_id = :id AND id > :after"
        " AND EXISTS (SELECT 1 FROM lms_sections WHERE district_id = :id AND course_id = course.id)"
        " ORDER BY id LIMIT :batch",
        {"id": district_id, "after": after, "batch": batch},
    ).fetchall():
        yield [(key, name or id_, number) for id_, key, name, number in rows]
        after = rows[-1][0]


def keyed_sections(
    session: Session, district_id: str, batch: int
) -> Iterator[list[tuple[str, str, str, str]]]:
    """Read the id, key and name of each section, and the key of its course."""
    after = ""
    while rows := session.execute(
        "SELECT place.id, COALESCE(place.sis_id, 'lms:' || place.id), place.name,"
        " COALESCE(course.sis_id, 'lms:' || course.id) FROM lms_sections AS place JOIN lms_courses AS course"
        " ON course.district_id = place.district_id AND course.id = place.course_id"
        " WHERE place.district_id = :id AND place.id > :after ORDER BY place.id LIMIT :batch",
        {"id": district_id, "after": after, "batch": batch},
    ).fetchall():
        yield [(id_, key, name or id_, course) for id_, key, name, course in rows]
        after = rows[-1][0]


def keyed_people(session: Session, batch: int) -> Iterator[list[tuple[Role, str, str, str, str | None]]]:
    """Read the role, id, key, name and e-mail address of each person that `gather_people` found."""
    role = id_ = ""
    while rows := session.execute(
        "SELECT role, id, key, name, email FROM lms_people WHERE (role, id) > (:role, :id) ORDER BY role, id"
        " LIMIT :batch",
        {"role": role, "id": id_, "batch": batch},
    ).fetchall():
        yield rows
        role, id_ = rows[-1][:2]


def stage_members(session: Session, district_id: str) -> None:
    """Add all memberships to `new_enrollments`, with the keys of section and person, numbered from 1."""
    session.execute(
        "INSERT INTO new_enrollments (line, section_sis_id, user_sis_id, role)"
        " SELECT ROW_NUMBER() OVER (ORDER BY them.section_id, them.role, them.id),"
        " COALESCE(place.sis_id, 'lms:' || place.id), person.key, them.role"
        " FROM lms_members AS them JOIN lms_people AS person ON person.role = them.role AND person.id = them.id"
        " JOIN lms_sections AS place ON place.district_id = them.district_id AND place.id = them.section_id"
        " WHERE them.district_id = :id",
        {"id": district_id},
    )


def sections(connection: Connection, district_id: str) -> list[SectionRef]:
    """The sections of the LMS, as they were read."""
    rows = connection.execute(
        "SELECT id, name, sis_id FROM lms_sections WHERE district_id = :id ORDER BY id", {"id": district_id}
    )
    return [SectionRef(*row) for row in rows]


def _clean(text: str | None) -> str:
    """A text of the LMS without characters that a database or a roster cannot hold, cut to `_LONGEST`."""
    clean = (text or "").encode("utf-8", "replace").decode().replace("\0", "")
    return "".join(it if it.isprintable() else " " for it in clean).strip()[:_LONGEST]
