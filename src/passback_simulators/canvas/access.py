"""Who asks, and what they may: tokens, masquerading, roles and rights; and how much they may ask."""

from __future__ import annotations

import html
import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct

from passback_simulators.canvas.replies import (
    answer,
    messages,
    not_found,
    refuse,
    unauthenticated,
    unauthorized,
)
from passback_simulators.canvas.seed import ADMIN, CLIENT_ID, CLIENT_SECRET
from passback_simulators.reply import Refusal, Reply, text_reply

if TYPE_CHECKING:
    from passback_simulators.canvas.app import CanvasSimulator
    from passback_simulators.request import Request

HOUR = 3_600_000
LOOPBACK = re.compile(r"https?://(127\.0\.0\.1|localhost)(:\d+)?/")
_FULL, _RESERVED, _DRAIN = 600.0, 50.0, 10.0


class Caller(Struct, frozen=True):
    """The user on whose behalf a request is made."""

    user: int
    real: int
    """Who holds the token."""

    @property
    def admin(self) -> bool:
        """Whether it is the account's administrator."""
        return self.user == ADMIN


def caller_of(simulator: CanvasSimulator, request: Request) -> Caller:
    """Who asks. Raises `Refusal`."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    text = text if scheme.lower() == "bearer" else request.param("access_token")
    if not text:
        reply = {"status": "unauthenticated", "errors": [{"message": "user authorization required"}]}
        refusal = refuse(401, reply)
        raise Refusal(refusal.reply.with_headers(WWW_Authenticate='Bearer realm="canvas-lms"'))
    token = simulator.records.get("tokens", text)
    if token is None:
        raise unauthenticated("Invalid access token.")
    if token.get("revoked"):
        raise unauthenticated("Revoked access token.")
    if token["expires"] is not None and simulator.clock() >= token["expires"]:
        raise unauthenticated("Invalid access token." if token["refreshes"] else "Expired access token.")
    if (
        simulator.settings["enforce_scopes"]
        and token["scopes"] is not None
        and not _in_scope(request, token["scopes"])
    ):
        raise messages(401, "Insufficient scopes on access token.")
    real: int = token["user"]
    wanted = request.param("as_user_id") or dict(_form(request)).get("as_user_id", "")
    if not wanted:
        return Caller(real, real)
    target = simulator.find_user(wanted)
    allowed = target is not None and (real == ADMIN and simulator.settings["can_masquerade"])
    if target is None or not allowed or target["id"] == ADMIN:
        raise refuse(401, {"errors": "Invalid as_user_id"})
    return Caller(target["id"], real)


def teaches(simulator: CanvasSimulator, caller: Caller, course: int) -> bool:
    """Whether the caller may do in a course what its teachers may."""
    return caller.admin or bool(simulator.enrollments(course, user=caller.user, kinds=("TeacherEnrollment",)))


def require_teacher(simulator: CanvasSimulator, caller: Caller, course: int) -> None:
    """Raise `Refusal` for anybody else."""
    if not teaches(simulator, caller, course):
        raise unauthorized(simulator.settings["unauthorized_status"])


class Bucket:
    """The leaky bucket of each token: full at 600, emptied by 10 a second; each request reserves 50."""

    def __init__(self, simulator: CanvasSimulator) -> None:
        self._simulator = simulator
        self._levels: dict[str, tuple[float, int]] = {}

    def take(self, request: Request) -> float:
        """Take up a request; what remains. Raises `Refusal` where the bucket is full."""
        if not self._simulator.settings["throttle"]:
            return _FULL
        key = request.headers.get("authorization", "")
        now = self._simulator.clock()
        level, then = self._levels.get(key, (0.0, now))
        level = max(0.0, level - (now - then) / 1000 * _DRAIN)
        if level + _RESERVED > _FULL:
            raise Refusal(throttled(self._simulator.settings["throttle_status"]))
        cost = float(self._simulator.settings["cost"])
        self._levels[key] = level + cost, now
        return _FULL - level - cost


def throttled(status: int) -> Reply:
    """Canvas's answer to too much."""
    reason = "Forbidden" if status == 403 else "Too Many Requests"
    return text_reply(status, f"{status} {reason} (Rate Limit Exceeded)\n").with_headers(
        X_Rate_Limit_Remaining="0.0"
    )


def authorize_page(simulator: CanvasSimulator, request: Request) -> Reply:
    """``GET /login/oauth2/auth``: the page on which a user lets an application in."""
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


