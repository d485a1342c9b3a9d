"""The built-in gradebook behind the connector interface.

Its store is the gateway's own database, and its sections and people are the roster's, so their ids here are the
roster's ids.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from passback.domain.assignment import Assignment, AssignmentFields
from passback.lms.builtin import grade
from passback.lms.interface import Capabilities, Finding, Gone, LmsError, Refused
from passback.store import gradebook, roster

if TYPE_CHECKING:
    from passback.domain.clock import Clock, Instant
    from passback.domain.matching import LmsCourse, Person, Place
    from passback.domain.submission import Submission, SubmissionFields
    from passback.store.engine.database import Connection, Database

CAPABILITIES = Capabilities(
    kind="builtin",
    name="The built-in gradebook",
    not_stored_flags=frozenset({"late", "missing"}),
)

_SETTABLE = AssignmentFields.__struct_fields__


class BuiltinConnector(Struct, frozen=True):
    """See `passback.lms.interface.Connector`."""

    database: Database
    clock: Clock

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:
        assignment = new_assignment(fields, mark, self.clock())
        await self.database.write(lambda conn: gradebook.insert_assignment(conn, section, assignment))
        return assignment

    async def find_assignment(
        self,
        section: str,
        fields: AssignmentFields,  # noqa: ARG002 - the mark is the id
        mark: str,
        since: Instant,  # noqa: ARG002
        known: Collection[str],  # noqa: ARG002
    ) -> Assignment | None:
        return await self.database.read(lambda conn: gradebook.find_assignment(conn, section, mark))

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        return await self.database.read(lambda conn: _assignment(conn, section, assignment))

    async def read_assignments(self, section: str, assignments: Sequence[str]) -> Mapping[str, Assignment]:
        def read(conn: Connection) -> dict[str, Assignment]:
            found = (gradebook.find_assignment(conn, section, assignment) for assignment in assignments)
            return {assignment.lms_id: assignment for assignment in found if assignment is not None}

        return await self.database.snapshot(read)

    async def update_assignment(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        return await self.database.write(
            lambda conn: edit_assignment(conn, section, assignment, fields, self.clock())
        )

    async def delete_assignment(self, section: str, assignment: str) -> None:
        if not await self.database.write(lambda conn: gradebook.delete_assignment(conn, section, assignment)):
            raise Gone("assignment")

    async def read_submissions(
        self, section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Submission]:
        now = self.clock()

        def read(conn: Connection) -> dict[str, Submission]:
            held = _assignment(conn, section, assignment)
            return {
                student: grade.read(conn, held, student, now)
                for student in students
                if _is_assigned(conn, section, held, student)
            }

        return await self.database.snapshot(read)

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        return await self.database.write(
            lambda conn: grade_submission(conn, section, assignment, student, fields, self.clock())
        )

    async def update_submissions(
        self, section: str, assignment: str, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> Sequence[Submission | LmsError]:
        def change_all(conn: Connection) -> list[Submission | LmsError]:
            outcomes: list[Submission | LmsError] = []
            for student, fields in changes:
                try:
                    outcomes.append(
                        grade_submission(conn, section, assignment, student, fields, self.clock())
                    )
                except LmsError as error:  # raised before anything of this student's is written
                    outcomes.append(error)
            return outcomes

        return await self.database.write(change_all)

    async def read_courses(self) -> Sequence[LmsCourse]:
        return []  # its sections and people are the roster's: there is nothing to match

    async def read_sections(self, course: LmsCourse) -> Sequence[Place]:  # noqa: ARG002
        return []

    async def read_people(self, section: str) -> Sequence[Person]:  # noqa: ARG002
        return []

    async def check(self) -> Sequence[Finding]:
        return [Finding(True, "the built-in gradebook needs no connection")]

    async def close(self) -> None:
        """Nothing is open."""


def new_assignment(fields: AssignmentFields, assignment_id: str, now: int) -> Assignment:
    """The assignment that `fields` make. Raises `Refused`."""
    _check_texts(fields)
    individuals = fields.assignee_mode == "individuals"
    return Assignment(
        lms_id=assignment_id,
        title=fields.title or "",
        description=fields.description or "",
        description_plaintext=fields.description_plaintext,
        points_possible=fields.points_possible,
        grading_type=fields.grading_type or "points",
        submission_types=fields.submission_types or (),
        due_date=fields.due_date,
        start_date=fields.start_date,
        display_date=fields.display_date,
        end_date=fields.end_date,
        max_attempts=fields.max_attempts,
        assignee_mode="individuals" if individuals else "all",
        assignee_ids=(fields.assignee_ids or ()) if individuals else (),
        attachments=fields.attachments or (),
        term_id=fields.term_id,
        published=fields.published is not False,
        created=now,
        last_modified=now,
    )


def edit_assignment(
    conn: Connection, section: str, assignment: str, fields: AssignmentFields, now: int
) -> Assignment:
    """Change an assignment, as a client or a teacher may. Raises `Gone` and `Refused`."""
    conn.lock(f"gradebook/{assignment}")
    _check_texts(fields)
    held = _assignment(conn, section, assignment)
    given = {name: value for name in _SETTABLE if (value := getattr(fields, name)) is not None}
    edited = replace(held, **given, last_modified=now)
    if edited.assignee_mode == "all":
        edited = replace(edited, assignee_ids=())
    gradebook.update_assignment(conn, edited)
    return edited


def grade_submission(
    conn: Connection, section: str, assignment: str, student: str, fields: SubmissionFields, now: int
) -> Submission:
    """Change a student's submission, as a client or a teacher may. Raises `Gone` and `Refused`."""
    conn.lock(f"gradebook/{assignment}/{student}")
    _check_texts(fields)
    held = _assignment(conn, section, assignment)
    if not _is_assigned(conn, section, held, student):
        raise Gone("student")
    if fields.grader_id is not None and not roster.is_enrolled(conn, section, "teacher", fields.grader_id):
        raise Gone("grader")
    return grade.write(conn, held, student, fields, now)


def _assignment(conn: Connection, section: str, assignment: str) -> Assignment:
    held = gradebook.find_assignment(conn, section, assignment)
    if held is None:
        raise Gone("assignment")
    return held


def _is_assigned(conn: Connection, section: str, held: Assignment, student: str) -> bool:
    if held.assignee_mode == "individuals" and student not in held.assignee_ids:
        return False
    return roster.is_enrolled(conn, section, "student", student)


def _check_texts(fields: AssignmentFields | SubmissionFields) -> None:
    """Refuse a text that PostgreSQL cannot keep: the gradebook is alike on every database. Raises `Refused`."""
    for part in (fields, *(fields.attachments or ())):
        for name in part.__struct_fields__:
            value = getattr(part, name)
            if isinstance(value, str) and "\0" in value:
                raise Refused("INVALID_TEXT", f"{name} must not hold the character U+0000")
