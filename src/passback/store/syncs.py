"""Syncs with districts' LMSs: when each is due, its progress, and who holds its lease.

A worker leases a sync for a while and keeps renewing the lease; once it lapses, another worker may resume where the
first one stopped. Whatever is written goes with a renewal, so that nobody writes into another worker's sync.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from passback.domain.clock import DAY, HOUR, SECOND, Instant
from passback.store import held_back

if TYPE_CHECKING:
    from passback.store.engine.database import Connection

Phase = Literal["idle", "courses", "sections", "people", "matching"]
"""The step that a sync is in."""

DAILY = DAY
"""How often a district is synced unless the operator chooses another interval, in milliseconds."""


class Sync(Struct, frozen=True):
    """One district's sync."""

    district_id: str
    every: int | None
    """Milliseconds from one sync to the next; None if it only runs on request."""
    due: Instant | None
    """When it is to start or resume."""
    requested: Instant | None
    """When somebody last requested it; None if that was before it was last claimed."""
    phase: Phase
    began: Instant | None
    """When the current reading of the LMS started."""
    worker: str | None
    """The worker that holds the lease, until `leased_until`."""
    leased_until: Instant | None
    failures: int
    """How many times in a row it failed without making progress."""
    error: str | None
    """Why it last failed, or what a finished sync left out."""
    removals: int
    """1 if it may remove and unmatch any number of objects this time."""


class Age(Struct, frozen=True):
    """How long ago a district was last in step with its LMS."""

    district_id: str
    lms_type: str
    since: Instant
    """When it was last in step; before the first sync, when the district was created."""
    failures: int


LONGEST_LEASE = 45 * SECOND
"""How long a lease lasts unless it is renewed."""
_LONGEST_UNTIL_RETRY = HOUR

_FREE = "(lms_syncs.worker IS NULL OR lms_syncs.held_until <= :now)"
_NAMED_OTHERWISE = {"requested": "asked", "leased_until": "held_until"}
"""Columns that keep their first name, so that an older Passback still opens the data file."""
_COLUMNS = ", ".join(_NAMED_OTHERWISE.get(name, name) for name in Sync.__struct_fields__)


