"""The LMSs and webhooks that failed recently, and how much may be sent to them.

The table and its columns keep their first names (see `passback.store.delivery_rows`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


class Destination(Struct, frozen=True):
    """A destination that failed recently."""

    id: str
    failures: int
    """How many deliveries in a row failed."""
    backing_off_until: Instant
    """The time until which nothing is sent."""
    allowed: int
    """How many deliveries may be in flight at once."""


def find_all(connection: Connection) -> dict[str, Destination]:
    """All that failed recently, by their ids."""
    rows = connection.execute("SELECT id, failures, rests_until, allowed FROM parties")
    return {row[0]: Destination(*row) for row in rows}


def find(connection: Connection, destination_id: str) -> Destination | None:
    """The destination, if it failed recently."""
    row = connection.execute(
        "SELECT id, failures, rests_until, allowed FROM parties WHERE id = :id", {"id": destination_id}
    ).fetchone()
    return None if row is None else Destination(*row)


def save(connection: Connection, destination: Destination) -> None:
    """Save the state of a destination."""
    connection.execute(
        "INSERT INTO parties (id, failures, rests_until, allowed) VALUES (:id, :failures, :rests_until, :allowed)"
        " ON CONFLICT (id) DO UPDATE SET failures = excluded.failures, rests_until = excluded.rests_until,"
        " allowed = excluded.allowed",
        {
            "id": destination.id,
            "failures": destination.failures,
            "rests_until": destination.backing_off_until,
            "allowed": destination.allowed,
        },
    )


def pull_in(connection: Connection, latest: Instant) -> None:
    """End the backing off that would last until after `latest`."""
    connection.execute("UPDATE parties SET rests_until = 0 WHERE rests_until > :latest", {"latest": latest})


def remove(connection: Connection, destination_id: str) -> None:
    """Forget that a destination failed."""
    connection.execute("DELETE FROM parties WHERE id = :id", {"id": destination_id})
