"""Line items: the tool's columns of a course's gradebook (AGS 2.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.lti import access
from passback_simulators.lti.handlers import grades
from passback_simulators.lti.replies import (
    BAD_GATEWAY,
    ITEM,
    ITEMS,
    content_of,
    listed,
    number,
    page_of,
    plain,
    refused,
    require_type,
)
from passback_simulators.lti.seed import LINE_ITEM, LINE_ITEM_READ
from passback_simulators.reply import Refusal, Reply, json_reply, text_reply

if TYPE_CHECKING:
    from passback_simulators.lti.state import LtiState
    from passback_simulators.records import Record
    from passback_simulators.request import Request

_LONGEST_LABEL = 255
_MOST_POINTS = 1e15
_DATES = ("startDateTime", "endDateTime")


def url_of(lms: LtiState, request: Request, item: Record) -> str:
    """The id of a line item, which is its address."""
    return request.base_url + lms.path(lms.profile.item, course=item["course"], item=item["id"])


def shown(lms: LtiState, request: Request, item: Record) -> dict[str, Any]:
    """A line item as a tool sees it."""
    content = {
        "id": url_of(lms, request, item), "label": item["label"], "scoreMaximum": plain(item["scoreMaximum"]),
        "resourceId": item["resourceId"], "tag": item["tag"], "resourceLinkId": item["resourceLinkId"],
    }  # fmt: skip
    dates = item["dates"] if lms.profile.keeps_dates else {}
    return {name: value for name, value in (content | dates).items() if value is not None}


def list_items(lms: LtiState, request: Request, course: str) -> Reply:
    """GET the line items of the tool in a course, filtered if that is asked for."""
    require_type(lms.profile, request, ITEMS)
    client = access.client_of(lms, request, LINE_ITEM, LINE_ITEM_READ)
    access.course(lms, request, course)
    found = lms.items_of(request, course, client)
    for param, name in (
        ("resource_id", "resourceId"),
        ("resource_link_id", "resourceLinkId"),
        ("tag", "tag"),
    ):
        if wanted := request.param(param):
            found = [it for it in found if it[name] == wanted]
    content = [shown(lms, request, it) for it in found]
    part, headers = page_of(lms, request, content, broken=lms.profile.broken_links)
    return listed(part, ITEMS, headers)


def create(lms: LtiState, request: Request, course: str) -> Reply:
    """POST a new line item; the same again makes another."""
    require_type(lms.profile, request, ITEM, sends=True)
    client = access.client_of(lms, request, LINE_ITEM)
    access.course(lms, request, course)
    given = content_of(lms.profile, request)
    fields = _fields(lms, request, given)
    if fields["resourceLinkId"] is not None and _link(lms, course, fields["resourceLinkId"]) != client:
        status = {"moodle": 403, "canvas": 412}.get(lms.profile.family, 404)
        raise refused(lms.profile, request, status, "no such resource link")
    item_id = str(lms.records.next_number("items", 501))
    item = lms.records.put("items", item_id, {"id": item_id, "course": course, "client": client, **fields})
    content = shown(lms, request, item)
    if not lms.profile.keeps_dates:
        content |= item["dates"]  # Moodle echoes them all the same
    return json_reply(201, content, ITEM)


def _link(lms: LtiState, course: str, link: str) -> str | None:
    """The tool of a resource link."""
    found = lms.records.get("links", link)
    return None if found is None or found["course"] != course else str(found["client"])


def read(lms: LtiState, request: Request, course: str, item: str) -> Reply:
    """GET a line item."""
    require_type(lms.profile, request, ITEM)
    client = access.client_of(lms, request, LINE_ITEM, LINE_ITEM_READ)
    return json_reply(200, shown(lms, request, access.own_item(lms, request, course, item, client)), ITEM)


def change(lms: LtiState, request: Request, course: str, item: str) -> Reply:
    """PUT a line item: what is left out is erased, but for the link that it belongs to."""
    require_type(lms.profile, request, ITEM, sends=True)
    client = access.client_of(lms, request, LINE_ITEM)
    found = access.own_item(lms, request, course, item, client)
    given = content_of(lms.profile, request)
    fields = _fields(lms, request, given) | {"resourceLinkId": found["resourceLinkId"]}
    if fields["scoreMaximum"] != found["scoreMaximum"] and lms.profile.rescales:
        grades.rescale(lms, item, fields["scoreMaximum"] / found["scoreMaximum"])
    changed = lms.records.put("items", item, found | fields)
    return json_reply(200, shown(lms, request, changed), ITEM)


def remove(lms: LtiState, request: Request, course: str, item: str) -> Reply:
    """DELETE a line item with its grades."""
    client = access.client_of(lms, request, LINE_ITEM)
    found = access.own_item(lms, request, course, item, client)
    if found["resourceLinkId"] is not None and lms.profile.dialect != "moodle":
        status = 401 if lms.profile.family == "canvas" else 405
        raise refused(lms.profile, request, status, "the line item belongs to a resource link")
    delete(lms, item)
    return Reply(204)


def delete(lms: LtiState, item: str) -> None:
    """Delete a line item with its grades."""
    lms.records.remove("items", item)
    for score in grades.of_item(lms, item):
        lms.records.remove("scores", f"{item}/{score['user']}")


def _fields(lms: LtiState, request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """The members of a line item that was sent. Raises `Refusal`."""
    profile = lms.profile
    label, maximum = given.get("label"), number(given.get("scoreMaximum"))
    lax = profile.dialect == "moodle"  # takes an empty label, and any number of points
    if not isinstance(label, str) or not (label.strip() or lax):
        raise refused(profile, request, 400, "Bad Request: label is required", "label")
    if maximum is None or (maximum <= 0 and not lax) or abs(maximum) > _MOST_POINTS:
        raise refused(profile, request, 400, "Bad Request: scoreMaximum is required", "scoreMaximum")
    if lax and len(label) > _LONGEST_LABEL:
        raise Refusal(text_reply(502, BAD_GATEWAY, "text/html"))
    texts = {name: given.get(name) or None for name in ("resourceId", "tag", "resourceLinkId")}
    dates = {name: given[name] for name in _DATES if given.get(name)}
    return {"label": label, "scoreMaximum": maximum, "dates": dates, **texts}


OPERATIONS = (
    ("GET", "items", list_items),
    ("POST", "items", create),
    ("GET", "item", read),
    ("PUT", "item", change),
    ("DELETE", "item", remove),
)
