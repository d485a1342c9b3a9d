"""The simulated Google Classroom, and the connector on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from lms_support import Lms, MemoryNotes
from passback.lms.connector import Connection
from passback.lms.google_classroom import KIND
from passback.sandbox.identities import ALGEBRA, BIOLOGY
from passback.sandbox.simulators.google_classroom.seed import PROJECT, SECTION_LMS_ID, person_lms_id
from passback.sandbox.simulators.google_classroom.service_accounts import new_private_key
from passback.sandbox.simulators.google_classroom.simulator import ClassroomSimulator
from simulator_support import serving
from support import SetClock

PATIENCE = 1.0
_KEYS: list[tuple[str, str]] = []
"""A key pair, which takes long to make."""


def private_key() -> tuple[str, str]:
    """The key pair that all tests of a process share."""
    if not _KEYS:
        _KEYS.append(new_private_key())
    return _KEYS[0]


@contextlib.contextmanager
def google(credentials: dict[str, str] | None = None, **options: Any) -> Iterator[Lms]:
    """Google Classroom with the sandbox's people."""
    clock = SetClock()
    simulator = ClassroomSimulator(clock)
    simulator.private_keys[PROJECT] = private_key()
    simulator.start()
    with serving(simulator) as served, asyncio.Runner() as runner:
        given = simulator.connection_credentials(served.url) if credentials is None else credentials
        options = {"token_uri": f"{served.url}/token", **simulator.connection_options(), **options}
        connection = Connection(f"{served.url}/", given, options, patience=PATIENCE)
        connector = KIND.open(connection, MemoryNotes(), clock)
        section = SECTION_LMS_ID[ALGEBRA.digits]

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
            delete=simulator.ui_delete_assignment,
            unenroll=unenroll,
            simulator=served,
            unsupported=frozenset(
                {"excused", "grade_comment", "extra_attempts", "override_due_date", "text"}
            ),
        )
        runner.run(connector.close())
