"""The whole way, with a simulated LMS: registered by a link, launched, an activity chosen, a grade given."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from passback.operations import lti
from passback.store.engine.database import Connection
from passback.testing.served import Served, serving
from passback_simulators.identities import ALGEBRA
from passback_simulators.lti import seed
from passback_simulators.lti.app import LtiSimulator
from support.lti import data_of, form_of, key, query_of
from support.sandbox import Reply, Sandbox
from support.sandbox import serving as serving_gateway

DISTRICT = "4fee004cca2e43cf28000000"
SECTION = "4fee004cca2e43cf28000007"
STUDENT = "4fee004cca2e43cf28001001"
TEACHER = "4fee004cca2e43cf28000001"
COURSE = seed.SECTION_LMS_ID[ALGEBRA.digits]
LMS_STUDENT, LMS_TEACHER = seed.person_lms_id("001001"), seed.person_lms_id("000001")
APP = "http://localhost:5000/launch"
OWN_KEYS = {"lms": key("lms")}
"""The LMS's, made once as that takes a while."""


@dataclass
class World:
    """A gateway and an LMS in which it is registered, and somebody's browser."""

    gateway: Sandbox
    lms: Served
    browser: httpx2.Client

    @property
    def simulator(self) -> LtiSimulator:
        assert isinstance(self.lms.simulator, LtiSimulator)
        return self.lms.simulator

    @property
    def client_id(self) -> str:
        return next(str(it["id"]) for it in self.simulator.records.all("clients") if it.get("login"))

    def register(self) -> httpx2.Response:
        """An administrator opens a link that was made for the district."""
        made = self.gateway.gateway
        link = asyncio.run(
            lti.invite(
                made.database, made.vault, made.clock, made.base_url, family=self.simulator.profile.family,
                address=f"{self.lms.url}/", district_id=DISTRICT,
            )
        )  # fmt: skip
        return self.browser.get(f"{self.lms.url}/_simulator/register?{urlencode({'url': link})}")

    def open(self, user: str, **given: str) -> httpx2.Response:
        """Somebody clicks in the LMS; returns what the gateway answers in the end."""
        query = {"user": user, "course": COURSE, "client": self.client_id, **given}
        page = self.browser.get(f"{self.lms.url}/_simulator/open?{urlencode(query)}")
        return submit(self.browser, page.text)

    def launched(self, response: httpx2.Response) -> tuple[str, dict[str, Any]]:
        """The path of a launch that went on to the application, and what it learns of it."""
        assert response.status_code == 303, response.text
        url = response.headers["location"]
        assert url.startswith(f"{APP}?")
        path = f"/v3.1/launches/{query_of(url)['code']}"
        answer = self.call("POST", path, b"")
        data: dict[str, Any] = answer.data
        return path, data

    def call(self, method: str, path: str, body: Any = None) -> Reply:
        reply = self.gateway.client("DEMO_TOKEN_ELSEWHERE").call(method, path, body)
        assert reply.status == 200, reply
        return reply


def submit(browser: httpx2.Client, page: str) -> httpx2.Response:
    """What the page of the LMS does: send its form."""
    action, fields = form_of(page)
    return browser.post(action, data=fields, follow_redirects=False)


