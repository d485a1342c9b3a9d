"""What the data knows of the backup that it was restored from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.clock import DAY, HOUR
from passback.store import ticks
from passback.store.engine.migrate import meta, set_meta

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection

REMEMBERED_FOR = 30 * DAY
"""For how long after a restore what the data has forgotten is looked for."""
_BACKED_UP = "backed_up"
_LAST_BACKUP = "last_backup"
_RESTORED = "restored"
_OPEN = "state IN ('waiting', 'delivering')"


class Restored(Struct, frozen=True):
    """That the data is a backup that was restored."""

    backed_up: Instant
    """When the backup was made: what happened after that, the data has forgotten."""
    restored: Instant


def set_backed_up(connection: Connection, now: Instant) -> None:
    """Record in a backup when it was made."""
    set_meta(connection, _BACKED_UP, str(now))


def set_last_backup(connection: Connection, now: Instant) -> None:
    """Record in the data file when it was last backed up."""
    set_meta(connection, _LAST_BACKUP, str(now))


def last_backup(connection: Connection) -> Instant | None:
    """When the data file was last backed up; None if that is not known."""
    found = meta(connection, _LAST_BACKUP)
    return None if found is None else int(found)


def is_backup(connection: Connection) -> bool:
    """Whether this is a backup that nobody has restored yet, even if it is in a data file's place."""
    return meta(connection, _BACKED_UP) is not None


def find(connection: Connection, now: Instant) -> Restored | None:
    """The last restore of the data, if it still matters."""
    found = meta(connection, _RESTORED)
    if found is None:
        return None
    backed_up, restored = (int(part) for part in found.split())
    return Restored(backed_up, restored) if now < restored + REMEMBERED_FOR else None


def mark(connection: Connection, now: Instant, backed_up: Instant | None = None) -> tuple[Restored, int]:
    """Turn a backup into data to serve: whatever it shows as open is in doubt, and nobody delivers it.

    `backed_up` is when it was made; found out unless given. Returns what is recorded, and how many changes are in
    doubt.
    """
    earlier = find(connection, now)
    if backed_up is None:
        backed_up = _backed_up(connection, now)
    if earlier is not None:
        backed_up = min(backed_up, earlier.backed_up)
    set_meta(connection, _RESTORED, f"{backed_up} {now}")
    connection.execute("DELETE FROM passback_meta WHERE name = :name", {"name": _BACKED_UP})
    for table in ("workers", "lms_turns", "parties", "lms_breakers"):
        connection.execute(f"DELETE FROM {table}")
    [in_doubt] = connection.execute(
        f"SELECT COUNT(*) FROM deliveries WHERE {_OPEN}"
        " AND operation NOT IN ('send_webhook', 'update_submissions')"
    ).fetchone()
    # What expired since is tried once more, to find out whether it was delivered.
    connection.execute(
        "UPDATE deliveries SET doubt = 1, state = 'waiting', worker = NULL, fence = fence + 1, background = 1,"
        " due = CASE WHEN due IS NULL THEN NULL ELSE :now END,"
        " expires = CASE WHEN expires < :later THEN :later ELSE expires END"
        f" WHERE {_OPEN}",
        {"now": now, "later": now + HOUR},
    )
    return Restored(backed_up, now), int(in_doubt)


def _backed_up(connection: Connection, now: Instant) -> Instant:
    """When the backup was made; of a copy that does not say so, when something last happened in it."""
    found = meta(connection, _BACKED_UP)
    if found is not None:
        return int(found)
    row = connection.execute("SELECT MAX(created), MAX(finished) FROM deliveries").fetchone()
    ticked = ticks.find(connection)
    times = [*row, ticked.last if ticked else None]
    return max((at for at in times if at is not None), default=now - REMEMBERED_FOR)
