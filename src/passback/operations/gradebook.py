"""What a teacher does in the built-in gradebook.

Everything here happens in the gradebook alone, as it would in any LMS: the API sees it with its next GET.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from passback.delivery import webhook_notify
from passback.domain.assignment import Assignment, AssignmentFields, misordered_dates
from passback.domain.roster import ROLES
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.builtin.connector import edit_assignment
from passback.lms.builtin.grade import grade_submission, read_submissions
from passback.lms.interface import Gone, RefusedByLms
from passback.operations import audit
from passback.operations.errors import NotFound, OperationError
from passback.store import assignments, enrollments, gradebook, names, roster, roster_events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from passback.domain.clock import Clock, Instant
    from passback.store.assignments import AssignmentRecord
    from passback.store.engine.database import Connection, Database

T = TypeVar("T")

_MOST_ASSIGNMENTS = 1_000_000
_GONE = {
    "assignment": "the assignment is no longer in the gradebook",
    "student": "the student is not in the section, or the assignment is not for this student",
    "grader": "the grader is not a teacher of the section",
    "section": "the section is no longer in the gradebook",
}


class Listed(Struct, frozen=True):
    """An assignment of a section, with its id in the API."""

    id: str
    assignment: Assignment


class Graded(Struct, frozen=True):
    """An assignment with the submissions of those it is assigned to."""

    assignment: Assignment
    submissions: list[Submission]
    students: Mapping[str, str]
    """The names of these, by their ids."""


async def list_assignments(database: Database, section_id: str) -> list[Listed]:
    """Return a section's assignments as they are in the gradebook. Raises `NotFound`."""

    def read(conn: Connection) -> list[Listed]:
        _district_of(conn, section_id)
        records = assignments.page(conn, section_id, after="", limit=_MOST_ASSIGNMENTS)
        held = ((it.id, gradebook.find_assignment(conn, section_id, it.lms_id)) for it in records)
        return [Listed(id_, assignment) for id_, assignment in held if assignment is not None]

    return await database.snapshot(read)


async def find_assignment(database: Database, assignment_id: str, clock: Clock) -> Graded:
    """Return an assignment and its submissions. Raises `NotFound`."""
    now = clock()

    def read(conn: Connection) -> Graded:
        section_id, record = _locate(conn, assignment_id)
        held = gradebook.find_assignment(conn, section_id, record.lms_id)
        if held is None:
            raise Gone("assignment")
        students = [student.lms_id for student in enrollments.matched_members(conn, section_id, "student")]
        found = read_submissions(conn, section_id, held, students, now)
        assigned = [student for student in students if student in found]
        return Graded(held, [found[student] for student in assigned], names.of_people(conn, assigned))

    return await _explained(database.snapshot(read))


async def edit(
    database: Database, assignment_id: str, fields: AssignmentFields, clock: Clock, *, actor: str = ""
) -> None:
    """Change the given fields of an assignment. Raises `OperationError`."""
    if fields == AssignmentFields():
        raise OperationError("nothing to change: give at least one field")

    def write(conn: Connection) -> None:
        section_id, record = _locate(conn, assignment_id)
        held = edit_assignment(conn, section_id, record.lms_id, fields, clock())
        if pair := misordered_dates(held.start_date, held.display_date, held.due_date, held.end_date):
            earlier, later = (name.replace("_", " ") for name in pair)
            raise OperationError(f"the {earlier} must not be after the {later}")
        _record(conn, "gradebook.edited", section_id, assignment_id, actor)

    await _explained(database.write(write))


async def delete(database: Database, assignment_id: str, clock: Clock, *, actor: str = "") -> None:
    """Delete an assignment with all its grades, and tell its applications. Raises `OperationError`."""

    def write(conn: Connection) -> None:
        section_id, record = _locate(conn, assignment_id)
        if not gradebook.delete_assignment(conn, section_id, record.lms_id):
            raise Gone("assignment")
        district_id = _district_of(conn, section_id)
        webhook_notify.assignment_gone(conn, district_id, section_id, assignment_id, clock(), pretended=False)
        _record(conn, "gradebook.deleted", section_id, assignment_id, actor)

    await _explained(database.write(write))


