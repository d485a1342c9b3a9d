"""Connections: how the gateway reaches each district's LMS. The credentials are encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection
    from passback.store.engine.vault import Vault

_texts = msgspec.json.Decoder(dict[str, str])


class StoredConnection(Struct, frozen=True):
    """A connection, with its credentials still encrypted."""

    district_id: str
    address: str
    options: Mapping[str, str]
    credentials: str
    last_modified: Instant


def find(connection: Connection, district_id: str) -> StoredConnection | None:
    """Find the connection of a district."""
    row = connection.execute(
        "SELECT district_id, address, options, credentials, last_modified FROM connections"
        " WHERE district_id = :district_id",
        {"district_id": district_id},
    ).fetchone()
    if row is None:
        return None
    return StoredConnection(row[0], row[1], _texts.decode(row[2]), row[3], row[4])


def of_kind(connection: Connection, lms_type: str) -> list[StoredConnection]:
    """The connections to LMSs of one kind."""
    rows = connection.execute(
        "SELECT connections.district_id, address, options, credentials, connections.last_modified"
        " FROM connections JOIN districts ON districts.id = connections.district_id"
        " WHERE districts.lms_type = :lms_type ORDER BY connections.district_id",
        {"lms_type": lms_type},
    )
    return [StoredConnection(row[0], row[1], _texts.decode(row[2]), row[3], row[4]) for row in rows]


def lock(connection: Connection, district_id: str) -> None:
    """Let no other process change a district's connection before the transaction ends, such as to read and write it."""
    connection.lock(f"connection/{district_id}")


def all_districts(connection: Connection) -> list[str]:
    """The districts that have a connection."""
    return [row[0] for row in connection.execute("SELECT district_id FROM connections ORDER BY district_id")]


def save(
    connection: Connection,
    district_id: str,
    *,
    address: str,
    options: Mapping[str, str],
    credentials: str,
    now: Instant,
) -> None:
    """Create or replace a district's connection."""
    connection.execute(
        "INSERT INTO connections (district_id, address, options, credentials, created, last_modified)"
        " VALUES (:district_id, :address, :options, :credentials, :now, :now)"
        " ON CONFLICT (district_id) DO UPDATE SET address = excluded.address, options = excluded.options,"
        # Every change is a new version to a process that has the connection open.
        " credentials = excluded.credentials,"
        " last_modified = CASE WHEN excluded.last_modified > connections.last_modified"
        " THEN excluded.last_modified ELSE connections.last_modified + 1 END",
        {
            "district_id": district_id,
            "address": address,
            "options": msgspec.json.encode(options).decode(),
            "credentials": credentials,
            "now": now,
        },
    )


def remove(connection: Connection, district_id: str) -> bool:
    """Delete a district's connection and credentials. False if there was none."""
    return bool(
        connection.execute(
            "DELETE FROM connections WHERE district_id = :district_id", {"district_id": district_id}
        ).rowcount
    )


def seal(vault: Vault, district_id: str, credentials: Mapping[str, str]) -> str:
    """Encrypt credentials for their district. Raises `VaultError`."""
    return vault.encrypt(msgspec.json.encode(credentials), f"connection {district_id}")


def unseal(vault: Vault, stored: StoredConnection) -> dict[str, str]:
    """Decrypt the credentials of a connection. Raises `VaultError`."""
    return unseal_text(vault, stored.district_id, stored.credentials)


def unseal_text(vault: Vault, district_id: str, sealed: str) -> dict[str, str]:
    """Decrypt what `seal` returned. Raises `VaultError`."""
    return _texts.decode(vault.decrypt(sealed, f"connection {district_id}"))
