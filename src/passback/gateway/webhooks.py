"""Registering the endpoints that get an application's events, and testing them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec.structs import replace
from uuid_utils import uuid7

from passback.context import Answer
from passback.delivery import webhook_notify, webhook_send
from passback.delivery.webhook_send import Message, Transport
from passback.domain.clock import DAY
from passback.gateway.pages import Page, Place
from passback.gateway.rules import unknown_fields
from passback.network.addresses import Unreachable
from passback.store import audit, districts, roster_events, webhooks
from passback.wire import errors, events, responses
from passback.wire.dates import show
from passback.wire.quote import quoted

if TYPE_CHECKING:
    from passback.context import Caller, Gateway
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection
    from passback.store.webhooks import Webhook
    from passback.wire.requests import WebhookRequest

OVERLAP = DAY
"""How long the previous secret still signs after a rotation."""
TEST_PATIENCE = 10.0
"""How many seconds an endpoint has to answer a test message."""


async def create(gateway: Gateway, caller: Caller, request: WebhookRequest) -> Answer[responses.Webhook]:
    """Register an endpoint; the answer shows its secret, this once. Raises `Refusal`: what is wrong with it."""
    wanted = _events(request) or events.USUAL
    if request.fetch and request.url:
        raise _invalid_url("its messages are fetched, so it needs none")
    if not request.fetch:
        if not request.url:
            raise errors.missing_fields(["url"])
        await _check_url(gateway, request.url)
    now = gateway.clock()
    webhook_id, secret = str(uuid7()), webhook_send.new_secret()
    webhook = webhooks.Webhook(
        id=webhook_id,
        district_id=caller.district_id,
        application=caller.application,
        url=request.url or "",
        events=wanted,
        secret=webhooks.seal(gateway.vault, webhook_id, secret),
        secret_before=None,
        secret_before_until=None,
        disabled=now if request.disabled else None,
        created=now,
        last_modified=now,
    )

    def keep(conn: Connection) -> None:
        if webhooks.count(conn, caller.district_id, caller.application) >= events.MOST_WEBHOOKS:
            raise errors.too_many_webhooks(events.MOST_WEBHOOKS)
        webhooks.insert(conn, webhook)
        if districts.roster_told(conn, caller.district_id) is None:  # of what changes from now on
            districts.set_roster_told(
                conn, caller.district_id, roster_events.newest(conn, caller.district_id)
            )
        record(conn, caller, "webhook.created", webhook, now)

    await gateway.database.write(keep)
    return Answer(_present(webhook, now, secret=secret), unknown_fields(request.unknown_fields))


async def read(gateway: Gateway, caller: Caller, webhook_id: str) -> responses.Webhook:
    """One of the caller's webhooks. Raises `Refusal`: 404 if it is not the caller's."""
    webhook = await gateway.database.read(lambda conn: find_own(conn, caller, webhook_id))
    return _present(webhook, gateway.clock())


async def page(
    gateway: Gateway, caller: Caller, *, limit: int, after_cursor: str | None
) -> Page[responses.Webhook]:
    """A page of the caller's webhooks, oldest first. Raises `Refusal`: bad cursor."""
    now = gateway.clock()
    place = Place(gateway, f"{caller.district_id}/webhooks/{caller.application}", now)
    after = place.opened(after_cursor)
    found = await gateway.database.read(
        lambda conn: webhooks.page(conn, caller.district_id, caller.application, after=after, limit=limit + 1)
    )
    shown = found[:limit]
    return Page(
        [_present(webhook, now) for webhook in shown],
        place.sealed(shown[-1].id if len(found) > limit else None),
    )


async def update(
    gateway: Gateway, caller: Caller, webhook_id: str, request: WebhookRequest
) -> Answer[responses.Webhook]:
    """Change the given fields. Raises `Refusal`: 404, or what is wrong with the address or the events."""
    wanted = _events(request)
    known = await gateway.database.read(lambda conn: find_own(conn, caller, webhook_id))
    if request.fetch not in (None, known.is_fetched) or (request.url and known.is_fetched):
        raise _invalid_url("whether messages are sent or fetched cannot be changed")
    if request.url is not None and not known.is_fetched:
        await _check_url(gateway, request.url)
    now = gateway.clock()

    def change(conn: Connection) -> Webhook:
        webhook = find_own(conn, caller, webhook_id)
        disabled = webhook.disabled
        if request.disabled is not None:
            disabled = (disabled or now) if request.disabled else None
        changed = replace(
            webhook,
            url=webhook.url if not request.url else request.url,
            events=wanted or webhook.events,
            disabled=disabled,
            last_modified=now,
        )
        webhooks.update(conn, changed)
        record(conn, caller, "webhook.changed", changed, now)
        return changed

    webhook = await gateway.database.write(change)
    return Answer(_present(webhook, now), unknown_fields(request.unknown_fields))


