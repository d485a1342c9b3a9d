"""Launches from an LMS: one that it has signed for us goes on once, in its browser, to a registered address."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from passback.store import assignments, tokens
from passback.store.assignments import AssignmentRecord
from passback.store.engine.database import Connection
from passback.store.notes import find
from passback.wire.dates import show
from support.lti import (
    AGS,
    CLIENT_ID,
    DEPLOYMENT,
    FORM,
    ISSUER,
    LTI,
    MEMBER,
    NRPS,
    PUBLIC_URL,
    Browser,
    Platform,
    data_of,
    query_of,
    signed,
    unsigned,
)
from support.lti_launches import (
    DISTRICT,
    SECTION,
    STUDENT,
    TEACHER,
    app,
    exchanged,
    refused,
    start,
)
from support.sandbox import Sandbox

# What goes well


def test_an_application_learns_who_came_and_from_where(sandbox: Sandbox, platform: Platform) -> None:
    custom = {LTI + "custom": {"activity": "fractions-3"}}
    assert exchanged(sandbox, start(sandbox, platform, custom)) == {
        "custom": {"activity": "fractions-3"},
        "district_id": DISTRICT,
        "launched": show(sandbox.clock()),
        "link_id": "link-1",
        "link_title": "Fractions",
        "lms_section_id": "course-1",
        "lms_user_id": "lms-user-1",
        "role": "student",
        "section_id": SECTION,
        "target": f"{PUBLIC_URL}/lti/launch",
        "user_id": STUDENT,
    }


def test_the_lms_is_asked_as_openid_connect_has_it(sandbox: Sandbox) -> None:
    reply = Browser(sandbox).log_in(client_id=CLIENT_ID, lti_message_hint="a+b &c", lti_deployment_id="any")
    assert reply.status == 302
    assert reply.headers["location"].startswith(f"{ISSUER}/auth?")
    asked = query_of(reply.headers["location"])
    assert {name: asked[name] for name in asked if name not in ("state", "nonce")} == {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": CLIENT_ID,
        "redirect_uri": f"{PUBLIC_URL}/lti/launch",
        "login_hint": "hint",
        "lti_message_hint": "a+b &c",
    }
    cookie = reply.headers["set-cookie"]
    assert cookie.endswith("; Path=/lti; Secure; SameSite=None; Partitioned; Max-Age=600; HttpOnly")
    assert reply.headers["cache-control"] == "no-store"


def test_a_login_may_be_posted(sandbox: Sandbox) -> None:
    form = urlencode({"iss": ISSUER, "login_hint": "hint", "client_id": CLIENT_ID})
    reply = sandbox.client(None).call("POST", "/lti/login", form, FORM)
    assert (reply.status, query_of(reply.headers["location"])["login_hint"]) == (302, "hint")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({LTI + "roles": [MEMBER + "Instructor"], "sub": "lms-teacher"}, ("teacher", TEACHER)),
        ({LTI + "roles": [MEMBER + "Learner"], "sub": "lms-teacher"}, ("student", None)),
        ({LTI + "roles": [MEMBER + "Learner"], "sub": "a stranger"}, ("student", None)),
        ({LTI + "roles": [], "sub": "lms-user-1"}, ("other", None)),
        ({LTI + "roles": None, "sub": None}, ("other", None)),
    ],
)
def test_a_person_is_ours_only_if_they_are_matched_in_that_role(
    sandbox: Sandbox, platform: Platform, changes: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    launch = exchanged(sandbox, start(sandbox, platform, changes))
    assert (launch["role"], launch.get("user_id")) == expected


def test_what_has_no_value_may_be_null_or_an_empty_list(sandbox: Sandbox, platform: Platform) -> None:
    nothing: dict[str, Any] = {LTI + "custom": [], LTI + "lis": []}
    link = {LTI + "resource_link": {"id": "link-1", "title": None}, LTI + "context": {"id": "other-course"}}
    launch = exchanged(sandbox, start(sandbox, platform, {**nothing, **link}))
    assert launch["lms_section_id"] == "other-course"
    assert {"custom", "link_title", "section_id"}.isdisjoint(launch)


def test_outside_of_a_course_there_is_no_section_and_no_assignment(
    sandbox: Sandbox, platform: Platform
) -> None:
    column = {AGS: {"lineitems": f"{ISSUER}/items", "lineitem": f"{ISSUER}/items/outside"}}
    launch = exchanged(sandbox, start(sandbox, platform, {**column, LTI + "context": None}))
    assert {"lms_section_id", "section_id", "assignment_id"}.isdisjoint(launch)
    assert launch["user_id"] == STUDENT


def test_nothing_that_is_secret_or_a_persons_is_logged(
    sandbox: Sandbox, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "passback")
    browser = Browser(sandbox)
    asked = browser.asked(client_id=CLIENT_ID)
    claims = platform.claims(asked["nonce"], sandbox.clock(), name="Ann Example", email="ann@school.example")
    form = {"state": asked["state"], "id_token": signed(claims)}
    [secret] = browser.cookies.values()
    code = query_of(browser.launch(form).headers["location"])["code"]
    app(sandbox).post(f"/v3.1/launches/{code}", b"")
    refused(browser.launch({**form, "stored": secret}, PUBLIC_URL), "used before")
    refused(start(sandbox, platform, {"aud": "another", "email": "ann@school.example"}), "somebody else")
    assert caplog.records
    for private in (
        form["id_token"],
        form["state"],
        secret,
        code,
        asked["nonce"],
        "Ann",
        "ann@",
        "lms-user-1",
    ):
        assert private not in caplog.text


def test_a_link_with_a_column_of_its_own_becomes_an_assignment_once(
    sandbox: Sandbox, platform: Platform
) -> None:
    def opened(item: str, course: str = "course-1") -> str | None:
        endpoint = {AGS: {"scope": [], "lineitems": f"{ISSUER}/items", "lineitem": item}}
        launch = exchanged(sandbox, start(sandbox, platform, {**endpoint, LTI + "context": {"id": course}}))
        found: str | None = launch.get("assignment_id")
        return found

    first = opened(f"{ISSUER}/items/7")
    assert first is not None
    assert opened(f"{ISSUER}/items/7") == first
    assert opened(f"{ISSUER}/items/8") not in (None, first)
    assert opened("") is None
    assert opened(f"{ISSUER}/items/7", "a course that is nobody's") is None

    def record(conn: Connection) -> AssignmentRecord | None:
        return assignments.find_in_section(conn, DISTRICT, SECTION, first)[1]

    assert sandbox.gateway.database.read_now(record) == AssignmentRecord(first, "/items/7")
    # Whoever deletes it does not get it back by a launch that was still under way.
    sandbox.write(lambda conn: assignments.mark_deleted(conn, first, sandbox.clock()))
    assert opened(f"{ISSUER}/items/7") is None


def test_a_link_with_the_column_of_another_is_not_that_ones_assignment(
    sandbox: Sandbox, platform: Platform
) -> None:
    def opened(link: str, item: str) -> str | None:
        endpoint = {AGS: {"lineitems": f"{ISSUER}/items", "lineitem": f"{ISSUER}/items/{item}"}}
        reply = start(sandbox, platform, {**endpoint, LTI + "resource_link": {"id": link}})
        found: str | None = exchanged(sandbox, reply).get("assignment_id")
        return found

    first = opened("first", "31")
    assert first is not None
    assert opened("second", "31") is None
    assert opened("first", "31") == first
    second = opened("second", "32")
    assert second not in (None, first)
    # A teacher has moved the column to the other link, and the first has another one now.
    assert opened("first", "33") is not None
    assert opened("second", "31") == first


def test_a_students_work_is_opened_for_review(sandbox: Sandbox, platform: Platform) -> None:
    column = {AGS: {"lineitems": f"{ISSUER}/items", "lineitem": f"{ISSUER}/items/of-review"}}
    review = {
        **column,
        LTI + "message_type": "LtiSubmissionReviewRequest",
        LTI + "roles": [MEMBER + "Instructor"],
        LTI + "for_user": {"user_id": "lms-user-1", "name": "Ann"},
        "sub": "lms-teacher",
    }
    assert "assignment_id" not in exchanged(sandbox, start(sandbox, platform, review))  # it is nobody's yet
    assignment = exchanged(sandbox, start(sandbox, platform, column))["assignment_id"]
    launch = exchanged(sandbox, start(sandbox, platform, {**review, LTI + "resource_link": {"id": "link-3"}}))
    assert (launch["assignment_id"], launch["user_id"], launch["role"]) == (assignment, TEACHER, "teacher")
    assert (launch["for_user_id"], launch["lms_for_user_id"]) == (STUDENT, "lms-user-1")
    stranger = exchanged(sandbox, start(sandbox, platform, {**review, LTI + "for_user": {"user_id": "x"}}))
    assert ("for_user_id" in stranger, stranger["lms_for_user_id"]) == (False, "x")
    # The column is not that link's own.
    notes = sandbox.gateway.database.read_now(lambda conn: find(conn, DISTRICT, ["context/course-1"]))
    assert notes["context/course-1"]["resource_links"]["link-3"] == {}


@pytest.mark.parametrize("lacks", [{LTI + "for_user": None}, {AGS: None}, {AGS: {"lineitem": ""}}])
def test_a_review_of_nobody_or_nothing_is_refused(
    sandbox: Sandbox, platform: Platform, lacks: dict[str, Any]
) -> None:
    review = {
        LTI + "message_type": "LtiSubmissionReviewRequest",
        LTI + "for_user": {"user_id": "lms-user-1"},
        AGS: {"lineitem": f"{ISSUER}/items/7"},
    }
    refused(start(sandbox, platform, {**review, **lacks}), "does not say whose work")


def test_what_is_told_of_a_course_is_kept(sandbox: Sandbox, platform: Platform) -> None:
    grades = {"scope": ["b", "a"], "lineitems": f"{ISSUER}/items", "lineitem": f"{ISSUER}/items/7"}
    people = {"context_memberships_url": f"{ISSUER}/people", "service_versions": ["2.0"]}
    sis = {LTI + "lis": {"course_section_sourcedid": "section-7"}}
    start(sandbox, platform, {AGS: grades, NRPS: people, **sis})
    second = {LTI + "resource_link": {"id": "link-2"}}
    start(sandbox, platform, {AGS: {**grades, "lineitem": ""}, **second})

    notes = sandbox.gateway.database.read_now(lambda conn: find(conn, DISTRICT, ["context/course-1"]))
    assert notes["context/course-1"] == {
        "deployment_id": DEPLOYMENT,
        "label": "ALG",
        "lineitems": f"{ISSUER}/items",
        "memberships_url": f"{ISSUER}/people",
        "resource_links": {"link-1": {"title": "Fractions", "lineitem": f"{ISSUER}/items/7"}, "link-2": {}},
        "scopes": ["a", "b"],
        "sourcedid": "section-7",
        "title": "Algebra",
    }


def test_where_else_a_course_has_had_its_members_is_kept(sandbox: Sandbox, platform: Platform) -> None:
    for name in ("one", "two", "two", "one", "three"):
        start(sandbox, platform, {NRPS: {"context_memberships_url": f"{ISSUER}/{name}"}})
    notes = sandbox.gateway.database.read_now(lambda conn: find(conn, DISTRICT, ["context/course-1"]))
    note = notes["context/course-1"]
    assert (note["memberships_url"], note["older_memberships"]) == (
        f"{ISSUER}/three",
        [f"{ISSUER}/one", f"{ISSUER}/two"],
    )


# Whom the browser is


def test_without_its_cookie_a_browser_goes_no_further(sandbox: Sandbox, platform: Platform) -> None:
    refused(start(sandbox, platform, browser=Browser(sandbox, keeps_cookies=False)), "in a new window")


def test_the_launch_of_one_browser_is_no_use_in_another(sandbox: Sandbox, platform: Platform) -> None:
    mine, theirs = Browser(sandbox), Browser(sandbox)
    asked = mine.asked(client_id=CLIENT_ID)
    theirs.asked(client_id=CLIENT_ID)
    [(_, secret)] = theirs.cookies.items()
    [(name, _)] = mine.cookies.items()
    theirs.cookies[name] = secret
    form = {"state": asked["state"], "id_token": signed(platform.claims(asked["nonce"], sandbox.clock()))}
    refused(theirs.launch(form), "in a new window")
    assert mine.launch(form).status == 303


def test_where_cookies_are_blocked_the_lms_keeps_the_secret(sandbox: Sandbox, platform: Platform) -> None:
    browser = Browser(sandbox, keeps_cookies=False)
    put = data_of(browser.log_in(client_id=CLIENT_ID, lti_storage_target="_parent"))
    assert (put["do"], put["target"], put["origin"]) == ("begin", "_parent", ISSUER)
    asked = query_of(put["url"])
    form = {"state": asked["state"], "id_token": signed(platform.claims(asked["nonce"], sandbox.clock()))}

    get = data_of(browser.launch(form))
    assert (get["do"], get["key"], get["origin"]) == ("fetch", put["key"], ISSUER)
    assert (get["state"], get["token"], get["url"]) == (*form.values(), f"{PUBLIC_URL}/lti/launch")

    refused(browser.launch({**form, "stored": ""}, PUBLIC_URL), "in a new window")
    refused(browser.launch({**form, "stored": "x" * 32}, PUBLIC_URL), "in a new window")
    exchanged(sandbox, browser.launch({**form, "stored": put["value"]}, PUBLIC_URL))


@pytest.mark.parametrize("origin", ["https://evil.test", ISSUER, "null"])
def test_another_page_cannot_say_what_the_lms_has_kept(
    sandbox: Sandbox, platform: Platform, origin: str
) -> None:
    mine, theirs = Browser(sandbox, keeps_cookies=False), Browser(sandbox, keeps_cookies=False)
    put = data_of(mine.log_in(client_id=CLIENT_ID, lti_storage_target="_parent"))
    asked = query_of(put["url"])
    form = {"state": asked["state"], "id_token": signed(platform.claims(asked["nonce"], sandbox.clock()))}
    refused(theirs.launch({**form, "stored": put["value"]}, origin), "in a new window")


def test_the_pages_run_their_own_script_only(sandbox: Sandbox) -> None:
    page = Browser(sandbox).log_in(
        client_id=CLIENT_ID, lti_storage_target="frame-1", login_hint='"><script>alert(1)</script>'
    )
    assert b"alert(1)</script>" not in page.body
    assert "script-src 'sha256-" in page.headers["content-security-policy"]
    bad = Browser(sandbox).log_in(client_id="<script>alert(1)</script>")
    assert b"<script>" not in bad.body
    assert "script-src 'none'" in bad.headers["content-security-policy"]


def test_a_frame_whose_name_is_none_is_not_asked(sandbox: Sandbox) -> None:
    reply = Browser(sandbox).log_in(client_id=CLIENT_ID, lti_storage_target="a b")
    assert reply.status == 302


# Once, and in time


def test_a_launch_is_taken_once(sandbox: Sandbox, platform: Platform) -> None:
    browser = Browser(sandbox)
    asked = browser.asked(client_id=CLIENT_ID)
    cookies = dict(browser.cookies)
    form = {"state": asked["state"], "id_token": signed(platform.claims(asked["nonce"], sandbox.clock()))}
    assert browser.launch(form).status == 303
    assert browser.cookies == {}
    browser.cookies = cookies
    refused(browser.launch(form), "used before")


def test_a_launch_that_took_too_long_is_refused(sandbox: Sandbox, platform: Platform) -> None:
    browser, before = Browser(sandbox), sandbox.clock.now
    asked = browser.asked(client_id=CLIENT_ID)
    sandbox.clock.now += 10 * 60 * 1000
    try:
        form = {"state": asked["state"], "id_token": signed(platform.claims(asked["nonce"], sandbox.clock()))}
        refused(browser.launch(form), "took too long")
    finally:
        sandbox.clock.now = before


@pytest.mark.parametrize("state", ["", "x", "a.b.c", "é", "\ud800", unsigned({"alg": "none"}, {"id": "1"})])
def test_a_state_that_is_not_ours_is_refused(sandbox: Sandbox, state: str) -> None:
    body = urlencode({"state": state, "id_token": "x"}, errors="surrogatepass")
    refused(sandbox.client(None).call("POST", "/lti/launch", body, FORM), "is not ours")


def test_a_code_is_exchanged_once_in_time_and_by_its_application(
    sandbox: Sandbox, platform: Platform
) -> None:
    def code() -> str:
        return query_of(start(sandbox, platform).headers["location"])["code"]

    first = f"/v3.1/launches/{code()}"
    assert sandbox.client("DEMO_TOKEN").post(first, b"").status == 404
    sandbox.write(
        lambda conn: tokens.create(
            conn, district_id=DISTRICT, application="Other", secret="OTHER", now=sandbox.clock()
        )
    )
    assert sandbox.client("OTHER").post(first, b"").status == 404
    assert app(sandbox).post(first, b"").status == 200
    assert app(sandbox).post(first, b"").status == 404
    late = f"/v3.1/launches/{code()}"
    sandbox.clock.now += 2 * 60 * 1000
    try:
        assert app(sandbox).post(late, b"").status == 404
    finally:
        sandbox.clock.now -= 2 * 60 * 1000
    for odd in ("x", "%00", "%ff", "a" * 5000):
        assert app(sandbox).post(f"/v3.1/launches/{odd}", b"").status == 404


def test_launches_are_counted_by_outcome(sandbox: Sandbox, platform: Platform) -> None:
    def counted(outcome: str) -> int:
        shown = sandbox.client(None).get("/metrics").body.decode()
        found = re.search(rf'passback_lti_launches_total{{outcome="{outcome}"}} (\d+)', shown)
        return 0 if found is None else int(found[1])

    names = ("sent_on", "untrusted", "other_browser", "unknown")
    before = [counted(it) for it in names]
    exchanged(sandbox, start(sandbox, platform))
    start(sandbox, platform, {"aud": "another"})
    start(sandbox, platform, browser=Browser(sandbox, keeps_cookies=False))
    Browser(sandbox).log_in(iss="https://nobody.test")
    assert [counted(it) for it in names] == [it + 1 for it in before]
