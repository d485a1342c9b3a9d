"""Whether what is served is an older copy of the data, which was not put back by ``passback restore``.

A data file that has ticked less often than the count beside it says is one, and so is a backup in a data file's place,
and a PostgreSQL database that is another than the one that it says it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.store import restored, ticks
from passback.store.engine.migrate import meta, set_meta

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection
    from passback.store.restored import Restored

_DATABASE = "database"


def begin(
    connection: Connection, beside: int | None, now: Instant
) -> tuple[int, tuple[Restored, int] | None]:
    """Tick as a start does, after marking an older copy as restored.

    `beside` is the count of ticks beside a data file; None if there is none. Returns the new count, and of an older
    copy what `restored.mark` returns.
    """
    connection.lock("older_copy")
    is_copy = restored.is_backup(connection) or _is_behind(connection, beside or 0) or _is_another(connection)
    _remember(connection)
    marked = restored.mark(connection, now) if is_copy else None
    return ticks.count_on(connection, now, beside or 0), marked


def mark(connection: Connection, beside: int | None, now: Instant, backed_up: Instant) -> int:
    """Mark what an operator knows to be a copy of that time as restored; returns how many changes are in doubt.

    The next start does not take it for another copy.
    """
    connection.lock("older_copy")
    _, in_doubt = restored.mark(connection, now, backed_up)
    ticks.count_on(connection, now, beside or 0)
    _remember(connection)
    return in_doubt


def _is_another(connection: Connection) -> bool:
    remembered = meta(connection, _DATABASE)
    return remembered is not None and remembered != connection.identity()


def _remember(connection: Connection) -> None:
    if (identity := connection.identity()) is not None:
        set_meta(connection, _DATABASE, identity)


def _is_behind(connection: Connection, beside: int) -> bool:
    found = ticks.find(connection)
    if found is not None:
        return found.count < beside
    # A new one, in the place of one that was removed, has forgotten nothing. One of before there were ticks may have.
    return beside > 0 and connection.execute("SELECT 1 FROM deliveries LIMIT 1").fetchone() is not None