async def rotate(gateway: Gateway, caller: Caller, webhook_id: str) -> responses.Webhook:
    """Give a webhook a new secret, shown this once; the old one also signs for a day. Raises `Refusal`: 404."""
    now = gateway.clock()
    secret = webhook_send.new_secret()

    def change(conn: Connection) -> Webhook:
        webhook = find_own(conn, caller, webhook_id)
        changed = webhooks.rotated(gateway.vault, webhook, secret, now=now, until=now + OVERLAP)
        webhooks.update(conn, changed)
        record(conn, caller, "webhook.secret_rotated", changed, now)
        return changed

    return _present(await gateway.database.write(change), now, secret=secret)


async def delete(gateway: Gateway, caller: Caller, webhook_id: str) -> None:
    """Forget a webhook. Raises `Refusal`: 404."""

    def remove(conn: Connection) -> None:
        webhook = find_own(conn, caller, webhook_id)
        webhooks.remove(conn, webhook.id)
        record(conn, caller, "webhook.deleted", webhook, gateway.clock())

    await gateway.database.write(remove)


async def test(gateway: Gateway, caller: Caller, webhook_id: str) -> responses.WebhookTest:
    """Send a test message at once, also to a webhook that is disabled. Raises `Refusal`: 404."""
    webhook = await gateway.database.read(lambda conn: find_own(conn, caller, webhook_id))
    now = gateway.clock()
    data = events.TestData(webhook_id=webhook.id)
    if webhook.is_fetched:
        kept = await gateway.database.write(
            lambda conn: webhook_notify.add_message(conn, webhook, events.TEST, data, now)
        )
        return responses.WebhookTest(delivered=True, id=kept)
    message_id = str(uuid7())
    sent = await webhook_send.send_to(
        webhook,
        gateway.vault,
        Message(message_id, events.payload(events.TEST, now, data)),
        now,
        Transport(gateway.webhooks_reach, TEST_PATIENCE, gateway.resolve),
    )
    return responses.WebhookTest(
        delivered=sent.outcome == "delivered", id=message_id, message=sent.reason, status=sent.status
    )


def record(conn: Connection, caller: Caller, action: str, webhook: Webhook, now: Instant) -> None:
    """Write into the audit what an application does; of the address only the server, as the rest may hold secrets."""
    server = urlsplit(webhook.url).hostname or ""
    actor = f"application:{caller.application}"
    audit.add(conn, audit.Line(now, actor, action, webhook.id, webhook.district_id, server))


def find_own(conn: Connection, caller: Caller, webhook_id: str) -> Webhook:
    """One of the caller's webhooks. Raises `Refusal`: 404."""
    webhook = webhooks.find(conn, webhook_id)
    if webhook is None or (webhook.district_id, webhook.application) != (
        caller.district_id,
        caller.application,
    ):
        raise errors.resource_not_found()
    return webhook


def _events(request: WebhookRequest) -> tuple[str, ...] | None:
    """The events that are asked for, in our order and each once; None if none were given."""
    if request.events is None:
        return None
    for event in request.events:
        if event not in events.EVENTS:
            raise _invalid_events(f"{quoted(event[:64])} is not one of")
    if not request.events:
        raise _invalid_events("name at least one of")
    return tuple(event for event in events.EVENTS if event in request.events)


def _invalid_events(what: str) -> errors.Refusal:
    return errors.bad_request(f"INVALID_EVENTS: {what} [{' '.join(events.EVENTS)}]")


async def _check_url(gateway: Gateway, url: str) -> None:
    try:
        await webhook_send.check(url, reach=gateway.webhooks_reach, resolve=gateway.resolve)
    except Unreachable as error:
        raise _invalid_url(str(error)) from None


def _invalid_url(why: str) -> errors.Refusal:
    return errors.bad_request(f"INVALID_URL: the endpoint cannot be used: {why}")


def _present(webhook: Webhook, now: int, *, secret: str | None = None) -> responses.Webhook:
    until = webhook.secret_before_until
    return responses.Webhook(
        created=show(webhook.created),
        disabled=webhook.disabled is not None,
        events=list(webhook.events),
        fetch=webhook.is_fetched,
        id=webhook.id,
        last_modified=show(webhook.last_modified),
        secret=secret,
        secret_before_until=show(until) if until is not None and now < until else None,
        url=webhook.url,
    )
