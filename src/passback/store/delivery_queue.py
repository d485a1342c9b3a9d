"""What is due, who is at it, and what is taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.store.delivery_rows import COLUMNS, HELD, SELECT, all_of, one
from passback.store.statements import among

if TYPE_CHECKING:
    from collections.abc import Collection

    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery, Operation
    from passback.store.engine.database import Connection

_SHARES = "operation = 'update_submission' AND fault IS NULL"
"""What may share a call with other grades of its assignment (`passback.delivery.groups`)."""
_NONE_IN_FLIGHT = (
    "NOT EXISTS (SELECT 1 FROM deliveries AS other"
    " WHERE other.lane = waiting.lane AND other.state = 'delivering')"
)


def waiting_destinations(connection: Connection) -> list[str]:
    """The destinations that deliveries wait for. It takes one look-up for each, however many wait."""
    rows = connection.execute(
        "WITH RECURSIVE found (party) AS ("
        " SELECT MIN(party) FROM deliveries WHERE state = 'waiting' AND due IS NOT NULL"
        " UNION ALL SELECT (SELECT MIN(party) FROM deliveries"
        " WHERE state = 'waiting' AND due IS NOT NULL AND party > found.party)"
        " FROM found WHERE found.party IS NOT NULL"
        ") SELECT party FROM found WHERE party IS NOT NULL"
    )
    return [row[0] for row in rows]


class DueLane(Struct, frozen=True):
    """A lane in which a delivery is due and none is in flight."""

    lane: str
    assignment_id: str | None
    """The assignment with whose other grades it may share a call; None if it goes alone."""
    operation: Operation


def due_lanes(connection: Connection, destination: str, now: Instant, limit: int) -> list[DueLane]:
    """Lanes in which a delivery to a destination is due and none is in flight; the longest due first."""
    rows = connection.execute(
        f"SELECT lane, CASE WHEN {_SHARES} THEN assignment_id END, operation FROM deliveries AS waiting"
        f" WHERE state = 'waiting' AND party = :party AND due <= :now AND {_NONE_IN_FLIGHT}"
        " ORDER BY due, id LIMIT :limit",
        {"party": destination, "now": now, "limit": limit},
    )
    return list({row[0]: DueLane(*row) for row in rows}.values())


def due_grades(
    connection: Connection, destination: str, assignment_ids: Collection[str], now: Instant, limit: int
) -> dict[str, list[str]]:
    """Up to `limit` lanes of each assignment in which a grade is due and none in flight; the longest due first."""
    found: dict[str, list[str]] = {assignment_id: [] for assignment_id in assignment_ids}
    if not found:
        return found
    parameters: dict[str, Any] = {"party": destination, "now": now, "limit": limit}
    where = among("assignment_id", found, parameters)
    rows = connection.execute(
        "SELECT assignment_id, lane FROM (SELECT assignment_id, lane, due, id,"
        " ROW_NUMBER() OVER (PARTITION BY assignment_id ORDER BY due, id) AS place FROM deliveries AS waiting"
        f" WHERE state = 'waiting' AND {_SHARES} AND {where} AND party = :party AND due <= :now"
        f" AND {_NONE_IN_FLIGHT}) AS placed"
        " WHERE place <= :limit ORDER BY due, id",
        parameters,
    )
    for assignment_id, lane in rows:
        if lane not in found[assignment_id]:
            found[assignment_id].append(lane)
    return found


def is_due(connection: Connection, destination: str, now: Instant) -> bool:
    """Whether a delivery to a destination is due."""
    row = connection.execute(
        "SELECT MIN(due) FROM deliveries WHERE state = 'waiting' AND party = :party", {"party": destination}
    ).fetchone()
    return row is not None and row[0] is not None and row[0] <= now


def next_due(connection: Connection) -> Instant | None:
    """When the next delivery is due."""
    row = connection.execute("SELECT MIN(due) FROM deliveries WHERE state = 'waiting'").fetchone()
    return None if row is None else row[0]


def under_way_to(connection: Connection, destination: str) -> int:
    """How many deliveries to a destination are in flight in the background."""
    row = connection.execute(
        "SELECT COUNT(*) FROM deliveries WHERE state = 'delivering' AND party = :party AND background = 1",
        {"party": destination},
    ).fetchone()
    return int(row[0])


def take(connection: Connection, delivery_ids: Collection[str], worker: str) -> list[Delivery]:
    """Let a worker deliver what waits; deliveries that do not wait are left out."""
    if not delivery_ids:
        return []
    parameters: dict[str, Any] = {"worker": worker}
    where = among("id", delivery_ids, parameters)
    rows = connection.execute(
        "UPDATE deliveries SET state = 'delivering', worker = :worker, fence = fence + 1,"
        f" attempts = attempts + 1 WHERE state = 'waiting' AND {where} RETURNING {COLUMNS}",
        parameters,
    )
    return sorted(all_of(rows), key=lambda delivery: (delivery.rank, delivery.id))


def retake(connection: Connection, delivery_id: str, worker: str) -> Delivery | None:
    """Let a worker deliver what ended without success, for a client that waits. None if it did not end so."""
    return one(
        connection.execute(
            "UPDATE deliveries SET state = 'delivering', worker = :worker, fence = fence + 1,"
            " attempts = attempts + 1, finished = NULL, background = 0 WHERE id = :id"
            " AND state IN ('failed', 'expired', 'cancelled')"
            f" RETURNING {COLUMNS}",
            {"id": delivery_id, "worker": worker},
        )
    )


def hasten(connection: Connection, destination: str, now: Instant) -> None:
    """Let what waits for its next try to a destination be tried now."""
    connection.execute(
        "UPDATE deliveries SET due = :now WHERE state = 'waiting' AND party = :party AND due > :now",
        {"party": destination, "now": now},
    )


def pull_in(connection: Connection, now: Instant, latest: Instant) -> None:
    """Let what is due after `latest` be due now."""
    connection.execute(
        "UPDATE deliveries SET due = :now WHERE state = 'waiting' AND due > :latest",
        {"now": now, "latest": latest},
    )


def expired(connection: Connection, now: Instant, limit: int) -> list[Delivery]:
    """Deliveries that have expired while they wait for a create that has ended or is no longer kept."""
    return all_of(
        connection.execute(
            f"{SELECT} AS held WHERE {HELD} AND expires <= :now AND NOT EXISTS (SELECT 1 FROM deliveries AS made"
            " WHERE made.id = held.assignment_id AND made.state IN ('waiting', 'delivering'))"
            " ORDER BY expires LIMIT :limit",
            {"now": now, "limit": limit},
        )
    )


def orphans(connection: Connection, limit: int) -> list[Delivery]:
    """Deliveries in flight whose worker no longer exists."""
    return all_of(
        connection.execute(
            f"{SELECT} WHERE state = 'delivering'"
            " AND NOT EXISTS (SELECT 1 FROM workers WHERE workers.id = deliveries.worker) LIMIT :limit",
            {"limit": limit},
        )
    )


def held_by(connection: Connection, worker: str) -> list[Delivery]:
    """Deliveries that a worker has claimed and not ended."""
    return all_of(
        connection.execute(f"{SELECT} WHERE worker = :worker AND state = 'delivering'", {"worker": worker})
    )


def requeue(connection: Connection, delivery: Delivery, due: Instant, expires: Instant) -> bool:
    """Let what another worker was delivering wait again. It is in doubt, and the other can no longer finish it."""
    done = connection.execute(
        "UPDATE deliveries SET state = 'waiting', worker = NULL, fence = fence + 1, doubt = 1, due = :due,"
        " expires = :expires, background = 1 WHERE id = :id AND fence = :fence AND state = 'delivering'",
        {"id": delivery.id, "fence": delivery.fence, "due": due, "expires": expires},
    )
    return done.rowcount == 1
