from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from passback.operations.accounts import create
from support.console import OWNER, PASSWORD, Visitor
from support.sandbox import Sandbox, serving

Visitors = Callable[..., Visitor]


def test_a_stranger_is_led_to_sign_in_and_back(visitors: Visitors) -> None:
    stranger = visitors()
    led = stranger.get("/console/audit?who=me")
    assert (led.status, led.headers["location"]) == (
        303,
        "/console/sign-in?next=%2Fconsole%2Faudit%3Fwho%3Dme",
    )
    assert 'value="/console/audit?who=me"' in stranger.get(led.headers["location"]).body.decode()
    signed_in = stranger.post(
        "/console/sign-in", {"name": OWNER, "password": PASSWORD, "next": "/console/audit?who=me"}
    )
    assert (signed_in.status, signed_in.headers["location"]) == (303, "/console/audit?who=me")
    assert stranger.get("/console/audit").status == 200


@pytest.mark.parametrize(
    "onward",
    [
        "https://elsewhere.example",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "/docs",
        "/consoles",
        "",
        "x",
    ],
)
def test_signing_in_leads_nowhere_else(onward: str, visitors: Visitors) -> None:
    reply = visitors().post("/console/sign-in", {"name": OWNER, "password": PASSWORD, "next": onward})
    assert reply.headers["location"] == "/console"


def test_a_wrong_password_is_refused_in_plain_words(visitors: Visitors) -> None:
    reply = visitors().post("/console/sign-in", {"name": "somebody@example.org", "password": "wrong"})
    assert reply.status == 401
    assert b"Name and password do not match." in reply.body
    assert "set-cookie" not in reply.headers


