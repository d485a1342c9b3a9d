"""The simulated LMSs with LTI Advantage, as any tool sees them: what each family takes, refuses and shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from passback_simulators.lti import seed
from passback_simulators.lti.app import LtiSimulator
from passback_simulators.lti.profiles import PROFILES
from support.lti_lms import ALGEBRA_COURSE
from support.sandbox import NOW, SetClock
from support.simulators import Served, serving

ITEM = "application/vnd.ims.lis.v2.lineitem+json"
ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
STUDENT = seed.person_lms_id("001001")
TEACHER = seed.person_lms_id("000001")
NEW = {"label": "Essay", "scoreMaximum": 20, "resourceId": "r-1", "tag": "t-1"}


class Tool:
    """A tool that calls the services of a family."""

    def __init__(self, served: Served, http: httpx2.Client) -> None:
        assert isinstance(served.simulator, LtiSimulator)
        self.lms, self.url, self.http = served.simulator, served.url, http
        self.profile = self.lms.profile
        self.key = RSAKey.import_key(json.loads(self.lms.connection_credentials(served.url)["private_key"]))
        self.token = ""
        self.items = self.url + self.lms.path(self.profile.items, course=ALGEBRA_COURSE)
        self.members = self.url + self.profile.memberships.format(course=ALGEBRA_COURSE)

    def ask_token(self, form: dict[str, str] | None = None, **claims: Any) -> httpx2.Response:
        endpoint = self.url + self.profile.grants
        now = self.lms.clock() // 1000
        said = {
            "iss": seed.CLIENT_ID, "sub": seed.CLIENT_ID, "aud": endpoint, "iat": now, "exp": now + 60,
            "jti": str(uuid4()), **claims,
        }  # fmt: skip
        said = {name: value for name, value in said.items() if value is not None}
        given = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode({"alg": "RS256", "kid": self.key.kid}, said, self.key),
            "scope": " ".join(seed.ALL_SCOPES),
            **(form or {}),
        }
        return self.http.post(endpoint, data=given)

    def call(self, method: str, url: str, content: Any = None, **headers: str) -> httpx2.Response:
        if not self.token:
            self.token = self.ask_token().json()["access_token"]
        sent = {"authorization": f"Bearer {self.token}"} | {
            name.replace("_", "-"): it for name, it in headers.items()
        }
        body = None if content is None else json.dumps(content)
        return self.http.request(method, url, content=body, headers=sent)

    def create(self, **changes: Any) -> str:
        reply = self.call("POST", self.items, {**NEW, **changes}, content_type=ITEM)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    def below(self, item: str, name: str) -> str:
        path, mark, query = item.partition("?")
        return f"{path}/{name}{mark}{query}"

    def score(self, item: str, seconds: float = 0, **changes: Any) -> httpx2.Response:
        body = {
            "timestamp": f"2026-01-01T00:00:{seconds:06.3f}Z", "userId": STUDENT, "scoreGiven": 10, "scoreMaximum": 20,
            "activityProgress": "Completed", "gradingProgress": "FullyGraded", **changes,
        }  # fmt: skip
        body = {name: value for name, value in body.items() if value != "left out"}
        return self.call("POST", self.below(item, "scores"), body, content_type=SCORE)

    def results(self, item: str, query: str = "") -> Any:
        url = self.below(item, "results")
        url += ("&" if "?" in url else "?") + query if query else ""
        return self.call("GET", url, accept=RESULTS).json()


def served(family: str) -> Iterator[Tool]:
    simulator = LtiSimulator(SetClock(), family=family)
    simulator.start()
    with serving(simulator) as running, httpx2.Client() as http:
        yield Tool(running, http)


def fresh(tool: Tool) -> Tool:
    """A tool whose LMS is at its start."""
    tool.lms.records.replace({})
    tool.lms.settings = tool.lms.default_settings()
    tool.lms.seed()
    tool.token = ""
    return tool


@pytest.fixture(scope="module", params=PROFILES)
def tools(request: pytest.FixtureRequest) -> Iterator[Tool]:
    yield from served(request.param)


@pytest.fixture
def tool(tools: Tool) -> Tool:
    return fresh(tools)


@pytest.fixture(scope="module")
def moodles() -> Iterator[Tool]:
    yield from served("moodle")


@pytest.fixture
def moodle(moodles: Tool) -> Tool:
    return fresh(moodles)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody"}, {"sub": "somebody"}, {"aud": "https://elsewhere.test/"}, {"exp": NOW // 1000 - 120},
        {"exp": NOW // 1000 + 7200}, {"iat": NOW // 1000 + 600}, {"jti": None}, {"exp": None},
    ],
)  # fmt: skip
def test_an_assertion_that_does_not_say_what_it_should_is_refused(
    moodle: Tool, claims: dict[str, Any]
) -> None:
    reply = moodle.ask_token(**claims)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_client")


def test_an_assertion_is_good_once(moodle: Tool) -> None:
    replies = [moodle.ask_token(jti="one") for _ in range(2)]
    assert [it.status_code for it in replies] == [200, 400]
    moodle.lms.settings["strict_assertions"] = False
    assert moodle.ask_token(jti="one", aud="https://elsewhere.test/").status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "x"}, "invalid_request"),
        ({"client_assertion": "a.b.c"}, "invalid_client"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
    ],
)
def test_what_is_no_request_for_a_token_is_refused(moodle: Tool, form: dict[str, str], error: str) -> None:
    reply = moodle.ask_token(form)
    assert (reply.status_code, reply.json()["error"]) == (400, error)
    assert reply.headers["content-type"] == "text/html; charset=utf-8"


def test_scopes_are_granted_as_far_as_the_administrator_allows(moodle: Tool) -> None:
    moodle.lms.settings["scopes"] = [seed.SCORE]
    reply = moodle.ask_token()
    assert reply.json()["scope"] == seed.SCORE
    moodle.token = reply.json()["access_token"]
    assert moodle.call("GET", moodle.items, accept=ITEMS).status_code == 401


def test_a_token_ends(moodle: Tool) -> None:
    assert moodle.call("GET", moodle.items, accept=ITEMS).status_code == 200
    clock = moodle.lms.clock
    assert isinstance(clock, SetClock)
    clock.advance(hours=2)
    try:
        assert moodle.call("GET", moodle.items, accept=ITEMS).status_code == 401
    finally:
        clock.now = NOW


@pytest.mark.parametrize("accept", ["application/json", f"{ITEMS}, application/json", ITEM])
def test_moodle_takes_media_types_to_the_letter(moodle: Tool, accept: str) -> None:
    assert moodle.call("GET", moodle.items, accept=accept).status_code == 400
    assert moodle.call("POST", moodle.items, NEW, content_type="application/json").status_code == 400


def test_the_link_to_moodles_next_line_items_is_broken(moodle: Tool) -> None:
    for _ in range(3):
        moodle.create()
    reply = moodle.call("GET", f"{moodle.items}&limit=2", accept=ITEMS)
    assert len(reply.json()) == 2
    header = next(value for name, value in reply.headers.raw if name.lower() == b"link")
    assert b"\xe2\x80\x9cnext\xe2\x80\x9d" in header
    assert b"&amp;" in header


def test_moodle_has_no_pages_of_results(moodle: Tool) -> None:
    item = moodle.create()
    reply = moodle.call("GET", moodle.below(item, "results") + "&limit=1", accept=RESULTS)
    assert (reply.status_code, reply.headers["content-type"]) == (404, "text/html")


def test_what_moodle_cannot_digest_looks_like_an_outage(moodle: Tool) -> None:
    item = moodle.create()
    assert (
        moodle.call("POST", moodle.items, {**NEW, "label": "x" * 256}, content_type=ITEM).status_code == 502
    )
    assert moodle.score(item, userId="ada").status_code == 502


def test_moodle_keeps_dates_only_in_its_answer(moodle: Tool) -> None:
    given = {**NEW, "endDateTime": "2026-03-01T00:00:00Z"}
    made = moodle.call("POST", moodle.items, given, content_type=ITEM).json()
    assert made["endDateTime"] == given["endDateTime"]
    assert "endDateTime" not in moodle.call("GET", made["id"], accept=ITEM).json()


def test_a_tool_sees_its_own_line_items(tool: Tool) -> None:
    assert tool.call("GET", tool.items, accept=ITEMS).json() == []
    item = tool.create()
    [shown] = tool.call("GET", tool.items, accept=ITEMS).json()
    assert (shown["id"], shown["resourceId"], shown["tag"]) == (item, "r-1", "t-1")
    other = tool.url + tool.lms.path(tool.profile.item, course=ALGEBRA_COURSE, item=seed.OTHER_ITEM)
    assert tool.call("GET", other, accept=ITEM).status_code == 403


@pytest.mark.parametrize(
    ("query", "found"), [("resource_id=r-1", 1), ("tag=t-1", 1), ("tag=x", 0), ("resource_link_id=9", 0)]
)
def test_line_items_are_filtered(tool: Tool, query: str, found: int) -> None:
    tool.create()
    url = tool.items + ("&" if "?" in tool.items else "?") + query
    assert len(tool.call("GET", url, accept=ITEMS).json()) == found


def test_a_change_erases_what_it_leaves_out(tool: Tool) -> None:
    item = tool.create()
    given = {"label": "Other", "scoreMaximum": 20, "resourceId": "r-2"}
    changed = tool.call("PUT", item, given, content_type=ITEM).json()
    assert (changed["label"], changed["resourceId"], "tag" in changed) == ("Other", "r-2", False)


@pytest.mark.parametrize(
    "given", [{"label": "x"}, {"scoreMaximum": 5}, {"label": 7, "scoreMaximum": 5}, [], 7]
)
def test_what_is_no_line_item_is_refused(tool: Tool, given: Any) -> None:
    assert tool.call("POST", tool.items, given, content_type=ITEM).status_code == 400


def test_a_link_that_is_not_the_tools_gets_no_line_item(tool: Tool) -> None:
    refused = {"moodle": 403, "canvas": 412}.get(tool.profile.family, 404)
    linked = {**NEW, "resourceLinkId": "999"}
    assert tool.call("POST", tool.items, linked, content_type=ITEM).status_code == refused
    tool.lms.ui_add_link(ALGEBRA_COURSE, "Quiz", client=seed.OTHER_CLIENT_ID)
    [link] = tool.lms.records.all("links")
    linked = {**NEW, "resourceLinkId": link["id"]}
    assert tool.call("POST", tool.items, linked, content_type=ITEM).status_code == refused


def test_a_line_item_of_an_activity_is_deleted_in_moodle_only(tool: Tool) -> None:
    item = tool.lms.ui_add_link(ALGEBRA_COURSE, "Quiz")
    url = tool.url + tool.lms.path(tool.profile.item, course=ALGEBRA_COURSE, item=item)
    assert tool.call("DELETE", url).status_code == {"moodle": 204, "canvas": 401}.get(
        tool.profile.family, 405
    )


def test_a_score_that_is_not_newer_is_refused_in_each_ones_words(tool: Tool) -> None:
    item = tool.create()
    assert tool.score(item, 10).is_success
    replies = [tool.score(item, seconds, scoreGiven=5) for seconds in (10, 9)]
    statuses = [it.status_code for it in replies]
    match tool.profile.family:
        case "canvas":
            assert statuses == [200, 400]
            assert "before last updated timestamp" in replies[1].text
        case "openedx":
            assert statuses == [400, 400]
            assert [list(it.json()) for it in replies] == [
                ["Score already exists for the provided timestamp"],
                ["timestamp"],
            ]
        case "moodle":
            assert [(it.status_code, it.json()) for it in replies] == [(409, [])] * 2
            assert tool.score(item, 10.9).status_code == 409
        case _:
            assert statuses == [409, 409]
    assert tool.score(item, 11).is_success


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": "yesterday"}, {"timestamp": "left out"}, {"activityProgress": "left out"},
        {"gradingProgress": "left out"}, {"scoreMaximum": "left out"}, {"scoreGiven": -1}, {"scoreGiven": "ten"},
        {"userId": TEACHER}, {"userId": "999"},
    ],
)  # fmt: skip
def test_what_is_no_score_is_refused(tool: Tool, changes: dict[str, Any]) -> None:
    reply = tool.score(tool.create(), **changes)
    assert reply.status_code in (400, 403, 404, 422)


def test_a_score_that_is_not_final_takes_the_grade_away_in_moodle_only(tool: Tool) -> None:
    item = tool.create()
    tool.score(item, 1)
    tool.score(item, 2, gradingProgress="Pending", scoreGiven="left out")
    [result] = [it for it in tool.results(item) if it["userId"] == STUDENT] or [{}]
    assert ("resultScore" in result) is (tool.profile.family not in ("moodle", "canvas"))


def test_a_comment_that_does_not_come_again(tool: Tool) -> None:
    item = tool.create()
    tool.score(item, 1, comment="Good")
    tool.score(item, 2, scoreGiven=11)
    held = tool.lms.ui_grade_shown(
        item.partition("?")[0].removesuffix("/lineitem").rpartition("/")[2], STUDENT
    )
    assert (held["comment"], held["comments"]) == {
        "kept": ("Good", []),
        "added": (None, ["Good"]),
        "replaced": (None, []),
    }[tool.profile.comments]


def test_moodle_rescales_and_clamps(moodle: Tool) -> None:
    item = moodle.create()
    moodle.score(item, 1, scoreGiven=5, scoreMaximum=10)
    moodle.call("PUT", item, {**NEW, "scoreMaximum": 40}, content_type=ITEM)
    [result] = [it for it in moodle.results(item) if it["userId"] == STUDENT]
    assert (result["resultScore"], result["resultMaximum"], "timestamp" in result) == (20, 40, True)
    moodle.score(item, 59, scoreGiven=50, scoreMaximum=40)
    assert moodle.results(item, f"user_id={STUDENT}")[0]["resultScore"] == 40
    assert moodle.results(item, "user_id=999") == []


def test_members_come_in_pages_if_asked(tool: Tool) -> None:
    url, found = f"{tool.members}?limit=10", list[str]()
    while url:
        reply = tool.call("GET", url, accept=MEMBERS)
        found += [it["user_id"] for it in reply.json()["members"]]
        url = reply.links.get("next", {}).get("url", "")
    assert len(found) == len(set(found)) == (33 if tool.profile.only_active else 34)


def test_members_of_one_role_and_of_a_link(tool: Tool) -> None:
    found = tool.call("GET", f"{tool.members}?role=Instructor", accept=MEMBERS).json()["members"]
    assert [it["user_id"] for it in found] == [TEACHER]
    assert ("Instructor" in found[0]["roles"]) is tool.profile.short_roles
    assert tool.call("GET", f"{tool.members}?rlid=7", accept=MEMBERS).status_code == 404


def test_a_tool_that_was_removed_may_do_nothing(tool: Tool) -> None:
    tool.create()
    tool.lms.settings["tool_removed"] = True
    assert tool.call("GET", tool.items, accept=ITEMS).status_code == 403
    assert tool.call("GET", tool.members, accept=MEMBERS).status_code == 403


def test_what_there_is_not(tool: Tool) -> None:
    token = tool.ask_token().json()["access_token"]
    openedx = tool.profile.family == "openedx"
    assert tool.http.get(tool.items).status_code == (403 if openedx else 401)
    assert tool.call("PATCH", tool.items, {}).status_code == 405
    assert tool.call("GET", f"{tool.url}/nothing").status_code == 404
    nowhere = tool.url + tool.lms.path(tool.profile.items, course="999")
    assert tool.call("GET", nowhere, accept=ITEMS).status_code == (403 if openedx else 404)
    assert token != tool.token


def test_moodle_looks_neither_at_the_course_nor_at_the_kind_of_an_id(moodle: Tool) -> None:
    item = moodle.create()
    elsewhere = item.replace(ALGEBRA_COURSE, seed.SECTION_LMS_ID["000008"])
    assert moodle.call("GET", elsewhere).json()["label"] == "Essay"
    assert moodle.call("DELETE", elsewhere).status_code == 204
    words = moodle.url + moodle.lms.path(moodle.profile.item, course=ALGEBRA_COURSE, item="ten")
    assert moodle.call("GET", words).status_code == 502


def test_moodle_knows_a_tool_by_its_token_and_its_address(moodle: Tool) -> None:
    item = moodle.create()
    assert moodle.call("GET", item.replace("type_id=3", "type_id=4")).status_code == 401
    assert moodle.call("GET", item.partition("?")[0]).status_code == 200
    assert moodle.call("HEAD", item).status_code == 400


def test_moodle_does_not_scale_points_of_none(moodle: Tool) -> None:
    item = moodle.create()
    assert moodle.score(item, scoreGiven=5, scoreMaximum=0).status_code == 200
    assert moodle.results(item, f"user_id={STUDENT}")[0]["resultScore"] == 5


def test_moodle_names_people_as_they_log_in(moodle: Tool) -> None:
    members = moodle.call("GET", moodle.members, accept=MEMBERS).json()["members"]
    assert "ada.abbott" in [it["ext_user_username"] for it in members]


@pytest.mark.parametrize("tools", ["brightspace"], indirect=True)
@pytest.mark.parametrize(("user", "status"), [("999", 404), (TEACHER, 422), ("30001999", 403)])
def test_brightspace_says_why_somebody_cannot_be_graded(tool: Tool, user: str, status: int) -> None:
    tool.lms.records.put("users", "30001999", {"id": "30001999"})  # who is in no course
    assert tool.score(tool.create(), userId=user).status_code == status
