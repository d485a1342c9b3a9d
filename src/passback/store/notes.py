"""Notes of connectors: see `passback.lms.notes`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from passback.store.engine.database import Connection, Database


def find(connection: Connection, district_id: str, keys: Sequence[str]) -> dict[str, Any]:
    """The notes about a district's LMS with these keys; keys without a note are left out."""
    found = {}
    for key in keys:
        row = connection.execute(
            "SELECT note FROM notes WHERE district_id = :district_id AND key = :key",
            {"district_id": district_id, "key": key},
        ).fetchone()
        if row is not None:
            found[key] = json.loads(row[0])
    return found


def below(connection: Connection, district_id: str, prefix: str) -> dict[str, Any]:
    """The notes about a district's LMS whose keys begin so, in the order of their keys."""
    rows = connection.execute(
        "SELECT key, note FROM notes WHERE district_id = :district_id AND substr(key, 1, :length) = :prefix"
        " ORDER BY key",
        {"district_id": district_id, "prefix": prefix, "length": len(prefix)},
    ).fetchall()
    return {key: json.loads(note) for key, note in rows}


def save(connection: Connection, district_id: str, notes: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Store notes about a district's LMS in place of those with the same keys; None removes a note."""
    for key, note in notes.items():
        if note is None:
            connection.execute(
                "DELETE FROM notes WHERE district_id = :district_id AND key = :key",
                {"district_id": district_id, "key": key},
            )
            continue
        connection.execute(
            "INSERT INTO notes (district_id, key, note) VALUES (:district_id, :key, :note)"
            " ON CONFLICT (district_id, key) DO UPDATE SET note = excluded.note",
            {"district_id": district_id, "key": key, "note": json.dumps(note)},
        )


class StoredNotes(Struct, frozen=True):
    """The notes about one district's LMS."""

    database: Database
    district_id: str

    async def read(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        return await self.database.read(lambda conn: find(conn, self.district_id, keys))

    async def find(self, prefix: str) -> Mapping[str, Mapping[str, Any]]:
        return await self.database.read(lambda conn: below(conn, self.district_id, prefix))

    async def write(self, notes: Mapping[str, Mapping[str, Any] | None]) -> None:
        if notes:
            await self.database.write(lambda conn: save(conn, self.district_id, notes))

    async def change(
        self,
        keys: Sequence[str],
        change: Callable[[Mapping[str, Mapping[str, Any]]], Mapping[str, Mapping[str, Any] | None]],
    ) -> None:
        def write(conn: Connection) -> None:
            conn.lock(*(f"note/{self.district_id}/{key}" for key in keys))
            save(conn, self.district_id, change(find(conn, self.district_id, keys)))

        await self.database.write(write)
