"""An LMS that the suite runs on: a connector, whom and what it finds there, and what people do there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, TypedDict, TypeVar

import pytest
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.assignment import Assignment, AssignmentFields, Attachment
from passback.domain.clock import DAY
from passback.domain.matching import SectionRef
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.interface import Connector, ConnectorKind, LmsConnection, LmsError, LostCreate, NotWritten
from passback.lms.notes import Note
from passback.testing.clock import NOW, SetClock
from passback.testing.jumping import JumpingTime
from passback.testing.served import FailsOnRequest, Served, serving
from passback_simulators.reply import Reply
from passback_simulators.simulator import Simulator

T = TypeVar("T")

PATIENCE = 8.0
"""For how many seconds a connector tries, in tests. Waiting costs nothing there, and a busy machine may be slow."""

_LONGEST = 120.0
"""After how many seconds of the machine's time a call is given up."""

ESSAY = AssignmentFields(
    title="Essay", description="<p>Two pages</p>", due_date=NOW + 7 * DAY, points_possible=Decimal(20)
)
TEXT = Attachment(type="text", text="My essay")
LINK = Attachment(type="link", url="https://app.example/work/1")

PARTICULAR: Mapping[str, str] = {
    "points_possible": "the maximum of an assignment cannot be changed: refused with ``INVALID_POINTS``",
    "capped": "a grade above the maximum is kept as the maximum",
}
"""What else than `Capabilities` say an LMS may do otherwise, and what the suite then checks instead."""


def try_of(mark: str, since: int, known: Collection[str] = (), newer: int = 0) -> LostCreate:
    """Return a try to create something, whose answer was lost; the `known` assignments became known at `NOW`."""
    return LostCreate(mark, since, dict.fromkeys(known, NOW), newer)


class MemoryNotes:
    """Notes that are kept only as long as the test."""

    def __init__(self) -> None:
        self.kept: dict[str, Note] = {}

    async def read(self, keys: Sequence[str]) -> Mapping[str, Note]:
        return {key: self.kept[key] for key in keys if key in self.kept}

    async def find(self, prefix: str) -> Mapping[str, Note]:
        return {key: note for key, note in sorted(self.kept.items()) if key.startswith(prefix)}

    async def write(self, notes: Mapping[str, Note | None]) -> None:
        for key, note in notes.items():
            if note is None:
                self.kept.pop(key, None)
            else:
                self.kept[key] = note

    async def change(
        self, keys: Sequence[str], change: Callable[[Mapping[str, Note]], Mapping[str, Note | None]]
    ) -> None:
        await self.write(change(await self.read(keys)))


@dataclass(frozen=True)
class People:
    """Two sections of an LMS and who is in them, by the LMS's ids."""

    section: str
    students: list[str]
    """At least five, who are in `section` alone."""
    teacher: str
    """Teaches `section` alone."""
    other_section: str
    other_student: str
    """In `other_section` alone."""
    other_teacher: str
    """Teaches `other_section` alone."""
    nowhere: str
    """The id of a section that does not exist."""


