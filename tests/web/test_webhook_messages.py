"""An application's webhook messages by API: what became of each, sending them again, and fetching them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from passback.domain.clock import DAY
from passback.store import webhooks
from support.sandbox import ASSIGNMENTS, ESSAY, Client, Sandbox, wait_until
from support.webhooks import Endpoint, endpoint

WEBHOOKS = "/v3.1/webhooks"


@pytest.fixture
def app() -> Iterator[Endpoint]:
    with endpoint() as app:
        yield app


def eventually(look: Callable[[], Any]) -> Any:
    """What is found once it is there."""
    found: Any = None

    def there() -> bool:
        nonlocal found
        found = look()
        return bool(found)

    wait_until(there)
    return found


def register(client: Client, app: Endpoint | None = None, **fields: Any) -> Any:
    given = {"fetch": True} if app is None else {"url": f"http://127.0.0.1:{app.port}/hook"}
    reply = client.post(WEBHOOKS, {**given, **fields})
    assert reply.status == 200, reply
    return reply.data


def create_later(client: Client) -> str:
    reply = client.call("POST", ASSIGNMENTS, ESSAY, {"Prefer": "respond-async"})
    assert reply.status == 202
    return str(reply.data["id"])


def messages(client: Client, webhook: Any, query: str = "") -> list[Any]:
    reply = client.get(f"{WEBHOOKS}/{webhook['id']}/messages{query}")
    assert reply.status == 200, reply
    return list(reply.json["data"])


def in_state(client: Client, webhook: Any, state: str) -> Any:
    """The only message, once it is in a state."""

    def found() -> Any:
        shown = messages(client, webhook, f"?state={state}")
        return shown[0] if shown else None

    return eventually(found)


def test_a_message_shows_its_event_and_that_it_arrived(sandbox: Sandbox, app: Endpoint) -> None:
    webhook = register(sandbox, app)
    delivery = create_later(sandbox)
    message = in_state(sandbox, webhook, "delivered")
    assert (message["event"]["type"], message["event"]["data"]["delivery_id"], message["attempts"]) == (
        "delivery.delivered", delivery, 1,
    )  # fmt: skip
    assert sandbox.get(f"{WEBHOOKS}/{webhook['id']}/messages/{message['id']}").data == message
    assert app.received[0].headers["webhook-id"] == message["id"]


def test_a_message_that_does_not_arrive_says_why_and_when_it_is_tried_again(
    sandbox: Sandbox, app: Endpoint
) -> None:
    app.status = 500
    webhook = register(sandbox, app)
    create_later(sandbox)

    def tried() -> Any:
        return next((it for it in messages(sandbox, webhook, "?state=waiting") if "error" in it), None)

    message = eventually(tried)
    assert message["error"] == {"message": "it answered 500", "status": 500}
    assert message["next_attempt"] > message["created"]


def test_a_message_that_arrived_is_sent_again_under_its_own_id(sandbox: Sandbox, app: Endpoint) -> None:
    webhook = register(sandbox, app)
    create_later(sandbox)
    message = in_state(sandbox, webhook, "delivered")
    reply = sandbox.post(f"{WEBHOOKS}/{webhook['id']}/messages/{message['id']}/resend", "")
    assert (reply.status, reply.data["id"]) == (200, message["id"])
    eventually(lambda: len(app.received) == 2)
    assert {it.headers["webhook-id"] for it in app.received} == {message["id"]}


def test_all_that_an_endpoint_has_not_taken_since_a_time_is_sent_again(
    sandbox: Sandbox, app: Endpoint
) -> None:
    webhook = register(sandbox, app)
    create_later(sandbox)
    before = in_state(sandbox, webhook, "delivered")["id"]
    app.status = 500
    sandbox.clock.advance(hours=1)
    for _ in range(3):
        create_later(sandbox)
    eventually(lambda: len([it for it in messages(sandbox, webhook) if "error" in it]) >= 1)
    app.status = 204
    app.received.clear()
    since = "2026-01-01T00:30:00Z"
    resend = f"{WEBHOOKS}/{webhook['id']}/resend?since={since}"
    reply = sandbox.post(resend, "")
    assert (reply.data["more"], reply.data["resent"] <= 3) == (False, True)
    # Again, for one that was under way when the endpoint still failed.
    eventually(lambda: sandbox.post(resend, "") and len(messages(sandbox, webhook, "?state=delivered")) == 4)
    assert before not in {it.headers["webhook-id"] for it in app.received}


def test_what_was_given_up_is_sent_again(sandbox: Sandbox, app: Endpoint) -> None:
    app.status = 500
    webhook = register(sandbox, app)
    create_later(sandbox)
    eventually(lambda: any("error" in it for it in messages(sandbox, webhook)))
    sandbox.clock.advance(hours=73)
    sandbox.gateway.in_flight.wake()
    in_state(sandbox, webhook, "expired")
    app.status = 204
    assert sandbox.post(f"{WEBHOOKS}/{webhook['id']}/resend?since=2026-01-01", "").data["resent"] == 1
    in_state(sandbox, webhook, "delivered")


def test_a_time_must_be_given_to_send_again_since_then(sandbox: Sandbox, app: Endpoint) -> None:
    webhook = register(sandbox, app)
    reply = sandbox.post(f"{WEBHOOKS}/{webhook['id']}/resend", "")
    assert (reply.status, reply.json) == (400, {"message": "since in query is required"})
    assert sandbox.post(f"{WEBHOOKS}/{webhook['id']}/resend?since=monday", "").status == 400


def test_nothing_is_sent_again_by_a_webhook_that_is_disabled(sandbox: Sandbox, app: Endpoint) -> None:
    webhook = register(sandbox, app)
    create_later(sandbox)
    message = in_state(sandbox, webhook, "delivered")
    sandbox.patch(f"{WEBHOOKS}/{webhook['id']}", {"disabled": True})
    for path in (f"messages/{message['id']}/resend", "resend?since=2026-01-01"):
        reply = sandbox.post(f"{WEBHOOKS}/{webhook['id']}/{path}", "")
        assert (reply.status, reply.json) == (400, {"message": "WEBHOOK_DISABLED: enable the webhook first"})


def test_messages_are_the_applications_own(sandbox: Sandbox, app: Endpoint) -> None:
    webhook, other = register(sandbox, app), register(sandbox, app)
    create_later(sandbox)
    message = in_state(sandbox, webhook, "delivered")["id"]
    stranger = sandbox.client("DEMO_TOKEN_ELSEWHERE")
    path = f"{WEBHOOKS}/{webhook['id']}"
    for reply in (
        stranger.get(f"{path}/messages"),
        stranger.get(f"{path}/messages/{message}"),
        stranger.post(f"{path}/messages/{message}/resend", ""),
        stranger.post(f"{path}/resend?since=2026-01-01", ""),
        stranger.post(f"{path}/fetch", ""),
        sandbox.get(f"{WEBHOOKS}/{other['id']}/messages/{message}"),
    ):
        assert (reply.status, reply.json) == (404, {"message": "Resource not found"})


def test_messages_come_in_pages(sandbox: Sandbox) -> None:
    webhook = register(sandbox)
    made = [sandbox.post(f"{WEBHOOKS}/{webhook['id']}/test", "").data["id"] for _ in range(5)]
    found, path = [], f"{WEBHOOKS}/{webhook['id']}/messages?limit=2&state=delivered,waiting"
    while path:
        reply = sandbox.get(path)
        found += [it["id"] for it in reply.json["data"]]
        path = next((it["uri"] for it in reply.json.get("links", [])), "")
    assert found == made[::-1]


# Fetching


def fetch(client: Client, webhook: Any, query: str = "") -> list[Any]:
    reply = client.post(f"{WEBHOOKS}/{webhook['id']}/fetch{query}", "")
    assert reply.status == 200, reply
    return list(reply.json["data"])


def test_a_fetched_message_is_signed_as_one_that_is_sent(sandbox: Sandbox) -> None:
    sandbox.clock.now = int(time.time() * 1000)  # libraries refuse what is old
    webhook = register(sandbox)
    assert (webhook["fetch"], webhook["url"]) == (True, "")
    delivery = create_later(sandbox)
    [message] = eventually(lambda: fetch(sandbox, webhook))
    verified = Webhook(webhook["secret"]).verify(message["body"], message["headers"])
    assert verified["data"]["delivery_id"] == delivery
    assert message["headers"]["webhook-id"] == message["id"]


def test_a_message_is_handed_out_until_it_is_done(sandbox: Sandbox) -> None:
    webhook = register(sandbox)
    ids = [sandbox.post(f"{WEBHOOKS}/{webhook['id']}/test", "").data["id"] for _ in range(3)]
    assert [it["id"] for it in fetch(sandbox, webhook)] == ids
    assert [it["state"] for it in messages(sandbox, webhook)] == ["waiting"] * 3
    assert [it["id"] for it in fetch(sandbox, webhook, f"?done={ids[0]},{ids[1]}")] == ids[2:]
    assert [it["state"] for it in messages(sandbox, webhook)] == ["waiting", "delivered", "delivered"]
    sandbox.post(f"{WEBHOOKS}/{webhook['id']}/messages/{ids[0]}/resend", "")
    assert [it["id"] for it in fetch(sandbox, webhook)] == [ids[0], ids[2]]


def test_whoever_waits_gets_a_message_as_soon_as_there_is_one(sandbox: Sandbox) -> None:
    webhook = register(sandbox)
    waiting = Client(sandbox.port)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.extend(fetch(waiting, webhook, "?wait=20")))
    thread.start()
    made = sandbox.post(f"{WEBHOOKS}/{webhook['id']}/test", "").data["id"]
    thread.join(15)
    assert [it["id"] for it in found] == [made]
    waiting.close()


@pytest.mark.parametrize("wait", ["21", "-1", "soon"])
def test_a_wait_is_bounded(sandbox: Sandbox, wait: str) -> None:
    webhook = register(sandbox)
    assert sandbox.post(f"{WEBHOOKS}/{webhook['id']}/fetch?wait={wait}", "").status == 400


def test_what_is_sent_to_an_address_cannot_be_fetched(sandbox: Sandbox, app: Endpoint) -> None:
    webhook = register(sandbox, app)
    reply = sandbox.post(f"{WEBHOOKS}/{webhook['id']}/fetch", "")
    assert (reply.status, reply.json["message"].split(":")[0]) == (400, "NOT_FETCHED")


def test_a_webhook_that_is_disabled_hands_nothing_out(sandbox: Sandbox) -> None:
    webhook = register(sandbox)
    path = f"{WEBHOOKS}/{webhook['id']}"
    sandbox.post(f"{path}/test", b"")
    sandbox.patch(path, {"disabled": True})
    reply = sandbox.post(f"{path}/fetch", b"")
    assert (reply.status, reply.json["message"].split(":")[0]) == (400, "WEBHOOK_DISABLED")
    sandbox.patch(path, {"disabled": False})
    assert len(fetch(sandbox, webhook)) == 1


@pytest.mark.parametrize("fields", [{"url": "https://app.example/hook"}, {"fetch": False}])
def test_whether_messages_are_fetched_cannot_be_changed(sandbox: Sandbox, fields: dict[str, Any]) -> None:
    webhook = register(sandbox)
    reply = sandbox.patch(f"{WEBHOOKS}/{webhook['id']}", fields)
    assert (reply.status, reply.json["message"].split(":")[0]) == (400, "INVALID_URL")
    assert sandbox.patch(f"{WEBHOOKS}/{webhook['id']}", {"events": ["match.withdrawn"]}).status == 200


def test_nothing_is_kept_for_a_webhook_that_nobody_asks_for_four_days(sandbox: Sandbox) -> None:
    webhook = register(sandbox)
    sandbox.clock.now += 4 * DAY
    create_later(sandbox)
    eventually(lambda: not sandbox.get("/v3.1/deliveries?state=waiting,delivering").json["data"])
    assert messages(sandbox, webhook) == []
    fetch(sandbox, webhook)
    create_later(sandbox)
    assert len(eventually(lambda: fetch(sandbox, webhook))) == 1


def test_a_webhook_that_nobody_asks_for_a_week_is_deleted(sandbox: Sandbox) -> None:
    webhook, sent = register(sandbox), sandbox.post(WEBHOOKS, {"url": "http://127.0.0.1:9/hook"}).data
    sandbox.clock.now += 7 * DAY + 1
    sandbox.write(lambda conn: webhooks.remove_abandoned(conn, sandbox.clock.now))
    assert sandbox.get(f"{WEBHOOKS}/{webhook['id']}").status == 404
    assert sandbox.get(f"{WEBHOOKS}/{sent['id']}").status == 200
