"""Districts: the LMS that each uses, and the state of its connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


def rename(connection: Connection, district_id: str, name: str, now: Instant) -> None:
    """Give a district another name."""
    connection.execute(
        "UPDATE districts SET name = :name, last_modified = :now WHERE id = :id",
        {"name": name, "now": now, "id": district_id},
    )


def set_lms_state(connection: Connection, district_id: str, state: str) -> None:
    """Set the state of a district's connection to its LMS (the published ``lms_state``)."""
    connection.execute(
        "UPDATE districts SET lms_state = :state WHERE id = :id", {"state": state, "id": district_id}
    )


def break_lms_state(connection: Connection, district_id: str) -> bool:
    """Mark a connection as broken. False if it is marked already or has been removed."""
    done = connection.execute(
        "UPDATE districts SET lms_state = 'error' WHERE id = :id AND lms_state NOT IN ('error', 'disconnected')",
        {"id": district_id},
    )
    return done.rowcount == 1


def set_down(connection: Connection, district_id: str, now: Instant) -> bool:
    """Record that a district's LMS is down. False if it was already."""
    done = connection.execute(
        "UPDATE districts SET lms_down = :now WHERE id = :id AND lms_down IS NULL",
        {"id": district_id, "now": now},
    )
    return done.rowcount == 1


def set_up(connection: Connection, district_id: str) -> bool:
    """Record that a district's LMS is no longer down. False if it was not."""
    done = connection.execute(
        "UPDATE districts SET lms_down = NULL WHERE id = :id AND lms_down IS NOT NULL", {"id": district_id}
    )
    return done.rowcount == 1


