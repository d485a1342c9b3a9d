"""Courses and their aliases (Classroom API v1: courses, courses.aliases)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, errors, messages, parsing, wire
from passback_simulators.google_classroom.call import PAGES, Operation
from passback_simulators.google_classroom.paging import page

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call
    from passback_simulators.records import Record

_PATCHABLE = frozenset(
    {
        "courseState",
        "description",
        "descriptionHeading",
        "name",
        "ownerId",
        "room",
        "section",
        "subject",
        "levels",
    }
)
_LONGEST = {
    "name": 750, "section": 2800, "descriptionHeading": 3600, "description": 30_000, "room": 650, "levels": 999,
    "subject": 999,
}  # fmt: skip
"""The most characters of each of a course's texts."""
_LONGEST_ALIAS = 256


def shown(call: Call, course: Record) -> dict[str, Any]:
    """A course as the caller sees it."""
    staff = access.sees_all(call, course)
    link = wire.id_in_links(course["id"])
    folder = {
        "id": f"0B{course['id']}",
        "title": course["name"],
        "alternateLink": f"https://drive.google.com/drive/folders/0B{course['id']}",
    }
    return {
        "id": course["id"],
        **{name: course.get(name) for name in _LONGEST},
        "ownerId": course["owner_id"],
        "creationTime": wire.timestamp(course["created"]),
        "updateTime": wire.timestamp(course["updated"]),
        "enrollmentCode": f"c{course['id'][-6:]}" if staff else None,
        "courseState": course["state"],
        "alternateLink": f"https://classroom.google.com/c/{link}",
        "teacherGroupEmail": f"course_{course['id']}_teachers@{course['domain']}" if staff else None,
        "courseGroupEmail": f"course_{course['id']}@{course['domain']}",
        "teacherFolder": folder if staff else None,
        "calendarId": f"c_classroom{course['id']}@group.calendar.google.com",
        "gradebookSettings": course["gradebook"],
    }


def _get(call: Call, course_id: str) -> dict[str, Any]:
    return shown(call, access.readable_course(call, course_id))


def _list(call: Call) -> dict[str, Any]:
    states = call.choices("courseStates", messages.COURSE_STATE)
    teacher, student = call.param("teacherId"), call.param("studentId")
    if teacher and student:
        raise errors.invalid()
    found = [one for one in call.lms.records.all("courses") if not states or one["state"] in states]
    if not access.is_admin(call):
        found = [one for one in found if access.role_in(call, one)]
    for identifier, role in ((teacher, access.TEACHER), (student, access.STUDENT)):
        if identifier:
            user = access.existing_user(call, identifier)
            memberships = ((one, call.lms.member(one["id"], user["id"])) for one in found)
            found = [one for one, membership in memberships if membership and membership["role"] == role]
    found.sort(key=lambda one: (-one["created"], -int(one["id"])))
    content = page(call, "courses", found)
    return content | {"courses": [shown(call, one) for one in content["courses"]]}


def _create(call: Call) -> dict[str, Any]:
    body = call.body
    if not body.get("name") or not body.get("ownerId"):
        raise errors.invalid()
    owner = access.existing_user(call, body["ownerId"])
    if owner["id"] != call.user["id"] and not access.is_admin(call):
        raise errors.denied()
    if not access.is_admin(call) and not call.user["creates_courses"]:
        raise errors.denied()
    state = body.get("courseState", "PROVISIONED")
    if state not in ("ACTIVE", "PROVISIONED"):
        raise errors.invalid()
    _check_lengths(body)
    alias = body.get("id", "")
    if alias:
        _check_alias(call, alias)
    now = call.lms.clock()
    course_id = str(call.lms.records.next_number("course", 708_012_900_001))
    course = {
        "id": course_id, **{name: body.get(name) for name in _LONGEST}, "state": state, "owner_id": owner["id"],
        "created": now, "updated": now, "domain": owner["email"].partition("@")[2],
        "gradebook": {"calculationType": "TOTAL_POINTS", "displaySetting": "HIDE_OVERALL_GRADE"},
    }  # fmt: skip
    call.lms.records.put("courses", course_id, course)
    call.lms.join(course_id, owner["id"], access.TEACHER)
    if alias:
        _add_alias(call, alias, course_id)
    return shown(call, course)


def _check_lengths(body: dict[str, Any]) -> None:
    for name, longest in _LONGEST.items():
        if len(body.get(name, "")) > longest:
            raise errors.invalid(field=parsing.snake(name))


