"""Access tokens for tools, by signed assertions (RFC 7523)."""

from __future__ import annotations

import base64
import json
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from passback_simulators.reply import Refusal, Reply

if TYPE_CHECKING:
    from passback_simulators.lti.state import LtiState
    from passback_simulators.records import Record
    from passback_simulators.request import Request

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LONGEST_LIFE = 3600
_SKEW = 60
"""By how many seconds the tool's clock may differ."""


def token(lms: LtiState, request: Request) -> Reply:
    """POST the token endpoint: exchange an assertion for an access token."""
    form = {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise _refused(lms, "invalid_request")
    if form.get("grant_type") != "client_credentials":
        raise _refused(lms, "unsupported_grant_type")
    if form.get("client_assertion_type") != _ASSERTION:
        raise _refused(lms, "invalid_request")
    client, claims = _verified(lms, form.get("client_assertion", ""))
    if lms.settings["strict_assertions"]:
        if lms.profile.family == "openedx":
            _check_times(lms, claims)
        else:
            _check(lms, request, client, claims)
    asked = form.get("scope", "").split()
    granted = [it for it in asked if it in lms.scopes_of(client)]
    none = not granted and lms.profile.family != "openedx"
    if none or (lms.profile.all_scopes and len(granted) < len(asked)):
        raise _refused(lms, "invalid_scope")
    text, life = secrets.token_urlsafe(24), lms.settings["token_life"]
    record = {"client": client["id"], "scopes": granted, "expires": lms.clock() + life * 1000}
    lms.records.put("tokens", text, record)
    content = {
        "access_token": text, "token_type": lms.profile.bearer, "expires_in": life, "scope": " ".join(granted),
    }  # fmt: skip
    return _reply(lms, 200, content)


def _reply(lms: LtiState, status: int, content: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(content).encode(), (("content-type", lms.profile.grants_type),))


def _refused(lms: LtiState, error: str, description: str = "") -> Refusal:
    return Refusal(refusal(lms, error, description))


def refusal(lms: LtiState, error: str, description: str = "") -> Reply:
    """What is answered if no token is issued."""
    if lms.profile.family == "moodle":  # which escapes nothing
        return Reply(400, f'{{ "error" : "{error}" }}'.encode(), (("content-type", lms.profile.grants_type),))
    explains = description and lms.profile.family != "openedx"
    content = {"error": error} | ({"error_description": description} if explains else {})
    status = 401 if error == "invalid_client" and lms.profile.dialect != "django" else 400
    return _reply(lms, status, content)


def _verified(lms: LtiState, assertion: str) -> tuple[Record, dict[str, Any]]:
    """The tool that signed an assertion, and its claims. Raises `Refusal`."""
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    try:
        header, claims = (_decoded(part) for part in assertion.split(".")[:2])
    except (ValueError, RecursionError):
        error = "invalid_grant" if lms.profile.family == "openedx" else "invalid_client"
        raise _refused(lms, error, "the assertion cannot be read") from None
    try:
        client = lms.records.get("clients", str(claims.get("sub")))
        if client is not None and lms.profile.family == "moodle":
            _check_as_moodle(lms, client, header, claims)
        key = None if client is None else client["keys"].get(header.get("kid"))
        if client is not None and key is not None:
            jws.deserialize_compact(assertion, RSAKey.import_key(key), algorithms=["RS256"])
            return client, claims
    except (JoseError, ValueError, AttributeError):
        pass
    unsigned = lms.profile.family == "moodle" and client is not None
    error = "Signature verification failed" if unsigned else "invalid_client"
    raise _refused(lms, error, "the assertion is not signed by a key of the client")


def _check_as_moodle(lms: LtiState, client: Record, header: dict[str, Any], claims: dict[str, Any]) -> None:
    """Refuse what Moodle refuses of any assertion, in the words of its libraries."""
    now, expires, issued = lms.clock() / 1000, claims.get("exp"), claims.get("iat")
    if not header.get("kid"):
        raise _refused(lms, "error/Error: kid must be provided in JWT header.")
    if header["kid"] not in client["keys"]:
        raise _refused(lms, '"kid" invalid, unable to lookup correct key')
    if isinstance(issued, int) and issued > now + _SKEW:
        when = datetime.fromtimestamp(issued, UTC).isoformat(timespec="seconds")
        raise _refused(lms, f"Cannot handle token with iat prior to {when}")
    if isinstance(expires, int) and expires <= now - _SKEW:
        raise _refused(lms, "Expired token")


def _decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _check_times(lms: LtiState, claims: dict[str, Any]) -> None:
    """Refuse what has expired, or was issued in the future by however little: all that Open edX looks at."""
    now = lms.clock() / 1000
    if claims.get("exp", now) <= now or claims.get("iat", now) > now:
        raise _refused(lms, "unidentified_error")


def _check(lms: LtiState, request: Request, client: Record, claims: dict[str, Any]) -> None:
    """Refuse an assertion that does not say what it should, or that came before."""
    now, expires, issued = lms.clock() / 1000, claims.get("exp"), claims.get("iat")
    if not isinstance(expires, int) or not isinstance(issued, int):
        raise _refused(lms, "invalid_client", "exp and iat are required")
    if claims.get("iss") != client["id"]:
        raise _refused(lms, "invalid_client", "iss and sub must be the client")
    if claims.get("aud") != f"{request.base_url}{request.path}":
        raise _refused(lms, "invalid_client", "the audience is wrong")
    if not now - _SKEW < expires <= now + _LONGEST_LIFE or issued > now + _SKEW:
        raise _refused(lms, "invalid_client", "the assertion has expired, or is not valid yet")
    unique = claims.get("jti")
    if not isinstance(unique, str) or lms.records.get("assertions", unique):
        raise _refused(lms, "invalid_client", "jti must be new")
    lms.records.put("assertions", unique, {"expires": expires})
