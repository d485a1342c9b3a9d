"""What every LMS is to the gateway.

A connector translates between the gateway's words (`domain`) and one LMS's. It is given the LMS's own ids of
sections, students and teachers; it never sees ours. Whatever goes wrong is told as one of the errors below,
each of which stands for one answer to the client (contract: When the LMS fails).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from passback.domain.assignment import Assignment, AssignmentFields
from passback.domain.submission import Submission, SubmissionFields

Thing = Literal["section", "assignment", "student", "grader"]


class LmsError(Exception):
    """Something that an LMS answered, or failed to."""


class Gone(LmsError):
    """The LMS says that something is not there, or no more: rows 9, 13 and 14, by `thing`."""

    def __init__(self, thing: Thing) -> None:
        super().__init__(thing)
        self.thing = thing


class Refused(LmsError):
    """The LMS refuses the values for a reason the client can mend: 400 ``CODE: sentence``."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")


class Unsupported(LmsError):
    """The LMS has no way to do what was asked: 400 ``<LMS> does not support <what>``."""

    def __init__(self, lms: str, what: str) -> None:
        super().__init__(f"{lms} does not support {what}")


class Unavailable(LmsError):
    """The LMS failed, was too slow, refuses our credentials or limits us: 500.

    `retry_after` (seconds) where waiting helps. `in_doubt` where a write may have happened all the same: it must
    be looked for before it is tried again. The text is for the log, never for the client.
    """

    def __init__(self, reason: str, *, retry_after: int | None = None, in_doubt: bool = False) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.in_doubt = in_doubt


class Capabilities(Struct, frozen=True):
    """What an LMS can do, as far as it is not alike in all."""

    kind: str
    """The value of a district's ``lms_type``."""
    name: str
    """How people call it, in messages."""
    not_stored_assignment: frozenset[str] = frozenset()
    """Fields of an assignment that it has no place for."""
    not_stored_flags: frozenset[str] = frozenset()
    """Flags that it derives itself and cannot be told."""


class Connector(Protocol):
    """One district's LMS.

    Every method may raise `Gone` (the section, the assignment, a student, the grader), `Refused`,
    `Unsupported` and `Unavailable`. Students, graders and sections are named by their ids in the LMS.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    async def create_assignment(self, section: str, fields: AssignmentFields) -> Assignment:
        """Create an assignment in `section`. Title, description and due date are always given."""
        ...

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        """Read an assignment as it is now."""
        ...

    async def read_assignments(self, section: str, assignments: Sequence[str]) -> Mapping[str, Assignment]:
        """Read several at once, by their ids in the LMS; those that are gone are left out."""
        ...

    async def update_assignment(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        """Change the given fields."""
        ...

    async def delete_assignment(self, section: str, assignment: str) -> None:
        """Delete an assignment with all its submissions."""
        ...

    async def read_submissions(
        self, section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Submission]:
        """Read the submissions of `students`; those who are not assigned are left out."""
        ...

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        """Change the given fields of a student's submission."""
        ...

    async def update_submissions(
        self, section: str, assignment: str, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> Sequence[Submission | LmsError]:
        """Change many students' submissions in as few calls as the LMS allows.

        Each is judged as if sent alone, in order; what came of it, an error included, stands in its place.
        """
        ...
