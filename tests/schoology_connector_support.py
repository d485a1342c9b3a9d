"""The simulated Schoology, and the connector on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from lms_support import Lms, MemoryNotes
from passback.lms.connector import Connection
from passback.lms.schoology import KIND
from passback.sandbox.identities import ALGEBRA, BIOLOGY
from passback.sandbox.simulators.schoology.seed import SECTION_LMS_ID, person_lms_id
from passback.sandbox.simulators.schoology.simulator import SchoologySimulator
from simulator_support import serving
from support import SetClock

PATIENCE = 1.0
MANY = "1000"
"""More requests in 5 seconds than any test makes."""


@contextlib.contextmanager
def schoology(credentials: dict[str, str] | None = None, **options: Any) -> Iterator[Lms]:
    """Schoology with the sandbox's people."""
    clock = SetClock()
    simulator = SchoologySimulator(clock)
    simulator.start()
    with serving(simulator) as served, asyncio.Runner() as runner:
        given = simulator.connection_credentials(served.url) if credentials is None else credentials
        connection = Connection(
            f"{served.url}/v1/", given, {"requests_in_5_seconds": MANY, **options}, patience=PATIENCE
        )
        connector = KIND.open(connection, MemoryNotes(), clock)
        section = SECTION_LMS_ID[ALGEBRA.digits]

        def delete(assignment: str) -> None:
            simulator.ui_delete_assignment(int(assignment.rpartition("/")[2]))

        def unenroll(student: str) -> None:
            simulator.ui_unenroll(section, student)

        yield Lms(
            connector=connector,
            clock=clock,
            runner=runner,
            section=section,
            students=[person_lms_id(digits) for digits in ALGEBRA.students],
            teacher=person_lms_id(ALGEBRA.teacher),
            nowhere="999",
            other_section=SECTION_LMS_ID[BIOLOGY.digits],
            other_student=person_lms_id(BIOLOGY.students[0]),
            other_teacher=person_lms_id(BIOLOGY.teacher),
            delete=delete,
            unenroll=unenroll,
            simulator=served,
            unsupported=frozenset({"extra_attempts", "override_due_date", "link"}),
        )
        runner.run(connector.close())
