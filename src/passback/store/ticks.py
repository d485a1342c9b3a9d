"""The ticks of the data: counted at each start and every few seconds while it is served.

They say when it was served last, and which of two copies of it is the older one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.store.engine.migrate import meta, set_meta

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection

_TICKS = "ticks"


class Ticks(Struct, frozen=True):
    """How many there have been, and when the last one was."""

    count: int
    last: Instant


def find(connection: Connection) -> Ticks | None:
    """The ticks until now; None if the data was never served."""
    found = meta(connection, _TICKS)
    if found is None:
        return None
    count, last = (int(part) for part in found.split())
    return Ticks(count, last)


def count_on(connection: Connection, now: Instant, at_least: int = 0) -> int:
    """Count one more than there have been, and more than `at_least`; returns the new count."""
    connection.lock("ticks")
    before = find(connection)
    count = max(before.count if before else 0, at_least) + 1
    set_meta(connection, _TICKS, f"{count} {now}")
    return count
