"""The same calls to the simulated Open edX and to Open edX's own code, which answer the same.

What is odd about Open edX is here, a test for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx2
import pytest

from passback_simulators.lti import seed
from support.lti import key, serving_platform
from support.lti_lms import ALGEBRA_COURSE
from support.lti_lms import item as item_number
from support.lti_services import (
    ITEM,
    ITEMS,
    MEMBERS,
    RESULTS,
    Simulated,
    Tool,
    machines_time,
    serving_simulated,
)  # fmt: skip
from support.openedx.course import ANN, BEN, COURSE, RESEARCHER, STRANGER, TOM, Member, usage_key
from support.openedx.started import Platform

_NUMBERS = count(1)
_FORBIDDEN = {"detail": "You do not have permission to perform this action."}


class Activity:
    """An activity of 20 points that a teacher has added, and the tool that it opens."""

    def __init__(self, tool: Tool, item: str, link: str) -> None:
        self.tool, self.item, self.link = tool, item, link
        """The address of its line item, and the id of its link."""

    @property
    def other(self) -> str:
        """Another student's id."""
        raise NotImplementedError

    @property
    def course(self) -> str:
        """The id of the course."""
        raise NotImplementedError

    def published(self) -> float | None:
        """What the gradebook has of the student, as a part of the points."""
        raise NotImplementedError

    def change(self, **changes: Any) -> tuple[int, Any]:
        """Send the line item as it is shown, without what has no value, but for the changes."""
        shown = self.tool.call("GET", self.item, accept=ITEM).json()
        given = {name: it for name, it in (shown | changes).items() if it not in (None, "", "left out")}
        return answered(self.tool.call("PUT", self.item, given, content_type=ITEM))

    def refuses_score(self, **changes: Any) -> tuple[int, Any]:
        """What a score is answered with that is refused."""
        return answered(self.tool.score(self.item, 5, **changes))


class SimulatedActivity(Activity):
    """An activity in the simulated Open edX."""

    tool: Simulated
    other = seed.person_lms_id("001002")
    course = ALGEBRA_COURSE

    def published(self) -> float | None:
        found: float | None = self.tool.lms.ui_grade_shown(item_number(self.item), self.tool.student).get(
            "published"
        )
        return found


class OwnActivity(Activity):
    """An activity in Open edX itself."""

    other = BEN.external_id
    course = COURSE

    def __init__(self, openedx: Platform, tool: Tool, item: str, block: str) -> None:
        super().__init__(tool, item, usage_key(block))
        self.openedx, self.block = openedx, block

    def published(self) -> float | None:
        return self.openedx.published(self.block, ANN)


def answered(reply: httpx2.Response) -> tuple[int, Any]:
    is_page = reply.headers["content-type"].startswith("text/html")
    return reply.status_code, "a page" if is_page else reply.json()


@pytest.fixture(scope="module")
def simulated() -> Iterator[Simulated]:
    with serving_simulated("openedx") as tool:
        yield tool


@pytest.fixture(scope="module")
def own(openedx: Platform) -> Iterator[tuple[Tool, dict[str, Any]]]:
    """A tool in Open edX itself, and what a teacher enters of it there."""
    with serving_platform() as keys, httpx2.Client(timeout=20) as http:
        fields = {
            "display_name": "Essay", "lti_version": "lti_1p3", "lti_1p3_launch_url": "https://tool.test/launch",
            "lti_1p3_oidc_url": "https://tool.test/login", "lti_1p3_tool_key_mode": "keyset_url",
            "lti_1p3_tool_keyset_url": keys.jwks_url, "lti_1p3_enable_nrps": True, "has_score": True, "weight": 20,
        }  # fmt: skip
        shown = openedx.add("tool", **fields)
        fields["lti_1p3_passport_id"] = shown["keyset_url"].rpartition("/")[2]
        tool = Tool(
            http, key("first"), shown["client_id"], token_url=shown["token_url"], items="", members="",
            student=ANN.external_id, now=machines_time,
        )  # fmt: skip
        yield tool, fields


