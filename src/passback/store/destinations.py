"""How it goes with those that deliveries go to: the LMSs and webhooks that failed lately."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


class Party(Struct, frozen=True):
    """One that failed lately."""

    id: str
    failures: int
    """How many deliveries in a row failed."""
    rests_until: Instant
    """Until when nothing is sent."""
    allowed: int
    """How many may be under way at once."""


def find_all(connection: Connection) -> dict[str, Party]:
    """All that failed lately, by their ids."""
    rows = connection.execute("SELECT id, failures, rests_until, allowed FROM parties")
    return {row[0]: Party(*row) for row in rows}


def find(connection: Connection, party_id: str) -> Party | None:
    """The party, if it failed lately."""
    row = connection.execute(
        "SELECT id, failures, rests_until, allowed FROM parties WHERE id = :id", {"id": party_id}
    ).fetchone()
    return None if row is None else Party(*row)


def save(connection: Connection, party: Party) -> None:
    """Keep how it goes with a party."""
    connection.execute(
        "INSERT INTO parties (id, failures, rests_until, allowed) VALUES (:id, :failures, :rests_until, :allowed)"
        " ON CONFLICT (id) DO UPDATE SET failures = excluded.failures, rests_until = excluded.rests_until,"
        " allowed = excluded.allowed",
        {
            "id": party.id,
            "failures": party.failures,
            "rests_until": party.rests_until,
            "allowed": party.allowed,
        },
    )


def remove(connection: Connection, party_id: str) -> None:
    """Forget that a party failed."""
    connection.execute("DELETE FROM parties WHERE id = :id", {"id": party_id})
