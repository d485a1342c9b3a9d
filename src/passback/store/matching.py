"""Which of the LMS's the roster's sections and people are, as it is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.matching import Person, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from passback.domain.clock import Instant
    from passback.domain.matching import Match
    from passback.domain.roster import Role
    from passback.store.database import Connection


class Ours(Struct, frozen=True):
    """A section or person of the roster, with what it is matched to."""

    id: str
    kind: str
    """``section``, ``student`` or ``teacher``."""
    name: str
    lms_id: str | None
    matched_by: str | None


def sections(connection: Connection, district_id: str) -> list[Place]:
    """The district's sections."""
    rows = connection.execute(
        "SELECT id, name, sis_id FROM sections WHERE district_id = :district_id AND removed IS NULL ORDER BY id",
        {"district_id": district_id},
    )
    return [Place(*row) for row in rows]


def people(connection: Connection, section_id: str, role: Role) -> list[Person]:
    """The students or teachers of a section."""
    rows = connection.execute(
        "SELECT users.id, users.first_name, users.last_name, users.email, users.sis_id FROM enrollments"
        " JOIN users ON users.id = enrollments.user_id"
        " WHERE enrollments.section_id = :section_id AND enrollments.role = :role ORDER BY users.id",
        {"section_id": section_id, "role": role},
    )
    return [Person(row[0], role, f"{row[1]} {row[2]}", row[3], row[4]) for row in rows]


def by_hand(connection: Connection, district_id: str) -> dict[str, str]:
    """What a person decided: the LMS's id for ours."""
    found: dict[str, str] = {}
    for table in ("sections", "users"):
        rows = connection.execute(
            f"SELECT id, lms_id FROM {table} WHERE district_id = :district_id AND matched_by = 'hand'"
            " AND removed IS NULL",
            {"district_id": district_id},
        )
        found |= {row[0]: row[1] for row in rows if row[1] is not None}
    return found


def save(
    connection: Connection,
    district_id: str,
    section_matches: Sequence[Match],
    person_matches: Sequence[Match],
    now: Instant,
) -> None:
    """Replace what is known of all sections and people, but for what a person decided."""
    connection.execute(
        "DELETE FROM match_candidates WHERE district_id = :district_id", {"district_id": district_id}
    )
    for table, matches in (("sections", section_matches), ("users", person_matches)):
        connection.executemany(
            f"UPDATE {table} SET lms_id = :lms_id, matched_by = :matched_by"
            " WHERE id = :id AND district_id = :district_id AND COALESCE(matched_by, '') <> 'hand'",
            [
                {"id": it.id, "lms_id": it.lms_id, "matched_by": it.by, "district_id": district_id}
                for it in matches
                if it.by != "hand"
            ],
        )
        _save_candidates(connection, district_id, matches)
    connection.execute(
        "UPDATE districts SET last_lms_sync = :now, lms_state = 'success' WHERE id = :district_id",
        {"now": now, "district_id": district_id},
    )
    count(connection, district_id)


def decide(connection: Connection, our_id: str, lms_id: str | None) -> str | None:
    """Match a section or user by hand, or, with None, undo what is known of it. The district; None for no such id."""
    for table in ("sections", "users"):
        row = connection.execute(f"SELECT district_id FROM {table} WHERE id = :id", {"id": our_id}).fetchone()
        if row is not None:
            connection.execute(
                f"UPDATE {table} SET lms_id = :lms_id, matched_by = :by WHERE id = :id",
                {"id": our_id, "lms_id": lms_id, "by": None if lms_id is None else "hand"},
            )
            connection.execute("DELETE FROM match_candidates WHERE id = :id", {"id": our_id})
            count(connection, row[0])
            return str(row[0])
    return None


def holder(connection: Connection, our_id: str, lms_id: str) -> str | None:
    """Which other section, or user of the same district and role, is matched to an id of the LMS's already."""
    for table, same in (("sections", ""), ("users", " AND other.role = mine.role")):
        row = connection.execute(
            f"SELECT other.id FROM {table} AS mine JOIN {table} AS other ON other.district_id = mine.district_id"
            f" AND other.id <> mine.id{same} WHERE mine.id = :id AND other.lms_id = :lms_id"
            " AND other.removed IS NULL",
            {"id": our_id, "lms_id": lms_id},
        ).fetchone()
        if row is not None:
            return str(row[0])
    return None


def keys(connection: Connection, district_id: str) -> tuple[list[Any], list[Any]]:
    """The (id, SIS id) of each section, and the (id, role, SIS id) of each user."""
    where = "WHERE district_id = :district_id AND removed IS NULL AND sis_id IS NOT NULL"
    given = {"district_id": district_id}
    return (
        connection.execute(f"SELECT id, sis_id FROM sections {where}", given).fetchall(),
        connection.execute(f"SELECT id, role, sis_id FROM users {where}", given).fetchall(),
    )


def forget(connection: Connection, district_id: str) -> None:
    """Forget every match of a district, also those by hand."""
    for table in ("sections", "users"):
        connection.execute(
            f"UPDATE {table} SET lms_id = NULL, matched_by = NULL WHERE district_id = :id",
            {"id": district_id},
        )
    connection.execute("DELETE FROM match_candidates WHERE district_id = :id", {"id": district_id})
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


def all_of(connection: Connection, district_id: str) -> list[Ours]:
    """All sections and people of a district, with what they are matched to."""
    rows = connection.execute(
        "SELECT id, 'section', name, lms_id, matched_by FROM sections WHERE district_id = :district_id"
        " AND removed IS NULL UNION ALL SELECT id, role, first_name || ' ' || last_name, lms_id, matched_by FROM users"
        " WHERE district_id = :district_id AND removed IS NULL ORDER BY 2, 1",
        {"district_id": district_id},
    )
    return [Ours(*row) for row in rows]


def candidates(connection: Connection, district_id: str) -> dict[str, list[Mapping[str, Any]]]:
    """The LMS's sections and people among which a person must choose, by ours."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in connection.execute(
        "SELECT id, lms_id, name, email, sis_id FROM match_candidates"
        " WHERE district_id = :district_id ORDER BY id, lms_id",
        {"district_id": district_id},
    ):
        found.setdefault(row[0], []).append(
            {"lms_id": row[1], "name": row[2], "email": row[3], "sis_id": row[4]}
        )
    return found


def _save_candidates(connection: Connection, district_id: str, matches: Iterable[Match]) -> None:
    connection.executemany(
        "INSERT INTO match_candidates (district_id, id, lms_id, name, email, sis_id)"
        " VALUES (:district_id, :id, :lms_id, :name, :email, :sis_id) ON CONFLICT DO NOTHING",
        [
            {
                "district_id": district_id,
                "id": match.id,
                "lms_id": candidate.id,
                "name": candidate.name,
                "email": candidate.email if isinstance(candidate, Person) else None,
                "sis_id": candidate.sis_id,
            }
            for match in matches
            for candidate in match.candidates
        ],
    )
