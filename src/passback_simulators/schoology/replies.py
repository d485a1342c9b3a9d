"""The forms of replies and request bodies: lists with links, empty and plain-text errors, loose types."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from passback_simulators.reply import Refusal, Reply, json_reply, text_reply
from passback_simulators.request import Request
from passback_simulators.schoology import xml_form

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState

DEFAULT_PAGE = 20


def refusal(status: int, text: str = "") -> Refusal:
    """A refusal in plain text, or without a body."""
    return Refusal(text_reply(status, text) if text else Reply(status))


def forbidden() -> Refusal:
    """403 has no body."""
    return refusal(403)


def missing(what: str) -> Refusal:
    """404 for something that does not exist."""
    return refusal(404, f"{what} not found")


def content(request: Request) -> Record:
    """Read the object in a body, in JSON or XML. Forms are refused with 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "text/xml", "application/xml"):
        raise refusal(415, "Unsupported Media Type")
    try:
        given = json.loads(request.body) if kind == "application/json" else xml_form.read(request.body)
    except ValueError as error:
        raise refusal(400, "The request body could not be parsed") from error
    if not isinstance(given, dict):
        raise refusal(400, "The request body is not an object")
    return given


def as_list(value: Any) -> list[Any]:
    """A list that may also be sent as its only element."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def wrapped(given: Record, outer: str, inner: str) -> list[Record]:
    """The objects of a bulk request: ``{outer: {inner: [...]}}``."""
    group = given.get(outer)
    items = as_list(group.get(inner) if isinstance(group, dict) else group)
    if not items or not all(isinstance(item, dict) for item in items):
        raise refusal(400, f"{outer} must hold a list of {inner}")
    return items


def integer(value: Any) -> int | None:
    """An integer that was sent as a number or as text."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def decimal(value: Any) -> float | None:
    """A number that was sent as a number or as text."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def flag(value: Any) -> int:
    """0 or 1, sent as number, text or boolean."""
    return int(value in (1, "1", True, "true", "TRUE"))


def number(value: float | None) -> float | None:
    """A number as in JSON: whole numbers without a decimal point."""
    return int(value) if value is not None and value == int(value) else value


def as_text(value: float) -> str:
    """A number as text: ``20``, ``12.5``."""
    return f"{value:.12g}"


def link(lms: SchoologyState, request: Request, path: str) -> str:
    """The address of something in the API. Old parts of it write http although they are reached by https."""
    scheme = "http" if lms.settings["http_links"] else "https"
    return f"{scheme}://{request.base_url.partition('://')[2]}/v1/{path}"


def page(lms: SchoologyState, request: Request) -> tuple[int, int]:
    """The start and limit that a request asks for; a larger limit is silently reduced to the server's."""
    start = integer(request.param("start")) or 0
    limit = integer(request.param("limit")) or DEFAULT_PAGE
    if limit < 0:
        limit = DEFAULT_PAGE
    return max(start, 0), min(limit, lms.settings["largest_page"])


def page_links(lms: SchoologyState, request: Request, start: int, limit: int, *, more: bool) -> Record:
    """The ``links`` of a page."""
    kept = [(name, value) for name, value in request.query if name not in ("start", "limit")]

    def address(first: int) -> str:
        query = urlencode([*kept, ("start", first), ("limit", limit)])
        return link(lms, request, f"{request.path.removeprefix('/v1/')}?{query}")

    links = {"self": address(start)}
    if more and lms.settings["next_in_lists"]:
        links["next"] = address(start + limit)
    return links


def several(lms: SchoologyState, items: list[Any]) -> Any:
    """A list as it is shown; if the setting says so, a single element replaces its list."""
    return items[0] if len(items) == 1 and lms.settings["single_as_object"] else items


def paged(
    lms: SchoologyState,
    request: Request,
    key: str,
    items: Sequence[Record],
    shown: Callable[[Record], Record],
    total: Callable[[int], int | str] | None = str,
) -> Reply:
    """One page of a list. `total`: formats the list's total, which some lists do not have."""
    start, limit = page(lms, request)
    part = [shown(item) for item in items[start : start + limit]]
    envelope: Record = {key: several(lms, part)}
    if total is not None and lms.settings["total_in_lists"]:
        envelope["total"] = total(len(items))
    envelope["links"] = page_links(lms, request, start, limit, more=start + limit < len(items))
    return json_reply(200, envelope)


def whole(
    lms: SchoologyState, request: Request, key: str, items: Sequence[Record], *, links: bool = True
) -> Reply:
    """A list that is not paged."""
    envelope: Record = {key: several(lms, list(items))}
    if links:
        envelope["links"] = {"self": link(lms, request, request.path.removeprefix("/v1/"))}
    return json_reply(200, envelope)


def created(lms: SchoologyState, record: Record) -> Reply:
    """The reply to a creation; some have no body."""
    return json_reply(201, record) if lms.settings["create_returns_body"] else Reply(201)


def updated(lms: SchoologyState, record: Record) -> Reply:
    """The reply to an update."""
    status = lms.settings["update_status"]
    return Reply(204) if status == 204 else json_reply(status, record)
