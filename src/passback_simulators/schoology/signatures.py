"""OAuth 1.0a signatures as Schoology checks them.

Schoology's messages are those of the oauth-php library, which compares a timestamp with the latest one of the same
credentials, not with its own clock (Schoology REST API: Authentication).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from passback_simulators.reply import Refusal, Reply, text_reply
from passback_simulators.schoology.nonces import DUPLICATE
from passback_simulators.schoology.replies import refusal
from passback_simulators.schoology.state import Credentials

if TYPE_CHECKING:
    from passback_simulators.request import Request
    from passback_simulators.schoology.state import SchoologyState

_PARAMETER = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*,?')


def verify(lms: SchoologyState, request: Request) -> Credentials:
    """Check a request's signature. Raises `Refusal`."""
    sent = _sent(request)
    given = {name: unquote(value) for name, value in sent.items()}
    if "oauth_consumer_key" not in given:
        raise refusal(401, "Can't verify request, missing oauth_consumer_key or oauth_token")
    credentials = _known(lms, request, given)
    timestamp = given.get("oauth_timestamp", "")
    if not timestamp.isdecimal() or not given.get("oauth_nonce"):
        raise refusal(401, "Missing oauth_timestamp or oauth_nonce")
    lms.nonces.use(
        credentials.name, int(timestamp), given["oauth_nonce"], lms.settings["timestamp_skew_seconds"]
    )
    token_secret = credentials.token["secret"] if credentials.token else ""
    key = f"{_encoded(credentials.consumer['secret'])}&{_encoded(token_secret)}"
    match given.get("oauth_signature_method"):
        case "PLAINTEXT" if lms.settings["accept_plaintext"]:
            if lms.settings["plaintext_literal_only"] and (
                given.get("realm") != "Schoology API"
                or "%20" not in sent["realm"]
                or "oauth_token" in sent
                or "&" not in sent.get("oauth_signature", "")
            ):
                raise refusal(401, DUPLICATE)
            if not hmac.compare_digest(given.get("oauth_signature", "").encode(), key.encode()):
                raise refusal(401, "Verification of signature failed.")
        case "HMAC-SHA1":
            _check_hmac(request, given, key)
        case other:
            raise refusal(401, f'Unsupported signature method "{other}"')
    return credentials


def _known(lms: SchoologyState, request: Request, given: dict[str, str]) -> Credentials:
    """The consumer and token that a request names."""
    key, name = given["oauth_consumer_key"], given.get("oauth_token", "")
    consumer, token = lms.records.get("consumers", key), lms.records.get("tokens", name) if name else None
    wanted = "request" if request.path == "/v1/oauth/access_token" else "access"
    if consumer is None or (name and (token is None or token["consumer"] != key or token["kind"] != wanted)):
        raise Refusal(unknown(key, name))
    if token is None and consumer["kind"] == "app" and not lms.settings["app_approved"]:
        raise refusal(401)
    return Credentials(consumer, token)


def _sent(request: Request) -> dict[str, str]:
    """The parameters of the header, as sent."""
    header = request.headers.get("authorization", "")
    return dict(_PARAMETER.findall(header[6:])) if header[:6].lower() == "oauth " else {}


def unknown(key: str, token: str) -> Reply:
    """The reply to credentials that do not exist or were revoked."""
    return text_reply(
        401, f'The consumer_key "{key}" token "{token}" combination does not exist or is not enabled.'
    )


def revoked(request: Request) -> Reply:
    """The reply to a request whose credentials are no longer valid."""
    sent = _sent(request)
    return unknown(sent.get("oauth_consumer_key", ""), sent.get("oauth_token", ""))


def _check_hmac(request: Request, given: dict[str, str], key: str) -> None:
    # A server behind a proxy cannot tell whether the client used https.
    bases = [_base_string(request, given, scheme) for scheme in ("http", "https")]
    signature = given.get("oauth_signature", "").encode()
    for base in bases:
        digest = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
        if hmac.compare_digest(base64.b64encode(digest), signature):
            return
    raise refusal(401, f'Verification of signature failed (signature base string was "{bases[0]}").')


def _base_string(request: Request, given: dict[str, str], scheme: str) -> str:
    """The signature base string; a JSON body is never part of it."""
    host = request.base_url.partition("://")[2].lower().removesuffix({"http": ":80", "https": ":443"}[scheme])
    own = [(name, value) for name, value in given.items() if name not in ("realm", "oauth_signature")]
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in own + request.query)
    parameters = "&".join(f"{name}={value}" for name, value in pairs)
    return f"{request.method}&{_encoded(f'{scheme}://{host}{request.raw_path}')}&{_encoded(parameters)}"


def _encoded(text: str) -> str:
    return quote(text, safe="~")
