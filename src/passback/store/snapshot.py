"""The whole content of the data file as plain values, to save and load a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import MsgspecError

from passback.store import gradebook, roster, webhooks

if TYPE_CHECKING:
    from passback.store.engine.database import Connection

Value = str | int | None
Content = Mapping[str, list[dict[str, Value]]]
"""The rows of each table, by the names of its columns."""

TABLES = (
    "districts",
    "schools",
    "terms",
    "courses",
    "sections",
    "users",
    "enrollments",
    "roster_events",
    "held_back",
    "roster_uploads",
    "roster_rows",
    "roster_sources",
    "tokens",
    "assignments",
    "assignment_looks",
    "lms_seen",
    "gradebook_assignments",
    "gradebook_submissions",
    "gradebook_comments",
    "connections",
    "notes",
    "deliveries",
    "delivery_attempts",
    "idempotency_keys",
    "parties",
    "webhooks",
    "launch_addresses",
    "launches",
    "lti_invitations",
    "deep_links",
    "chosen_activities",
    "match_candidates",
    "lms_accounts",
    "number_fits",
    "lms_syncs",
    "lms_courses",
    "lms_sections",
    "lms_members",
    "simulator_records",
)
"""Every table with content, each before those that refer to it: all but `RUNNING` and the file's own facts."""


RUNNING = frozenset(
    {
        "accounts",
        "account_sessions",
        "sign_in_failures",
        "workers",
        "lms_breakers",
        "lms_paces",
        "lms_turns",
        "rate_counts",
        "audit",
        "lti_keys",
        "lti_nonces",
    }
)
"""What is of running processes, requests and what was done, and the gateway's own keys: no reset undoes it."""


class InvalidContent(ValueError):
    """The content does not fit the tables; the message says where."""


def dump(connection: Connection) -> dict[str, list[dict[str, Value]]]:
    """Read all content."""
    content = {}
    for table in TABLES:
        columns = list(connection.columns(table))
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1, 2, 3")
        content[table] = [dict(zip(columns, row, strict=True)) for row in rows]
    return content


def clear(connection: Connection) -> None:
    """Delete all content."""
    for table in reversed(TABLES):
        connection.execute(f"DELETE FROM {table}")


def load(connection: Connection, content: Content) -> None:
    """Replace all content. A table that `content` does not name ends up empty. Raises `InvalidContent`."""
    if unknown := sorted(set(content) - set(TABLES)):
        raise InvalidContent(f"there is no table '{unknown[0]}'")
    clear(connection)
    for table in TABLES:
        rows = content.get(table, [])
        types = connection.columns(table)
        for index, row in enumerate(rows):
            _check_row(f"{table}[{index}]", row, types)
        if rows:
            places = ", ".join(":" + name for name in types)
            connection.executemany(f"INSERT INTO {table} ({', '.join(types)}) VALUES ({places})", rows)
    _read_all(connection)


def _check_row(place: str, row: Mapping[str, Value], types: Mapping[str, type]) -> None:
    if odd := row.keys() ^ types.keys():
        raise InvalidContent(f"{place} has '{min(odd)}' missing or unknown")
    for name, value in row.items():
        if value is not None and type(value) is not types[name]:
            raise InvalidContent(f"{place}.{name} has the wrong type")


def _read_all(connection: Connection) -> None:
    """Read everything that is more than plain text and numbers, so that nothing unusable is stored."""
    try:
        for (district_id,) in connection.execute("SELECT id FROM districts").fetchall():
            roster.find(connection, roster.DISTRICTS, district_id, district_id)
        webhooks.find_all(connection)
        numbers = []
        for (section_id,) in connection.execute(
            "SELECT DISTINCT section_id FROM gradebook_assignments"
        ).fetchall():
            assignments = gradebook.section_assignments(connection, section_id)
            numbers += [assignment.points_possible for assignment in assignments]
        for ids in connection.execute(
            "SELECT assignment_id, student_id FROM gradebook_submissions"
        ).fetchall():
            submission = gradebook.find_submission(connection, *ids)
            numbers += [] if submission is None else [submission.grade_points]
    except (ValueError, ArithmeticError, MsgspecError) as error:
        raise InvalidContent(str(error) or "a number is not valid") from None
    if any(number is not None and not number.is_finite() for number in numbers):
        raise InvalidContent("a number is not finite")
