"""Students' submissions: how they are stored, and what they amount to now, by dates and policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import grading_periods, late_policy, overrides
from passback_simulators.canvas.grades import shown as grade_shown

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record

_EXPECTED_NOWHERE = {"none", "not_graded", "on_paper", "external_tool", ""}
_SECRET = ("score", "grade", "entered_score", "entered_grade")


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


def keep(lms: CanvasState, record: Record, submission: Record) -> None:
    """Store a changed submission."""
    lms.records.put("submissions", f"{record['id']}/{submission['user_id']}", submission)


def is_student(lms: CanvasState, record: Record, user: int) -> bool:
    """Whether a user is a student of the assignment's course."""
    return user in lms.students(record["course_id"], None)


def is_assigned(lms: CanvasState, record: Record, user: int) -> bool:
    """Whether a user is a student of the course and has the assignment."""
    return is_student(lms, record, user) and overrides.is_assigned(lms, record, user)


def expects_work(record: Record) -> bool:
    """Whether something is to be handed in to Canvas: only then can it be missing."""
    return not set(record["submission_types"]) <= _EXPECTED_NOWHERE


def as_of_now(lms: CanvasState, record: Record, submission: Record, periods: list[Record]) -> Record:
    """A submission with what follows from dates and policies: whether it is late or missing, and what that gives."""
    due = overrides.dates_for(lms, record, submission["user_id"])["due_at"]
    status, handed_in = submission["late_policy_status"], submission["submitted_at"] is not None
    seconds = late_policy.seconds_late(submission, due, lms.clock())
    late = status == "late" or (status is None and handed_in and seconds > 0)
    # Whom somebody has graded is not missing any more, unless somebody says so.
    missing = status == "missing" or (
        status is None
        and not handed_in
        and seconds > 0
        and submission["grader_id"] is None
        and expects_work(record)
    )
    period = grading_periods.period_for(periods, due)
    now = {
        **submission,
        "cached_due_date": due,
        "seconds_late": seconds,
        "late": late and not submission["excused"],
        "missing": missing and not submission["excused"],
        "grading_period_id": period["id"] if period is not None else None,
    }
    if now["missing"] and submission["score"] is None:
        score = late_policy.points_for_missing(late_policy.policy_of(lms, record["course_id"]), record)
        if score is not None:
            now |= _of_missing_policy(lms, record, score, due)
    return now


def hides_grade(record: Record, submission: Record) -> bool:
    """Whether the student does not see the grade, until it is posted."""
    if submission["posted_at"] is not None:
        return False
    return bool(record["post_manually"]) or submission["workflow_state"] == "graded"


def without_grade(content: Record) -> Record:
    """A submission as somebody sees it from whom its grade is hidden."""
    return {name: value for name, value in content.items() if name not in _SECRET}


def _of_missing_policy(lms: CanvasState, record: Record, score: float, when: Any) -> Record:
    """The grade that a course's policy gives missing work by itself: nobody gave it."""
    grade = grade_shown(lms, record, score)
    return {
        "score": score, "grade": grade, "entered_score": score, "entered_grade": grade, "workflow_state": "graded",
        "grader_id": None, "graded_at": when, "posted_at": None if record["post_manually"] else when,
    }  # fmt: skip
