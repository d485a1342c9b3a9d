"""Accounts, courses and sections, and their grading schemes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.canvas import shapes
from passback_simulators.canvas.access import (
    caller_of,
    no_right,
    require_admin,
    require_teacher,
    teaches,
    user_named,
    visible_course,
    visible_section,
)
from passback_simulators.canvas.paging import page
from passback_simulators.canvas.replies import (
    answer,
    body_of,
    invalid,
    not_found,
    number_of,
    object_in,
    objects_in,
    truthy,
)
from passback_simulators.canvas.seed import ACCOUNT, put_standard

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


def accounts(lms: CanvasState, request: Request) -> Reply:
    """``GET /accounts``: those that the caller administers."""
    found = [lms.records.get("accounts", ACCOUNT)] if caller_of(lms, request).admin else []
    return page(lms, request, found)


def account(lms: CanvasState, request: Request, account_id: str) -> Reply:
    """``GET /accounts/:id``."""
    if account_id not in ("self", str(ACCOUNT)):
        raise not_found()
    found = lms.records.get("accounts", ACCOUNT) or {}
    zone = found.get("time_zone", "UTC")
    return answer(request, 200, {"parent_account_id": None, **found, "default_time_zone": zone})


def terms(lms: CanvasState, request: Request, account_id: str) -> Reply:
    """``GET /accounts/:id/terms``: an object, not a list."""
    return answer(request, 200, {"enrollment_terms": lms.records.all("terms")})


def account_courses(lms: CanvasState, request: Request, account_id: str) -> Reply:
    """``GET /accounts/:id/courses``."""
    require_admin(lms, request)
    return page(lms, request, [shapes.course(lms, it, request) for it in _in_states(lms, request)])


def own_courses(lms: CanvasState, request: Request) -> Reply:
    """``GET /courses``: those that the caller is enrolled in."""
    return _courses_of(lms, request, caller_of(lms, request).user)


def user_courses(lms: CanvasState, request: Request, user_id: str) -> Reply:
    """``GET /users/:id/courses``: for the user, who observes them, and administrators."""
    caller, found = caller_of(lms, request), user_named(lms, request, user_id)
    observed = {it.get("associated_user_id") for it in lms.records.all("enrollments")
                if it["user_id"] == caller.user}  # fmt: skip
    if not caller.admin and found["id"] not in {caller.user, *observed}:
        raise no_right(lms)
    return _courses_of(lms, request, found["id"])


def _courses_of(lms: CanvasState, request: Request, user: int) -> Reply:
    mine = {it["course_id"] for it in lms.records.all("enrollments") if it["user_id"] == user}
    found = [it for it in _in_states(lms, request) if it["id"] in mine]
    return page(lms, request, [shapes.course(lms, it, request, user) for it in found])


def course(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id``."""
    found = visible_course(lms, request, course_id)
    return answer(request, 200, shapes.course(lms, found, request, caller_of(lms, request).user))


def update_course(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``PUT /courses/:id``: its name, time zone, and how it is graded; ``event`` concludes or deletes it."""
    found = visible_course(lms, request, course_id)
    require_teacher(lms, request, found["id"])
    given = object_in(body_of(request), "course")
    names = ("name", "time_zone", "grading_standard_id")
    changed = found | {name: given[name] or None for name in names if name in given}
    switches = ("apply_assignment_group_weights", "hide_final_grades")
    changed |= {name: truthy(given[name]) for name in switches if name in given}
    states = {"conclude": "completed", "offer": "available", "claim": "unpublished", "delete": "deleted"}
    changed["workflow_state"] = states.get(str(given.get("event")), found["workflow_state"])
    lms.records.put("courses", found["id"], changed)
    return answer(request, 200, shapes.course(lms, changed, request))


def sections(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/sections``."""
    found = visible_course(lms, request, course_id)
    listed = [it for it in lms.records.all("sections") if it["course_id"] == found["id"]]
    return page(lms, request, [shapes.section(lms, it, request) for it in listed])


def section(lms: CanvasState, request: Request, section_id: str) -> Reply:
    """``GET /sections/:id``."""
    return answer(request, 200, shapes.section(lms, visible_section(lms, request, section_id), request))


def course_section(lms: CanvasState, request: Request, course_id: str, section_id: str) -> Reply:
    """``GET /courses/:id/sections/:id``."""
    found = visible_course(lms, request, course_id)
    of_course = lms.find_section(section_id)
    if of_course is None or of_course["course_id"] != found["id"]:
        raise not_found()
    return answer(request, 200, shapes.section(lms, of_course, request))


def course_standards(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/grading_standards``: the course's and its account's."""
    found = visible_course(lms, request, course_id)
    return page(lms, request, [*_standards(lms, "Course", found["id"]), *_standards(lms, "Account", ACCOUNT)])


def account_standards(lms: CanvasState, request: Request, account_id: str) -> Reply:
    """``GET /accounts/:id/grading_standards``."""
    return page(lms, request, _standards(lms, "Account", ACCOUNT))


def create_course_standard(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``POST /courses/:id/grading_standards``."""
    found = visible_course(lms, request, course_id)
    require_teacher(lms, request, found["id"])
    return _create_standard(lms, request, "Course", found["id"])


def create_account_standard(lms: CanvasState, request: Request, account_id: str) -> Reply:
    """``POST /accounts/:id/grading_standards``."""
    require_admin(lms, request)
    return _create_standard(lms, request, "Account", ACCOUNT)


def _create_standard(lms: CanvasState, request: Request, kind: str, context: int) -> Reply:
    given = body_of(request)
    entries = objects_in(given, "grading_scheme_entry")
    levels = [(str(it.get("name")), number_of(it.get("value")) / 100) for it in entries]
    if not given.get("title") or not levels:
        raise invalid("title", "blank", "can't be blank")
    number = lms.records.next_number("standards", 41)
    put_standard(lms.records, number, str(given["title"]), kind, context, levels)
    return answer(request, 200, lms.records.get("standards", number))


def permissions(lms: CanvasState, request: Request, account: str) -> Reply:
    """``GET /accounts/:id/permissions``: which rights the caller has."""
    caller = caller_of(lms, request)
    if account not in ("self", "1"):
        raise not_found()
    by_setting = {"become_user": "can_masquerade", "manage_sis": "can_manage_sis", "read_sis": "can_read_sis"}
    rights = {
        name: caller.admin and bool(lms.settings.get(by_setting.get(name, ""), True))
        for name in request.params("permissions[]")
    }
    return answer(request, 200, rights)


def course_permissions(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/permissions``: which rights the caller has in the course."""
    found = visible_course(lms, request, course_id)
    may = teaches(lms, caller_of(lms, request), found["id"]) and found["workflow_state"] != "completed"
    lacking = lms.settings["lacks_rights"].split()
    return answer(
        request, 200, {name: may and name not in lacking for name in request.params("permissions[]")}
    )


def _in_states(lms: CanvasState, request: Request) -> list[Record]:
    states = request.params("state[]") or ["available", "unpublished", "completed"]
    return [it for it in lms.records.all("courses") if it["workflow_state"] in states]


def _standards(lms: CanvasState, kind: str, context: int) -> list[Record]:
    return [it for it in lms.standards() if (it["context_type"], it["context_id"]) == (kind, context)]
