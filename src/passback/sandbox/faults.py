"""LMS faults on demand: the ``Sandbox-Fault`` request header, which affects only the request that carries it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.submission import Submission
from passback.lms.interface import (
    Capabilities,
    Connector,
    Finding,
    Gone,
    LmsError,
    LostCreate,
    NotAllowed,
    Unavailable,
)
from passback.lms.registry import BUILTIN, Connectors
from passback.sandbox.journal import Caused
from passback.wire.errors import bad_request

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.domain.assignment import Assignment, AssignmentFields
    from passback.domain.matching import LmsCourse, Person, SectionRef
    from passback.domain.roster import Role
    from passback.domain.submission import SubmissionFields
    from passback.lms.registry import Reached
    from passback.store.engine.database import Connection

T = TypeVar("T")

MEANINGS = {
    "timeout": "it does not answer; nothing is done",
    "error-before": "it answers with an error; nothing is done",
    "error-after": "it answers with an error, though it did what it was asked",
    "throttled": "it throttles requests for longer than Passback waits",
    "slow=500ms": "it takes half a second",
    "expired-credentials": "it refuses the district's credentials",
    "deleted": "it says that the assignment is gone",
    "not-enrolled": "it says that the student is gone",
}
"""What an LMS does with each fault."""
NAMES = tuple(MEANINGS)
"""Every fault; ``slow=`` takes any time from 1ms to 60s."""

_SLOW = re.compile(r"slow=(\d{1,5})(ms|s)", re.ASCII)
_LONGEST_SECONDS = 60.0
_RETRY_AFTER = 30
_PATIENCE = 2.0
"""How many seconds to wait for a failing simulated LMS; short, because a developer is waiting."""


class SandboxFault(Struct, frozen=True):
    """A fault of the LMS."""

    name: str
    seconds: float = 0.0
    """How long a ``slow`` LMS takes."""


def parse(text: str) -> SandboxFault:
    """Parse the header. Raises `Refusal`."""
    slow = _SLOW.fullmatch(text)
    if slow is not None:
        seconds = int(slow[1]) / (1000 if slow[2] == "ms" else 1)
        if 0 < seconds <= _LONGEST_SECONDS:
            return SandboxFault("slow", seconds)
    elif text in NAMES:
        return SandboxFault(text)
    raise bad_request(f"INVALID_SANDBOX_FAULT: it must be one of [{' '.join(NAMES)}]")


@contextlib.asynccontextmanager
async def gateway_with(gateway: Gateway, headers: Sequence[bytes]) -> AsyncIterator[Gateway]:
    """The gateway, with the fault in a request's ``Sandbox-Fault`` headers. Raises `Refusal`."""
    assert isinstance(gateway.connectors, Connectors)
    text = headers[0].decode("latin-1").strip().lower()
    faulty = FaultyConnectors(gateway.connectors, parse(text), text)
    try:
        yield replace(gateway, connectors=faulty)
    finally:
        await faulty.close()


class FaultyConnectors:
    """The connectors during one request with a fault. See `passback.context.Reach`.

    The built-in gradebook's connector is wrapped. Those of simulated LMSs are opened for the request alone and tell the
    simulator how to fail, so that they handle it as they would the real LMS's failure.
    """

    pretending = True

    def __init__(self, connectors: Connectors, fault: SandboxFault, text: str) -> None:
        self._connectors = connectors
        self._fault = fault
        self._header = {"Sandbox-Fault": f"{text}; {uuid7()}"}
        self._open: dict[str, Connector] = {}

    def find(self, conn: Connection, district_id: str, lms_type: str) -> Connector | None:
        if lms_type == BUILTIN:
            builtin = self._connectors.find(conn, district_id, lms_type)
            return builtin and FaultyConnector(builtin, self._fault)
        if district_id not in self._open:
            connection = self._connectors.connection(conn, district_id)
            if self._connectors.find(conn, district_id, lms_type) is None or connection is None:
                return None
            patience = min(_PATIENCE + 10 * self._fault.seconds, connection.patience)
            self._open[district_id] = self._connectors.open(
                district_id, lms_type, replace(connection, headers=Caused(self._header), patience=patience)
            )
        return self._open[district_id]

    def of_kind(self, conn: Connection, lms_type: str) -> Sequence[Reached]:
        return self._connectors.of_kind(conn, lms_type)

    def forget(self) -> None:
        """Do nothing: everything is opened for one request."""

    async def close(self) -> None:
        """Close the connectors that were opened for the request."""
        for connector in self._open.values():
            await connector.close()


