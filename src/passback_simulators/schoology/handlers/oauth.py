"""OAuth 1.0a as Schoology checks it, and the three-legged handshake.

Schoology's messages are those of the oauth-php library, which compares a timestamp with the latest that the same
credentials used, not with its own clock (Schoology REST API: Authentication).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from msgspec import Struct

from passback_simulators.reply import Refusal, Reply, text_reply
from passback_simulators.request import Request
from passback_simulators.schoology.replies import refusal
from passback_simulators.schoology.times import seconds_now

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.app import SchoologySimulator

DUPLICATE = "Duplicate timestamp/nonce combination, possible replay attack.  Request rejected."
REQUEST_TOKEN_SECONDS = 3600
_PARAMETER = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*,?')


class Credentials(Struct, frozen=True):
    """Who signed a request."""

    consumer: Record
    token: Record | None

    @property
    def name(self) -> str:
        """What limits and nonces are counted by."""
        return f"{self.consumer['key']}:{self.token['token'] if self.token else ''}"


class Nonces:
    """What each credentials have used already."""

    def __init__(self) -> None:
        self._used: dict[str, dict[int, set[str]]] = {}
        self._latest: dict[str, int] = {}

    def use(self, name: str, timestamp: int, nonce: str, skew: int) -> None:
        """Take note of a nonce. Raises `Refusal` if it was used, or its timestamp lies before one that was."""
        latest = self._latest.get(name, timestamp)
        if timestamp < latest - skew:
            raise refusal(
                401,
                f"Timestamp is out of sequence. Request rejected. Got {timestamp} last max is {latest} "
                f"allowed skew is {skew}",
            )
        used = self._used.setdefault(name, {})
        if nonce in used.setdefault(timestamp, set()):
            raise refusal(401, DUPLICATE)
        used[timestamp].add(nonce)
        if timestamp > latest:
            for old in [known for known in used if known < timestamp - skew]:
                del used[old]
        self._latest[name] = max(timestamp, latest)

    def clear(self) -> None:
        """Forget everything."""
        self._used.clear()
        self._latest.clear()


def _sent(request: Request) -> dict[str, str]:
    """The parameters of the header, as they were sent."""
    header = request.headers.get("authorization", "")
    return dict(_PARAMETER.findall(header[6:])) if header[:6].lower() == "oauth " else {}


def verify(lms: SchoologySimulator, request: Request) -> Credentials:
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


def _known(lms: SchoologySimulator, request: Request, given: dict[str, str]) -> Credentials:
    """The consumer and token that a request names."""
    key, name = given["oauth_consumer_key"], given.get("oauth_token", "")
    consumer, token = lms.records.get("consumers", key), lms.records.get("tokens", name) if name else None
    wanted = "request" if request.path == "/v1/oauth/access_token" else "access"
    if consumer is None or (name and (token is None or token["consumer"] != key or token["kind"] != wanted)):
        raise Refusal(unknown(key, name))
    if token is None and consumer["kind"] == "app" and not lms.settings["app_approved"]:
        raise refusal(401)
    return Credentials(consumer, token)


def unknown(key: str, token: str) -> Reply:
    """The answer to credentials that do not exist, or were revoked."""
    return text_reply(
        401, f'The consumer_key "{key}" token "{token}" combination does not exist or is not enabled.'
    )


def revoked(request: Request) -> Reply:
    """What a request is answered whose credentials are of no use any more."""
    sent = _sent(request)
    return unknown(sent.get("oauth_consumer_key", ""), sent.get("oauth_token", ""))


def _check_hmac(request: Request, given: dict[str, str], key: str) -> None:
    # Whether the client came by https, a server behind a proxy cannot tell.
    bases = [_base_string(request, given, scheme) for scheme in ("http", "https")]
    signature = given.get("oauth_signature", "").encode()
    for base in bases:
        digest = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
        if hmac.compare_digest(base64.b64encode(digest), signature):
            return
    raise refusal(401, f'Verification of signature failed (signature base string was "{bases[0]}").')


def _base_string(request: Request, given: dict[str, str], scheme: str) -> str:
    """The text that is signed: never a JSON body."""
    host = request.base_url.partition("://")[2].lower().removesuffix({"http": ":80", "https": ":443"}[scheme])
    own = [(name, value) for name, value in given.items() if name not in ("realm", "oauth_signature")]
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in own + request.query)
    parameters = "&".join(f"{name}={value}" for name, value in pairs)
    return f"{request.method}&{_encoded(f'{scheme}://{host}{request.raw_path}')}&{_encoded(parameters)}"


def _encoded(text: str) -> str:
    return quote(text, safe="~")


# The handshake.


def issue(
    lms: SchoologySimulator, consumer: str, kind: str, uid: str | None, *, name: str = "", secret: str = ""
) -> Record:
    """A new request token or access token."""
    name = name or secrets.token_hex(20)
    token = {
        "token": name, "secret": secret or secrets.token_hex(16), "consumer": consumer, "kind": kind,
        "uid": uid, "issued": seconds_now(lms),
    }  # fmt: skip
    return lms.records.put("tokens", name, token)


def _form(token: Record, **more: int) -> Reply:
    pairs = {"oauth_token": token["token"], "oauth_token_secret": token["secret"], **more}
    return text_reply(200, urlencode(pairs), "application/x-www-form-urlencoded")


def request_token(lms: SchoologySimulator, request: Request) -> Reply:
    """The first leg."""
    token = issue(lms, lms.credentials.consumer["key"], "request", None)
    return _form(token, xoauth_token_ttl=REQUEST_TOKEN_SECONDS)


def access_token(lms: SchoologySimulator, request: Request) -> Reply:
    """The third leg: an allowed request token for an access token, once."""
    asked = lms.credentials.token
    if asked is None or asked["uid"] is None or _expired(lms, asked):
        raise Refusal(unknown(lms.credentials.consumer["key"], asked["token"] if asked else ""))
    lms.records.remove("tokens", asked["token"])
    return _form(issue(lms, asked["consumer"], "access", asked["uid"]))


def _expired(lms: SchoologySimulator, token: Record) -> bool:
    return bool(seconds_now(lms) > token["issued"] + REQUEST_TOKEN_SECONDS)


def authorize_page(lms: SchoologySimulator, request: Request) -> Reply:
    """The second leg: the page on which a user allows an app. Whose browser it is, the page lets one choose."""
    token = _asked(lms, request.param("oauth_token"))
    app = lms.records.get("consumers", token["consumer"]) or {}
    users = "".join(
        f'<option value="{user["uid"]}">{escape(user["name_first"])} {escape(user["name_last"])}</option>'
        for user in lms.records.all("users")
    )
    return _page(
        f"<p><b>{escape(app.get('title', 'An application'))}</b> would like to access your Schoology account.</p>"
        '<form method="post" action="/oauth/authorize">'
        f'<input type="hidden" name="oauth_token" value="{escape(token["token"])}">'
        f'<input type="hidden" name="oauth_callback" value="{escape(request.param("oauth_callback"))}">'
        f'<label>Signed in as <select name="uid">{users}</select></label> '
        '<button name="allow" value="1">Allow</button> <button name="allow" value="0">Deny</button></form>'
    )


def authorize(lms: SchoologySimulator, request: Request) -> Reply:
    """The user's decision; it leads back to the app with the token, without any verifier."""
    given = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    token = _asked(lms, given.get("oauth_token", ""))
    user = lms.records.get("users", given.get("uid", ""))
    if given.get("allow") != "1" or user is None:
        lms.records.remove("tokens", token["token"])
        return _page("<p>The application was not allowed.</p>")
    token["uid"] = user["uid"]
    lms.records.put("tokens", token["token"], token)
    callback = given.get("oauth_callback", "")
    if urlsplit(callback).scheme not in ("http", "https"):
        return _page("<p>The application was allowed. You may close this page.</p>")
    joint = "&" if urlsplit(callback).query else "?"
    return Reply(302, b"", (("location", f"{callback}{joint}{urlencode({'oauth_token': token['token']})}"),))


def _asked(lms: SchoologySimulator, name: str) -> Record:
    token = lms.records.get("tokens", name)
    if token is None or token["kind"] != "request" or _expired(lms, token):
        raise Refusal(_page("<p>The request token is not valid.</p>", 403))
    return token


def _page(content: str, status: int = 200) -> Reply:
    page = f"<!doctype html><html><head><title>Schoology</title></head><body>{content}</body></html>"
    return text_reply(status, page, "text/html; charset=utf-8")
