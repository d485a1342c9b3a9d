"""Registering the gateway in an LMS by a link (LTI Dynamic Registration 1.0).

An administrator of the LMS opens a link of ours there. The LMS adds where it describes itself; we read that, tell it
about us, and learn under which client id it knows us from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from passback.lti.fetch import NotFetched, fetch_json
from passback.lti.refused import Refused
from passback.network import web_address

if TYPE_CHECKING:
    from collections.abc import Mapping

_AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCOPES = (
    _AGS + "lineitem",
    _AGS + "lineitem.readonly",
    _AGS + "result.readonly",
    _AGS + "score",
    "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
)
"""What we ask an LMS to allow."""

_TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
_LONGEST_TOKEN = 20_000
_ELSEWHERE = {"canvas": ("sso.canvaslms.com", "canvas.instructure.com")}
"""Hosts at which an LMS of some families describes itself besides its own, where it is one for all customers."""

_Url = Annotated[str, Meta(pattern=r"^https?://[!-~]{1,2000}$")]
_Name = Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Platform(Struct, frozen=True):
    """An LMS, as it describes itself."""

    issuer: _Url
    authorization_endpoint: _Url
    token_endpoint: _Url
    jwks_uri: _Url
    registration_endpoint: _Url
    authorization_server: _Name | None = None
    """What a token's assertion is for, where that is not the token endpoint."""


class _Tool(Struct, frozen=True):
    deployment_id: _Name | None = None


class _Registered(Struct, frozen=True, rename={"tool": _TOOL}):
    client_id: _Name
    deployment_id: _Name | None = None
    tool: _Tool = _Tool()


async def describe(configuration_url: str, address: str, family: str) -> Platform:
    """What the LMS at `address` says of itself at `configuration_url`. Raises `Refused`.

    Only what is at the LMS's own host is read: whoever opens the link could name any other.
    """
    hosts = {_origin(address), *(f"https://{it}" for it in _ELSEWHERE.get(family, ()))}
    if _origin(configuration_url) not in hosts:
        raise Refused(
            f"This link was made for the LMS at {address}, but it was opened in another. Whoever runs this gateway"
            " makes one for each LMS.",
            status=403,
        )
    try:
        found = msgspec.convert(await fetch_json("GET", configuration_url), Platform)
    except NotFetched as error:
        raise Refused(f"The LMS's description of itself cannot be read: {error}.", status=502) from None
    except (msgspec.ValidationError, RecursionError) as error:
        raise Refused(f"The LMS's description of itself is not valid: {error}.", status=502) from None
    for url in (found.issuer, found.authorization_endpoint, found.token_endpoint, found.jwks_uri,
                found.registration_endpoint):  # fmt: skip
        if (reason := web_address.problem(url)) is not None:
            raise Refused(f"The LMS gives an address that cannot be used ({url[:200]}): {reason}.")
    return found


async def register(platform: Platform, token: str | None, base_url: str, name: str) -> tuple[str, str | None]:
    """Have the LMS know us; returns the client id, and the deployment if there is one already. Raises `Refused`.

    `token` is what the LMS gave with the link, and `base_url` where it reaches us.
    """
    headers = {"Content-Type": "application/json"}
    if token is not None:
        if len(token) > _LONGEST_TOKEN or not token.isascii() or not token.isprintable():
            raise Refused("The LMS gives a registration token that cannot be one.")
        headers["Authorization"] = f"Bearer {token}"
    try:
        answer = await fetch_json(
            "POST", platform.registration_endpoint, headers, msgspec.json.encode(tool(base_url, name))
        )
        registered = msgspec.convert(_without_nothing(answer), _Registered)
    except NotFetched as error:
        raise Refused(f"The LMS did not register this gateway: {error}.", status=502) from None
    except (msgspec.ValidationError, RecursionError) as error:
        raise Refused(f"The LMS's answer to the registration is not valid: {error}.", status=502) from None
    return registered.client_id, registered.tool.deployment_id or registered.deployment_id


def tool(base_url: str, name: str) -> dict[str, Any]:
    """What we tell an LMS about us."""
    launch = f"{base_url}/lti/launch"
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": f"{base_url}/lti/login",
        "redirect_uris": [launch],
        "client_name": name,
        "jwks_uri": f"{base_url}/lti/jwks.json",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(SCOPES),
        _TOOL: {
            "domain": urlsplit(base_url).netloc,
            "target_link_uri": launch,
            "custom_parameters": {},
            "claims": ["iss", "sub", "name", "given_name", "family_name", "email"],
            "messages": [
                {"type": it, "target_link_uri": launch, "label": name}
                for it in ("LtiResourceLinkRequest", "LtiDeepLinkingRequest")
            ],
        },
    }


def _without_nothing(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What was answered, without what has no value: null, or an empty list if it is written in PHP."""
    return {
        name: _without_nothing(it) if isinstance(it, dict) else it
        for name, it in answer.items()
        if it not in (None, [])
    }


def _origin(url: str) -> str:
    """Scheme, host and port; empty if there are none."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.lower()}" if parts.netloc and "@" not in parts.netloc else ""
    except ValueError:
        return ""
