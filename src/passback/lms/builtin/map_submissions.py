"""Submissions: what the gradebook stores of one, as the gateway's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.domain.submission import Submission, flags_of
from passback.store.gradebook import SubmissionRow

if TYPE_CHECKING:
    from passback.domain.assignment import Assignment
    from passback.domain.clock import Instant


def untouched(assignment: Assignment) -> SubmissionRow:
    """Return what a submission is from the moment its assignment exists."""
    return SubmissionRow(
        state="created",
        submitted=None,
        attempts=0,
        extra_attempts=None,
        grade=None,
        grade_points=None,
        grader_id=None,
        excused=False,
        override_due_date=None,
        attachments=(),
        last_modified=assignment.created or 0,
    )


def to_submission(
    assignment: Assignment, student: str, row: SubmissionRow, comment: str | None, now: Instant
) -> Submission:
    """Return the gateway's form of a submission at `now`; `comment` is the newest."""
    due_date = row.override_due_date if row.override_due_date is not None else assignment.due_date
    return Submission(
        student_id=student,
        state=row.state,
        flags=flags_of(
            excused=row.excused,
            submitted=row.submitted,
            graded=row.grade is not None or row.grade_points is not None,
            due_date=due_date,
            now=now,
        ),
        grade=row.grade,
        grade_points=row.grade_points,
        grade_comment=comment,
        grader_id=row.grader_id,
        extra_attempts=row.extra_attempts,
        override_due_date=row.override_due_date,
        attachments=row.attachments,
        created=assignment.created,
        last_modified=row.last_modified,
    )
