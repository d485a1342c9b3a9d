"""The simulated Google Classroom, and the connector on it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import joserfc.jwk  # noqa: F401 - the first token would take so long otherwise that a test's patience may end
import joserfc.jwt  # noqa: F401

from passback.lms.google_classroom import KIND
from passback.testing.clock import SetClock
from passback.testing.lms import Lms, simulated
from passback_simulators.google_classroom import errors, seed
from passback_simulators.google_classroom.app import ClassroomSimulator
from passback_simulators.identities import ALGEBRA
from support.people import people

KEYS: dict[str, tuple[str, str]] = {}
"""The service accounts' key pairs, which take long to make: the same for all simulators of the process."""


@contextlib.contextmanager
def google(credentials: dict[str, str] | None = None, **options: Any) -> Iterator[Lms]:
    """Google Classroom with the sandbox's people."""
    simulator = ClassroomSimulator(SetClock())
    simulator.private_keys = KEYS

    def unenroll(student: str) -> None:
        simulator.ui_unenroll(seed.SECTION_LMS_ID[ALGEBRA.digits], student)

    def work(assignment: str, student: str) -> list[str]:
        every = simulator.records.all("submissions")
        mine = [it for it in every if (it["work_id"], it["user_id"]) == (assignment, student)]
        return [str(piece) for it in mine for piece in it["attachments"]]

    with simulated(
        simulator, KIND, people(seed, "999"), delete=simulator.ui_delete_assignment, unenroll=unenroll,
        credentials=credentials, options=options, collection="courseWork", coarse=frozenset({"description"}), work=work,
        refusals=(errors.denied().reply, errors.unauthenticated(None)),
    ) as lms:  # fmt: skip
        yield lms


def simulator(lms: Lms) -> ClassroomSimulator:
    assert isinstance(lms.served.simulator, ClassroomSimulator)
    return lms.served.simulator


def record(lms: Lms, assignment: str) -> dict[str, Any]:
    """Course work as Classroom holds it."""
    return simulator(lms).records.get("course_work", assignment) or {}


def said(status: str, message: str) -> bytes:
    return json.dumps({"error": {"code": 0, "status": status, "message": message}}).encode()