@pytest.fixture(params=["simulated", "own"])
def activity(request: pytest.FixtureRequest) -> Activity:
    if request.param == "simulated":
        tool: Simulated = request.getfixturevalue("simulated")
        tool.begin_again()
        number = tool.lms.ui_add_link(ALGEBRA_COURSE, "Essay", 20.0)
        path = tool.lms.path(tool.profile.item, course=ALGEBRA_COURSE, item=number)
        return SimulatedActivity(tool, tool.url + path, tool.lms.records.all("links")[-1]["id"])
    openedx: Platform = request.getfixturevalue("openedx")
    tool, fields = request.getfixturevalue("own")
    block = f"own{next(_NUMBERS)}"
    openedx.add(block, **fields)
    [config, item] = openedx.rows(
        "SELECT c.id, i.id FROM lti_consumer_lticonfiguration c JOIN lti_consumer_ltiagslineitem i"
        " ON c.id = lti_configuration_id WHERE c.location LIKE ?", f"%@{block}",
    )[0]  # fmt: skip
    services = f"{openedx.url}/api/lti_consumer/v1/lti/{config}"
    tool.items, tool.members = f"{services}/lti-ags", f"{services}/memberships"
    return OwnActivity(openedx, tool, f"{tool.items}/{item}", block)


# Tokens


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_assertion": "a.b.c"}, 400, "invalid_grant"),
    ],
)
def test_what_is_no_request_for_a_token(
    activity: Activity, form: dict[str, str], status: int, error: str
) -> None:
    assert answered(activity.tool.ask_token(form)) == (status, {"error": error})


@pytest.mark.parametrize("claims", [{"exp": -1}, {"iat": 30}])
def test_an_assertion_of_another_time_is_refused_for_no_reason(
    activity: Activity, claims: dict[str, int]
) -> None:
    now = activity.tool.now()
    reply = activity.tool.ask_token(None, **{name: now + seconds for name, seconds in claims.items()})
    assert answered(reply) == (400, {"error": "unidentified_error"})


def test_whom_an_assertion_is_for_is_not_looked_at_nor_whether_it_came_before(activity: Activity) -> None:
    for _ in range(2):
        reply = activity.tool.ask_token(aud="https://elsewhere.test/", jti="one")
        assert (reply.status_code, reply.json()["token_type"]) == (200, "bearer")


def test_a_token_is_issued_also_for_no_scope_that_there_is(activity: Activity) -> None:
    assert activity.tool.ask_token({"scope": "openid"}).json()["scope"] == ""


def test_a_token_that_is_none_is_forbidden(activity: Activity) -> None:
    reply = activity.tool.http.get(activity.item, headers={"authorization": "Bearer nonsense"})
    assert answered(reply) == (403, {"detail": "Invalid token signature."})


def test_a_token_without_the_scope_is_forbidden(activity: Activity) -> None:
    activity.tool.token = activity.tool.ask_token({"scope": seed.SCORE}).json()["access_token"]
    try:
        assert answered(activity.tool.call("GET", activity.item, accept=ITEM)) == (403, _FORBIDDEN)
    finally:
        activity.tool.token = ""


# Line items


def test_a_line_item_is_shown_with_what_it_has_no_value_for(activity: Activity) -> None:
    shown = activity.tool.call("GET", activity.item, accept=ITEM).json()
    assert (shown["id"], shown["label"], shown["scoreMaximum"]) == (activity.item, "Essay", 20)
    assert (shown["tag"], shown["startDateTime"], shown["endDateTime"]) == ("", None, None)
    assert shown["resourceLinkId"] == activity.link
    assert activity.tool.call("GET", activity.tool.items, accept=ITEMS).json() == [shown]


def test_a_line_item_cannot_be_sent_back_as_it_is_shown(activity: Activity) -> None:
    shown = activity.tool.call("GET", activity.item, accept=ITEM).json() | {"resourceId": "r"}
    reply = activity.tool.call("PUT", activity.item, shown, content_type=ITEM)
    reason = ["This field may not be null."]
    assert answered(reply) == (400, {"startDateTime": reason, "endDateTime": reason})


