"""The simulated Canvas, and the connector on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from lms_support import Lms, MemoryNotes
from passback.lms.canvas import KIND
from passback.lms.connector import Connection
from passback.sandbox.identities import ALGEBRA, BIOLOGY
from passback.sandbox.simulators.canvas.seed import SECTION_LMS_ID, person_lms_id
from passback.sandbox.simulators.canvas.simulator import CanvasSimulator
from simulator_support import serving
from support import SetClock

PATIENCE = 1.0


@contextlib.contextmanager
def canvas(credentials: dict[str, str] | None = None, **options: Any) -> Iterator[Lms]:
    """Canvas with the sandbox's people."""
    clock = SetClock()
    simulator = CanvasSimulator(clock)
    simulator.start()
    with serving(simulator) as served, asyncio.Runner() as runner:
        given = credentials or simulator.connection_credentials(served.url)
        connection = Connection(f"{served.url}/", given, options, patience=PATIENCE)
        connector = KIND.open(connection, MemoryNotes(), clock)
        yield Lms(
            connector=connector,
            clock=clock,
            runner=runner,
            section=SECTION_LMS_ID[ALGEBRA.digits],
            students=[person_lms_id(digits) for digits in ALGEBRA.students],
            teacher=person_lms_id(ALGEBRA.teacher),
            nowhere="107/999",
            other_section=SECTION_LMS_ID[BIOLOGY.digits],
            other_student=person_lms_id(BIOLOGY.students[0]),
            other_teacher=person_lms_id(BIOLOGY.teacher),
            delete=simulator.ui_delete_assignment,
            unenroll=simulator.ui_end_enrollment,
            simulator=served,
        )
        runner.run(connector.close())
