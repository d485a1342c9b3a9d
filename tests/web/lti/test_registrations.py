"""Which connection a launch is of, and which application it starts."""

from __future__ import annotations

import pytest

from passback.store import tokens
from passback.store.engine.database import Connection
from support.lti import (
    CLIENT_ID,
    DEPLOYMENT,
    FORM,
    ISSUER,
    LTI,
    PUBLIC_URL,
    Browser,
    Platform,
    connect,
    query_of,
    serving_platform,
    signed,
)
from support.lti_launches import (
    APP,
    DISTRICT,
    app,
    exchanged,
    refused,
    start,
)
from support.sandbox import Sandbox

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
        forget(sandbox, other)


def test_registrations_are_told_apart_by_deployment_if_the_lms_names_no_client(
    sandbox: Sandbox, platform: Platform
) -> None:
    other = "4fee004cca2e43cf27000000"
    connect(sandbox, platform, other, client_id="client-2", deployment_ids="deployment-2")
    try:
        assert Browser(sandbox).asked(lti_deployment_id="deployment-2")["client_id"] == "client-2"
    finally:
        forget(sandbox, other)


def test_whose_keys_count_is_decided_by_the_deployment(sandbox: Sandbox, platform: Platform) -> None:
    """Districts share a client, and the first in the list has other keys: they are believed of its deployment only."""
    other = "4fee004cca2e43cf27000000"
    with serving_platform() as theirs:
        theirs.publish("second")
        connect(sandbox, theirs, other, deployment_ids="deployment-2")
        try:
            exchanged(sandbox, start(sandbox, platform))
            for deployment, words, status in (
                (DEPLOYMENT, "does not publish", 400), ("deployment-2", "No application", 404),
            ):  # fmt: skip
                browser = Browser(sandbox)
                asked = browser.asked(client_id=CLIENT_ID)
                claims = platform.claims(
                    asked["nonce"], sandbox.clock(), **{LTI + "deployment_id": deployment}
                )
                form = {"state": asked["state"], "id_token": signed(claims, "second")}
                refused(browser.launch(form), words, status)
        finally:
            forget(sandbox, other)


def forget(sandbox: Sandbox, district: str) -> None:
    def write(conn: Connection) -> None:
        conn.execute("DELETE FROM connections WHERE district_id = :id", {"id": district})
        conn.execute("UPDATE districts SET lms_type = 'builtin' WHERE id = :id", {"id": district})

    sandbox.write(write)


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
    said = {"error": "login_required", "error_description": "<b>Sign in</b>"}
    asked = Browser(sandbox).asked(client_id=CLIENT_ID)
    refused(Browser(sandbox).launch({**said, "state": asked["state"]}), "&lt;b&gt;Sign in")
    elsewhere = Browser(sandbox).launch(
        {**said, "state": "x"}
    )  # anybody could have a page of ours say anything
    refused(elsewhere, "is not ours")
    assert b"Sign in" not in elsewhere.body


def test_other_methods_and_bodies_are_no_crash(sandbox: Sandbox) -> None:
    client = sandbox.client(None)
    assert client.get("/lti/launch").headers["allow"] == "POST"
    assert client.call("PUT", "/lti/login").status == 405
    assert client.call("POST", "/lti/launch", b"\xff\xfe", FORM).status == 400
    assert client.call("POST", "/lti/launch", b"&".join([b"a=b"] * 200), FORM).status == 400
    refused(client.call("POST", "/lti/login", b"a" * 300_000, FORM), "is too long", 413)
    for twice in (b"state=a&state=b", b"id_token=a&state=s&id_token=b"):
        refused(client.call("POST", "/lti/launch", twice, FORM), "two things of the same name")
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


def test_the_code_is_a_parameter_even_behind_a_bare_question_mark(
    sandbox: Sandbox, platform: Platform
) -> None:
    app(sandbox).post("/v3.1/launch_address", {"url": "https://app.example/launch?"})
    reply = start(sandbox, platform)
    assert set(query_of(reply.headers["location"])) == {"code"}


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
