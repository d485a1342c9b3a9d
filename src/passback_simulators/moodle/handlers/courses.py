"""Courses, and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.moodle import access
from passback_simulators.moodle.errors import bad_parameter, no_module, refused
from passback_simulators.moodle.function import Function
from passback_simulators.moodle.handlers.site import SITE_URL
from passback_simulators.moodle.params import list_of, object_of, whole, words

if TYPE_CHECKING:
    from passback_simulators.moodle.state import MoodleState
    from passback_simulators.records import Record

_FIELDS = {"id": "id", "ids": "id", "shortname": "shortname", "idnumber": "idnumber", "category": "category"}


def by_field(lms: MoodleState, field: str, value: str) -> dict[str, Any]:
    """``core_course_get_courses_by_field``: no match is an empty list."""
    found = lms.records.all("courses")
    if field:
        if field not in _FIELDS:
            raise bad_parameter()
        wanted = value.split(",") if field == "ids" else [value]
        found = [it for it in found if str(it.get(_FIELDS[field], 1)) in wanted]
    return {"courses": [_shown(lms, it) for it in found if access.sees(lms, it)], "warnings": []}


def _shown(lms: MoodleState, course: Record) -> dict[str, Any]:
    shown = {
        "id": course["id"], "fullname": course["fullname"], "displayname": course["fullname"],
        "shortname": course["shortname"], "categoryid": 1, "categoryname": "Category 1", "summary": "",
        "summaryformat": 1, "format": course["format"], "visible": course["visible"], "groupmode": 0,
        "startdate": 0, "enddate": 0, "contacts": [], "enrollmentmethods": ["manual"], "overviewfiles": [],
        "showactivitydates": True, "showcompletionconditions": True,
    }  # fmt: skip
    # The ID number is for those who manage the course.
    return shown | ({"idnumber": course["idnumber"]} if lms.may("moodle/course:update") else {})


def contents(lms: MoodleState, courseid: int, options: list[dict[str, str]]) -> list[dict[str, Any]]:
    """``core_course_get_contents``."""
    course = access.course(lms, courseid)
    given = {it["name"]: it["value"] for it in options}
    modules = []
    for cm in lms.records.all("cms"):
        wrong = given.get("modname", cm["modname"]) != cm["modname"] or given.get(
            "cmid", str(cm["id"])
        ) != str(cm["id"])
        if cm["course"] != courseid or cm["deleting"] or wrong:
            continue
        if not cm["visible"] and not lms.may("moodle/course:viewhiddenactivities"):
            continue
        assign = lms.records.get("assigns", cm["instance"]) or {}
        modules.append(
            {
                "id": cm["id"], "name": assign.get("name", ""), "instance": cm["instance"], "contextid": cm["id"] + 100,
                "visible": cm["visible"], "uservisible": True, "visibleoncoursepage": 1, "modname": cm["modname"],
                "modplural": "Assignments", "indent": 0, "completion": 0, "dates": [], "purpose": "assessment",
                "modicon": f"{SITE_URL}/theme/image.php/boost/assign/1/monologo?filtericon=1",
            }
        )  # fmt: skip
    return [
        {"id": course["section"], "name": "General", "visible": 1, "summary": "", "summaryformat": 1, "section": 0,
         "hiddenbynumsections": 0, "uservisible": True, "modules": modules}
    ]  # fmt: skip


def module(lms: MoodleState, cmid: int) -> dict[str, Any]:
    """``core_course_get_course_module``."""
    cm = access.module(lms, cmid)
    assign = lms.assign(cm["instance"])
    if assign is None:
        raise no_module()
    return {
        "cm": {
            "id": cm["id"], "course": cm["course"], "module": 1, "name": assign["name"], "modname": cm["modname"],
            "instance": cm["instance"], "section": cm["course"] * 10, "sectionnum": 0, "groupmode": 0,
            "groupingid": 0, "completion": 0, "idnumber": cm["idnumber"], "visible": cm["visible"],
            "visibleoncoursepage": 1,
        },
        "warnings": [],
    }  # fmt: skip


def groups(lms: MoodleState, courseid: int) -> list[dict[str, Any]]:
    """``core_group_get_course_groups``."""
    access.course(lms, courseid)
    if not lms.may("moodle/site:accessallgroups"):
        raise refused("nopermissions", "Sorry, but you do not currently have permissions to do that.")
    return [
        {"id": it["id"], "courseid": courseid, "name": it["name"], "description": "", "descriptionformat": 1,
         "enrolmentkey": "", "idnumber": it["idnumber"], "visibility": 0, "participation": True}
        for it in lms.records.all("groups")
        if it["courseid"] == courseid
    ]  # fmt: skip


_OPTION = object_of({"name": words(), "value": words()})

FUNCTIONS = {
    "core_course_get_courses_by_field": Function(
        {"field": words(""), "value": words("")}, by_field, reads=True
    ),
    "core_course_get_contents": Function(
        {"courseid": whole(), "options": list_of(_OPTION, [])}, contents, reads=True
    ),
    "core_course_get_course_module": Function({"cmid": whole()}, module, reads=True),
    "core_group_get_course_groups": Function({"courseid": whole()}, groups, reads=True),
}
