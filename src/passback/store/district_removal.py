"""Removing a district with everything that is its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from passback.store.engine.database import Connection

_ROSTER = ("enrollments", "sections", "users", "courses", "terms", "schools")
"""The roster's tables, each before those that it refers to."""
_OF_SECTIONS = (
    "gradebook_assignments",
    "assignments",
    "assignment_looks",
    "lms_seen",
    "doubts",
    "enrollments",
)
"""Tables whose rows belong to a section, and name no district."""


class Holdings(Struct, frozen=True):
    """What goes with a district."""

    sections: int
    people: int
    tokens: int
    """Those that are not revoked."""
    webhooks: int
    matched: int
    """How many sections and people are matched to the LMS."""
    assignments: int
    open_deliveries: int
    """How many changes were promised, and are not in the LMS yet."""


def holdings(connection: Connection, district_id: str) -> Holdings:
    """What would go with a district."""
    mine = {"district_id": district_id}

    def count(tables: str, where: str = "") -> int:
        row = connection.execute(
            f"SELECT COUNT(*) FROM {tables} WHERE {tables.split()[0]}.district_id = :district_id{where}", mine
        ).fetchone()
        return int(row[0])

    present = " AND removed IS NULL"
    matched = present + " AND lms_id IS NOT NULL"
    return Holdings(
        sections=count("sections", present),
        people=count("users", present),
        tokens=count("tokens", " AND revoked IS NULL"),
        webhooks=count("webhooks"),
        matched=count("sections", matched) + count("users", matched),
        assignments=count(
            "sections JOIN assignments ON assignments.section_id = sections.id",
            " AND assignments.deleted IS NULL",
        ),
        open_deliveries=count(
            "deliveries",
            " AND state IN ('waiting', 'delivering') AND operation NOT IN ('send_webhook', 'update_submissions')",
        ),
    )


def remove(connection: Connection, district_id: str) -> None:
    """Remove a district, and every row of every table that is its own."""
    mine = {"district_id": district_id}
    known = connection.tables()
    sections = "SELECT id FROM sections WHERE district_id = :district_id"
    for table in _OF_SECTIONS:
        if table in known:
            connection.execute(f"DELETE FROM {table} WHERE section_id IN ({sections})", mine)
    webhooks = "SELECT id FROM webhooks WHERE district_id = :district_id"
    connection.execute(f"DELETE FROM parties WHERE id = :district_id OR id IN ({webhooks})", mine)
    own = {table for table in known if "district_id" in connection.columns(table)}
    for table in (*sorted(own - set(_ROSTER)), *(it for it in _ROSTER if it in own)):
        connection.execute(f"DELETE FROM {table} WHERE district_id = :district_id", mine)
    connection.execute("DELETE FROM districts WHERE id = :district_id", mine)
