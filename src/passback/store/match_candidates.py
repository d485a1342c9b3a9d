"""Match candidates: the sections and people of the LMS that a person must choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from passback.domain.roster import known_sis_id
from passback.store.matching import NAME, OURS, Ours, find, of_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.store.engine.database import Connection


class Known(Struct, frozen=True):
    """What identifies a section or person to a human, in the roster or the LMS; None if it is not known."""

    id: str
    name: str
    sis_id: str | None
    email: str | None = None
    course: str | None = None
    teachers: str | None = None
    """The first few names, and how many more there are."""
    students: int | None = None
    """The number of students."""
    school: str | None = None
    term: str | None = None
    period: str | None = None
    sections: str | None = None
    """The names of a person's sections, in the form of `teachers`."""
    reason: str | None = None
    """Why this candidate was not matched without asking."""


class Decision(Struct, frozen=True):
    """A choice for a person: the object in the LMS that one of ours is."""

    ours: Known
    candidates: list[Known]


_CANDIDATES = (
    "SELECT id, lms_id, name, sis_id, email, course, teachers, students, reason FROM match_candidates"
)


def first_names(query: str) -> str:
    """SQL for a text with the first three of the `name`s that `query` selects, and how many more there are."""
    nth = [f"MAX(CASE WHEN nth = {it} THEN name END)" for it in (1, 2, 3)]
    return (
        f"(SELECT {nth[0]} || COALESCE(', ' || {nth[1]}, '') || COALESCE(', ' || {nth[2]}, '')"
        " || CASE WHEN COUNT(*) > 3 THEN ' and ' || CAST(COUNT(*) - 3 AS TEXT) || ' more' ELSE '' END"
        f" FROM (SELECT name, ROW_NUMBER() OVER (ORDER BY name) AS nth FROM ({query}) AS named) AS numbered)"
    )


def find_all(connection: Connection, district_id: str) -> dict[str, list[Known]]:
    """All candidates of a district, by the id of ours."""
    found: dict[str, list[Known]] = {}
    for id_, *known in connection.execute(
        f"{_CANDIDATES} WHERE district_id = :district_id ORDER BY id, lms_id", {"district_id": district_id}
    ):
        found.setdefault(id_, []).append(_candidate(known))
    return found


def _candidate(row: Sequence[Any]) -> Known:
    *known, reason = row
    return replace(Known(*known), reason=reason)


def undecided(connection: Connection, district_id: str) -> list[Ours]:
    """The sections and people that have candidates but no match: sections first, those of one name together."""
    rows = connection.execute(
        f"SELECT * FROM ({OURS}) AS ours WHERE district_id = :district_id AND lms_id IS NULL AND id IN"
        " (SELECT id FROM match_candidates WHERE district_id = :district_id) ORDER BY kind, name, id",
        {"district_id": district_id},
    )
    return [Ours(*row) for row in rows]


class Queue(Struct, frozen=True):
    """Part of what a person must choose for, in the order of ids."""

    items: list[tuple[Ours, int]]
    """With how many candidates each has."""
    next: str | None
    """After which id the next part begins; None at the end."""


def queue(connection: Connection, district_id: str, *, after: str, limit: int) -> Queue:
    """A part of what `undecided` lists: those with ids after `after`."""
    counts = connection.execute(
        "SELECT id, COUNT(*) FROM match_candidates WHERE district_id = :district_id AND id > :after"
        " GROUP BY id ORDER BY id LIMIT :limit",
        {"district_id": district_id, "after": after, "limit": limit + 1},
    ).fetchall()
    many = {row[0]: row[1] for row in counts[:limit]}
    found = [it for it in of_ids(connection, [*many]) if it.lms_id is None]
    return Queue([(it, many[it.id]) for it in found], counts[limit - 1][0] if len(counts) > limit else None)


def count(connection: Connection, district_id: str, *, most: int) -> int:
    """How many `queue` has, counted up to `most`."""
    row = connection.execute(
        "SELECT COUNT(*) FROM (SELECT id FROM match_candidates WHERE district_id = :district_id"
        " GROUP BY id ORDER BY id LIMIT :most) AS counted",
        {"district_id": district_id, "most": most},
    ).fetchone()
    return int(row[0])


def decision(connection: Connection, ours: Ours) -> Decision | None:
    """Describe one of ours, and those of its candidates that nothing else is matched to.

    None if there is nothing left to decide.
    """
    found = find(connection, ours.id)
    if found is None or found.lms_id is not None:
        return None
    table, of_kind = ("sections", "") if ours.kind == "section" else ("users", " AND other.role = :kind")
    rows = connection.execute(
        f"{_CANDIDATES} AS it WHERE district_id = :district_id AND id = :id AND NOT EXISTS"
        f" (SELECT 1 FROM {table} AS other WHERE other.district_id = :district_id{of_kind}"
        " AND other.lms_id = it.lms_id AND other.removed IS NULL) ORDER BY lms_id",
        {"district_id": ours.district_id, "id": ours.id}
        | ({} if ours.kind == "section" else {"kind": ours.kind}),
    ).fetchall()
    known = _section(connection, ours.id) if ours.kind == "section" else _user(connection, ours.id)
    return Decision(known, [_candidate(row[1:]) for row in rows]) if rows else None


def _section(connection: Connection, section_id: str) -> Known:
    teachers = first_names(
        f"SELECT {NAME} AS name FROM enrollments JOIN users ON users.id = user_id"
        " WHERE section_id = ours.id AND enrollments.role = 'teacher'"
    )
    row = connection.execute(
        f"SELECT ours.id, ours.name, ours.sis_id, NULL, courses.name, {teachers}, (SELECT COUNT(*) FROM enrollments"
        " WHERE section_id = ours.id AND role = 'student'), schools.name, terms.name, period FROM sections AS ours"
        " LEFT JOIN courses ON courses.id = course_id LEFT JOIN schools ON schools.id = school_id"
        " LEFT JOIN terms ON terms.id = term_id WHERE ours.id = :id",
        {"id": section_id},
    ).fetchone()
    id_, name, sis_id, *rest = row
    return Known(id_, name, known_sis_id(sis_id), *rest)


def _user(connection: Connection, user_id: str) -> Known:
    sections = first_names(
        "SELECT name FROM enrollments JOIN sections ON sections.id = section_id WHERE user_id = ours.id"
    )
    row = connection.execute(
        f"SELECT id, {NAME}, sis_id, email, {sections} FROM users AS ours WHERE id = :id",
        {"id": user_id},
    ).fetchone()
    id_, name, sis_id, email, among = row
    return Known(id_, name, known_sis_id(sis_id), email, sections=among)