def test_what_a_change_leaves_out_stays(activity: Activity) -> None:
    changes = {"tag": "t", "endDateTime": "2030-01-01T00:00:00Z", "resourceId": "r"}
    assert activity.change(**changes)[0] == 200
    status, shown = activity.change(label="Other", tag="left out", endDateTime="left out")
    assert (status, shown["label"]) == (200, "Other")
    assert {name: shown[name] for name in changes} == changes


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"scoreMaximum": 12.5}, {"scoreMaximum": "A valid integer is required."}),
        ({"scoreMaximum": "left out"}, {"scoreMaximum": "This field is required."}),
        ({"label": "left out"}, {"label": "This field is required."}),
        ({"label": " "}, {"label": "This field may not be blank."}),
        ({"label": "x" * 101}, {"label": "Ensure this field has no more than 100 characters."}),
        ({"tag": "x" * 51}, {"tag": "Ensure this field has no more than 50 characters."}),
        ({"resourceLinkId": "x"}, {"resourceLinkId": "Invalid usage key: 'x'"}),
        (
            {"resourceLinkId": "left out", "resourceId": "left out"},
            {"non_field_errors": "Must provide at least one of resource_id or resource_link_id"},
        ),
    ],
)
def test_what_is_no_line_item(activity: Activity, changes: dict[str, Any], wrong: dict[str, str]) -> None:
    assert activity.change(**changes) == (400, {name: [reason] for name, reason in wrong.items()})


@pytest.mark.parametrize("maximum", [0, -5])
def test_a_line_item_may_be_worth_nothing(activity: Activity, maximum: int) -> None:
    status, shown = activity.change(scoreMaximum=maximum)
    assert (status, shown["scoreMaximum"]) == (200, maximum)


def test_no_token_is_good_for_deleting_a_line_item(activity: Activity) -> None:
    assert answered(activity.tool.call("DELETE", activity.item)) == (403, _FORBIDDEN)


def test_a_line_item_that_there_is_not(activity: Activity) -> None:
    gone = {"detail": "No LtiAgsLineItem matches the given query."}
    nowhere = f"{activity.tool.items}/99999"
    assert answered(activity.tool.call("GET", nowhere, accept=ITEM)) == (404, gone)
    assert answered(activity.tool.score(nowhere)) == (404, gone)


def test_an_activity_that_there_is_not_is_forbidden(activity: Activity) -> None:
    nowhere = activity.tool.items.rpartition("/lti/")[0] + "/lti/99999"
    for path in ("lti-ags", "lti-ags/1", "memberships"):
        reply = activity.tool.call("GET", f"{nowhere}/{path}", accept="*/*")
        assert answered(reply) == (403, {"detail": "LTI configuration not found."})


def test_a_score_on_a_line_item_of_the_tools_own_is_not_published(activity: Activity) -> None:
    item = activity.tool.create()
    assert activity.tool.score(item).status_code == 201
    assert [it["resultScore"] for it in activity.tool.results(item)] == [10]
    assert activity.published() is None


@pytest.mark.parametrize(("query", "found"), [("resource_id=r-1", 1), ("tag=t-1", 1), ("tag=x", 0)])
def test_line_items_are_filtered(activity: Activity, query: str, found: int) -> None:
    activity.tool.create()
    url = f"{activity.tool.items}?{query}"
    assert len(activity.tool.call("GET", url, accept=ITEMS).json()) == found


# Scores


def test_a_score_is_answered_with_what_is_kept(activity: Activity) -> None:
    status, shown = answered(activity.tool.score(activity.item, 5, comment=" Good\n"))
    assert (status, shown) == (201, {
        "timestamp": "2026-01-01T00:00:05Z", "scoreGiven": 10, "scoreMaximum": 20, "comment": "Good",
        "activityProgress": "Completed", "gradingProgress": "FullyGraded", "userId": activity.tool.student,
    })  # fmt: skip
    assert activity.published() == 0.5


