"""Launches of the sandbox's second district, and what its application learns of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.lti import (
    CLIENT_ID,
    Browser,
    Platform,
    query_of,
    signed,
)
from support.sandbox import Client, Reply, Sandbox

DISTRICT = "4fee004cca2e43cf28000000"
SECTION = "4fee004cca2e43cf28000007"
STUDENT = "4fee004cca2e43cf28001001"
TEACHER = "4fee004cca2e43cf28000001"
TOKEN = "DEMO_TOKEN_ELSEWHERE"
APP = "https://app.example/launch?from=lms"
NONE: Mapping[str, Any] = {}


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
