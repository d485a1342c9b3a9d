"""Accounts, courses, sections, enrollments and users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas.access import Caller, teaches
from passback_simulators.canvas.replies import answer, not_found, unauthorized
from passback_simulators.canvas.seed import ACCOUNT, STANDARDS

if TYPE_CHECKING:
    from passback_simulators.canvas.app import CanvasSimulator
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

SIS_FIELDS = ("sis_user_id", "sis_section_id", "sis_course_id", "sis_account_id")


def accounts(simulator: CanvasSimulator, request: Request) -> Reply:
    """``GET /accounts``: those that the caller administers."""
    found = [simulator.records.get("accounts", ACCOUNT)] if simulator.caller(request).admin else []
    return simulator.page(request, found)


def account(simulator: CanvasSimulator, request: Request, account_id: str) -> Reply:
    """``GET /accounts/:id``."""
    if account_id not in ("self", str(ACCOUNT)):
        raise not_found()
    return answer(request, 200, simulator.records.get("accounts", ACCOUNT))


def terms(simulator: CanvasSimulator, request: Request, account_id: str) -> Reply:
    """``GET /accounts/:id/terms``: an object, not a list."""
    return answer(request, 200, {"enrollment_terms": simulator.records.all("terms")})


def account_courses(simulator: CanvasSimulator, request: Request, account_id: str) -> Reply:
    """``GET /accounts/:id/courses``."""
    caller = simulator.caller(request)
    if not caller.admin:
        raise unauthorized(simulator.settings["unauthorized_status"])
    return simulator.page(request, [shown_course(simulator, it) for it in _in_states(simulator, request)])


def own_courses(simulator: CanvasSimulator, request: Request) -> Reply:
    """``GET /courses``: those that the caller is enrolled in."""
    caller = simulator.caller(request)
    mine = {it["course_id"] for it in simulator.records.all("enrollments") if it["user_id"] == caller.user}
    return simulator.page(
        request, [shown_course(simulator, it) for it in _in_states(simulator, request) if it["id"] in mine]
    )


def course(simulator: CanvasSimulator, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id``."""
    return answer(request, 200, shown_course(simulator, simulator.course(request, course_id)))


