"""What looks last saw in the LMS, as digests: what differs from them was changed by a teacher, or by us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.store.statements import among

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection

Key = tuple[str, str]
"""An assignment's id and a student's; the second is empty for the assignment itself."""
_OURS = "('create_assignment', 'update_assignment', 'update_submission')"


class Seen(Struct, frozen=True):
    """What was seen, and when that look began."""

    digest: str
    at: Instant


def find_all(connection: Connection, section_id: str) -> dict[Key, Seen]:
    """What was last seen of a section."""
    rows = connection.execute(
        "SELECT assignment_id, user_id, digest, seen FROM lms_seen WHERE section_id = :id", {"id": section_id}
    )
    return {(row[0], row[1]): Seen(row[2], row[3]) for row in rows}


def save(connection: Connection, section_id: str, digests: Mapping[Key, str], at: Instant) -> None:
    """Keep what was seen by a look that began at that time."""
    connection.insert(
        "lms_seen",
        ("section_id", "assignment_id", "user_id", "digest", "seen"),
        [(section_id, *key, digest, at) for key, digest in digests.items()],
        "ON CONFLICT (assignment_id, user_id) DO UPDATE SET digest = excluded.digest, seen = excluded.seen",
    )


def forget_others(connection: Connection, section_id: str, assignment_ids: Collection[str]) -> None:
    """Forget what was seen of a section's other assignments, which are no longer looked at."""
    parameters: dict[str, Any] = {"section_id": section_id}
    others = f" AND NOT ({among('assignment_id', assignment_ids, parameters)})" if assignment_ids else ""
    connection.execute(f"DELETE FROM lms_seen WHERE section_id = :section_id{others}", parameters)


def changed_by_us(connection: Connection, assignment_ids: Collection[str]) -> dict[Key, Instant | None]:
    """When changes of ours last ended, of those assignments and their students' work; None if one is being made."""
    found: dict[Key, Instant | None] = {}
    if not assignment_ids:
        return found
    parameters: dict[str, Any] = {}
    rows = connection.execute(
        "SELECT assignment_id, COALESCE(user_id, ''), MAX(COALESCE(finished, 0)), MAX(CASE WHEN finished IS NULL"
        " THEN 1 ELSE 0 END) FROM deliveries"
        f" WHERE {among('assignment_id', assignment_ids, parameters)} AND operation IN {_OURS}"
        " AND (attempts > 0 OR state <> 'waiting') GROUP BY assignment_id, COALESCE(user_id, '')",
        parameters,
    )
    for assignment_id, user_id, finished, is_open in rows:
        found[assignment_id, user_id] = None if is_open else int(finished)
    return found
