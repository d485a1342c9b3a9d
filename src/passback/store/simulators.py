"""Records of the sandbox's simulated LMSs: JSON, by kind and id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passback.store.engine.database import Connection

Row = tuple[str, str, dict[str, Any] | None]
"""A record's kind, its id, and the record; None if it was removed."""


def load(connection: Connection, simulator: str) -> list[Row]:
    """All records of a simulator, in the order in which they were added."""
    rows = connection.execute(
        "SELECT kind, id, record FROM simulator_records WHERE simulator = :simulator ORDER BY position",
        {"simulator": simulator},
    )
    return [(kind, id_, json.loads(record)) for kind, id_, record in rows]


def save(connection: Connection, simulator: str, changes: Iterable[Row]) -> None:
    """Save changed records."""
    for kind, id_, record in changes:
        key = {"simulator": simulator, "kind": kind, "id": id_}
        if record is None:
            connection.execute(
                "DELETE FROM simulator_records WHERE simulator = :simulator AND kind = :kind AND id = :id",
                key,
            )
            continue
        connection.execute(
            "INSERT INTO simulator_records (simulator, kind, id, position, record)"
            " SELECT :simulator, :kind, :id, COALESCE(MAX(position), 0) + 1, :record FROM simulator_records"
            " WHERE simulator = :simulator"
            " ON CONFLICT (simulator, kind, id) DO UPDATE SET record = excluded.record",
            {**key, "record": json.dumps(record)},
        )
