"""A course's policy for late and missing work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import late_policy, setup
from passback_simulators.canvas.access import require_teacher, visible_course
from passback_simulators.canvas.replies import answer, body_of, messages, not_found, refuse
from passback_simulators.reply import Reply

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.request import Request


def read(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/late_policy``."""
    return answer(request, 200, {"late_policy": _existing(lms, _course(lms, request, course_id))})


def create(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``POST /courses/:id/late_policy``: a course has one."""
    course = _course(lms, request, course_id)
    if late_policy.policy_of(lms, course) is not None:
        error = {"message": "only one late policy per course is allowed"}
        raise refuse(400, {"status": "bad_request", "errors": [error]})
    setup.set_late_policy(lms, str(course), **_given(request))
    return answer(request, 201, {"late_policy": _existing(lms, course)})


def update(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``PATCH /courses/:id/late_policy``: grades that were given change with it."""
    course = _course(lms, request, course_id)
    _existing(lms, course)
    setup.set_late_policy(lms, str(course), **_given(request))
    return Reply(204)


def _course(lms: CanvasState, request: Request, course_id: str) -> int:
    course = visible_course(lms, request, course_id)
    require_teacher(lms, request, course["id"], "manage_grades")
    number: int = course["id"]
    return number


def _existing(lms: CanvasState, course: int) -> Record:
    found = late_policy.policy_of(lms, course)
    if found is None:
        raise not_found()
    return {name: value for name, value in found.items() if name != "course_id"}


def _given(request: Request) -> dict[str, Any]:
    given = body_of(request).get("late_policy")
    if not isinstance(given, dict) or not given:
        raise messages(400, "late_policy is missing")
    return given


_PATH = "/courses/{course_id}/late_policy"
ROUTES = (("GET", _PATH, read), ("POST", _PATH, create), ("PATCH", _PATH, update))
