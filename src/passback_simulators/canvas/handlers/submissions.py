"""Submissions: reading, handing in, grading one or many, comments and extra attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas.access import require_teacher, teaches
from passback_simulators.canvas.grades import graded
from passback_simulators.canvas.handlers import assignments
from passback_simulators.canvas.replies import (
    answer,
    body_of,
    date,
    messages,
    not_found,
    refuse,
    unauthorized,
)
from passback_simulators.reply import Refusal

if TYPE_CHECKING:
    from passback_simulators.canvas.app import CanvasSimulator
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

_DATES = ("submitted_at", "graded_at", "posted_at")
_REQUIRED = {"online_text_entry": "body", "online_url": "url", "online_upload": "file_ids"}


def list_of_course(simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``GET /courses/:id/assignments/:id/submissions``: one of every student who is assigned."""
    record = assignments.visible(simulator, request, course_id, assignment_id)
    return _listed(simulator, request, record, None)


def list_of_section(
    simulator: CanvasSimulator, request: Request, section_id: str, assignment_id: str
) -> Reply:
    """``GET /sections/:id/assignments/:id/submissions``: those of the section's students."""
    section = simulator.section(request, section_id)
    record = assignments.visible(simulator, request, str(section["course_id"]), assignment_id)
    return _listed(simulator, request, record, section["id"])


def read(
    simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str, user_id: str
) -> Reply:
    """``GET .../submissions/:user_id``."""
    record = assignments.visible(simulator, request, course_id, assignment_id)
    caller = simulator.caller(request)
    user = _student(simulator, record, user_id)
    if not teaches(simulator, caller, record["course_id"]) and caller.user != user:
        raise unauthorized(simulator.settings["unauthorized_status"])
    return answer(request, 200, shown(simulator, request, record, submission_of(simulator, record, user)))


def grade(
    simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str, user_id: str
) -> Reply:
    """``PUT .../submissions/:user_id``: grade, excuse, late policy and comment."""
    record = assignments.visible(simulator, request, course_id, assignment_id)
    caller = simulator.caller(request)
    require_teacher(simulator, caller, record["course_id"])
    user = _student(simulator, record, user_id)
    content = body_of(request)
    submission = submission_of(simulator, record, user)
    changed = graded(
        simulator, record, submission, content.get("submission") or {}, grader=caller.user,
        prefer_points=content.get("prefer_points_over_scheme") in (True, "true", "1"),
    )  # fmt: skip
    comment = (content.get("comment") or {}).get("text_comment")
    if comment:
        changed = _commented(simulator, changed, caller.user, comment)
    _keep(simulator, record, changed)
    content = shown(simulator, request, record, changed, comments=True)
    return answer(request, 200, {**content, "all_submissions": [dict(content)]})


def edit_comment(
    simulator: CanvasSimulator,
    request: Request,
    course_id: str,
    assignment_id: str,
    user_id: str,
    comment_id: str,
) -> Reply:
    """``PUT`` and ``DELETE .../submissions/:user_id/comments/:id``."""
    record = assignments.visible(simulator, request, course_id, assignment_id)
    require_teacher(simulator, simulator.caller(request), record["course_id"])
    submission = submission_of(simulator, record, _student(simulator, record, user_id))
    found = next((it for it in submission["comments"] if str(it["id"]) == comment_id), None)
    if found is None:
        raise not_found()
    others = [it for it in submission["comments"] if it is not found]
    if request.method == "PUT":
        words = (body_of(request).get("comment")) or ""
        found = {**found, "comment": str(words), "edited_at": simulator.clock()}
        others = [found if it["id"] == found["id"] else it for it in submission["comments"]]
    _keep(simulator, record, {**submission, "comments": others})
    return answer(request, 200, _shown_comment(found))


