"""Signing in to Schoology (OAuth 1.0a, three-legged), for the connection's user or for a student.

Source: Schoology's developer documentation, "Authentication". There is no verifier; the token itself comes back.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode

from passback.domain.clock import system_clock
from passback.lms.http.client import LmsClient, PlainManners
from passback.lms.interface import LmsConnection, NotAllowed
from passback.lms.schoology.credentials import HMAC, Key, Signer


class SchoologySignIn:
    """See `passback.lms.interface.SignIn`."""

    async def begin(
        self, address: str, given: Mapping[str, str], callback: str
    ) -> tuple[str, Mapping[str, str]]:
        token, secret = await _token(address, "oauth/request_token", _key(given), given)
        web = (given.get("web_address") or "https://app.schoology.com/").rstrip("/")
        query = urlencode({"oauth_token": token, "oauth_callback": callback})
        return f"{web}/oauth/authorize?{query}", {"token": token, "secret": secret}

    async def finish(
        self,
        address: str,
        given: Mapping[str, str],
        callback: str,  # noqa: ARG002 - Schoology got it in the browser
        begun: Mapping[str, str],
        query: Mapping[str, str],
    ) -> Mapping[str, str]:
        if not secrets.compare_digest(query.get("oauth_token", ""), begun["token"]):
            raise NotAllowed("the browser came back from another sign-in")
        key = _key(given, begun["token"], begun["secret"])
        token, secret = await _token(address, "oauth/access_token", key, given)
        return {"token": token, "token_secret": secret}


def _key(given: Mapping[str, str], token: str = "", secret: str = "") -> Key:
    """Return the app's key if the district has one, or else the connection's own."""
    consumer = given.get("app_key") or given.get("consumer_key", "")
    return Key(consumer, given.get("app_secret") or given.get("consumer_secret", ""), token, secret)


async def _token(address: str, path: str, key: Key, given: Mapping[str, str]) -> tuple[str, str]:
    """Request a token and its secret. Raises `Unavailable`."""
    signer = Signer(system_clock, given.get("signature_method") or HMAC)
    header = signer.authorization(key, "GET", address + path)
    client = LmsClient(LmsConnection(address, {}), PlainManners({"Authorization": header}, refusal=None))
    try:
        reply = await client.send("GET", path, safe=False)  # the signature is good for one try
    finally:
        await client.close()
    form = parse_qs(reply.body.decode("utf-8", "replace"))
    if reply.status != 200 or "oauth_token" not in form or "oauth_token_secret" not in form:
        raise NotAllowed(f"Schoology issues no token (status {reply.status})", credentials=True)
    return form["oauth_token"][0], form["oauth_token_secret"][0]
