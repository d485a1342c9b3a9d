"""What has changed of a district's roster, in order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.store.roster import Page

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.database import Connection


class RosterEvent(Struct, frozen=True):
    """One object that was created, updated or deleted."""

    seq: int
    """Its place among the district's events."""
    kind: str
    """``users``, ``sections`` and so on."""
    what: str
    object_id: str
    created: Instant
    previous: dict[str, str | None]
    """What the changed fields of an updated object were."""


_SELECT = (
    "SELECT seq, kind, what, object_id, created, previous FROM roster_events WHERE district_id = :district_id"
)


def _event(row: Any) -> RosterEvent:
    seq, kind, what, object_id, created, previous = row
    return RosterEvent(seq, kind, what, object_id, created, json.loads(previous or "{}"))


def find(connection: Connection, district_id: str, seq: int) -> RosterEvent | None:
    """The event at a place."""
    row = connection.execute(f"{_SELECT} AND seq = :seq", {"district_id": district_id, "seq": seq}).fetchone()
    return None if row is None else _event(row)


def page(
    connection: Connection,
    district_id: str,
    *,
    limit: int,
    after: int | None = None,
    before: int | None = None,
) -> Page[RosterEvent]:
    """Events in order: those behind a place, or the last before one."""
    backwards = before is not None and after is None
    rows = connection.execute(
        f"{_SELECT} AND seq > :after AND seq < :before ORDER BY seq {'DESC' if backwards else 'ASC'} LIMIT :limit",
        {
            "district_id": district_id,
            "after": -1 if after is None else after,
            "before": 2**63 - 1 if before is None else before,
            "limit": limit + 1,
        },
    ).fetchall()
    more = len(rows) > limit
    items = [_event(row) for row in rows[:limit]]
    if backwards:
        return Page(items[::-1], before=more, after=True)
    return Page(items, before=after is not None, after=more)


def remove_old(connection: Connection, before: Instant, limit: int) -> int:
    """Forget events from before a time. How many there were."""
    return connection.execute(
        "DELETE FROM roster_events WHERE (district_id, seq) IN"
        " (SELECT district_id, seq FROM roster_events WHERE created < :before ORDER BY created LIMIT :limit)",
        {"before": before, "limit": limit},
    ).rowcount
