"""Tokens, as oauth2.googleapis.com and www.googleapis.com/oauth2 give them and tell about them.

``/token`` takes a service account's signed assertion (RFC 7523), an authorization code, or a refresh token; errors have
the form of RFC 6749.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from msgspec import Struct

from passback_simulators.google_classroom import access, errors, service_accounts
from passback_simulators.reply import Refusal, Reply, json_reply

if TYPE_CHECKING:
    from passback_simulators.google_classroom.app import ClassroomSimulator
    from passback_simulators.records import Record
    from passback_simulators.request import Request

GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
LIFETIME_S = 3599
LONGEST_ASSERTION_S = 3600
SKEW_S = 300
"""By how much the clocks of Google and of its clients may differ."""
TESTING_LIFETIME_MS = 7 * 86_400_000
"""How long a refresh token lasts while the app is in testing."""

USERINFO_SCOPES = (
    "openid",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
)


class Grant(Struct, frozen=True):
    """What an access token stands for."""

    user: dict[str, Any]
    """The user's record; a service account as itself has only an ``id``."""
    project: str
    """The Cloud project of the client, to which what it creates belongs."""
    scopes: frozenset[str]
    delegated: bool
    """Whether an administrator delegated it to a service account, rather than the user granting it."""
    expires: int
    """Milliseconds since 1970."""


def oauth_error(status: int, error: str, description: str | None = None) -> Reply:
    """An error as RFC 6749 has it."""
    content = {"error": error}
    if description:
        content["error_description"] = description
    return json_reply(status, content, errors.JSON_TYPE)


def _refusal(status: int, error: str, description: str | None = None) -> Refusal:
    return Refusal(oauth_error(status, error, description))


def token(lms: ClassroomSimulator, request: Request) -> Reply:
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


def _by_assertion(lms: ClassroomSimulator, request: Request, assertion: str) -> dict[str, Any]:
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
        user = access.find_user(lms, subject) if "@" in subject else None
        if user is None:
            raise _refusal(400, "invalid_grant", "Invalid email or User ID")
        user_id = user["id"]
    return _issue(lms, user_id, account["project"], scopes, delegated=True)


# A user who consented.


def _client(lms: ClassroomSimulator, request: Request, form: dict[str, str]) -> Record:
    """The client that asks, by HTTP Basic or by its parameters."""
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


def _by_code(lms: ClassroomSimulator, client: Record, form: dict[str, str]) -> dict[str, Any]:
    code = lms.records.get("codes", form.get("code", ""))
    if code is None or code["client_id"] != client["id"] or code["expires"] <= lms.clock():
        raise _refusal(400, "invalid_grant", "Malformed auth code." if code is None else "Bad Request")
    if form.get("redirect_uri", "") != code["redirect_uri"]:
        raise _refusal(400, "redirect_uri_mismatch", "Bad Request")
    if code["challenge"] and _challenge(form.get("code_verifier", ""), code["method"]) != code["challenge"]:
        raise _refusal(400, "invalid_grant", "Invalid code verifier.")
    lms.records.remove("codes", code["code"])
    return issue_user_tokens(lms, code["user_id"], code["scopes"], client, offline=code["offline"])


def _challenge(verifier: str, method: str) -> str:
    if method != "S256":
        return verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def issue_user_tokens(
    lms: ClassroomSimulator, user_id: str, scopes: Sequence[str], client: Record, *, offline: bool
) -> dict[str, Any]:
    """The token endpoint's answer for a user's grant; `offline`: with a refresh token."""
    refresh = None
    if offline:
        refresh = f"1//0{secrets.token_urlsafe(48)}"
        row = {
            "token": refresh, "user_id": user_id, "client_id": client["id"], "scopes": list(scopes),
            "issued": lms.clock(),
        }  # fmt: skip
        lms.records.put("refresh_tokens", refresh, row)
    content = _issue(lms, user_id, client["project"], scopes, refresh=refresh)
    content["scope"] = " ".join(scopes)
    return content | ({"refresh_token": refresh} if refresh else {})


