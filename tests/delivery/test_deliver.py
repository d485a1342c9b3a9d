"""Messages to registered webhooks, as the engine sends them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook as Verifier

from passback.delivery import webhook_send
from passback.delivery.webhook_send import Message, Sent, Transport
from passback.sandbox.seed import seed
from passback.store import tokens, webhooks
from passback.store.engine import migrate
from passback.store.engine.database import Database
from passback.store.engine.open import connect
from passback.store.engine.vault import Vault
from passback.store.webhooks import Webhook
from passback.wire.events import EVENTS
from support.sandbox import DISTRICT
from support.webhooks import Endpoint, endpoint

VAULT = Vault(lambda: [b"k" * 32])
SECRET = webhook_send.new_secret()


@pytest.fixture
def now() -> int:
    """The real time: a message is good for five minutes."""
    return int(time.time() * 1000)


@pytest.fixture
def database(now: int) -> Iterator[Database]:
    with contextlib.closing(connect("", None)) as database:
        migrate.prepare(database, "sandbox")
        database.write_now(lambda conn: seed(conn, now))
        database.write_now(
            lambda conn: tokens.create(
                conn, district_id=DISTRICT, application="Maths", secret="T", now=now, expires=now + 1000
            )
        )
        yield database


@pytest.fixture
def app(database: Database, now: int) -> Iterator[Endpoint]:
    with endpoint() as app:
        webhook = Webhook(
            id="1", district_id=DISTRICT, application="Maths", url=f"http://127.0.0.1:{app.port}/", events=EVENTS,
            secret=webhooks.seal(VAULT, "1", SECRET), secret_before=None, secret_before_until=None, disabled=None,
            created=now, last_modified=now,
        )  # fmt: skip
        database.write_now(lambda conn: webhooks.insert(conn, webhook))
        yield app


def deliver(database: Database, now: int, webhook_id: str = "1", *, vault: Vault = VAULT) -> Sent | None:
    return asyncio.run(
        webhook_send.deliver(
            database,
            vault,
            lambda: now,
            webhook_id,
            Message("msg_1", b'{"type":"x"}'),
            Transport(reach="private", patience=5),
        )
    )


def test_it_is_sent_as_the_webhook_is_now(database: Database, app: Endpoint, now: int) -> None:
    assert deliver(database, now) == Sent("delivered", 204)
    assert Verifier(SECRET).verify(app.received[0].body, dict(app.received[0].headers)) == {"type": "x"}


def test_nobody_is_told_of_a_webhook_that_is_gone_disabled_or_of_no_application(
    database: Database, app: Endpoint, now: int
) -> None:
    assert deliver(database, now, "2") is None
    assert deliver(database, now + 1000) is None
    database.write_now(lambda conn: webhooks.disable(conn, "1", now))
    assert deliver(database, now) is None
    assert app.received == []


def test_an_endpoint_that_is_gone_is_disabled(database: Database, app: Endpoint, now: int) -> None:
    app.status = 410
    sent = deliver(database, now)
    assert sent is not None
    assert sent.outcome == "gone"
    found = database.read_now(lambda conn: webhooks.find(conn, "1"))
    assert found is not None
    assert found.disabled == now
    assert deliver(database, now) is None


def test_an_address_that_was_changed_meanwhile_is_not_given_up(
    database: Database, app: Endpoint, now: int
) -> None:
    def gone(handler: BaseHTTPRequestHandler) -> None:
        found = database.write_now(lambda conn: webhooks.find(conn, "1"))
        assert found is not None
        database.write_now(lambda conn: webhooks.update(conn, replace(found, url="https://new.example/")))
        handler.send_response(410)
        handler.end_headers()

    app.answer = gone
    sent = deliver(database, now)
    assert sent is not None
    assert sent.outcome == "gone"
    found = database.read_now(lambda conn: webhooks.find(conn, "1"))
    assert found is not None
    assert (found.url, found.disabled) == ("https://new.example/", None)


def test_a_secret_that_cannot_be_read_is_a_failure(database: Database, app: Endpoint, now: int) -> None:
    other = Vault(lambda: [b"o" * 32])
    assert deliver(database, now, vault=other) == Sent(
        "failed", reason="its secret cannot be read: rotate it"
    )
    assert app.received == []
