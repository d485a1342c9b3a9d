"""Tokens, as oauth2.googleapis.com and www.googleapis.com/oauth2 issue and describe them.

``/token`` takes a service account's signed assertion (RFC 7523), an authorization code, or a refresh token; errors have
the form of RFC 6749.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from passback_simulators.google_classroom import errors, grants, service_accounts
from passback_simulators.reply import Refusal, Reply, json_reply

if TYPE_CHECKING:
    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.records import Record
    from passback_simulators.request import Request

GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
LONGEST_ASSERTION_S = 3600
SKEW_S = 300
"""How far the clocks of Google and its clients may differ."""
TESTING_LIFETIME_MS = 7 * 86_400_000
"""How long a refresh token lasts while the app is in testing."""

USERINFO_SCOPES = (
    "openid",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
)


def oauth_error(status: int, error: str, description: str | None = None) -> Reply:
    """An error in the form of RFC 6749."""
    content = {"error": error}
    if description:
        content["error_description"] = description
    return json_reply(status, content, errors.JSON_TYPE)


def _refusal(status: int, error: str, description: str | None = None) -> Refusal:
    return Refusal(oauth_error(status, error, description))


def token(lms: ClassroomState, request: Request) -> Reply:
    """``POST /token``."""
    form = _form(request)
    match form.get("grant_type", ""):
        case "urn:ietf:params:oauth:grant-type:jwt-bearer":  # RFC 7523
            content = _by_assertion(lms, request, form.get("assertion", ""))
        case "authorization_code":
            content = _by_code(lms, _client(lms, request, form), form)
        case "refresh_token":
            content = _by_refresh_token(lms, _client(lms, request, form), form)
        case "":
            raise _refusal(400, "invalid_request", "Missing required parameter: grant_type")
        case odd:
            raise _refusal(400, "unsupported_grant_type", f"Invalid grant_type: {odd}")
    return json_reply(200, content, errors.JSON_TYPE).with_headers(cache_control="no-store")


def _form(request: Request) -> dict[str, str]:
    try:
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    except UnicodeDecodeError as error:
        raise _refusal(400, "invalid_request", "Bad Request") from error


# A service account.


def _by_assertion(lms: ClassroomState, request: Request, assertion: str) -> dict[str, Any]:
    claims = service_accounts.verified_claims(lms, assertion)
    if isinstance(claims, str):
        raise _refusal(400, "invalid_grant", claims)
    if claims.get("aud") not in (GOOGLE_TOKEN_URI, f"{request.base_url}/token"):
        message = f"Invalid JWT: Failed audience check. The right audience is {GOOGLE_TOKEN_URI}"
        raise _refusal(400, "invalid_grant", message)
    issued, expires, now = claims.get("iat"), claims.get("exp"), lms.clock() / 1000
    if (
        not isinstance(issued, int | float)
        or not isinstance(expires, int | float)
        or not 0 < expires - issued <= LONGEST_ASSERTION_S
        or not (issued - SKEW_S <= now <= expires + SKEW_S)
    ):
        message = (
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
            "Check your iat and exp values in the JWT claim."
        )
        raise _refusal(400, "invalid_grant", message)
    scopes = str(claims.get("scope") or "").split()
    if not scopes:
        raise _refusal(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    account = lms.records.get("service_accounts", str(claims["iss"]))
    assert account is not None
    subject = str(claims.get("sub") or account["email"])
    user_id = f"service-account/{account['email']}"
    if subject != account["email"]:
        if not lms.settings["delegation"] or not set(scopes) <= set(lms.settings["delegated_scopes"]):
            message = (
                "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any "
                "of the scopes requested."
            )
            raise _refusal(401, "unauthorized_client", message)
        user = lms.find_user(subject) if "@" in subject else None
        if user is None:
            raise _refusal(400, "invalid_grant", "Invalid email or User ID")
        user_id = user["id"]
    return grants.issue(lms, user_id, account["project"], scopes, delegated=True)


# A user who consented.


def _client(lms: ClassroomState, request: Request, form: dict[str, str]) -> Record:
    """The requesting client, by HTTP Basic or by parameters. Raises `Refusal`."""
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise _refusal(401, "invalid_client", "Unauthorized") from error
        client_id, secret = unquote(client_id), unquote(secret)
    if not client_id:
        raise _refusal(400, "invalid_request", "Could not determine client ID from request.")
    client = lms.records.get("clients", client_id)
    if client is None:
        raise _refusal(401, "invalid_client", "The OAuth client was not found.")
    if not secrets.compare_digest(secret.encode(), client["secret"].encode()):
        raise _refusal(401, "invalid_client", "Unauthorized")
    return client


def _by_code(lms: ClassroomState, client: Record, form: dict[str, str]) -> dict[str, Any]:
    code = lms.records.get("codes", form.get("code", ""))
    if code is None or code["client_id"] != client["id"] or code["expires"] <= lms.clock():
        raise _refusal(400, "invalid_grant", "Malformed auth code." if code is None else "Bad Request")
    if form.get("redirect_uri", "") != code["redirect_uri"]:
        raise _refusal(400, "redirect_uri_mismatch", "Bad Request")
    if code["challenge"] and _challenge(form.get("code_verifier", ""), code["method"]) != code["challenge"]:
        raise _refusal(400, "invalid_grant", "Invalid code verifier.")
    lms.records.remove("codes", code["code"])
    return grants.issue_user_tokens(lms, code["user_id"], code["scopes"], client, offline=code["offline"])


def _challenge(verifier: str, method: str) -> str:
    if method != "S256":
        return verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _by_refresh_token(lms: ClassroomState, client: Record, form: dict[str, str]) -> dict[str, Any]:
    row = lms.records.get("refresh_tokens", form.get("refresh_token", ""))
    if row is None or row["client_id"] != client["id"] or lms.find_user(row["user_id"]) is None:
        raise _refusal(400, "invalid_grant", "Token has been expired or revoked.")
    if lms.settings["app_in_testing"] and row["issued"] + TESTING_LIFETIME_MS <= lms.clock():
        raise _refusal(400, "invalid_grant", "Token has been expired or revoked.")
    scopes = form.get("scope", "").split() or row["scopes"]
    if not set(scopes) <= set(row["scopes"]):
        raise _refusal(400, "invalid_scope", "Bad Request")
    content = grants.issue(lms, row["user_id"], client["project"], scopes, refresh=row["token"])
    return content | {"scope": " ".join(scopes)}


def revoke(lms: ClassroomState, request: Request) -> Reply:
    """``POST /revoke``: end a token, and with it the grant that it came from."""
    revoked = _form(request).get("token") or request.param("token")
    row = lms.records.get("access_tokens", revoked) or lms.records.get("refresh_tokens", revoked)
    if row is None:
        return oauth_error(400, "invalid_token", "Token expired or revoked")
    grants.end_grant(lms, row["refresh"] if "refresh" in row else row["token"])
    lms.records.remove("access_tokens", revoked)
    return json_reply(200, {}, errors.JSON_TYPE)


def tokeninfo(lms: ClassroomState, request: Request) -> Reply:
    """``GET /tokeninfo``: a token's user and scopes."""
    grant = grants.grant_of(lms, request.param("access_token"))
    if grant is None:
        return oauth_error(400, "invalid_token", "Invalid Value")
    content = {
        "sub": grant.user["id"],
        "scope": " ".join(sorted(grant.scopes)),
        "exp": str(grant.expires // 1000),
        "expires_in": str((grant.expires - lms.clock()) // 1000),
        "access_type": "online" if grant.delegated else "offline",
    }
    if "https://www.googleapis.com/auth/userinfo.email" in grant.scopes and "email" in grant.user:
        content |= {"email": grant.user["email"], "email_verified": "true"}
    return json_reply(200, content, errors.JSON_TYPE)


def userinfo(lms: ClassroomState, request: Request) -> Reply:
    """``GET /oauth2/v2/userinfo``: the user who consented."""
    grant = grants.grant_of(lms, request.headers.get("authorization", "").partition(" ")[2])
    if grant is None or grant.scopes.isdisjoint(USERINFO_SCOPES) or "email" not in grant.user:
        return errors.unauthenticated(None)
    user = grant.user
    content = {"id": user["id"]}
    if USERINFO_SCOPES[1] in grant.scopes:
        content |= {"email": user["email"], "verified_email": True, "hd": user["email"].partition("@")[2]}
    if USERINFO_SCOPES[2] in grant.scopes:
        name = f"{user['given']} {user['family']}"
        content |= {"name": name, "given_name": user["given"], "family_name": user["family"]}
    return json_reply(200, content, errors.JSON_TYPE)


def fault_reply(fault: str) -> Reply:
    """How the token endpoint fails."""
    match fault:
        case "throttled":
            return oauth_error(429, "rate_limit_exceeded", "Rate Limit Exceeded")
        case "expired-credentials":
            return oauth_error(400, "invalid_grant", "Token has been expired or revoked.")
        case _:
            return oauth_error(503, "internal_failure", "Backend Error")