class FaultyConnector(Struct, frozen=True):
    """A connector whose LMS has a fault. See `passback.lms.interface.Connector`."""

    connector: Connector
    fault: SandboxFault

    @property
    def capabilities(self) -> Capabilities:
        return self.connector.capabilities

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:
        return await self._call(lambda: self.connector.create_assignment(section, fields, mark))

    async def find_assignment(
        self, section: str, fields: AssignmentFields, lost: LostCreate
    ) -> Assignment | None:
        if self.fault.name in ("timeout", "error-after"):
            raise Unavailable("it still fails", retry_after=_RETRY_AFTER)  # for the whole of this request
        return await self._call(lambda: self.connector.find_assignment(section, fields, lost))

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        return await self._call(lambda: self.connector.read_assignment(section, assignment))

    async def read_assignments(self, section: str, assignments: Sequence[str]) -> Mapping[str, Assignment]:
        if self.fault.name == "deleted":
            return {}
        return await self._call(lambda: self.connector.read_assignments(section, assignments))

    async def update_assignment(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        return await self._call(lambda: self.connector.update_assignment(section, assignment, fields))

    async def delete_assignment(self, section: str, assignment: str) -> None:
        await self._call(lambda: self.connector.delete_assignment(section, assignment))

    async def read_submissions(
        self, section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Submission]:
        if self.fault.name == "not-enrolled":
            return {}
        return await self._call(lambda: self.connector.read_submissions(section, assignment, students))

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        if self.fault.name == "not-enrolled":
            raise Gone("student")
        return await self._call(
            lambda: self.connector.update_submission(section, assignment, student, fields)
        )

    async def update_submissions(
        self, section: str, assignment: str, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> Sequence[Submission | LmsError]:
        if self.fault.name == "not-enrolled":
            return [Gone("student") for _ in changes]
        return await self._call(lambda: self.connector.update_submissions(section, assignment, changes))

    async def read_courses(self) -> Sequence[LmsCourse]:
        return await self._call(self.connector.read_courses)

    async def read_sections(self, course: LmsCourse) -> Sequence[SectionRef]:
        return await self._call(lambda: self.connector.read_sections(course))

    async def read_people(self, section: str) -> Sequence[Person]:
        return await self._call(lambda: self.connector.read_people(section))

    async def find_section(self, section: str) -> tuple[LmsCourse, SectionRef] | None:
        return await self._call(lambda: self.connector.find_section(section))

    async def has_person(self, section: str, role: Role, person: str) -> bool:
        return await self._call(lambda: self.connector.has_person(section, role, person))

    async def check(self) -> Sequence[Finding]:
        return await self._call(self.connector.check)

    async def close(self) -> None:
        """Do nothing: the real connector stays open."""

    async def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call the LMS, with the fault."""
        match self.fault.name:
            case "slow":
                await asyncio.sleep(self.fault.seconds)
            case "deleted":
                raise Gone("assignment")
            case "timeout":
                raise Unavailable("it timed out", retry_after=_RETRY_AFTER, in_doubt=True)
            case "throttled":
                raise Unavailable("it throttles requests", retry_after=_RETRY_AFTER)
            case "expired-credentials":
                raise NotAllowed("it refuses our credentials", credentials=True)
            case "error-before":
                raise Unavailable("status 500, and nothing was done")
        result = await call()
        if self.fault.name == "error-after":
            raise Unavailable("status 500, though it was done", in_doubt=True)
        return result
