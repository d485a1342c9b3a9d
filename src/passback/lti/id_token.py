"""What an LMS says of a launch: a token that it has signed, read and verified."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from passback.lti.platform_keys import KeysUnavailable, UnknownKey
from passback.lti.refused import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.clock import Instant
    from passback.lti.platform_keys import PlatformKeys

LEEWAY = 60
"""How many seconds the clocks of an LMS and of the gateway may differ."""

LONGEST = 100_000
"""The longest token that is read, in bytes."""
_LONGEST_KEY_ID = 1000
_LTI = "https://purl.imsglobal.org/spec/lti/claim/"

_Id = Annotated[str, Meta(min_length=1, max_length=1000)]
_Text = Annotated[str, Meta(max_length=10_000)]


class Context(Struct, frozen=True):
    """The course that something was opened in."""

    id: _Id
    label: _Text | None = None
    title: _Text | None = None


class ResourceLink(Struct, frozen=True):
    """The link that was opened."""

    id: _Id
    title: _Text | None = None


class Lis(Struct, frozen=True):
    """Ids of the school's own systems."""

    course_section_sourcedid: _Text | None = None


class ForUser(Struct, frozen=True):
    """Whose work is to be reviewed."""

    user_id: _Id


class LineItems(Struct, frozen=True):
    """Where the LMS takes grades for the course (AGS)."""

    scope: tuple[str, ...] | None = None
    lineitems: _Text | None = None
    lineitem: _Text | None = None


class ClassList(Struct, frozen=True):
    """Where the LMS shows who is in the course (NRPS)."""

    context_memberships_url: _Text | None = None


class DeepLinking(Struct, frozen=True):
    """What an LMS wants to know of an activity that a teacher chooses."""

    deep_link_return_url: _Text
    accept_types: tuple[str, ...] | None = None
    accept_lineitem: bool | None = None
    accept_multiple: bool | None = None
    data: str | None = None


class IdToken(Struct, frozen=True, rename={
    "deployment_id": _LTI + "deployment_id", "version": _LTI + "version", "message_type": _LTI + "message_type",
    "target_link_uri": _LTI + "target_link_uri", "resource_link": _LTI + "resource_link", "roles": _LTI + "roles",
    "context": _LTI + "context", "lis": _LTI + "lis", "custom": _LTI + "custom",
    "for_user": _LTI + "for_user",
    "line_items": "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint",
    "deep_linking": "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings",
    "class_list": "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice",
}):  # fmt: skip
    """The claims of a launch that we read."""

    deployment_id: _Id
    version: Literal["1.3.0"]
    message_type: _Text
    sub: _Id | None = None
    target_link_uri: _Text | None = None
    resource_link: ResourceLink | None = None
    roles: tuple[str, ...] = ()
    context: Context | None = None
    lis: Lis | None = None
    custom: dict[str, Any] | None = None
    for_user: ForUser | None = None
    line_items: LineItems | None = None
    class_list: ClassList | None = None
    deep_linking: DeepLinking | None = None

    def __repr__(self) -> str:
        return f"IdToken({self.message_type!r})"  # nobody's name


class Expected(Struct, frozen=True):
    """What a token must say to be the answer to our question."""

    issuer: str
    client_id: str
    nonce: str
    jwks_url: str


