"""Registering by a link: an administrator opens it in the LMS, and the district is connected."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from passback.operations import lti
from passback.store import audit, connections, districts
from passback.store.engine.database import Connection
from support.lti import LTI, PUBLIC_URL, Browser, Platform, data_of, serving_platform, signed
from support.sandbox import Reply, Sandbox, serving

DISTRICT = "4fee004cca2e43cf28000000"
TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Sandbox]:
    with serving(public_url=PUBLIC_URL) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(gateway: Sandbox) -> Sandbox:
    gateway.write(lambda conn: connections.remove(conn, DISTRICT))
    gateway.write(lambda conn: districts.set_lms(conn, DISTRICT, "", "", None))
    return gateway


@pytest.fixture
def platform() -> Iterator[Platform]:
    with serving_platform() as platform:
        platform.describe()
        platform.answer = (200, json.dumps({"client_id": "abc", TOOL: {"deployment_id": "7"}}).encode())
        yield platform


def invite(sandbox: Sandbox, platform: Platform, **given: Any) -> dict[str, str]:
    """The parameters of a link for the LMS."""
    gateway = sandbox.gateway
    values = {"family": "moodle", "address": f"{platform.url}/", "district_id": DISTRICT, **given}
    link = asyncio.run(lti.invite(gateway.database, gateway.vault, gateway.clock, PUBLIC_URL, **values))
    start, _, code = link.partition("?code=")
    assert start == f"{PUBLIC_URL}/lti/register"
    return {"code": code}


def open_link(sandbox: Sandbox, platform: Platform, link: Mapping[str, str], **given: str) -> Reply:
    """What the LMS's administrator sees."""
    query = {**link, "openid_configuration": platform.configuration_url, "registration_token": "t-1", **given}
    return sandbox.client(None).get(f"/lti/register?{urlencode(query)}")


def connected(sandbox: Sandbox, district: str = DISTRICT) -> Mapping[str, str] | None:
    found = sandbox.gateway.database.read_now(lambda conn: connections.find(conn, district))
    return None if found is None else {"address": found.address, **found.options}


def refused(reply: Reply, words: str, status: int) -> None:
    assert (reply.status, words in reply.body.decode()) == (status, True), reply


def test_a_district_is_connected_and_can_be_launched_from(sandbox: Sandbox, platform: Platform) -> None:
    reply = open_link(sandbox, platform, invite(sandbox, platform))
    assert reply.status == 200
    assert data_of(reply) == {"do": "close"}
    [(authorization, sent)] = platform.registrations
    assert authorization == "Bearer t-1"
    assert sent["redirect_uris"] == [f"{PUBLIC_URL}/lti/launch"]
    assert sent["initiate_login_uri"] == f"{PUBLIC_URL}/lti/login"
    assert sent["jwks_uri"] == f"{PUBLIC_URL}/lti/jwks.json"
    assert sent["token_endpoint_auth_method"] == "private_key_jwt"
    assert sent["scope"].count("https://purl.imsglobal.org/spec/lti") == 5
    found = connected(sandbox)
    assert found is not None
    expected = {
        "address": f"{platform.url}/", "issuer": platform.url, "client_id": "abc", "deployment_ids": "7",
        "auth_login_url": f"{platform.url}/auth", "token_url": f"{platform.url}/token",
        "jwks_url": platform.jwks_url, "family": "moodle",
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert len(sandbox.client(None).get("/lti/jwks.json").json["keys"]) == 2
    lines = sandbox.gateway.database.read_now(lambda conn: audit.find_all(conn, district=DISTRICT))
    assert [it.actor for it in lines if it.action == "connection.made"][-1] == "registration link"

    sandbox.client("DEMO_TOKEN_ELSEWHERE").post("/v3.1/launch_address", {"url": "https://app.example/"})
    browser = Browser(sandbox)
    asked = browser.asked(iss=platform.url)
    claims = platform.claims(asked["nonce"], sandbox.clock(), iss=platform.url, aud="abc")
    token = signed({**claims, LTI + "deployment_id": "7"})
    launched = browser.launch({"state": asked["state"], "id_token": token})
    assert launched.headers["location"].startswith("https://app.example/?code=")


def test_a_new_district_is_made_only_then(sandbox: Sandbox, platform: Platform) -> None:
    def named(conn: Connection) -> list[Any]:
        return conn.execute("SELECT id FROM districts WHERE name = 'New Unified'", {}).fetchall()

    link = invite(sandbox, platform, district_id=None, name="New Unified", address=f"{platform.url}/new/")
    platform.answer = (200, b'{"client_id":"new","deployment_id":"1"}')
    assert sandbox.gateway.database.read_now(named) == []
    assert open_link(sandbox, platform, link).status == 200
    [(district,)] = sandbox.gateway.database.read_now(named)
    found = connected(sandbox, district)
    assert found is not None
    assert (found["client_id"], found["deployment_ids"]) == ("new", "1")


def test_a_link_is_good_once_and_for_a_week(sandbox: Sandbox, platform: Platform) -> None:
    link = invite(sandbox, platform)
    late = invite(sandbox, platform)
    assert open_link(sandbox, platform, link).status == 200
    refused(open_link(sandbox, platform, link), "was used before", 404)
    before = sandbox.clock.now
    sandbox.clock.advance(days=7)
    refused(open_link(sandbox, platform, late), "too old", 404)
    sandbox.clock.now = before
    refused(open_link(sandbox, platform, {"code": "x"}), "not valid", 404)
    assert len(platform.registrations) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest", "https://lms.evil.test/configuration", "file:///etc/passwd", "x", "",
        "http://user@127.0.0.1/", "http://[::1", "//127.0.0.1/x",
    ],
)  # fmt: skip
def test_only_the_lms_that_it_was_made_for_is_asked(sandbox: Sandbox, platform: Platform, url: str) -> None:
    reply = open_link(sandbox, platform, invite(sandbox, platform), openid_configuration=url)
    assert reply.status in (400, 403)
    assert platform.registrations == []
    assert connected(sandbox) is None