def bulk(simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``POST .../submissions/update_grades``: asynchronous, without any student's result."""
    record = assignments.visible(simulator, request, course_id, assignment_id)
    caller = simulator.caller(request)
    require_teacher(simulator, caller, record["course_id"])
    content = body_of(request)
    data = content.get("grade_data")
    if not isinstance(data, dict) or not data:
        raise messages(400, "grade_data is missing")
    if not record["published"]:
        raise unauthorized(simulator.settings["unauthorized_status"])
    number = simulator.records.next_number("progress", 3)
    progress: Record = {
        "id": number, "context_id": record["course_id"], "context_type": "Course", "tag": "submissions_update",
        "completion": None, "workflow_state": "queued", "message": None, "user_id": None,
        "polls": simulator.settings["bulk_polls"], "assignment": record["id"], "data": data, "grader": caller.user,
        "prefer_points": content.get("prefer_points_over_scheme") in (True, "true", "1"),
    }  # fmt: skip
    simulator.records.put("progress", number, progress)
    return answer(request, 200, _shown_progress(request, progress))


def progress(simulator: CanvasSimulator, request: Request, progress_id: str) -> Reply:
    """``GET /progress/:id``: the work is done while it is being watched."""
    simulator.caller(request)
    record = simulator.records.get("progress", progress_id)
    if record is None:
        raise not_found()
    if record["workflow_state"] in ("queued", "running"):
        record = {**record, "polls": record["polls"] - 1, "workflow_state": "running"}
        if record["polls"] <= 0:
            record = _finished(simulator, record)
        simulator.records.put("progress", progress_id, record)
    return answer(request, 200, _shown_progress(request, record))


def extend(simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``POST .../extensions``: an absolute number of extra attempts; unknown students are dropped silently."""
    record = assignments.visible(simulator, request, course_id, assignment_id)
    require_teacher(simulator, simulator.caller(request), record["course_id"])
    if "discussion_topic" in record["submission_types"]:
        raise messages(400, "extensions are not possible for discussions")
    given = []
    for item in body_of(request).get("assignment_extensions") or []:
        user = simulator.find_user(str(item.get("user_id")))
        if user is None or not _is_student(simulator, record, user["id"]):
            continue
        changed = {
            **submission_of(simulator, record, user["id"]),
            "extra_attempts": int(item["extra_attempts"]),
        }
        _keep(simulator, record, changed)
        given.append({"assignment_id": record["id"], "user_id": user["id"],
                      "extra_attempts": changed["extra_attempts"]})  # fmt: skip
    return answer(request, 200, {"assignment_extensions": given})


def submit(simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``POST .../submissions``: each is a new attempt."""
    record = assignments.visible(simulator, request, course_id, assignment_id)
    caller = simulator.caller(request)
    given = body_of(request).get("submission") or {}
    kind = given.get("submission_type")
    user = caller.user
    if given.get("user_id") is not None:
        named = simulator.find_user(str(given["user_id"]))
        if named is None or not simulator.settings["can_submit_on_behalf"] or not caller.admin:
            raise unauthorized(simulator.settings["unauthorized_status"])
        user = named["id"]
    submission = submission_of(simulator, record, user)
    if not _is_student(simulator, record, user) or not _takes_work(simulator, record, submission, user):
        raise unauthorized(simulator.settings["unauthorized_status"])
    if kind not in record["submission_types"] or kind not in _REQUIRED:
        raise refuse(400, {"message": "Invalid submission[submission_type] given"})
    field = _REQUIRED[kind]
    if not given.get(field):
        text = f"Invalid parameters for submission_type {kind}. Required: submission[{field}]"
        raise refuse(400, {"message": text})
    changed = {**submission, **simulator.work_of(kind, given, user)}
    now = simulator.clock()
    due = assignments.dates_for(record, simulator, user)["due_at"]
    changed |= {
        "submission_type": kind, "attempt": (submission["attempt"] or 0) + 1, "submitted_at": now,
        "workflow_state": "submitted", "late_policy_status": None, "redo_request": False,
        "grade_matches_current_submission": submission["score"] is None,
        "seconds_late": max(0, (now - due) // 1000) if due is not None else 0,
    }  # fmt: skip
    _keep(simulator, record, changed)
    return answer(request, 201, shown(simulator, request, record, changed)).with_headers(
        Location=f"{request.base_url}{request.path}/{user}"
    )


def submission_of(simulator: CanvasSimulator, record: Record, user: int) -> Record:
    """A student's submission; one that nothing has happened to yet is as when it was assigned."""
    found = simulator.records.get("submissions", f"{record['id']}/{user}")
    if found is not None:
        return found
    return {
        "id": record["id"] * 10_000 + user % 10_000, "assignment_id": record["id"], "user_id": user,
        "workflow_state": "unsubmitted", "submission_type": None, "body": None, "url": None, "attachments": [],
        "attempt": None, "submitted_at": None, "score": None, "grade": None, "entered_score": None,
        "entered_grade": None, "points_deducted": None, "grader_id": None, "graded_at": None, "posted_at": None,
        "grade_matches_current_submission": True, "excused": False, "late_policy_status": None, "seconds_late": 0,
        "extra_attempts": None, "redo_request": False, "comments": [],
    }  # fmt: skip


def shown(
    simulator: CanvasSimulator,
    request: Request,
    record: Record,
    submission: Record,
    *,
    comments: bool = False,
) -> Record:
    """A submission as the API shows it."""
    user = submission["user_id"]
    assigned = request.fault != "not-enrolled" and _is_assigned(simulator, record, user)
    dates = assignments.dates_for(record, simulator, user)
    content = {name: value for name, value in submission.items() if name != "comments"}
    content |= {name: date(submission[name]) for name in _DATES}
    status, handed_in = submission["late_policy_status"], submission["submitted_at"] is not None
    overdue = dates["due_at"] is not None and simulator.clock() > dates["due_at"]
    settled = submission["excused"] or submission["score"] is not None
    content |= {
        "cached_due_date": date(dates["due_at"]),
        "late": status == "late" or (status is None and handed_in and submission["seconds_late"] > 0),
        "missing": status == "missing" or (status is None and not handed_in and overdue and not settled),
        "grading_period_id": None,
        "custom_grade_status_id": None,
        "preview_url": f"{request.base_url}/courses/{record['course_id']}/assignments/{record['id']}",
        "attachments": [simulator.shown_file(request, it) for it in submission["attachments"]],
    }
    if not assigned:
        content |= {"id": None, "workflow_state": "unsubmitted"}
    included = simulator.included(request)
    if "visibility" in included:
        content["assignment_visible"] = assigned
    if comments or "submission_comments" in included:
        content["submission_comments"] = [_shown_comment(it) for it in submission["comments"]]
    if "assignment" in included:
        content["assignment"] = assignments.shown(simulator, request, record)
    return content


def _listed(simulator: CanvasSimulator, request: Request, record: Record, section: int | None) -> Reply:
    require_teacher(simulator, simulator.caller(request), record["course_id"])
    students = [
        user
        for user in simulator.students(record["course_id"], section)
        if _is_assigned(simulator, record, user)
    ]
    if request.fault == "not-enrolled":
        students = []
    items = [shown(simulator, request, record, submission_of(simulator, record, user)) for user in students]
    return simulator.page(request, items)


def _student(simulator: CanvasSimulator, record: Record, user_id: str) -> int:
    """A student of the course. Raises `Refusal`: 404 for anybody else."""
    user = simulator.find_user(user_id)
    if user is None or not _is_student(simulator, record, user["id"]):
        raise not_found()
    found: int = user["id"]
    return found


def _is_student(simulator: CanvasSimulator, record: Record, user: int) -> bool:
    return user in simulator.students(record["course_id"], None)


def _is_assigned(simulator: CanvasSimulator, record: Record, user: int) -> bool:
    return _is_student(simulator, record, user) and assignments.is_assigned(record, simulator, user)


def _takes_work(simulator: CanvasSimulator, record: Record, submission: Record, user: int) -> bool:
    """Whether Canvas lets a student hand in: published, assigned, not locked, attempts left."""
    dates, now = assignments.dates_for(record, simulator, user), simulator.clock()
    locked = (dates["lock_at"] is not None and now > dates["lock_at"]) or (
        dates["unlock_at"] is not None and now < dates["unlock_at"]
    )
    allowed = record["allowed_attempts"]
    used_up = allowed > 0 and (submission["attempt"] or 0) >= allowed + (submission["extra_attempts"] or 0)
    return record["published"] and _is_assigned(simulator, record, user) and not locked and not used_up


def _keep(simulator: CanvasSimulator, record: Record, submission: Record) -> None:
    simulator.records.put("submissions", f"{record['id']}/{submission['user_id']}", submission)


def _commented(simulator: CanvasSimulator, submission: Record, author: int, text: Any) -> Record:
    user = simulator.records.get("users", author) or {}
    comment = {
        "id": simulator.records.next_number("comments", 3), "author_id": author, "author_name": user.get("name"),
        "comment": str(text), "created_at": simulator.clock(), "edited_at": None,
    }  # fmt: skip
    return {**submission, "comments": [*submission["comments"], comment]}


def _shown_comment(comment: Record) -> Record:
    return {**comment, "created_at": date(comment["created_at"]), "edited_at": date(comment["edited_at"])}


def _shown_progress(request: Request, record: Record) -> Record:
    hidden = {"polls", "assignment", "data", "grader", "prefer_points"}
    content = {name: value for name, value in record.items() if name not in hidden}
    return content | {"url": f"{request.base_url}/api/v1/progress/{record['id']}"}


def _finished(simulator: CanvasSimulator, record: Record) -> Record:
    """Grade the students of a bulk update, as far as Canvas can; what it cannot do it does not tell."""
    if simulator.settings["bulk_fails"]:
        return {**record, "workflow_state": "failed", "message": "an error occurred"}
    assignment = simulator.records.get("assignments", record["assignment"])
    if assignment is None or assignment["deleted"]:
        return {**record, "workflow_state": "failed", "message": "the assignment is gone"}
    for user_id, given in record["data"].items():
        user = simulator.find_user(user_id)
        if user is None or not _is_assigned(simulator, assignment, user["id"]):
            continue
        submission = submission_of(simulator, assignment, user["id"])
        try:
            changed = graded(
                simulator,
                assignment,
                submission,
                given,
                grader=record["grader"],
                prefer_points=record["prefer_points"],
            )
        except Refusal:
            continue
        if given.get("text_comment"):
            changed = _commented(simulator, changed, record["grader"], given["text_comment"])
        _keep(simulator, assignment, changed)
    return {**record, "workflow_state": "completed", "completion": 100.0}
