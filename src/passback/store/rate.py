"""Requests of each token per minute, if several processes count together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passback.store.engine.database import Connection


def count(connection: Connection, token_id: str, minute: int, most: int) -> int | None:
    """Count a request. Returns how many there are now; None if the limit `most` was reached already."""
    row = connection.execute(
        "INSERT INTO rate_counts (token_id, minute, used) VALUES (:token_id, :minute, 1)"
        " ON CONFLICT (token_id, minute) DO UPDATE SET used = rate_counts.used + 1"
        " WHERE rate_counts.used < :most RETURNING used",
        {"token_id": token_id, "minute": minute, "most": most},
    ).fetchone()
    return None if row is None else int(row[0])


def remove_old(connection: Connection, minute: int) -> None:
    """Delete the counts of earlier minutes."""
    connection.execute("DELETE FROM rate_counts WHERE minute < :minute", {"minute": minute})
