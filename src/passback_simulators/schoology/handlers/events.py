"""Events of a section's calendar (Schoology REST API: Event).

What is due is an event, too: it can be seen here, but only changed as assignment or discussion.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology.access import membership, section, taught, teaches
from passback_simulators.schoology.handlers.assignments import in_order, title_of
from passback_simulators.schoology.handlers.grade_setup import of_section
from passback_simulators.schoology.handlers.roster import user_of
from passback_simulators.schoology.html_filter import filtered
from passback_simulators.schoology.replies import (
    content,
    created,
    flag,
    forbidden,
    integer,
    link,
    missing,
    paged,
    refusal,
    updated,
)
from passback_simulators.schoology.times import instant, local

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState

_RSVP = (0, 1, 2)
"""Nobody, the invited, anyone."""


def _due(item: Record) -> Record:
    """What is due, as an event."""
    return {
        "id": item["id"], "section_id": item["section_id"], "title": item["title"],
        "description": item["description"], "start": item["due"], "end": None, "all_day": 0, "rsvp": 0,
        "comments_enabled": 1, "type": item["type"],
    }  # fmt: skip


def _of(lms: SchoologyState, section_id: str) -> list[Record]:
    """A section's events that the actor sees."""
    own = [one for one in lms.records.all("section_events") if one["section_id"] == section_id]
    return [*own, *(_due(item) for item in in_order(lms, section_id) if item["due"] is not None)]


def _shown(lms: SchoologyState, request: Request, event: Record, *, links: bool = True) -> Record:
    editable = event["type"] == "event" and teaches(lms, event["section_id"])
    shape: Record = {
        "id": event["id"], "title": event["title"], "description": event["description"],
        "start": local(lms, event["start"]), "has_end": int(event["end"] is not None),
        "end": "" if event["end"] is None else local(lms, event["end"]), "all_day": event["all_day"],
        "editable": int(editable), "rsvp": event["rsvp"], "comments_enabled": event["comments_enabled"],
        "type": event["type"], "realm": "section", "section_id": int(event["section_id"]),
    }  # fmt: skip
    if links:
        place = f"sections/{event['section_id']}/events/{event['id']}"
        shape["links"] = {"self": link(lms, request, place)}
    return shape


def _find(lms: SchoologyState, section_id: str, event_id: str) -> Record:
    for event in _of(lms, section_id):
        if str(event["id"]) == event_id:
            return event
    raise missing("Event")


def _changeable(lms: SchoologyState, section_id: str, event_id: str) -> Record:
    taught(lms, section_id)
    _find(lms, section_id, event_id)
    event = of_section(lms, "section_events", section_id, event_id)
    if event is None:  # an assignment's
        raise forbidden()
    return event


def _time(lms: SchoologyState, given: Record, name: str) -> int:
    moment = instant(lms, str(given.get(name) or ""))
    if moment is None:
        raise refusal(400, f"{name} must be YYYY-MM-DD HH:MM:SS")
    return moment


def _read(lms: SchoologyState, given: Record, existing: Record | None = None) -> Record:
    """The fields that a body sets. Raises `Refusal`."""
    event = existing or {
        "title": "", "description": "", "end": None, "all_day": 0, "rsvp": 0, "comments_enabled": 1, "type": "event",
    }  # fmt: skip
    event = dict(event)
    if existing is None or "title" in given:
        event["title"] = title_of(given)
    if existing is None or "start" in given:
        event["start"] = _time(lms, given, "start")
    if "description" in given:
        event["description"] = filtered(str(given["description"] or ""))
    has_end = flag(given["has_end"]) if "has_end" in given else int(event["end"] is not None)
    if not has_end:
        event["end"] = None
    elif "end" in given or event["end"] is None:
        event["end"] = _time(lms, given, "end")
    if event["end"] is not None and event["end"] < event["start"]:
        raise refusal(400, "end must not be before start")
    event |= {name: flag(given[name]) for name in ("all_day", "comments_enabled") if name in given}
    if "rsvp" in given:
        event["rsvp"] = integer(given["rsvp"])
        if event["rsvp"] not in _RSVP:
            raise refusal(400, "rsvp must be 0, 1 or 2")
    return event


def _day(text: str) -> str | None:
    """A date of the query, ``YYYY-MM-DD`` or ``YYYYMMDD``, in the first form; None if it is invalid."""
    for form in ("%Y-%m-%d", "%Y%m%d"):
        try:
            return f"{datetime.strptime(text, form):%Y-%m-%d}"  # noqa: DTZ007 - a date
        except ValueError:
            continue
    return None


def _page(lms: SchoologyState, request: Request, events: list[Record]) -> Reply:
    """A page of events by their start, within the query's dates if it has both."""
    first, last = _day(request.param("start_date")), _day(request.param("end_date"))
    if first and last:
        events = [one for one in events if first <= local(lms, one["start"])[:10] <= last]
    events = sorted(events, key=lambda one: (int(one["start"]), int(one["id"])))
    return paged(lms, request, "event", events, lambda one: _shown(lms, request, one), int)


def list_all(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}/events."""
    section(lms, section_id)
    return _page(lms, request, _of(lms, section_id))


def list_of_user(lms: SchoologyState, request: Request, uid: str) -> Reply:
    """GET /users/{uid}/events: those of all the user's sections, as the actor sees them."""
    user_of(lms, uid)
    sections = [str(one["id"]) for one in lms.records.all("sections") if membership(lms, one["id"], uid)]
    return _page(lms, request, [event for one in sections for event in _of(lms, one)])


def show(lms: SchoologyState, request: Request, section_id: str, event_id: str) -> Reply:
    """GET /sections/{id}/events/{id}."""
    section(lms, section_id)
    return json_reply(200, _shown(lms, request, _find(lms, section_id, event_id), links=False))


def create(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """POST /sections/{id}/events, for teachers."""
    taught(lms, section_id)
    event = _read(lms, content(request)) | {"section_id": section_id}
    event["id"] = lms.records.next_number("section_event", 5_615_013_001)
    return created(lms, _shown(lms, request, lms.records.put("section_events", event["id"], event)))


def update(lms: SchoologyState, request: Request, section_id: str, event_id: str) -> Reply:
    """PUT /sections/{id}/events/{id}: only what is sent changes."""
    event = _changeable(lms, section_id, event_id)
    changed = _read(lms, content(request), event)
    return updated(lms, _shown(lms, request, lms.records.put("section_events", event["id"], changed)))


def delete(lms: SchoologyState, request: Request, section_id: str, event_id: str) -> Reply:
    """DELETE /sections/{id}/events/{id}, for good."""
    lms.records.remove("section_events", _changeable(lms, section_id, event_id)["id"])
    return Reply(204)


_EVENT = "/sections/{section_id}/events/{event_id}"

ROUTES = (
    ("GET", "/sections/{section_id}/events", list_all),
    ("POST", "/sections/{section_id}/events", create),
    ("GET", _EVENT, show),
    ("PUT", _EVENT, update),
    ("DELETE", _EVENT, delete),
    ("GET", "/users/{uid}/events", list_of_user),
)
