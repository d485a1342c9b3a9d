"""Which of the LMS's the roster's sections and people are, as it is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.matching import Place
from passback.domain.roster import ROLES
from passback.store import roster_events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Instant
    from passback.sis.rows import Kind
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
    """Match a section or user by hand, or, with None, undo what is known of it. The district; None for no such id."""
    tables: tuple[Kind, ...] = ("sections", "users")
    for table in tables:
        row = connection.execute(f"SELECT district_id FROM {table} WHERE id = :id", {"id": our_id}).fetchone()
        if row is None:
            continue
        district_id = row[0]
        connection.lock(f"roster/{district_id}")
        row = connection.execute(
            f"SELECT lms_id FROM {table} WHERE id = :id AND removed IS NULL", {"id": our_id}
        ).fetchone()
        if row is None:
            return None
        before = row[0]
        connection.execute(
            f"UPDATE {table} SET lms_id = :lms_id, matched_by = :by WHERE id = :id",
            {"id": our_id, "lms_id": lms_id, "by": None if lms_id is None else "hand"},
        )
        if (before is None) is not (lms_id is None):
            connection.execute(
                f"UPDATE {table} SET last_modified = :now WHERE id = :id", {"now": now, "id": our_id}
            )
            roster_events.add_matched(connection, district_id, table, our_id, now, was=before is not None)
        connection.execute("DELETE FROM match_candidates WHERE id = :id", {"id": our_id})
        count(connection, district_id)
        return str(district_id)
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
        " WHEN EXISTS (SELECT 1 FROM match_candidates WHERE id = ours.id) THEN 'undecided' ELSE 'unmatched' END"
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
