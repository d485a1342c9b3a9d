"""What an LMS says of a launch: only what it has signed for us now, with a key that it publishes, goes on."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt

from passback.lti.platform_keys import PlatformKeys, UnknownKey
from support.lti import (
    AGS,
    CLIENT_ID,
    LTI,
    Browser,
    Platform,
    jwks,
    key,
    signed,
    unsigned,
)
from support.lti_launches import (
    exchanged,
    refused,
    start,
)
from support.sandbox import Sandbox

# What an LMS may not say

BAD = [
    ({"iss": "https://other.test"}, "from another LMS"),
    ({"iss": None}, "from another LMS"),
    ({"aud": "another"}, "for somebody else"),
    ({"iat": 4_000_000_000}, "comes from the future"),
    ({"nbf": 4_000_000_000}, "comes from the future"),
    ({"aud": []}, "for somebody else"),
    ({"aud": {"client-1": 1}}, "for somebody else"),
    ({"aud": None}, "for somebody else"),
    ({"aud": [CLIENT_ID, "another"]}, "issued to somebody else"),
    ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "issued to somebody else"),
    ({"azp": "another"}, "issued to somebody else"),
    ({"nonce": "another"}, "not the answer"),
    ({"nonce": None}, "not the answer"),
    ({"nonce": ["x"]}, "not the answer"),
    ({"exp": None}, "until when it counts"),
    ({"iat": None}, "until when it counts"),
    ({"exp": "soon"}, "until when it counts"),
    ({"exp": True}, "until when it counts"),
    ({"iat": {}}, "until when it counts"),
    ({LTI + "version": "1.1"}, "Invalid enum value"),
    ({LTI + "deployment_id": None}, "missing required field"),
    ({LTI + "deployment_id": 5}, "Expected `str`"),
    ({LTI + "message_type": "LtiDataPrivacyLaunchRequest"}, "not offered here"),
    ({LTI + "message_type": "LtiDeepLinkingRequest"}, "not offered here"),
    ({LTI + "context": {"id": "x" * 1001}}, "length"),
    ({LTI + "context": {"id": "a\0b"}}, "cannot be one"),
    ({"sub": "a\0b"}, "cannot be one"),
    ({AGS: {"lineitem": "https://lms.test/li/\0"}}, "cannot be one"),
    ({"sub": 5}, "must not say (sub)"),
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


@pytest.mark.anyio
async def test_who_comes_while_the_keys_are_read_waits_for_them(platform: Platform) -> None:
    now = 0
    keys = PlatformKeys(lambda: now)

    async def class_finds(name: str) -> None:
        found = await asyncio.gather(*(keys.find(platform.jwks_url, name) for _ in range(30)))
        assert {it.as_dict(private=False)["n"] for it in found} == {key(name).as_dict(private=False)["n"]}

    await class_finds("first")
    platform.publish("second")
    now += 30_000
    await class_finds("second")
    assert platform.asked == 2


@pytest.mark.anyio
async def test_who_has_a_known_key_does_not_wait_for_others(platform: Platform) -> None:
    now = 0
    keys = PlatformKeys(lambda: now)
    await keys.find(platform.jwks_url, "first")
    now += 60 * 60 * 1000
    reading = asyncio.create_task(keys.find(platform.jwks_url, "unknown"))
    await asyncio.sleep(0)  # it has asked, and waits for the answer
    await keys.find(platform.jwks_url, "first")
    assert not reading.done()
    with pytest.raises(UnknownKey):
        await reading


def test_a_new_key_that_cannot_be_read_is_not_said_to_be_unpublished(
    sandbox: Sandbox, platform: Platform
) -> None:
    start(sandbox, platform)
    platform.publish("first", "second")
    platform.status = 500
    sandbox.clock.now += 31_000
    browser = Browser(sandbox)
    asked = browser.asked(client_id=CLIENT_ID)
    token = signed(platform.claims(asked["nonce"], sandbox.clock()), "second")
    refused(browser.launch({"state": asked["state"], "id_token": token}), "keys cannot be read now", 503)


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