BAD_CONFIGURATIONS: list[Any] = [
    None, [], {}, "x", b"", b"<html>", b"\xff", b"[" * 100_000, b"x" * 300_000, {"issuer": "x"},
]  # fmt: skip


@pytest.mark.parametrize("said", BAD_CONFIGURATIONS, ids=range(len(BAD_CONFIGURATIONS)))
def test_a_description_that_is_none_connects_nothing(sandbox: Sandbox, platform: Platform, said: Any) -> None:
    platform.configuration = said
    refused(open_link(sandbox, platform, invite(sandbox, platform)), "description of itself", 502)
    assert connected(sandbox) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"token_endpoint": "http://lms.test/token"}, {"jwks_uri": "http://169.254.169.254/"},
        {"registration_endpoint": "ftp://lms.test/"}, {"issuer": "javascript:x"}, {"authorization_endpoint": None},
        {"authorization_endpoint": "https://lms.test/a\r\nX: y"}, {"jwks_uri": "https://u:p@lms.test/"},
        {"jwks_uri": "https://lms.test:99999/"}, {"issuer": 5}, {"token_endpoint": "https://"},
    ],
)  # fmt: skip
def test_addresses_that_are_not_safe_connect_nothing(
    sandbox: Sandbox, platform: Platform, changes: dict[str, Any]
) -> None:
    platform.describe(**changes)
    assert open_link(sandbox, platform, invite(sandbox, platform)).status in (400, 502)
    assert platform.registrations == []
    assert connected(sandbox) is None


@pytest.mark.parametrize(
    "answer",
    [
        (401, b"token_already_used"), (404, b"<html>"), (500, b""), (302, b""), (200, b""), (200, b"[]"),
        (200, b"{}"), (200, b'{"client_id":null}'), (200, b'{"client_id":5}'), (200, b'{"client_id":""}'),
        (200, b'{"client_id":"a\\u0000b"}'), (200, b"[" * 100_000), (200, b'{"client_id":"' + b"x" * 1001 + b'"}'),
        (200, b'{"client_id":"x","https://purl.imsglobal.org/spec/lti-tool-configuration":5}'),
    ],
)  # fmt: skip
def test_a_registration_that_fails_connects_nothing_and_can_be_tried_again(
    sandbox: Sandbox, platform: Platform, answer: tuple[int, bytes]
) -> None:
    link, sound = invite(sandbox, platform), platform.answer
    platform.answer = answer
    assert open_link(sandbox, platform, link).status == 502
    assert connected(sandbox) is None
    platform.answer = sound
    assert open_link(sandbox, platform, link).status == 200


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "é", "x" * 20_001])
def test_a_token_that_is_none_is_not_sent(sandbox: Sandbox, platform: Platform, token: str) -> None:
    link = invite(sandbox, platform)
    assert open_link(sandbox, platform, link, registration_token=token).status in (400, 414, 431)
    assert platform.registrations == []


def test_an_lms_may_give_no_token_and_know_no_deployment_yet(sandbox: Sandbox, platform: Platform) -> None:
    platform.answer = (
        201,
        b'{"client_id":"abc","https://purl.imsglobal.org/spec/lti-tool-configuration":[]}',
    )
    query = {**invite(sandbox, platform), "openid_configuration": platform.configuration_url}
    assert sandbox.client(None).get(f"/lti/register?{urlencode(query)}").status == 200
    assert platform.registrations[0][0] == ""
    found = connected(sandbox)
    assert found is not None
    assert found["deployment_ids"] == ""


def test_a_deployment_of_another_district_is_refused(sandbox: Sandbox, platform: Platform) -> None:
    assert open_link(sandbox, platform, invite(sandbox, platform)).status == 200
    link = invite(sandbox, platform, district_id=None, name="Second")
    refused(open_link(sandbox, platform, link), "deployment 7 of that LMS already", 409)


def test_only_a_get_opens_a_link(sandbox: Sandbox) -> None:
    assert sandbox.client(None).call("POST", "/lti/register", b"").headers["allow"] == "GET"
    refused(sandbox.client(None).get("/lti/register"), "not valid", 404)