async def grade(
    database: Database,
    assignment_id: str,
    student_id: str,
    fields: SubmissionFields,
    clock: Clock,
    *,
    actor: str = "",
) -> None:
    """Change the given fields of a student's submission. Raises `OperationError`."""
    if fields == SubmissionFields():
        raise OperationError("nothing to change: give at least one field")

    def write(conn: Connection) -> None:
        section_id, record = _locate(conn, assignment_id)
        grade_submission(conn, section_id, record.lms_id, student_id, fields, clock())
        _record(conn, "gradebook.graded", section_id, assignment_id, actor, f"student {student_id}")

    await _explained(database.write(write))


async def enroll(database: Database, section_id: str, user_id: str, clock: Clock) -> None:
    """Make a student or teacher of the district a member of a section. Raises `NotFound`."""

    def change(conn: Connection, district_id: str) -> None:
        user = roster.find(conn, roster.USERS, district_id, user_id)
        if user is None:
            raise NotFound(f"there is no user {user_id} in the section's district")
        enrollments.enroll(conn, section_id, user.role, [user.id])

    await database.write(lambda conn: _change_members(conn, section_id, change, clock()))


async def unenroll(database: Database, section_id: str, user_id: str, clock: Clock) -> None:
    """End a membership of a section; the student's grades stay. Raises `NotFound`."""

    def change(conn: Connection, district_id: str) -> None:  # noqa: ARG001 - as in `enroll`
        # Each role is tried: somebody may be a member in more than one.
        ended = [role for role in ROLES if enrollments.unenroll(conn, section_id, role, user_id)]
        if not ended:
            raise NotFound(f"user {user_id} is not a member of section {section_id}")

    await database.write(lambda conn: _change_members(conn, section_id, change, clock()))


def points(text: str) -> Decimal:
    """A number of points as a person writes it. Raises `OperationError`."""
    wrong = OperationError(f"'{text}' is not a number of points, such as 8.5")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise wrong from None
    if not number.is_finite() or number < 0 or not -20 < number.adjusted() < 20:
        raise wrong
    return number


def _change_members(
    conn: Connection, section_id: str, change: Callable[[Connection, str], None], now: Instant
) -> None:
    """Change a section's members, with the event that tells applications. Raises `NotFound`."""
    district_id = _district_of(conn, section_id)
    conn.lock(f"roster/{district_id}")
    before = enrollments.members_by_role(conn, section_id)
    change(conn, district_id)
    roster_events.add_members(conn, district_id, section_id, before, now)


def _record(
    conn: Connection, action: str, section_id: str, assignment_id: str, actor: str, detail: str = ""
) -> None:
    audit.record(conn, action, assignment_id, _district_of(conn, section_id), detail, actor=actor)


async def _explained(doing: Awaitable[T]) -> T:
    """The result; the gradebook's objections become `OperationError`."""
    try:
        return await doing
    except Gone as error:
        raise OperationError(_GONE[error.thing]) from None
    except RefusedByLms as error:
        raise OperationError(error.sentence) from None


def _locate(conn: Connection, assignment_id: str) -> tuple[str, AssignmentRecord]:
    """An assignment's section and record. Raises `NotFound`."""
    found = assignments.locate(conn, assignment_id)
    if found is None:
        raise NotFound(f"there is no assignment {assignment_id}")
    return found


def _district_of(conn: Connection, section_id: str) -> str:
    """The district of a section. Raises `NotFound`."""
    district_id = roster.district_of_section(conn, section_id)
    if district_id is None:
        raise NotFound(f"there is no section {section_id}")
    return district_id
