"""Matches: the sections and people of the LMS that the roster's sections and people are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from passback.domain.matching import SectionRef
from passback.store import deliveries, lms_accounts, number_fits, roster_events
from passback.store.statements import among

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.clock import Instant
    from passback.domain.roster import Role
    from passback.sis.rows import Kind
    from passback.store.engine.database import Connection


class AlreadyMatched(Exception):
    """Another of ours is matched to that object in the LMS already."""

    def __init__(self, other: str) -> None:
        super().__init__(other)
        self.other = other


class Ours(Struct, frozen=True):
    """A section or person of the roster, and its match."""

    district_id: str
    id: str
    kind: str
    """``section``, ``student`` or ``teacher``."""
    name: str
    lms_id: str | None
    matched_by: str | None


NAME = "TRIM(first_name || ' ' || last_name)"
OURS = (
    "SELECT district_id, id, 'section' AS kind, name, lms_id, matched_by FROM sections WHERE removed IS NULL"
    f" UNION ALL SELECT district_id, id, role, {NAME}, lms_id, matched_by FROM users"
    " WHERE removed IS NULL"
)


def sections(connection: Connection, district_id: str) -> list[SectionRef]:
    """The district's sections."""
    rows = connection.execute(
        "SELECT id, name, sis_id FROM sections WHERE district_id = :district_id AND removed IS NULL ORDER BY id",
        {"district_id": district_id},
    )
    return [SectionRef(*row) for row in rows]


def sections_by_hand(connection: Connection, district_id: str) -> dict[str, str]:
    """The LMS ids of the sections that are matched by hand, by our ids."""
    rows = connection.execute(
        "SELECT id, lms_id FROM sections WHERE district_id = :district_id AND matched_by = 'hand' AND removed IS NULL",
        {"district_id": district_id},
    )
    return dict(rows.fetchall())


def decide(
    connection: Connection, our_id: str, lms_id: str | None, now: Instant, lms_name: str | None = None
) -> str | None:
    """Match a section or user by hand or, with None, remove its match. Returns its district; None if the id is unknown.

    `lms_name` is the account's name, which a person has accepted, if it is known. Raises `AlreadyMatched`.
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
    update_percentages(connection, district_id)
    if lms_id is not None:
        if found.kind != "section":
            lms_accounts.record(connection, district_id, cast("Role", found.kind), lms_id, lms_name)
        _retry_grades(connection, found, now)
    return district_id


def _retry_grades(connection: Connection, ours: Ours, now: Instant) -> None:
    """Let what may have waited for a match be tried now."""
    sections = [ours.id]
    if ours.kind != "section":
        rows = connection.execute("SELECT section_id FROM enrollments WHERE user_id = :id", {"id": ours.id})
        sections = [row[0] for row in rows]
    deliveries.retry_in_sections(connection, sections, now)


def choose(connection: Connection, ours: Ours, lms_id: str, now: Instant) -> bool:
    """Match one of ours to one of its candidates. False if it has been matched since, or is no longer a candidate.

    Raises `AlreadyMatched`.
    """
    connection.lock(f"roster/{ours.district_id}")
    found = find(connection, ours.id)
    if found is None or found.lms_id is not None:
        return False
    candidate = connection.execute(
        "SELECT name FROM match_candidates WHERE district_id = :district_id AND id = :id AND lms_id = :lms_id",
        {"district_id": ours.district_id, "id": ours.id, "lms_id": lms_id},
    ).fetchone()
    return candidate is not None and decide(connection, ours.id, lms_id, now, candidate[0]) is not None


def unmatched(connection: Connection, district_id: str, limit: int) -> list[Ours]:
    """Up to `limit` each of the sections and people that are not matched and have no candidates, in no order.

    They are found among so many of those that are not matched that it takes no longer in a large district.
    """
    where = (
        "id IN (SELECT id FROM {table} WHERE district_id = :district_id AND lms_id IS NULL AND removed IS NULL"
        " LIMIT :most) AND NOT EXISTS (SELECT 1 FROM match_candidates AS it"
        " WHERE it.district_id = :district_id AND it.id = ours.id) LIMIT :limit"
    )
    return _each(connection, where, {"district_id": district_id, "limit": limit, "most": 4 * limit})


def of_ids(connection: Connection, ids: Sequence[str]) -> list[Ours]:
    """The sections and users of these ids, in the order of ids."""
    if not ids:
        return []
    parameters: dict[str, Any] = {}
    where = f"removed IS NULL AND {among('id', ids, parameters)}"
    return sorted(_each(connection, where, parameters), key=lambda it: it.id)


def _each(connection: Connection, where: str, parameters: Mapping[str, Any]) -> list[Ours]:
    """Those of the sections, and of the users, that a condition holds for. Each table by itself, so that it is fast."""
    return [
        Ours(*row)
        for table, kind, name in (("sections", "'section'", "name"), ("users", "role", NAME))
        for row in connection.execute(
            f"SELECT district_id, id, {kind}, {name}, lms_id, matched_by FROM {table} AS ours"
            f" WHERE {where.format(table=table)}",
            parameters,
        )
    ]


def find(connection: Connection, our_id: str) -> Ours | None:
    """Find a section or user of any district."""
    row = connection.execute(f"SELECT * FROM ({OURS}) AS ours WHERE id = :id", {"id": our_id}).fetchone()
    return None if row is None else Ours(*row)


def sections_in_lms(connection: Connection, user_id: str) -> list[str]:
    """The LMS ids of a user's sections."""
    rows = connection.execute(
        "SELECT DISTINCT lms_id FROM enrollments JOIN sections ON sections.id = section_id"
        " WHERE user_id = :id AND lms_id IS NOT NULL AND removed IS NULL ORDER BY lms_id",
        {"id": user_id},
    )
    return [row[0] for row in rows]


def _holder(connection: Connection, ours: Ours, lms_id: str) -> str | None:
    """The other section, or user of the same role, that is matched to an LMS id already."""
    row = connection.execute(
        f"SELECT id FROM ({OURS}) AS ours WHERE district_id = :district_id AND kind = :kind AND lms_id = :lms_id"
        " AND id <> :id",
        {"district_id": ours.district_id, "kind": ours.kind, "lms_id": lms_id, "id": ours.id},
    ).fetchone()
    return None if row is None else str(row[0])


def _table(kind: str) -> Kind:
    return "sections" if kind == "section" else "users"


def forget(connection: Connection, district_id: str, now: Instant) -> None:
    """Remove every match of a district, including those made by hand, and the time of its last sync."""
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
    lms_accounts.forget(connection, district_id)
    number_fits.replace(connection, district_id, ())
    connection.execute("UPDATE districts SET last_lms_sync = NULL WHERE id = :id", {"id": district_id})
    update_percentages(connection, district_id)


def update_percentages(connection: Connection, district_id: str) -> None:
    """Recalculate the district's ``lms_matched_percentage``."""
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


def count_by_way(connection: Connection, district_id: str) -> list[tuple[str, str, int]]:
    """The numbers of ``sections`` and ``people`` that are matched in each way, the most common way first."""
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
    """All sections and people of a district with their matches."""
    rows = connection.execute(
        f"SELECT * FROM ({OURS}) AS ours WHERE district_id = :district_id ORDER BY kind, id",
        {"district_id": district_id},
    )
    return [Ours(*row) for row in rows]