def test_a_score_that_is_not_newer_is_refused_to_the_millisecond(activity: Activity) -> None:
    assert activity.tool.score(activity.item, 5).status_code == 201
    for seconds, reason in (
        (5, "Score already exists for the provided timestamp"),
        (4.999, "Score timestamp can only be updated to a later point in time"),
    ):
        assert answered(activity.tool.score(activity.item, seconds)) == (400, {"timestamp": [reason]})
    assert activity.tool.score(activity.item, 5.001).status_code == 201


def test_a_comment_stays_until_another_comes_or_null(activity: Activity) -> None:
    for seconds, changes, comment in (
        (1, {"comment": "Good"}, "Good"), (2, {}, "Good"), (3, {"comment": "Better"}, "Better"),
        (4, {"comment": None}, None), (5, {"comment": ""}, ""),
    ):  # fmt: skip
        assert activity.tool.score(activity.item, seconds, **changes).json()["comment"] == comment
        [result] = activity.tool.results(activity.item)
        assert result["comment"] == comment


def test_the_gradebook_keeps_what_a_score_takes_away(activity: Activity) -> None:
    activity.tool.score(activity.item, 1)
    cleared = activity.tool.score(activity.item, 2, scoreGiven="left out", scoreMaximum="left out")
    assert (cleared.status_code, activity.tool.results(activity.item)) == (201, [])
    assert activity.published() == 0.5


@pytest.mark.parametrize(("given", "of", "published"), [(25, 20, 1), (45, 50, 0.9), (0, 20, 0)])
def test_a_result_is_as_it_was_sent_and_the_gradebook_caps_it(
    activity: Activity, given: float, of: float, published: float
) -> None:
    assert activity.tool.score(activity.item, 1, scoreGiven=given, scoreMaximum=of).status_code == 201
    [result] = activity.tool.results(activity.item)
    assert (result["resultScore"], result["resultMaximum"]) == (given, of)
    assert activity.published() == published


def test_a_score_that_is_not_final_is_a_result_and_not_in_the_gradebook(activity: Activity) -> None:
    activity.tool.score(activity.item, 1)
    activity.tool.score(activity.item, 2, scoreGiven=4, gradingProgress="Pending")
    assert [it["resultScore"] for it in activity.tool.results(activity.item)] == [4]
    assert activity.published() == 0.5


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"timestamp": "left out"}, {"timestamp": "This field is required."}),
        ({"userId": "left out"}, {"userId": "This field is required."}),
        ({"gradingProgress": "left out"}, {"gradingProgress": "This field is required."}),
        (
            {"scoreMaximum": "left out"},
            {"scoreMaximum": "scoreMaximum is a required field when providing a scoreGiven value."},
        ),
        (
            {"scoreMaximum": 0},
            {"scoreMaximum": "scoreMaximum must be a positive number when scoreGiven is provided."},
        ),
        ({"scoreGiven": "ten"}, {"scoreGiven": "A valid number is required."}),
        ({"comment": "a\0b"}, {"comment": "Null characters are not allowed."}),
    ],
)
def test_what_is_no_score(activity: Activity, changes: dict[str, Any], wrong: dict[str, str]) -> None:
    assert activity.refuses_score(**changes) == (400, {name: [reason] for name, reason in wrong.items()})
    assert activity.published() is None


@pytest.mark.parametrize(
    "changes", [{"scoreGiven": -1}, {"activityProgress": "Done"}, {"gradingProgress": "Done"}, {"userId": "nobody"}]
)  # fmt: skip
def test_what_it_should_refuse_makes_it_fail(activity: Activity, changes: dict[str, Any]) -> None:
    assert activity.refuses_score(**changes) == (500, "a page")
    assert activity.tool.results(activity.item) == []


# Results