async def verified(token: str, expected: Expected, keys: PlatformKeys, now: Instant) -> IdToken:
    """The claims of a token that the LMS has signed for us, now, in answer to what we asked. Raises `Refused`."""
    claims = await _signed(token, expected, keys)
    _check(claims, expected, now // 1000)
    try:
        # What has no value is null for some LMSs, and an empty list for those written in PHP.
        found = msgspec.convert({name: it for name, it in claims.items() if it not in (None, [])}, IdToken)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _bad(f"it says something that it must not say ({error})") from None
    if any(
        "\0" in it
        for it in (
            found.sub or "",
            found.deployment_id,
            found.context.id if found.context else "",
            found.for_user.user_id if found.for_user else "",
            (found.line_items.lineitem if found.line_items else None) or "",
        )
    ):
        raise _bad("an id in it cannot be one")
    return found


def deployment_of(token: str) -> str | None:
    """The deployment that a token claims to be of, which nobody has verified; None if it claims none."""
    try:
        part = token[:LONGEST].split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    found = claims.get(_LTI + "deployment_id") if isinstance(claims, dict) else None
    return found if isinstance(found, str) else None


async def _signed(token: str, expected: Expected, keys: PlatformKeys) -> Mapping[str, Any]:
    """The content of a token, whose signature is the LMS's. Raises `Refused`."""
    from joserfc import jws
    from joserfc.errors import JoseError

    class Registry(jws.JWSRegistry):
        max_header_length = 10_000
        max_payload_length = LONGEST

    # What else a header says is ignored, above all where keys are (jku, x5u, jwk).
    registry = Registry(algorithms=["RS256"], strict_check_header=False)
    try:
        header = jws.extract_compact(token.encode(), registry=registry).headers()
    except (JoseError, ValueError, TypeError, RecursionError):
        raise _bad("it is no signed token") from None
    key_id = header.get("kid")
    if header.get("alg") != "RS256":
        raise _bad("it is not signed with RS256")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= _LONGEST_KEY_ID:
        raise _bad("it does not say which key it is signed with")
    try:
        key = await keys.find(expected.jwks_url, key_id)
    except UnknownKey:
        raise _bad("it is signed with a key that the LMS does not publish") from None
    except KeysUnavailable as error:
        raise Refused(
            f"The LMS's keys cannot be read now: {error}. Try again in a minute; if that does not help, tell whoever"
            " runs this gateway.",
            status=503,
            why="no_keys",
        ) from None
    try:
        payload = jws.deserialize_compact(
            token.encode(), key, algorithms=["RS256"], registry=registry
        ).payload
        claims = msgspec.json.decode(payload)
    except (JoseError, ValueError, TypeError, msgspec.MsgspecError, RecursionError):
        raise _bad("its signature is not the LMS's") from None
    if not isinstance(claims, dict):
        raise _bad("it is no object")
    return claims


def _check(claims: Mapping[str, Any], expected: Expected, now: int) -> None:
    """Whether a token is the answer to what we asked, and of now. Raises `Refused`."""
    from joserfc.errors import JoseError
    from joserfc.jwt import JWTClaimsRegistry

    audience = claims.get("aud")
    audiences: Sequence[object] = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in audiences:
        raise _bad("it is for somebody else")
    authorized = claims.get("azp")
    if (len(audiences) > 1 or authorized is not None) and authorized != expected.client_id:
        raise _bad("it was issued to somebody else")
    registry = JWTClaimsRegistry(
        now,
        LEEWAY,
        iss={"essential": True, "value": expected.issuer},
        nonce={"essential": True, "value": expected.nonce},
        exp={"essential": True},
        iat={"essential": True},
    )
    if not isinstance(claims.get("nonce"), str):  # the registry would also take a list with ours in it
        raise _bad("it is not the answer to what was asked")
    try:
        registry.validate(dict(claims))
    except (JoseError, ValueError, OverflowError) as error:
        raise _bad(_in_words(error)) from None


def _in_words(error: Exception) -> str:
    """What is wrong with a claim, for the person who sees it."""
    kind, claim = getattr(error, "error", ""), getattr(error, "claim", "")
    if kind == "expired_token":
        return f"it has expired; {_CLOCKS}"
    if claim in ("iat", "nbf") and "NumericDate" not in str(error) and kind == "invalid_claim":
        return f"it comes from the future; {_CLOCKS}"
    if claim in ("exp", "iat", "nbf"):
        return "it does not say when it was issued, and until when it counts"
    words = {"iss": "it comes from another LMS", "nonce": "it is not the answer to what was asked"}
    return words.get(claim, f"it says something that it must not say ({claim})")


_CLOCKS = f"the clocks of the LMS and of this gateway may differ by {LEEWAY} seconds"


def _bad(why: str) -> Refused:
    return Refused(
        f"What the LMS says of the launch cannot be trusted: {why}. Open the activity in the LMS again.",
        why="untrusted",
    )
