"""``passback gradebook``: what a teacher does in the built-in gradebook, until it has a page of its own.

Everything here happens in the gradebook alone, as it would in any LMS: the API sees it with its next GET.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from cyclopts import App, Parameter

from passback.cli import Data, UsageError, one_line
from passback.cli.data import existing
from passback.domain.assignment import AssignmentFields, misordered_dates
from passback.domain.clock import system_clock
from passback.domain.grading import plain
from passback.domain.roster import ROLES
from passback.domain.submission import SubmissionFields
from passback.lms.builtin.connector import edit_assignment
from passback.lms.builtin.grade import grade_submission, read_submission
from passback.lms.interface import Gone, Refused
from passback.store import assignments, enrollments, gradebook, roster
from passback.wire import dates
from passback.wire.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback.domain.assignment import Assignment
    from passback.domain.clock import Instant
    from passback.domain.submission import Submission
    from passback.store.assignments import AssignmentRecord
    from passback.store.engine.database import Connection

app = App(name="gradebook", help="See and change the built-in gradebook as a teacher.")

T = TypeVar("T")

Switch = Annotated[bool | None, Parameter(negative_bool="no-")]


@app.command(name="list")
def list_assignments(section_id: str, *, data: Data = None) -> None:
    """List a section's assignments as they are in the gradebook.

    Args:
        section_id: The section.
        data: The folder of the data file [data].
    """
    section_id = section_id.lower()

    def read(conn: Connection) -> list[tuple[AssignmentRecord, Assignment]]:
        _require_section(conn, section_id)
        records = assignments.page(conn, section_id, after="", limit=1_000_000)
        held = ((record, gradebook.find_assignment(conn, section_id, record.lms_id)) for record in records)
        return [(record, assignment) for record, assignment in held if assignment is not None]

    with existing(data) as database:
        found = database.read_now(read)
    print(f"{'assignment id':<36}  {'state':<9}  {'due':<24}  {'points':>7}  title")
    for record, assignment in found:
        print(
            f"{record.id:<36}  {assignment.state(system_clock()):<9}  {_date(assignment.due_date):<24}"
            f"  {_number(assignment.points_possible):>7}  {one_line(assignment.title)}"
        )


@app.command
def show(assignment_id: str, *, data: Data = None) -> None:
    """Show an assignment and its students' grades.

    Args:
        assignment_id: The assignment.
        data: The folder of the data file [data].
    """
    now = system_clock()

    def read(conn: Connection) -> tuple[Assignment, list[Submission]]:
        section_id, record = _locate(conn, assignment_id)
        held = gradebook.find_assignment(conn, section_id, record.lms_id)
        if held is None:
            raise Gone("assignment")
        students = [student.lms_id for student in enrollments.matched_members(conn, section_id, "student")]
        if held.assignee_mode == "individuals":
            students = [student for student in students if student in held.assignee_ids]
        return held, [read_submission(conn, held, student, now) for student in students]

    with existing(data) as database:
        held, submissions = _explained(lambda: database.read_now(read))
    print(f"{one_line(held.title)} ({held.state(now)}), due {_date(held.due_date)}")
    print(f"{'student id':<24}  {'state':<9}  {'grade':<8}  {'points':>7}  {'flags':<16}  comment")
    for submission in submissions:
        print(
            f"{submission.student_id:<24}  {submission.state:<9}  {submission.grade or '':<8}"
            f"  {_number(submission.grade_points):>7}  {' '.join(submission.flags):<16}"
            f"  {one_line(submission.grade_comment or '')}"
        )


@app.command
def edit(
    assignment_id: str,
    *,
    title: str | None = None,
    description: str | None = None,
    due_date: str | None = None,
    display_date: str | None = None,
    end_date: str | None = None,
    points_possible: str | None = None,
    published: Switch = None,
    data: Data = None,
) -> None:
    """Change an assignment.

    Args:
        assignment_id: The assignment.
        title: Its new title.
        description: Its new description.
        due_date: When it is due, such as 2030-06-01T23:59:00Z; it may have passed.
        display_date: From when students see it.
        end_date: Until when they can hand in.
        points_possible: How many points it is worth.
        published: Whether it is published; --no-published makes it a draft.
        data: The folder of the data file [data].
    """
    fields = AssignmentFields(
        title=title,
        description=description,
        due_date=_instant(due_date),
        display_date=_instant(display_date),
        end_date=_instant(end_date),
        points_possible=_points(points_possible),
        published=published,
    )
    if fields == AssignmentFields():
        raise UsageError("nothing to change: give --title, --due-date or another option")

    def transaction(conn: Connection) -> None:
        section_id, record = _locate(conn, assignment_id)
        held = edit_assignment(conn, section_id, record.lms_id, fields, system_clock())
        if pair := misordered_dates(held.start_date, held.display_date, held.due_date, held.end_date):
            raise UsageError(f"{pair[0]} must not be after {pair[1]}")

    _change(data, transaction)
    print(f"Assignment {assignment_id} is changed.")


@app.command
def delete(assignment_id: str, *, data: Data = None) -> None:
    """Delete an assignment with all its grades.

    Args:
        assignment_id: The assignment.
        data: The folder of the data file [data].
    """

    def transaction(conn: Connection) -> None:
        section_id, record = _locate(conn, assignment_id)
        if not gradebook.delete_assignment(conn, section_id, record.lms_id):
            raise Gone("assignment")

    _change(data, transaction)
    print(f"Assignment {assignment_id} is deleted.")


@app.command
def grade(
    assignment_id: str,
    student_id: str,
    *,
    grade: str | None = None,
    points: str | None = None,
    comment: str | None = None,
    excused: Switch = None,
    state: Literal["submitted", "returned", "reclaimed"] | None = None,
    due_date: str | None = None,
    grader: str | None = None,
    data: Data = None,
) -> None:
    """Grade a student's submission, comment on it, excuse it, or move it on.

    Args:
        assignment_id: The assignment.
        student_id: The student.
        grade: The grade as text: 8.5, 85%, pass or B+, after the assignment's grading type; '' takes it away.
        points: The grade in points.
        comment: A comment for the student.
        excused: Whether the student is excused; --no-excused ends it.
        state: The state to move the submission to.
        due_date: When it is due for this student alone.
        grader: The teacher who grades.
        data: The folder of the data file [data].
    """
    fields = SubmissionFields(
        grade=grade,
        grade_points=_points(points),
        grade_comment=comment,
        flags=None if excused is None else frozenset({"excused"} if excused else ()),
        state=state,
        override_due_date=_instant(due_date),
        grader_id=grader and grader.lower(),
    )
    if fields == SubmissionFields():
        raise UsageError("nothing to change: give --grade, --comment, --excused or another option")

    def transaction(conn: Connection) -> None:
        section_id, record = _locate(conn, assignment_id)
        grade_submission(conn, section_id, record.lms_id, student_id.lower(), fields, system_clock())

    _change(data, transaction)
    print(f"The submission of {student_id} is changed.")


@app.command
def enroll(section_id: str, user_id: str, *, data: Data = None) -> None:
    """Make a student or teacher of the district a member of a section.

    Args:
        section_id: The section.
        user_id: The student or teacher.
        data: The folder of the data file [data].
    """

    def transaction(conn: Connection) -> None:
        district_id = _require_section(conn, section_id.lower())
        user = roster.find(conn, roster.USERS, district_id, user_id.lower())
        if user is None:
            raise UsageError(f"there is no user {user_id} in the section's district")
        enrollments.enroll(conn, section_id.lower(), user.role, [user.id])

    _change(data, transaction)
    print(f"User {user_id} is a member of section {section_id}.")


@app.command
def unenroll(section_id: str, user_id: str, *, data: Data = None) -> None:
    """End a membership of a section. The student's grades are kept, should the student come back.

    Args:
        section_id: The section.
        user_id: The student or teacher.
        data: The folder of the data file [data].
    """

    def transaction(conn: Connection) -> None:
        _require_section(conn, section_id.lower())
        ended = [
            role for role in ROLES if enrollments.unenroll(conn, section_id.lower(), role, user_id.lower())
        ]
        if not ended:
            raise UsageError(f"user {user_id} is no member of section {section_id}")

    _change(data, transaction)
    print(f"User {user_id} is no longer a member of section {section_id}.")


def _change(data: str | None, transaction: Callable[[Connection], None]) -> None:
    with existing(data) as database:
        _explained(lambda: database.write_now(transaction))


def _explained(action: Callable[[], T]) -> T:
    """The result of `action`; what the gradebook has against it becomes a `UsageError`."""
    try:
        return action()
    except Gone as error:
        raise UsageError(
            {
                "assignment": "the assignment is no longer in the gradebook",
                "student": "the student is not in the section, or the assignment is not for this student",
                "grader": "the grader is not a teacher of the section",
                "section": "the section is no longer in the gradebook",
            }[error.thing]
        ) from None
    except Refused as error:
        raise UsageError(str(error)) from None


def _locate(conn: Connection, assignment_id: str) -> tuple[str, AssignmentRecord]:
    found = assignments.locate(conn, assignment_id.lower())
    if found is None:
        raise UsageError(f"there is no assignment {assignment_id}")
    return found


def _require_section(conn: Connection, section_id: str) -> str:
    """The district of a section that exists."""
    district_id = roster.district_of_section(conn, section_id)
    if district_id is None:
        raise UsageError(f"there is no section {section_id}")
    return district_id


def _instant(text: str | None) -> Instant | None:
    if text is None:
        return None
    try:
        if text:
            return dates.parse(text).instant
    except Refusal as refusal:
        raise UsageError(refusal.message) from None
    raise UsageError("a date must not be empty")


def _points(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise UsageError(f"'{text}' is not a number of points, such as 8.5") from None
    if not number.is_finite() or number < 0 or not -20 < number.adjusted() < 20:
        raise UsageError(f"'{text}' is not a number of points, such as 8.5")
    return number


def _date(instant: Instant | None) -> str:
    return "" if instant is None else dates.show(instant)


def _number(number: Decimal | None) -> str:
    return "" if number is None else plain(number)
