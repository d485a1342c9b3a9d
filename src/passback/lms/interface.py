"""The interface between the gateway and an LMS: what a connector must do.

A connector translates between the gateway's words (`passback.domain`) and those of one LMS. The rules that hold for all
of its methods:

- Sections, assignments, students and teachers are named by their ids in the LMS. A connector never sees the gateway's.
- A method that returns has done what was asked, and the LMS has stored it. If the LMS silently drops or changes
  something that affects a student, the connector must notice and raise.
- Whatever goes wrong is raised as an `LmsError`. Each kind of error stands for one answer to the client (contract: When
  the LMS fails). If a write may have happened although it failed, the error is `Unavailable` with ``in_doubt``.
- Everything is judged before anything is written, so that a refused change leaves no half of it behind.
- Every change may come again after it was in doubt, and must then have the same effect as once.

A package brings a connector by an entry point in the group ``passback.connectors``, named as the kind of LMS, that
refers to a `ConnectorKind`. See docs/reference/connector-kit.md, and `passback.testing.slate` for a complete connector.
`passback.lms.http` calls an LMS, `passback.lms.toolkit` has what most connectors need besides, and
`passback.testing` is one test suite for all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Literal, Protocol, TypeVar

import msgspec
from msgspec import Struct

from passback.domain.assignment import Assignment, AssignmentFields
from passback.domain.clock import REAL_TIME, Clock, Instant, Timer
from passback.domain.matching import LmsCourse, Person, SectionRef
from passback.domain.roster import Role
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.notes import Notes
from passback.lms.shared import Shared
from passback.lms.signing import SigningKeys
from passback.lms.tokens import RefreshTokens
from passback.observe.lms import LmsWatch

Found = TypeVar("Found")

Thing = Literal["section", "assignment", "student", "grader"]

SCORE_CHANGED = "SCORE_CHANGED_BY_LMS"
"""The warning about a grade of which the LMS keeps another value, by a rule of its own."""
CHANGED = "CHANGED_BY_LMS:"
"""The same about another field, whose name follows."""


T = TypeVar("T")


class LmsError(Exception):
    """The LMS did not do what was asked. Raise one of the subclasses."""


class Gone(LmsError):
    """Something does not exist in the LMS, or no longer exists: rows 9, 13 and 14 of the contract, by `thing`."""

    def __init__(self, thing: Thing) -> None:
        super().__init__(thing)
        self.thing = thing


class RefusedByLms(LmsError):
    """The LMS refuses the values, for a reason that the client can fix: 400 ``CODE: sentence``."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.sentence = sentence
        """For people, who do not know the codes."""


class Unsupported(LmsError):
    """The LMS cannot do what was asked at all: 400 ``<LMS> does not support <what>``."""

    def __init__(self, lms: str, what: str) -> None:
        super().__init__(f"{lms} does not support {what}")


class Unavailable(LmsError):
    """The LMS failed, was too slow, throttles requests, or answers with what is no answer: 500.

    `retry_after` is how many seconds to wait; None if waiting does not help. `in_doubt` says that a write may have
    happened nevertheless: it must be looked for before it is tried again. The text is for the log, never for the
    client.
    """

    def __init__(self, reason: str, *, retry_after: int | None = 30, in_doubt: bool = False) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.in_doubt = in_doubt
        self.down = False
        """Whether the LMS has failed so often that it is left alone for now. Set by `passback.lms.http`."""


@contextlib.contextmanager
def in_doubt_after_write() -> Iterator[None]:
    """Mark what fails inside the ``with`` as in doubt, because something has been written already."""
    try:
        yield
    except (Gone, Unavailable) as error:
        if not isinstance(error, Unavailable):
            raise Unavailable(f"after it was written: {error}", in_doubt=True) from None
        raise still_in_doubt(error, f"after it was written: {error}") from None


@contextlib.contextmanager
def looking_after_write() -> Iterator[None]:
    """Mark whatever fails inside the ``with`` as in doubt: it is a look at what has been written, and no verdict."""
    try:
        with in_doubt_after_write():
            yield
    except (RefusedByLms, Unsupported) as error:
        raise Unavailable(f"after it was written: {error}", in_doubt=True) from None


def still_in_doubt(error: Unavailable, reason: str) -> Unavailable:
    """Return the error for something that may have happened before the LMS failed so."""
    doubtful = Unavailable(reason, retry_after=error.retry_after, in_doubt=True)
    doubtful.down = error.down
    return doubtful