def test_results_come_with_the_newest_first_and_without_pages(activity: Activity) -> None:
    activity.tool.score(activity.item, 1)
    activity.tool.score(activity.item, 2, userId=activity.other)
    both = [activity.other, activity.tool.student]
    assert [it["userId"] for it in activity.tool.results(activity.item)] == both
    url = f"{activity.tool.below(activity.item, 'results')}?limit=1"
    reply = activity.tool.call("GET", url, accept=RESULTS)
    assert ([it["userId"] for it in reply.json()], "link" in reply.headers) == (both[:1], False)
    assert activity.tool.results(activity.item, "limit=0") == []


def test_results_of_one_student_are_asked_for_in_the_path_only(activity: Activity) -> None:
    activity.tool.score(activity.item, 1)
    activity.tool.score(activity.item, 2, userId=activity.other)
    assert len(activity.tool.results(activity.item, f"user_id={activity.other}")) == 2
    url = f"{activity.tool.below(activity.item, 'results')}/{activity.other}"
    [one] = activity.tool.call("GET", url, accept=RESULTS).json()
    assert (one["userId"], one["id"], one["scoreOf"]) == (activity.other, url, activity.item)


# Members


def members_of(reply: httpx2.Response) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reply.json()["members"]
    return found


def test_members_have_what_is_told_of_them(activity: Activity) -> None:
    reply = activity.tool.call("GET", activity.tool.members, accept=MEMBERS)
    [student] = [it for it in members_of(reply) if it["user_id"] == activity.tool.student]
    assert student.keys() == {"status", "user_id", "roles", "name", "email"}
    assert student["roles"] == ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"]
    assert ({it["status"] for it in members_of(reply)}, reply.json()["context"]) == (
        {"Active"}, {"id": activity.course},
    )  # fmt: skip


def test_members_are_not_filtered_by_role(activity: Activity) -> None:
    url = activity.tool.members
    everybody = members_of(activity.tool.call("GET", url, accept=MEMBERS))
    for query in ("role=Instructor", "limit=0", "page=2"):
        reply = activity.tool.call("GET", f"{url}?{query}", accept=MEMBERS)
        assert (len(members_of(reply)), "link" in reply.headers) == (len(everybody), False)


def test_members_come_in_pages_if_asked(activity: Activity) -> None:
    everybody = members_of(activity.tool.call("GET", activity.tool.members, accept=MEMBERS))
    url, found = f"{activity.tool.members}?limit=4", list[dict[str, Any]]()
    while url:
        reply = activity.tool.call("GET", url, accept=MEMBERS)
        found += members_of(reply)
        url = reply.links.get("next", {}).get("url", "")
    assert found == everybody
    beyond = activity.tool.call("GET", f"{activity.tool.members}?limit=4&page=99", accept=MEMBERS)
    assert (members_of(beyond), "link" in beyond.headers) == ([], False)


@pytest.mark.parametrize(
    ("who", "roles"),
    [(TOM, {"Instructor", "Learner"}), (RESEARCHER, {"Learner"}), (STRANGER, set())],
    ids=lambda it: it.username if isinstance(it, Member) else "",
)
@pytest.mark.parametrize("activity", ["own"], indirect=True)
def test_whoever_is_no_teacher_is_a_learner_unless_the_role_is_unknown(
    activity: Activity, who: Member, roles: set[str]
) -> None:
    everybody = members_of(activity.tool.call("GET", activity.tool.members, accept=MEMBERS))
    [found] = [it for it in everybody if it["user_id"] == who.external_id]
    assert {it.rpartition("#")[2] for it in found["roles"]} == roles


@pytest.mark.parametrize("activity", ["own"], indirect=True)
def test_names_and_addresses_are_told_of_a_course_only_if_its_owner_lets_it(
    activity: Activity, openedx: Platform
) -> None:
    openedx.share_people(False)
    try:
        reply = activity.tool.call("GET", activity.tool.members, accept=MEMBERS)
    finally:
        openedx.share_people(True)
    assert {name for it in members_of(reply) for name in it} == {"status", "user_id", "roles"}
