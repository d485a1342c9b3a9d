from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from passback.domain.clock import system_clock
from passback.lms.google_classroom import credentials
from passback.lms.moodle import api, check
from passback.testing.served import Served, serving
from passback_simulators.canvas import seed
from passback_simulators.canvas.app import CanvasSimulator
from support.console import OWNER, Visitor
from support.sandbox import Sandbox

FORM = "/console/connect/canvas"
KEY = {"setting-client_id": seed.CLIENT_ID, "setting-client_secret": seed.CLIENT_SECRET}


@pytest.fixture(scope="module")
def canvas() -> Iterator[Served]:
    simulator = CanvasSimulator(system_clock)
    simulator.start()
    with serving(simulator) as served:
        yield served


def _settled(owner: Visitor, page: str, until: str) -> str:
    end = time.monotonic() + 40
    while until not in (text := owner.get(page).body.decode()):
        assert time.monotonic() < end, text
        time.sleep(0.1)
    return text


def test_every_kind_has_its_page_with_what_to_make_there(owner: Visitor) -> None:
    chosen = owner.get("/console/connect").body.decode()
    for kind in ("canvas", "schoology", "google", "moodle", "lti"):
        assert f"/console/connect/{kind}" in chosen
        page = owner.get(f"/console/connect/{kind}").body.decode()
        assert "What to make in" in page
    assert "/console/connect/callback" in owner.get(FORM).body.decode()
    assert "/lti/launch" in owner.get("/console/connect/lti").body.decode()
    assert owner.get("/console/connect/nothing").status == 404


def test_a_token_connects_a_new_district_which_is_read_at_once(owner: Visitor, canvas: Served) -> None:
    owner.get(FORM)
    fields = {"name": "New Canvas", "address": canvas.url, "setting-access_token": seed.ADMIN_TOKEN}
    reply = owner.post(FORM, {**fields, "do": "connect"})
    assert reply.status == 303, reply.body.decode()
    page = reply.headers["location"]
    text = owner.get(page).body.decode()
    assert canvas.url in text
    assert seed.ADMIN_TOKEN not in text
    checked = owner.post(page, {"do": "check"}).body.decode()
    assert 'state good">works' in checked
    assert "waits for a roster" in _settled(owner, page, "waits for a roster")
    roster = page.removesuffix("connection") + "roster"
    assert "Take the roster from the LMS" in owner.get(roster).body.decode()
    assert owner.post(roster + "/from-lms").headers["location"] == page
    assert "sections 100.0 %" in _settled(owner, page, "Synced ")
    refused = owner.post(roster + "/from-lms")
    assert refused.status == 409
    assert "has a roster already" in refused.body.decode()
    audit = owner.get("/console/audit?action=connection.made").body.decode()
    assert f"account:{OWNER}" in audit
    assert owner.post(page, {"do": "sync"}).status == 303
    assert owner.post(page, {"do": "remove"}).status == 303
    assert "has no connection of its own" in owner.get(page).body.decode()


def test_what_does_not_work_changes_nothing_and_says_what_to_do(owner: Visitor, canvas: Served) -> None:
    owner.get(FORM)
    before = owner.get("/console/districts").body.decode().count("<tr>")
    fields = {"name": "Never", "address": canvas.url, "setting-access_token": "wrong"}
    reply = owner.post(FORM, {**fields, "do": "connect"})
    assert reply.status == 422
    text = reply.body.decode()
    assert "does not work yet" in text
    assert 'state bad">does not' in text
    assert 'value="Never"' in text
    assert "wrong" not in re.sub(r"<[^>]*>", "", text)
    assert owner.get("/console/districts").body.decode().count("<tr>") == before


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"name": "", "address": "https://a.example", "setting-access_token": "x"}, "name is empty"),
        ({"name": "N", "address": "http://a.example", "setting-access_token": "x"}, "must begin with https"),
        ({"name": "N", "address": "https://a.example"}, "or sign in"),
        ({"name": "N", "address": "https://a.example", "setting-masquerade": "maybe"}, "is not a value"),
    ],
)
def test_what_is_missing_or_wrong_is_said(fields: dict[str, str], error: str, owner: Visitor) -> None:
    owner.get(FORM)
    reply = owner.post(FORM, {**fields, "do": "connect"})
    assert reply.status == 422
    assert error in reply.body.decode()