def roster_told(connection: Connection, district_id: str) -> int | None:
    """The position of the last roster event that webhooks were told of; None if they never were."""
    row = connection.execute(
        "SELECT roster_told FROM districts WHERE id = :id", {"id": district_id}
    ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def set_roster_told(connection: Connection, district_id: str, seq: int) -> None:
    """Record of which roster event webhooks were told last."""
    connection.execute(
        "UPDATE districts SET roster_told = :seq WHERE id = :id", {"id": district_id, "seq": seq}
    )


def mend_lms_state(connection: Connection, district_id: str) -> bool:
    """Mark a broken connection as working again. False if it was not broken."""
    was_broken = connection.execute(
        "SELECT 1 FROM districts WHERE id = :id AND lms_state = 'error'", {"id": district_id}
    ).fetchone()
    connection.execute(
        "UPDATE districts SET lms_state = CASE WHEN last_lms_sync IS NULL THEN 'initial_sync_processing'"
        " ELSE 'success' END WHERE id = :id AND lms_state IN ('error', 'pending_authorization', '')",
        {"id": district_id},
    )
    return was_broken is not None


def recover_lms_state(connection: Connection, district_id: str) -> bool:
    """Mark a broken connection as working again because a call has succeeded; before the first sync that decides.

    False if it was not broken.
    """
    done = connection.execute(
        "UPDATE districts SET lms_state = 'success'"
        " WHERE id = :id AND lms_state = 'error' AND last_lms_sync IS NOT NULL",
        {"id": district_id},
    )
    return done.rowcount == 1


def enter_first_sync(connection: Connection, district_id: str, state: str) -> None:
    """Set the state during a district's first sync; later syncs leave the state as it is."""
    connection.execute(
        "UPDATE districts SET lms_state = :state WHERE id = :id AND last_lms_sync IS NULL"
        " AND lms_state <> 'disconnected'",
        {"state": state, "id": district_id},
    )


def set_lms(
    connection: Connection, district_id: str, lms_type: str, state: str, address: str | None = None
) -> None:
    """Set the LMS that a district uses, and the state of its connection."""
    connection.execute(
        "UPDATE districts SET lms_type = :lms_type, lms_state = :state, lms_address = :address WHERE id = :id",
        {"lms_type": lms_type, "state": state, "address": address, "id": district_id},
    )


def lms_address(connection: Connection, district_id: str) -> str | None:
    """The address of the LMS that a district uses or last used; None if it is not known."""
    row = connection.execute(
        "SELECT lms_address FROM districts WHERE id = :id", {"id": district_id}
    ).fetchone()
    return None if row is None else row[0]


def all_ids(connection: Connection) -> list[str]:
    """The ids of all districts."""
    return [row[0] for row in connection.execute("SELECT id FROM districts ORDER BY id")]


def any_exist(connection: Connection) -> bool:
    """Whether there is any district."""
    return connection.execute("SELECT 1 FROM districts LIMIT 1").fetchone() is not None


def lms_types(connection: Connection) -> dict[str, str]:
    """The kind of LMS of each district, by district id."""
    return {row[0]: row[1] for row in connection.execute("SELECT id, lms_type FROM districts")}


def follow_lms(connection: Connection, district_id: str, *, follows: bool) -> None:
    """Set whether the roster comes from the LMS, as there is no other. A change makes earlier plans invalid."""
    connection.execute(
        "UPDATE districts SET roster_from_lms = :follows, roster_version = roster_version + 1"
        " WHERE id = :id AND roster_from_lms <> :follows",
        {"follows": int(follows), "id": district_id},
    )


def count_version(connection: Connection, district_id: str) -> None:
    """Make plans invalid that were made for the roster as it has been."""
    connection.execute(
        "UPDATE districts SET roster_version = roster_version + 1 WHERE id = :id", {"id": district_id}
    )


_FILES = "CAST(roster_version AS TEXT) || ' ' || CAST(:digest AS TEXT)"


def note_files(connection: Connection, district_id: str, digest: str | None) -> None:
    """Note that the roster, as it is now, is that of files with this digest; None if it is not all that they say."""
    connection.execute(
        f"UPDATE districts SET roster_files = {_FILES} WHERE id = :id", {"digest": digest, "id": district_id}
    )


def is_of_files(connection: Connection, district_id: str, digest: str) -> bool:
    """Whether the roster is that of files with this digest, and has not changed since."""
    found = connection.execute(
        f"SELECT 1 FROM districts WHERE id = :id AND roster_files = {_FILES}",
        {"digest": digest, "id": district_id},
    )
    return found.fetchone() is not None


def note_sizes(connection: Connection, district_id: str, sizes: Mapping[str, int]) -> None:
    """Note how many objects of each kind the roster has, as it is now."""
    connection.execute(
        "UPDATE districts SET roster_sizes = CAST(roster_version AS TEXT) || ' ' || CAST(:sizes AS TEXT)"
        " WHERE id = :id",
        {"sizes": json.dumps(sizes), "id": district_id},
    )


def noted_sizes(connection: Connection, district_id: str) -> dict[str, int] | None:
    """How many objects of each kind the roster has; None if it has changed since that was noted."""
    row = connection.execute(
        "SELECT CAST(roster_version AS TEXT), roster_sizes FROM districts WHERE id = :id", {"id": district_id}
    ).fetchone()
    version, _, sizes = (row[1] or "").partition(" ") if row is not None else ("", "", "")
    return json.loads(sizes) if sizes and version == row[0] else None


def follows_lms(connection: Connection, district_id: str) -> bool:
    """Whether the roster comes from the LMS, as there is no other."""
    row = connection.execute(
        "SELECT roster_from_lms FROM districts WHERE id = :id", {"id": district_id}
    ).fetchone()
    return row is not None and row[0] == 1


def keep_trying(connection: Connection, district_id: str) -> int | None:
    """For how many milliseconds deliveries to a district are tried; None for the usual time."""
    row = connection.execute(
        "SELECT keep_trying FROM districts WHERE id = :id", {"id": district_id}
    ).fetchone()
    return None if row is None else row[0]


def set_keep_trying(connection: Connection, district_id: str, keep_trying: int | None) -> None:
    """Set for how many milliseconds deliveries to a district are tried; None for the usual time."""
    connection.execute(
        "UPDATE districts SET keep_trying = :keep_trying WHERE id = :id",
        {"id": district_id, "keep_trying": keep_trying},
    )


def match_by(connection: Connection, district_id: str) -> str | None:
    """The kind of number that the LMS has as its SIS ids, as an operator named it; None if it is to be found out."""
    row = connection.execute("SELECT match_by FROM districts WHERE id = :id", {"id": district_id}).fetchone()
    return None if row is None else row[0]


def set_match_by(connection: Connection, district_id: str, kind: str | None) -> None:
    """Set the kind of number that the LMS has as its SIS ids; None to find it out."""
    connection.execute(
        "UPDATE districts SET match_by = :kind WHERE id = :id", {"kind": kind, "id": district_id}
    )
