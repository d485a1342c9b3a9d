"""Reading submissions of one assignment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.canvas import grading_periods, overrides, rubrics, shapes, works
from passback_simulators.canvas.access import (
    caller_of,
    included,
    no_right,
    own_students,
    require_grades,
    sees_all_grades,
    visible_section,
)
from passback_simulators.canvas.handlers import assignments, files
from passback_simulators.canvas.paging import page
from passback_simulators.canvas.replies import answer, date, not_found, truthy

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

_DATES = ("submitted_at", "graded_at", "posted_at", "cached_due_date")
_INNER = ("comments", "history", "seconds_late_override")


def list_of_course(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``GET /courses/:id/assignments/:id/submissions``: one for every assigned student."""
    record = assignments.visible(lms, request, course_id, assignment_id)
    return _listed(lms, request, record, None)


def list_of_section(lms: CanvasState, request: Request, section_id: str, assignment_id: str) -> Reply:
    """``GET /sections/:id/assignments/:id/submissions``: those of the section's students."""
    section = visible_section(lms, request, section_id)
    record = assignments.visible(lms, request, str(section["course_id"]), assignment_id)
    return _listed(lms, request, record, section["id"])


def read(lms: CanvasState, request: Request, course_id: str, assignment_id: str, user_id: str) -> Reply:
    """``GET .../submissions/:user_id``: for the student, who observes them, and who sees all grades."""
    record = assignments.visible(lms, request, course_id, assignment_id)
    caller = caller_of(lms, request)
    everything = sees_all_grades(lms, caller, record["course_id"])
    if record.get("anonymous_grading") and everything:
        raise no_right(lms)
    user = student_named(lms, request, record, user_id)
    if not everything and user not in own_students(lms, caller, record["course_id"]):
        raise no_right(lms)
    return answer(request, 200, shown(lms, request, record, works.submission_of(lms, record, user)))


def shown(
    lms: CanvasState, request: Request, record: Record, submission: Record, *, comments: bool = False
) -> Record:
    """A submission as the API shows it to the caller, with what the request includes."""
    course, user = record["course_id"], submission["user_id"]
    caller, asked = caller_of(lms, request), included(lms, request)
    hidden = works.hides_grade(record, submission) and not sees_all_grades(lms, caller, course)
    content = _attempt(lms, request, record, submission)
    assigned = request.fault != "not-enrolled" and works.is_assigned(lms, record, user)
    if not assigned:
        content |= {"id": None, "workflow_state": "unsubmitted"}
    if hidden:
        content = works.without_grade(content)
    if "visibility" in asked:
        content["assignment_visible"] = assigned
    if comments or "submission_comments" in asked:
        content["submission_comments"] = [
            shown_comment(lms, request, it)
            for it in submission["comments"]
            if not hidden or it["author_id"] == caller.user
        ]
    if "submission_history" in asked:
        earlier = [_attempt(lms, request, record, submission | it) for it in submission.get("history", ())]
        history = [*earlier, _attempt(lms, request, record, submission)]
        content["submission_history"] = [works.without_grade(it) for it in history] if hidden else history
    if not hidden:
        content |= rubrics.of_submission(lms, record, submission, asked)
    if "assignment" in asked:
        content["assignment"] = assignments.shown(lms, request, record)
    if "course" in asked:
        content["course"] = shapes.course(lms, lms.records.get("courses", course) or {}, request)
    if "user" in asked:
        content["user"] = shapes.user(lms, lms.records.get("users", user) or {}, request, course)
    if "group" in asked:
        group = overrides.group_named(lms, record, user)
        content["group"] = {"id": group and group["id"], "name": group and group["name"]}
    return content


def _attempt(lms: CanvasState, request: Request, record: Record, submission: Record) -> Record:
    """A submission, or an earlier attempt of it, without what may be included."""
    periods = grading_periods.periods_of(lms, record["course_id"])
    now = works.as_of_now(lms, record, submission, periods)
    content = {name: value for name, value in now.items() if name not in _INNER}
    content |= {name: date(now[name]) for name in _DATES}
    preview = f"{request.base_url}/courses/{record['course_id']}/assignments/{record['id']}/submissions"
    return content | {
        "custom_grade_status_id": None,
        "preview_url": f"{preview}/{submission['user_id']}?preview=1&version={submission['attempt'] or 0}",
        "attachments": [files.shown(lms, request, it) for it in submission["attachments"]],
    }


def _listed(lms: CanvasState, request: Request, record: Record, section: int | None) -> Reply:
    require_grades(lms, request, record["course_id"])
    students = [
        user for user in lms.students(record["course_id"], section) if works.is_assigned(lms, record, user)
    ]
    if truthy(request.param("grouped")):
        # One for each group, and those who are in none.
        first: dict[tuple[int, ...], int] = {}
        for user in students:
            first.setdefault(tuple(overrides.group_of(lms, record, user)), user)
        students = list(first.values())
    if request.fault == "not-enrolled":
        students = []

    def show(user: int) -> Record:
        content = shown(lms, request, record, works.submission_of(lms, record, user))
        return _anonymous(content) if record.get("anonymous_grading") else content

    return page(lms, request, students, show)


def _anonymous(content: Record) -> Record:
    """A submission without whose it is."""
    hidden = {"user_id", "preview_url", "id"}
    shown = {name: value for name, value in content.items() if name not in hidden}
    return {**shown, "anonymous_id": f"a{content['id']}"}


def student_named(lms: CanvasState, request: Request, record: Record, user_id: str) -> int:
    """A student of the course; ``self`` is the caller. Raises `Refusal`: 404 for anybody else."""
    user = (
        lms.records.get("users", caller_of(lms, request).user)
        if user_id == "self"
        else lms.find_user(user_id)
    )
    if user is None or not works.is_student(lms, record, user["id"]):
        raise not_found()
    found: int = user["id"]
    return found


def shown_comment(lms: CanvasState, request: Request, comment: Record) -> Record:
    """A comment as the API shows it."""
    content = {**comment, "created_at": date(comment["created_at"]), "edited_at": date(comment["edited_at"])}
    if comment.get("attachments"):
        content["attachments"] = [files.shown(lms, request, it) for it in comment["attachments"]]
    return content
