"""The audit: who made, changed or revoked tokens, connections, webhooks, matches and the key.

A line is written in the transaction of what it tells, so neither is there without the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from uuid_utils import uuid7

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


class Line(Struct, frozen=True):
    """One thing that was done."""

    at: Instant
    actor: str
    """``command:`` and the user of the machine, ``account:`` and its name in the console, ``application:`` and its
    name, ``registration link`` or ``gateway``."""
    action: str
    """Such as ``token.revoked``."""
    object_id: str
    district: str
    """The id of the district, which may no longer exist; empty if it is of none."""
    detail: str
    """What else tells it apart; never a secret."""
    id: str = ""
    """In the order of time; empty before it is written."""


def add(connection: Connection, line: Line) -> None:
    """Write a line."""
    connection.execute(
        "INSERT INTO audit (id, at, actor, action, object_id, district, detail)"
        " VALUES (:id, :at, :actor, :action, :object_id, :district, :detail)",
        {
            "id": str(uuid7()),
            "at": line.at,
            "actor": line.actor,
            "action": line.action,
            "object_id": line.object_id,
            "district": line.district,
            "detail": line.detail,
        },
    )


def find_all(connection: Connection, since: Instant = 0, district: str | None = None) -> list[Line]:
    """All lines since a time, or one district's, oldest first."""
    of_one = "" if district is None else " AND district = :district"
    rows = connection.execute(
        "SELECT at, actor, action, object_id, district, detail FROM audit"
        f" WHERE at >= :since{of_one} ORDER BY id",
        {"since": since, "district": district or ""},
    )
    return [Line(*row) for row in rows]


def of_object(connection: Connection, object_id: str, limit: int) -> list[Line]:
    """The last `limit` lines about one thing, oldest first."""
    rows = connection.execute(
        "SELECT at, actor, action, object_id, district, detail, id FROM audit"
        " WHERE object_id = :object_id ORDER BY id DESC LIMIT :limit",
        {"object_id": object_id, "limit": limit},
    )
    return [Line(*row) for row in rows][::-1]


def page(
    connection: Connection,
    *,
    limit: int,
    since: str = "",
    before: str,
    district: str | None = None,
    action: str = "",
    actor: str = "",
) -> list[Line]:
    """Up to `limit` lines with ids from `since` on and before `before`, the newest first; of one kind if given."""
    where = ["id >= :since", "id < :before"]
    # The lines of one actor are few: with an expression in place of a column, no other index is used instead.
    others = " || ''" if actor else ""
    if district is not None:
        where.append(f"district{others} = :district")
    if action:
        where.append(f"action{others} = :action")
    if actor:
        where.append("actor = :actor")
    rows = connection.execute(
        "SELECT at, actor, action, object_id, district, detail, id FROM audit"
        f" WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT :limit",
        {
            "since": since,
            "before": before,
            "district": district or "",
            "action": action,
            "actor": actor,
            "limit": limit,
        },
    )
    return [Line(*row) for row in rows]
