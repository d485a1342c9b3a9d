"""The first half of a launch: the LMS says that somebody comes, and we ask it who that is (OpenID Connect).

What we must know again when the answer comes is in the ``state`` that goes with it, signed by us. It is bound to the
browser by a secret that only the browser is given: in a cookie, and where the LMS offers it, in the LMS's own page
("platform storage"), because browsers block cookies of pages inside of others' pages.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from passback.domain.clock import MINUTE, Instant
from passback.lti.refused import Refused
from passback.lti.registrations import chosen, find_all
from passback.network import web_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joserfc.jwk import OctKey

    from passback.context import Gateway

LASTS = 10 * MINUTE
"""How many milliseconds a person may take to sign in to the LMS."""

PARAMETERS = (
    "iss", "login_hint", "target_link_uri", "lti_message_hint", "client_id", "lti_deployment_id",
)  # fmt: skip
"""What an LMS's login request says, apart from how its own page keeps a secret."""

_STORAGE_TARGET = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_LONGEST_SHOWN = 300
_PURPOSE = b"passback lti state"


class State(Struct, frozen=True):
    """What we must know again when the LMS answers."""

    id: str
    """Names the cookie, so that launches in several tabs do not get in each other's way."""
    issuer: str
    client_id: str
    nonce: str
    secret: str
    """A hash of what the browser was given."""
    expires: Instant
    storage: str = ""
    """The frame of the LMS that keeps the secret, too; empty if it offers none."""
    storage_origin: str = ""

    @property
    def name(self) -> str:
        """The name under which the browser keeps the secret."""
        return f"passback_lti_{self.id}"

    def is_of(self, secret: str) -> bool:
        """Whether this is what the browser was given."""
        return hmac.compare_digest(_hash(secret), self.secret)


class Login(Struct, frozen=True):
    """Where the browser goes next, and what it keeps until it comes back."""

    url: str
    state: State
    secret: str

    def __repr__(self) -> str:
        return "Login()"


async def begin(gateway: Gateway, given: Mapping[str, str], launch_url: str) -> Login:
    """Ask the LMS who comes. `given` are the parameters of its login request. Raises `Refused`."""
    issuer, hint = given.get("iss", ""), given.get("login_hint", "")
    if not issuer or not hint:
        raise Refused("This address is for an LMS to call, which must say who it is (iss and login_hint).")
    known = await gateway.database.read(lambda conn: find_all(gateway.connectors, conn, issuer))
    client_id, deployment_id = given.get("client_id"), given.get("lti_deployment_id")
    registrations = chosen(known, client_id, deployment_id)
    if not registrations:
        raise Refused(_unknown(issuer, client_id, several=bool(known)), status=404, why="unknown")
    registration = registrations[0]
    parts = urlsplit(registration.auth_login_url)
    secret, storage = secrets.token_urlsafe(24), given.get("lti_storage_target", "")
    state = State(
        id=secrets.token_hex(8),
        issuer=issuer,
        client_id=registration.client_id,
        nonce=secrets.token_urlsafe(24),
        secret=_hash(secret),
        expires=gateway.clock() + LASTS,
        storage=storage if _STORAGE_TARGET.fullmatch(storage) else "",
        storage_origin=f"{parts.scheme}://{parts.netloc}",
    )
    query = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": registration.client_id,
        "redirect_uri": launch_url,
        "state": seal(gateway.cursor_key, state),
        "nonce": state.nonce,
        "login_hint": hint,
    }
    if "lti_message_hint" in given:
        query["lti_message_hint"] = given["lti_message_hint"]
    url = web_address.with_query(registration.auth_login_url, urlencode(query))
    return Login(url, state, secret)


def seal(key: bytes, state: State) -> str:
    """The state as text that only we can make. `key` is the gateway's own."""
    from joserfc import jwt

    return jwt.encode({"alg": "HS256"}, msgspec.to_builtins(state), _key(key), algorithms=["HS256"])


def open_sealed(key: bytes, text: str, now: Instant) -> State:
    """The state of a text that we have made. Raises `Refused`."""
    from joserfc import jwt
    from joserfc.errors import JoseError

    try:
        state = msgspec.convert(jwt.decode(text, _key(key), algorithms=["HS256"]).claims, State)
    except (JoseError, msgspec.ValidationError, ValueError, RecursionError):
        raise Refused(
            "What came back with the launch is not ours. Open the activity in the LMS again.", why="untrusted"
        ) from None
    if now >= state.expires:
        raise Refused("Signing in took too long. Open the activity in the LMS again.", why="untrusted")
    return state


def _key(key: bytes) -> OctKey:
    from joserfc.jwk import OctKey

    # Of the gateway's own, as cursors are: neither can be made of the other.
    return OctKey.import_key(hmac.digest(key, _PURPOSE, hashlib.sha256))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


def _unknown(issuer: str, client_id: str | None, *, several: bool) -> str:
    issuer, client_id = issuer[:_LONGEST_SHOWN], client_id and client_id[:_LONGEST_SHOWN]
    if several and client_id is None:
        return f"Several registrations of {issuer} are known here, and the LMS does not say which one it is."
    which = f" with the client id {client_id}" if client_id is not None else ""
    return f"No district is connected to {issuer}{which}. Whoever runs this gateway connects it."
