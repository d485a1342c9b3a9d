"""Submissions of several students and assignments at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import grading_periods, overrides, shapes, works
from passback_simulators.canvas.access import (
    caller_of,
    included,
    no_right,
    own_students,
    sees_all_grades,
    teaches,
    visible_course,
    visible_section,
)
from passback_simulators.canvas.handlers.submissions import shown
from passback_simulators.canvas.overrides import instant
from passback_simulators.canvas.paging import page
from passback_simulators.canvas.replies import not_found, refuse, truthy
from passback_simulators.canvas.scores import Gradebook
from passback_simulators.reply import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

_MOST = 100
_STUDENTS = ("StudentEnrollment", "StudentViewEnrollment")
_STATES = {"active": ("active",), "concluded": ("completed",)}


def of_course(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/students/submissions``."""
    return _listed(lms, request, visible_course(lms, request, course_id)["id"], None)


def of_section(lms: CanvasState, request: Request, section_id: str) -> Reply:
    """``GET /sections/:id/students/submissions``."""
    found = visible_section(lms, request, section_id)
    return _listed(lms, request, found["course_id"], found["id"])


def _listed(lms: CanvasState, request: Request, course: int, section: int | None) -> Reply:
    enrollments = _enrollments(lms, course, section)
    students = _in_state(request, enrollments, _students(lms, request, course, enrollments))
    assignments = _assignments(lms, request, course, students)
    matches = _filter(lms, request)
    assigned = {it["id"]: set(overrides.assigned_to(lms, it)) for it in assignments}
    if request.param("grouped"):
        works_of = {
            user: [
                (it, works.submission_of(lms, it, user)) for it in assignments if user in assigned[it["id"]]
            ]
            for user in students
        }
        return _by_student(lms, request, enrollments, works_of, matches)
    found = [
        (record, it)
        for record in assignments
        for it in (works.submission_of(lms, record, user) for user in assigned[record["id"]] & set(students))
        if matches(lms, record, it)
    ]
    found.sort(key=lambda it: it[1]["id"])
    backwards = request.param("order_direction") == "descending"
    if request.param("order") == "graded_at":
        # What is not graded comes last either way.
        found.sort(key=lambda it: it[1]["graded_at"] or 0, reverse=backwards)
        found.sort(key=lambda it: it[1]["graded_at"] is None)
    elif backwards:
        found.reverse()
    return page(lms, request, found, lambda it: shown(lms, request, *it), bookmarks=not backwards)


def _enrollments(lms: CanvasState, course: int, section: int | None) -> list[Record]:
    """The students' enrollments that are not deleted; those that count come first."""
    found = [
        it
        for it in lms.records.all("enrollments")
        if it["course_id"] == course
        and section in (None, it["course_section_id"])
        and it["type"] in _STUDENTS
        and it["enrollment_state"] not in ("deleted", "rejected")
    ]
    return sorted(found, key=lambda it: it["enrollment_state"] != "active")


def _students(lms: CanvasState, request: Request, course: int, enrollments: Sequence[Record]) -> list[int]:
    """The students whom the request names, all of whose work the caller may see. Raises `Refusal`."""
    caller = caller_of(lms, request)
    given = request.params("student_ids[]") or request.params("student_ids")
    everyone = list(dict.fromkeys(it["user_id"] for it in enrollments))
    allowed = everyone
    if not sees_all_grades(lms, caller, course):
        allowed = own_students(lms, caller, course)
        if not allowed:
            raise no_right(lms)
    if "all" in given:
        return allowed
    named = [lms.find_user(str(caller.user) if it == "self" else it) for it in given]
    students = [it["id"] for it in named if it is not None] or [caller.user]
    unknown = [it for it, user in zip(given, named, strict=True) if user is None and it.isdecimal()]
    if unknown or not set(students) <= set(allowed):
        raise no_right(lms)
    if len(students) > _MOST:
        raise refuse(400, {"error": "too many students"})
    return list(dict.fromkeys(students))


def _in_state(request: Request, enrollments: Sequence[Record], students: Sequence[int]) -> list[int]:
    state = request.param("enrollment_state")
    if state and state not in _STATES:
        raise refuse(400, {"error": "invalid enrollment_state"})
    states = _STATES.get(state)
    counting = {it["user_id"] for it in enrollments if states is None or it["enrollment_state"] in states}
    return [it for it in students if it in counting]


