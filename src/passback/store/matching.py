"""Which of the LMS's the roster's sections and people are, as it is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.matching import SectionRef
from passback.domain.roster import ROLES
from passback.store import roster_events

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.sis.rows import Kind
    from passback.store.engine.database import Connection


class AlreadyMatched(Exception):
    """Another of ours is that one of the LMS's already."""

    def __init__(self, other: str) -> None:
        super().__init__(other)
        self.other = other


class Ours(Struct, frozen=True):
    """A section or person of the roster, with what it is matched to."""

    district_id: str
    id: str
    kind: str
    """``section``, ``student`` or ``teacher``."""
    name: str
    lms_id: str | None
    matched_by: str | None


class Known(Struct, frozen=True):
    """What a person can tell a section or person by, the roster's or the LMS's; None where it is not known."""

    id: str
    name: str
    sis_id: str | None
    email: str | None = None
    course: str | None = None
    teachers: str | None = None
    """Their names: the first few, and how many more there are."""
    students: int | None = None
    """How many."""
    school: str | None = None
    term: str | None = None
    period: str | None = None
    sections: str | None = None
    """The names of those that somebody is in, as with `teachers`."""


class Decision(Struct, frozen=True):
    """What a person must decide: which of the LMS's one of ours is."""

    ours: Known
    candidates: list[Known]


_NAME = "TRIM(first_name || ' ' || last_name)"
_OURS = (
    "SELECT district_id, id, 'section' AS kind, name, lms_id, matched_by FROM sections WHERE removed IS NULL"
    f" UNION ALL SELECT district_id, id, role, {_NAME}, lms_id, matched_by FROM users"
    " WHERE removed IS NULL"
)
_CANDIDATES = "SELECT id, lms_id, name, sis_id, email, course, teachers, students FROM match_candidates"


def first_names(query: str) -> str:
    """SQL for the first three of the `name`s that `query` selects, and how many more there are, as a text."""
    nth = [f"MAX(CASE WHEN nth = {it} THEN name END)" for it in (1, 2, 3)]
    return (
        f"(SELECT {nth[0]} || COALESCE(', ' || {nth[1]}, '') || COALESCE(', ' || {nth[2]}, '')"
        " || CASE WHEN COUNT(*) > 3 THEN ' and ' || CAST(COUNT(*) - 3 AS TEXT) || ' more' ELSE '' END"
        f" FROM (SELECT name, ROW_NUMBER() OVER (ORDER BY name) AS nth FROM ({query}) AS named) AS numbered)"
    )


def sections(connection: Connection, district_id: str) -> list[SectionRef]:
    """The district's sections."""
    rows = connection.execute(
        "SELECT id, name, sis_id FROM sections WHERE district_id = :district_id AND removed IS NULL ORDER BY id",
        {"district_id": district_id},
    )
    return [SectionRef(*row) for row in rows]


def by_hand(connection: Connection, district_id: str) -> dict[str, dict[str, str]]:
    """What a person decided of ``section``, ``student`` and ``teacher``: the LMS's id for ours."""
    found: dict[str, dict[str, str]] = {"section": {}, **{role: {} for role in ROLES}}
    for kind, our_id, lms_id in connection.execute(
        "SELECT 'section', id, lms_id FROM sections WHERE district_id = :district_id AND matched_by = 'hand'"
        " AND removed IS NULL UNION ALL SELECT role, id, lms_id FROM users WHERE district_id = :district_id"
        " AND matched_by = 'hand' AND removed IS NULL",
        {"district_id": district_id},
    ):
        found[kind][our_id] = lms_id
    return found


def decide(connection: Connection, our_id: str, lms_id: str | None, now: Instant) -> str | None:
    """Match a section or user by hand, or, with None, undo what is known of it. The district; None for no such id.

    Raises `Taken`.
    """
    found = find(connection, our_id)
    if found is None:
        return None
    district_id, table = found.district_id, _table(found.kind)
    connection.lock(f"roster/{district_id}")
    found = find(connection, our_id)
    if found is None:
        return None
    other = None if lms_id is None else _holder(connection, found, lms_id)
    if other is not None:
        raise AlreadyMatched(other)
    connection.execute(
        f"UPDATE {table} SET lms_id = :lms_id, matched_by = :by WHERE id = :id",
        {"id": our_id, "lms_id": lms_id, "by": None if lms_id is None else "hand"},
    )
    if (found.lms_id is None) is not (lms_id is None):
        connection.execute(
            f"UPDATE {table} SET last_modified = :now WHERE id = :id", {"now": now, "id": our_id}
        )
        roster_events.add_matched(connection, district_id, table, our_id, now, was=found.lms_id is not None)
    connection.execute(
        "DELETE FROM match_candidates WHERE district_id = :district_id AND id = :id",
        {"district_id": district_id, "id": our_id},
    )
    count(connection, district_id)
    return district_id


