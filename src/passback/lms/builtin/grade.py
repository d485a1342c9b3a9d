"""Reading and changing a student's submission in the built-in gradebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from passback.domain.grading import InvalidGrade, points_of, text_of
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.builtin.api import is_assigned, read_assignment
from passback.lms.builtin.map_assignments import check_texts
from passback.lms.builtin.map_submissions import to_submission, untouched
from passback.lms.interface import Gone, RefusedByLms
from passback.lms.toolkit.transitions import is_transition
from passback.store import enrollments, gradebook
from passback.store.gradebook import Comment, SubmissionRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.assignment import Assignment, GradingType
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


def read_submission(conn: Connection, assignment: Assignment, student: str, now: Instant) -> Submission:
    """Read the submission of an assigned student as it is at `now`."""
    row = gradebook.find_submission(conn, assignment.lms_id, student)
    if row is None:
        return to_submission(assignment, student, untouched(assignment), None, now)
    return to_submission(assignment, student, row, _newest_comment(conn, assignment, student), now)


def grade_submission(
    conn: Connection, section: str, assignment: str, student: str, fields: SubmissionFields, now: Instant
) -> Submission:
    """Change a student's submission, as a client or a teacher may. Raises `Gone` and `Refused`."""
    conn.lock(f"gradebook/{assignment}/{student}")
    check_texts(fields)
    found = read_assignment(conn, section, assignment)
    if not is_assigned(conn, section, found, student):
        raise Gone("student")
    if fields.grader_id is not None and not enrollments.is_enrolled(
        conn, section, "teacher", fields.grader_id
    ):
        raise Gone("grader")
    return _change(conn, found, student, fields, now)


def _change(
    conn: Connection, assignment: Assignment, student: str, fields: SubmissionFields, now: Instant
) -> Submission:
    """Apply `fields` to the submission of an assigned student. Raises `Refused`."""
    row = gradebook.find_submission(conn, assignment.lms_id, student) or untouched(assignment)
    row = _graded(_moved(row, assignment, fields, now), assignment, fields)
    row = replace(
        row,
        attachments=row.attachments if fields.attachments is None else fields.attachments,
        extra_attempts=row.extra_attempts if fields.extra_attempts is None else fields.extra_attempts,
        excused=row.excused if fields.flags is None else "excused" in fields.flags,
        grader_id=fields.grader_id or row.grader_id,
        override_due_date=(
            row.override_due_date if fields.override_due_date is None else fields.override_due_date
        ),
        last_modified=now,
    )
    gradebook.save_submission(conn, assignment.lms_id, student, row)
    comments = gradebook.comments(conn, assignment.lms_id, student)
    comment = comments[-1].comment if comments else None
    if fields.grade_comment is not None and not _has_comment(fields, comments):
        comment, mark = fields.grade_comment, (fields.comment_marks or (None,))[0]
        gradebook.add_comment(conn, assignment.lms_id, student, Comment(row.grader_id, comment, now, mark))
    return to_submission(assignment, student, row, comment, now)


def _moved(
    row: SubmissionRow, assignment: Assignment, fields: SubmissionFields, now: Instant
) -> SubmissionRow:
    """Return `row` in the requested state. Handing in counts as an attempt. Raises `Refused`."""
    state = fields.state
    if state is None or not is_transition(row.state, state):
        return row
    if state != "submitted":
        return replace(row, state=state)
    extra = row.extra_attempts if fields.extra_attempts is None else fields.extra_attempts
    if assignment.max_attempts is not None and row.attempts >= assignment.max_attempts + (extra or 0):
        raise RefusedByLms("NO_ATTEMPTS_LEFT", f"the student has used all {row.attempts} attempts")
    return replace(row, state=state, submitted=now, attempts=row.attempts + 1)


def _graded(row: SubmissionRow, assignment: Assignment, fields: SubmissionFields) -> SubmissionRow:
    """Return `row` with the requested grade.

    If both forms are given, the points count, being exact; but only the text says pass or fail.
    """
    grade, points = fields.grade, fields.grade_points
    if grade is None and points is None:
        return row
    kind = cast("GradingType", assignment.grading_type)
    possible = assignment.points_possible
    if points is not None and not (grade and kind == "pass_fail"):
        return replace(row, grade=text_of(points, kind, possible), grade_points=points)
    if not grade:
        return replace(row, grade=None, grade_points=None)
    try:
        worth = points_of(grade, kind, possible)
    except InvalidGrade as error:
        raise RefusedByLms("INVALID_GRADE", str(error)) from None
    return replace(row, grade=grade, grade_points=worth if points is None else points)


def _has_comment(fields: SubmissionFields, comments: Sequence[Comment]) -> bool:
    """Whether the comment is there already. Without a mark, it is if it is the newest, or from an earlier try."""
    if fields.comment_marks:
        return any(it.mark in fields.comment_marks and it.comment == fields.grade_comment for it in comments)
    since = fields.comment_since
    return any(
        it.comment == fields.grade_comment
        and (it is comments[-1] or (since is not None and it.created >= since))
        for it in comments
    )


def _newest_comment(conn: Connection, assignment: Assignment, student: str) -> str | None:
    comments = gradebook.comments(conn, assignment.lms_id, student)
    return comments[-1].comment if comments else None
