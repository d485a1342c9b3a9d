"""Connecting a district to its LMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.store import connections, districts, matching, syncs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Instant
    from passback.domain.roster import District
    from passback.store.engine.database import Connection


class RosterOfAnother(Exception):
    """The district's roster is what another LMS has, so that its people would become others."""


def connect(
    conn: Connection,
    district: District,
    lms_type: str,
    *,
    address: str,
    options: Mapping[str, str],
    credentials: str,
    now: Instant,
    same_lms: bool,
) -> bool:
    """Make a district's connection, or replace it, and have its LMS read. False where matches were forgotten.

    They are where the district used another LMS before: its ids would be others' there. An LMS at another address is
    another, unless `same_lms`. Raises `RosterOfAnother`.
    """
    before = districts.lms_address(conn, district.id)
    same = district.lms_type in ("", lms_type) and (same_lms or before in (None, address))
    if not same:
        if districts.follows_lms(conn, district.id):
            raise RosterOfAnother(before or district.lms_type)
        matching.forget(conn, district.id, now)
    connections.save(conn, district.id, address=address, options=options, credentials=credentials, now=now)
    state = "success" if same and district.last_lms_sync else "initial_sync_processing"
    districts.set_lms(conn, district.id, lms_type, state, address)
    earlier = syncs.find(conn, district.id)
    syncs.forget(conn, district.id)  # whoever reads it now reads what it was connected to before
    syncs.begin(conn, district.id, syncs.DAILY if earlier is None else earlier.every, now)
    return same