def test_a_form_of_another_site_signs_nobody_in(visitors: Visitors) -> None:
    fields = {"name": OWNER, "password": PASSWORD}
    assert visitors().post("/console/sign-in", fields, **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert visitors().post("/console/sign-in", fields, Origin="https://elsewhere.example").status == 403


def test_the_cookie_is_kept_from_scripts_and_other_sites(visitors: Visitors) -> None:
    reply = visitors().post("/console/sign-in", {"name": OWNER, "password": PASSWORD})
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie  # it is served without TLS here


def test_behind_tls_the_cookie_goes_nowhere_without(visitors: Visitors) -> None:
    with serving(public_url="https://passback.example") as sandbox:
        owner = create(sandbox.gateway.database, OWNER, "owner", sandbox.clock, password=PASSWORD)
        asyncio.run(owner)
        reply = visitors(sandbox.port).post("/console/sign-in", {"name": OWNER, "password": PASSWORD})
        cookie = reply.headers["set-cookie"]
        assert cookie.startswith("__Host-passback=")
        assert "Secure" in cookie
        assert "Path=/;" in cookie


def test_somebody_chooses_another_password(production: Sandbox, visitors: Visitors) -> None:
    own, new = "/console/account", "a phrase of my own"
    make = create(
        production.gateway.database, "self@example.org", "support", production.clock, password=PASSWORD
    )
    asyncio.run(make)
    here, elsewhere = (visitors().sign_in("self@example.org") for _ in range(2))
    here.get(own)
    for present, wanted in (("not that one", new), (PASSWORD, "short")):
        assert here.post(own, {"present": present, "new": wanted}).status == 422
    assert "The password is changed" in here.follow(own, {"present": PASSWORD, "new": new})
    assert elsewhere.get(own).status == 303
    assert (
        visitors().post("/console/sign-in", {"name": "self@example.org", "password": PASSWORD}).status == 401
    )
    visitors().sign_in("self@example.org", new)


def test_what_pages_are_made_of_is_kept_and_pages_are_not(owner: Visitor) -> None:
    assert owner.get("/console/districts").headers["cache-control"] == "no-store"
    script = owner.get("/console/static/console.js")
    assert script.headers["cache-control"] == "no-cache"
    assert owner.get("/console/static/console.js", **{"If-None-Match": script.headers["etag"]}).status == 304


def test_signing_out_ends_the_session(owner: Visitor) -> None:
    owner.get("/console/districts")
    kept = dict(owner.cookies)
    assert owner.post("/console/sign-out").headers["location"] == "/console/sign-in"
    owner.cookies = kept
    assert owner.get("/console/districts").status == 303


def test_a_session_that_is_made_up_is_none(visitors: Visitors) -> None:
    stranger = visitors()
    for made_up in ("", "x", "x" * 5000, '"; DROP TABLE accounts', "\xff"):
        stranger.cookies = {"passback": made_up}
        assert stranger.get("/console/districts").status == 303


@pytest.mark.parametrize("csrf", ["", "made up", "20300101000000##0123456789abcdef0123456789abcdef01234567"])
def test_a_form_without_the_sessions_token_changes_nothing(csrf: str, owner: Visitor) -> None:
    owner.get("/console/accounts")
    fields = {"name": "new@example.org", "role": "owner"}
    assert owner.post("/console/accounts", fields, csrf=csrf).status == 403
    assert b"new@example.org" not in owner.get("/console/accounts").body


def test_a_token_of_another_session_is_none(owner: Visitor, visitors: Visitors) -> None:
    other = visitors().sign_in(OWNER)
    other.get("/console/accounts")
    assert owner.post("/console/accounts", {"name": "x", "role": "owner"}, csrf=other.csrf).status == 403


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serving() as served:
        yield served


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:8080", "[::1]:8080"])
def test_a_sandbox_signs_its_own_machine_in(host: str, sandbox: Sandbox, visitors: Visitors) -> None:
    assert visitors(sandbox.port).get("/console/districts", Host=host).status == 200


@pytest.mark.parametrize("host", ["passback.example", "localhost.example", "192.0.2.1", "[", ""])
def test_a_name_that_has_come_to_lead_here_signs_nobody_in(
    host: str, sandbox: Sandbox, visitors: Visitors
) -> None:
    assert visitors(sandbox.port).get("/console/districts", Host=host).status == 303


def test_a_sandbox_that_others_can_reach_signs_nobody_in(visitors: Visitors) -> None:
    with serving(host="0.0.0.0") as sandbox:
        assert visitors(sandbox.port).get("/console/districts").status == 303


def test_production_signs_nobody_in(visitors: Visitors) -> None:
    assert visitors().get("/console/districts").status == 303


def test_without_any_account_the_page_says_how_to_make_one(visitors: Visitors) -> None:
    with serving(kind="production") as empty:
        assert b"passback account create" in visitors(empty.port).get("/console/sign-in").body


def test_the_first_page_leads_to_the_console(visitors: Visitors) -> None:
    assert visitors().get("/", Accept="text/html").headers["location"] == "/console"


def test_the_first_page_is_no_page_of_the_api(visitors: Visitors) -> None:
    reply = visitors().get("/", Accept="application/json")
    assert (reply.status, reply.body) == (404, b'{"message":"Resource not found"}')


def test_a_stranger_cannot_send_a_long_form(visitors: Visitors) -> None:
    reply = visitors().post("/console/sign-in", {"name": "x" * 2_000_000, "password": "x"})
    assert reply.status == 413
    assert b"That is too large" in reply.body


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\nnonsense"),
        ("application/json", b"{}"),
        ("", b"\xff\xfe"),
    ],
)
def test_a_form_that_is_none_signs_nobody_in(content_type: str, body: bytes, visitors: Visitors) -> None:
    assert visitors().send("/console/sign-in", body, content_type).status in (400, 401)


def test_a_form_that_cannot_be_read_changes_nothing(owner: Visitor) -> None:
    owner.get("/console/accounts")
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=b"):
        assert owner.send("/console/accounts", b"--b\r\nnonsense", content_type).status in (400, 403)
