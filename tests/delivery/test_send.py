"""Messages to endpoints, over real connections."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

import passback
from passback.delivery import webhook_send
from passback.delivery.webhook_send import Message, Sent, Transport, new_secret
from passback.network import addresses
from passback.network.addresses import Network, Unreachable
from passback.wire import events
from support.sandbox import resolver
from support.webhooks import Endpoint, authority, endpoint

SECRET = new_secret()
PAYLOAD = events.payload(events.TEST, 0, events.TestData(webhook_id="é"))


def send(url: str, *, secrets: Sequence[str] = (SECRET,), reach: Network = "private", **how: Any) -> Sent:
    now = int(time.time() * 1000)
    transport = Transport(reach, **{"patience": 5.0, **how})
    return asyncio.run(webhook_send.send(url, secrets, Message("msg_1", PAYLOAD), now, transport))


@pytest.fixture
def app() -> Iterator[Endpoint]:
    with endpoint() as app:
        yield app


def url_of(app: Endpoint, path: str = "/hook?key=s3cret") -> str:
    return f"http://127.0.0.1:{app.port}{path}"


# What is sent


def test_a_message_verifies_with_the_library(app: Endpoint) -> None:
    assert send(url_of(app)) == Sent("delivered", 204)
    (request,) = app.received
    content = Webhook(SECRET).verify(request.body, dict(request.headers))
    assert content == {
        "type": "webhook.test",
        "timestamp": "1970-01-01T00:00:00.000Z",
        "data": {"webhook_id": "é"},
    }
    assert request.path == "/hook?key=s3cret"
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["webhook-id"] == "msg_1"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == f"Passback/{passback.__version__}"
    assert headers["host"] == f"127.0.0.1:{app.port}"


def test_a_message_that_was_changed_does_not_verify(app: Endpoint) -> None:
    send(url_of(app))
    (request,) = app.received
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(request.body, dict(request.headers))


def test_during_a_rotation_either_secret_verifies(app: Endpoint) -> None:
    before = new_secret()
    send(url_of(app), secrets=(SECRET, before))
    (request,) = app.received
    assert Webhook(SECRET).verify(request.body, dict(request.headers))
    assert Webhook(before).verify(request.body, dict(request.headers))


# What comes of it


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "delivered"), (202, "delivered"), (301, "failed"), (302, "failed"), (400, "failed"), (404, "failed"),
     (410, "gone"), (500, "failed")],
)  # fmt: skip
def test_the_status_decides(app: Endpoint, status: int, outcome: str) -> None:
    app.status = status
    sent = send(url_of(app))
    assert (sent.outcome, sent.status) == (outcome, status)
    assert (sent.reason is None) == (outcome == "delivered")


def test_a_redirect_is_not_followed(app: Endpoint) -> None:
    with endpoint() as other:
        app.status, app.headers = 307, {"location": url_of(other)}
        assert send(url_of(app)) == Sent("failed", 307, "it answered 307")
        assert other.received == []


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        (429, "7", 7),
        (503, "0", 0),
        (503, "999999999999999999999", webhook_send.LONGEST_WAIT),
        (500, "7", None),
        (503, "soon", None),
        (503, "-5", None),
        (503, "Thu, 01 Jan 1970 00:00:00 GMT", 0),
        (503, "Fri, 01 Jan 2100 00:00:00 GMT", webhook_send.LONGEST_WAIT),
    ],
)
def test_when_to_try_again_is_told(app: Endpoint, status: int, header: str, wait: int | None) -> None:
    app.status, app.headers = status, {"Retry-After": header}
    assert send(url_of(app)).retry_after == wait


def test_when_to_try_again_may_be_a_date(app: Endpoint) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    app.status, app.headers = 503, {"Retry-After": soon}
    wait = send(url_of(app)).retry_after
    assert wait is not None
    assert 90 <= wait <= 100


def test_an_endpoint_that_does_not_answer_is_given_up(app: Endpoint) -> None:
    app.answer = lambda _handler: time.sleep(2)
    assert send(url_of(app), patience=0.3) == Sent("failed", reason="it took too long")


def test_an_endless_answer_is_not_read(app: Endpoint) -> None:
    written = 0

    def endless(handler: BaseHTTPRequestHandler) -> None:
        nonlocal written
        handler.send_response(200)
        handler.end_headers()
        for _ in range(2000):
            written += handler.wfile.write(b"x" * 65536)

    app.answer = endless
    assert send(url_of(app)) == Sent("delivered", 200)
    assert written < 100 * 1024 * 1024


def test_an_answer_that_trickles_keeps_nobody(app: Endpoint) -> None:
    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    app.answer = trickle
    begun = time.monotonic()
    assert send(url_of(app), patience=0.4) == Sent("delivered", 200)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("garbage", [b"\x00\xff\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b""])
def test_an_answer_that_is_none_is_a_failure(app: Endpoint, garbage: bytes) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(garbage)

    app.answer = answer
    sent = send(url_of(app))
    assert (sent.outcome, sent.status) == ("failed", None)
    assert sent.reason is not None
    assert str(sent.reason).startswith("its answer cannot be read")


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    sent = send(f"http://127.0.0.1:{port}/")
    assert sent == Sent("failed", reason="it cannot be connected to")


def test_nothing_tells_of_the_query_or_the_answer(app: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    app.status, app.body = 500, b"s3cret-body"
    told = repr(send(url_of(app)))
    logged = " ".join(record.getMessage() for record in caplog.records)
    assert "s3cret" not in told + logged


# Where it is sent: TLS and pinning


def test_the_certificate_is_held_against_the_name_and_the_connection_goes_to_the_judged_address() -> None:
    with endpoint(name="app.example") as app:
        sent = send(
            f"https://app.example:{app.port}/hook",
            resolve=resolver({"app.example": ["127.0.0.1"]}),
            tls=authority().client(),
        )
        assert sent == Sent("delivered", 204)
        assert app.names == ["app.example"]
        assert app.received[0].headers["Host"] == f"app.example:{app.port}"


def test_an_address_can_have_a_certificate() -> None:
    with endpoint(name="127.0.0.1") as app:
        assert send(f"https://127.0.0.1:{app.port}/", tls=authority().client()) == Sent("delivered", 204)


@pytest.mark.parametrize("name", ["other.example", "127.0.0.1"])
def test_a_certificate_for_another_name_is_refused(name: str) -> None:
    with endpoint(name=name) as app:
        sent = send(
            f"https://app.example:{app.port}/",
            resolve=resolver({"app.example": ["127.0.0.1"]}),
            tls=authority().client(),
        )
        assert sent.outcome == "failed"
        assert str(sent.reason).startswith("its certificate is not trusted (")
        assert app.received == []


def test_a_certificate_of_nobody_known_is_refused() -> None:
    with endpoint(name="127.0.0.1") as app:
        reason = send(f"https://127.0.0.1:{app.port}/").reason
        assert str(reason).startswith("its certificate is not trusted (")
        assert app.received == []


def test_a_proxy_of_the_environment_is_not_used(app: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert send(url_of(app)).outcome == "delivered"


def test_the_next_address_is_tried_where_one_cannot_be_connected_to(app: Endpoint) -> None:
    # 127.0.0.2 is this machine, too, but nobody listens there.
    names = {"app.example": ["127.0.0.2", "127.0.0.1"]}
    sent = send(f"http://app.example:{app.port}/", resolve=resolver(names))
    assert sent == Sent("delivered", 204)
    assert len(app.received) == 1


def test_a_name_that_leads_elsewhere_after_it_was_judged_changes_nothing() -> None:
    """What a rebinding name server does: a good answer for the check, another for the connection."""
    asked = []

    async def rebinding(host: str) -> list[str]:
        asked.append(host)
        return ["93.184.215.14"] if len(asked) == 1 else ["127.0.0.1"]

    with endpoint(name="app.example") as app:
        url = f"https://app.example:{app.port}/"
        asyncio.run(webhook_send.check(url, reach="public", resolve=rebinding))
        sent = send(url, reach="public", resolve=rebinding, tls=authority().client())
        assert sent == Sent("failed", reason="its server is not on the public network")
        assert (app.names, app.received) == ([], [])
        assert len(asked) == 2


def test_each_sending_looks_up_once_and_connects_to_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the name looked up again by the connection, it would find what nobody judged."""
    asked = []

    async def first_only(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.3"]

    # As if 127.0.0.1 were public.
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    with endpoint(name="app.example") as app:
        sent = send(
            f"https://app.example:{app.port}/", reach="public", resolve=first_only, tls=authority().client()
        )
        assert (sent, asked) == (Sent("delivered", 204), ["app.example"])


# Which addresses are refused, at registration and at every sending

PUBLIC = resolver({"app.example": ["93.184.215.14"], "inside.example": ["10.0.0.1"]})


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://app.example/", "must begin with https://"),
        ("ftp://app.example/", "must begin with https://"),
        ("//app.example/", "must begin with https://"),
        ("app.example", "must begin with https://"),
        ("", "characters"),
        ("https:app.example", "not a valid web server address"),
        ("https:///path", "not a valid web server address"),
        ("https://app.example:0/", "not a valid web server address"),
        ("https://app.example:70000/", "not a valid web server address"),
        ("https://app.example:x/", "not a valid web server address"),
        ("https://user:pw@app.example/", "user or password"),
        ("https://app.example@inside.example/", "user or password"),
        ("https://@app.example/", "user or password"),
        ("https://app.example/#part", "fragment"),
        ("https://app.example /", "characters"),
        ("https://app.example/\n", "characters"),
        ("https://app.example\\@inside.example/", "characters"),
        ("https://äpp.example/", "characters"),
        ("https://app.example/" + "x" * 2048, "longer than 2048"),
        ("https://127.0.0.1/", "not on the public network"),
        ("https://169.254.169.254/latest/meta-data", "not on the public network"),
        ("https://[::1]/", "not on the public network"),
        ("https://[::ffff:127.0.0.1]/", "not on the public network"),
        ("https://[64:ff9b::7f00:1]/", "not on the public network"),
        ("https://[fe80::1%25eth0]/", "not a valid web server address"),
        ("https://127.1/", "not a valid web server address"),
        ("https://2130706433/", "not a valid web server address"),
        ("https://0x7f000001/", "not a valid web server address"),
        ("https://0177.0.0.1/", "not a valid web server address"),
        ("https://0x7f.0.0.1/", "not a valid web server address"),
        ("https://127.0.0.1./", "not a valid web server address"),
        ("https://app..example/", "not a valid web server address"),
        ("https://app%2eexample/", "not a valid web server address"),
        ("https://inside.example/", "not on the public network"),
        ("https://nowhere.example/", "cannot be found"),
    ],
)
def test_an_address_is_refused(url: str, why: str) -> None:
    with pytest.raises(Unreachable, match=why):
        asyncio.run(webhook_send.check(url, reach="public", resolve=PUBLIC))
    sent = send(url, reach="public", resolve=PUBLIC)
    assert sent.outcome == "failed"
    assert sent.reason is not None
    assert why in sent.reason


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example",
        "https://APP.example:8443/a/@me?x=http://y@z",
        "https://93.184.215.14/",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:444/",
    ],
)
def test_an_address_is_taken(url: str) -> None:
    asyncio.run(webhook_send.check(url, reach="public", resolve=PUBLIC))


