"""Who the client of a request is, behind proxies that are named, and behind others."""

from __future__ import annotations

import contextlib
import logging
import re

import pytest

from support.observe import logged
from support.sandbox import ASSIGNMENTS, Client, serving

CLIENT = "203.0.113.7"


def peer_logged(named: str, **headers: str) -> str:
    """The client as the log names it that is refused for its token, with a request from this machine."""
    with (
        serving(trusted_proxies=named) as sandbox,
        logged(level=logging.WARNING) as log,
        contextlib.closing(Client(sandbox.port, "GUESS")) as client,
    ):
        assert client.get(ASSIGNMENTS, **headers).status == 403
    [peer] = re.findall(r"no valid token, from (\S+) ", log.getvalue())
    return str(peer)


@pytest.mark.parametrize(
    ("named", "headers", "peer"),
    [
        ("", {"X-Forwarded-For": CLIENT}, "127.0.0.1"),
        ("192.0.2.1", {"X-Forwarded-For": CLIENT}, "127.0.0.1"),
        ("127.0.0.0/8", {"X-Forwarded-For": f"198.51.100.1, {CLIENT}"}, CLIENT),
        ("127.0.0.0/8", {"Forwarded": f"for={CLIENT}"}, "127.0.0.1"),
        ("127.0.0.0/8", {"X-Real-IP": CLIENT, "Client-IP": CLIENT, "True-Client-IP": CLIENT}, "127.0.0.1"),
        ("127.0.0.0/8", {}, "127.0.0.1"),
    ],
)
def test_only_proxies_that_are_named_say_who_the_client_is(
    named: str, headers: dict[str, str], peer: str
) -> None:
    assert peer_logged(named, **headers) == peer


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"},
        {"Forwarded": "proto=https;host=evil.example"},
        {"X-Forwarded-Prefix": "/evil", "X-Original-URL": "/evil", "X-Forwarded-Port": "1"},
    ],
)
def test_no_header_changes_where_the_gateway_says_that_it_is(headers: dict[str, str]) -> None:
    public = "http://passback.example"
    with (
        serving(trusted_proxies="127.0.0.1", public_url=public) as sandbox,
        contextlib.closing(Client(sandbox.port, None)) as client,
    ):
        paths = ("/lti/jwks.json", "/console/sign-in", "/openapi.json")
        plain, forwarded = ([client.get(path, **it) for path in paths] for it in ({}, headers))
    for one, other in zip(plain, forwarded, strict=True):
        assert b"evil" not in other.body
        assert (one.status, one.headers.get("location")) == (other.status, other.headers.get("location"))
        assert one.headers.get("set-cookie", "").count("Secure") == other.headers.get("set-cookie", "").count(
            "Secure"
        )
