"""What the tests of connectors share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.assignment import Assignment, AssignmentFields, Attachment
from passback.domain.clock import DAY
from passback.domain.matching import SectionRef
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.interface import Connector, ConnectorKind, LmsConnection, LostCreate
from passback.lms.notes import Note
from passback.store.engine.database import Opened
from passback_simulators.identities import ALGEBRA, BIOLOGY
from passback_simulators.reply import Reply
from passback_simulators.simulator import Simulator
from support.jumping import JumpingTime
from support.sandbox import NOW, SetClock
from support.simulators import Served, serving

T = TypeVar("T")

PATIENCE = 8.0
"""For how many seconds a connector tries, in tests. Waiting costs nothing there, and a busy machine may be slow."""

ESSAY = AssignmentFields(
    title="Essay", description="<p>Two pages</p>", due_date=NOW + 7 * DAY, points_possible=Decimal(20)
)
TEXT = Attachment(type="text", text="My essay")
LINK = Attachment(type="link", url="https://app.example/work/1")


def try_of(mark: str, since: int, known: Collection[str] = (), newer: int = 0) -> LostCreate:
    """A try to create something, whose answer was lost; the `known` assignments became known at `NOW`."""
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
class Lms:
    """An LMS with two sections, and the connector that reaches it."""

    connector: Connector
    clock: SetClock
    runner: asyncio.Runner
    """Runs all calls of a test in one event loop, as a server does."""
    section: str
    students: list[str]
    teacher: str
    nowhere: str
    """The id of a section that there is not."""
    other_section: str
    other_student: str
    other_teacher: str
    delete: Callable[[str], None]
    """Delete an assignment in the LMS's own UI."""
    unenroll: Callable[[str], None]
    """Take a student out of the section in the LMS's own UI."""
    simulator: Served | None = None
    """The simulator behind the connector; None for the built-in gradebook."""
    particular: frozenset[str] = field(default_factory=frozenset)
    """What else than `Capabilities` say is particular about this LMS: ``capped`` (points above the maximum become the
    maximum), and ``points_possible`` (an assignment's cannot be changed)."""

    ready: Callable[[], str] | None = None
    """Make an assignment like `ESSAY` in the LMS's own UI instead of all that were made before, where creating one
    takes many requests."""
    collection: str = "assignments"
    """The part of the LMS's paths below which its assignments are."""
    refusals: tuple[Reply, ...] = ()
    """What the LMS answers to someone who may not do what was asked."""

    kind: ConnectorKind | None = None
    connection: LmsConnection | None = None
    """What `connector` was opened with, where a simulator is behind it."""
    notes: MemoryNotes = field(default_factory=MemoryNotes)
    database: Opened | None = None
    """The gateway's database, if that is the LMS."""

    @property
    def unsupported(self) -> frozenset[str]:
        """What the connector refuses, by its capabilities: the names of abilities, fields, and types of work."""
        of = self.connector.capabilities
        comments = () if of.comments else ("grade_comment",)
        work = frozenset({"file", "link", "text"}) - of.hand_in
        # The suite's assignments are not those on which what works sometimes does.
        return of.cannot | (of.sometimes & {"extra_attempts"}) | work | self.particular | frozenset(comments)

    @property
    def creates(self) -> dict[str, str]:
        """The request that creates an assignment, as a fault's rule names it."""
        return {"method": "POST", "path": f"{self.collection}$"}

    def run(self, action: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(action)

    def wait(self, seconds: float) -> None:
        """Let the connector's time pass, which takes none."""

        async def sleep() -> None:
            assert self.connection is not None
            await self.connection.timer.sleep(seconds)

        self.run(sleep())

    def places(self, connector: Connector | None = None) -> list[SectionRef]:
        """All sections of all courses."""
        asked = connector or self.connector
        courses = self.run(asked.read_courses())
        return [place for course in courses for place in self.run(asked.read_sections(course))]

    @property
    def served(self) -> Served:
        """The simulator behind the connector, which there must be."""
        assert self.simulator is not None
        return self.simulator

    @contextlib.contextmanager
    def another(self, credentials: dict[str, str] | None = None, **options: str) -> Iterator[Connector]:
        """Another connector to the same LMS, with other credentials or options."""
        assert self.kind is not None
        assert self.connection is not None
        connection = replace(
            self.connection,
            credentials=self.connection.credentials if credentials is None else credentials,
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
        """The requests to the simulator since this was last asked."""
        made: list[str] = self.served.control("GET", "requests")
        self.served.control("DELETE", "requests")
        return made

    def create(self, section: str | None = None, **changes: Any) -> Assignment:
        """Create `ESSAY` with changes."""
        fields = replace(ESSAY, **changes)
        return self.run(self.connector.create_assignment(section or self.section, fields, str(uuid7())))

    def assignment(self, assignment: str) -> Assignment:
        """An assignment as it is now."""
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

    def read(self, assignment: str, student: str | None = None) -> Submission:
        """The submission of a student, of the first unless another is named."""
        student = student or self.students[0]
        return self.run(self.connector.read_submissions(self.section, assignment, [student]))[student]


@contextlib.contextmanager
def simulated(
    simulator: Simulator,
    kind: ConnectorKind,
    seed: Any,
    *,
    nowhere: str,
    delete: Callable[[str], None],
    unenroll: Callable[[str], None],
    path: str = "",
    credentials: dict[str, str] | None = None,
    options: Mapping[str, str] | None = None,
    particular: frozenset[str] = frozenset(),
    collection: str = "assignments",
    refusals: tuple[Reply, ...] = (),
    ready: Callable[[], str] | None = None,
) -> Iterator[Lms]:
    """An LMS behind its simulator, with the sandbox's people. `seed` is the module that knows their ids there."""
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
            connector=connector,
            clock=simulator.clock,
            runner=runner,
            section=seed.SECTION_LMS_ID[ALGEBRA.digits],
            students=[seed.person_lms_id(digits) for digits in ALGEBRA.students],
            teacher=seed.person_lms_id(ALGEBRA.teacher),
            nowhere=nowhere,
            other_section=seed.SECTION_LMS_ID[BIOLOGY.digits],
            other_student=seed.person_lms_id(BIOLOGY.students[0]),
            other_teacher=seed.person_lms_id(BIOLOGY.teacher),
            delete=delete,
            unenroll=unenroll,
            simulator=served,
            particular=particular,
            collection=collection,
            ready=ready,
            refusals=refusals,
            kind=kind,
            connection=connection,
            notes=notes,
        )
        runner.run(connector.close())
