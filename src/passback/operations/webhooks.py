"""Applications' webhooks: listing, showing, disabling, rotating and deleting them, and their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.context import Caller
from passback.delivery.webhook_send import new_secret
from passback.gateway import webhooks as gateway_webhooks
from passback.gateway.webhook_messages import resend_message
from passback.operations import audit
from passback.operations.errors import NotFound, OperationError
from passback.store import webhook_messages, webhooks
from passback.store.webhooks import Webhook
from passback.wire.responses import WebhookTest

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.domain.clock import Clock
    from passback.domain.delivery import Delivery
    from passback.store.engine.database import Connection, Database

__all__ = [
    "Webhook",
    "WebhookTest",
    "delete",
    "disable",
    "enable",
    "find",
    "list_all",
    "messages",
    "resend",
    "rotate",
    "test",
]


async def list_all(database: Database, district_id: str | None = None) -> list[Webhook]:
    """Return all webhooks, or one district's, oldest first; their secrets stay encrypted."""
    return await database.snapshot(lambda conn: webhooks.find_all(conn, district_id))


async def find(database: Database, webhook_id: str) -> Webhook:
    """Return a webhook; its secrets stay encrypted. Raises `NotFound`."""
    return await database.read(lambda conn: _required(conn, webhook_id))


async def disable(database: Database, webhook_id: str, clock: Clock, *, actor: str = "") -> bool:
    """Send nothing more to a webhook. False if it was already disabled. Raises `NotFound`."""

    def write(conn: Connection) -> bool:
        webhook = _required(conn, webhook_id)
        changed = webhooks.disable(conn, webhook.id, clock())
        if changed:
            _record(conn, "webhook.disabled", webhook, actor)
        return changed

    return await database.write(write)


async def enable(database: Database, webhook_id: str, clock: Clock, *, actor: str = "") -> bool:
    """Send to a webhook again, from the next event on. False if it was already enabled. Raises `NotFound`."""

    def write(conn: Connection) -> bool:
        webhook = _required(conn, webhook_id)
        changed = webhooks.enable(conn, webhook.id, clock())
        if changed:
            _record(conn, "webhook.enabled", webhook, actor)
        return changed

    return await database.write(write)


async def delete(database: Database, webhook_id: str, *, actor: str = "") -> None:
    """Delete a webhook with its secrets. Raises `NotFound`."""

    def write(conn: Connection) -> None:
        webhook = _required(conn, webhook_id)
        webhooks.remove(conn, webhook.id)
        _record(conn, "webhook.deleted", webhook, actor)

    await database.write(write)


async def rotate(gateway: Gateway, webhook_id: str, *, actor: str = "") -> str:
    """Give a webhook a new secret, which is returned this once; the old one also signs for a day. Raises `NotFound`."""
    now = gateway.clock()
    secret = new_secret()

    def write(conn: Connection) -> None:
        webhook = _required(conn, webhook_id)
        webhooks.update(
            conn,
            webhooks.rotated(gateway.vault, webhook, secret, now=now, until=now + gateway_webhooks.OVERLAP),
        )
        _record(conn, "webhook.secret_rotated", webhook, actor)

    await gateway.database.write(write)
    return secret


async def test(gateway: Gateway, webhook_id: str) -> WebhookTest:
    """Send a test message at once, also to a webhook that is disabled. Raises `NotFound`."""
    webhook = await find(gateway.database, webhook_id)
    return await gateway_webhooks.test(gateway, Caller(webhook.district_id, webhook.application), webhook.id)


async def messages(database: Database, webhook_id: str, limit: int) -> list[Delivery]:
    """Return the newest messages to a webhook."""
    return await database.read(lambda conn: webhook_messages.page(conn, webhook_id, limit=limit))


async def with_newest_message(database: Database, district_id: str) -> list[tuple[Webhook, Delivery | None]]:
    """Return a district's webhooks, oldest first, each with its newest message, if there is one."""

    def read(conn: Connection) -> list[tuple[Webhook, Delivery | None]]:
        found = webhooks.find_all(conn, district_id)
        return [(it, next(iter(webhook_messages.page(conn, it.id, limit=1)), None)) for it in found]

    return await database.snapshot(read)


async def resend(
    database: Database, webhook_id: str, message_id: str, clock: Clock, *, actor: str = ""
) -> None:
    """Send a message again, delivered or not. Raises `NotFound`, and `OperationError` if it is on its way."""
    now = clock()

    def write(conn: Connection) -> None:
        webhook = _required(conn, webhook_id)
        message = webhook_messages.find(conn, webhook.id, message_id)
        if message is None:
            raise NotFound(f"there is no message {message_id}")
        if not resend_message(conn, webhook, message, now):
            raise OperationError("the message is on its way now")
        _record(conn, "webhook.resent", webhook, actor)

    await database.write(write)


def _record(conn: Connection, action: str, webhook: Webhook, actor: str) -> None:
    audit.record(conn, action, webhook.id, webhook.district_id, webhook.application, actor=actor)


def _required(conn: Connection, webhook_id: str) -> Webhook:
    webhook = webhooks.find(conn, webhook_id)
    if webhook is None:
        raise NotFound(f"there is no webhook {webhook_id}")
    return webhook
