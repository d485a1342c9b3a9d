"""Making, renaming, moving and deleting an assignment, as far as the web services can: there is no creating one."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from passback_simulators.moodle import access
from passback_simulators.moodle.errors import bad_parameter, no_record, refused
from passback_simulators.moodle.function import Function
from passback_simulators.moodle.handlers.site import SITE_URL
from passback_simulators.moodle.params import list_of, object_of, whole, words, yes_no
from passback_simulators.moodle.seed import add_assignment

if TYPE_CHECKING:
    from passback_simulators.moodle.state import MoodleState
    from passback_simulators.records import Record

LONGEST_NAME = 255


def update_course(lms: MoodleState, action: str, courseid: int, ids: list[int], **_: Any) -> str:
    """``core_courseformat_update_course``: what it did, as JSON in a text, beside much that is as it was."""
    access.course(lms, courseid)
    access.need(lms, "moodle/course:manageactivities")
    if action not in _ACTIONS:
        raise refused("codingerror", f"Invalid course state action {action}")
    for cmid in ids:
        if access.module(lms, cmid)["course"] != courseid:
            raise refused("unexistingcmid", "Course module does not exist in the course")
    for cmid in ids:
        _ACTIONS[action](lms, access.module(lms, cmid))
    return json.dumps(_state(lms, courseid), separators=(",", ":"))


def _duplicate(lms: MoodleState, cm: Record) -> None:
    access.need(lms, "moodle/backup:backuptargetimport", "moodle/restore:restoretargetimport")
    assign = lms.assign(cm["instance"])
    if assign is None:
        raise no_record("assign")
    kept = {
        name: it
        for name, it in assign.items()
        if name not in ("id", "cmid", "course", "name", "timemodified")
    }
    add_assignment(
        lms.records, cm["course"], f"{assign['name']} (copy)", lms.seconds, visible=cm["visible"],
        **(kept | {"plugins": dict(kept["plugins"])}),
    )  # fmt: skip


def _showing(visible: int) -> Any:
    def change(lms: MoodleState, cm: Record) -> None:
        cm["visible"] = visible
        lms.records.put("cms", cm["id"], cm)

    return change


def _mark_deleted(lms: MoodleState, cm: Record) -> None:
    """It is gone from the lists at once; cron finishes."""
    cm["deleting"] = True
    lms.records.put("cms", cm["id"], cm)


_ACTIONS = {
    "cm_duplicate": _duplicate, "cm_show": _showing(1), "cm_hide": _showing(0), "cm_delete": _mark_deleted,
}  # fmt: skip


def _state(lms: MoodleState, course: int) -> list[dict[str, Any]]:
    cms = [it for it in lms.records.all("cms") if it["course"] == course and not it["deleting"]]
    section = {"id": str(course * 10), "section": 0, "cmlist": [str(it["id"]) for it in cms], "visible": True}
    updates: list[dict[str, Any]] = [{"name": "section", "action": "put", "fields": section}]
    for cm in cms:
        assign = lms.records.get("assigns", cm["instance"]) or {}
        fields = {
            "id": str(cm["id"]), "name": assign.get("name", ""), "visible": bool(cm["visible"]),
            "sectionid": str(course * 10), "module": cm["modname"], "istrackeduser": False,
        }  # fmt: skip
        updates.append({"name": "cm", "action": "put", "fields": fields})
    return updates


def rename(lms: MoodleState, component: str, itemtype: str, itemid: str, value: str) -> dict[str, Any]:
    """``core_update_inplace_editable``, for the name of an activity. An empty name is ignored."""
    if (component, itemtype) != ("core_course", "activityname"):
        raise refused("codingerror", "Unknown inplace editable")
    if not itemid.isdecimal():
        raise bad_parameter()
    cm = access.module(lms, int(itemid))
    access.need(lms, "moodle/course:manageactivities")
    if len(value) > LONGEST_NAME:
        raise refused("maximumchars", f"Maximum of {LONGEST_NAME} characters")
    assign = lms.assign(cm["instance"])
    if assign is None:
        raise no_record("assign")
    if name := " ".join(value.split()):
        assign["name"], assign["timemodified"] = name, lms.seconds
        lms.records.put("assigns", assign["id"], assign)
        if item := lms.item_of(assign["id"]):
            lms.records.put("items", item["id"], item | {"itemname": name})
    return {
        "displayvalue": assign["name"], "component": component, "itemtype": itemtype, "value": assign["name"],
        "itemid": itemid, "edithint": "Edit title", "editlabel": f"New name for activity {assign['name']}",
        "type": "text", "options": "", "linkeverything": 0,
    }  # fmt: skip


def delete_modules(lms: MoodleState, cmids: list[int]) -> None:
    """``core_course_delete_modules``: done when it answers. An unknown one fails, after those before it are gone."""
    for cmid in cmids:
        cm = access.module(lms, cmid)
        access.need(lms, "moodle/course:manageactivities")
        remove(lms, cm)


def remove(lms: MoodleState, cm: Record) -> None:
    """Remove a course module with its assignment and all that belongs to it."""
    assign, records = cm["instance"], lms.records
    items = {it["id"] for it in records.all("items") if it["assign"] == assign}
    for row in records.all("item_grades"):
        if row["item"] in items:
            records.remove("item_grades", f"{row['item']}/{row['user']}")
    for item in items:
        records.remove("items", item)
    for table in ("grades", "submissions"):
        for row in lms.attempts(table, assign):
            records.remove(table, f"{assign}/{row['userid']}/{row['attemptnumber']}")
    for row in records.all("flags"):
        if row["assignment"] == assign:
            records.remove("flags", f"{assign}/{row['userid']}")
    for event in records.all("events"):
        if event["assign"] == assign:
            records.remove("events", event["id"])
    records.remove("assigns", assign)
    records.remove("cms", cm["id"])


def events(lms: MoodleState, events: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """``core_calendar_get_calendar_events``, as far as assignments have events: that they are due."""
    shown = []
    for event in lms.records.all("events"):
        assign = lms.assign(event["assign"])
        if assign is None or assign["course"] not in events["courseids"]:
            continue
        cm = lms.cm(assign["cmid"])
        wanted = not options["ignorehidden"] and lms.settings["events_of_hidden"]
        if cm is None or not (cm["visible"] or wanted):
            continue
        if options["timestart"] <= event["timestart"] <= (options["timeend"] or event["timestart"]):
            shown.append(_event(event, assign))
    return {"events": shown, "warnings": []}


def _event(event: Record, assign: Record) -> dict[str, Any]:
    """A row of the calendar."""
    return _common(event, assign) | {
        "description": "", "format": 1, "courseid": assign["course"], "subscriptionid": None, "sequence": 1,
    }  # fmt: skip


def _common(event: Record, assign: Record) -> dict[str, Any]:
    return {
        "id": event["id"], "name": f"{assign['name']} is due", "categoryid": None, "groupid": None, "userid": 0,
        "repeatid": None, "modulename": "assign", "instance": assign["id"], "eventtype": "due",
        "timestart": event["timestart"], "timeduration": 0, "visible": 1, "timemodified": assign["timemodified"],
    }  # fmt: skip


def _in_page(event: Record, assign: Record, zone: ZoneInfo) -> dict[str, Any]:
    """An event as the calendar's page shows it."""
    when = datetime.fromtimestamp(event["timestart"], zone)
    activity = f"{SITE_URL}/mod/assign/view.php?id={assign['cmid']}"
    return _common(event, assign) | {
        "description": "", "descriptionformat": 1, "location": "", "component": "mod_assign",
        "activityname": assign["name"], "activitystr": "Assignment is due", "timesort": event["timestart"],
        "timeusermidnight": int(when.replace(hour=0, minute=0, second=0).timestamp()), "overdue": False,
        "icon": {"key": "monologo", "component": "assign", "alttext": "Activity event", "iconclass": "",
                 "iconurl": f"{SITE_URL}/theme/image.php/boost/assign/1/monologo"},
        "canedit": True, "candelete": False, "deleteurl": f"{SITE_URL}/calendar/delete.php?id={event['id']}",
        "editurl": f"{SITE_URL}/course/mod.php?update={assign['cmid']}", "viewurl": f"{SITE_URL}/calendar/view.php",
        "formattedtime": f"{when:%H:%M}", "formattedlocation": "", "isactionevent": True, "iscourseevent": False,
        "iscategoryevent": False, "normalisedeventtype": "course", "normalisedeventtypetext": "Course event",
        "purpose": "assessment", "url": activity,
    }  # fmt: skip


