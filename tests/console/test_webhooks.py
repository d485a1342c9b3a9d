from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from support.console import Visitor
from support.sandbox import ASSIGNMENTS, DISTRICT, ESSAY, Sandbox
from support.webhooks import Endpoint

APPS = f"/console/districts/{DISTRICT}/apps"


@pytest.fixture
def page(sandbox: Sandbox, app: Endpoint) -> str:
    """The page of a webhook that the app has registered."""
    made = sandbox.post("/v3.1/webhooks", {"url": f"http://127.0.0.1:{app.port}/hook?key=sesame"}).data
    return f"/console/districts/{DISTRICT}/webhooks/{made['id']}"


def _until(holds: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_webhooks_are_listed_without_what_may_be_secret(visitor: Visitor, page: str) -> None:
    for where in (APPS, f"/console/districts/{DISTRICT}"):
        text = visitor.get(where).body.decode()
        assert page in text
        assert "sesame" not in text
    assert "sesame" not in visitor.get(page).body.decode()


def test_a_test_message_is_sent_at_once(visitor: Visitor, page: str, app: Endpoint) -> None:
    visitor.get(page)
    assert "The test message has arrived." in visitor.follow(page, {"do": "test"})
    assert len(app.received) == 1
    app.status = 500
    assert "did not arrive" in visitor.follow(page, {"do": "test"})


def test_messages_are_listed_and_resent(sandbox: Sandbox, visitor: Visitor, page: str, app: Endpoint) -> None:
    reply = sandbox.call("POST", ASSIGNMENTS, ESSAY, {"Prefer": "respond-async"})
    assert reply.status == 202
    _until(lambda: 'state good">delivered' in visitor.get(page).body.decode())
    assert 'state good">delivered' in visitor.get(APPS).body.decode()
    text = visitor.get(page).body.decode()
    message = text.split('name="message" value="')[1].partition('"')[0]
    before = len(app.received)
    assert visitor.post(page, {"do": "resend", "message": message}).status == 303
    _until(lambda: len(app.received) > before)
    assert app.received[-1].headers["webhook-id"] == app.received[before - 1].headers["webhook-id"]
    assert visitor.post(page, {"do": "resend", "message": "nothing"}).status == 404


def test_a_new_secret_is_shown_once(visitor: Visitor, page: str) -> None:
    visitor.get(page)
    text = visitor.follow(page, {"do": "rotate"})
    secret = text.split('id="new-secret">')[1].partition("<")[0]
    assert secret.startswith("whsec_")
    assert secret not in visitor.get(page).body.decode()


def test_a_webhook_is_disabled_enabled_and_deleted(visitor: Visitor, page: str) -> None:
    visitor.get(page)
    visitor.post(page, {"do": "disable"})
    assert "Enable" in visitor.get(page).body.decode()
    visitor.post(page, {"do": "enable"})
    assert "Disable" in visitor.get(page).body.decode()
    assert visitor.post(page, {"do": "delete"}).headers["location"] == APPS
    assert visitor.get(page).status == 404
    actions = [
        it.partition("<")[0] for it in visitor.get("/console/audit").body.decode().split("webhook.")[1:]
    ]
    assert actions[:3] == ["deleted", "enabled", "disabled"]


def test_a_webhook_of_another_district_is_not_there(visitor: Visitor, page: str) -> None:
    elsewhere = page.replace(DISTRICT, "4fee004cca2e43cf28000000")
    assert visitor.get(elsewhere).status == 404
    assert visitor.post(elsewhere, {"do": "delete"}).status == 404
    assert visitor.get(page).status == 200
