"""Access tokens that all processes use, and which process gets the next: one at a time for each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.store import connections

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


class Refresh(Struct, frozen=True):
    """What a connection's refresh token is, was last exchanged for, and by whom it is being exchanged."""

    credentials: str
    """The connection's, encrypted, with the refresh token."""
    issued: str | None
    """The access token, encrypted."""
    holder: str | None
    held_until: Instant


def find(conn: Connection, district_id: str) -> Refresh | None:
    """Find that of a district's connection, and let no other process change it before the transaction ends."""
    connections.lock(conn, district_id)
    row = conn.execute(
        "SELECT credentials, issued, refreshing, refreshing_until FROM connections WHERE district_id = :district_id",
        {"district_id": district_id},
    ).fetchone()
    return None if row is None else Refresh(*row)


def hold(conn: Connection, district_id: str, holder: str, until: Instant) -> None:
    """Keep others from exchanging the refresh token, but no longer than `until`."""
    conn.execute(
        "UPDATE connections SET refreshing = :holder, refreshing_until = :until WHERE district_id = :district_id",
        {"district_id": district_id, "holder": holder, "until": until},
    )


def release(conn: Connection, district_id: str, holder: str) -> None:
    """Let others exchange it."""
    conn.execute(
        "UPDATE connections SET refreshing = NULL WHERE district_id = :district_id AND refreshing = :holder",
        {"district_id": district_id, "holder": holder},
    )


def keep(conn: Connection, district_id: str, *, credentials: str, issued: str | None) -> None:
    """Keep what an exchange gave. It is no other version of the connection: who has it open goes on with it."""
    conn.execute(
        "UPDATE connections SET credentials = :credentials, issued = :issued, refreshing = NULL"
        " WHERE district_id = :district_id",
        {"district_id": district_id, "credentials": credentials, "issued": issued},
    )
