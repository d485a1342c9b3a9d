"""Reading and changing a student's submission in the built-in gradebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from passback.domain.grading import InvalidGrade, points_of, text_of
from passback.lms.builtin.api import assigned
from passback.lms.builtin.map_assignments import check_texts
from passback.lms.builtin.map_submissions import to_submission, untouched
from passback.lms.interface import Gone, LmsError, RefusedByLms
from passback.lms.toolkit.transitions import is_transition
from passback.store import enrollments, gradebook
from passback.store.gradebook import Comment, Held, SubmissionRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from passback.domain.assignment import Assignment, GradingType
    from passback.domain.clock import Instant
    from passback.domain.submission import Submission, SubmissionFields
    from passback.store.engine.database import Connection


def read_submissions(
    conn: Connection, section: str, assignment: Assignment, students: Sequence[str], now: Instant
) -> dict[str, Submission]:
    """The submissions, as they are at `now`, of those who are students of the section and have the assignment."""
    held = gradebook.submissions(conn, section, assignment.lms_id, assigned(assignment, students))
    return {
        student: to_submission(assignment, student, one.row or untouched(assignment), one.comment, now)
        for student, one in held.items()
    }


def page_of_submissions(
    conn: Connection, section: str, assignment: Assignment, *, after: str, limit: int, now: Instant
) -> list[tuple[str, Submission]]:
    """Up to `limit` submissions of the students who have the assignment, as they are at `now`, by the student's id.

    In the order of the ids, behind `after`.
    """
    fresh = untouched(assignment)
    return [
        (student, to_submission(assignment, student, one.row or fresh, one.comment, now))
        for student, one in gradebook.page(conn, section, assignment, after=after, limit=limit)
    ]


def grade_submission(
    conn: Connection, section: str, assignment: str, student: str, fields: SubmissionFields, now: Instant
) -> Submission:
    """Change a student's submission, as a client or a teacher may. Raises `Gone` and `RefusedByLms`."""
    [outcome] = grade_submissions(conn, section, assignment, [(student, fields)], now)
    if isinstance(outcome, LmsError):
        raise outcome
    return outcome


def lock_submissions(conn: Connection, assignment: str, students: Iterable[str]) -> None:
    """Let nobody else change students' submissions until the transaction is over."""
    conn.lock(*(f"gradebook/{assignment}/{student}" for student in students))


def grade_submissions(
    conn: Connection,
    section: str,
    assignment: str,
    changes: Sequence[tuple[str, SubmissionFields]],
    now: Instant,
) -> list[Submission | LmsError]:
    """Change students' submissions, each judged as if it were alone; the outcomes in order. Raises `Gone`."""
    lock_submissions(conn, assignment, [student for student, _ in changes])
    found, of_students = gradebook.find_with_submissions(
        conn, section, assignment, {student for student, _ in changes}
    )
    if found is None:
        raise Gone("assignment")
    held = {student: of_students[student] for student in assigned(found, [*of_students])}
    graders = {fields.grader_id for _, fields in changes if fields.grader_id is not None}
    members = enrollments.members_among(conn, section, graders)
    said = gradebook.comments(
        conn, assignment, [student for student, fields in changes if fields.grade_comment is not None]
    )
    outcomes: list[Submission | LmsError] = []
    saved: dict[str, SubmissionRow] = {}
    new: list[tuple[str, Comment]] = []
    for student, fields in changes:
        try:
            check_texts(fields)
            if student not in held:
                raise Gone("student")
            if fields.grader_id is not None and ("teacher", fields.grader_id) not in members:
                raise Gone("grader")
            row = _changed(held[student].row or untouched(found), found, fields, now)
        except LmsError as error:
            outcomes.append(error)
            continue
        comment = held[student].comment
        if fields.grade_comment is not None and not _has_comment(fields, said[student]):
            comment, mark = fields.grade_comment, (fields.comment_marks or (None,))[0]
            said[student].append(Comment(row.grader_id, comment, now, mark))
            new.append((student, said[student][-1]))
        saved[student] = row
        held[student] = Held(row, comment)
        outcomes.append(to_submission(found, student, row, comment, now))
    gradebook.save_submissions(conn, assignment, saved)
    gradebook.add_comments(conn, assignment, new)
    return outcomes


def _changed(
    row: SubmissionRow, assignment: Assignment, fields: SubmissionFields, now: Instant
) -> SubmissionRow:
    """Apply `fields` to the submission of an assigned student. Raises `RefusedByLms`."""
    row = _graded(_moved(row, assignment, fields, now), assignment, fields)
    return replace(
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


def _moved(
    row: SubmissionRow, assignment: Assignment, fields: SubmissionFields, now: Instant
) -> SubmissionRow:
    """Return `row` in the requested state. Handing in counts as an attempt. Raises `RefusedByLms`."""
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