@pytest.fixture(params=["moodle", "canvas", "openedx", "other"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with serving_gateway() as gateway:
        simulator = LtiSimulator(gateway.clock, family=request.param)
        simulator.own_keys = dict(OWN_KEYS)
        simulator.start()
        with serving(simulator) as lms, httpx2.Client(follow_redirects=True, timeout=20) as browser:
            made = World(gateway, lms, browser)
            assert made.register().status_code == 200

            def match(conn: Connection) -> None:
                for table, ours, theirs in (
                    ("sections", SECTION, COURSE), ("users", STUDENT, LMS_STUDENT), ("users", TEACHER, LMS_TEACHER),
                ):  # fmt: skip
                    conn.execute(
                        f"UPDATE {table} SET lms_id = :theirs, matched_by = 'hand' WHERE id = :ours",
                        {"ours": ours, "theirs": theirs},
                    )

            gateway.write(match)
            made.call("POST", "/v3.1/launch_address", {"url": APP})
            yield made


def test_an_activity_is_chosen_opened_and_graded(world: World) -> None:
    path, asked = world.launched(world.open(LMS_TEACHER, choose="1"))
    assert (asked["choosing"], asked["role"], asked["section_id"]) == (True, "teacher", SECTION)
    chosen = world.call(
        "POST", f"{path}/deep_link", {"title": "Fractions", "points_possible": 20, "activity": "fractions-3"}
    ).data
    page = world.browser.get(chosen["url"])
    told = data_of(Reply(page.status_code, page.headers, page.content))
    taken = world.browser.post(told["url"], data={"JWT": told["token"]})
    assert taken.status_code == 200, taken.text
    [link] = world.simulator.records.all("links")

    _, launch = world.launched(world.open(LMS_STUDENT, link=link["id"]))
    assert (launch["user_id"], launch["role"], launch["custom"]) == (
        STUDENT, "student", {"activity": "fractions-3"},
    )  # fmt: skip
    assert launch["assignment_id"] == chosen["assignment_id"]
    assignment = f"/v3.1/sections/{SECTION}/assignments/{launch['assignment_id']}"
    openedx = world.simulator.profile.family == "openedx"
    assert world.call("GET", assignment).data["title"] == ("LTI Consumer" if openedx else "Fractions")
    graded = world.call("PATCH", f"{assignment}/submissions/{STUDENT}", {"grade_points": 18})
    assert graded.data["grade_points"] == 18
    [item] = [it for it in world.simulator.records.all("items") if it["resourceLinkId"] == link["id"]]
    assert world.simulator.ui_grade_shown(item["id"], LMS_STUDENT)["points"] == 18


@pytest.mark.parametrize("world", ["moodle"], indirect=True)
@pytest.mark.parametrize(
    "fault", ["wrong-nonce", "wrong-audience", "wrong-deployment", "unknown-key", "expired"]
)
def test_what_is_wrong_with_a_launch_goes_nowhere(world: World, fault: str) -> None:
    world.lms.control("PUT", "settings", {"launch_fault": fault})
    assert world.open(LMS_TEACHER, choose="1").status_code in (400, 403)
    world.lms.control("PUT", "settings", {"launch_fault": ""})
    world.launched(world.open(LMS_TEACHER, choose="1"))


@pytest.mark.parametrize("world", ["moodle"], indirect=True)
def test_the_keys_of_both_are_replaced(world: World) -> None:
    world.launched(world.open(LMS_TEACHER, choose="1"))
    world.lms.control("POST", "rotate_keys")
    world.gateway.clock.now += 31_000
    world.launched(world.open(LMS_TEACHER, choose="1"))


@pytest.mark.parametrize("world", ["moodle"], indirect=True)
def test_the_lms_knows_whom_it_sends_and_where(world: World) -> None:
    simulated = f"{world.lms.url}/_simulator"
    query = {"user": LMS_TEACHER, "course": COURSE, "client": world.client_id}
    item = world.simulator.ui_add_link("2000008", "In another course", client=world.client_id)
    elsewhere = str((world.simulator.records.get("items", item) or {})["resourceLinkId"])
    for bad in (
        {**query, "user": "999"}, {**query, "client": "nobody"}, query, {**query, "link": "999"},
        {**query, "link": elsewhere},
    ):  # fmt: skip
        assert world.browser.get(f"{simulated}/open?{urlencode(bad)}").status_code == 400
    asked = {
        "scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none",
        "client_id": world.client_id, "redirect_uri": f"{world.gateway.gateway.base_url}/lti/launch", "nonce": "n",
        "state": "s", "login_hint": LMS_TEACHER, "lti_message_hint": "none",
    }  # fmt: skip
    authorize = f"{world.lms.url}{world.simulator.profile.authorize}"
    assert "invalid_request" in world.browser.get(f"{authorize}?{urlencode(asked)}").text
    to_another = {**asked, "redirect_uri": "https://evil.test/"}
    assert world.browser.post(authorize, data=to_another).status_code == 400


@pytest.mark.parametrize("world", ["moodle"], indirect=True)
def test_a_registration_token_is_good_once_and_a_tool_is_told_by_hand(world: World) -> None:
    register = f"{world.lms.url}{world.simulator.profile.registration}"
    assert world.browser.post(register, json={}).status_code == 401
    used = next(iter(world.simulator.records.content()["registrations"]))
    assert world.browser.post(register, json={}, headers={"Authorization": f"Bearer {used}"}).text == (
        "token_already_used"
    )
    tool = {name: f"{world.gateway.gateway.base_url}/lti/{name}" for name in ("login", "launch", "keys_url")}
    assert world.lms.control("PUT", "tool", tool) == {"client_id": seed.CLIENT_ID}
    assert world.browser.put(f"{world.lms.url}/_simulator/tool", json={}).status_code == 400
