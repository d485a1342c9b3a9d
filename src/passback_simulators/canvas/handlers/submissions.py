"""Submissions: reading, submitting, grading, comments and extra attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import overrides
from passback_simulators.canvas.access import (
    Caller,
    caller_of,
    included,
    no_right,
    require_teacher,
    teaches,
    visible_section,
)
from passback_simulators.canvas.grades import graded
from passback_simulators.canvas.grades import shown as grade_shown
from passback_simulators.canvas.handlers import assignments, files
from passback_simulators.canvas.paging import page
from passback_simulators.canvas.replies import answer, body_of, date, messages, not_found, refuse
from passback_simulators.canvas.sanitize import sanitized

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

_DATES = ("submitted_at", "graded_at", "posted_at")
_REQUIRED = {"online_text_entry": "body", "online_url": "url", "online_upload": "file_ids"}


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
    """``GET .../submissions/:user_id``."""
    record = assignments.visible(lms, request, course_id, assignment_id)
    caller = caller_of(lms, request)
    if record.get("anonymous_grading") and teaches(lms, caller, record["course_id"]):
        raise no_right(lms)
    user = _student(lms, record, user_id)
    if not teaches(lms, caller, record["course_id"]) and caller.user != user:
        raise no_right(lms)
    return answer(request, 200, shown(lms, request, record, submission_of(lms, record, user)))


def grade(lms: CanvasState, request: Request, course_id: str, assignment_id: str, user_id: str) -> Reply:
    """``PUT .../submissions/:user_id``: grade, excuse, late policy and comment."""
    record = assignments.visible(lms, request, course_id, assignment_id)
    caller = require_grader(lms, request, record)
    user = _student(lms, record, user_id)
    content = body_of(request)
    comment = (content.get("comment") or {}).get("text_comment")
    all_changed = grade_together(
        lms, record, user, content.get("submission") or {}, grader=caller.user, comment=comment,
        prefer_points=content.get("prefer_points_over_scheme") in (True, "true", "1"),
    )  # fmt: skip
    everyone = [shown(lms, request, record, it, comments=True) for it in all_changed]
    return answer(request, 200, {**everyone[0], "all_submissions": everyone})


def grade_together(
    lms: CanvasState,
    record: Record,
    user: int,
    given: dict[str, Any],
    *,
    grader: int,
    prefer_points: bool,
    comment: Any = None,
) -> list[Record]:
    """Grade a student, and with them their group unless it is graded individually; the student's comes first.

    The comment is the student's alone. Raises `Refusal`.
    """
    others = [it for it in overrides.group_of(lms, record, user) if it != user]
    changed = []
    for one in [user, *others]:
        submission = submission_of(lms, record, one)
        after = graded(lms, record, submission, given, grader=grader, prefer_points=prefer_points)
        if comment and one == user:
            after = commented(lms, after, grader, comment)
        changed.append(after)
    for after in changed:
        keep(lms, record, after)
    return changed


def require_grader(lms: CanvasState, request: Request, record: Record) -> Caller:
    """The caller, who may grade the assignment by the students' ids. Raises `Refusal`.

    Nobody may while it is moderated and its final grades are not published, or while it hides whose work is whose.
    """
    caller = require_teacher(lms, request, record["course_id"], "manage_grades")
    if record.get("moderated_grading") and not record.get("grades_published"):
        raise no_right(lms)
    if record.get("anonymous_grading"):
        raise no_right(lms)
    return caller


def edit_comment(
    lms: CanvasState,
    request: Request,
    course_id: str,
    assignment_id: str,
    user_id: str,
    comment_id: str,
) -> Reply:
    """``PUT`` and ``DELETE .../submissions/:user_id/comments/:id``."""
    record = assignments.visible(lms, request, course_id, assignment_id)
    require_grader(lms, request, record)
    submission = submission_of(lms, record, _student(lms, record, user_id))
    found = next((it for it in submission["comments"] if str(it["id"]) == comment_id), None)
    if found is None:
        raise not_found()
    others = [it for it in submission["comments"] if it is not found]
    if request.method == "PUT":
        words = (body_of(request).get("comment")) or ""
        found = {**found, "comment": str(words), "edited_at": lms.clock()}
        others = [found if it["id"] == found["id"] else it for it in submission["comments"]]
    keep(lms, record, {**submission, "comments": others})
    return answer(request, 200, _shown_comment(found))


def extend(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``POST .../extensions``: an absolute number of extra attempts; unknown students are dropped silently."""
    record = assignments.visible(lms, request, course_id, assignment_id)
    require_teacher(lms, request, record["course_id"], "manage_grades")
    if "discussion_topic" in record["submission_types"]:
        raise messages(400, "extensions are not possible for discussions")
    given = []
    for item in body_of(request).get("assignment_extensions") or []:
        user = lms.find_user(str(item.get("user_id")))
        if user is None or not _is_student(lms, record, user["id"]):
            continue
        changed = {
            **submission_of(lms, record, user["id"]),
            "extra_attempts": int(item["extra_attempts"]),
        }
        keep(lms, record, changed)
        given.append({"assignment_id": record["id"], "user_id": user["id"],
                      "extra_attempts": changed["extra_attempts"]})  # fmt: skip
    return answer(request, 200, {"assignment_extensions": given})


