"""Deliveries to an LMS that have not arrived: what is open, and what ended without success and was not made up for.

Each question reads few rows of one index, however many deliveries there are. What a later change made up for is found
out when it is read, and marked in the background, so that it is not read for ever.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.store.delivery_rows import SELECT, all_of
from passback.store.statements import among

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery
    from passback.store.engine.database import Connection

COUNTED = 100
"""As far as is counted: more is said to be "more than" this."""
MOST_SEEN = 2_000
"""How many are looked at for a part of the list at most."""
_NEVER = "~"
"""An id after all others."""

# What stands for many is not asked for: its parts are. The conditions are those of the indexes, word for word.
_OPEN = "state IN ('waiting', 'delivering') AND operation <> 'update_submissions'"
_ENDED = (
    "state IN ('refused', 'expired', 'failed') AND made_up = 0"
    " AND operation NOT IN ('update_submissions', 'send_webhook')"
)
_MADE_UP = (
    "EXISTS (SELECT 1 FROM deliveries AS later WHERE later.lane = deliveries.lane AND later.state = 'delivered'"
    " AND later.rank > deliveries.rank)"
)
_EACH = {_OPEN: "0", _ENDED: f"CASE WHEN {_MADE_UP} THEN 1 ELSE 0 END"}
"""Each kind, and whether one of it was made up for: a change that is open still has something to deliver."""


class Backlog(Struct, frozen=True):
    """What has not arrived at a district's LMS, in numbers up to `COUNTED`."""

    open: int
    """How many wait or are under way."""
    ended: int
    """How many ended without success."""
    oldest: Instant | None
    """When the oldest that is open was accepted."""


class Part(Struct, frozen=True):
    """Part of the list of a district, the newest first."""

    ids: list[str]
    next: str | None
    """Before which id the next part begins; None at the end."""


def part(
    connection: Connection, district_id: str, *, limit: int, before: str | None = None, application: str = ""
) -> Part:
    """Up to `limit` deliveries of a district, or of an application in it, that have not arrived, before that id.

    They may be fewer, although there are more, if later changes made up for `MOST_SEEN` and these are not marked yet.
    """
    found: list[str] = []
    of = {"district_id": district_id, "application": application}
    each = [_newest(connection, of, kind, before or _NEVER, limit + 1) for kind in _EACH]
    for seen, (id_, made_up) in enumerate(heapq.merge(*each, reverse=True), 1):
        if not made_up:
            if len(found) == limit:
                return Part(found, found[-1])
            found.append(id_)
        if seen == MOST_SEEN:
            return Part(found, id_)
    return Part(found, None)


def _newest(
    connection: Connection, of: Mapping[str, str], kind: str, before: str, at_once: int
) -> Iterator[tuple[str, int]]:
    """The ids of one kind, the newest first, each with whether it was made up for."""
    of_one = " AND application = :application" if of["application"] else ""
    while True:
        rows = connection.execute(
            f"SELECT id, {_EACH[kind]} FROM deliveries WHERE party = :district_id{of_one} AND {kind}"
            " AND id < :before ORDER BY id DESC LIMIT :at_once",
            {**of, "before": before, "at_once": at_once},
        ).fetchall()
        yield from rows
        if len(rows) < at_once:
            return
        before = rows[-1][0]


def of_ids(connection: Connection, ids: Sequence[str]) -> list[Delivery]:
    """The deliveries of these ids, the newest first."""
    if not ids:
        return []
    parameters: dict[str, Any] = {}
    where = among("id", ids, parameters)
    return all_of(connection.execute(f"{SELECT} WHERE {where} ORDER BY id DESC", parameters))


def backlog(connection: Connection, district_id: str) -> Backlog:
    """How much has not arrived at a district's LMS."""

    def count(where: str) -> int:
        row = connection.execute(
            f"SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE party = :district_id AND {where}"
            " ORDER BY id DESC LIMIT :limit) AS counted",  # in this order they are in the index
            {"district_id": district_id, "limit": COUNTED + 1},
        ).fetchone()
        return int(row[0])

    oldest = connection.execute(
        f"SELECT created FROM deliveries WHERE party = :district_id AND {_OPEN} ORDER BY id LIMIT 1",
        {"district_id": district_id},
    ).fetchone()
    return Backlog(
        open=count(_OPEN),
        ended=count(f"{_ENDED} AND NOT {_MADE_UP}"),
        oldest=None if oldest is None else oldest[0],
    )


def count_open(connection: Connection) -> int:
    """How many deliveries are open in all districts, up to one more than `COUNTED`."""
    row = connection.execute(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE {_OPEN} LIMIT :limit) AS counted",
        {"limit": COUNTED + 1},
    ).fetchone()
    return int(row[0])


def ended_since(connection: Connection, district_id: str, since: Instant) -> int:
    """How many ended without success since a time, up to one more than `COUNTED`."""
    row = connection.execute(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE party = :district_id AND {_ENDED} AND NOT {_MADE_UP}"
        " AND finished >= :since LIMIT :limit) AS counted",
        {"district_id": district_id, "since": since, "limit": COUNTED + 1},
    ).fetchone()
    return int(row[0])


Place = tuple[str, str]
"""Where a look at all that ended without success has come to: a destination and an id."""
FIRST: Place = ("", "")


def made_up(connection: Connection, after: Place, limit: int) -> tuple[list[str], Place | None]:
    """Which of the next `limit` that ended without success were made up for, and where to go on; None at the end."""
    rows = connection.execute(
        f"SELECT party, id, {_EACH[_ENDED]} FROM deliveries WHERE {_ENDED} AND (party, id) > (:party, :id)"
        " ORDER BY party, id LIMIT :limit",
        {"party": after[0], "id": after[1], "limit": limit},
    ).fetchall()
    ids = [row[1] for row in rows if row[2]]
    return ids, (rows[-1][0], rows[-1][1]) if len(rows) == limit else None


def mark_made_up(connection: Connection, ids: Collection[str]) -> None:
    """Mark deliveries as made up for."""
    parameters: dict[str, Any] = {}
    where = among("id", ids, parameters)
    connection.execute(f"UPDATE deliveries SET made_up = 1 WHERE {where}", parameters)
