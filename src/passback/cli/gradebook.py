"""``passback gradebook``: what a teacher does in the built-in gradebook, by commands.

Everything here happens in the gradebook alone, as it would in any LMS: the API sees it with its next GET.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from passback.cli import Data, group
from passback.cli.data import on_database
from passback.cli.output import Column, show_json, show_rows
from passback.cli.text import one_line
from passback.domain.assignment import AssignmentFields
from passback.domain.clock import system_clock
from passback.domain.submission import SubmissionFields
from passback.operations import dates, gradebook

if TYPE_CHECKING:
    from passback.domain.assignment import Assignment
    from passback.domain.clock import Instant

app = group("gradebook")

_COLUMNS = (
    Column("assignment id", "id"),
    Column("state", "state"),
    Column("due", "due_date"),
    Column("points", "points_possible"),
    Column("title", "title"),
)
_COLUMNS_OF_STUDENT = (
    Column("student id", "student_id"),
    Column("state", "state"),
    Column("grade", "grade", none=""),
    Column("points", "grade_points", none=""),
    Column("flags", "flags", none=""),
    Column("student", "student_name"),
    Column("comment", "grade_comment", none=""),
)

Switch = Annotated[bool | None, Parameter(negative_bool="no-")]


@app.command(name="list")
def list_assignments(section_id: str, *, json: bool = False, data: Data = None) -> None:
    """List a section's assignments as they are in the gradebook.

    Args:
        section_id: The section's id.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found = on_database(data, lambda it: gradebook.list_assignments(it, section_id.lower()))
    show_rows((_assignment(it.id, it.assignment) for it in found), _COLUMNS, json=json)


@app.command
def show(assignment_id: str, *, json: bool = False, data: Data = None) -> None:
    """Show an assignment and its students' grades.

    Args:
        assignment_id: The assignment's id.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found = on_database(data, lambda it: gradebook.find_assignment(it, assignment_id.lower(), system_clock))
    held = found.assignment
    rows = [
        {
            "student_id": it.student_id,
            "student_name": found.students.get(it.student_id),
            "state": it.state,
            "grade": it.grade,
            "grade_points": _number(it.grade_points),
            "flags": sorted(it.flags),
            "grade_comment": it.grade_comment,
        }
        for it in found.submissions
    ]
    if json:
        show_json({**_assignment(assignment_id.lower(), held), "submissions": rows})
        return
    print(f"{one_line(held.title)} ({held.state(system_clock())}), due {dates.show(held.due_date)}")
    show_rows(rows, _COLUMNS_OF_STUDENT, json=False)


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


def _assignment(id_: str, it: Assignment) -> dict[str, Any]:
    """An assignment, for JSON and the list."""
    return {
        "id": id_,
        "title": it.title,
        "state": it.state(system_clock()),
        "due_date": dates.show(it.due_date) or None,
        "points_possible": _number(it.points_possible),
    }


def _number(number: Decimal | None) -> int | float | None:
    """As text and JSON show it: 20, not 20.0."""
    if number is None:
        return None
    return int(number) if number == number.to_integral_value() else float(number)