class Rule(TypedDict):
    """Which requests are to meet a fault."""

    method: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Lms(People):
    """An LMS with two sections, and the connector that reaches it."""

    connector: Connector
    clock: SetClock
    runner: asyncio.Runner
    """Runs all calls of a test in one event loop, as a server does."""
    delete: Callable[[str], None]
    """Delete an assignment in the LMS's own UI."""
    unenroll: Callable[[str], None]
    """Take a student out of the section in the LMS's own UI."""
    particular: frozenset[str] = frozenset()
    """What else than its `Capabilities` say is particular about this LMS, of `PARTICULAR`."""
    coarse: frozenset[str] = frozenset()
    """Fields of an assignment that the LMS has a coarser place for: the gateway gives back what was sent."""

    simulator: FailsOnRequest | None = None
    """The simulator behind the connector, if there is one that fails on request: most of the suite needs it."""
    kind: ConnectorKind | None = None
    connection: LmsConnection | None = None
    """What `connector` was opened with, if a simulator is behind it."""
    notes: MemoryNotes = field(default_factory=MemoryNotes)
    collection: str = "assignments"
    """The part of the LMS's paths below which its assignments are."""
    grades_at: str | None = None
    """The part of the path to which grades are sent with POST; None if with PUT or PATCH."""
    refusals: tuple[Reply, ...] = ()
    """What the LMS answers to someone who may not do what was asked."""
    comments: Callable[[str, str], Sequence[str]] | None = None
    """Given an assignment and a student, return all comments on their work in the LMS's own UI, the oldest first.

    Needed if the LMS adds each comment to those before, of which the connector shows only the newest.
    """
    work: Callable[[str, str], Sequence[str]] | None = None
    """Given an assignment and a student, return all that they handed in, in the LMS's own UI: the text, address or
    name of each piece, and again in each attempt that has it.

    Needed if students' work can be handed in, of which the connector shows only the newest attempt.
    """
    ready: Callable[[], str] | None = None
    """Make an assignment like `ESSAY` in the LMS's own UI instead of all that were made before, where creating one
    takes many requests."""

    def __post_init__(self) -> None:
        unknown = self.particular - PARTICULAR.keys()
        assert len(self.students) >= 5, "the suite needs five students in `section`"
        assert not unknown, f"nothing of that kind is particular about an LMS: {', '.join(sorted(unknown))}"

    @property
    def unsupported(self) -> frozenset[str]:
        """What the connector refuses, by its capabilities: the names of abilities, fields, and types of work."""
        of = self.connector.capabilities
        comments = () if of.comments else ("grade_comment",)
        work = frozenset({"file", "link", "text"}) - of.hand_in
        # The suite's assignments are not those on which what works sometimes does.
        return of.cannot | (of.sometimes & {"extra_attempts"}) | work | self.particular | frozenset(comments)

    @property
    def creates(self) -> Rule:
        """The request that creates an assignment, as a fault's rule names it."""
        return {"method": "POST", "path": f"{self.collection}$"}

    @property
    def failing(self) -> FailsOnRequest:
        """The simulator behind the connector, which there must be."""
        assert self.simulator is not None, "this class of the suite needs a simulator that fails on request"
        return self.simulator

    @property
    def served(self) -> Served:
        """The simulator behind the connector, if it is one of `passback_simulators.simulator`."""
        assert isinstance(self.simulator, Served)
        return self.simulator

    def run(self, action: Coroutine[Any, Any, T]) -> T:
        """Run a call of the connector.

        What is not written yet fails the test, whatever the test expects, and so do an error that shows a credential
        and a call that does not end.
        """
        limit = asyncio.Timeout(None)

        async def bounded() -> T:
            async with limit:
                limit.reschedule(asyncio.get_running_loop().time() + _LONGEST)
                return await action

        try:
            return self.runner.run(bounded())
        except TimeoutError:
            if not limit.expired():
                raise
            wrong = f"no end after {_LONGEST} seconds: has each request to the LMS a time limit?"
        except NotWritten as error:
            wrong = str(error)
        except LmsError as error:
            if not self.shows_secrets(str(error)):
                raise
            wrong = f"the text of {error!r}, which goes to the log, shows a credential"
        pytest.fail(wrong, pytrace=False)

    def shows_secrets(self, text: str) -> bool:
        """Whether a text shows a credential of the connection. One of a few letters may be in any text."""
        credentials = self.connection.credentials.values() if self.connection else ()
        return any(len(it) > 4 and it in text for it in credentials)

    def wait(self, seconds: float) -> None:
        """Let the connector's time pass, which takes none."""

        async def sleep() -> None:
            assert self.connection is not None
            await self.connection.timer.sleep(seconds)

        self.run(sleep())

    def places(self, connector: Connector | None = None) -> list[SectionRef]:
        """Return all sections of all courses."""
        asked = connector or self.connector
        courses = self.run(asked.read_courses())
        return [place for course in courses for place in self.run(asked.read_sections(course))]

    @contextlib.contextmanager
    def another(
        self, credentials: dict[str, str] | None = None, *, patience: float | None = None, **options: str
    ) -> Iterator[Connector]:
        """Open another connector to the same LMS, with other credentials, patience or options."""
        assert self.kind is not None
        assert self.connection is not None
        connection = replace(
            self.connection,
            credentials=self.connection.credentials if credentials is None else credentials,
            patience=patience or self.connection.patience,
            options={**self.connection.options, **options},
        )
        connector = self.kind.open(connection, self.notes, self.clock)
        try:
            yield connector
        finally:
            self.run(connector.close())

    def set(self, **settings: Any) -> None:
        """Set settings of the simulator."""
        self.served.control("PUT", "settings", settings)

    def calls(self) -> list[str]:
        """Return the requests to the simulator since this was last asked."""
        return self.failing.requests()

    def create(self, section: str | None = None, **changes: Any) -> Assignment:
        """Create `ESSAY` with changes."""
        fields = replace(ESSAY, **changes)
        return self.run(self.connector.create_assignment(section or self.section, fields, str(uuid7())))

    def assignment(self, assignment: str) -> Assignment:
        """Return an assignment as it is now."""
        return self.run(self.connector.read_assignment(self.section, assignment))

    def change(self, assignment: str, **fields: Any) -> Assignment:
        """Change an assignment."""
        return self.run(
            self.connector.update_assignment(self.section, assignment, AssignmentFields(**fields))
        )

    def grade(self, assignment: str, student: str | None = None, **fields: Any) -> Submission:
        """Change the submission of a student, of the first unless another is named."""
        change = self.connector.update_submission(
            self.section, assignment, student or self.students[0], SubmissionFields(**fields)
        )
        return self.run(change)

    def all_comments(self, assignment: str) -> list[str]:
        """Return all comments on the first student's work, the oldest first; if one replaces the other, that one."""
        if not self.connector.capabilities.adds_comments:
            newest = self.read(assignment).grade_comment
            return [] if newest is None else [newest]
        assert self.comments is not None, (
            "an LMS that adds comments needs `comments`, which shows all of them"
        )
        return [*self.comments(assignment, self.students[0])]

    def all_work(self, assignment: str) -> list[str]:
        """Return all that the first student has handed in."""
        assert self.work is not None, (
            "an LMS that takes students' work needs `work`, which shows all attempts"
        )
        return [*self.work(assignment, self.students[0])]

    def read(self, assignment: str, student: str | None = None) -> Submission:
        """Return the submission of a student, of the first unless another is named."""
        student = student or self.students[0]
        return self.run(self.connector.read_submissions(self.section, assignment, [student]))[student]