def accept(simulator: CanvasSimulator, request: Request) -> Reply:
    """The page's button: back to the application with a code, or with an error."""
    form = dict(parse_qsl(request.body.decode()))
    redirect = form.get("redirect_uri", "")
    if not LOOPBACK.match(redirect):
        return text_reply(400, "redirect_uri does not match client settings", "text/html")
    back = {"state": form["state"]} if "state" in form else {}
    if form.get("allow") == "1":
        code = secrets.token_hex(16)
        simulator.records.put("codes", code, {"redirect_uri": redirect, "scope": form.get("scope")})
        back["code"] = code
    else:
        back["error"] = "access_denied"
    return Reply(302, headers=(("location", f"{redirect}?{urlencode(back)}"),))


def token(simulator: CanvasSimulator, request: Request) -> Reply:
    """``POST /login/oauth2/token``: codes and refresh tokens for access tokens of one hour."""
    form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    if form.get("client_id") != CLIENT_ID:
        raise _refused(401, "invalid_client", "unknown client")
    if form.get("client_secret") != CLIENT_SECRET:
        raise _refused(401, "invalid_client", "invalid client")
    match form.get("grant_type"):
        case "authorization_code":
            if "code" not in form:
                raise _refused(400, "invalid_request", "You must provide the code parameter when using the "
                               "authorization_code grant type")  # fmt: skip
            code = simulator.records.get("codes", form["code"])
            if code is None:
                raise _refused(400, "invalid_grant", "authorization_code not found")
            if code["redirect_uri"] != form.get("redirect_uri"):
                raise _refused(400, "invalid_request", "redirect_uri does not match client settings")
            simulator.records.remove("codes", form["code"])
            refresh = secrets.token_hex(32)
            scopes = code["scope"].split() if code["scope"] else None
            simulator.records.put("refresh_tokens", refresh, {"user": ADMIN, "scopes": scopes})
            granted = _grant(simulator, ADMIN, scopes) | {"refresh_token": refresh}
        case "refresh_token":
            if "refresh_token" not in form:
                raise _refused(400, "invalid_request", "You must provide the refresh_token parameter when using the "
                               "refresh_token grant type")  # fmt: skip
            kept = simulator.records.get("refresh_tokens", form["refresh_token"])
            if kept is None:
                raise _refused(400, "invalid_request", "refresh_token not found")
            granted = _grant(simulator, kept["user"], kept["scopes"])
        case _:
            raise _refused(
                400, "unsupported_grant_type", "The grant_type you requested is not currently supported"
            )
    return answer(request, 200, granted)


def revoke(simulator: CanvasSimulator, request: Request) -> Reply:
    """``DELETE /login/oauth2/token``: log out."""
    caller_of(simulator, request)
    simulator.records.remove("tokens", request.headers["authorization"].partition(" ")[2])
    return answer(request, 200, {})


def permissions(simulator: CanvasSimulator, request: Request, account: str) -> Reply:
    """``GET /accounts/:id/permissions``: which rights the caller has."""
    caller = simulator.caller(request)
    if account not in ("self", "1"):
        raise not_found()
    by_setting = {"become_user": "can_masquerade", "manage_sis": "can_manage_sis", "read_sis": "can_read_sis"}
    rights = {
        name: caller.admin and bool(simulator.settings.get(by_setting.get(name, ""), True))
        for name in request.params("permissions[]")
    }
    return answer(request, 200, rights)


def _grant(simulator: CanvasSimulator, user: int, scopes: list[str] | None) -> dict[str, Any]:
    text = secrets.token_hex(32)
    record = {"user": user, "expires": simulator.clock() + HOUR, "scopes": scopes, "refreshes": True}
    simulator.records.put("tokens", text, record)
    found = simulator.records.get("users", user) or {}
    return {
        "access_token": text,
        "token_type": "Bearer",
        "user": {"id": user, "name": found.get("name"), "global_id": str(10_000_000_000_000 + user)},
        "expires_in": 3600,
    }


def _refused(status: int, error: str, description: str) -> Refusal:
    return refuse(status, {"error": error, "error_description": description})


def _form(request: Request) -> list[tuple[str, str]]:
    if "form" not in request.headers.get("content-type", ""):
        return []
    return parse_qsl(request.body.decode("utf-8", "replace"))


def _in_scope(request: Request, scopes: list[str]) -> bool:
    """Whether a scope such as ``url:GET|/api/v1/courses/:course_id/assignments`` covers a request."""
    for scope in scopes:
        method, _, template = scope.removeprefix("url:").partition("|")
        pattern = re.sub(r":\w+", "[^/]+", re.escape(template).replace("\\:", ":"))
        if method == request.method and re.fullmatch(pattern, request.path):
            return True
    return False