def submit(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``POST .../submissions``: each is a new attempt."""
    record = assignments.visible(lms, request, course_id, assignment_id)
    caller = caller_of(lms, request)
    given = body_of(request).get("submission") or {}
    kind = given.get("submission_type")
    user = caller.user
    if given.get("user_id") is not None:
        named = lms.find_user(str(given["user_id"]))
        if named is None or not lms.settings["can_submit_on_behalf"] or not caller.admin:
            raise no_right(lms)
        user = named["id"]
    submission = submission_of(lms, record, user)
    if not _is_student(lms, record, user) or not _takes_work(lms, record, submission, user):
        raise no_right(lms)
    if kind not in record["submission_types"] or kind not in _REQUIRED:
        raise refuse(400, {"message": "Invalid submission[submission_type] given"})
    field = _REQUIRED[kind]
    if not given.get(field):
        text = f"Invalid parameters for submission_type {kind}. Required: submission[{field}]"
        raise refuse(400, {"message": text})
    changed = {**submission, **_work(lms, kind, given, user)}
    now = lms.clock()
    due = overrides.dates_for(lms, record, user)["due_at"]
    changed |= {
        "submission_type": kind, "attempt": (submission["attempt"] or 0) + 1, "submitted_at": now,
        "workflow_state": "submitted", "late_policy_status": None, "redo_request": False,
        "grade_matches_current_submission": submission["score"] is None,
        "seconds_late": max(0, (now - due) // 1000) if due is not None else 0,
    }  # fmt: skip
    keep(lms, record, changed)
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


def submission_of(lms: CanvasState, record: Record, user: int) -> Record:
    """A student's submission; untouched ones are not stored and have the initial values."""
    found = lms.records.get("submissions", f"{record['id']}/{user}")
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
    lms: CanvasState,
    request: Request,
    record: Record,
    submission: Record,
    *,
    comments: bool = False,
) -> Record:
    """A submission as the API shows it."""
    user = submission["user_id"]
    assigned = request.fault != "not-enrolled" and is_assigned(lms, record, user)
    dates = overrides.dates_for(lms, record, user)
    content = {name: value for name, value in submission.items() if name != "comments"}
    content |= {name: date(submission[name]) for name in _DATES}
    status, handed_in = submission["late_policy_status"], submission["submitted_at"] is not None
    overdue = dates["due_at"] is not None and lms.clock() > dates["due_at"]
    settled = submission["excused"] or submission["score"] is not None
    content |= {
        "cached_due_date": date(dates["due_at"]),
        "late": status == "late" or (status is None and handed_in and submission["seconds_late"] > 0),
        "missing": status == "missing" or (status is None and not handed_in and overdue and not settled),
        "grading_period_id": None,
        "custom_grade_status_id": None,
        "preview_url": f"{request.base_url}/courses/{record['course_id']}/assignments/{record['id']}",
        "attachments": [files.shown(lms, request, it) for it in submission["attachments"]],
    }
    course = lms.records.get("courses", record["course_id"]) or {}
    share = course.get("missing_grade_percent")
    if content["missing"] and share is not None and submission["score"] is None:
        content |= _of_missing_policy(lms, record, share / 100, content["cached_due_date"])
    if not assigned:
        content |= {"id": None, "workflow_state": "unsubmitted"}
    asked = included(lms, request)
    if "visibility" in asked:
        content["assignment_visible"] = assigned
    if comments or "submission_comments" in asked:
        content["submission_comments"] = [_shown_comment(it) for it in submission["comments"]]
    if "assignment" in asked:
        content["assignment"] = assignments.shown(lms, request, record)
    return content


