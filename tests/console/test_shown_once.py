"""What is shown once: its form leads to a page that shows it, and reloading that page does nothing again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from passback.console import once
from support.console import Visitor
from support.sandbox import DISTRICT, Sandbox
from support.webhooks import Endpoint

CANVAS = "/console/districts/4fee004cca2e43cfca000000"
APPS = f"{CANVAS}/apps"


@pytest.fixture
def webhook(sandbox: Sandbox, app: Endpoint) -> str:
    """The page of a webhook."""
    made = sandbox.post("/v3.1/webhooks", {"url": f"http://127.0.0.1:{app.port}/"}).data["id"]
    return f"/console/districts/{DISTRICT}/webhooks/{made}"


def test_reloading_does_nothing_again(sandbox: Sandbox, visitor: Visitor, webhook: str) -> None:
    link = {"name": "x", "address": "https://moodle.example", "setting-family": "moodle", "do": "link"}
    visitor.get(APPS)
    for form, fields, mark in (
        (APPS, {"application": "Reading"}, 'id="new-token"'),
        ("/console/accounts", {"name": "once@x.org", "role": "support"}, 'id="new-password"'),
        ("/console/accounts/reset", {"name": "once@x.org"}, 'id="new-password"'),
        (webhook, {"do": "rotate"}, 'id="new-secret"'),
        (webhook, {"do": "test"}, "The test message has arrived."),
        (f"{CANVAS}/connection", {"do": "probe", "section": "4fee004cca2e43cfca000007"}, "The probe"),
        ("/console/connect/lti", link, 'id="link"'),
        ("/console/sandbox/errors", {"number": "14"}, 'id="sent"'),
    ):
        assert mark in visitor.follow(form, fields), form
        page = form.removesuffix("/reset")
        before = sandbox.client(None).get("/sandbox/state").json["tables"]
        assert mark not in visitor.get(page).body.decode(), form
        assert sandbox.client(None).get("/sandbox/state").json["tables"] == before, form


def test_a_rotated_token_is_shown_once(visitor: Visitor) -> None:
    visitor.get(APPS)
    page = visitor.follow(APPS, {"application": "Rotated once"})
    row = next(it for it in page.split("<tr>") if '<th scope="row">Rotated once' in it)
    rotate = row.split('action="')[1].partition('"')[0]
    assert 'id="new-token"' in visitor.follow(rotate)
    assert 'id="new-token"' not in visitor.get(APPS).body.decode()


def test_nobody_else_is_shown_it(sandbox: Sandbox, visitors: Callable[..., Visitor]) -> None:
    mine, other = visitors(sandbox.port), visitors(sandbox.port)
    for it in (mine, other):
        it.get(APPS)
    mine.post(APPS, {"application": "Mine"})
    other.cookies[once.COOKIE] = mine.cookies[once.COOKIE]
    assert 'id="new-token"' not in other.get(APPS).body.decode()
    mine.get("/console/audit")
    assert 'id="new-token"' not in mine.get("/console/accounts").body.decode()


def test_what_was_damaged_is_not_shown(visitor: Visitor) -> None:
    visitor.get(APPS)
    visitor.post(APPS, {"application": "Damaged"})
    for damaged in (visitor.cookies[once.COOKIE][:-5] + "AAAA=", "x", "\xe9"):
        visitor.cookies[once.COOKIE] = damaged
        reply = visitor.get(APPS)
        assert reply.status == 200
        assert b'id="new-token"' not in reply.body
