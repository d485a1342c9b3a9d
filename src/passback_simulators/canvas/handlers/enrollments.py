"""Enrollments of courses, sections and users, with the students' scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.canvas import grading_periods, shapes
from passback_simulators.canvas.access import (
    caller_of,
    no_right,
    own_students,
    user_named,
    visible_course,
    visible_section,
)
from passback_simulators.canvas.paging import page
from passback_simulators.canvas.replies import refuse

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

_FUTURE = ("active", "invited", "creation_pending", "pending_active", "pending_invited")
_SEVERAL = {
    "current_and_invited": ("active", "invited"), "current_and_future": _FUTURE,
    "current_future_and_restricted": (*_FUTURE, "inactive"), "current_and_concluded": ("active", "completed"),
}  # fmt: skip
_STATES = {*_FUTURE, "inactive", "rejected", "completed", *_SEVERAL}


def of_course(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/enrollments``."""
    found = visible_course(lms, request, course_id)
    return _of_place(lms, request, found["id"], None)


def of_section(lms: CanvasState, request: Request, section_id: str) -> Reply:
    """``GET /sections/:id/enrollments``."""
    found = visible_section(lms, request, section_id)
    return _of_place(lms, request, found["course_id"], found["id"])


def of_user(lms: CanvasState, request: Request, user_id: str) -> Reply:
    """``GET /users/:id/enrollments``: for the user and administrators."""
    caller, found = caller_of(lms, request), user_named(lms, request, user_id)
    states = _params(request, "state")
    if found["id"] == caller.user:
        unknown = next((it for it in states if it not in _STATES), None)
        if unknown is not None:
            raise refuse(400, {"error": f"Invalid state {unknown}"})
    elif not caller.admin:
        raise no_right(lms)
    term = request.param("enrollment_term_id")
    mine = [it for it in lms.records.all("enrollments") if it["user_id"] == found["id"]]
    if term:
        courses = {it["id"] for it in lms.records.all("courses") if str(it["enrollment_term_id"]) == term}
        mine = [it for it in mine if it["course_id"] in courses]
    return _listed(lms, request, _matching(request, mine), None)


def _of_place(lms: CanvasState, request: Request, course: int, section: int | None) -> Reply:
    caller = caller_of(lms, request)
    found = [
        it
        for it in lms.records.all("enrollments")
        if it["course_id"] == course and section in (None, it["course_section_id"])
    ]
    roles = {it["type"] for it in lms.enrollments(course, user=caller.user)}
    if not caller.admin and roles <= {"ObserverEnrollment"}:
        # Who only observes sees their own enrollments, and those of whom they observe.
        seen = {caller.user, *own_students(lms, caller, course)}
        found = [it for it in found if it["user_id"] in seen]
    if wanted := request.param("user_id"):
        user = user_named(lms, request, wanted)
        found = [it for it in found if it["user_id"] == user["id"]]
    shown = _matching(request, found)
    if request.fault == "not-enrolled":
        shown = [it for it in shown if it["type"] != "StudentEnrollment"]
    return _listed(lms, request, shown, course)


def _matching(request: Request, enrollments: list[Record]) -> list[Record]:
    """Those of the kinds and states that the request names."""
    kinds = _params(request, "role") or _params(request, "type")
    states: list[str] = []
    for name in _params(request, "state") or ["active", "invited"]:
        states.extend(_SEVERAL.get(name, (name,)))
    return [
        it for it in enrollments if (not kinds or it["type"] in kinds) and it["enrollment_state"] in states
    ]


def _listed(lms: CanvasState, request: Request, found: list[Record], course: int | None) -> Reply:
    for name, table in (
        ("sis_user_id", "users"),
        ("sis_section_id", "sections"),
        ("sis_course_id", "courses"),
    ):
        if wanted := _params(request, name):
            if not lms.settings["can_read_sis"]:
                raise refuse(400, {"message": "Insufficient permissions to filter by SIS fields"})
            ids = {it["id"] for it in lms.records.all(table) if it[name] in wanted}
            field = {"users": "user_id", "sections": "course_section_id", "courses": "course_id"}[table]
            found = [it for it in found if it[field] in ids]
    period = None
    if wanted_period := request.param("grading_period_id"):
        courses = [course] if course is not None else [it["course_id"] for it in found]
        known = [period for it in courses for period in grading_periods.periods_of(lms, it)]
        period = next((it for it in known if str(it["id"]) == wanted_period), None)
        if period is None:
            raise refuse(400, {"error": "invalid grading_period_id"})
    enrollments = shapes.Enrollments(lms, request, period=period)
    return page(lms, request, shapes.in_order(lms, found), enrollments.shown)


def _params(request: Request, name: str) -> list[str]:
    """A parameter that may be one value, or an array."""
    return request.params(f"{name}[]") or request.params(name)


ROUTES = (
    ("GET", "/courses/{course_id}/enrollments", of_course),
    ("GET", "/sections/{section_id}/enrollments", of_section),
    ("GET", "/users/{user_id}/enrollments", of_user),
)
