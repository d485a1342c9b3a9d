"""Dynamic registration: an administrator opens a tool's link, and the tool registers itself."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from passback_simulators.lti.seed import ALL_SCOPES, CLIENT_ID, DEPLOYMENT_ID, LINE_ITEM, MEMBERS_READ
from passback_simulators.reply import Refusal, Reply, json_reply, text_reply

if TYPE_CHECKING:
    from passback_simulators.lti.state import LtiState
    from passback_simulators.request import Request

_TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"


def open_registration(lms: LtiState, request: Request) -> Reply:
    """An administrator opens a tool's registration link, which is in ``url``."""
    token = secrets.token_urlsafe(16)
    lms.records.put("registrations", token, {"used": False})
    query = {
        "openid_configuration": request.base_url + lms.profile.configuration,
        "registration_token": token,
    }
    url = request.param("url")
    return Reply(302, headers=(("location", f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"),))


def configuration(lms: LtiState, request: Request) -> Reply:
    """GET what the LMS says of itself."""
    profile, base = lms.profile, request.base_url
    return json_reply(200, {
        "issuer": base,
        "authorization_endpoint": base + profile.authorize,
        "token_endpoint": base + profile.grants,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "jwks_uri": base + profile.keys,
        "registration_endpoint": base + profile.registration,
        "scopes_supported": ["openid", *ALL_SCOPES],
        "response_types_supported": ["id_token"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "iss", "name", "given_name", "family_name", "email"],
        "https://purl.imsglobal.org/spec/lti-platform-configuration": {
            "product_family_code": profile.family,
            "version": "simulated",
            "messages_supported": [{"type": "LtiResourceLinkRequest"}, {"type": "LtiDeepLinkingRequest"}],
        },
    })  # fmt: skip


def register(lms: LtiState, request: Request) -> Reply:
    """POST a tool's registration."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given_one = scheme.lower() == "bearer"
    known = lms.records.get("registrations", token) if given_one else None
    if known is None and given_one and lms.profile.family == "moodle":
        raise Refusal(text_reply(404, "<!DOCTYPE html><html><h1>Error</h1></html>", "text/html"))
    if known is None:
        raise Refusal(text_reply(401, "missing_registration_token"))
    if known["used"]:
        raise Refusal(text_reply(401, "token_already_used"))
    given = _registration(request)
    lms.records.put("registrations", token, {"used": True})
    client = secrets.token_hex(8)[:15]
    lms.records.put("clients", client, {
        "id": client,
        "keys": {},
        "deployments": [DEPLOYMENT_ID],
        "login": given["initiate_login_uri"],
        "redirects": given["redirect_uris"],
        "launch": given[_TOOL]["target_link_uri"],
        "keys_url": given["jwks_uri"],
        "scopes": _granted(lms, str(given.get("scope", "")).split()),
    })  # fmt: skip
    answer = {**given, "client_id": client, _TOOL: {**given[_TOOL], "deployment_id": DEPLOYMENT_ID}}
    return json_reply(200, answer)


def _granted(lms: LtiState, asked: list[str]) -> list[str]:
    """The scopes that a tool gets which asks for these. Moodle has two ways of grading: with columns, or without."""
    grading = {it for it in asked if it != MEMBERS_READ}
    if lms.profile.family == "moodle" and grading:
        left_out = {MEMBERS_READ} if LINE_ITEM in grading else {MEMBERS_READ, LINE_ITEM}
        grading = {*ALL_SCOPES} - left_out
    return [it for it in ALL_SCOPES if it in grading or (it == MEMBERS_READ and it in asked)]


def put_tool(lms: LtiState, request: Request) -> Reply:
    """An administrator enters a tool by hand: ``login``, ``launch`` and ``keys_url``, for a client that is known."""
    try:
        given = json.loads(request.body)
        client = lms.records.get("clients", given.get("client", CLIENT_ID))
        told = {name: given[name] for name in ("login", "launch", "keys_url")}
    except (ValueError, KeyError, AttributeError, RecursionError):
        client = None
    if client is None:
        raise Refusal(
            json_reply(400, {"message": "give login, launch and keys_url, and the client if it is another"})
        )
    lms.records.put("clients", client["id"], {**client, **told, "redirects": [told["launch"]]})
    return json_reply(200, {"client_id": client["id"]})


def _registration(request: Request) -> dict[str, Any]:
    """What a tool says of itself. Raises `Refusal`."""
    try:
        given = json.loads(request.body)
        texts = [
            given["initiate_login_uri"],
            given["jwks_uri"],
            given[_TOOL]["target_link_uri"],
            *given["redirect_uris"],
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refusal(json_reply(400, {"error": "invalid_client_metadata"})) from None
    sound = all(isinstance(it, str) and it.startswith(("http://", "https://")) for it in texts)
    if not sound or given.get("token_endpoint_auth_method") != "private_key_jwt":
        raise Refusal(json_reply(400, {"error": "invalid_client_metadata"}))
    found: dict[str, Any] = given
    return found