def move_event(lms: MoodleState, eventid: int, daytimestamp: int) -> dict[str, Any]:
    """``core_calendar_update_event_start_day``: another day, at the same time of day."""
    event = lms.records.get("events", eventid)
    assign = event and lms.assign(event["assign"])
    if not event or not assign:
        raise no_record("event")
    access.need(lms, "moodle/calendar:manageentries", "moodle/course:manageactivities")
    zone = ZoneInfo(lms.settings["timezone"])
    old = datetime.fromtimestamp(event["timestart"], zone)
    try:
        day = datetime.fromtimestamp(daytimestamp, zone)
    except (OverflowError, OSError, ValueError):
        raise bad_parameter() from None
    when = int(day.replace(hour=old.hour, minute=old.minute, second=old.second, microsecond=0).timestamp())
    if assign["allowsubmissionsfromdate"] and when < assign["allowsubmissionsfromdate"]:
        raise refused("Due date cannot be before the allow submissions from date.", "Error")
    if assign["cutoffdate"] and when > assign["cutoffdate"]:
        raise refused("The due date cannot be after the cut-off date.", "Error")
    event["timestart"] = assign["duedate"] = when
    assign["timemodified"] = lms.seconds
    lms.records.put("events", eventid, event)
    lms.records.put("assigns", assign["id"], assign)
    return {"event": _in_page(event, assign, zone)}


_EVENTS = object_of(
    {"eventids": list_of(whole(), []), "courseids": list_of(whole(), []), "groupids": list_of(whole(), []),
     "categoryids": list_of(whole(), [])},
    {"courseids": []},
)  # fmt: skip
_OPTIONS = {
    "userevents": yes_no(True), "siteevents": yes_no(True), "timestart": whole(0), "timeend": whole(0),
    "ignorehidden": yes_no(True),
}  # fmt: skip
_NO_OPTIONS = {"timestart": 0, "timeend": 0, "ignorehidden": True}

FUNCTIONS = {
    "core_courseformat_update_course": Function(
        {
            "action": words(), "courseid": whole(), "ids": list_of(whole(), []), "targetsectionid": whole(None),
            "targetcmid": whole(None),
        },
        update_course,
    ),
    "core_update_inplace_editable": Function(
        {"component": words(), "itemtype": words(), "itemid": words(), "value": words()}, rename
    ),
    "core_course_delete_modules": Function({"cmids": list_of(whole())}, delete_modules),
    "core_calendar_get_calendar_events": Function(
        {"events": _EVENTS, "options": object_of(_OPTIONS, _NO_OPTIONS)}, events, reads=True
    ),
    "core_calendar_update_event_start_day": Function(
        {"eventid": whole(), "daytimestamp": whole()}, move_event
    ),
}  # fmt: skip
