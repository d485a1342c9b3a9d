"""Deliveries to an LMS that have not arrived: what waits, and what ended without success and was not replaced since.

Each question reads few rows of one index, however many deliveries there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.store.delivery_rows import SELECT, all_of
from passback.store.statements import among

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery
    from passback.store.engine.database import Connection

COUNTED = 1_000
"""As far as is counted: more is said to be "more than" this."""
_NEVER = "~"
"""An id after all others."""

_STATES = ("waiting", "delivering", "refused", "expired", "failed")
# What stands for many is not asked for: its parts are. A later change that was delivered makes up for it.
_OF_STATE = (
    "SELECT id FROM deliveries WHERE party = :district_id AND state = '{}' AND id < :before"
    " AND operation <> 'update_submissions'"
    " AND NOT EXISTS (SELECT 1 FROM deliveries AS later WHERE later.lane = deliveries.lane"
    " AND later.state = 'delivered' AND later.rank > deliveries.rank)"
    "{} ORDER BY id DESC LIMIT :limit"
)


class Backlog(Struct, frozen=True):
    """What has not arrived at a district's LMS, in numbers up to `COUNTED`."""

    waiting: int
    ended: int
    """How many ended without success."""
    oldest: Instant | None
    """When the oldest that waits was accepted."""


def page(
    connection: Connection,
    district_id: str,
    *,
    limit: int,
    before: str | None = None,
    application: str = "",
    section_id: str = "",
) -> list[Delivery]:
    """Up to `limit` deliveries of a district that have not arrived, with ids before `before`, the newest first."""
    parameters: dict[str, Any] = {
        "district_id": district_id,
        "before": before or _NEVER,
        "limit": limit,
        "application": application,
        "section_id": section_id,
    }
    more = (" AND application = :application" if application else "") + (
        " AND section_id = :section_id" if section_id else ""
    )
    found = [
        row[0] for state in _STATES for row in connection.execute(_OF_STATE.format(state, more), parameters)
    ]
    newest = sorted(found, reverse=True)[:limit]
    return of_ids(connection, newest)


def of_ids(connection: Connection, ids: Sequence[str]) -> list[Delivery]:
    """The deliveries of these ids, the newest first."""
    if not ids:
        return []
    parameters: dict[str, Any] = {}
    where = among("id", ids, parameters)
    return all_of(connection.execute(f"{SELECT} WHERE {where} ORDER BY id DESC", parameters))


def backlog(connection: Connection, district_id: str) -> Backlog:
    """How much has not arrived at a district's LMS."""
    parameters = {"district_id": district_id, "before": _NEVER, "limit": COUNTED + 1}

    def count(states: Collection[str]) -> int:
        return sum(
            int(
                connection.execute(
                    f"SELECT COUNT(*) FROM ({_OF_STATE.format(state, '')}) AS counted", parameters
                ).fetchone()[0]
            )
            for state in states
        )

    oldest = connection.execute(
        "SELECT MIN(created) FROM (SELECT created FROM deliveries WHERE party = :district_id AND state = 'waiting'"
        " AND operation <> 'update_submissions' ORDER BY due, id LIMIT :limit) AS waiting",
        parameters,
    ).fetchone()
    return Backlog(
        waiting=count(("waiting", "delivering")),
        ended=count(("refused", "expired", "failed")),
        oldest=oldest[0],
    )