@pytest.mark.parametrize("url", ["http://inside.example/", "http://127.0.0.1:9/", "https://[::1]/"])
def test_the_own_network_is_taken_where_it_is_allowed(url: str) -> None:
    asyncio.run(webhook_send.check(url, reach="private", resolve=PUBLIC))


def test_plain_http_does_not_go_to_the_public_network_even_then() -> None:
    with pytest.raises(Unreachable, match="must begin with https://"):
        asyncio.run(webhook_send.check("http://app.example/", reach="private", resolve=PUBLIC))
    reason = send("http://app.example/", reach="private", resolve=PUBLIC).reason
    assert reason == "its server is on the public network, so its address must begin with https://"


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hanging(_host: str) -> list[str]:
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr(webhook_send, "_LOOK_UP_SECONDS", 0.05)
    with pytest.raises(Unreachable, match="cannot be found"):
        asyncio.run(webhook_send.check("https://app.example/", reach="public", resolve=hanging))
    assert (
        send("https://app.example/", reach="public", resolve=hanging, patience=0.1).reason
        == "it took too long"
    )


# The payload


def test_a_payload_has_the_form_of_standard_webhooks() -> None:
    data = events.DeliveryData(
        delivery_id="d", operation="update_submission", section_id="s", state="delivered"
    )
    assert json.loads(events.payload(events.DELIVERED, 1_767_225_600_000, data)) == {
        "type": "delivery.delivered",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "data": {
            "delivery_id": "d",
            "operation": "update_submission",
            "section_id": "s",
            "state": "delivered",
        },
    }
