"""Connecting a district to its LMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.store import connections, districts, matching, syncs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Instant
    from passback.domain.roster import District
    from passback.store.engine.database import Connection


class RosterFromOtherLms(Exception):
    """The roster was read from another LMS: its people must not be taken for others who have their ids in this one."""


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
    """Create or replace a district's connection and schedule a sync. Return whether the existing matches were kept.

    They are deleted if the district used another LMS before, in which the same ids mean other people. An LMS at
    another address counts as another, unless `same_lms`. Raises `RosterFromOtherLms`.
    """
    same = is_same(conn, district, lms_type, address=address, same_lms=same_lms)
    if not same:
        matching.forget(conn, district.id, now)
    connections.save(conn, district.id, address=address, options=options, credentials=credentials, now=now)
    state = "success" if same and district.last_lms_sync else "initial_sync_processing"
    districts.set_lms(conn, district.id, lms_type, state, address)
    earlier = syncs.find(conn, district.id)
    syncs.forget(conn, district.id)  # a sync that is running now reads the previous connection
    syncs.begin(conn, district.id, syncs.DAILY if earlier is None else earlier.every, now)
    return same


def is_same(conn: Connection, district: District, lms_type: str, *, address: str, same_lms: bool) -> bool:
    """Whether an LMS is the one that a district uses, if it uses any. Raises `RosterFromOtherLms` as `connect`."""
    before = districts.lms_address(conn, district.id)
    same = district.lms_type in ("", lms_type) and (same_lms or before in (None, address))
    if not same and districts.follows_lms(conn, district.id):
        raise RosterFromOtherLms(before or district.lms_type)
    return same
