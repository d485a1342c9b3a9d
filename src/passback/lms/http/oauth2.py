"""OAuth 2 (RFC 6749) as LMSs use it: access tokens by grants, kept until shortly before they expire."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from passback.domain.clock import REAL_TIME, SECOND, Clock, Timer, system_clock
from passback.lms.http.client import LmsClient, PlainManners
from passback.lms.http.reply import Reply
from passback.lms.http.within import watching_writes
from passback.lms.interface import LmsConnection, NotAllowed, Unavailable
from passback.lms.tokens import Exchanged, HeldRefreshToken, Token
from passback.observe.lms import LmsWatch

_EARLY_SECONDS = 300.0
"""For how long before a token expires it is no longer used; at most for half of its life."""
_LONGEST_LIFE_SECONDS = 86_400.0
_FRESH_SECONDS = 2.0
_MOST_TOKENS = 10_000
_LONGEST_TOKEN = 16_384
_TOKEN = re.compile(r"[!-~]+")
"""What can be sent in a header (RFC 6749, A.12, without spaces)."""
_SECRETS = ("client_secret", "refresh_token", "code", "assertion", "client_assertion")
_SECONDS = re.compile(r"\d{1,300}(\.\d*)?", re.ASCII)

TERMINAL = frozenset(
    {
        "invalid_client", "invalid_grant", "unauthorized_client", "invalid_request", "invalid_scope",
        "unsupported_grant_type",
    }
)  # fmt: skip
"""Errors (RFC 6749, 5.2) that a retry cannot fix."""


def final_error(reply: Reply) -> str | None:
    """Return the error of a grant that is refused for good; None if the answer is none."""
    answer = reply.content()
    error = answer.get("error") if isinstance(answer, dict) else None
    return error if isinstance(error, str) and error in TERMINAL else None


class _Manners(PlainManners):
    """Of an endpoint whose refusals may have a form of their own."""

    def __init__(self, final: Callable[[Reply], str | None]) -> None:
        super().__init__({})
        self._final = final

    def own_refusal(self, reply: Reply) -> bool:
        return super().own_refusal(reply) or self._final(reply) is not None


class TokenEndpoint:
    """Where grants are exchanged for access tokens."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        patience: float = 25.0,
        watch: LmsWatch | None = None,
        timer: Timer = REAL_TIME,
        final: Callable[[Reply], str | None] = final_error,
    ) -> None:
        """`watch` and `timer` are those of the connection that the tokens are for; `final` see `final_error`."""
        self._url = url
        self._clock = clock
        self._final = final
        self._client = LmsClient(
            LmsConnection(url, {}, patience=patience, timer=timer, watch=watch or LmsWatch()),
            _Manners(final),
        )

    async def grant(self, form: Mapping[str, str], *, once: bool = False) -> Mapping[str, Any]:
        """Return the answer to a grant. Raises `NotAllowed` if it is refused for good, else `Unavailable`.

        `once` if it cannot be used twice (RFC 6749, 4.1.2): then a lost answer leaves it in doubt.
        """
        with watching_writes():  # a token is nothing that is written for whoever needs it
            reply = await self._client.send(
                "POST",
                self._url,
                content=urlencode(form).encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                safe=not once,  # a second token does no harm
            )
        answer = reply.content()
        if reply.status == 200 and isinstance(answer, dict) and "access_token" in answer:
            return answer
        error = self._final(reply)
        if error is not None:
            described = _described(answer, form) if isinstance(answer, dict) else ""
            raise NotAllowed(f"it issues no token: {error} {described}".rstrip(), credentials=True)
        raise Unavailable(f"it issues no token: status {reply.status}")

    async def token(self, form: Mapping[str, str], *, once: bool = False) -> Token:
        """Return the access token of a grant. `once` and errors as of `grant`."""
        return self._token_of(await self.grant(form, once=once))

    async def exchange(self, form: Mapping[str, str]) -> Exchanged:
        """Exchange a refresh token. Raises as `grant`.

        A refresh token that replaces it comes also with an access token that is none: the old one may be void.
        """
        answer = await self.grant(form)
        replacing = answer.get("refresh_token")
        if not _is_token(replacing) or replacing == form.get("refresh_token"):
            replacing = None
        try:
            return Exchanged(self._token_of(answer), replacing)
        except Unavailable as error:
            return Exchanged(error, replacing)

    def _token_of(self, answer: Mapping[str, Any]) -> Token:
        text, kind = answer["access_token"], answer.get("token_type")
        if not _is_token(text):
            raise Unavailable("it issues a token that cannot be sent")
        if isinstance(kind, str) and kind.strip().lower() not in ("", "bearer"):
            raise NotAllowed("it issues tokens of a type other than Bearer")
        life = _seconds(answer.get("expires_in"))
        scopes = answer.get("scope")
        return Token(
            text,
            None if life is None else self._clock() + round((life - min(_EARLY_SECONDS, life / 2)) * SECOND),
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

    async def get(self, key: str, *, renew: bool = False, since: float | None = None) -> Token:
        """The token of `key`; `renew` where the LMS has just refused the one that was given before.

        With `since` (in the timer's seconds) it is one that was fetched after that.
        """
        kept = self._tokens.get(key)
        if kept is not None:
            token, fetched = kept
            good = token.expires is None or self._clock() < token.expires
            # Of several requests that were refused at once, the first renews for all.
            late = since is None or fetched > since
            if good and late and not (renew and self._timer.seconds() - fetched > _FRESH_SECONDS):
                self._tokens.move_to_end(key)
                return token
        task = self._fetching.get(key)
        if task is None:
            task = self._fetching[key] = asyncio.ensure_future(self._fetch(key))
            task.add_done_callback(lambda done: self._fetched(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Wait for those that are being fetched."""
        await asyncio.gather(*self._fetching.values(), return_exceptions=True)

    def _fetched(self, key: str, task: asyncio.Task[Token]) -> None:
        del self._fetching[key]
        if not task.cancelled() and task.exception() is None:
            self._tokens[key] = task.result(), self._timer.seconds()
            if len(self._tokens) > _MOST_TOKENS:
                self._tokens.popitem(last=False)


class SignedInTokens:
    """The access tokens of whoever signed in for a connection; a new refresh token is kept where the old one was."""

    def __init__(self, endpoint: TokenEndpoint, connection: LmsConnection, clock: Clock, lms: str) -> None:
        self._endpoint = endpoint
        self._given = connection.credentials
        self._lms = lms
        self._refresh = connection.refresh or HeldRefreshToken(self._given.get("refresh_token", ""))
        self._last = ""
        self._tokens = Tokens(self._fetch, clock, connection.timer)

    async def get(self, *, renew: bool = False) -> Token:
        """Return the access token; `renew` as for `Tokens`. Raises `Unavailable`."""
        return await self._tokens.get("", renew=renew)

    async def close(self) -> None:
        """Wait for a refresh token that is under way: it may be the only one left."""
        await self._tokens.close()

    async def _fetch(self, _: str) -> Token:
        token = await self._refresh.token(self._exchange, self._last)
        self._last = token.text
        return token

    async def _exchange(self, refresh_token: str) -> Exchanged:
        if not refresh_token:
            raise NotAllowed(f"nobody has signed in to {self._lms} for this district", credentials=True)
        return await self._endpoint.exchange(
            {
                "grant_type": "refresh_token",
                "client_id": self._given.get("client_id", ""),
                "client_secret": self._given.get("client_secret", ""),
                "refresh_token": refresh_token,
            }
        )


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
            },
            once=True,
        )
    finally:
        await endpoint.close()
    if not _is_token(answer.get("refresh_token")):
        raise NotAllowed("there came no refresh token")
    return answer


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TOKEN and _TOKEN.fullmatch(value) is not None


def _seconds(value: Any) -> float | None:
    """Read ``expires_in``: how long a token lives, a day at most; None if that says nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _SECONDS.fullmatch(value.strip()):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return _LONGEST_LIFE_SECONDS
    return min(seconds, _LONGEST_LIFE_SECONDS) if seconds > 0 and not math.isinf(seconds) else None


def _described(answer: Mapping[str, Any], form: Mapping[str, str]) -> str:
    """Return the words of a refusal, unless they repeat what must not be logged."""
    words = str(answer.get("error_description", ""))[:200]
    secrets_sent = (
        form.get(name) for name in ("client_secret", "refresh_token", "code", "assertion", "client_assertion")
    )
    return "" if any(it and it in words for it in secrets_sent) else words
