"""Reading districts' LMSs: when it is due, how far it is, and what has been read by now.

Whoever reads a district holds it for a while, and says again and again that they still do; after that another may go on
where they were. What is written is checked against who holds it, so that nobody writes into another's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from passback.domain.clock import DAY, Instant

if TYPE_CHECKING:
    from passback.store.engine.database import Connection

Phase = Literal["idle", "courses", "sections", "people", "matching"]
"""What is being read, or done with it."""

DAILY = DAY
"""How often a district is read unless the operator says something else, in milliseconds."""


class Sync(Struct, frozen=True):
    """Where the reading of one district stands."""

    district_id: str
    every: int | None
    """How many milliseconds from one to the next; None where it is done only when somebody asks."""
    due: Instant | None
    """When it is to begin, or go on."""
    asked: Instant | None
    """When somebody asked for it, since it was taken up last."""
    phase: Phase
    began: Instant | None
    """When what was read by now began to be."""
    worker: str | None
    """Who holds it, until `held_until`."""
    held_until: Instant | None
    failures: int
    """How often in a row it was broken off without having got further."""
    error: str | None
    """Why it was broken off last."""
    removals: int
    """1 where it may remove and unmatch as much as it will, this time."""


class Age(Struct, frozen=True):
    """Since when a district has not been in step with its LMS."""

    district_id: str
    lms_type: str
    since: Instant
    """When it was last, or when the district was made."""
    failures: int


_FREE = "(lms_syncs.worker IS NULL OR lms_syncs.held_until <= :now)"
_COLUMNS = ", ".join(Sync.__struct_fields__)


def find(connection: Connection, district_id: str) -> Sync | None:
    """Where the reading of a district stands; None where it was never asked for."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM lms_syncs WHERE district_id = :id", {"id": district_id}
    ).fetchone()
    return None if row is None else Sync(*row)


def ages(connection: Connection) -> list[Age]:
    """Of all districts that are read again and again."""
    rows = connection.execute(
        "SELECT districts.id, districts.lms_type, COALESCE(districts.last_lms_sync, districts.created), failures"
        " FROM lms_syncs JOIN districts ON districts.id = lms_syncs.district_id WHERE every IS NOT NULL"
        " ORDER BY districts.id"
    )
    return [Age(*row) for row in rows]


def begin(connection: Connection, district_id: str, every: int | None, now: Instant) -> None:
    """Let a district be read now, and again and again."""
    connection.execute(
        "INSERT INTO lms_syncs (district_id, every, due, asked, phase, failures)"
        " VALUES (:id, :every, :now, :now, 'idle', 0) ON CONFLICT (district_id)"
        " DO UPDATE SET every = excluded.every, due = excluded.due, asked = excluded.asked",
        {"id": district_id, "every": every, "now": now},
    )


def schedule(
    connection: Connection, district_id: str, every: int | None, last: Instant, now: Instant
) -> None:
    """Say how often a district is read from now on, reckoned from the `last` time.

    What was asked for, or is under way, or waits to go on, stays due when it was.
    """
    found = find(connection, district_id)
    due = None if every is None else max(now, last + every)
    if found is not None and found.due is not None and (found.asked is not None or found.phase != "idle"):
        due = found.due if due is None else min(found.due, due)
    connection.execute(
        "INSERT INTO lms_syncs (district_id, every, due, phase, failures) VALUES (:id, :every, :due, 'idle', 0)"
        " ON CONFLICT (district_id) DO UPDATE SET every = excluded.every, due = excluded.due",
        {"id": district_id, "every": every, "due": due},
    )


def ask(connection: Connection, district_id: str, now: Instant, *, removals: bool = False) -> None:
    """Let a district be read now; where it is being read, once more after that.

    What one that has not ended may remove it may still, but not one more after that.
    """
    connection.execute(
        "INSERT INTO lms_syncs (district_id, due, asked, phase, failures, removals)"
        " VALUES (:id, :now, :now, 'idle', 0, :removals) ON CONFLICT (district_id) DO UPDATE SET due = excluded.due,"
        " asked = excluded.asked, error = NULL, removals = CASE WHEN excluded.removals = 1 OR lms_syncs.removals = 0"
        f" OR NOT {_FREE} THEN excluded.removals ELSE 1 END",
        {"id": district_id, "now": now, "removals": int(removals)},
    )


