"""How LMSs with LTI Advantage answer: lists in pages, and refusals in their own words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from passback_simulators.reply import Refusal, Reply, json_reply, text_reply

if TYPE_CHECKING:
    from passback_simulators.lti.profiles import Profile
    from passback_simulators.lti.state import LtiState
    from passback_simulators.request import Request

ITEM = "application/vnd.ims.lis.v2.lineitem+json"
ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

BAD_GATEWAY = "<html><h1>502 Bad Gateway</h1></html>"
"""What stands before Moodle says if PHP dies of a request."""

_CANVAS_TYPES = {400: "bad_request", 401: "unauthorized", 404: "not_found", 422: "unprocessable_entity"}


def refused(profile: Profile, request: Request, status: int, reason: str, field: str = "") -> Refusal:
    """A refusal as this LMS words it; `field` is the member that it is about, if it is about one."""
    match profile.dialect:
        case "moodle":
            asked = {
                "method": request.method, "url": request.path, "accept": request.headers.get("accept", ""),
                "contentType": request.headers.get("content-type", ""),
            }  # fmt: skip
            content: Any = {"status": status, "reason": reason, "request": asked}
        case "canvas":
            content = {
                "errors": {"type": _CANVAS_TYPES.get(status, "precondition_failed"), "message": reason}
            }
        case "django":
            content = {field: [reason]} if field else {"detail": reason}
        case "text":
            return Refusal(text_reply(status, reason))
        case _:
            content = {"status": status, "message": reason}
    return Refusal(json_reply(status, content, "application/json"))


def refused_token(profile: Profile, request: Request) -> Refusal:
    """A refusal of a token that is not good, or not any more."""
    if profile.family == "openedx":
        return refused(profile, request, 403, "Invalid token signature.")
    return refused(profile, request, 401, "Invalid access token")


def refused_score(profile: Profile, request: Request, status: int, reason: str, field: str = "") -> Refusal:
    """A refusal of a score. Moodle gives its reason only in the status line, which no client sees."""
    if profile.dialect == "moodle":
        return Refusal(json_reply(status, [], "application/json"))
    return refused(profile, request, status, reason, field)


def require_type(profile: Profile, request: Request, wanted: str, *, sends: bool = False) -> None:
    """Refuse a media type other than the one of the operation."""
    if not profile.strict_types:
        return
    accept, kind = request.headers.get("accept", "*/*"), request.headers.get("content-type", "")
    if (kind.partition(";")[0] if sends else accept) not in (wanted, *(() if sends else ("*/*",))):
        raise refused(profile, request, 400, "Bad Request: No handler found")


def content_of(profile: Profile, request: Request) -> dict[str, Any]:
    """The object that a request sends."""
    try:
        given = json.loads(request.body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise refused(profile, request, 400, "Bad Request: invalid JSON")
    return given


def number(value: Any) -> float | None:
    """A JSON number."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def plain(value: float) -> float | int:
    """A number as it is written: whole ones without a fraction."""
    return int(value) if value == int(value) else value


def page_of(
    lms: LtiState, request: Request, items: Sequence[Any], *, broken: bool = False
) -> tuple[Sequence[Any], tuple[tuple[str, str], ...]]:
    """The page that a request asks for, and the header that says where the next one is."""
    asked = request.param("limit")
    size = int(asked) if asked.isdecimal() and int(asked) else lms.profile.page
    if not size:
        return items, ()
    size = min(size, lms.profile.longest_page)
    start = int(request.param("from")) if request.param("from").isdecimal() else 0
    part = items[start : start + size]
    if start + size >= len(items):
        return part, ()
    query = dict(request.query) | {"limit": str(size), "from": str(start + size)}
    if broken:
        url = f"{request.base_url}{request.path}?{urlencode(query)}".replace("&", "&amp;")
        return part, (("link", f"<{url}>; rel=\u201cnext\u201d".encode().decode("latin-1")),)
    query.pop("role", None)  # Moodle forgets it, and so may others
    return part, (("link", f'<{request.base_url}{request.path}?{urlencode(query)}>; rel="next"'),)


def listed(content: Any, kind: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """A list, or something that holds one."""
    reply = json_reply(200, content, kind)
    return Reply(reply.status, reply.body, (*reply.headers, *headers))
