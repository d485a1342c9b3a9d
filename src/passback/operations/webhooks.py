"""Applications' webhooks: listing, showing, disabling and deleting them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.operations import audit
from passback.operations.errors import NotFound
from passback.store import webhooks
from passback.store.webhooks import Webhook

if TYPE_CHECKING:
    from passback.domain.clock import Clock
    from passback.store.engine.database import Connection, Database

__all__ = ["Webhook", "delete", "disable", "enable", "find", "list_all"]


async def list_all(database: Database, district_id: str | None = None) -> list[Webhook]:
    """Return all webhooks, or one district's, oldest first; their secrets stay encrypted."""
    return await database.snapshot(lambda conn: webhooks.find_all(conn, district_id))


async def find(database: Database, webhook_id: str) -> Webhook:
    """Return a webhook; its secrets stay encrypted. Raises `NotFound`."""
    return await database.read(lambda conn: _required(conn, webhook_id))


async def disable(database: Database, webhook_id: str, clock: Clock) -> bool:
    """Send nothing more to a webhook. False if it was already disabled. Raises `NotFound`."""

    def write(conn: Connection) -> bool:
        webhook = _required(conn, webhook_id)
        changed = webhooks.disable(conn, webhook.id, clock())
        if changed:
            audit.record(conn, "webhook.disabled", webhook.id, webhook.district_id, webhook.application)
        return changed

    return await database.write(write)


async def enable(database: Database, webhook_id: str, clock: Clock) -> bool:
    """Send to a webhook again, from the next event on. False if it was already enabled. Raises `NotFound`."""

    def write(conn: Connection) -> bool:
        webhook = _required(conn, webhook_id)
        changed = webhooks.enable(conn, webhook.id, clock())
        if changed:
            audit.record(conn, "webhook.enabled", webhook.id, webhook.district_id, webhook.application)
        return changed

    return await database.write(write)


async def delete(database: Database, webhook_id: str) -> None:
    """Delete a webhook with its secrets. Raises `NotFound`."""

    def write(conn: Connection) -> None:
        webhook = _required(conn, webhook_id)
        webhooks.remove(conn, webhook.id)
        audit.record(conn, "webhook.deleted", webhook.id, webhook.district_id, webhook.application)

    await database.write(write)


def _required(conn: Connection, webhook_id: str) -> Webhook:
    webhook = webhooks.find(conn, webhook_id)
    if webhook is None:
        raise NotFound(f"there is no webhook {webhook_id}")
    return webhook
