"""Districts: finding, listing and creating them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.roster import District
from passback.operations.errors import NotFound
from passback.store import connections, districts, roster

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection, Database


class Listed(Struct, frozen=True):
    """A district, and the address of its LMS."""

    district: District
    address: str
    """Empty if it has no connection."""


async def find(database: Database, district_id: str) -> District:
    """Return a district. Raises `NotFound`."""
    return await database.read(lambda conn: required(conn, district_id))


async def list_all(database: Database) -> list[Listed]:
    """Return all districts with the addresses of their LMSs."""

    def read(conn: Connection) -> list[Listed]:
        found = []
        for district_id in districts.all_ids(conn):
            stored = connections.find(conn, district_id)
            found.append(Listed(required(conn, district_id), "" if stored is None else stored.address))
        return found

    return await database.snapshot(read)


def required(conn: Connection, district_id: str) -> District:
    """Return a district, inside a transaction. Raises `NotFound`."""
    found = roster.find(conn, roster.DISTRICTS, district_id, district_id)
    if found is None:
        raise NotFound(f"there is no district {district_id}")
    return found


def create(conn: Connection, name: str, now: Instant) -> District:
    """Create a district without an LMS, inside a transaction."""
    new = District(
        id=secrets.token_hex(12),
        name=name,
        lms_type="",
        lms_state="",
        last_lms_sync=None,
        created=now,
        last_modified=now,
        lms_matched_percentage={"sections": 0.0, "students": 0.0, "teachers": 0.0},
    )
    roster.insert(conn, roster.DISTRICTS, [new])
    return new