def choose(connection: Connection, ours: Ours, lms_id: str, now: Instant) -> bool:
    """Match one of ours to one of its candidates. False where another decided meanwhile, or it is none any more.

    Raises `Taken`.
    """
    connection.lock(f"roster/{ours.district_id}")
    found = find(connection, ours.id)
    if found is None or found.lms_id is not None:
        return False
    candidate = connection.execute(
        "SELECT 1 FROM match_candidates WHERE district_id = :district_id AND id = :id AND lms_id = :lms_id",
        {"district_id": ours.district_id, "id": ours.id, "lms_id": lms_id},
    ).fetchone()
    return candidate is not None and decide(connection, ours.id, lms_id, now) is not None


def find(connection: Connection, our_id: str) -> Ours | None:
    """A section or user of any district."""
    row = connection.execute(f"SELECT * FROM ({_OURS}) AS ours WHERE id = :id", {"id": our_id}).fetchone()
    return None if row is None else Ours(*row)


def sections_in_lms(connection: Connection, user_id: str) -> list[str]:
    """The LMS's ids of the sections that somebody is in."""
    rows = connection.execute(
        "SELECT DISTINCT lms_id FROM enrollments JOIN sections ON sections.id = section_id"
        " WHERE user_id = :id AND lms_id IS NOT NULL AND removed IS NULL ORDER BY lms_id",
        {"id": user_id},
    )
    return [row[0] for row in rows]


def _holder(connection: Connection, ours: Ours, lms_id: str) -> str | None:
    """Which other section, or user of the same role, is matched to an id of the LMS's already."""
    row = connection.execute(
        f"SELECT id FROM ({_OURS}) AS ours WHERE district_id = :district_id AND kind = :kind AND lms_id = :lms_id"
        " AND id <> :id",
        {"district_id": ours.district_id, "kind": ours.kind, "lms_id": lms_id, "id": ours.id},
    ).fetchone()
    return None if row is None else str(row[0])


def _table(kind: str) -> Kind:
    return "sections" if kind == "section" else "users"


def forget(connection: Connection, district_id: str, now: Instant) -> None:
    """Forget every match of a district, also those by hand, and that its LMS was ever read."""
    connection.lock(f"roster/{district_id}")
    was = """'{"synced_in_lms": true}'"""
    matched = " UNION ALL ".join(
        f"SELECT '{table}' AS kind, 'updated' AS what, id, {was} AS previous FROM {table}"
        f" WHERE district_id = :district_id AND lms_id IS NOT NULL AND removed IS NULL"
        for table in ("sections", "users")
    )
    roster_events.add_all(connection, district_id, f"({matched}) AS matched", now)
    for table in ("sections", "users"):
        connection.execute(
            f"UPDATE {table} SET lms_id = NULL, matched_by = NULL, last_modified = :now"
            " WHERE district_id = :id AND lms_id IS NOT NULL",
            {"id": district_id, "now": now},
        )
    connection.execute("DELETE FROM match_candidates WHERE district_id = :id", {"id": district_id})
    connection.execute("UPDATE districts SET last_lms_sync = NULL WHERE id = :id", {"id": district_id})
    count(connection, district_id)


def count(connection: Connection, district_id: str) -> None:
    """Reckon the district's ``lms_matched_percentage`` anew."""
    percentages = {}
    for name, table, where in (
        ("sections", "sections", ""),
        ("students", "users", " AND role = 'student'"),
        ("teachers", "users", " AND role = 'teacher'"),
    ):
        total, matched = connection.execute(
            f"SELECT COUNT(*), COUNT(lms_id) FROM {table} WHERE district_id = :district_id AND removed IS NULL{where}",
            {"district_id": district_id},
        ).fetchone()
        percentages[name] = round(100.0 * matched / total, 2) if total else 0.0
    connection.execute(
        "UPDATE districts SET lms_matched_percentage = :percentages WHERE id = :id",
        {"percentages": json.dumps(percentages), "id": district_id},
    )


