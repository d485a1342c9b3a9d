"""Access tokens for the services of an LMS, for assertions that we sign (RFC 7523)."""

from __future__ import annotations

import json
import re
import uuid
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from msgspec.structs import replace

from passback.lms.http.oauth2 import TokenEndpoint, Tokens, final_error
from passback.lms.interface import NotAllowed, Unavailable
from passback.lms.signing import EARLIER_SECONDS, read_key

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

    from passback.domain.clock import Clock
    from passback.lms.http.reply import Reply
    from passback.lms.interface import LmsConnection
    from passback.lms.tokens import Token

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_DEPLOYMENT = "https://purl.imsglobal.org/spec/lti/claim/deployment_id"
_LIFE_SECONDS = 300

_MOODLES = re.compile(rb'\s*\{\s*"error"\s*:\s*"(.*)"\s*\}\s*', re.DOTALL)
"""A refusal of Moodle's, which is no JSON if there are quotation marks in it."""
_REMEDIES = (
    (("expired", "prior to", "not yet", "iat", "exp"), "do the clocks agree?"),
    (("signature", "kid", "key"), "has it got our public keys, from /lti/jwks.json?"),
)
"""What to look for, by what is in a refusal."""
_LONGEST_WORDS = 200
_FIRST_WAIT = 0.5
"""The seconds before a token is asked for again; each wait is twice as long as the last."""
_PASSING = ("temporarily_unavailable", "server_error", "slow_down")


def _refusal(reply: Reply) -> str | None:
    """Why a token is refused for good, with what to do about it; None if it is not.

    Moodle says so in words of its own, such as ``Signature verification failed``.
    """
    found = _MOODLES.fullmatch(reply.body[:2000]) if reply.status in (400, 401) else None
    words = final_error(reply)
    if words is None and found is not None:
        words = found[1].decode("utf-8", "replace")[:_LONGEST_WORDS]
    if words is None or words in _PASSING:
        return None
    advice = [what for parts, what in _REMEDIES if any(it in words.lower() for it in parts)][:1]
    return " ".join((words, *(f"({it})" for it in advice)))


class LtiTokens:
    """The access tokens of one connection, by the scopes that they are for."""

    def __init__(self, connection: LmsConnection, clock: Clock) -> None:
        options = connection.options
        self._client_id = options.get("client_id", "")
        self._url = urljoin(connection.address, options.get("token_url", ""))
        self._audience = options.get("token_audience") or self._url
        self._credentials = connection.credentials
        self._signing = connection.signing
        self._deployments = options.get("deployment_ids", "").replace(",", " ").split()
        self._clock = clock
        self._timer, self._patience = connection.timer, connection.patience
        self._endpoint = TokenEndpoint(
            self._url, clock, connection.patience, connection.watch, connection.timer, _refusal
        )
        self._tokens = Tokens(self._fetch, clock, connection.timer)

    async def get(self, scopes: str, *, renew: bool = False, since: float | None = None) -> Token:
        """Return a token for scopes, separated by blanks; `renew` and `since` as for `Tokens`."""
        return await self._tokens.get(scopes, renew=renew, since=since)

    async def close(self) -> None:
        """Close the connections."""
        await self._tokens.close()
        await self._endpoint.close()

    async def _fetch(self, scopes: str) -> Token:
        try:
            return await self._ask(scopes)
        except NotAllowed as error:
            if "invalid_scope" not in str(error):
                raise
            # Some LMSs (Canvas) issue a token for all of the scopes or none, and do not say which one is in the way.
            allowed = [it for it in scopes.split() if await self._is_allowed(it)]
            if not allowed:
                raise
        return replace(await self._ask(" ".join(allowed)), scopes=frozenset(allowed))

    async def _is_allowed(self, scope: str) -> bool:
        try:
            await self._ask(scope)
        except NotAllowed:
            return False
        return True

    async def _ask(self, scopes: str) -> Token:
        """Ask for a token. An LMS takes an assertion once, so each try has its own. Raises `Unavailable`."""
        give_up, wait = self._timer.seconds() + self._patience, _FIRST_WAIT
        while True:
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": _ASSERTION,
                "client_assertion": await self._assertion(),
                "scope": scopes,
            }
            try:
                return await self._endpoint.token(form, once=True)
            except Unavailable as error:
                if not error.in_doubt:
                    raise
                if self._timer.seconds() + wait > give_up:
                    error.in_doubt = False  # a second token does no harm
                    raise
            await self._timer.sleep(wait)
            wait *= 2

    async def _assertion(self) -> str:
        # Imported with the first token: a gateway without any starts faster without it.
        from joserfc import jwt

        key = await self._key()
        issued = self._clock() // 1000 - EARLIER_SECONDS
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": self._audience,
            "iat": issued,
            "exp": issued + _LIFE_SECONDS,
            "jti": str(uuid.uuid4()),
        }
        if len(self._deployments) == 1:
            claims[_DEPLOYMENT] = self._deployments[0]  # some want it of a client that has several
        return jwt.encode({"alg": "RS256", "kid": key.kid, "typ": "JWT"}, claims, key)

    async def _key(self) -> RSAKey:
        """The key that signs, with its ``kid``: the connection's own, if it has one, or else the gateway's."""
        from joserfc.errors import JoseError

        if own := self._credentials.get("private_key"):
            try:
                return _from_jwk(own)
            except (ValueError, TypeError, KeyError, JoseError):
                raise NotAllowed("its private_key is no private RSA key (JWK)", credentials=True) from None
        if self._signing is None:
            raise NotAllowed("there is no key to sign with", credentials=True)
        key = await self._signing.current()
        return read_key(key.pem, key.id)


@lru_cache(maxsize=16)
def _from_jwk(text: str) -> RSAKey:
    """As `read_key`, of a JWK."""
    from joserfc.jwk import RSAKey

    return RSAKey.import_key(json.loads(text))
