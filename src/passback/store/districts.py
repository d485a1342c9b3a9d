"""Districts: which LMS each uses, and the state of its connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passback.store.engine.database import Connection


def set_lms_state(connection: Connection, district_id: str, state: str) -> None:
    """Say how a district's connection to its LMS stands (the published ``lms_state``)."""
    connection.execute(
        "UPDATE districts SET lms_state = :state WHERE id = :id", {"state": state, "id": district_id}
    )


def break_lms_state(connection: Connection, district_id: str) -> bool:
    """Say that a connection is broken. False where that is known already, or it is removed."""
    done = connection.execute(
        "UPDATE districts SET lms_state = 'error' WHERE id = :id AND lms_state NOT IN ('error', 'disconnected')",
        {"id": district_id},
    )
    return done.rowcount == 1


def mend_lms_state(connection: Connection, district_id: str) -> None:
    """Say that a connection that was broken works again."""
    connection.execute(
        "UPDATE districts SET lms_state = CASE WHEN last_lms_sync IS NULL THEN 'initial_sync_processing'"
        " ELSE 'success' END WHERE id = :id AND lms_state IN ('error', 'pending_authorization', '')",
        {"id": district_id},
    )


def enter_first_sync(connection: Connection, district_id: str, state: str) -> None:
    """Say how far the first reading of a district's LMS is; later ones leave the state as it is."""
    connection.execute(
        "UPDATE districts SET lms_state = :state WHERE id = :id AND last_lms_sync IS NULL"
        " AND lms_state <> 'disconnected'",
        {"state": state, "id": district_id},
    )


def set_lms(
    connection: Connection, district_id: str, lms_type: str, state: str, address: str | None = None
) -> None:
    """Say which LMS a district uses, and how its connection stands."""
    connection.execute(
        "UPDATE districts SET lms_type = :lms_type, lms_state = :state, lms_address = :address WHERE id = :id",
        {"lms_type": lms_type, "state": state, "address": address, "id": district_id},
    )


def lms_address(connection: Connection, district_id: str) -> str | None:
    """Where the LMS is that a district uses, or used last; None where that is not known."""
    row = connection.execute(
        "SELECT lms_address FROM districts WHERE id = :id", {"id": district_id}
    ).fetchone()
    return None if row is None else row[0]


def all_ids(connection: Connection) -> list[str]:
    """Every district's id."""
    return [row[0] for row in connection.execute("SELECT id FROM districts ORDER BY id")]


def any_exist(connection: Connection) -> bool:
    """Whether the data file has any district."""
    return connection.execute("SELECT 1 FROM districts LIMIT 1").fetchone() is not None


def lms_types(connection: Connection) -> dict[str, str]:
    """The kind of LMS of each district."""
    return {row[0]: row[1] for row in connection.execute("SELECT id, lms_type FROM districts")}


def follow_lms(connection: Connection, district_id: str, *, follows: bool) -> None:
    """Say whether the roster is what the LMS has, because there is no other: what was planned before is overtaken."""
    connection.execute(
        "UPDATE districts SET roster_from_lms = :follows, roster_version = roster_version + 1"
        " WHERE id = :id AND roster_from_lms <> :follows",
        {"follows": int(follows), "id": district_id},
    )


def follows_lms(connection: Connection, district_id: str) -> bool:
    """Whether the roster is what the LMS has, because there is no other."""
    row = connection.execute(
        "SELECT roster_from_lms FROM districts WHERE id = :id", {"id": district_id}
    ).fetchone()
    return row is not None and row[0] == 1
