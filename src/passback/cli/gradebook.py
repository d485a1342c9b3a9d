"""``passback gradebook``: what a teacher does in the built-in gradebook, by commands.

Everything here happens in the gradebook alone, as it would in any LMS: the API sees it with its next GET.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from passback.cli import Data, group
from passback.cli.data import on_database
from passback.cli.text import one_line
from passback.domain.assignment import AssignmentFields
from passback.domain.clock import system_clock
from passback.domain.grading import plain
from passback.domain.submission import SubmissionFields
from passback.operations import dates, gradebook

if TYPE_CHECKING:
    from passback.domain.clock import Instant

app = group("gradebook")

Switch = Annotated[bool | None, Parameter(negative_bool="no-")]


@app.command(name="list")
def list_assignments(section_id: str, *, data: Data = None) -> None:
    """List a section's assignments as they are in the gradebook.

    Args:
        section_id: The section's id.
        data: The folder of the data file [data].
    """
    found = on_database(data, lambda it: gradebook.list_assignments(it, section_id.lower()))
    print(f"{'assignment id':<36}  {'state':<9}  {'due':<24}  {'points':>7}  title")
    now = system_clock()
    for one in found:
        assignment = one.assignment
        print(
            f"{one.id:<36}  {assignment.state(now):<9}  {dates.show(assignment.due_date):<24}"
            f"  {_number(assignment.points_possible):>7}  {one_line(assignment.title)}"
        )


@app.command
def show(assignment_id: str, *, data: Data = None) -> None:
    """Show an assignment and its students' grades.

    Args:
        assignment_id: The assignment's id.
        data: The folder of the data file [data].
    """
    found = on_database(data, lambda it: gradebook.find_assignment(it, assignment_id.lower(), system_clock))
    held = found.assignment
    print(f"{one_line(held.title)} ({held.state(system_clock())}), due {dates.show(held.due_date)}")
    print(f"{'student id':<24}  {'state':<9}  {'grade':<8}  {'points':>7}  {'flags':<16}  comment")
    for submission in found.submissions:
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
        assignment_id: The assignment's id.
        title: Its new title.
        description: Its new description.
        due_date: When it is due, such as 2030-06-01T23:59:00Z; may be in the past.
        display_date: When students can first see it.
        end_date: Last moment work is accepted.
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
    on_database(data, lambda it: gradebook.edit(it, assignment_id.lower(), fields, system_clock))
    print(f"Assignment {assignment_id} is changed.")


@app.command
def delete(assignment_id: str, *, data: Data = None) -> None:
    """Delete an assignment with all its grades.

    Args:
        assignment_id: The assignment's id.
        data: The folder of the data file [data].
    """
    on_database(data, lambda it: gradebook.delete(it, assignment_id.lower(), system_clock))
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
    """Grade a student's submission, comment on it, excuse it, or change its state.

    Args:
        assignment_id: The assignment's id.
        student_id: The student's id.
        grade: The grade as text: 8.5, 85%, pass or B+, depending on the assignment's grading type; '' removes it.
        points: The grade in points.
        comment: A comment for the student.
        excused: Whether the student is excused; --no-excused ends it.
        state: The state to move the submission to.
        due_date: When it is due for this student alone.
        grader: The id of the teacher who grades.
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
    on_database(
        data,
        lambda it: gradebook.grade(it, assignment_id.lower(), student_id.lower(), fields, system_clock),
    )
    print(f"The submission of {student_id} is changed.")


@app.command
def enroll(section_id: str, user_id: str, *, data: Data = None) -> None:
    """Make a student or teacher of the district a member of a section.

    Args:
        section_id: The section's id.
        user_id: The student's or teacher's id.
        data: The folder of the data file [data].
    """
    on_database(data, lambda it: gradebook.enroll(it, section_id.lower(), user_id.lower(), system_clock))
    print(f"User {user_id} is a member of section {section_id}.")


@app.command
def unenroll(section_id: str, user_id: str, *, data: Data = None) -> None:
    """End a membership of a section. The student's grades are kept in case the student comes back.

    Args:
        section_id: The section's id.
        user_id: The student's or teacher's id.
        data: The folder of the data file [data].
    """
    on_database(data, lambda it: gradebook.unenroll(it, section_id.lower(), user_id.lower(), system_clock))
    print(f"User {user_id} is no longer a member of section {section_id}.")


def _instant(text: str | None) -> Instant | None:
    return None if text is None else dates.parse(text)


def _points(text: str | None) -> Decimal | None:
    return None if text is None else gradebook.points(text)


def _number(number: Decimal | None) -> str:
    return "" if number is None else plain(number)