def test_somebody_signs_in_at_the_lms_instead(owner: Visitor, canvas: Served, production: Sandbox) -> None:
    owner.get(FORM)
    reply = owner.post(FORM, {"name": "Signed in", "address": canvas.url, **KEY, "do": "sign-in"})
    assert reply.status == 303, reply.body.decode()
    url = owner.get(reply.headers["location"]).headers["refresh"].removeprefix("0; url=")
    asked = urlsplit(url)
    assert url.startswith(canvas.url)
    assert seed.CLIENT_SECRET not in "".join(owner.cookies.values())
    form = {key: it[0] for key, it in parse_qs(asked.query).items()}
    back = httpx2.post(f"{canvas.url}/login/oauth2/accept", data={**form, "allow": "1"}).headers["location"]
    landed = owner.get(urlsplit(back).path + "?" + urlsplit(back).query)
    assert landed.status == 303, landed.body.decode()
    assert "/connection" in landed.headers["location"]


def test_an_answer_to_no_sign_in_connects_nothing(owner: Visitor) -> None:
    reply = owner.get("/console/connect/callback?code=x&state=y")
    assert reply.status == 409
    assert "begin again" in reply.body.decode()


def test_a_link_registers_passback_in_an_lms_by_lti(owner: Visitor) -> None:
    form = "/console/connect/lti"
    owner.get(form)
    fields = {
        "name": "By link",
        "address": "https://moodle.example",
        "setting-family": "moodle",
        "do": "link",
    }
    assert "/lti/register?" in owner.follow(form, fields)
    assert owner.post(form, {**fields, "setting-family": ""}).status == 422


def test_a_district_can_use_the_built_in_gradebook(owner: Visitor) -> None:
    owner.get("/console/connect")
    reply = owner.post("/console/connect/builtin", {"name": "Own gradebook"})
    assert reply.headers["location"].endswith("/roster")


def test_an_admin_of_one_district_connects_no_other(
    owner: Visitor, visitors: Callable[..., Visitor], production: Sandbox, canvas: Served
) -> None:
    owner.get("/console/connect")
    own = owner.post("/console/connect/builtin", {"name": "Theirs"}).headers["location"].split("/")[-2]
    owner.get("/console/accounts")
    made = owner.follow("/console/accounts", {"name": "one@example.org", "role": "admin", "district": own})
    password = made.split('id="new-password">')[1].partition("<")[0]
    admin = visitors().sign_in("one@example.org", password)
    admin.get(FORM)
    elsewhere = "4fee004cca2e43cf28000000"
    fields = {"district": elsewhere, "address": canvas.url, "setting-access_token": seed.ADMIN_TOKEN}
    reply = admin.post(FORM, {**fields, "do": "connect"})
    assert elsewhere not in reply.headers.get("location", "")
    assert admin.get(f"/console/districts/{elsewhere}/connection").status == 404
    assert admin.post("/console/connect/builtin", {"name": "x"}).status == 404


def test_what_is_to_be_copied_is_what_the_connectors_need(owner: Visitor) -> None:
    moodle = owner.get("/console/connect/moodle").body.decode()
    functions = [name for needed in check.FUNCTIONS.values() for name in needed]
    assert f"{api.SITE_INFO}, " in moodle
    assert [it for it in functions if it not in moodle] == []
    google = owner.get("/console/connect/google").body.decode()
    scopes = (*credentials.TEACHER_SCOPES, credentials.TOPIC_SCOPE, *credentials.STUDENT_SCOPES)
    assert [it for it in scopes if it not in google] == []
