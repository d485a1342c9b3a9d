"""The messages of webhooks, which are deliveries: reading them, and fetching those of webhooks without an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback.store.delivery_rows import SELECT, all_of, one
from passback.store.statements import among

if TYPE_CHECKING:
    from collections.abc import Collection

    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery, State
    from passback.store.engine.database import Connection

_OF_WEBHOOK = f"{SELECT} WHERE party = :webhook_id AND operation = 'send_webhook'"
NOT_ARRIVED: tuple[State, ...] = ("waiting", "refused", "expired")
"""The states of messages that the endpoint has not taken."""


def find(connection: Connection, webhook_id: str, message_id: str) -> Delivery | None:
    """A message to a webhook."""
    return one(
        connection.execute(f"{_OF_WEBHOOK} AND id = :id", {"webhook_id": webhook_id, "id": message_id})
    )


def page(
    connection: Connection,
    webhook_id: str,
    *,
    limit: int,
    states: Collection[State] = (),
    before: str | None = None,
) -> list[Delivery]:
    """Messages to a webhook with ids before `before`, the newest first."""
    parameters: dict[str, Any] = {"webhook_id": webhook_id, "limit": limit}
    where = ""
    if before is not None:
        where += " AND id < :before"
        parameters["before"] = before
    if states:
        where += f" AND {among('state', states, parameters)}"
    return all_of(connection.execute(f"{_OF_WEBHOOK}{where} ORDER BY id DESC LIMIT :limit", parameters))


def not_arrived(connection: Connection, webhook_id: str, since: Instant, limit: int) -> list[Delivery]:
    """Messages of events since a time that the endpoint has not taken, the oldest first."""
    parameters: dict[str, Any] = {"webhook_id": webhook_id, "since": since, "limit": limit}
    where = f"{among('state', NOT_ARRIVED, parameters)} AND created >= :since"
    return all_of(connection.execute(f"{_OF_WEBHOOK} AND {where} ORDER BY id LIMIT :limit", parameters))


def to_fetch(connection: Connection, webhook_id: str, limit: int) -> list[Delivery]:
    """Messages that wait to be fetched, the oldest first."""
    return all_of(
        connection.execute(
            f"{_OF_WEBHOOK} AND untold = 1 ORDER BY id LIMIT :limit",
            {"webhook_id": webhook_id, "limit": limit},
        )
    )


def set_fetched(connection: Connection, webhook_id: str, message_ids: Collection[str]) -> None:
    """Record that messages were fetched, so that they are not handed out again."""
    parameters: dict[str, Any] = {"webhook_id": webhook_id}
    where = among("id", message_ids, parameters)
    connection.execute(
        f"UPDATE deliveries SET untold = 0 WHERE party = :webhook_id AND operation = 'send_webhook' AND {where}",
        parameters,
    )


def hand_out_again(connection: Connection, webhook_id: str, message_id: str) -> None:
    """Let a message be fetched again."""
    connection.execute(
        "UPDATE deliveries SET untold = 1 WHERE party = :webhook_id AND operation = 'send_webhook' AND id = :id",
        {"webhook_id": webhook_id, "id": message_id},
    )
