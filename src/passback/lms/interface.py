"""What every LMS is to the gateway.

A connector translates between the gateway's words (`domain`) and one LMS's. It is given the LMS's own ids of
sections, students and teachers; it never sees ours. Whatever goes wrong is told as one of the errors below,
each of which stands for one answer to the client (contract: When the LMS fails).

A package brings a connector by an entry point of the group ``passback.connectors``, named as the kind of LMS, that
leads to a `ConnectorKind` (docs/connectors.md).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Literal, Protocol

import msgspec
from msgspec import Struct

from passback.domain.assignment import Assignment, AssignmentFields
from passback.domain.clock import REAL_TIME, Clock, Instant, Timer
from passback.domain.matching import LmsCourse, Person, Place
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.notes import Notes
from passback.lms.shared import Shared
from passback.observe.lms import LmsWatch

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
    """The LMS failed, was too slow, or limits us: 500.

    `retry_after` (seconds) where waiting helps. `in_doubt` where a write may have happened all the same: it must
    be looked for before it is tried again. The text is for the log, never for the client.
    """

    def __init__(self, reason: str, *, retry_after: int | None = None, in_doubt: bool = False) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.in_doubt = in_doubt


@contextlib.contextmanager
def in_doubt_after_create() -> Iterator[None]:
    """What fails inside the ``with`` fails after something was created: it leaves that in doubt."""
    try:
        yield
    except (Gone, Unavailable) as error:
        wait = error.retry_after if isinstance(error, Unavailable) else None
        raise Unavailable(f"after it was created: {error}", retry_after=wait, in_doubt=True) from None


class NotAllowed(Unavailable):
    """The LMS refuses our credentials, or they lack a right: 500 until someone in the district mends it.

    `credentials` where they are refused altogether, so that the connection is of no use as it is.
    """

    def __init__(self, reason: str, *, credentials: bool = False) -> None:
        super().__init__(reason)
        self.credentials = credentials


class Capabilities(Struct, frozen=True):
    """What an LMS can do, as far as it is not alike in all."""

    kind: str
    """The value of a district's ``lms_type``."""
    name: str
    """How people call it, in messages."""
    not_stored_assignment: frozenset[str] = frozenset()
    """Fields of an assignment that it has no place for; the connector keeps them in its notes."""
    ignored_assignment: frozenset[str] = frozenset()
    """Fields of an assignment that it neither stores nor gives back."""
    not_stored_flags: frozenset[str] = frozenset()
    """Flags that it derives itself and cannot be told."""


class Connection(Struct, frozen=True):
    """A district's LMS: where it is and what opens it."""

    address: str
    """The base of its addresses, ending with a slash."""
    credentials: Mapping[str, str]
    options: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    """Sent with every request, such as what makes a simulator fail."""
    patience: float = 25.0
    """For how many seconds a call to the LMS, with its retries, may take."""
    timer: Timer = REAL_TIME
    """What patience, retries, pace and breaker wait by."""
    shared: Shared | None = None
    """Where it is counted how much goes to the LMS, when several processes reach it."""
    watch: LmsWatch = msgspec.field(default_factory=LmsWatch)
    """Sees the requests; nobody is told unless the gateway gives its own."""

    def __repr__(self) -> str:
        return f"Connection({self.address!r})"  # never the credentials


class Setting(Struct, frozen=True):
    """Something that a connection is made with."""

    name: str
    meaning: str
    secret: bool = False
    """Whether it is a credential: kept encrypted, and never shown again."""
    default: str | None = None
    """What it is where it is not given; None where it must be given, or is asked for."""
    optional: bool = False
    """Whether it may be left out."""
    pattern: str = ""
    """What its values look like (a regular expression), where not everything will do."""

    @classmethod
    def yes_or_no(cls, name: str, meaning: str, default: str) -> Setting:
        """An option that is on or off."""
        return cls(name, meaning, default=default, pattern="yes|no")


class Finding(Struct, frozen=True):
    """One thing that a check of a connection looked at, in plain words."""

    good: bool
    what: str
    """What works, or what does not."""
    remedy: str | None = None
    """What to do about it."""


class Connector(Protocol):
    """One district's LMS.

    Every method may raise `Gone` (the section, the assignment, a student, the grader), `Refused`,
    `Unsupported` and `Unavailable`. Students, graders and sections are named by their ids in the LMS.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:
        """Create an assignment in `section`. Title, description and due date are always given.

        Where the LMS has a place that nobody sees, `mark` (a UUID) goes there, so that the assignment can be found
        again when the answer is lost.
        """
        ...

    async def find_assignment(
        self, section: str, fields: AssignmentFields, mark: str, since: Instant, known: Collection[str]
    ) -> Assignment | None:
        """The assignment that an attempt to create it made, though its answer was lost; None where there is none.

        It is looked for by its mark; without a place for one, by its fields, among those that came `since` and
        are none of the `known`.
        """
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

    async def read_courses(self) -> Sequence[LmsCourse]:
        """Every course that the credentials reach. Where the LMS has only sections, each is a course, too."""
        ...

    async def read_sections(self, course: LmsCourse) -> Sequence[Place]:
        """The sections of a course, for matching."""
        ...

    async def read_people(self, section: str) -> Sequence[Person]:
        """The students and teachers of a section, for matching."""
        ...

    async def check(self) -> Sequence[Finding]:
        """What of the connection works and what is missing, permission by permission."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


async def each_alone(
    connector: Connector,
    section: str,
    assignment: str,
    changes: Sequence[tuple[str, SubmissionFields]],
    *,
    at_once: int,
) -> Sequence[Submission | LmsError]:
    """`Connector.update_submissions` for an LMS that changes one submission at a time.

    Up to `at_once` calls are under way; the changes of one student follow each other.
    """
    limit = asyncio.Semaphore(at_once)
    outcomes: dict[int, Submission | LmsError] = {}

    async def change(positions: Sequence[int]) -> None:
        for position in positions:
            async with limit:
                try:
                    outcomes[position] = await connector.update_submission(
                        section, assignment, *changes[position]
                    )
                except LmsError as error:
                    outcomes[position] = error

    of_student: dict[str, list[int]] = {}
    for position, (student, _) in enumerate(changes):
        of_student.setdefault(student, []).append(position)
    await asyncio.gather(*(change(positions) for positions in of_student.values()))
    return [outcomes[position] for position in range(len(changes))]


class SignIn(Protocol):
    """The steps in the browser by which a person lets us in at an LMS."""

    async def begin(
        self, address: str, given: Mapping[str, str], callback: str
    ) -> tuple[str, Mapping[str, str]]:
        """The page to open, and what `finish` must be given back. `given` are the settings so far."""
        ...

    async def finish(
        self,
        address: str,
        given: Mapping[str, str],
        callback: str,
        begun: Mapping[str, str],
        query: Mapping[str, str],
    ) -> Mapping[str, str]:
        """The credentials to keep, once the browser came back with `query`. Raises `Unavailable`."""
        ...


class ConnectorKind(Struct, frozen=True):
    """A kind of LMS: what a connection to it needs, and how it is opened."""

    capabilities: Capabilities
    address: Setting
    settings: tuple[Setting, ...]
    """The credentials and options, in the order in which they are asked for."""
    open: Callable[[Connection, Notes, Clock], Connector]
    sign_in: SignIn | None = None
    """Where a person can sign in instead of giving all credentials."""
    one_of: tuple[str, ...] = ()
    """Settings of which one must be given, where nobody signs in."""
    students_sign_in: bool = False
    """Whether students sign in, too, because the LMS takes work from nobody else."""