def _by_refresh_token(lms: ClassroomSimulator, client: Record, form: dict[str, str]) -> dict[str, Any]:
    row = lms.records.get("refresh_tokens", form.get("refresh_token", ""))
    if row is None or row["client_id"] != client["id"] or access.find_user(lms, row["user_id"]) is None:
        raise _refusal(400, "invalid_grant", "Token has been expired or revoked.")
    if lms.settings["app_in_testing"] and row["issued"] + TESTING_LIFETIME_MS <= lms.clock():
        raise _refusal(400, "invalid_grant", "Token has been expired or revoked.")
    scopes = form.get("scope", "").split() or row["scopes"]
    if not set(scopes) <= set(row["scopes"]):
        raise _refusal(400, "invalid_scope", "Bad Request")
    content = _issue(lms, row["user_id"], client["project"], scopes, refresh=row["token"])
    return content | {"scope": " ".join(scopes)}


# Access tokens.


def _issue(
    lms: ClassroomSimulator, user_id: str, project: str, scopes: Sequence[str], *, refresh: str | None = None,
    delegated: bool = False,
) -> dict[str, Any]:  # fmt: skip
    now = lms.clock()
    for old in lms.records.all("access_tokens"):
        if old["expires"] <= now:
            lms.records.remove("access_tokens", old["token"])
    access_token = f"ya29.{'c' if delegated else 'a0'}.{secrets.token_urlsafe(72)}"
    row = {
        "token": access_token, "user_id": user_id, "project": project, "scopes": sorted(set(scopes)),
        "delegated": delegated, "refresh": refresh, "expires": now + LIFETIME_S * 1000,
    }  # fmt: skip
    lms.records.put("access_tokens", access_token, row)
    return {"access_token": access_token, "expires_in": LIFETIME_S, "token_type": "Bearer"}


def grant_of(lms: ClassroomSimulator, access_token: str) -> Grant | None:
    """What a token stands for; None where it is unknown, expired or revoked, or its user is deleted."""
    row = lms.records.get("access_tokens", access_token)
    if row is None or row["expires"] <= lms.clock():
        return None
    user: Record | None = {"id": row["user_id"]}
    if not row["user_id"].startswith("service-account/"):
        user = access.find_user(lms, row["user_id"])
    if user is None:
        return None
    return Grant(user, row["project"], frozenset(row["scopes"]), row["delegated"], row["expires"])


def revoke(lms: ClassroomSimulator, request: Request) -> Reply:
    """``POST /revoke``: end a token, and with it the grant that it came from."""
    revoked = _form(request).get("token") or request.param("token")
    row = lms.records.get("access_tokens", revoked) or lms.records.get("refresh_tokens", revoked)
    if row is None:
        return oauth_error(400, "invalid_token", "Token expired or revoked")
    end_grant(lms, row["refresh"] if "refresh" in row else row["token"])
    lms.records.remove("access_tokens", revoked)
    return json_reply(200, {}, errors.JSON_TYPE)


def end_grant(lms: ClassroomSimulator, refresh_token: str | None) -> None:
    """Forget a refresh token and the access tokens that came from it."""
    if refresh_token is None:
        return
    lms.records.remove("refresh_tokens", refresh_token)
    for row in lms.records.all("access_tokens"):
        if row["refresh"] == refresh_token:
            lms.records.remove("access_tokens", row["token"])


def tokeninfo(lms: ClassroomSimulator, request: Request) -> Reply:
    """``GET /tokeninfo``: whose a token is, and what for."""
    grant = grant_of(lms, request.param("access_token"))
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


def userinfo(lms: ClassroomSimulator, request: Request) -> Reply:
    """``GET /oauth2/v2/userinfo``: who consented."""
    grant = grant_of(lms, request.headers.get("authorization", "").partition(" ")[2])
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
