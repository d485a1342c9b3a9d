"""OAuth 2 (RFC 6749) as LMSs use it: access tokens by grants, kept until shortly before they expire."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from passback.domain.clock import MINUTE, REAL_TIME, SECOND, Clock, Instant, Timer, system_clock
from passback.lms.http.client import LmsClient, PlainManners
from passback.lms.interface import LmsConnection, NotAllowed, Unavailable
from passback.observe.lms import LmsWatch

_EARLY = 5 * MINUTE
"""For how long before a token expires it is no longer used."""
_FRESH_SECONDS = 2.0
_MOST_TOKENS = 10_000

TERMINAL = frozenset(
    {"invalid_client", "invalid_grant", "unauthorized_client", "invalid_request", "invalid_scope"}
)
"""Errors (RFC 6749, 5.2) that a retry cannot fix."""


class Token(Struct, frozen=True):
    """An access token."""

    text: str
    expires: Instant | None
    scopes: frozenset[str] = frozenset()
    """What was granted, where the LMS says."""

    def __repr__(self) -> str:
        return "Token()"


class TokenEndpoint:
    """Where grants are exchanged for access tokens."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        patience: float = 25.0,
        watch: LmsWatch | None = None,
        timer: Timer = REAL_TIME,
    ) -> None:
        """`watch` and `timer` are those of the connection that the tokens are for."""
        self._url = url
        self._clock = clock
        self._client = LmsClient(
            LmsConnection(url, {}, patience=patience, timer=timer, watch=watch or LmsWatch()),
            PlainManners({}),
        )

    async def grant(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """The answer to a grant. Raises `NotAllowed` where it is refused for good, else `Unavailable`."""
        reply = await self._client.send(
            "POST",
            self._url,
            content=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            safe=True,  # a second token does no harm
        )
        try:
            answer = reply.json()
        except Unavailable:
            answer = None
        if reply.status == 200 and isinstance(answer, dict) and isinstance(answer.get("access_token"), str):
            return answer
        error = str(answer.get("error", "")) if isinstance(answer, dict) else ""
        if error in TERMINAL:
            described = str(answer.get("error_description", ""))
            raise NotAllowed(f"it issues no token: {error} {described}".rstrip(), credentials=True)
        raise Unavailable(f"it issues no token: status {reply.status}", retry_after=30)

    async def token(self, form: Mapping[str, str]) -> Token:
        """The access token of a grant. Raises as `grant`."""
        answer = await self.grant(form)
        seconds = answer.get("expires_in")
        expires = self._clock() + int(seconds) * SECOND if isinstance(seconds, int | float) else None
        scopes = answer.get("scope")
        return Token(
            answer["access_token"],
            expires,
            frozenset(scopes.split()) if isinstance(scopes, str) else frozenset(),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


class Tokens:
    """Access tokens by key, such as a user's address: each fetched once when it is needed, however many wait."""

    def __init__(
        self, fetch: Callable[[str], Awaitable[Token]], clock: Clock, timer: Timer = REAL_TIME
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._timer = timer
        self._tokens: OrderedDict[str, tuple[Token, float]] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[Token]] = {}

    async def get(self, key: str, *, renew: bool = False) -> Token:
        """The token of `key`; `renew` where the LMS has just refused the one that was given before."""
        kept = self._tokens.get(key)
        if kept is not None:
            token, fetched = kept
            good = token.expires is None or self._clock() < token.expires - _EARLY
            # Of several requests that were refused at once, the first renews for all.
            if good and not (renew and self._timer.seconds() - fetched > _FRESH_SECONDS):
                self._tokens.move_to_end(key)
                return token
        task = self._fetching.get(key)
        if task is None:
            task = self._fetching[key] = asyncio.ensure_future(self._fetch(key))
            task.add_done_callback(lambda done: self._fetched(key, done))
        return await asyncio.shield(task)

    def _fetched(self, key: str, task: asyncio.Task[Token]) -> None:
        del self._fetching[key]
        if not task.cancelled() and task.exception() is None:
            self._tokens[key] = task.result(), self._timer.seconds()
            if len(self._tokens) > _MOST_TOKENS:
                self._tokens.popitem(last=False)


async def exchange_code(
    endpoint_url: str,
    given: Mapping[str, str],
    callback: str,
    begun: Mapping[str, str],
    query: Mapping[str, str],
) -> Mapping[str, Any]:
    """The answer to the code with which the browser came back, a refresh token in it. Raises `Unavailable`.

    `begun` holds the ``state`` that the sign-in was begun with; `given` the client's id and secret.
    """
    if not secrets.compare_digest(query.get("state", ""), begun["state"]):
        raise NotAllowed("the browser came back from another sign-in")
    if "code" not in query:
        raise NotAllowed("access was not granted")
    endpoint = TokenEndpoint(endpoint_url, system_clock)
    try:
        answer = await endpoint.grant(
            {
                "grant_type": "authorization_code",
                "client_id": given.get("client_id", ""),
                "client_secret": given.get("client_secret", ""),
                "redirect_uri": callback,
                "code": query["code"],
            }
        )
    finally:
        await endpoint.close()
    if not isinstance(answer.get("refresh_token"), str):
        raise NotAllowed("there came no refresh token")
    return answer
