"""Sending one message to an application's endpoint, as Standard Webhooks prescribes.

The endpoint's address comes from outside: it is checked when it is registered, and again before every message, when
the connection goes to exactly the address that was checked (`passback.network`).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import re
import secrets
import ssl
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Literal
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

import passback
from passback.network import retry_after
from passback.network.addresses import Network, Resolve, Unreachable, addresses_of, is_public, resolve
from passback.store import audit, webhooks
from passback.store.engine.vault import VaultError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.clock import Clock, Instant
    from passback.network.client import Response
    from passback.store.engine.database import Connection, Database
    from passback.store.engine.vault import Vault
    from passback.store.webhooks import Webhook

log = logging.getLogger(__name__)

LONGEST_URL = 2048
LONGEST_WAIT = 60 * 60
"""The most seconds that an endpoint's ``Retry-After`` can make us wait."""

_LOOK_UP_SECONDS = 5.0
_SECRET_BYTES = 32
_READ_BYTES = 16 * 1024
_READ_SECONDS = 1.0
_WITH_USER = re.compile(r"https?://[^/?#]*@", re.IGNORECASE)
_PLAIN = re.compile(r"[!-~]+")
_NAME = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE
)
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.IGNORECASE)


class Message(Struct, frozen=True):
    """A message, the same for every try."""

    id: str
    payload: bytes


class Transport(Struct, frozen=True):
    """How endpoints are reached."""

    reach: Network
    """Which servers may be called. HTTP without TLS is allowed only to those that are not on the public network."""
    patience: float
    """How many seconds an endpoint has to answer."""
    resolve: Resolve = resolve
    tls: ssl.SSLContext | None = None


class Sent(Struct, frozen=True):
    """The outcome of a message."""

    outcome: Literal["delivered", "gone", "failed"]
    """``gone``: the endpoint wants no more messages (410), and its webhook is to be disabled."""
    status: int | None = None
    """The HTTP status, if there was an answer."""
    reason: str | None = None
    """Why it was not delivered, in words that reveal nothing of the message or the address."""
    retry_after: int | None = None
    """After how many seconds the endpoint asks to be tried again."""