def _assignments(lms: CanvasState, request: Request, course: int, students: Collection[int]) -> list[Record]:
    """The published assignments that the request names, or all. Raises `Refusal`."""
    found = [it for it in lms.assignments_of(course) if it["published"]]
    if request.fault == "deleted":
        found = []
    if truthy(request.param("post_to_sis")):
        found = [it for it in found if it["post_to_sis"]]
    wanted = request.params("assignment_ids[]") or request.params("assignment_ids")
    if wanted:
        found = [it for it in found if str(it["id"]) in wanted]
    if period_id := request.param("grading_period_id"):
        period = next((it for it in lms.records.all("grading_periods") if str(it["id"]) == period_id), None)
        if period is None:
            raise not_found()
        found = [it for it in found if _falls_in(lms, it, period)]
    if wanted and set(wanted) - {str(it["id"]) for it in found}:
        raise refuse(403, {"error": "invalid assignment ids requested"})
    if not teaches(lms, caller_of(lms, request), course):
        found = [it for it in found if set(overrides.assigned_to(lms, it)) & set(students)]
    return found


def _falls_in(lms: CanvasState, record: Record, period: Record) -> bool:
    """Whether an assignment is due in a grading period, for anybody."""
    periods = grading_periods.periods_of(lms, record["course_id"])
    dues = {overrides.dates_for(lms, record, it)["due_at"] for it in overrides.assigned_to(lms, record)}
    return any(grading_periods.period_for(periods, it) == period for it in dues)


def _filter(lms: CanvasState, request: Request) -> Any:
    """What a submission must be, by the request. Raises `Refusal`."""
    state = request.param("workflow_state")
    since: dict[str, int] = {}
    for name, field in (("submitted_since", "submitted_at"), ("graded_since", "graded_at")):
        if text := request.param(name):
            try:
                since[field] = instant(text, name) or 0
            except Refusal:
                raise refuse(400, {"errors": {name: f"Invalid datetime for {name}"}}) from None

    def matches(state_of: CanvasState, record: Record, submission: Record) -> bool:
        periods = grading_periods.periods_of(state_of, record["course_id"])
        now = works.as_of_now(state_of, record, submission, periods)
        return (not state or now["workflow_state"] == state) and all(
            now[field] is not None and now[field] > when for field, when in since.items()
        )

    return matches


def _by_student(
    lms: CanvasState,
    request: Request,
    enrollments: Sequence[Record],
    works_of: Mapping[int, Sequence[tuple[Record, Record]]],
    matches: Any,
) -> Reply:
    """The submissions by student, with the students' sections and, on request, their scores."""
    caller = caller_of(lms, request)
    everything = sees_all_grades(lms, caller, enrollments[0]["course_id"]) if enrollments else False
    book: list[Gradebook] = []

    def show(user: int) -> Record:
        enrollment = next(it for it in enrollments if it["user_id"] == user)
        content = {
            "user_id": user,
            "section_id": enrollment["course_section_id"],
            "submissions": [
                shown(lms, request, record, it) for record, it in works_of[user] if matches(lms, record, it)
            ],
        }
        if everything:
            person = lms.records.get("users", user) or {}
            content |= {"integration_id": None, "sis_user_id": person.get("sis_user_id")}
        if "total_scores" in included(lms, request):
            if not book:
                book.append(Gradebook(lms, enrollment["course_id"]))
            content |= _totals(book[0], user, unposted=False)
            content |= _totals(book[0], user, unposted=True) if everything else {}
        return shapes.without_sis(lms, content)

    return page(lms, request, sorted(works_of), show)


def _totals(book: Gradebook, user: int, *, unposted: bool) -> Record:
    totals = book.totals(user, unposted=unposted)
    kind = "unposted" if unposted else "computed"
    return {f"{kind}_final_score": totals.final, f"{kind}_current_score": totals.current}


ROUTES = (
    ("GET", "/courses/{course_id}/students/submissions", of_course),
    ("GET", "/sections/{section_id}/students/submissions", of_section),
)