@contextlib.contextmanager
def simulated(
    simulator: Simulator,
    kind: ConnectorKind,
    people: People,
    *,
    delete: Callable[[str], None],
    unenroll: Callable[[str], None],
    path: str = "",
    credentials: Mapping[str, str] | None = None,
    options: Mapping[str, str] | None = None,
    **more: Any,
) -> Iterator[Lms]:
    """Serve a simulator, whose clock is a `SetClock`, with a connector of this kind on it.

    Without `credentials`, those of the simulator's `connection_credentials` are used; `options` are added to its
    `connection_options`. `path` is where the connection's address ends; `more` are fields of `Lms`.
    """
    assert isinstance(simulator.clock, SetClock)
    simulator.start()
    with serving(simulator) as served, asyncio.Runner() as runner:
        connection = LmsConnection(
            f"{served.url}/{path}",
            simulator.connection_credentials(served.url) if credentials is None else credentials,
            {**simulator.connection_options(served.url), **(options or {})},
            patience=PATIENCE,
            timer=JumpingTime().timer,
        )
        notes = MemoryNotes()
        connector = kind.open(connection, notes, simulator.clock)
        yield Lms(
            **asdict(people),
            connector=connector,
            clock=simulator.clock,
            runner=runner,
            delete=delete,
            unenroll=unenroll,
            simulator=served,
            kind=kind,
            connection=connection,
            notes=notes,
            **more,
        )
        runner.run(connector.close())
