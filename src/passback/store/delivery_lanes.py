"""The deliveries of a lane: those about one thing, which are delivered one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback.store.delivery_rows import COLUMNS, SELECT, all_of, one
from passback.store.statements import among

if TYPE_CHECKING:
    from collections.abc import Collection

    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery
    from passback.store.engine.database import Connection

_UNSETTLED = (
    "state = 'waiting'",
    "state = 'delivering'",
    "doubt = 1 AND untold = 0 AND state IN ('failed', 'expired', 'cancelled')",
    "untold = 1 AND state NOT IN ('waiting', 'delivering', 'refused')",
)
"""What a newer change of the same lane has to do with, in parts that each have an index."""


def waiting_in(connection: Connection, lane: str, limit: int = 1000) -> list[Delivery]:
    """The waiting deliveries of a lane, the oldest first."""
    return all_of(
        connection.execute(
            f"{SELECT} WHERE lane = :lane AND state = 'waiting' ORDER BY rank, id LIMIT :limit",
            {"lane": lane, "limit": limit},
        )
    )


def waiting_in_each(connection: Connection, lanes: Collection[str], limit: int) -> dict[str, list[Delivery]]:
    """The first waiting deliveries of several lanes, each lane's oldest first."""
    if not lanes:
        return {}
    parameters: dict[str, Any] = {"limit": limit}
    where = among("lane", lanes, parameters)
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY lane ORDER BY rank, id)"
        f" AS place FROM deliveries WHERE state = 'waiting' AND {where}) AS placed"
        " WHERE place <= :limit ORDER BY rank, id",
        parameters,
    )
    found: dict[str, list[Delivery]] = {lane: [] for lane in lanes}
    for delivery in all_of(rows):
        found[delivery.lane].append(delivery)
    return found


def unsettled_in(connection: Connection, lanes: Collection[str]) -> dict[str, list[Delivery]]:
    """What a newer change of each lane has to do with: all that is open, in doubt or not heard of, the oldest first."""
    found: dict[str, list[Delivery]] = {lane: [] for lane in lanes}
    if not lanes:
        return found
    parameters: dict[str, Any] = {}
    where = among("lane", lanes, parameters)
    rows = connection.execute(
        " UNION ALL ".join(f"{SELECT} WHERE {where} AND {part}" for part in _UNSETTLED), parameters
    )
    for delivery in _in_order(all_of(rows)):
        found[delivery.lane].append(delivery)
    return found


def unsettled_around(connection: Connection, create: Delivery) -> list[Delivery]:
    """What a new create has to do with: as `unsettled_in` of its lane, and equal ones not heard of, the oldest first.

    Those of the first versions were in other lanes.
    """
    parts = [f"lane = :lane AND {part}" for part in _UNSETTLED]
    parts.append("section_id = :section_id AND digest = :digest AND untold = 1 AND lane <> :lane")
    rows = connection.execute(
        " UNION ALL ".join(f"{SELECT} WHERE {part}" for part in parts),
        {"lane": create.lane, "section_id": create.section_id, "digest": create.digest},
    )
    return _in_order(all_of(rows))


def _in_order(found: list[Delivery]) -> list[Delivery]:
    return sorted(found, key=lambda delivery: (delivery.rank, delivery.id))


def newer_delivered(connection: Connection, delivery: Delivery) -> list[Delivery]:
    """The deliveries of a delivery's lane that were accepted after it and have been delivered."""
    return all_of(
        connection.execute(
            f"{SELECT} WHERE lane = :lane AND state = 'delivered'"
            " AND (rank > :rank OR (rank = :rank AND id > :id))",
            {"lane": delivery.lane, "rank": delivery.rank, "id": delivery.id},
        )
    )


def is_under_way(connection: Connection, lane: str) -> bool:
    """Whether a delivery of a lane is in flight."""
    rows = connection.execute(
        "SELECT 1 FROM deliveries WHERE lane = :lane AND state = 'delivering'", {"lane": lane}
    )
    return rows.fetchone() is not None


def delay_lane(connection: Connection, lane: str, due: Instant) -> None:
    """Let nothing of a lane be due before `due`."""
    connection.execute(
        "UPDATE deliveries SET due = :due WHERE lane = :lane AND state = 'waiting' AND due < :due",
        {"lane": lane, "due": due},
    )


def in_doubt(connection: Connection, lane: str) -> list[Delivery]:
    """The deliveries of a lane that may have taken effect though they are not known to be delivered."""
    return all_of(
        connection.execute(
            f"{SELECT} WHERE lane = :lane AND doubt = 1 AND state NOT IN ('delivered', 'refused')"
            " ORDER BY rank, id",
            {"lane": lane},
        )
    )


def settle_doubt(connection: Connection, newer: Delivery) -> None:
    """Record that nothing of a lane is in doubt or unheard of any longer: something newer was delivered."""
    connection.execute(
        "UPDATE deliveries SET doubt = 0 WHERE lane = :lane AND doubt = 1 AND state = 'failed'",
        {"lane": newer.lane},
    )
    connection.execute(
        "UPDATE deliveries SET untold = 0 WHERE lane = :lane AND state = 'delivered' AND untold = 1 AND id <> :id",
        {"lane": newer.lane, "id": newer.id},
    )


def newest_delivered(connection: Connection, lane: str) -> Delivery | None:
    """The delivery of a lane that was delivered last."""
    return one(
        connection.execute(
            f"{SELECT} WHERE lane = :lane AND state = 'delivered' AND superseded_by IS NULL"
            " ORDER BY rank DESC, id DESC LIMIT 1",
            {"lane": lane},
        )
    )
