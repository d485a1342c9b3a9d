"""The simulated LMSs with LTI Advantage, as any tool sees them: what each family takes, refuses and shows.

Open edX is in ``test_lti_openedx.py``, beside its own code.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwt

from passback_simulators.lti import seed
from passback_simulators.lti.profiles import PROFILES
from support.lti import key
from support.lti_lms import ALGEBRA_COURSE
from support.lti_services import ITEM, ITEMS, MEMBERS, NEW, RESULTS, STUDENT, serving_simulated
from support.lti_services import Simulated as Tool
from support.sandbox import NOW, SetClock

TEACHER = seed.person_lms_id("000001")


@pytest.fixture(scope="module", params=[it for it in PROFILES if it != "openedx"])
def tools(request: pytest.FixtureRequest) -> Iterator[Tool]:
    with serving_simulated(request.param) as tool:
        yield tool


@pytest.fixture
def tool(tools: Tool) -> Tool:
    tools.begin_again()
    return tools


@pytest.fixture(scope="module")
def moodles() -> Iterator[Tool]:
    with serving_simulated("moodle") as tool:
        yield tool


@pytest.fixture
def moodle(moodles: Tool) -> Tool:
    moodles.begin_again()
    return moodles


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"iss": "somebody"}, "invalid_client"), ({"sub": "somebody"}, "invalid_client"),
        ({"aud": "https://elsewhere.test/"}, "invalid_client"), ({"exp": NOW // 1000 - 120}, "Expired token"),
        ({"exp": NOW // 1000 + 7200}, "invalid_client"), ({"jti": None}, "invalid_client"),
        ({"iat": NOW // 1000 + 600}, "Cannot handle token with iat prior to 2026-01-01T00:10:00+00:00"),
        ({"exp": None}, "invalid_client"),
    ],
)  # fmt: skip
def test_an_assertion_that_does_not_say_what_it_should_is_refused(
    moodle: Tool, claims: dict[str, Any], error: str
) -> None:
    reply = moodle.ask_token(**claims)
    assert (reply.status_code, reply.json()["error"]) == (400, error)


@pytest.mark.parametrize(
    ("kid", "says"),
    [(None, "error/Error: kid must be provided"), ("x", '""kid" invalid'), ("own", "Signature verification")],
)
def test_moodle_says_what_is_wrong_with_a_key(moodle: Tool, kid: str | None, says: str) -> None:
    named = moodle.key.kid if kid == "own" else kid
    header = {"alg": "RS256"} | ({"kid": named} if named else {})
    assertion = jwt.encode(header, {"sub": seed.CLIENT_ID}, key("another"))
    reply = moodle.ask_token({"client_assertion": assertion})
    assert (reply.status_code, reply.text[:13]) == (400, '{ "error" : "')
    assert says in reply.text


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
    assert tool.http.get(tool.items).status_code == 401
    assert tool.call("PATCH", tool.items, {}).status_code == 405
    assert tool.call("GET", f"{tool.url}/nothing").status_code == 404
    nowhere = tool.url + tool.lms.path(tool.profile.items, course="999")
    assert tool.call("GET", nowhere, accept=ITEMS).status_code == 404
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
