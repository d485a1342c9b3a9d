"""An application's webhook messages: what became of each, sending it again, and fetching those that are not sent."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from msgspec import Raw

from passback.delivery import ledger, webhook_send
from passback.delivery.present import date_or_none
from passback.delivery.webhook_send import Message
from passback.gateway.pages import Page, Place
from passback.gateway.webhooks import find_own, record
from passback.store import deliveries, webhook_messages, webhooks
from passback.store.engine.vault import VaultError
from passback.wire import errors, responses
from passback.wire.dates import show

if TYPE_CHECKING:
    from collections.abc import Collection

    from passback.context import Caller, Gateway
    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery, State
    from passback.store.engine.database import Connection
    from passback.store.webhooks import Webhook

MOST_RESENT = 1000
"""How many messages one call sends again at most."""
LONGEST_WAIT = 20
"""For how many seconds a client can wait for messages."""
_LOOK_SECONDS = 0.25


async def page(
    gateway: Gateway,
    caller: Caller,
    webhook_id: str,
    states: Collection[State],
    *,
    limit: int,
    after_cursor: str | None,
) -> Page[responses.WebhookMessage]:
    """A page of the messages to one of the caller's webhooks, the newest first. Raises `Refusal`."""
    list_name = f"{caller.district_id}/messages/{webhook_id}/{','.join(sorted(states))}"
    place = Place(gateway, list_name, gateway.clock())
    before = place.opened(after_cursor) or None

    def look_up(conn: Connection) -> tuple[Webhook, list[Delivery]]:
        webhook = find_own(conn, caller, webhook_id)
        return webhook, webhook_messages.page(conn, webhook.id, limit=limit + 1, states=states, before=before)

    webhook, found = await gateway.database.read(look_up)
    shown = found[:limit]
    return Page(
        [_present(webhook, message) for message in shown],
        place.sealed(shown[-1].id if len(found) > limit else None),
    )


async def read(
    gateway: Gateway, caller: Caller, webhook_id: str, message_id: str
) -> responses.WebhookMessage:
    """A message to one of the caller's webhooks. Raises `Refusal`: 404."""

    def look_up(conn: Connection) -> responses.WebhookMessage:
        webhook = find_own(conn, caller, webhook_id)
        return _present(webhook, _required(conn, webhook, message_id))

    return await gateway.database.read(look_up)


async def resend(
    gateway: Gateway, caller: Caller, webhook_id: str, message_id: str
) -> responses.WebhookMessage:
    """Send a message again, delivered or not. Raises `Refusal`: 404, or the webhook is disabled.

    One that is being sent at this moment is left as it is.
    """
    now = gateway.clock()

    def write(conn: Connection) -> responses.WebhookMessage:
        webhook = _enabled(conn, caller, webhook_id)
        if resend_message(conn, webhook, _required(conn, webhook, message_id), now):
            record(conn, caller, "webhook.resent", webhook, now)
        return _present(webhook, _required(conn, webhook, message_id))

    shown = await gateway.database.write(write)
    gateway.in_flight.wake()
    return shown


async def resend_all(
    gateway: Gateway, caller: Caller, webhook_id: str, since: Instant
) -> responses.WebhookResend:
    """Send every message since a time again that the endpoint has not taken. Raises `Refusal`: as `resend`."""
    now = gateway.clock()

    def write(conn: Connection) -> responses.WebhookResend:
        webhook = _enabled(conn, caller, webhook_id)
        found = webhook_messages.not_arrived(conn, webhook.id, since, MOST_RESENT + 1)
        sent = sum(resend_message(conn, webhook, message, now) for message in found[:MOST_RESENT])
        if sent:
            record(conn, caller, "webhook.resent", webhook, now)
        return responses.WebhookResend(more=len(found) > MOST_RESENT, resent=sent)

    resent = await gateway.database.write(write)
    gateway.in_flight.wake()
    return resent


def resend_message(conn: Connection, webhook: Webhook, message: Delivery, now: Instant) -> bool:
    """Let a message be sent, or fetched, again. False if it is being sent now."""
    if webhook.is_fetched:
        webhook_messages.hand_out_again(conn, webhook.id, message.id)
        return True
    return deliveries.reopen(conn, message.id, now) or ledger.retry(conn, message, now)


async def fetch(
    gateway: Gateway, caller: Caller, webhook_id: str, done: Collection[str], *, limit: int, wait: int
) -> list[responses.FetchedMessage]:
    """The messages that wait to be fetched, the oldest first, once there are any or `wait` seconds have passed.

    Those that are `done` are not handed out again. Raises `Refusal`: 404, the webhook is disabled, or its messages are
    sent, not fetched.
    """
    give_up = time.monotonic() + wait

    def write(conn: Connection) -> tuple[Webhook, list[Delivery]]:
        webhook = _enabled(conn, caller, webhook_id)
        if not webhook.is_fetched:
            raise errors.webhook_not_fetched()
        if done:
            webhook_messages.set_fetched(conn, webhook.id, done)
        webhooks.set_fetched(conn, webhook.id, gateway.clock())
        return webhook, webhook_messages.to_fetch(conn, webhook.id, limit)

    def look_again(conn: Connection) -> list[Delivery]:
        return webhook_messages.to_fetch(conn, _enabled(conn, caller, webhook_id).id, limit)

    webhook, found = await gateway.database.write(write)
    while not found and time.monotonic() < give_up and not await caller.is_gone():
        await asyncio.sleep(_LOOK_SECONDS)
        found = await gateway.database.read(look_again)
    return [_signed(gateway, webhook, message) for message in found]


def _signed(gateway: Gateway, webhook: Webhook, message: Delivery) -> responses.FetchedMessage:
    now = gateway.clock()
    try:
        secrets = webhooks.secrets(gateway.vault, webhook, now)
    except VaultError:
        raise errors.bad_request("SECRET_LOST: the webhook's secret cannot be read: rotate it") from None
    headers = webhook_send.headers_of(secrets, Message(message.id, message.content.encode()), now)
    return responses.FetchedMessage(body=message.content, headers=headers, id=message.id)


def _required(conn: Connection, webhook: Webhook, message_id: str) -> Delivery:
    found = webhook_messages.find(conn, webhook.id, message_id)
    if found is None:
        raise errors.resource_not_found()
    return found


def _enabled(conn: Connection, caller: Caller, webhook_id: str) -> Webhook:
    webhook = find_own(conn, caller, webhook_id)
    if webhook.disabled is not None:
        raise errors.webhook_disabled()
    return webhook


def _present(webhook: Webhook, message: Delivery) -> responses.WebhookMessage:
    failed = message.message is not None and message.state != "delivered"
    waits = webhook.is_fetched and message.unacknowledged
    return responses.WebhookMessage(
        attempts=message.attempts,
        created=show(message.created),
        error=responses.DeliveryError(status=message.status or 500, message=message.message or "")
        if failed
        else None,
        event=Raw(message.content.encode()),
        expires=show(message.expires),
        finished=None if waits else date_or_none(message.finished),
        id=message.id,
        next_attempt=date_or_none(message.due) if message.state == "waiting" else None,
        state="waiting" if waits else message.state,
        webhook_id=webhook.id,
    )