def _patch(call: Call, course_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    mask = parsing.update_mask(call.param("updateMask"), _PATCHABLE)
    if not access.sees_all(call, course):
        raise errors.denied()
    if call.lms.find_user(course["owner_id"]) is None and "ownerId" not in mask:
        raise errors.named("InactiveCourseOwner")
    changed = dict(course)
    if "courseState" in mask:
        if "courseState" not in call.body:
            raise errors.invalid(field="course_state")
        changed["state"] = call.body["courseState"]
    else:
        access.require_modifiable(course)
    if "ownerId" in mask:
        owner = access.existing_user(call, call.body.get("ownerId", ""))
        if not access.is_admin(call):
            raise errors.denied()
        if (call.lms.member(course["id"], owner["id"]) or {}).get("role") != access.TEACHER:
            raise errors.failed_precondition()
        changed["owner_id"] = owner["id"]
    if "name" in mask and not call.body.get("name"):
        raise errors.invalid(field="name")
    _check_lengths(call.body)
    changed |= {name: call.body.get(name) for name in mask & _LONGEST.keys()}
    changed["updated"] = call.lms.clock()
    return shown(call, call.lms.records.put("courses", course["id"], changed))


# Aliases.


def _check_alias(call: Call, alias: str) -> None:
    if not re.match(r"[dp]:.", alias) or len(alias) > _LONGEST_ALIAS:
        raise errors.invalid(field="alias")
    if call.lms.records.get("aliases", access.alias_key(call, alias)):
        raise errors.already_exists()


def _add_alias(call: Call, alias: str, course_id: str) -> None:
    row = {"alias": alias, "course_id": course_id, "project": call.grant.project}
    call.lms.records.put("aliases", access.alias_key(call, alias), row)


def _create_alias(call: Call, course_id: str) -> dict[str, Any]:
    course = staffed(call, course_id)
    alias = call.body.get("alias", "")
    _check_alias(call, alias)
    if alias.startswith("d:") and not access.is_admin(call):
        raise errors.denied()
    _add_alias(call, alias, course["id"])
    return {"alias": alias}


def _delete_alias(call: Call, course_id: str, alias: str) -> dict[str, Any]:
    course = staffed(call, course_id)
    row = call.lms.records.get("aliases", access.alias_key(call, alias))
    if row is None or row["course_id"] != course["id"]:
        raise errors.not_found()
    if alias.startswith("d:") and not access.is_admin(call):
        raise errors.denied()
    call.lms.records.remove("aliases", access.alias_key(call, alias))
    return {}


def _list_aliases(call: Call, course_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    rows = [
        {"alias": one["alias"]}
        for one in call.lms.records.all("aliases")
        if one["course_id"] == course["id"]
        and (one["alias"].startswith("d:") or one["project"] == call.grant.project)
    ]
    return page(call, "aliases", rows)


def staffed(call: Call, course_id: str) -> Record:
    """A course that the caller teaches or administers."""
    course = access.readable_course(call, course_id)
    if not access.sees_all(call, course):
        raise errors.denied()
    return course


_READ = ("classroom.courses", "classroom.courses.readonly")
_WRITE = ("classroom.courses",)
_COURSE = "/v1/courses/{id}"
_ALIASES = "/v1/courses/{courseId}/aliases"

OPERATIONS = (
    Operation("GET", "/v1/courses", "Courses.ListCourses", _READ, _list,
              (*PAGES, "courseStates", "studentId", "teacherId"), response=messages.COURSES),
    Operation("POST", "/v1/courses", "Courses.CreateCourse", _WRITE, _create,
              message=messages.COURSE, field="course", response=messages.COURSE),
    Operation("GET", _COURSE, "Courses.GetCourse", _READ, _get, response=messages.COURSE),
    Operation("PATCH", _COURSE, "Courses.PatchCourse", _WRITE, _patch, ("updateMask",), messages.COURSE, "course",
              messages.COURSE),
    Operation("GET", _ALIASES, "Courses.ListCourseAliases", _READ, _list_aliases, PAGES,
              response=messages.COURSE_ALIASES),
    Operation("POST", _ALIASES, "Courses.CreateCourseAlias", _WRITE, _create_alias,
              message=messages.COURSE_ALIAS, field="course_alias", response=messages.COURSE_ALIAS),
    Operation("DELETE", f"{_ALIASES}/{{alias}}", "Courses.DeleteCourseAlias", _WRITE, _delete_alias),
)  # fmt: skip
