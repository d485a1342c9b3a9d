"""The three-legged handshake of OAuth 1.0a (Schoology REST API: Authentication)."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from passback_simulators.reply import Refusal, Reply, text_reply
from passback_simulators.request import Request
from passback_simulators.schoology.signatures import unknown
from passback_simulators.schoology.times import seconds_now
from passback_simulators.schoology.tokens import issue

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState

REQUEST_TOKEN_SECONDS = 3600


def _form(token: Record, **more: int) -> Reply:
    pairs = {"oauth_token": token["token"], "oauth_token_secret": token["secret"], **more}
    return text_reply(200, urlencode(pairs), "application/x-www-form-urlencoded")


def request_token(lms: SchoologyState, request: Request) -> Reply:
    """The first leg."""
    token = issue(lms, lms.credentials.consumer["key"], "request", None)
    return _form(token, xoauth_token_ttl=REQUEST_TOKEN_SECONDS)


def access_token(lms: SchoologyState, request: Request) -> Reply:
    """The third leg: exchange an allowed request token for an access token, once."""
    asked = lms.credentials.token
    if asked is None or asked["uid"] is None or _expired(lms, asked):
        raise Refusal(unknown(lms.credentials.consumer["key"], asked["token"] if asked else ""))
    lms.records.remove("tokens", asked["token"])
    return _form(issue(lms, asked["consumer"], "access", asked["uid"]))


def _expired(lms: SchoologyState, token: Record) -> bool:
    return bool(seconds_now(lms) > token["issued"] + REQUEST_TOKEN_SECONDS)


def authorize_page(lms: SchoologyState, request: Request) -> Reply:
    """The second leg: the page on which a user allows an app. The page lets the visitor choose the user."""
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


def authorize(lms: SchoologyState, request: Request) -> Reply:
    """The user's decision; redirects to the app with the token, without a verifier."""
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


def _asked(lms: SchoologyState, name: str) -> Record:
    token = lms.records.get("tokens", name)
    if token is None or token["kind"] != "request" or _expired(lms, token):
        raise Refusal(_page("<p>The request token is not valid.</p>", 403))
    return token


def _page(content: str, status: int = 200) -> Reply:
    page = f"<!doctype html><html><head><title>Schoology</title></head><body>{content}</body></html>"
    return text_reply(status, page, "text/html; charset=utf-8")
