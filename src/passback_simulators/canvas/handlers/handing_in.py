"""Handing in work: as the student or, with the right, on their behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import overrides, works
from passback_simulators.canvas.access import caller_of, no_right
from passback_simulators.canvas.handlers import assignments, files
from passback_simulators.canvas.handlers.submissions import shown
from passback_simulators.canvas.replies import answer, body_of, object_in, refuse
from passback_simulators.canvas.sanitize import sanitized

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


_REQUIRED = {"online_text_entry": "body", "online_url": "url", "online_upload": "file_ids"}
_KEPT = ("submission_type", "body", "url", "attachments", "attempt", "submitted_at", "workflow_state", "score",
         "grade", "entered_score", "entered_grade", "points_deducted", "grader_id", "graded_at", "excused")  # fmt: skip
"""What is kept of an attempt when the next one is made."""


def submit(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``POST .../submissions``: each is a new attempt."""
    record = assignments.visible(lms, request, course_id, assignment_id)
    caller = caller_of(lms, request)
    given = object_in(body_of(request), "submission")
    kind = given.get("submission_type")
    user = caller.user
    if given.get("user_id") is not None:
        named = lms.find_user(str(given["user_id"]))
        if named is None or not lms.settings["can_submit_on_behalf"] or not caller.admin:
            raise no_right(lms)
        user = named["id"]
    submission = works.submission_of(lms, record, user)
    if not works.is_student(lms, record, user) or not _takes_work(lms, record, submission, user):
        raise no_right(lms)
    if (lms.records.get("courses", record["course_id"]) or {}).get("workflow_state") == "completed":
        raise no_right(lms)
    if kind not in record["submission_types"] or kind not in _REQUIRED:
        raise refuse(400, {"message": "Invalid submission[submission_type] given"})
    field = _REQUIRED[kind]
    if not given.get(field):
        text = f"Invalid parameters for submission_type {kind}. Required: submission[{field}]"
        raise refuse(400, {"message": text})
    changed = {**submission, **_work(lms, kind, given, user)}
    if submission["attempt"] is not None:
        earlier = {name: submission[name] for name in _KEPT}
        changed["history"] = [*submission.get("history", ()), earlier]
    changed |= {
        "submission_type": kind, "attempt": (submission["attempt"] or 0) + 1, "submitted_at": lms.clock(),
        "workflow_state": "submitted", "late_policy_status": None, "redo_request": False,
        "grade_matches_current_submission": submission["score"] is None, "seconds_late_override": None,
    }  # fmt: skip
    works.keep(lms, record, changed)
    return answer(request, 201, shown(lms, request, record, changed)).with_headers(
        Location=f"{request.base_url}{request.path}/{user}"
    )


def _work(lms: CanvasState, kind: str, given: Mapping[str, Any], user: int) -> Record:
    """Submitted work as the fields of a submission. Raises `Refusal`."""
    work: Record = {"body": None, "url": None, "attachments": []}
    match kind:
        case "online_upload":
            return work | {"attachments": files.of_student(lms, given["file_ids"], user)}
        case "online_url":
            url = str(given["url"])
            return work | {"url": url if "://" in url else f"http://{url}"}
        case _:
            return work | {"body": sanitized(str(given["body"]))}


def _takes_work(lms: CanvasState, record: Record, submission: Record, user: int) -> bool:
    """Whether the student may submit: published, assigned, not locked, attempts left."""
    dates, now = overrides.dates_for(lms, record, user), lms.clock()
    locked = (dates["lock_at"] is not None and now > dates["lock_at"]) or (
        dates["unlock_at"] is not None and now < dates["unlock_at"]
    )
    allowed = record["allowed_attempts"]
    used_up = allowed > 0 and (submission["attempt"] or 0) >= allowed + (submission["extra_attempts"] or 0)
    return record["published"] and works.is_assigned(lms, record, user) and not locked and not used_up