class NotAllowed(Unavailable):
    """The LMS refuses our credentials, or they lack a right: 500 until someone in the district fixes it.

    `credentials` says that they are refused altogether, so that nothing will work on this connection.
    """

    def __init__(self, reason: str, *, credentials: bool = False, in_doubt: bool = False) -> None:
        super().__init__(reason, retry_after=None, in_doubt=in_doubt)
        self.credentials = credentials


class NotWritten(Unavailable):
    """The connector has no code for this yet: 500, and waiting does not help. The suite shows it for what it is."""

    def __init__(self, method: str) -> None:
        super().__init__(f"{method} is not written yet", retry_after=None)


Ability = Literal[
    "create_assignments",
    "excused",
    "extra_attempts",
    "individual_assignees",
    "override_due_date",
    "points_above_maximum",
]
"""What an LMS may be able to do: make assignments, and give one to some students only; and for one student's work an
excuse, more attempts, a due date of their own, and more points than the assignment has."""


class Capabilities(Struct, frozen=True):
    """What an LMS can do, where LMSs differ."""

    kind: str
    """The value of a district's ``lms_type``."""
    name: str
    """The name that people use, for messages."""
    not_stored_assignment: frozenset[str] = frozenset()
    """Fields of an assignment that the LMS has no place for; the connector keeps them in its notes."""
    ignored_assignment: frozenset[str] = frozenset()
    """Fields of an assignment that are neither stored nor given back."""
    not_stored_flags: frozenset[str] = frozenset()
    """Flags that the LMS derives itself and that cannot be set."""
    comments: bool = True
    """Whether it has a place for comments on a grade.

    If not, the gateway leaves out a comment beside a grade, with a warning; the connector refuses a comment alone.
    """
    adds_comments: bool = False
    """Whether a comment is added to those that were there, as in Canvas. If not, it replaces the one that was there."""
    cannot: frozenset[Ability] = frozenset()
    """What it cannot do, so that the connector refuses it."""
    sometimes: frozenset[Ability] = frozenset()
    """What it can do in some courses, or with some assignments, only."""
    grading_types: frozenset[str] = frozenset({"letter_grade", "pass_fail", "percent", "points"})
    """The grading types of assignments that it can have."""
    hand_in: frozenset[str] = frozenset({"file", "link", "text"})
    """The types of attachments that a student's work can be handed in as."""


class LmsConnection(Struct, frozen=True):
    """How to reach a district's LMS: its address, and the credentials for it."""

    address: str
    """The base of the LMS's addresses, ending with a slash."""
    credentials: Mapping[str, str]
    """What the settings that are secret say, by their names, decrypted."""
    options: Mapping[str, str] = {}
    """What the other settings say, by their names."""
    headers: Mapping[str, str] = {}
    """Headers sent with every request, such as those that make a simulator fail."""
    patience: float = 25.0
    """How many seconds a call to the LMS may take, including retries."""
    timer: Timer = REAL_TIME
    """What patience, retries, pace and breaker wait by."""
    shared: Shared | None = None
    """Where the requests to the LMS are counted if several processes send them; None if only this one does."""
    refresh: RefreshTokens | None = None
    """Where the refresh token is kept, which the LMS may replace; None to keep it in memory."""
    signing: SigningKeys | None = None
    """The gateway's own keys, for an LMS that knows us by them; the registry gives them to every connection."""
    watch: LmsWatch = msgspec.field(default_factory=LmsWatch)
    """Observes the requests, for metrics."""

    def __repr__(self) -> str:
        return f"Connection({self.address!r})"  # never the credentials


class Setting(Struct, frozen=True):
    """A credential or option of a connection, as `passback connect` asks for it."""

    name: str
    """What `credentials` or `options` have it as."""
    meaning: str
    """What it is, for operators: half a sentence."""
    secret: bool = False
    """Whether it is a credential: stored encrypted, and never shown again."""
    default: str | None = None
    """The value if none is given; None if one must be given."""
    optional: bool = False
    """Whether it may be left out."""
    pattern: str = ""
    """A regular expression that its values must match; empty if any value will do."""
    keeps_path: bool = False
    """Of an address: whether the LMS may be below a path, which is kept then."""

    @classmethod
    def yes_or_no(cls, name: str, meaning: str, default: str) -> Setting:
        """An option that is on or off."""
        return cls(name, meaning, default=default, pattern="yes|no")


