"""A student's submission in the built-in gradebook: how a change is applied and what is shown of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from passback.domain.grading import InvalidGrade, points_of, text_of
from passback.domain.submission import Submission, SubmissionFields, flags_of
from passback.lms.interface import Refused
from passback.lms.toolkit.transitions import is_transition
from passback.store import gradebook
from passback.store.gradebook import Comment, SubmissionRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.assignment import Assignment, GradingType
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


def read(conn: Connection, assignment: Assignment, student: str, now: Instant) -> Submission:
    """The submission of an assigned student at `now`."""
    row = gradebook.find_submission(conn, assignment.lms_id, student)
    if row is None:
        return _shown(assignment, student, _untouched(assignment), None, now)
    return _shown(assignment, student, row, _newest_comment(conn, assignment, student), now)


def write(
    conn: Connection, assignment: Assignment, student: str, fields: SubmissionFields, now: Instant
) -> Submission:
    """Apply `fields` to the submission of an assigned student. Raises `Refused`."""
    row = gradebook.find_submission(conn, assignment.lms_id, student) or _untouched(assignment)
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
    # The same words again are the same comment sent again, not a second one.
    if fields.grade_comment is not None and not _is_there(fields, comments):
        comment = fields.grade_comment
        gradebook.add_comment(conn, assignment.lms_id, student, Comment(row.grader_id, comment, now))
    return _shown(assignment, student, row, comment, now)


def _untouched(assignment: Assignment) -> SubmissionRow:
    """What a submission is from the moment the assignment exists."""
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


def _moved(
    row: SubmissionRow, assignment: Assignment, fields: SubmissionFields, now: Instant
) -> SubmissionRow:
    """`row` with the state that is asked for. Handing in counts as an attempt."""
    state = fields.state
    if state is None or not is_transition(row.state, state):
        return row
    if state != "submitted":
        return replace(row, state=state)
    extra = row.extra_attempts if fields.extra_attempts is None else fields.extra_attempts
    if assignment.max_attempts is not None and row.attempts >= assignment.max_attempts + (extra or 0):
        raise Refused("NO_ATTEMPTS_LEFT", f"the student has used all of {row.attempts} attempts")
    return replace(row, state=state, submitted=now, attempts=row.attempts + 1)


def _graded(row: SubmissionRow, assignment: Assignment, fields: SubmissionFields) -> SubmissionRow:
    """`row` with the grade that is asked for.

    Where both forms are given the points count, being exact; but pass or fail is only said by the text.
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
        raise Refused("INVALID_GRADE", str(error)) from None
    return replace(row, grade=grade, grade_points=worth if points is None else points)


def _is_there(fields: SubmissionFields, comments: Sequence[Comment]) -> bool:
    """Whether a comment is there: as the newest, or because an earlier try left it."""
    since = fields.comment_since
    return any(
        it.comment == fields.grade_comment
        and (it is comments[-1] or (since is not None and it.created >= since))
        for it in comments
    )


def _newest_comment(conn: Connection, assignment: Assignment, student: str) -> str | None:
    comments = gradebook.comments(conn, assignment.lms_id, student)
    return comments[-1].comment if comments else None


def _shown(
    assignment: Assignment, student: str, row: SubmissionRow, comment: str | None, now: Instant
) -> Submission:
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
