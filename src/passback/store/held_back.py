"""Removals that wait for a person: how many of each kind a roster or an LMS no longer has, too many to believe it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


_ORDER = ("schools", "terms", "courses", "sections", "students", "teachers", "users", "enrollments")


class HeldBack(Struct, frozen=True):
    """What waits in a district."""

    since: Instant
    """Since when something has been waiting."""
    removals: dict[str, int]
    """How many objects of each kind are to be removed from the roster."""
    unmatching: dict[str, int]
    """How many ``sections`` and ``users`` are to lose their match."""


def find(connection: Connection, district_id: str) -> HeldBack | None:
    """What waits in a district; None if nothing does."""
    rows = connection.execute(
        "SELECT what, kind, count, since FROM held_back WHERE district_id = :id", {"id": district_id}
    ).fetchall()
    if not rows:
        return None
    rows.sort(key=lambda row: _ORDER.index(row[1]))
    of = {
        wanted: {kind: count for what, kind, count, _ in rows if what == wanted}
        for wanted in ("removals", "unmatching")
    }
    return HeldBack(min(row[3] for row in rows), of["removals"], of["unmatching"])


def replace(
    connection: Connection,
    district_id: str,
    what: Literal["removals", "unmatching"],
    counts: Mapping[str, int],
    now: Instant,
) -> None:
    """Set what waits; while it changes but does not end, it goes on waiting since the same time."""
    given = {"id": district_id, "what": what}
    since = connection.execute(
        "SELECT MIN(since) FROM held_back WHERE district_id = :id AND what = :what", given
    ).fetchone()[0]
    connection.execute("DELETE FROM held_back WHERE district_id = :id AND what = :what", given)
    connection.executemany(
        "INSERT INTO held_back (district_id, what, kind, count, since) VALUES (:id, :what, :kind, :count, :since)",
        [
            {**given, "kind": kind, "count": count, "since": now if since is None else since}
            for kind, count in counts.items()
        ],
    )
