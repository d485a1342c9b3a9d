"""Roster events: the changes of each district's roster, in order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.roster import ROLES
from passback.sis.rows import Kind
from passback.store import enrollments
from passback.store.roster import Page

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from passback.domain.clock import Instant
    from passback.domain.roster import Role
    from passback.store.engine.database import Connection


KINDS: tuple[Kind, ...] = ("schools", "terms", "courses", "sections", "users")
"""The kinds of objects, each before those that refer to it."""


_IN_ORDER: tuple[Kind, ...] = ("schools", "terms", "courses", "users", "sections")
"""The kinds in the order of their events: each before those that refer to it, and deleted after them."""


class RosterEvent(Struct, frozen=True):
    """One object that was created, updated or deleted."""

    seq: int
    """The position among the district's events."""
    kind: str
    """``users``, ``sections`` and so on."""
    what: str
    object_id: str
    created: Instant
    previous: dict[str, Any]
    """The earlier values of an updated object's changed fields."""


_SELECT = (
    "SELECT seq, kind, what, object_id, created, previous FROM roster_events WHERE district_id = :district_id"
)


def _event(row: Any) -> RosterEvent:
    seq, kind, what, object_id, created, previous = row
    return RosterEvent(seq, kind, what, object_id, created, json.loads(previous or "{}"))


def find(connection: Connection, district_id: str, seq: int) -> RosterEvent | None:
    """Find the event at a position."""
    row = connection.execute(f"{_SELECT} AND seq = :seq", {"district_id": district_id, "seq": seq}).fetchone()
    return None if row is None else _event(row)


def newest(connection: Connection, district_id: str) -> int:
    """The position of a district's newest event; 0 if it has none."""
    row = connection.execute(
        "SELECT COALESCE(MAX(seq), 0) FROM roster_events WHERE district_id = :district_id",
        {"district_id": district_id},
    ).fetchone()
    return int(row[0])


def page(
    connection: Connection,
    district_id: str,
    *,
    limit: int,
    after: int | None = None,
    before: int | None = None,
    kinds: Collection[Kind] | None = None,
) -> Page[RosterEvent]:
    """Events (of some kinds of objects) in order: those after a position, or the last before one."""
    backwards = before is not None and after is None
    parameters = {
        "district_id": district_id,
        "after": -1 if after is None else after,
        "before": 2**63 - 1 if before is None else before,
        "limit": limit + 1,
    }
    found: list[RosterEvent] = []
    for kind in (None,) if kinds is None else kinds:  # each by itself, for the index has each kind in order
        of_kind = "" if kind is None else " AND kind = :kind"
        rows = connection.execute(
            f"{_SELECT}{of_kind} AND seq > :after AND seq < :before"
            f" ORDER BY seq {'DESC' if backwards else 'ASC'} LIMIT :limit",
            parameters if kind is None else {**parameters, "kind": kind},
        )
        found += map(_event, rows.fetchall())
    found.sort(key=lambda event: event.seq, reverse=backwards)
    more = len(found) > limit
    items = found[:limit]
    if backwards:
        return Page(items[::-1], before=more, after=True)
    return Page(items, before=after is not None, after=more)


def add_all(connection: Connection, district_id: str, table: str, now: Instant) -> None:
    """Add an event for each row of a table, or of a named query: `kind`, `what`, `id` and `previous`."""
    base = newest(connection, district_id)
    place = (
        "CASE kind" + "".join(f" WHEN '{kind}' THEN {place}" for place, kind in enumerate(_IN_ORDER)) + " END"
    )
    order = f"CASE WHEN what = 'deleted' THEN {2 * len(_IN_ORDER)} - {place} ELSE {place} END"
    connection.execute(
        "INSERT INTO roster_events (district_id, seq, kind, what, object_id, created, previous)"
        f" SELECT :district_id, :base + ROW_NUMBER() OVER (ORDER BY {order}, id), kind, what, id, :now, previous"
        f" FROM {table}",
        {"district_id": district_id, "now": now, "base": base},
    )


def add_matched(
    connection: Connection, district_id: str, kind: Kind, object_id: str, now: Instant, *, was: bool
) -> None:
    """Add that a section or user has been matched, or unmatched if it `was` matched before."""
    _add(connection, district_id, kind, object_id, now, previous={"synced_in_lms": was})


def add_created(connection: Connection, district_id: str, kind: Kind, object_id: str, now: Instant) -> None:
    """Add that a section or user is new."""
    _add(connection, district_id, kind, object_id, now, previous=None)


def add_members(
    connection: Connection, district_id: str, section_id: str, before: Mapping[Role, list[str]], now: Instant
) -> None:
    """Record that a section's members have changed, if they have; `before` are those that it had."""
    after = enrollments.members_by_role(connection, section_id)
    previous: dict[str, Any] = {f"{role}s": before[role] for role in ROLES if before[role] != after[role]}
    if not previous:
        return
    first, now_first = (min(it["teacher"], default=None) for it in (before, after))
    if first != now_first:
        previous["teacher"] = first
    connection.execute(
        "UPDATE sections SET last_modified = :now WHERE id = :id", {"now": now, "id": section_id}
    )
    connection.execute(
        "UPDATE districts SET roster_version = roster_version + 1, last_modified = :now WHERE id = :id",
        {"now": now, "id": district_id},
    )
    _add(connection, district_id, "sections", section_id, now, previous=previous)


def _add(
    connection: Connection,
    district_id: str,
    kind: Kind,
    object_id: str,
    now: Instant,
    *,
    previous: Mapping[str, Any] | None,
) -> None:
    """Add that an object has changed; without its `previous` values, that it is new."""
    connection.execute(
        "INSERT INTO roster_events (district_id, seq, kind, what, object_id, created, previous)"
        " SELECT :district_id, COALESCE(MAX(seq), 0) + 1, :kind, :what, :id, :now, :previous FROM roster_events"
        " WHERE district_id = :district_id",
        {
            "district_id": district_id,
            "kind": kind,
            "what": "created" if previous is None else "updated",
            "id": object_id,
            "now": now,
            "previous": None if previous is None else json.dumps(previous),
        },
    )


def remove_old(connection: Connection, before: Instant, limit: int) -> int:
    """Delete events before a time, and return how many. Each district's newest stays: counting continues from it."""
    return connection.execute(
        "DELETE FROM roster_events WHERE (district_id, seq) IN"
        " (SELECT district_id, seq FROM roster_events AS old WHERE created < :before AND EXISTS"
        " (SELECT 1 FROM roster_events AS newer WHERE newer.district_id = old.district_id AND newer.seq > old.seq)"
        " ORDER BY created LIMIT :limit)",
        {"before": before, "limit": limit},
    ).rowcount
