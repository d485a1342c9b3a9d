"""The audit: recording what operators do, and listing what anybody did."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING

from passback.domain.clock import system_clock
from passback.store import audit
from passback.store.audit import Line

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection, Database

__all__ = ["Line", "list_all", "record"]


def record(
    conn: Connection, action: str, object_id: str, district: str = "", detail: str = "", *, actor: str = ""
) -> None:
    """Write what an operator or another `actor` does, in the transaction that does it. `detail` holds no secret."""
    who = actor or f"command:{_user()}"
    audit.add(conn, Line(system_clock(), who, action, object_id, district, detail))


async def list_all(database: Database, since: Instant = 0, district_id: str | None = None) -> list[Line]:
    """Return what was done since a time, or in one district, oldest first."""
    return await database.snapshot(lambda conn: audit.find_all(conn, since, district_id))


def _user() -> str:
    """The user of this machine who runs the command, also behind sudo."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = str(os.getuid())
    return os.environ.get("SUDO_USER") or user