def ways(connection: Connection, district_id: str) -> list[tuple[str, str, int]]:
    """How many ``sections`` and ``people`` are matched in which way, the most common first."""
    way = (
        "CASE WHEN lms_id IS NOT NULL THEN COALESCE(matched_by, 'start')"
        " WHEN EXISTS (SELECT 1 FROM match_candidates WHERE district_id = :id AND id = ours.id) THEN 'undecided'"
        " ELSE 'unmatched' END"
    )
    found = []
    for kind, table in (("sections", "sections"), ("people", "users")):
        found += connection.execute(
            f"SELECT '{kind}', {way} AS way, COUNT(*) AS many FROM {table} AS ours"
            " WHERE district_id = :id AND removed IS NULL GROUP BY way ORDER BY many DESC, way",
            {"id": district_id},
        ).fetchall()
    return [(kind, way, count) for kind, way, count in found]


def all_of(connection: Connection, district_id: str) -> list[Ours]:
    """All sections and people of a district, with what they are matched to."""
    rows = connection.execute(
        f"SELECT * FROM ({_OURS}) AS ours WHERE district_id = :district_id ORDER BY kind, id",
        {"district_id": district_id},
    )
    return [Ours(*row) for row in rows]


def candidates(connection: Connection, district_id: str) -> dict[str, list[Known]]:
    """The LMS's sections and people among which a person must choose, by ours."""
    found: dict[str, list[Known]] = {}
    for id_, *known in connection.execute(
        f"{_CANDIDATES} WHERE district_id = :district_id ORDER BY id, lms_id", {"district_id": district_id}
    ):
        found.setdefault(id_, []).append(Known(*known))
    return found


def undecided(connection: Connection, district_id: str) -> list[Ours]:
    """Of which sections and people a person must decide: sections first, those of one name together."""
    rows = connection.execute(
        f"SELECT * FROM ({_OURS}) AS ours WHERE district_id = :district_id AND lms_id IS NULL AND id IN"
        " (SELECT id FROM match_candidates WHERE district_id = :district_id) ORDER BY kind, name, id",
        {"district_id": district_id},
    )
    return [Ours(*row) for row in rows]


def decision(connection: Connection, ours: Ours) -> Decision | None:
    """What is known of one of ours, and of the LMS's that it may be and that no other is.

    None where nothing is to be decided any more.
    """
    found = find(connection, ours.id)
    if found is None or found.lms_id is not None:
        return None
    rows = connection.execute(
        f"{_CANDIDATES} AS it WHERE district_id = :district_id AND id = :id AND NOT EXISTS"
        f" (SELECT 1 FROM ({_OURS}) AS other WHERE other.district_id = :district_id AND other.kind = :kind"
        " AND other.lms_id = it.lms_id) ORDER BY lms_id",
        {"district_id": ours.district_id, "id": ours.id, "kind": ours.kind},
    ).fetchall()
    known = _section(connection, ours.id) if ours.kind == "section" else _user(connection, ours.id)
    return Decision(known, [Known(*row[1:]) for row in rows]) if rows else None


def _section(connection: Connection, section_id: str) -> Known:
    teachers = first_names(
        f"SELECT {_NAME} AS name FROM enrollments JOIN users ON users.id = user_id"
        " WHERE section_id = ours.id AND enrollments.role = 'teacher'"
    )
    row = connection.execute(
        f"SELECT ours.id, ours.name, ours.sis_id, NULL, courses.name, {teachers}, (SELECT COUNT(*) FROM enrollments"
        " WHERE section_id = ours.id AND role = 'student'), schools.name, terms.name, period FROM sections AS ours"
        " LEFT JOIN courses ON courses.id = course_id LEFT JOIN schools ON schools.id = school_id"
        " LEFT JOIN terms ON terms.id = term_id WHERE ours.id = :id",
        {"id": section_id},
    ).fetchone()
    return Known(*row)


def _user(connection: Connection, user_id: str) -> Known:
    sections = first_names(
        "SELECT name FROM enrollments JOIN sections ON sections.id = section_id WHERE user_id = ours.id"
    )
    row = connection.execute(
        f"SELECT id, {_NAME}, sis_id, email, {sections} FROM users AS ours WHERE id = :id",
        {"id": user_id},
    ).fetchone()
    id_, name, sis_id, email, among = row
    return Known(id_, name, sis_id, email, sections=among)