def new_secret() -> str:
    """A new signing secret, as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


async def check(url: str, *, reach: Network, resolve: Resolve = resolve) -> None:
    """Raise `Unreachable` if no messages may be sent to `url` as things stand now. `reach` is as for `Transport`."""
    parsed = _parsed(url, reach)
    try:
        async with asyncio.timeout(_LOOK_UP_SECONDS):
            await addresses_of(parsed.hostname or "", reach=reach, resolve=_for_scheme(parsed, resolve))
    except TimeoutError:
        raise Unreachable("its server cannot be found") from None


async def send(
    url: str, secrets: Sequence[str], message: Message, timestamp: Instant, transport: Transport
) -> Sent:
    """POST one message, signed with each of the `secrets`, and wait for the answer.

    `timestamp` is the time of this try. Whatever happens is in the result; nothing is logged here.
    """
    from passback.network.client import Client, Failed

    sent: Sent | None = None
    try:
        resolve = _for_scheme(_parsed(url, transport.reach), transport.resolve)
        headers = headers_of(secrets, message, timestamp)
        http = Client(transport.patience, reach=transport.reach, resolve=resolve, tls=transport.tls)
        async with (
            asyncio.timeout(transport.patience),
            http.asking("POST", url, headers, message.payload) as response,
        ):
            sent = _outcome(response)
            await _read_a_little(response)
    except TimeoutError:
        return sent or Sent("failed", reason="it took too long")
    except Unreachable as error:
        return Sent("failed", reason=str(error))
    except Failed as error:
        return sent or Sent("failed", reason="it took too long" if error.too_late else str(error))
    return sent


async def deliver(
    database: Database,
    vault: Vault,
    clock: Clock,
    webhook_id: str,
    message: Message,
    transport: Transport,
) -> Sent | None:
    """Send a message to a webhook as it is now; None if the webhook no longer exists or is no longer active.

    A webhook whose endpoint wants no more messages is disabled.
    """
    now = clock()

    def look_up(conn: Connection) -> Webhook | None:
        webhook = webhooks.find(conn, webhook_id)
        return webhook if webhook is not None and webhooks.is_active(conn, webhook, now) else None

    webhook = await database.read(look_up)
    if webhook is None:
        return None
    sent = await send_to(webhook, vault, message, now, transport)
    url = webhook.url

    def give_up(conn: Connection) -> None:
        now_there = webhooks.find(conn, webhook_id)
        if now_there is not None and now_there.url == url:  # a new address has not said so
            webhooks.disable(conn, webhook_id, clock())
            detail = "its endpoint answered 410"
            line = audit.Line(
                clock(), "gateway", "webhook.disabled", webhook_id, now_there.district_id, detail
            )
            audit.add(conn, line)

    if sent.outcome == "gone":
        log.warning("the endpoint of webhook %s wants no more messages: it is disabled", webhook_id)
        await database.write(give_up)
    return sent


async def send_to(
    webhook: Webhook, vault: Vault, message: Message, now: Instant, transport: Transport
) -> Sent:
    """`send` to the address of a webhook, with the secrets that sign `now`."""
    try:
        secrets = webhooks.secrets(vault, webhook, now)
    except VaultError as error:
        log.error("webhook %s: %s", webhook.id, error)  # noqa: TRY400 - where it happened says nothing
        return Sent("failed", reason="its secret cannot be read: rotate it")
    return await send(webhook.url, secrets, message, now, transport)


def headers_of(secrets: Sequence[str], message: Message, timestamp: Instant) -> dict[str, str]:
    """The headers of one try to send a message, with a signature by each of the `secrets`."""
    from standardwebhooks.webhooks import Webhook

    seconds = timestamp // 1000
    at = datetime.fromtimestamp(seconds, UTC)
    signatures = [Webhook(secret).sign(message.id, at, message.payload.decode()) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": f"Passback/{passback.__version__}",
        "webhook-id": message.id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signatures),
    }


def _outcome(response: Response) -> Sent:
    status = response.status
    if 200 <= status < 300:
        return Sent("delivered", status)
    if status == 410:
        return Sent("gone", status, "it answered 410: it wants no more messages")
    wait = _retry_after(response.headers) if status in (429, 503) else None
    return Sent("failed", status, f"it answered {status}", wait)


def _retry_after(headers: Mapping[str, str]) -> int | None:
    """The seconds that a ``Retry-After`` header asks for, up to `LONGEST_WAIT`."""
    wait = retry_after.parse(headers.get("retry-after", ""), headers.get("date", ""))
    return None if wait is None else int(min(wait, LONGEST_WAIT))


async def _read_a_little(response: Response) -> None:
    """Read the start of an answer that is not used, so that most endpoints can finish writing theirs."""
    from passback.network.client import Failed

    size = 0
    with contextlib.suppress(Failed, TimeoutError):
        async with asyncio.timeout(_READ_SECONDS):
            async for part in response.parts():
                size += len(part)
                if size > _READ_BYTES:
                    break


def _for_scheme(url: SplitResult, resolve: Resolve) -> Resolve:
    """`resolve`, which never leads plain HTTP to the public network."""

    async def own_network(host: str) -> Sequence[str]:
        found = await resolve(host)
        if any(is_public(address) for address in found):
            raise Unreachable("its server is on the public network, so its address must begin with https://")
        return found

    return own_network if url.scheme == "http" else resolve


def _parsed(url: str, reach: Network) -> SplitResult:
    """`url` in its parts, if all parsers agree on them. Raises `Unreachable`."""
    if len(url) > LONGEST_URL:
        raise Unreachable(f"its address is longer than {LONGEST_URL} characters")
    if not _PLAIN.fullmatch(url) or "\\" in url:
        raise Unreachable("its address has characters that must be written as %XX, or a name as xn--")
    try:
        parsed = urlsplit(url)
        host, port = parsed.hostname or "", parsed.port
    except ValueError:
        raise Unreachable("not a valid web server address") from None
    if parsed.scheme != "https" and (reach == "public" or parsed.scheme != "http"):
        raise Unreachable("its address must begin with https://")
    if _WITH_USER.match(url):
        raise Unreachable("its address may not hold a user or password")
    if "#" in url:
        raise Unreachable("its address may not hold a fragment (#)")
    if not _is_host(host) or port == 0:
        raise Unreachable("not a valid web server address")
    return parsed


def _is_host(host: str) -> bool:
    """A name, or an IP address in its usual form: other parsers differ on `0x7f.1`."""
    try:
        if ":" in host:
            return IPv6Address(host).scope_id is None
        if _ENDS_IN_NUMBER.fullmatch(host):
            return IPv4Address(host) is not None
    except ValueError:
        return False
    return _NAME.fullmatch(host) is not None and len(host) <= 253
