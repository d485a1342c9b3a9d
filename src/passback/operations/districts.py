"""Districts: finding, listing, creating, renaming and deleting them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.roster import District
from passback.operations import audit
from passback.operations.errors import NotFound, OperationError
from passback.store import connections, district_removal, districts, roster
from passback.store import names as stored_names
from passback.store.district_removal import Holdings

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection, Database


__all__ = [
    "Holdings",
    "Listed",
    "create",
    "delete",
    "find",
    "holdings",
    "list_all",
    "names",
    "rename",
    "require_name",
    "required",
]


class Listed(Struct, frozen=True):
    """A district, and the address of its LMS."""

    district: District
    address: str
    """Empty if it has no connection."""


async def find(database: Database, district_id: str) -> District:
    """Return a district. Raises `NotFound`."""
    return await database.read(lambda conn: required(conn, district_id))


async def holdings(database: Database, district_id: str) -> Holdings:
    """Return what goes with a district. Raises `NotFound`."""

    def read(conn: Connection) -> Holdings:
        required(conn, district_id)
        return district_removal.holdings(conn, district_id)

    return await database.snapshot(read)


async def rename(database: Database, district_id: str, name: str, now: Instant) -> None:
    """Give a district another name, which is not blank. Raises `OperationError`."""
    new = require_name(name)

    def write(conn: Connection) -> None:
        required(conn, district_id)
        districts.rename(conn, district_id, new, now)

    await database.write(write)


async def delete(database: Database, district_id: str, *, even_open: bool = False) -> Holdings:
    """Remove a district with all that is its own here; the LMS keeps what it has. Returns what went.

    Raises `NotFound`, and `OperationError` if deliveries are open, unless `even_open`.
    """

    def write(conn: Connection) -> Holdings:
        conn.lock("claims")  # nothing of it begins meanwhile
        required(conn, district_id)
        found = district_removal.holdings(conn, district_id)
        if found.open_deliveries and not even_open:
            raise OperationError(
                f"{found.open_deliveries:,} deliveries of district {district_id} are open: let them end, cancel them"
                " (passback deliveries), or give --force to lose them"
            )
        district_removal.remove(conn, district_id)
        detail = f"{found.tokens} tokens, its connection, its webhooks and its matches"
        audit.record(conn, "district.deleted", district_id, district_id, f"with {detail}")
        return found

    return await database.write(write)


async def list_all(database: Database) -> list[Listed]:
    """Return all districts with the addresses of their LMSs."""

    def read(conn: Connection) -> list[Listed]:
        found = []
        for district_id in districts.all_ids(conn):
            stored = connections.find(conn, district_id)
            found.append(Listed(required(conn, district_id), "" if stored is None else stored.address))
        return found

    return await database.snapshot(read)


async def names(database: Database) -> dict[str, str]:
    """Return the names of all districts, by their ids."""
    return await database.snapshot(stored_names.of_districts)


def required(conn: Connection, district_id: str) -> District:
    """Return a district, inside a transaction. Raises `NotFound`."""
    found = roster.find(conn, roster.DISTRICTS, district_id, district_id)
    if found is None:
        raise NotFound(f"there is no district {district_id}")
    return found


def require_name(name: str) -> str:
    """Return a district's name without blanks around it. Raises `OperationError` if nothing is left."""
    if not name.strip():
        raise OperationError("the name is empty")
    return name.strip()


def create(conn: Connection, name: str, now: Instant) -> District:
    """Create a district without an LMS, inside a transaction. Raises `OperationError` if the name is blank."""
    new = District(
        id=secrets.token_hex(12),
        name=require_name(name),
        lms_type="",
        lms_state="",
        last_lms_sync=None,
        created=now,
        last_modified=now,
        lms_matched_percentage={"sections": 0.0, "students": 0.0, "teachers": 0.0},
    )
    roster.insert(conn, roster.DISTRICTS, [new])
    return new
