"""Accounts, courses, sections, enrollments and users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas.access import (
    caller_of,
    included,
    no_right,
    require_teacher,
    teaches,
    visible_course,
    visible_section,
)
from passback_simulators.canvas.paging import page
from passback_simulators.canvas.replies import answer, body_of, invalid, not_found
from passback_simulators.canvas.seed import ACCOUNT, put_standard

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

SIS_FIELDS = ("sis_user_id", "sis_section_id", "sis_course_id", "sis_account_id")


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
    _require_admin(lms, request)
    return page(lms, request, [shown_course(lms, it) for it in _in_states(lms, request)])


def own_courses(lms: CanvasState, request: Request) -> Reply:
    """``GET /courses``: those that the caller is enrolled in."""
    caller = caller_of(lms, request)
    mine = {it["course_id"] for it in lms.records.all("enrollments") if it["user_id"] == caller.user}
    return page(lms, request, [shown_course(lms, it) for it in _in_states(lms, request) if it["id"] in mine])


def course(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id``."""
    found = visible_course(lms, request, course_id)
    content = shown_course(lms, found)
    if "concluded" in included(lms, request):
        content["concluded"] = found["workflow_state"] == "completed"
    return answer(request, 200, content)


def update_course(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``PUT /courses/:id``: its name, time zone and grading scheme; ``event`` concludes or deletes it."""
    found = visible_course(lms, request, course_id)
    require_teacher(lms, request, found["id"])
    given = body_of(request).get("course") or {}
    changed = found | {
        name: given[name] for name in ("name", "time_zone", "grading_standard_id") if name in given
    }
    states = {"conclude": "completed", "offer": "available", "claim": "unpublished", "delete": "deleted"}
    changed["workflow_state"] = states.get(given.get("event", ""), found["workflow_state"])
    lms.records.put("courses", found["id"], changed)
    return answer(request, 200, shown_course(lms, changed))


def sections(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/sections``."""
    found = visible_course(lms, request, course_id)
    listed = [it for it in lms.records.all("sections") if it["course_id"] == found["id"]]
    return page(lms, request, [_without_sis(lms, it) for it in listed])


def section(lms: CanvasState, request: Request, section_id: str) -> Reply:
    """``GET /sections/:id``."""
    return answer(request, 200, _without_sis(lms, visible_section(lms, request, section_id)))


def course_enrollments(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/enrollments``."""
    found = visible_course(lms, request, course_id)
    return _enrollments(lms, request, found["id"], None)


def section_enrollments(lms: CanvasState, request: Request, section_id: str) -> Reply:
    """``GET /sections/:id/enrollments``."""
    found = visible_section(lms, request, section_id)
    return _enrollments(lms, request, found["course_id"], found["id"])


def course_users(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/users``."""
    found = visible_course(lms, request, course_id)
    kinds = [f"{it.capitalize()}Enrollment" for it in request.params("enrollment_type[]")]
    users: dict[int, Record] = {}
    for enrollment in lms.enrollments(found["id"]):
        if kinds and enrollment["type"] not in kinds:
            continue
        user = lms.records.get("users", enrollment["user_id"])
        assert user is not None
        shown = users.setdefault(user["id"], shown_user(lms, user, request))
        if "enrollments" in included(lms, request):
            shown.setdefault("enrollments", []).append(enrollment)
    return page(lms, request, list(users.values()))


def user(lms: CanvasState, request: Request, user_id: str) -> Reply:
    """``GET /users/:id``, ``self`` included."""
    caller = caller_of(lms, request)
    found = lms.records.get("users", caller.user) if user_id == "self" else lms.find_user(user_id)
    if found is None:
        raise not_found()
    return answer(request, 200, shown_user(lms, found, request))


def account_users(lms: CanvasState, request: Request, account_id: str) -> Reply:
    """``GET /accounts/:id/users``."""
    _require_admin(lms, request)
    users = [shown_user(lms, it, request) for it in lms.records.all("users")]
    return page(lms, request, users)


def assignment_groups(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/assignment_groups``."""
    found = visible_course(lms, request, course_id)
    groups = [it for it in lms.records.all("groups") if it["course"] == found["id"]]
    shown = [{name: value for name, value in it.items() if name != "course"} for it in groups]
    return page(lms, request, shown)


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
    _require_admin(lms, request)
    return _create_standard(lms, request, "Account", ACCOUNT)


def _create_standard(lms: CanvasState, request: Request, kind: str, context: int) -> Reply:
    given = body_of(request)
    levels = [(str(it["name"]), float(it["value"]) / 100) for it in given.get("grading_scheme_entry") or []]
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


def shown_course(lms: CanvasState, record: Record) -> Record:
    """A course as the API shows it."""
    hidden = {"late_deduction_percent", "missing_grade_percent"}
    content = {name: value for name, value in record.items() if name not in hidden}
    content.setdefault("grading_standard_id", None)
    content["time_zone"] = str(lms.zone_of(record["id"]))
    return _without_sis(lms, content)


def shown_user(lms: CanvasState, record: Record, request: Request) -> Record:
    """A user as the API shows them; the e-mail only if the request includes it."""
    shown = _without_sis(lms, dict(record))
    if "email" not in included(lms, request):
        shown.pop("email", None)
    return shown


def _enrollments(lms: CanvasState, request: Request, course_id: int, section_id: int | None) -> Reply:
    require_teacher(lms, request, course_id)
    kinds, states = request.params("type[]"), request.params("state[]") or ["active", "invited"]
    shown: list[dict[str, Any]] = []
    for enrollment in lms.records.all("enrollments"):
        if enrollment["course_id"] != course_id or section_id not in (None, enrollment["course_section_id"]):
            continue
        if (kinds and enrollment["type"] not in kinds) or enrollment["enrollment_state"] not in states:
            continue
        person = lms.records.get("users", enrollment["user_id"])
        place = lms.records.get("sections", enrollment["course_section_id"])
        assert person is not None
        assert place is not None
        entry = {
            **enrollment,
            "role": enrollment["type"],
            "sis_section_id": place["sis_section_id"],
            "sis_user_id": person["sis_user_id"],
            "user": {name: value for name, value in person.items() if name != "email"},
        }
        shown.append(_without_sis(lms, entry))
    if request.fault == "not-enrolled":
        shown = [it for it in shown if it["type"] != "StudentEnrollment"]
    return page(lms, request, shown)


def _require_admin(lms: CanvasState, request: Request) -> None:
    if not caller_of(lms, request).admin:
        raise no_right(lms)


def _in_states(lms: CanvasState, request: Request) -> list[Record]:
    states = request.params("state[]") or ["available", "unpublished", "completed"]
    return [it for it in lms.records.all("courses") if it["workflow_state"] in states]


def _standards(lms: CanvasState, kind: str, context: int) -> list[Record]:
    return [it for it in lms.standards() if (it["context_type"], it["context_id"]) == (kind, context)]


def _without_sis(lms: CanvasState, record: Record) -> Record:
    """A record without SIS ids, for a caller who may not read them."""
    if lms.settings["can_read_sis"]:
        return record
    shown = {name: value for name, value in record.items() if name not in SIS_FIELDS}
    if isinstance(shown.get("user"), dict):
        shown["user"] = {name: value for name, value in shown["user"].items() if name not in SIS_FIELDS}
    return shown