def find(connection: Connection, district_id: str) -> Sync | None:
    """The sync of a district; None if it never had one."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM lms_syncs WHERE district_id = :id", {"id": district_id}
    ).fetchone()
    return None if row is None else Sync(*row)


def ages(connection: Connection) -> list[Age]:
    """The age of every district that is synced regularly."""
    rows = connection.execute(
        "SELECT districts.id, districts.lms_type, COALESCE(districts.last_lms_sync, districts.created), failures"
        " FROM lms_syncs JOIN districts ON districts.id = lms_syncs.district_id WHERE every IS NOT NULL"
        " ORDER BY districts.id"
    )
    return [Age(*row) for row in rows]


def begin(connection: Connection, district_id: str, every: int | None, now: Instant) -> None:
    """Sync a district now, and regularly from then on."""
    connection.execute(
        "INSERT INTO lms_syncs (district_id, every, due, asked, phase, failures)"
        " VALUES (:id, :every, :now, :now, 'idle', 0) ON CONFLICT (district_id)"
        " DO UPDATE SET every = excluded.every, due = excluded.due, asked = excluded.asked",
        {"id": district_id, "every": every, "now": now},
    )


def schedule(
    connection: Connection, district_id: str, every: int | None, last: Instant, now: Instant
) -> None:
    """Set how often a district is synced, counted from the `last` time.

    A sync that was requested, is under way or waits to resume stays due no later than it was.
    """
    found = find(connection, district_id)
    due = None if every is None else max(now, last + every)
    if found is not None and found.due is not None and (found.requested is not None or found.phase != "idle"):
        due = found.due if due is None else min(found.due, due)
    connection.execute(
        "INSERT INTO lms_syncs (district_id, every, due, phase, failures) VALUES (:id, :every, :due, 'idle', 0)"
        " ON CONFLICT (district_id) DO UPDATE SET every = excluded.every, due = excluded.due",
        {"id": district_id, "every": every, "due": due},
    )


def request(connection: Connection, district_id: str, now: Instant, *, removals: bool = False) -> None:
    """Sync a district now or, if a sync is under way, once more when it has ended.

    A sync that waits to resume keeps its permission to remove; one that follows a running sync does not inherit it.
    """
    connection.execute(
        "INSERT INTO lms_syncs (district_id, due, asked, phase, failures, removals)"
        " VALUES (:id, :now, :now, 'idle', 0, :removals) ON CONFLICT (district_id) DO UPDATE SET due = excluded.due,"
        " asked = excluded.asked, error = NULL, removals = CASE WHEN excluded.removals = 1 OR lms_syncs.removals = 0"
        f" OR NOT {_FREE} THEN excluded.removals ELSE 1 END",
        {"id": district_id, "now": now, "removals": int(removals)},
    )


def forget(connection: Connection, district_id: str) -> None:
    """Stop syncing a district, and delete what has been read of its LMS."""
    # The sync first: a worker whose sync is gone has lost its lease and writes nothing more.
    for table in ("lms_syncs", "lms_members", "lms_sections", "lms_courses"):
        connection.execute(f"DELETE FROM {table} WHERE district_id = :id", {"id": district_id})
    held_back.replace(connection, district_id, "unmatching", {}, 0)


def any_due(connection: Connection, now: Instant) -> bool:
    """Whether a sync is due that nobody holds."""
    found = connection.execute(f"SELECT 1 FROM lms_syncs WHERE due <= :now AND {_FREE} LIMIT 1", {"now": now})
    return found.fetchone() is not None


def claim(
    connection: Connection, worker: str, now: Instant, until: Instant, district_id: str | None = None
) -> Sync | None:
    """Lease a sync that is due, or the one of `district_id`; None if there is none or another worker holds it."""
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
    """Extend a lease. False if it has been lost."""
    done = connection.execute(
        "UPDATE lms_syncs SET held_until = :until WHERE district_id = :id AND worker = :worker",
        {"until": until, "id": district_id, "worker": worker},
    )
    return done.rowcount == 1


def pull_in(connection: Connection, now: Instant) -> None:
    """Let what is due or leased until later than it can be since `now` be due, and free unless it is renewed."""
    connection.execute(
        "UPDATE lms_syncs SET due = :now WHERE due > CAST(:now AS BIGINT) + COALESCE(every, 0) + :longest",
        {"now": now, "longest": _LONGEST_UNTIL_RETRY},
    )
    latest = now + LONGEST_LEASE
    connection.execute(
        "UPDATE lms_syncs SET held_until = :latest WHERE held_until > :latest", {"latest": latest}
    )


def set_phase(connection: Connection, district_id: str, phase: Phase, began: Instant | None = None) -> None:
    """Set the step a sync is in, and when it `began` if it starts from the beginning."""
    connection.execute(
        "UPDATE lms_syncs SET phase = :phase, began = COALESCE(:began, began) WHERE district_id = :id",
        {"phase": phase, "began": began, "id": district_id},
    )


def release(connection: Connection, district_id: str, worker: str) -> None:
    """Give up a lease: another worker may continue."""
    connection.execute(
        "UPDATE lms_syncs SET worker = NULL, held_until = NULL WHERE district_id = :id AND worker = :worker",
        {"id": district_id, "worker": worker},
    )


def record_success(connection: Connection, district_id: str, now: Instant, error: str | None = None) -> None:
    """Record that everything has been read and matched; `error` says what was left out. The lease stays.

    If somebody requested a sync in the meantime, it is due again at once.
    """
    connection.execute(
        "UPDATE lms_syncs SET phase = 'idle', began = NULL, failures = 0, error = :error,"
        " due = CASE WHEN asked IS NULL THEN :now + every ELSE :now END,"
        " removals = CASE WHEN asked IS NULL THEN 0 ELSE removals END WHERE district_id = :id",
        {"now": now, "id": district_id, "error": error},
    )


def record_failure(
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
    """Record that a sync failed, and release it. It resumes where it was if it `can_resume`, or else starts over.

    `further` says whether it made progress this time, and `tried` whether it got to try: only such count as failures.
    If somebody requested a sync in the meantime, it is due at once, with the permission to remove that they gave; if
    not, that permission lasts only for as long as the sync can resume.
    """
    connection.execute(
        "UPDATE lms_syncs SET worker = NULL, held_until = NULL, error = :error,"
        " due = CASE WHEN asked IS NULL THEN CAST(:due AS BIGINT) ELSE :now END,"
        " removals = CASE WHEN asked IS NULL AND :can_resume = 0 THEN 0 ELSE removals END,"
        " failures = CASE WHEN :further = 1 THEN 1 ELSE failures + :tried END,"
        " phase = CASE WHEN :can_resume = 1 THEN phase ELSE 'idle' END WHERE district_id = :id AND worker = :worker",
        {
            "error": error, "due": due, "now": now, "further": int(further), "can_resume": int(can_resume),
            "tried": int(tried), "id": district_id, "worker": worker,
        },
    )  # fmt: skip
