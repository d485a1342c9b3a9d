"""A community's library for tools, ltijs, in the simulated LMSs with LTI Advantage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from passback.domain.clock import system_clock
from passback.testing.served import Served, serving
from passback_simulators.lti import seed
from passback_simulators.lti.app import LtiSimulator
from passback_simulators.lti.profiles import PROFILES
from support import node
from support.lti import form_of, key
from support.lti_lms import ALGEBRA_COURSE

STUDENT, TEACHER = seed.person_lms_id("001001"), seed.person_lms_id("000001")
ESSAY = {"label": "Essay", "scoreMaximum": 20, "tag": "t-1", "resourceId": "r-1"}
SCORE = {"userId": STUDENT, "activityProgress": "Completed", "gradingProgress": "FullyGraded"}


@dataclass(frozen=True)
class Tool:
    """The tool, which is registered in an LMS, and somebody's browser."""

    script: node.Script
    url: str
    served: Served
    browser: httpx2.Client

    @property
    def lms(self) -> LtiSimulator:
        assert isinstance(self.served.simulator, LtiSimulator)
        return self.served.simulator

    @property
    def client(self) -> str:
        return str(self.lms.records.all("clients")[-1]["id"])

    def launch(self, user: str, **given: str) -> httpx2.Response:
        """Somebody opens the tool in the LMS."""
        query = {"user": user, "course": ALGEBRA_COURSE, "client": self.client, **given}
        page = self.browser.get(f"{self.served.url}/_simulator/open?{urlencode(query)}")
        action, fields = form_of(page.text)
        return self.browser.post(action, data=fields)

    def open(self, user: str, **given: str) -> Any:
        """The same; returns what the library tells its application."""
        came = self.launch(user, **given)
        assert (came.status_code, came.text) == (200, "launched")
        return self.script("launched")

    def add_link(self) -> tuple[str, str]:
        """A teacher adds an activity of the tool: the ids of its link, and of its column."""
        item = self.lms.ui_add_link(ALGEBRA_COURSE, "Fractions", client=self.client)
        return str(self.lms.records.all("links")[-1]["id"]), item

    def __call__(self, name: str, *arguments: Any) -> Any:
        """Call a service of the library for whoever came last."""
        return self.script(name, arguments=arguments)


@pytest.fixture(scope="module")
def started() -> Iterator[tuple[node.Script, str]]:
    with node.running("ltijs.js") as script:
        yield script, script.read()["url"]


@pytest.fixture(scope="module", params=PROFILES)
def registered(
    request: pytest.FixtureRequest, started: tuple[node.Script, str]
) -> Iterator[tuple[Tool, Any]]:
    """The tool in an LMS of a family, and the LMS's state after the registration."""
    simulator = LtiSimulator(system_clock, family=request.param)  # the library looks at the machine's clock
    simulator.own_keys = {"lms": key("lms")}
    simulator.start()
    with serving(simulator) as served, httpx2.Client(follow_redirects=True, timeout=30) as browser:
        tool = Tool(*started, served, browser)
        link = urlencode({"url": f"{tool.url}/register"})
        done = browser.get(f"{served.url}/_simulator/register?{link}")
        assert done.status_code == 200, done.text
        yield tool, served.control("GET", "state")


@pytest.fixture
def tool(registered: tuple[Tool, Any]) -> Tool:
    """The tool, in an LMS in which it has just been registered."""
    tool, state = registered
    tool.served.control("PUT", "state", state)
    tool.lms.settings = tool.lms.default_settings()
    tool.script("forgetTokens")
    return tool


@pytest.fixture
def opened(tool: Tool) -> Tool:
    """The tool after a teacher has opened an activity."""
    link, _ = tool.add_link()
    tool.open(TEACHER, link=link)
    return tool


def test_it_is_told_who_came(tool: Tool) -> None:
    link, _ = tool.add_link()
    told = tool.open(STUDENT, link=link)
    context = told["platformContext"]
    assert (told["user"], told["userInfo"]["given_name"]) == (STUDENT, "Ada")
    assert (context["roles"], context["resource"]["id"]) == ([seed.LEARNER], link)
    assert context["context"]["id"] == ALGEBRA_COURSE
    assert told["platformInfo"]["product_family_code"] == tool.lms.profile.family


@pytest.mark.parametrize("registered", ["moodle"], indirect=True)
@pytest.mark.parametrize("fault", ["wrong-audience", "unknown-key", "expired"])
def test_it_refuses_a_launch_that_is_wrong(tool: Tool, fault: str) -> None:
    tool.served.control("PUT", "settings", {"launch_fault": fault})
    link, _ = tool.add_link()
    assert tool.launch(STUDENT, link=link).status_code == 401


