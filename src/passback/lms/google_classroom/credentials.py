"""Access tokens for Google: for any user of the domain (service account), or for the one who signed in.

Sources: Google Identity's "Using OAuth 2.0 for Server to Server Applications" and "... for Web Server Applications".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from passback.lms.http.oauth2 import SignedInTokens, TokenEndpoint, Tokens
from passback.lms.interface import NotAllowed
from passback.lms.signing import read_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Clock
    from passback.lms.interface import LmsConnection
    from passback.lms.tokens import Token

TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE_SECONDS = 3600
_PREFIX = "https://www.googleapis.com/auth/classroom."

TEACHER_SCOPES = tuple(
    _PREFIX + name
    for name in ("courses.readonly", "coursework.students", "profile.emails", "rosters.readonly")
)
"""The scopes to read courses and people, and to write assignments and grades."""
TOPIC_SCOPE = _PREFIX + "topics.readonly"
"""The scope that the option ``topic`` needs besides."""
STUDENT_SCOPES = (_PREFIX + "coursework.me",)
"""The scopes to hand in work as a student."""


def teacher_scopes(options: Mapping[str, str]) -> tuple[str, ...]:
    """Return the scopes that a connection with these options needs to read and write as teachers."""
    return (*TEACHER_SCOPES, TOPIC_SCOPE) if options.get("topic") else TEACHER_SCOPES


_ABOUT_ASSERTION = ("Invalid JWT", "account not found")
"""What Google says if the key was deleted, the clocks differ, or the service account is gone: no user is to blame."""
AS_STUDENT = "student "
"""The prefix of the name to act by if it is a student's; the e-mail address follows."""


class NoSuchUser(NotAllowed):
    """Google issues no token for one user: the account is gone, or belongs to another domain."""


class GoogleTokens:
    """The access tokens of one connection."""

    def __init__(self, connection: LmsConnection, clock: Clock) -> None:
        self._given = connection.credentials
        self._clock = clock
        self.scopes = teacher_scopes(connection.options)
        """The scopes to read and write as teachers."""
        self._account = _service_account(connection.credentials)
        uri = self._account.get("token_uri") or connection.options.get("token_uri") or TOKEN_URI
        self._uri = str(uri)
        self._endpoint = TokenEndpoint(
            self._uri, clock, connection.patience, connection.watch, connection.timer
        )
        self._tokens = Tokens(self._fetch, clock, connection.timer)
        self._signed_in = SignedInTokens(self._endpoint, connection, clock, "Google")

    @property
    def delegated(self) -> bool:
        """Whether we can act as any user of the domain."""
        return bool(self._account)

    @property
    def project(self) -> str | None:
        """The Cloud project, which owns everything that is created with these credentials."""
        if self._account:
            return str(self._account.get("project_id"))
        # A client's number begins with its project's.
        return self._given.get("client_id", "").partition("-")[0] or None

    async def get(self, acting: str, *, renew: bool = False) -> Token:
        """Return the token to act with. Raises `Unavailable`."""
        if not self.delegated:
            return await self._signed_in.get(renew=renew)
        return await self._tokens.get(acting, renew=renew)

    async def _fetch(self, acting: str) -> Token:
        try:
            return await self._endpoint.token({"grant_type": _GRANT, "assertion": self._assertion(acting)})
        except NotAllowed as error:
            if "invalid_grant" not in str(error) or any(it in str(error) for it in _ABOUT_ASSERTION):
                raise
            raise NoSuchUser(str(error)) from None

    def _assertion(self, acting: str) -> str:
        """Return the assertion that a service account signs to act as a user. Raises `NotAllowed` if it has no key."""
        # Imported with the first token: a gateway without any starts faster without it.
        from joserfc import jwt
        from joserfc.errors import JoseError

        is_student = acting.startswith(AS_STUDENT)
        now = self._clock() // 1000
        claims = {
            "iss": self._account.get("client_email"),
            "sub": acting.removeprefix(AS_STUDENT),
            "scope": " ".join(STUDENT_SCOPES if is_student else self.scopes),
            "aud": self._uri,
            "iat": now,
            "exp": now + _LIFE_SECONDS,
        }
        header = {"alg": "RS256", "typ": "JWT", "kid": str(self._account.get("private_key_id", ""))}
        try:
            return jwt.encode(header, claims, read_key(str(self._account.get("private_key"))))
        except (JoseError, ValueError, TypeError):
            raise NotAllowed(
                "the service account's key file holds no private key", credentials=True
            ) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._signed_in.close()
        await self._tokens.close()
        await self._endpoint.close()


def _service_account(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the content of a service account's key file; empty if there is none. An invalid one is found out later."""
    text = given.get("service_account")
    if not text:
        return {}
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    return content if isinstance(content, dict) else {"client_email": ""}
