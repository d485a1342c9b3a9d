"""Webhooks over HTTP: registering, changing, rotating and trying them, each application its own."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from passback.app import build_gateway, open_database
from passback.settings import Settings
from passback.store import tokens
from passback.store.engine.migrate import Kind
from passback.wire import events
from support.sandbox import DISTRICT, Client, Reply, Sandbox, serving
from support.webhooks import Endpoint, endpoint

WEBHOOKS = "/v3.1/webhooks"
URL = "https://app.example/hook"
NO_SUCH_WEBHOOK = "019aafe2-4b1c-7d33-9a60-5f0f3d0f8a12"


@pytest.fixture(autouse=True)
def names(sandbox: Sandbox) -> dict[str, list[str]]:
    sandbox.names |= {"app.example": ["93.184.215.14"], "inside.example": ["10.0.0.1"]}
    return sandbox.names


@pytest.fixture
def app() -> Iterator[Endpoint]:
    with endpoint() as app:
        yield app


def register(sandbox: Client, url: str = URL, **fields: Any) -> Any:
    reply = sandbox.post(WEBHOOKS, {"url": url, **fields})
    assert reply.status == 200, reply
    return reply.data


def told(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["message"]


# Registering and changing


def test_a_new_webhook_shows_its_secret_once(sandbox: Sandbox) -> None:
    made = register(sandbox)
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made == {
        "created": "2026-01-01T00:00:00.000Z",
        "disabled": False,
        "events": list(events.USUAL),
        "id": made["id"],
        "last_modified": "2026-01-01T00:00:00.000Z",
        "url": URL,
    }
    assert sandbox.get(f"{WEBHOOKS}/{made['id']}").data == made
    assert sandbox.get(f"{WEBHOOKS}/{made['id'].upper()}").data == made
    assert sandbox.get(WEBHOOKS).json == {"data": [made]}


def test_its_secret_is_not_stored_as_it_is(sandbox: Sandbox) -> None:
    secret = register(sandbox)["secret"]
    assert secret.encode() not in sandbox.client(None).get("/sandbox/state").body


def test_events_are_kept_once_and_in_order(sandbox: Sandbox) -> None:
    made = register(sandbox, events=["delivery.refused", "delivery.delivered", "delivery.refused"])
    assert made["events"] == ["delivery.delivered", "delivery.refused"]


def test_only_what_is_given_is_changed(sandbox: Sandbox) -> None:
    path = f"{WEBHOOKS}/{register(sandbox, events=['delivery.expired'])['id']}"
    sandbox.clock.advance(hours=1)
    assert sandbox.patch(path, {"disabled": True}).data == {
        "created": "2026-01-01T00:00:00.000Z",
        "disabled": True,
        "events": ["delivery.expired"],
        "id": path.rpartition("/")[2],
        "last_modified": "2026-01-01T01:00:00.000Z",
        "url": URL,
    }
    changed = sandbox.patch(path, {"url": URL + "/2", "events": ["connection.broken"], "disabled": None}).data
    assert (changed["url"], changed["events"], changed["disabled"]) == (
        URL + "/2",
        ["connection.broken"],
        True,
    )
    assert sandbox.patch(path, {"disabled": False}).data["disabled"] is False


def test_a_deleted_webhook_is_gone(sandbox: Sandbox) -> None:
    path = f"{WEBHOOKS}/{register(sandbox)['id']}"
    reply = sandbox.delete(path)
    assert (reply.status, reply.body) == (200, b"")
    assert told(sandbox.get(path)) == (404, "Resource not found")
    assert sandbox.get(WEBHOOKS).data == []


def test_unknown_fields_are_ignored_with_a_warning(sandbox: Sandbox) -> None:
    reply = sandbox.post(WEBHOOKS, {"url": URL, "colour": "red"})
    assert (reply.status, reply.headers["passback-warnings"]) == (200, "UNKNOWN_FIELD:colour")


def test_lists_have_pages(sandbox: Sandbox) -> None:
    made = [register(sandbox, f"{URL}/{number}")["id"] for number in range(5)]
    found, path = [], f"{WEBHOOKS}?limit=2"
    while path:
        page = sandbox.get(path).json
        found += [webhook["id"] for webhook in page["data"]]
        path = page["links"][0]["uri"] if "links" in page else ""
    assert found == made
    assert told(sandbox.get(f"{WEBHOOKS}?cursor=x")) == (400, "INVALID_CURSOR")


# Refusals

NOT_ONE_OF = f"is not one of [{' '.join(events.EVENTS)}]"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "request body is required, but was empty"),
        ("{,}", "invalid character ',' looking for beginning of object key string"),
        ("[]", "json: cannot unmarshal array into Go value of type models.WebhookRequest"),
        ("{}", "missing required field(s): url"),
        ('{"url":""}', "missing required field(s): url"),
        ('{"url":null}', "missing required field(s): url"),
        ('{"url":5}', "json: cannot unmarshal number into Go struct field WebhookRequest.url of type string"),
        ('{"url":"x","events":"all"}', "json: cannot unmarshal string into Go struct field WebhookRequest.events of type []string"),
        ('{"url":"x","disabled":"no"}', "json: cannot unmarshal string into Go struct field WebhookRequest.disabled of type bool"),
        ('{"url":"x","events":["grade.changed"]}', f'INVALID_EVENTS: "grade.changed" {NOT_ONE_OF}'),
        ('{"url":"x","events":["webhook.test"]}', f'INVALID_EVENTS: "webhook.test" {NOT_ONE_OF}'),
        ('{"url":"x","events":[]}', f"INVALID_EVENTS: name at least one of {NOT_ONE_OF[14:]}"),
        ('{"url":"app.example"}', "INVALID_URL: the endpoint cannot be used: its address must begin with https://"),
        ('{"url":"http://app.example"}', "INVALID_URL: the endpoint cannot be used: its server is on the public network, so its address must begin with https://"),
        ('{"url":"https://nowhere.example"}', "INVALID_URL: the endpoint cannot be used: its server cannot be found"),
        ('{"url":"https://127.1"}', "INVALID_URL: the endpoint cannot be used: not a valid web server address"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(sandbox: Sandbox, body: str, message: str) -> None:
    assert told(sandbox.post(WEBHOOKS, body)) == (400, message)
    assert sandbox.get(WEBHOOKS).data == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"url": "https://127.1"}, "INVALID_URL"),
        ({"url": ""}, "INVALID_URL"),
        ({"events": ["x"]}, "INVALID_EVENTS"),
    ],
)
def test_a_change_is_judged_as_a_new_one(sandbox: Sandbox, change: dict[str, Any], code: str) -> None:
    path = f"{WEBHOOKS}/{register(sandbox)['id']}"
    before = sandbox.get(path).data
    status, message = told(sandbox.patch(path, change))
    assert (status, message.partition(":")[0]) == (400, code)
    assert sandbox.get(path).data == before


def test_there_is_a_limit_for_each_application_and_district(sandbox: Sandbox) -> None:
    for number in range(20):
        register(sandbox, f"{URL}/{number}")
    message = "TOO_MANY_WEBHOOKS: an application may have 20 webhooks in a district"
    assert told(sandbox.post(WEBHOOKS, {"url": URL})) == (400, message)
    register(sandbox.client("DEMO_TOKEN_ELSEWHERE"))


# Whose they are


@pytest.fixture
def neighbour(sandbox: Sandbox) -> Client:
    """Another application in the same district."""
    sandbox.gateway.database.write_now(
        lambda conn: tokens.create(
            conn, district_id=DISTRICT, application="Another app", secret="NEIGHBOUR", now=0
        )
    )
    return sandbox.client("NEIGHBOUR")


CALLS = [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test")]


@pytest.mark.usefixtures("neighbour")
@pytest.mark.parametrize(("method", "more"), CALLS)
@pytest.mark.parametrize("token", ["NEIGHBOUR", "DEMO_TOKEN_ELSEWHERE"])
def test_nobody_reaches_anothers(sandbox: Sandbox, app: Endpoint, token: str, method: str, more: str) -> None:
    path = f"{WEBHOOKS}/{register(sandbox, f'http://127.0.0.1:{app.port}')['id']}"
    before = sandbox.get(path).data
    stranger = sandbox.client(token)
    assert told(stranger.call(method, path + more, '{"disabled":true}')) == (404, "Resource not found")
    assert stranger.get(WEBHOOKS).data == []
    assert sandbox.get(path).data == before
    assert app.received == []


@pytest.mark.parametrize(("method", "more"), CALLS)
@pytest.mark.parametrize("webhook_id", [NO_SUCH_WEBHOOK, "x", "%FF", "%20"])
def test_an_unknown_id_is_not_found(sandbox: Sandbox, method: str, more: str, webhook_id: str) -> None:
    reply = sandbox.call(method, f"{WEBHOOKS}/{webhook_id}{more}", "{}")
    assert (reply.status, reply.body) == (404, b'{"message":"Resource not found"}')


def test_another_token_of_the_application_sees_them(sandbox: Sandbox) -> None:
    sandbox.gateway.database.write_now(_second_token)
    made = register(sandbox)
    assert sandbox.client("SECOND").get(WEBHOOKS).data[0]["id"] == made["id"]


def _second_token(conn: Any) -> None:
    token = tokens.find_by_secret(conn, b"DEMO_TOKEN")
    assert token is not None
    tokens.create(conn, district_id=DISTRICT, application=token.application, secret="SECOND", now=0)


# Trying and rotating


def test_a_test_message_arrives_and_verifies(sandbox: Sandbox, app: Endpoint) -> None:
    sandbox.clock.now = int(time.time() * 1000)
    made = register(sandbox, f"http://127.0.0.1:{app.port}/hook")
    outcome = sandbox.post(f"{WEBHOOKS}/{made['id']}/test", b"").data
    (request,) = app.received
    message = Webhook(made["secret"]).verify(request.body, dict(request.headers))
    assert (message["type"], message["data"]) == ("webhook.test", {"webhook_id": made["id"]})
    assert outcome == {"delivered": True, "id": request.headers["webhook-id"], "status": 204}


def test_after_a_rotation_both_secrets_sign_for_a_day(sandbox: Sandbox, app: Endpoint) -> None:
    now = int(time.time() * 1000)
    sandbox.clock.now = now - 24 * 3_600_000
    made = register(sandbox, f"http://127.0.0.1:{app.port}/hook")
    path = f"{WEBHOOKS}/{made['id']}"
    rotated = sandbox.post(f"{path}/rotate", b"").data
    assert rotated["secret"] != made["secret"]
    assert "secret" not in sandbox.get(path).data
    assert sandbox.get(path).data["secret_before_until"] == rotated["secret_before_until"]

    sandbox.clock.now = now - 1
    sandbox.post(f"{path}/test", b"")
    both = app.received.pop()
    for secret in (made["secret"], rotated["secret"]):
        Webhook(secret).verify(both.body, dict(both.headers))

    sandbox.clock.now = now
    sandbox.post(f"{path}/test", b"")
    one = app.received.pop()
    Webhook(rotated["secret"]).verify(one.body, dict(one.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(one.body, dict(one.headers))
    assert "secret_before_until" not in sandbox.get(path).data


@pytest.mark.parametrize(
    ("status", "message"),
    [(500, "it answered 500"), (302, "it answered 302"), (410, "it answered 410: it wants no more messages")],
)
def test_a_test_tells_what_went_wrong(sandbox: Sandbox, app: Endpoint, status: int, message: str) -> None:
    app.status = status
    made = register(sandbox, f"http://127.0.0.1:{app.port}/hook", disabled=True)
    outcome = sandbox.post(f"{WEBHOOKS}/{made['id']}/test", b"").data
    assert (outcome["delivered"], outcome["status"], outcome["message"]) == (False, status, message)


# The own network


@pytest.fixture(scope="module")
def strict() -> Iterator[Sandbox]:
    """As in production: the own network is not allowed. Other machines can call this sandbox."""
    with serving(allow_private_webhooks=False, host="0.0.0.0") as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    "url",
    ["https://inside.example", "https://127.0.0.1", "https://[::ffff:10.0.0.1]", "https://both.example"],
)
def test_the_own_network_is_refused_unless_allowed(strict: Sandbox, url: str) -> None:
    strict.names |= {"inside.example": ["10.0.0.1"], "both.example": ["93.184.215.14", "::1"]}
    message = "INVALID_URL: the endpoint cannot be used: its server is not on the public network"
    assert told(strict.post(WEBHOOKS, {"url": url})) == (400, message)


def test_a_name_that_leads_elsewhere_later_is_not_followed(strict: Sandbox, app: Endpoint) -> None:
    strict.names["app.example"] = ["93.184.215.14"]
    made = register(strict, f"https://app.example:{app.port}")
    strict.names["app.example"] = ["127.0.0.1"]
    outcome = strict.post(f"{WEBHOOKS}/{made['id']}/test", b"").data
    assert (outcome["delivered"], outcome["message"]) == (False, "its server is not on the public network")
    assert app.received == []


@pytest.mark.parametrize(
    ("kind", "given", "reach"),
    [
        ("production", {}, "public"),
        ("production", {"allow_private_webhooks": True}, "private"),
        ("sandbox", {}, "loopback"),
        ("sandbox", {"host": "::1"}, "loopback"),
        ("sandbox", {"host": "localhost"}, "loopback"),
        ("sandbox", {"public_url": "http://localhost:8080"}, "loopback"),
        ("sandbox", {"host": "0.0.0.0"}, "public"),
        ("sandbox", {"host": "192.168.1.2"}, "public"),
        ("sandbox", {"host": "sandbox.example"}, "public"),
        ("sandbox", {"host": "0.0.0.0", "public_url": "http://localhost:8080"}, "public"),
        ("sandbox", {"public_url": "https://sandbox.example"}, "public"),
        ("sandbox", {"trusted_proxies": "127.0.0.1"}, "public"),
        ("sandbox", {"host": "0.0.0.0", "allow_private_webhooks": True}, "private"),
    ],
)
def test_only_a_sandbox_that_nobody_else_can_call_reaches_its_own_machine(
    kind: Kind, given: dict[str, Any], reach: str
) -> None:
    settings = Settings(data=":memory:", **given)
    with contextlib.closing(open_database(settings, kind)) as database:
        assert build_gateway(database, settings, kind=kind).webhooks_reach == reach


@pytest.fixture(scope="module")
def usual() -> Iterator[Sandbox]:
    """A sandbox as `make run` serves it."""
    with serving(allow_private_webhooks=False) as sandbox:
        yield sandbox


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "app.example", "127.8.8.8", "[::ffff:127.0.0.1]"])
def test_a_sandbox_sends_to_its_own_machine(usual: Sandbox, app: Endpoint, host: str) -> None:
    usual.names |= {"localhost": ["127.0.0.1"], "app.example": ["127.0.0.1"]}
    usual.clock.now = int(time.time() * 1000)
    made = register(usual, f"http://{host}:{app.port}/hook")
    outcome = usual.post(f"{WEBHOOKS}/{made['id']}/test", b"").data
    if host == "127.8.8.8":  # nobody listens there
        assert outcome["message"] == "it cannot be connected to"
        return
    assert (outcome["delivered"], [it.path for it in app.received]) == (True, ["/hook"])


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://10.0.0.1/", "its server is not on the public network"),
        ("https://192.168.1.2/", "its server is not on the public network"),
        ("http://169.254.169.254/latest", "its server is not on the public network"),
        ("http://0.0.0.0/", "its server is not on the public network"),
        ("http://mixed.example/", "its server is not on the public network"),
        (
            "http://both.example/",
            "its server is on the public network, so its address must begin with https://",
        ),
        (
            "http://93.184.215.14/",
            "its server is on the public network, so its address must begin with https://",
        ),
    ],
)
def test_a_sandbox_sends_no_further_than_that(usual: Sandbox, url: str, why: str) -> None:
    usual.names |= {
        "mixed.example": ["127.0.0.1", "10.0.0.1"],
        "both.example": ["127.0.0.1", "93.184.215.14"],
    }
    assert told(usual.post(WEBHOOKS, {"url": url})) == (
        400,
        f"INVALID_URL: the endpoint cannot be used: {why}",
    )


def test_webhooks_are_part_of_a_saved_sandbox(sandbox: Sandbox) -> None:
    register(sandbox)
    anyone = sandbox.client(None)
    saved = anyone.get("/sandbox/state").body
    before = sandbox.get(WEBHOOKS).data
    anyone.post("/sandbox/reset", b"")
    assert sandbox.get(WEBHOOKS).data == []
    assert anyone.call("PUT", "/sandbox/state", saved).status == 200
    assert sandbox.get(WEBHOOKS).data == before
    damaged = json.loads(saved)
    damaged["tables"]["webhooks"][0]["events"] = "{"
    refused = anyone.call("PUT", "/sandbox/state", json.dumps(damaged))
    assert (refused.status, refused.json["message"].partition(":")[0]) == (400, "INVALID_SANDBOX_STATE")