class Finding(Struct, frozen=True):
    """One result of checking a connection, in plain words for operators."""

    good: bool
    """Whether it works."""
    what: str
    """What works, or what does not: half a sentence."""
    remedy: str | None = None
    """What to do about it."""


class LostCreate(Struct, frozen=True):
    """A try to create an assignment whose answer was lost: what tells its assignment from others."""

    mark: str
    """The mark that it was sent with."""
    since: Instant
    """When the try began."""
    known: Mapping[str, Instant] = {}
    """The ids of the assignments of the section that the gateway has, deleted ones too, and when it knew of each."""
    newer: int = 0
    """How many tries to create the same are in doubt, too, and began later."""
    forgotten: bool = False
    """Whether a restored backup may not know the try: then it was sent with a mark that nobody knows."""

    def pick(self, candidates: Sequence[Found]) -> Found | None:
        """Return its assignment of those that may be it, the oldest first; None if there is none.

        Where several are in doubt, each takes one: the newest candidates are theirs, in the order of the tries. None is
        `known`, and creates of one title are tried one at a time, so nobody else takes the same.
        """
        return candidates[max(0, len(candidates) - 1 - self.newer)] if candidates else None


class Connector(Protocol):
    """One district's LMS. The module's documentation has the rules for all methods.

    Every method may raise `Gone` (the section, the assignment, a student, the grader), `RefusedByLms`, `Unsupported`
    and `Unavailable`. Methods run concurrently.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this LMS can do, where LMSs differ."""
        ...

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:
        """Create an assignment in `section`, and return it as the LMS has it.

        Title, description and due date are always given. If the LMS has a place that nobody sees, store `mark` (a UUID)
        there, so that `find_assignment` finds the assignment if the answer is lost.
        """
        ...

    async def find_assignment(
        self, section: str, fields: AssignmentFields, lost: LostCreate
    ) -> Assignment | None:
        """Find the assignment that an earlier try created although its answer was lost; None if there is none.

        Look for its mark; if the LMS has no place for one, for its fields, among the assignments that were created
        since the try began, that the gateway does not know, and that bear no other mark. If several match,
        `LostCreate.pick` picks the one: no create is sent again while one of its kind is nobody's.
        """
        ...

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        """Read an assignment as it is now, with what was kept in notes. Raises `Gone`."""
        ...

    async def read_assignments(self, section: str, assignments: Sequence[str]) -> Mapping[str, Assignment]:
        """Read several assignments at once, by their ids; those that the LMS does not show (any more) are left out."""
        ...

    async def update_assignment(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        """Change the given fields (those that are not None), and return the assignment as the LMS has it then."""
        ...

    async def delete_assignment(self, section: str, assignment: str) -> None:
        """Delete an assignment with all its submissions. Raises `Gone` if it does not exist."""
        ...

    async def read_submissions(
        self, section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Submission]:
        """Read the submissions of `students`, by student; those who do not have the assignment are left out."""
        ...

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        """Change the given fields (those that are not None) of a student's submission, and return it as it is then.

        An empty ``grade`` removes the grade. A comment that an earlier try already added (one of ``comment_marks``,
        which a connector keeps if it can, and ``comment_forgotten``; else one since ``comment_since``) is not added
        again; the same words with another mark are. Work that was handed in as it is given here is not handed in
        again. Raises `Gone` if the student does not have the assignment, or the grader does not teach the section.
        """
        ...

    async def update_submissions(
        self, section: str, assignment: str, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> Sequence[Submission | LmsError]:
        """Change many submissions in as few calls as the LMS allows.

        Each change is judged as if it came alone, those of one student in order. Returns the outcome of each, in the
        order of `changes`: the submission, or the error. See `update_one_by_one` and `passback.lms.toolkit.turns`.
        """
        ...

    async def read_courses(self) -> Sequence[LmsCourse]:
        """Read every course that the credentials reach. If the LMS has only sections, each is a course, too."""
        ...

    async def read_sections(self, course: LmsCourse) -> Sequence[SectionRef]:
        """Read the sections of a course, for matching them with the roster's."""
        ...

    async def read_people(self, section: str) -> Sequence[Person]:
        """Read the students and teachers of a section, for matching them with the roster's."""
        ...

    async def find_section(self, section: str) -> tuple[LmsCourse, SectionRef] | None:
        """Ask for one section, which lists lack, without a list of sections: its course, and the section.

        None if `read_courses` and `read_sections` are right to lack it. See `ListsDecide`.
        """
        ...

    async def has_person(self, section: str, role: Role, person: str) -> bool:
        """Ask for one person, whom `read_people` lacks, without a list of people: whether it should have them.

        See `ListsDecide`.
        """
        ...

    async def check(self) -> Sequence[Finding]:
        """Check what works on the connection and what is missing, permission by permission. Changes nothing."""
        ...

    async def close(self) -> None:
        """Close all connections to the LMS."""
        ...


class ListsDecide:
    """Implements `Connector.find_section` and `has_person` for an LMS that shows nothing but in lists."""

    async def find_section(self, section: str) -> tuple[LmsCourse, SectionRef] | None:  # noqa: ARG002 - it cannot ask
        return None

    async def has_person(self, section: str, role: Role, person: str) -> bool:  # noqa: ARG002 - it cannot ask
        return False


class OneOfMany:
    """Implements `Connector.update_submission` for an LMS that changes one submission as it changes many."""

    async def update_submission(
        self: Connector, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        (outcome,) = await self.update_submissions(section, assignment, [(student, fields)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def submission_or_error(change: Awaitable[Submission]) -> Submission | LmsError:
    """Return what a change of one submission returns, or the error that it raises."""
    try:
        return await change
    except LmsError as error:
        return error


async def if_shown(asking: Awaitable[T]) -> T | None:
    """Return what is there; None if it is gone, or this is not the credentials' to read, though they work.

    Raises any other `LmsError`.
    """
    try:
        return await asking
    except Gone:
        return None
    except NotAllowed as error:
        if error.credentials:
            raise
        return None


async def update_one_by_one(
    connector: Connector,
    section: str,
    assignment: str,
    changes: Sequence[tuple[str, SubmissionFields]],
    *,
    at_once: int,
) -> Sequence[Submission | LmsError]:
    """Implement `Connector.update_submissions` for an LMS that changes one submission at a time.

    Up to `at_once` calls run concurrently; the changes of one student follow each other.
    """
    limit = asyncio.Semaphore(at_once)
    outcomes: dict[int, Submission | LmsError] = {}

    async def change(positions: Sequence[int]) -> None:
        for position in positions:
            async with limit:
                outcomes[position] = await submission_or_error(
                    connector.update_submission(section, assignment, *changes[position])
                )

    of_student: dict[str, list[int]] = {}
    for position, (student, _) in enumerate(changes):
        of_student.setdefault(student, []).append(position)
    await asyncio.gather(*(change(positions) for positions in of_student.values()))
    return [outcomes[position] for position in range(len(changes))]


class SignIn(Protocol):
    """Signing in to an LMS in the browser, by which a person gives the gateway access."""

    async def begin(
        self, address: str, given: Mapping[str, str], callback: str
    ) -> tuple[str, Mapping[str, str]]:
        """Return the page to open, and what `finish` needs of it later. `given` are the settings so far."""
        ...

    async def finish(
        self,
        address: str,
        given: Mapping[str, str],
        callback: str,
        begun: Mapping[str, str],
        query: Mapping[str, str],
    ) -> Mapping[str, str]:
        """Return the credentials to store, once the browser came back with `query`. Raises `Unavailable`."""
        ...


class ConnectorKind(Struct, frozen=True):
    """A kind of LMS: what a connection to it needs, and how to open one. An entry point refers to it."""

    capabilities: Capabilities
    """What the LMS can do; a connector of this kind says the same."""
    address: Setting
    """Where the LMS is, as `passback connect` asks for it."""
    settings: tuple[Setting, ...]
    """The credentials and options, in the order in which `passback connect` asks for them."""
    open: Callable[[LmsConnection, Notes, Clock], Connector]
    """Opens a connector to one district's LMS; it must not call the LMS yet."""
    sign_in: SignIn | None = None
    """How a person signs in instead of giving all credentials; None if that is not possible."""
    one_of: tuple[str, ...] = ()
    """Settings of which one must be given if nobody signs in."""
    students_sign_in: bool = False
    """Whether students sign in, too, because the LMS accepts work from nobody else."""
