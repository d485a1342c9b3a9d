"""What sections have in common with their courses: the same operations, for the section's students."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.canvas.access import user_named, visible_section
from passback_simulators.canvas.handlers import files, grading, handing_in, submissions
from passback_simulators.canvas.replies import not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


def _of_section(handler: Callable[..., Reply]) -> Callable[..., Reply]:
    """A course's handler as a section's: 404 for students who are not in it."""

    def handle(lms: CanvasState, request: Request, section_id: str, **parameters: str) -> Reply:
        section = visible_section(lms, request, section_id)
        if "user_id" in parameters:
            user = user_named(lms, request, parameters["user_id"])
            if user["id"] not in lms.students(section["course_id"], section["id"]):
                raise not_found()
        return handler(lms, request, course_id=str(section["course_id"]), **parameters)

    return handle


_PATH = "/sections/{section_id}/assignments/{assignment_id}/submissions"
ROUTES = (
    ("POST", _PATH, _of_section(handing_in.submit)),
    ("GET", f"{_PATH}/{{user_id}}", _of_section(submissions.read)),
    ("PUT", f"{_PATH}/{{user_id}}", _of_section(grading.grade)),
    ("POST", f"{_PATH}/{{user_id}}/files", _of_section(files.begin)),
)