def forget(connection: Connection, district_id: str) -> None:
    """Read a district no more, and forget what was read by now."""
    # The sync first: whoever reads the district writes nothing behind that.
    for table in ("lms_syncs", "lms_members", "lms_sections", "lms_courses"):
        connection.execute(f"DELETE FROM {table} WHERE district_id = :id", {"id": district_id})


def anything_due(connection: Connection, now: Instant) -> bool:
    """Whether a district is to be read that nobody holds."""
    found = connection.execute(f"SELECT 1 FROM lms_syncs WHERE due <= :now AND {_FREE} LIMIT 1", {"now": now})
    return found.fetchone() is not None


def claim(
    connection: Connection, worker: str, now: Instant, until: Instant, district_id: str | None = None
) -> Sync | None:
    """Hold a district that is due, or the one that is named; None where there is none, or another holds it."""
    connection.lock("lms_syncs")
    if district_id is not None:
        connection.execute(
            "INSERT INTO lms_syncs (district_id, phase, failures) VALUES (:id, 'idle', 0) ON CONFLICT DO NOTHING",
            {"id": district_id},
        )
    which = "due <= :now" if district_id is None else "district_id = :id"
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM lms_syncs WHERE {which} AND {_FREE} ORDER BY due, district_id LIMIT 1",
        {"now": now, "id": district_id or ""},
    ).fetchone()
    if row is None:
        return None
    found = Sync(*row)
    connection.execute(
        "UPDATE lms_syncs SET worker = :worker, held_until = :until, asked = NULL WHERE district_id = :id",
        {"worker": worker, "until": until, "id": found.district_id},
    )
    return found


def renew(connection: Connection, district_id: str, worker: str, until: Instant) -> bool:
    """Hold a district longer. False where another does by now."""
    done = connection.execute(
        "UPDATE lms_syncs SET held_until = :until WHERE district_id = :id AND worker = :worker",
        {"until": until, "id": district_id, "worker": worker},
    )
    return done.rowcount == 1


def enter(connection: Connection, district_id: str, phase: Phase, began: Instant | None = None) -> None:
    """Say what is being done; `began` where it is from the beginning."""
    connection.execute(
        "UPDATE lms_syncs SET phase = :phase, began = COALESCE(:began, began) WHERE district_id = :id",
        {"phase": phase, "began": began, "id": district_id},
    )


def release(connection: Connection, district_id: str, worker: str) -> None:
    """Hold a district no more: another may go on."""
    connection.execute(
        "UPDATE lms_syncs SET worker = NULL, held_until = NULL WHERE district_id = :id AND worker = :worker",
        {"id": district_id, "worker": worker},
    )


def succeeded(connection: Connection, district_id: str, now: Instant, error: str | None = None) -> None:
    """All has been read and matched. Where somebody asked for it meanwhile, it is due again. It stays held.

    `error` where something stayed as it was.
    """
    connection.execute(
        "UPDATE lms_syncs SET phase = 'idle', began = NULL, failures = 0, error = :error,"
        " due = CASE WHEN asked IS NULL THEN :now + every ELSE :now END,"
        " removals = CASE WHEN asked IS NULL THEN 0 ELSE removals END WHERE district_id = :id",
        {"now": now, "id": district_id, "error": error},
    )


def failed(
    connection: Connection,
    district_id: str,
    worker: str,
    error: str,
    due: Instant | None,
    now: Instant,
    *,
    can_resume: bool,
    further: bool,
    tried: bool,
) -> None:
    """It was broken off. It `goes_on` where it was, or begins anew.

    `further` where it had got further this time, `tried` where it tried to at all: only such count as failures.
    Where somebody asked for it meanwhile it is due at once, as they asked for it; else what may be removed holds only
    for as long as it goes on.
    """
    connection.execute(
        "UPDATE lms_syncs SET worker = NULL, held_until = NULL, error = :error,"
        " due = CASE WHEN asked IS NULL THEN CAST(:due AS BIGINT) ELSE :now END,"
        " removals = CASE WHEN asked IS NULL AND :goes_on = 0 THEN 0 ELSE removals END,"
        " failures = CASE WHEN :further = 1 THEN 1 ELSE failures + :tried END,"
        " phase = CASE WHEN :goes_on = 1 THEN phase ELSE 'idle' END WHERE district_id = :id AND worker = :worker",
        {
            "error": error, "due": due, "now": now, "further": int(further), "goes_on": int(can_resume),
            "tried": int(tried), "id": district_id, "worker": worker,
        },
    )  # fmt: skip