def test_its_deep_link_becomes_an_activity_with_a_column(tool: Tool) -> None:
    tool.open(TEACHER, choose="1")
    chosen = {
        "type": "ltiResourceLink", "title": "Fractions", "url": f"{tool.url}?activity=3", "custom": {"activity": "3"},
        "lineItem": {"label": "Essay", "scoreMaximum": 20, "resourceId": "r-1"},
    }  # fmt: skip
    action, fields = form_of(tool("DeepLinking.createDeepLinkingForm", [chosen], {}))
    taken = tool.browser.post(action, data=fields)
    assert taken.status_code == 200, taken.text
    [link] = tool.lms.records.all("links")
    context = tool.open(STUDENT, link=link["id"])["platformContext"]
    assert context["custom"] == {"activity": "3"}
    column = tool("Grade.getLineItemById", context["endpoint"]["lineitem"])
    # In Open edX it is the activity's own, whatever was chosen.
    own = ("LTI Consumer", "") if tool.lms.profile.family == "openedx" else ("Essay", "r-1")
    assert (column["label"], column["resourceId"], column["resourceLinkId"]) == (*own, link["id"])


def test_it_reads_pages_of_members(opened: Tool) -> None:
    first = opened("NamesAndRoles.getMembers", {"limit": 15})
    everybody = opened("NamesAndRoles.getMembers", {"limit": 15, "pages": False})
    found = {it["user_id"] for it in everybody["members"]}
    assert len(first["members"]) == 15
    assert len(found) == len(everybody["members"]) == (33 if opened.lms.profile.only_active else 34)
    rest = opened("NamesAndRoles.getMembers", {"url": first["next"]})["members"]
    assert first["members"][0]["user_id"] not in [it["user_id"] for it in rest]


def test_it_reads_members_of_a_role_and_of_the_activity(opened: Tool) -> None:
    teachers = opened("NamesAndRoles.getMembers", {"role": "Instructor"})["members"]
    everybody = opened("NamesAndRoles.getMembers", {"resourceLinkId": True})["members"]
    assert TEACHER in [it["user_id"] for it in teachers]
    assert len(teachers) == (len(everybody) if opened.lms.profile.family == "openedx" else 1)


def test_it_makes_and_changes_a_line_item(opened: Tool) -> None:
    made = opened("Grade.createLineItem", ESSAY)
    known = {name: value for name, value in made.items() if value is not None}
    changed = opened("Grade.updateLineItemById", made["id"], {**known, "label": "Other"})
    assert (changed["label"], changed["tag"]) == ("Other", "t-1")
    assert opened("Grade.getLineItemById", made["id"])["label"] == "Other"


def test_it_deletes_a_line_item_where_tools_may(opened: Tool) -> None:
    made = opened("Grade.createLineItem", ESSAY)
    if opened.lms.profile.family == "openedx":
        with pytest.raises(node.NodeError, match="403"):
            opened("Grade.deleteLineItemById", made["id"])
        return
    assert opened("Grade.deleteLineItemById", made["id"])
    with pytest.raises(node.NodeError, match="404"):
        opened("Grade.getLineItemById", made["id"])


@pytest.mark.parametrize("options", [{"tag": "t-1"}, {"resourceId": "r-1"}, {"label": "Essay"}])
def test_it_finds_a_line_item(opened: Tool, options: dict[str, str]) -> None:
    made = opened("Grade.createLineItem", ESSAY)
    assert [it["id"] for it in opened("Grade.getLineItems", options)["lineItems"]] == [made["id"]]


def test_it_makes_a_line_item_of_the_activity(tool: Tool) -> None:
    link, _ = tool.add_link()
    tool.open(TEACHER, link=link)
    tool("Grade.createLineItem", ESSAY, {"resourceLinkId": True})
    found = tool("Grade.getLineItems", {"resourceLinkId": True})["lineItems"]
    assert [it["resourceLinkId"] for it in found] == [link, link]


def test_it_sends_scores_and_reads_results(opened: Tool) -> None:
    item = opened("Grade.createLineItem", ESSAY)["id"]
    sent = opened("Grade.submitScore", item, {**SCORE, "scoreGiven": 12.5, "comment": "Good"})
    assert sent["scoreMaximum"] == 20
    results = opened("Grade.getScores", item, {"userId": STUDENT})["scores"]
    [result] = [it for it in results if it["userId"] == STUDENT]
    assert (result["resultScore"], result["resultMaximum"]) == (12.5, 20)


def test_what_the_lms_refuses_is_thrown(opened: Tool) -> None:
    item = opened("Grade.createLineItem", ESSAY)["id"]
    with pytest.raises(node.NodeError, match=r"40[0-9]|422|500"):
        opened("Grade.submitScore", item, {**SCORE, "userId": "999", "scoreGiven": 1})
    opened.lms.settings["scopes"] = [seed.LINE_ITEM_READ]
    with pytest.raises(node.NodeError, match=r"40[0-9]"):
        opened("NamesAndRoles.getMembers")
