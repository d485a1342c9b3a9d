"""Launches from an LMS: only what it has signed for us, now and once, goes on, and only to a registered address."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from passback.store import assignments, tokens
from passback.store.assignments import AssignmentRecord
from passback.store.engine.database import Connection
from passback.store.notes import find
from passback.wire.dates import show
from support.lti import (
    AGS,
    CLIENT_ID,
    DEPLOYMENT,
    DL,
    FORM,
    ISSUER,
    LTI,
    MEMBER,
    NRPS,
    PUBLIC_URL,
    Browser,
    Platform,
    connect,
    data_of,
    jwks,
    key,
    query_of,
    serving_platform,
    signed,
)
from support.sandbox import Client, Reply, Sandbox, serving

DISTRICT = "4fee004cca2e43cf28000000"
SECTION = "4fee004cca2e43cf28000007"
STUDENT = "4fee004cca2e43cf28001001"
TEACHER = "4fee004cca2e43cf28000001"
TOKEN = "DEMO_TOKEN_ELSEWHERE"
APP = "https://app.example/launch?from=lms"
NONE: Mapping[str, Any] = {}


@pytest.fixture(scope="module")
def gateway() -> Iterator[Sandbox]:
    with serving(public_url=PUBLIC_URL) as sandbox:
        yield sandbox


@pytest.fixture
def platform() -> Iterator[Platform]:
    with serving_platform() as platform:
        yield platform


@pytest.fixture
def sandbox(gateway: Sandbox, platform: Platform) -> Sandbox:
    """A district that is connected to the platform, and an application of it that can be started."""
    connect(gateway, platform, DISTRICT)

    def match(conn: Connection) -> None:
        for table, ours, theirs in (
            ("sections", SECTION, "course-1"),
            ("users", STUDENT, "lms-user-1"),
            ("users", TEACHER, "lms-teacher"),
        ):
            conn.execute(
                f"UPDATE {table} SET lms_id = :theirs WHERE id = :ours", {"ours": ours, "theirs": theirs}
            )
        conn.execute("DELETE FROM launch_addresses", {})
        conn.execute("DELETE FROM notes", {})

    gateway.write(match)
    app(gateway).post("/v3.1/launch_address", {"url": APP})
    return gateway


def app(sandbox: Sandbox) -> Client:
    return sandbox.client(TOKEN)


def start(
    sandbox: Sandbox, platform: Platform, changes: Mapping[str, Any] = NONE, browser: Browser | None = None
) -> Reply:
    """A whole launch; `changes` are claims that differ."""
    browser = browser or Browser(sandbox)
    asked = browser.asked(client_id=CLIENT_ID)
    token = signed(platform.claims(asked["nonce"], sandbox.clock(), **changes))
    return browser.launch({"state": asked["state"], "id_token": token})


def exchanged(sandbox: Sandbox, reply: Reply) -> dict[str, Any]:
    """What the application learns of a launch that went on to it."""
    assert reply.status == 303, reply
    url = reply.headers["location"]
    assert url.startswith(f"{APP}&code=")
    answer = app(sandbox).post(f"/v3.1/launches/{query_of(url)['code']}", b"")
    assert answer.status == 200, answer
    data: dict[str, Any] = answer.data
    return data


def refused(reply: Reply, words: str, status: int = 400) -> None:
    assert reply.status == status, reply
    assert words in reply.body.decode()
    assert "location" not in reply.headers
    assert reply.headers["content-type"] == "text/html; charset=utf-8"


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
    assert cookie.endswith("; Path=/lti; Max-Age=600; HttpOnly; Secure; SameSite=None; Partitioned")
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
    assert (put["do"], put["target"], put["origin"]) == ("put", "_parent", ISSUER)
    asked = query_of(put["url"])
    form = {"state": asked["state"], "id_token": signed(platform.claims(asked["nonce"], sandbox.clock()))}

    get = data_of(browser.launch(form))
    assert (get["do"], get["key"], get["origin"]) == ("get", put["key"], ISSUER)
    assert (get["state"], get["token"], get["url"]) == (*form.values(), f"{PUBLIC_URL}/lti/launch")

    refused(browser.launch({**form, "stored": ""}), "in a new window")
    refused(browser.launch({**form, "stored": "x" * 32}), "in a new window")
    exchanged(sandbox, browser.launch({**form, "stored": put["value"]}))


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


# What an LMS may not say


BAD = [
    ({"iss": "https://other.test"}, "invalid_claim"),
    ({"iss": None}, "missing_claim"),
    ({"aud": "another"}, "for somebody else"),
    ({"aud": []}, "for somebody else"),
    ({"aud": {"client-1": 1}}, "for somebody else"),
    ({"aud": None}, "for somebody else"),
    ({"aud": [CLIENT_ID, "another"]}, "issued to somebody else"),
    ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "issued to somebody else"),
    ({"azp": "another"}, "issued to somebody else"),
    ({"nonce": "another"}, "invalid_claim"),
    ({"nonce": None}, "not the answer"),
    ({"nonce": ["x"]}, "not the answer"),
    ({"exp": None}, "missing_claim"),
    ({"iat": None}, "missing_claim"),
    ({"exp": "soon"}, "invalid_claim"),
    ({"exp": True}, "invalid_claim"),
    ({"iat": {}}, "invalid_claim"),
    ({LTI + "version": "1.1"}, "Invalid enum value"),
    ({LTI + "deployment_id": None}, "missing required field"),
    ({LTI + "deployment_id": 5}, "Expected `str`"),
    ({LTI + "message_type": "LtiSubmissionReviewRequest"}, "not offered here"),
    ({LTI + "message_type": "LtiDeepLinkingRequest"}, "not offered here"),
    ({LTI + "context": {"id": "x" * 1001}}, "length"),
    ({LTI + "context": {"id": "a\0b"}}, "cannot be one"),
    ({"sub": "a\0b"}, "cannot be one"),
    ({LTI + "roles": "Learner"}, "Expected `array`"),
]


@pytest.mark.parametrize(("changes", "words"), BAD, ids=[str(changes)[:60] for changes, _ in BAD])
def test_what_an_lms_may_not_say(
    sandbox: Sandbox, platform: Platform, changes: dict[str, Any], words: str
) -> None:
    refused(start(sandbox, platform, changes), words)


@pytest.mark.parametrize(
    "changes", [{"aud": [CLIENT_ID]}, {"aud": ["x", CLIENT_ID], "azp": CLIENT_ID}, {"azp": CLIENT_ID}]
)
def test_we_may_be_one_of_several(sandbox: Sandbox, platform: Platform, changes: dict[str, Any]) -> None:
    exchanged(sandbox, start(sandbox, platform, changes))


@pytest.mark.parametrize(
    ("claim", "seconds", "is_good"),
    [
        ("exp", -59, True),
        ("exp", -60, False),
        ("iat", 60, True),
        ("iat", 61, False),
        ("nbf", 60, True),
        ("nbf", 61, False),
    ],
)
def test_clocks_may_differ_by_a_minute(
    sandbox: Sandbox, platform: Platform, claim: str, seconds: int, is_good: bool
) -> None:
    reply = start(sandbox, platform, {claim: sandbox.clock() // 1000 + seconds})
    assert reply.status == (303 if is_good else 400)


def test_a_deployment_that_is_not_connected_is_refused(sandbox: Sandbox, platform: Platform) -> None:
    refused(start(sandbox, platform, {LTI + "deployment_id": "deployment-9"}), "deployment-9", 403)


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(it).rstrip(b"=").decode() for it in parts)


def with_public_key_as_secret(claims: dict[str, Any]) -> str:
    content = unsigned({"alg": "HS256", "kid": "first"}, claims).rpartition(".")[0]
    code = hmac.digest(key("first").as_pem(private=False), content.encode(), "sha256")
    return f"{content}.{base64.urlsafe_b64encode(code).rstrip(b'=').decode()}"


def by_another(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "first"}, claims, key("second"))


def altered(claims: dict[str, Any]) -> str:
    header, _, signature = signed(claims).split(".")
    content = (
        base64.urlsafe_b64encode(json.dumps({**claims, "sub": "lms-teacher"}).encode()).rstrip(b"=").decode()
    )
    return f"{header}.{content}.{signature}"


def with_its_own_key(claims: dict[str, Any]) -> str:
    own = key("second").as_dict(private=False)
    return jwt.encode({"alg": "RS256", "kid": "second", "jwk": own}, claims, key("second"))


FORGED: list[Callable[[dict[str, Any]], str]] = [
    lambda claims: unsigned({"alg": "none", "kid": "first"}, claims),
    lambda claims: unsigned({"alg": "None", "kid": "first"}, claims, b"x"),
    lambda claims: unsigned({"alg": "RS256", "kid": "first"}, claims),
    lambda claims: unsigned({"alg": ["RS256"], "kid": "first"}, claims, b"x"),
    lambda claims: unsigned({"alg": "RS256", "kid": ["first"]}, claims, b"x"),
    lambda claims: unsigned({"alg": "RS256"}, claims, b"x"),
    lambda claims: unsigned({"alg": "RS256", "kid": "first", "crit": ["x"], "x": 1}, claims, b"x"),
    lambda claims: signed(claims)[:-4] + "AAAA",
    lambda claims: jwt.encode({"alg": "RS512", "kid": "first"}, claims, key("first"), algorithms=["RS512"]),
    lambda claims: jwt.encode({"alg": "RS256"}, claims, key("first")),
    with_public_key_as_secret,
    by_another,
    altered,
    with_its_own_key,
    lambda _: "",
    lambda _: "a.b",
    lambda _: "a.b.c.d.e",
    lambda _: "é.é.é",
    lambda _: base64.urlsafe_b64encode(b"[" * 60_000).decode() + ".e30.x",
    lambda _: "A" * 300_000,
    lambda _: jwt.encode({"alg": "RS256", "kid": "first"}, {"x": "y" * 110_000}, key("first")),
]  # fmt: skip


@pytest.mark.parametrize("forge", FORGED, ids=range(len(FORGED)))
def test_what_the_lms_has_not_signed_goes_nowhere(
    sandbox: Sandbox, platform: Platform, forge: Callable[[dict[str, Any]], str]
) -> None:
    browser = Browser(sandbox)
    asked = browser.asked(client_id=CLIENT_ID)
    token = forge(platform.claims(asked["nonce"], sandbox.clock()))
    reply = browser.launch({"state": asked["state"], "id_token": token})
    assert reply.status in (400, 413)
    assert "location" not in reply.headers


def test_a_signed_token_that_is_no_object_is_refused(sandbox: Sandbox) -> None:
    from joserfc import jws

    for content in (b"[]", b"null", b'"x"', b"{", b"NaN", b"[" * 50_000, b'{"exp":NaN}', b"\xff"):
        browser = Browser(sandbox)
        asked = browser.asked(client_id=CLIENT_ID)
        token = jws.serialize_compact({"alg": "RS256", "kid": "first"}, content, key("first"))
        assert browser.launch({"state": asked["state"], "id_token": token}).status == 400, content


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


# The LMS's keys


def test_a_new_key_is_read_once_and_works(sandbox: Sandbox, platform: Platform) -> None:
    start(sandbox, platform)
    assert platform.asked == 1
    platform.publish("first", "second")
    sandbox.clock.now += 31_000
    browser = Browser(sandbox)
    asked = browser.asked(client_id=CLIENT_ID)
    token = signed(platform.claims(asked["nonce"], sandbox.clock()), "second")
    exchanged(sandbox, browser.launch({"state": asked["state"], "id_token": token}))
    start(sandbox, platform)
    assert platform.asked == 2


def test_unknown_keys_make_no_storm(sandbox: Sandbox, platform: Platform) -> None:
    for number in range(20):
        browser = Browser(sandbox)
        asked = browser.asked(client_id=CLIENT_ID)
        claims = platform.claims(asked["nonce"], sandbox.clock())
        token = jwt.encode({"alg": "RS256", "kid": f"unknown-{number}"}, claims, key("second"))
        refused(browser.launch({"state": asked["state"], "id_token": token}), "does not publish")
    assert platform.asked == 1


def test_a_key_that_is_no_longer_published_is_refused_within_the_hour(
    sandbox: Sandbox, platform: Platform
) -> None:
    start(sandbox, platform)
    platform.publish("second")
    sandbox.clock.now += 60 * 60 * 1000
    refused(start(sandbox, platform), "does not publish")


def test_while_the_lms_cannot_be_asked_known_keys_count_for_a_day(
    sandbox: Sandbox, platform: Platform
) -> None:
    start(sandbox, platform)
    platform.status = 500
    sandbox.clock.now += 23 * 60 * 60 * 1000
    exchanged(sandbox, start(sandbox, platform))
    sandbox.clock.now += 60 * 60 * 1000
    refused(start(sandbox, platform), "it answers 500", 503)


@pytest.mark.parametrize(
    "document",
    [
        b"", b"null", b"[]", b"{}", b'{"keys":null}', b'{"keys":{}}', b"<html>", b"\xff\xfe", b"[" * 100_000,
        b"x" * 300_000,
    ],
)  # fmt: skip
def test_a_list_of_keys_that_is_none_is_said_to_be(
    sandbox: Sandbox, platform: Platform, document: bytes
) -> None:
    platform.document = document
    refused(start(sandbox, platform), "keys cannot be read now", 503)


def test_odd_keys_are_left_out(sandbox: Sandbox, platform: Platform) -> None:
    good = jwks("first")["keys"]
    odd: list[Any] = [
        None, 5, [], {}, {"kid": "first"}, {"kid": ["first"], "kty": "RSA"},
        {**good[0], "kid": None}, {**good[0], "n": "AQAB"}, {**good[0], "n": 5}, {**good[0], "n": "!" * 400},
        {**good[0], "n": "A" * 5000}, {**good[0], "e": ""}, {**good[0], "e": "A" * 400}, {**good[0], "use": "enc"},
        {**good[0], "kty": "oct", "k": "AAAA"}, {**good[0], "kty": "EC"},
    ]  # fmt: skip
    platform.document = json.dumps({"keys": [*odd, *good]}).encode()
    exchanged(sandbox, start(sandbox, platform))
    sandbox.clock.now += 60 * 60 * 1000
    platform.document = json.dumps({"keys": odd}).encode()
    refused(start(sandbox, platform), "does not publish")


# Which registration, which application


def test_several_registrations_of_one_issuer_are_told_apart(sandbox: Sandbox, platform: Platform) -> None:
    other = "4fee004cca2e43cf27000000"
    connect(sandbox, platform, other, client_id="client-2", auth_login_url=f"{ISSUER}/second")
    try:
        refused(Browser(sandbox).log_in(), "does not say which one", 404)
        assert "/second?" in Browser(sandbox).log_in(client_id="client-2").headers["location"]
        exchanged(sandbox, start(sandbox, platform))
        browser = Browser(sandbox)
        asked = browser.asked(client_id=CLIENT_ID)
        theirs = signed(platform.claims(asked["nonce"], sandbox.clock(), aud="client-2"))
        refused(browser.launch({"state": asked["state"], "id_token": theirs}), "for somebody else")
        connect(sandbox, platform, other, deployment_ids="deployment-2 deployment-3")
        assert Browser(sandbox).log_in().status == 302
        refused(start(sandbox, platform, {LTI + "deployment_id": "deployment-3"}), "No application", 404)
        connect(sandbox, platform, other, deployment_ids=f"{DEPLOYMENT} x")
        refused(start(sandbox, platform), "not clear which is meant")
    finally:
        sandbox.write(
            lambda conn: conn.execute("DELETE FROM connections WHERE district_id = :other", {"other": other})
        )
        sandbox.write(
            lambda conn: conn.execute(
                "UPDATE districts SET lms_type = 'builtin' WHERE id = :other", {"other": other}
            )
        )


def test_registrations_are_told_apart_by_deployment_if_the_lms_names_no_client(
    sandbox: Sandbox, platform: Platform
) -> None:
    other = "4fee004cca2e43cf27000000"
    connect(sandbox, platform, other, client_id="client-2", deployment_ids="deployment-2")
    try:
        assert Browser(sandbox).asked(lti_deployment_id="deployment-2")["client_id"] == "client-2"
    finally:
        sandbox.write(
            lambda conn: conn.execute("DELETE FROM connections WHERE district_id = :other", {"other": other})
        )
        sandbox.write(
            lambda conn: conn.execute(
                "UPDATE districts SET lms_type = 'builtin' WHERE id = :other", {"other": other}
            )
        )


@pytest.mark.parametrize("given", [{"iss": "https://nobody.test"}, {"client_id": "nobody"}])
def test_who_is_not_connected_is_told_so(sandbox: Sandbox, given: dict[str, str]) -> None:
    refused(Browser(sandbox).log_in(**given), "No district is connected", 404)


@pytest.mark.parametrize("given", [{"iss": ""}, {"login_hint": ""}])
def test_a_login_says_who_it_is(sandbox: Sandbox, given: dict[str, str]) -> None:
    refused(Browser(sandbox).log_in(**given), "for an LMS to call")


def test_the_link_names_the_application_if_several_can_be_started(
    sandbox: Sandbox, platform: Platform
) -> None:
    sandbox.write(
        lambda conn: tokens.create(
            conn, district_id=DISTRICT, application="Reading", secret="READING", now=sandbox.clock()
        )
    )
    sandbox.client("READING").post("/v3.1/launch_address", {"url": "http://localhost:5000/lti"})
    refused(start(sandbox, platform), "does not say which one")
    for named in (
        {LTI + "target_link_uri": f"{PUBLIC_URL}/lti/launch?application=Reading"},
        {LTI + "custom": {"application": "Reading"}},
    ):
        assert (
            start(sandbox, platform, named).headers["location"].startswith("http://localhost:5000/lti?code=")
        )
    refused(start(sandbox, platform, {LTI + "custom": {"application": "Nobody"}}), "of that name", 404)
    hostile = {LTI + "target_link_uri": "https://evil.test/?application=https://evil.test"}
    refused(start(sandbox, platform, hostile), "of that name", 404)


def test_nobody_is_sent_to_an_application_that_may_not_act_any_more(
    sandbox: Sandbox, platform: Platform
) -> None:
    [token] = [
        it
        for it in sandbox.gateway.database.read_now(lambda conn: tokens.find_all(conn, DISTRICT))
        if it.application not in ("Other", "Reading")
    ]
    sandbox.write(lambda conn: tokens.revoke(conn, token.id, sandbox.clock()))
    try:
        refused(start(sandbox, platform), "No application", 404)
    finally:
        sandbox.write(lambda conn: conn.execute("UPDATE tokens SET revoked = NULL", {}))


def test_the_lms_may_refuse_to_say_who_it_is(sandbox: Sandbox) -> None:
    form = urlencode({"error": "login_required", "error_description": "<b>Sign in</b>", "state": "x"})
    refused(sandbox.client(None).call("POST", "/lti/launch", form, FORM), "&lt;b&gt;Sign in")


def test_other_methods_and_bodies_are_no_crash(sandbox: Sandbox) -> None:
    client = sandbox.client(None)
    assert client.get("/lti/launch").headers["allow"] == "POST"
    assert client.call("PUT", "/lti/login").status == 405
    assert client.call("POST", "/lti/launch", b"\xff\xfe", FORM).status == 400
    assert client.call("POST", "/lti/launch", b"&".join([b"a=b"] * 200), FORM).status == 400
    assert client.call("POST", "/lti/login", b"a" * 300_000, FORM).status == 413
    assert client.call("POST", "/lti/launch", b"", FORM).status == 400


# The launch address


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example/", "ftp://app.example/", "//app.example/", "app.example", "javascript:alert(1)",
        "https://", "https://user@app.example/", "https://app.example/#x", "https://app.example/ x",
        "https://app.example/\r\nX: y", "https://app.example/é", "https://app.example:99999/", "https://[::1",
        "https:\\\\app.example/", "https://app.example/" + "x" * 2048, "http://localhost.evil.test/",
    ],
)  # fmt: skip
def test_people_are_sent_to_safe_addresses_only(sandbox: Sandbox, url: str) -> None:
    reply = app(sandbox).post("/v3.1/launch_address", {"url": url})
    assert (reply.status, reply.json["message"][:11]) == (400, "INVALID_URL")


def test_an_application_registers_reads_and_deletes_its_address(sandbox: Sandbox) -> None:
    assert app(sandbox).post("/v3.1/launch_address", {}).json == {"message": "missing required field(s): url"}
    assert app(sandbox).get("/v3.1/launch_address").data["url"] == APP
    assert sandbox.client("DEMO_TOKEN").get("/v3.1/launch_address").status == 404
    changed = app(sandbox).post("/v3.1/launch_address", {"url": "http://127.0.0.1:5000/x"})
    assert changed.data["url"] == "http://127.0.0.1:5000/x"
    assert app(sandbox).delete("/v3.1/launch_address").status == 200
    assert app(sandbox).delete("/v3.1/launch_address").status == 404
    assert app(sandbox).get("/v3.1/launch_address").status == 404


# Our own keys


def test_our_keys_are_published(sandbox: Sandbox) -> None:
    reply = sandbox.client(None).get("/lti/jwks.json")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert isinstance(reply.json["keys"], list)


# Choosing an activity in the LMS

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
    assert (claims["iss"], claims["aud"], claims["iat"], claims["exp"]) == (CLIENT_ID, ISSUER, now, now + 300)
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