def _listed(lms: CanvasState, request: Request, record: Record, section: int | None) -> Reply:
    require_teacher(lms, request, record["course_id"])
    students = [user for user in lms.students(record["course_id"], section) if is_assigned(lms, record, user)]
    if request.fault == "not-enrolled":
        students = []
    items = [shown(lms, request, record, submission_of(lms, record, user)) for user in students]
    if record.get("anonymous_grading"):
        items = [_anonymous(it) for it in items]
    return page(lms, request, items)


def _of_missing_policy(lms: CanvasState, record: Record, share: float, when: str | None) -> Record:
    """The grade that a course's policy gives missing work by itself: nobody gave it."""
    score = share * (record["points_possible"] or 0.0)
    grade = grade_shown(lms, record, score)
    return {
        "score": score, "grade": grade, "entered_score": score, "entered_grade": grade, "workflow_state": "graded",
        "grader_id": None, "graded_at": when, "posted_at": None if record["post_manually"] else when,
    }  # fmt: skip


def _anonymous(content: Record) -> Record:
    """A submission without whose it is."""
    hidden = {"user_id", "preview_url", "id"}
    shown = {name: value for name, value in content.items() if name not in hidden}
    return {**shown, "anonymous_id": f"a{content['id']}"}


def _student(lms: CanvasState, record: Record, user_id: str) -> int:
    """A student of the course. Raises `Refusal`: 404 for anybody else."""
    user = lms.find_user(user_id)
    if user is None or not _is_student(lms, record, user["id"]):
        raise not_found()
    found: int = user["id"]
    return found


def _is_student(lms: CanvasState, record: Record, user: int) -> bool:
    return user in lms.students(record["course_id"], None)


def is_assigned(lms: CanvasState, record: Record, user: int) -> bool:
    """Whether a user is a student of the course and has the assignment."""
    return _is_student(lms, record, user) and overrides.is_assigned(lms, record, user)


def _takes_work(lms: CanvasState, record: Record, submission: Record, user: int) -> bool:
    """Whether the student may submit: published, assigned, not locked, attempts left."""
    dates, now = overrides.dates_for(lms, record, user), lms.clock()
    locked = (dates["lock_at"] is not None and now > dates["lock_at"]) or (
        dates["unlock_at"] is not None and now < dates["unlock_at"]
    )
    allowed = record["allowed_attempts"]
    used_up = allowed > 0 and (submission["attempt"] or 0) >= allowed + (submission["extra_attempts"] or 0)
    return record["published"] and is_assigned(lms, record, user) and not locked and not used_up


def keep(lms: CanvasState, record: Record, submission: Record) -> None:
    """Store a changed submission."""
    lms.records.put("submissions", f"{record['id']}/{submission['user_id']}", submission)


def commented(lms: CanvasState, submission: Record, author: int, text: Any) -> Record:
    """The submission with one more comment; not stored yet."""
    user = lms.records.get("users", author) or {}
    comment = {
        "id": lms.records.next_number("comments", 3), "author_id": author, "author_name": user.get("name"),
        "comment": str(text), "created_at": lms.clock(), "edited_at": None,
    }  # fmt: skip
    return {**submission, "comments": [*submission["comments"], comment]}


def _shown_comment(comment: Record) -> Record:
    return {**comment, "created_at": date(comment["created_at"]), "edited_at": date(comment["edited_at"])}
