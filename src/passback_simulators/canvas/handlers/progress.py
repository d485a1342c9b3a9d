"""Grading many submissions at once, and the Progress objects that report on it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from passback_simulators.canvas.access import caller_of, no_right
from passback_simulators.canvas.handlers.assignments import visible
from passback_simulators.canvas.handlers.submissions import (
    grade_together,
    is_assigned,
    require_grader,
)
from passback_simulators.canvas.replies import answer, body_of, messages, not_found
from passback_simulators.reply import Refusal

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


def bulk(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``POST .../submissions/update_grades``: asynchronous, with no result per student."""
    record = visible(lms, request, course_id, assignment_id)
    caller = require_grader(lms, request, record)
    content = body_of(request)
    data = content.get("grade_data")
    if not isinstance(data, dict) or not data:
        raise messages(400, "grade_data is missing")
    if not record["published"]:
        raise no_right(lms)
    number = lms.records.next_number("progress", 3)
    progress: Record = {
        "id": number, "context_id": record["course_id"], "context_type": "Course", "tag": "submissions_update",
        "completion": None, "workflow_state": "queued", "message": None, "user_id": None,
        "polls": lms.settings["bulk_polls"], "assignment": record["id"], "data": data, "grader": caller.user,
        "prefer_points": content.get("prefer_points_over_scheme") in (True, "true", "1"),
    }  # fmt: skip
    lms.records.put("progress", number, progress)
    return answer(request, 200, _shown_progress(request, progress))


def progress(lms: CanvasState, request: Request, progress_id: str) -> Reply:
    """``GET /progress/:id``: the work proceeds each time it is polled."""
    caller_of(lms, request)
    record = lms.records.get("progress", progress_id)
    if record is None:
        raise not_found()
    if record["workflow_state"] in ("queued", "running"):
        record = {**record, "polls": record["polls"] - 1, "workflow_state": "running"}
        if record["polls"] <= 0:
            record = _finished(lms, record)
        lms.records.put("progress", progress_id, record)
    return answer(request, 200, _shown_progress(request, record))


def _shown_progress(request: Request, record: Record) -> Record:
    hidden = {"polls", "assignment", "data", "grader", "prefer_points"}
    content = {name: value for name, value in record.items() if name not in hidden}
    return content | {"url": f"{request.base_url}/api/v1/progress/{record['id']}"}


def _finished(lms: CanvasState, record: Record) -> Record:
    """Grade the students of a bulk update as far as possible; Canvas does not report those it skips."""
    if lms.settings["bulk_fails"]:
        return {**record, "workflow_state": "failed", "message": "an error occurred"}
    assignment = lms.records.get("assignments", record["assignment"])
    if assignment is None or assignment["deleted"]:
        return {**record, "workflow_state": "failed", "message": "the assignment is gone"}
    for user_id, given in record["data"].items():
        user = lms.find_user(user_id)
        if user is None or not is_assigned(lms, assignment, user["id"]):
            continue
        with contextlib.suppress(Refusal):
            grade_together(
                lms,
                assignment,
                user["id"],
                given,
                grader=record["grader"],
                prefer_points=record["prefer_points"],
                comment=given.get("text_comment"),
            )
    return {**record, "workflow_state": "completed", "completion": 100.0}
