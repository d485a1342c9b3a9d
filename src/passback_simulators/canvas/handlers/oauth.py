"""Canvas's OAuth: the consent page, and access tokens."""

from __future__ import annotations

import html
import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from passback_simulators.canvas.access import caller_of
from passback_simulators.canvas.replies import answer, refuse
from passback_simulators.canvas.seed import ADMIN, CLIENT_ID, CLIENT_SECRET
from passback_simulators.reply import Refusal, Reply, text_reply

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.request import Request

HOUR = 3_600_000
LOOPBACK = re.compile(r"https?://(127\.0\.0\.1|localhost)(:\d+)?/")


def authorize_page(lms: CanvasState, request: Request) -> Reply:
    """``GET /login/oauth2/auth``: the page on which a user authorizes an application."""
    query = dict(request.query)
    redirect = query.get("redirect_uri", "")
    if query.get("client_id") != CLIENT_ID:
        return text_reply(401, "unknown client", "text/html")
    if not LOOPBACK.match(redirect):
        return text_reply(400, "redirect_uri does not match client settings", "text/html")
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in query.items()
    )
    return text_reply(
        200,
        "<!doctype html><title>Canvas</title><h1>Authorize</h1>"
        f"<p>{html.escape(query.get('purpose', 'An application'))} wants to use Canvas as Robin Admin.</p>"
        f'<form method="post" action="/login/oauth2/accept">{hidden}'
        '<button name="allow" value="1">Authorize</button> <button name="allow" value="0">Cancel</button></form>',
        "text/html; charset=utf-8",
    )


def accept(lms: CanvasState, request: Request) -> Reply:
    """The page's buttons: redirect to the application with a code, or with an error."""
    form = dict(parse_qsl(request.body.decode()))
    redirect = form.get("redirect_uri", "")
    if not LOOPBACK.match(redirect):
        return text_reply(400, "redirect_uri does not match client settings", "text/html")
    back = {"state": form["state"]} if "state" in form else {}
    if form.get("allow") == "1":
        code = secrets.token_hex(16)
        lms.records.put("codes", code, {"redirect_uri": redirect, "scope": form.get("scope")})
        back["code"] = code
    else:
        back["error"] = "access_denied"
    return Reply(302, headers=(("location", f"{redirect}?{urlencode(back)}"),))


def token(lms: CanvasState, request: Request) -> Reply:
    """``POST /login/oauth2/token``: exchange a code or refresh token for an access token of one hour."""
    form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    if form.get("client_id") != CLIENT_ID:
        raise _refused(401, "invalid_client", "unknown client")
    if form.get("client_secret") != CLIENT_SECRET:
        raise _refused(401, "invalid_client", "invalid client")
    match form.get("grant_type"):
        case "authorization_code":
            granted = _by_code(lms, form)
        case "refresh_token":
            granted = _by_refresh_token(lms, form)
        case _:
            raise _refused(
                400, "unsupported_grant_type", "The grant_type you requested is not currently supported"
            )
    return answer(request, 200, granted | lms.settings["token_says"])


def _by_code(lms: CanvasState, form: dict[str, str]) -> dict[str, Any]:
    code = lms.records.get("codes", _required(form, "code", "authorization_code"))
    if code is None:
        raise _refused(400, "invalid_grant", "authorization_code not found")
    if code["redirect_uri"] != form.get("redirect_uri"):
        raise _refused(400, "invalid_request", "redirect_uri does not match client settings")
    lms.records.remove("codes", form["code"])
    scopes = code["scope"].split() if code["scope"] else None
    refresh = _new_refresh_token(lms, {"user": ADMIN, "scopes": scopes})
    return _grant(lms, ADMIN, scopes) | {"refresh_token": refresh}


def _new_refresh_token(lms: CanvasState, grants: dict[str, Any]) -> str:
    text = secrets.token_hex(32)
    lms.records.put("refresh_tokens", text, dict(grants))
    return text


def _by_refresh_token(lms: CanvasState, form: dict[str, str]) -> dict[str, Any]:
    kept = lms.records.get("refresh_tokens", _required(form, "refresh_token", "refresh_token"))
    if kept is None:
        raise _refused(400, "invalid_request", "refresh_token not found")
    if not lms.settings["rotate_refresh_tokens"]:
        return _grant(lms, kept["user"], kept["scopes"])
    lms.records.remove("refresh_tokens", form["refresh_token"])
    for text, it in list(lms.records.content().get("tokens", {}).items()):
        if it["refreshes"]:
            lms.records.remove("tokens", text)
    return _grant(lms, kept["user"], kept["scopes"]) | {"refresh_token": _new_refresh_token(lms, kept)}


def _required(form: dict[str, str], parameter: str, grant_type: str) -> str:
    if parameter not in form:
        message = f"You must provide the {parameter} parameter when using the {grant_type} grant type"
        raise _refused(400, "invalid_request", message)
    return form[parameter]


def revoke(lms: CanvasState, request: Request) -> Reply:
    """``DELETE /login/oauth2/token``: log out."""
    caller_of(lms, request)
    lms.records.remove("tokens", request.headers["authorization"].partition(" ")[2])
    return answer(request, 200, {})


def _grant(lms: CanvasState, user: int, scopes: list[str] | None) -> dict[str, Any]:
    text = secrets.token_hex(32)
    record = {"user": user, "expires": lms.clock() + HOUR, "scopes": scopes, "refreshes": True}
    lms.records.put("tokens", text, record)
    found = lms.records.get("users", user) or {}
    return {
        "access_token": text,
        "token_type": "Bearer",
        "user": {"id": user, "name": found.get("name"), "global_id": str(10_000_000_000_000 + user)},
        "expires_in": 3600,
    }


def _refused(status: int, error: str, description: str) -> Refusal:
    return refuse(status, {"error": error, "error_description": description})