def sections(simulator: CanvasSimulator, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/sections``."""
    found = simulator.course(request, course_id)
    listed = [it for it in simulator.records.all("sections") if it["course_id"] == found["id"]]
    return simulator.page(request, [_without_sis(simulator, it) for it in listed])


def section(simulator: CanvasSimulator, request: Request, section_id: str) -> Reply:
    """``GET /sections/:id``."""
    return answer(request, 200, _without_sis(simulator, simulator.section(request, section_id)))


def course_enrollments(simulator: CanvasSimulator, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/enrollments``."""
    found = simulator.course(request, course_id)
    return _enrollments(simulator, request, found["id"], None)


def section_enrollments(simulator: CanvasSimulator, request: Request, section_id: str) -> Reply:
    """``GET /sections/:id/enrollments``."""
    found = simulator.section(request, section_id)
    return _enrollments(simulator, request, found["course_id"], found["id"])


def course_users(simulator: CanvasSimulator, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/users``."""
    found = simulator.course(request, course_id)
    kinds = [f"{it.capitalize()}Enrollment" for it in request.params("enrollment_type[]")]
    users: dict[int, Record] = {}
    for enrollment in simulator.enrollments(found["id"]):
        if kinds and enrollment["type"] not in kinds:
            continue
        user = simulator.records.get("users", enrollment["user_id"])
        assert user is not None
        shown = users.setdefault(user["id"], shown_user(simulator, user, request))
        if "enrollments" in simulator.included(request):
            shown.setdefault("enrollments", []).append(enrollment)
    return simulator.page(request, list(users.values()))


def user(simulator: CanvasSimulator, request: Request, user_id: str) -> Reply:
    """``GET /users/:id``, ``self`` included."""
    caller = simulator.caller(request)
    found = simulator.records.get("users", caller.user) if user_id == "self" else simulator.find_user(user_id)
    if found is None:
        raise not_found()
    return answer(request, 200, shown_user(simulator, found, request))


def account_users(simulator: CanvasSimulator, request: Request, account_id: str) -> Reply:
    """``GET /accounts/:id/users``."""
    if not simulator.caller(request).admin:
        raise unauthorized(simulator.settings["unauthorized_status"])
    users = [shown_user(simulator, it, request) for it in simulator.records.all("users")]
    return simulator.page(request, users)


def assignment_groups(simulator: CanvasSimulator, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/assignment_groups``."""
    found = simulator.course(request, course_id)
    groups = [it for it in simulator.records.all("groups") if it["course"] == found["id"]]
    shown = [{name: value for name, value in it.items() if name != "course"} for it in groups]
    return simulator.page(request, shown)


def course_standards(simulator: CanvasSimulator, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/grading_standards``: the course's and its account's."""
    found = simulator.course(request, course_id)
    return simulator.page(request, [it for it in _standards() if it["context_id"] in (found["id"], ACCOUNT)])


def account_standards(simulator: CanvasSimulator, request: Request, account_id: str) -> Reply:
    """``GET /accounts/:id/grading_standards``."""
    return simulator.page(request, [it for it in _standards() if it["context_id"] == ACCOUNT])


def shown_course(simulator: CanvasSimulator, record: Record) -> Record:
    """A course as the API shows it."""
    hidden = {"late_deduction_percent"}
    return _without_sis(simulator, {name: value for name, value in record.items() if name not in hidden})


def shown_user(simulator: CanvasSimulator, record: Record, request: Request) -> Record:
    """A user as the API shows them; the e-mail only where it is asked for."""
    shown = _without_sis(simulator, dict(record))
    if "email" not in simulator.included(request):
        shown.pop("email", None)
    return shown


def _enrollments(
    simulator: CanvasSimulator, request: Request, course_id: int, section_id: int | None
) -> Reply:
    caller: Caller = simulator.caller(request)
    if not teaches(simulator, caller, course_id):
        raise unauthorized(simulator.settings["unauthorized_status"])
    kinds, states = request.params("type[]"), request.params("state[]") or ["active", "invited"]
    shown: list[dict[str, Any]] = []
    for enrollment in simulator.records.all("enrollments"):
        if enrollment["course_id"] != course_id or section_id not in (None, enrollment["course_section_id"]):
            continue
        if (kinds and enrollment["type"] not in kinds) or enrollment["enrollment_state"] not in states:
            continue
        person = simulator.records.get("users", enrollment["user_id"])
        place = simulator.records.get("sections", enrollment["course_section_id"])
        assert person is not None
        assert place is not None
        entry = {
            **enrollment,
            "role": enrollment["type"],
            "sis_section_id": place["sis_section_id"],
            "sis_user_id": person["sis_user_id"],
            "user": {name: value for name, value in person.items() if name != "email"},
        }
        shown.append(_without_sis(simulator, entry))
    if request.fault == "not-enrolled":
        shown = [it for it in shown if it["type"] != "StudentEnrollment"]
    return simulator.page(request, shown)


def _in_states(simulator: CanvasSimulator, request: Request) -> list[Record]:
    states = request.params("state[]") or ["available", "unpublished", "completed"]
    return [it for it in simulator.records.all("courses") if it["workflow_state"] in states]


def _standards() -> list[dict[str, Any]]:
    return [
        {
            "id": standard,
            "title": title,
            "context_id": context,
            "context_type": "Account" if context == ACCOUNT else "Course",
            "grading_scheme": [{"name": name, "value": value} for name, value in levels],
        }
        for standard, (title, context, levels) in STANDARDS.items()
    ]


def _without_sis(simulator: CanvasSimulator, record: Record) -> Record:
    """A record without SIS ids, for a caller who may not read them."""
    if simulator.settings["can_read_sis"]:
        return record
    shown = {name: value for name, value in record.items() if name not in SIS_FIELDS}
    if isinstance(shown.get("user"), dict):
        shown["user"] = {name: value for name, value in shown["user"].items() if name not in SIS_FIELDS}
    return shown
