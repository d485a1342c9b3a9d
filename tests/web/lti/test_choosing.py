"""Deep linking: a teacher chooses an activity in the LMS, and it becomes an assignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from support.lti import (
    AGS,
    CLIENT_ID,
    DEPLOYMENT,
    DL,
    ISSUER,
    LTI,
    MEMBER,
    PUBLIC_URL,
    Platform,
    data_of,
    query_of,
)
from support.lti_launches import (
    NONE,
    SECTION,
    TEACHER,
    app,
    exchanged,
    refused,
    start,
)
from support.sandbox import Sandbox

SETTINGS = {
    "deep_link_return_url": f"{ISSUER}/return?x=1",
    "accept_types": ["ltiResourceLink"],
    "data": "their data",
}
CHOOSING: Mapping[str, Any] = {
    LTI + "message_type": "LtiDeepLinkingRequest",
    LTI + "resource_link": None,
    LTI + "roles": [MEMBER + "Instructor"],
    "sub": "lms-teacher",
    DL + "deep_linking_settings": SETTINGS,
}
CHOICE = {"title": "Fractions", "description": "Ten tasks", "points_possible": 20, "activity": "fractions-3"}


def choosing(sandbox: Sandbox, platform: Platform, changes: Mapping[str, Any] = NONE) -> str:
    """The path of the launch of a teacher who is to choose an activity."""
    reply = start(sandbox, platform, {**CHOOSING, **changes})
    assert reply.status == 303, reply
    return f"/v3.1/launches/{query_of(reply.headers['location'])['code']}"


def given_back(sandbox: Sandbox, url: str) -> dict[str, Any]:
    """What the browser takes to the LMS, verified with the published keys."""
    page = sandbox.client(None).get(url.removeprefix(PUBLIC_URL))
    assert page.status == 200, page
    told = data_of(page)
    assert (told["do"], told["url"]) == ("return", f"{ISSUER}/return?x=1")
    keys = KeySet.import_key_set(sandbox.client(None).get("/lti/jwks.json").json)
    claims: dict[str, Any] = jwt.decode(told["token"], keys, algorithms=["RS256"]).claims
    return claims


def test_what_a_teacher_chooses_becomes_an_assignment(sandbox: Sandbox, platform: Platform) -> None:
    path = choosing(sandbox, platform)
    asked = app(sandbox).post(path, b"").data
    assert (asked["choosing"], asked["role"], asked["user_id"], asked["section_id"]) == (
        True,
        "teacher",
        TEACHER,
        SECTION,
    )

    chosen = app(sandbox).post(f"{path}/deep_link", CHOICE)
    assert chosen.status == 200, chosen
    claims = given_back(sandbox, chosen.data["url"])
    now = sandbox.clock() // 1000
    assert (claims["iss"], claims["aud"], claims["iat"]) == (CLIENT_ID, ISSUER, now - 60)
    assert claims["exp"] == now + 240
    assert claims[LTI + "message_type"] == "LtiDeepLinkingResponse"
    assert (claims[LTI + "deployment_id"], claims[DL + "data"]) == (DEPLOYMENT, "their data")
    assignment = chosen.data["assignment_id"]
    [item] = claims[DL + "content_items"]
    application = query_of(item.pop("url"))["application"]
    assert item == {
        "type": "ltiResourceLink",
        "title": "Fractions",
        "text": "Ten tasks",
        "custom": {"activity": "fractions-3", "passback_assignment": assignment},
        "lineItem": {"label": "Fractions", "scoreMaximum": 20, "resourceId": assignment},
    }

    link = {
        LTI + "custom": item["custom"],
        LTI + "target_link_uri": f"{PUBLIC_URL}/lti/launch?application={application}",
        AGS: {"lineitem": f"{ISSUER}/items/chosen"},
    }
    first = exchanged(sandbox, start(sandbox, platform, link))
    assert (first["assignment_id"], first["custom"]) == (assignment, {"activity": "fractions-3"})
    assert exchanged(sandbox, start(sandbox, platform, link))["assignment_id"] == assignment
    # The copy of a link, such as in the next year's course, is an assignment of its own.
    copied = exchanged(sandbox, start(sandbox, platform, {**link, AGS: {"lineitem": f"{ISSUER}/items/copy"}}))
    assert copied["assignment_id"] not in (None, assignment)


def test_a_choice_is_made_and_given_back_once(sandbox: Sandbox, platform: Platform) -> None:
    path = choosing(sandbox, platform)
    assert sandbox.client("DEMO_TOKEN").post(f"{path}/deep_link", CHOICE).status == 404
    url = app(sandbox).post(f"{path}/deep_link", CHOICE).data["url"]
    assert app(sandbox).post(f"{path}/deep_link", CHOICE).status == 404
    given_back(sandbox, url)
    refused(sandbox.client(None).get(url.removeprefix(PUBLIC_URL)), "given back to the LMS before", 404)
    refused(sandbox.client(None).get("/lti/return"), "given back", 404)
    late = choosing(sandbox, platform)
    sandbox.clock.advance(hours=1)
    assert app(sandbox).post(f"{late}/deep_link", CHOICE).status == 404
    ordinary = query_of(start(sandbox, platform).headers["location"])["code"]
    assert app(sandbox).post(f"/v3.1/launches/{ordinary}/deep_link", CHOICE).status == 404


def test_several_are_chosen_if_the_lms_takes_them(sandbox: Sandbox, platform: Platform) -> None:
    several = {DL + "deep_linking_settings": {**SETTINGS, "accept_multiple": True}}
    path = choosing(sandbox, platform, several)
    assert app(sandbox).post(path, b"").data["choosing_several"] is True
    chosen = [app(sandbox).post(f"{path}/deep_link", {**CHOICE, "title": it}).data for it in ("One", "Two")]
    refused(sandbox.client(None).get(chosen[0]["url"].removeprefix(PUBLIC_URL)), "given back", 404)
    items = given_back(sandbox, chosen[1]["url"])[DL + "content_items"]
    assert [it["title"] for it in items] == ["One", "Two"]
    assert [it["lineItem"]["resourceId"] for it in items] == [it["assignment_id"] for it in chosen]
    assert app(sandbox).post(f"{path}/deep_link", CHOICE).status == 404

    path = choosing(sandbox, platform, several)
    answers = [app(sandbox).post(f"{path}/deep_link", {"title": "x"}) for _ in range(51)]
    assert [it.status for it in answers] == [200] * 50 + [400]
    assert "TOO_MANY_ACTIVITIES" in answers[-1].body.decode()


@pytest.mark.parametrize(
    ("choice", "settings"),
    [
        ({"title": "Reading"}, SETTINGS),
        ({"title": "Reading", "points_possible": 0}, SETTINGS),
        ({"title": "Reading", "points_possible": 5}, {**SETTINGS, "accept_lineitem": False}),
    ],
)
def test_without_points_there_is_no_column(
    sandbox: Sandbox, platform: Platform, choice: dict[str, Any], settings: dict[str, Any]
) -> None:
    path = choosing(sandbox, platform, {DL + "deep_linking_settings": settings})
    answer = app(sandbox).post(f"{path}/deep_link", choice).data
    assert "assignment_id" not in answer
    [item] = given_back(sandbox, answer["url"])[DL + "content_items"]
    assert (item["custom"], "lineItem" in item) == ({}, False)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({}, "missing required field(s): title"),
        ({"title": " "}, "missing required field(s): title"),
        ({"title": "x" * 256}, "title in body should be at most 255 chars long"),
        (
            {"title": "x", "points_possible": -1},
            "points_possible in body should be greater than or equal to 0",
        ),
        ({"title": "x", "activity": "y" * 256}, "activity in body should be at most 255 chars long"),
    ],
)
def test_a_choice_that_no_lms_would_take_is_refused(
    sandbox: Sandbox, platform: Platform, choice: dict[str, Any], message: str
) -> None:
    path = choosing(sandbox, platform)
    reply = app(sandbox).post(f"{path}/deep_link", choice)
    assert (reply.status, message in reply.json["message"]) == (400, True)
    assert app(sandbox).post(f"{path}/deep_link", CHOICE).status == 200


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({**SETTINGS, "accept_types": ["file"]}, "does not take links"),
        ({**SETTINGS, "deep_link_return_url": "javascript:alert(1)"}, "cannot be used"),
        ({**SETTINGS, "deep_link_return_url": "http://lms.test/"}, "cannot be used"),
        ({"accept_types": ["ltiResourceLink"]}, "missing required field"),
    ],
)
def test_an_lms_asks_for_a_choice_in_the_standards_way(
    sandbox: Sandbox, platform: Platform, settings: dict[str, Any], words: str
) -> None:
    refused(start(sandbox, platform, {**CHOOSING, DL + "deep_linking_settings": settings}), words)


def test_another_course_cannot_take_the_assignment(sandbox: Sandbox, platform: Platform) -> None:
    path = choosing(sandbox, platform, {LTI + "context": {"id": "elsewhere"}})
    chosen = app(sandbox).post(f"{path}/deep_link", CHOICE).data["assignment_id"]
    link = {LTI + "custom": {"passback_assignment": chosen}, AGS: {"lineitem": f"{ISSUER}/items/taken"}}
    launch = exchanged(sandbox, start(sandbox, platform, link))
    assert launch["assignment_id"] not in (None, chosen)
