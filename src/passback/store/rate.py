"""Requests of each token per minute, if several processes count together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.store.engine.database import Connection


def add(connection: Connection, minute: int, counted: Mapping[str, int]) -> dict[str, int]:
    """Add the requests of some tokens that were counted in a minute. Returns how many all processes have counted."""
    return {
        token_id: int(
            connection.execute(
                "INSERT INTO rate_counts (token_id, minute, used) VALUES (:token_id, :minute, :used)"
                " ON CONFLICT (token_id, minute) DO UPDATE SET used = rate_counts.used + excluded.used"
                " RETURNING used",
                {"token_id": token_id, "minute": minute, "used": counted[token_id]},
            ).fetchone()[0]
        )
        for token_id in sorted(counted)  # processes that add at once never wait for each other in a circle
    }


def remove_old(connection: Connection, minute: int) -> None:
    """Delete the counts of earlier minutes."""
    connection.execute("DELETE FROM rate_counts WHERE minute < :minute", {"minute": minute})
