"""Notes of connectors: see `passback.lms.notes`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.store.engine.database import Connection, Database


class StoredNotes(Struct, frozen=True):
    """The notes about one district's LMS."""

    database: Database
    district_id: str

    async def read(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        def transaction(conn: Connection) -> dict[str, Any]:
            found = {}
            for key in keys:
                row = conn.execute(
                    "SELECT note FROM notes WHERE district_id = :district_id AND key = :key",
                    {"district_id": self.district_id, "key": key},
                ).fetchone()
                if row is not None:
                    found[key] = json.loads(row[0])
            return found

        return await self.database.read(transaction)

    async def write(self, notes: Mapping[str, Mapping[str, Any] | None]) -> None:
        def transaction(conn: Connection) -> None:
            for key, note in notes.items():
                if note is None:
                    conn.execute(
                        "DELETE FROM notes WHERE district_id = :district_id AND key = :key",
                        {"district_id": self.district_id, "key": key},
                    )
                    continue
                conn.execute(
                    "INSERT INTO notes (district_id, key, note) VALUES (:district_id, :key, :note)"
                    " ON CONFLICT (district_id, key) DO UPDATE SET note = excluded.note",
                    {"district_id": self.district_id, "key": key, "note": json.dumps(note)},
                )

        if notes:
            await self.database.write(transaction)
