"""Who can be graded, and how many are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.canvas import overrides, shapes, works
from passback_simulators.canvas.access import require_grades, visible_course
from passback_simulators.canvas.handlers import assignments
from passback_simulators.canvas.paging import page
from passback_simulators.canvas.replies import answer, truthy
from passback_simulators.canvas.seed import TEST_STUDENT

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


def of_assignment(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``GET .../assignments/:id/gradeable_students``."""
    record = assignments.visible(lms, request, course_id, assignment_id)
    require_grades(lms, request, record["course_id"])
    students = [] if request.fault == "not-enrolled" else sorted(overrides.assigned_to(lms, record))
    unnamed = record.get("anonymous_grading") and truthy(request.param("allow_new_anonymous_id"))

    def show(user: int) -> Record:
        if unnamed:
            number = students.index(user) + 1
            avatar = f"{request.base_url}/images/messages/avatar-50.png"
            work = works.submission_of(lms, record, user)
            return {
                "anonymous_id": f"a{work['id']}",
                "avatar_image_url": avatar,
                "display_name": f"Student {number}",
            }
        return shapes.user_display(request, lms.records.get("users", user) or {}, record["course_id"])

    return page(lms, request, students, show)


def of_several(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/assignments/gradeable_students``: which of these assignments each can do."""
    course = visible_course(lms, request, course_id)
    require_grades(lms, request, course["id"])
    wanted = request.params("assignment_ids[]") or request.params("assignment_ids")
    found = [it for it in lms.assignments_of(course["id"]) if str(it["id"]) in wanted]
    assigned = {it["id"]: set(overrides.assigned_to(lms, it)) for it in found}
    students = sorted(set().union(*assigned.values()))

    def show(user: int) -> Record:
        display = shapes.user_display(request, lms.records.get("users", user) or {}, course["id"])
        return {**display, "assignment_ids": [it for it, users in assigned.items() if user in users]}

    return page(lms, request, students, show)


def summary(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``GET .../submission_summary``: how many students are graded, not graded yet, and have handed in nothing."""
    record = assignments.visible(lms, request, course_id, assignment_id)
    require_grades(lms, request, record["course_id"])
    students = [it for it in overrides.assigned_to(lms, record) if it != TEST_STUDENT]
    if truthy(request.param("grouped")):
        students = list({tuple(overrides.group_of(lms, record, it)): it for it in students}.values())
    found = [works.submission_of(lms, record, it) for it in students]
    graded = sum(it["workflow_state"] == "graded" for it in found)
    waiting = sum(it["workflow_state"] == "submitted" for it in found)
    counts = {"graded": graded, "ungraded": waiting, "not_submitted": len(found) - graded - waiting}
    return answer(request, 200, counts)


ROUTES = (
    ("GET", "/courses/{course_id}/assignments/gradeable_students", of_several),
    ("GET", "/courses/{course_id}/assignments/{assignment_id}/gradeable_students", of_assignment),
    ("GET", "/courses/{course_id}/assignments/{assignment_id}/submission_summary", summary),
)
