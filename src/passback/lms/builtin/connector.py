"""The built-in gradebook behind the connector interface.

Its store is the gateway's own database, and its sections and people are the roster's, so their ids here are the
roster's ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.assignment import Assignment, AssignmentFields
from passback.lms.builtin.api import read_assignment
from passback.lms.builtin.grade import grade_submission, grade_submissions, read_submissions
from passback.lms.builtin.map_assignments import check_texts, edited, new_assignment
from passback.lms.interface import Capabilities, Finding, Gone, ListsDecide, LmsError, LostCreate
from passback.store import gradebook

if TYPE_CHECKING:
    from passback.domain.clock import Clock, Instant
    from passback.domain.matching import LmsCourse, Person, SectionRef
    from passback.domain.submission import Submission, SubmissionFields
    from passback.store.engine.database import Connection, Database

CAPABILITIES = Capabilities(
    kind="builtin",
    name="The built-in gradebook",
    not_stored_flags=frozenset({"late", "missing"}),
    adds_comments=True,
)


class BuiltinConnector(ListsDecide, Struct, frozen=True):
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
        lost: LostCreate,
    ) -> Assignment | None:
        return await self.database.read(lambda conn: gradebook.find_assignment(conn, section, lost.mark))

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        return await self.database.read(lambda conn: read_assignment(conn, section, assignment))

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
            return read_submissions(conn, section, read_assignment(conn, section, assignment), students, now)

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
        return await self.database.write(
            lambda conn: grade_submissions(conn, section, assignment, changes, self.clock())
        )

    async def read_courses(self) -> Sequence[LmsCourse]:
        return []  # its sections and people are the roster's: there is nothing to match

    async def read_sections(self, course: LmsCourse) -> Sequence[SectionRef]:  # noqa: ARG002
        return []

    async def read_people(self, section: str) -> Sequence[Person]:  # noqa: ARG002
        return []

    async def check(self) -> Sequence[Finding]:
        return [Finding(True, "the built-in gradebook needs no connection")]

    async def close(self) -> None:
        """Nothing is open."""


def edit_assignment(
    conn: Connection, section: str, assignment: str, fields: AssignmentFields, now: Instant
) -> Assignment:
    """Change an assignment, as a client or a teacher may. Raises `Gone` and `RefusedByLms`."""
    conn.lock(f"gradebook/{assignment}")
    check_texts(fields)
    after = edited(read_assignment(conn, section, assignment), fields, now)
    gradebook.update_assignment(conn, after)
    return after
