"""The simulated Moodle, and the connector on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from passback.lms.moodle import KIND
from passback.testing.clock import SetClock
from passback.testing.lms import ESSAY, Lms, simulated
from passback_simulators.identities import ALGEBRA
from passback_simulators.moodle import errors, seed
from passback_simulators.moodle.app import MoodleSimulator
from support.people import people


@contextlib.contextmanager
def moodle(credentials: dict[str, str] | None = None, **options: Any) -> Iterator[Lms]:
    """Moodle with the sandbox's people."""
    simulator = MoodleSimulator(SetClock())

    def delete(assignment: str) -> None:
        simulator.ui_delete_assignment(int(assignment))

    def unenroll(student: str) -> None:
        simulator.ui_unenroll(int(seed.SECTION_LMS_ID[ALGEBRA.digits]), int(student))

    def ready() -> str:
        for one in simulator.records.all("assigns"):
            if one["name"] != seed.TEMPLATE:
                simulator.ui_delete_assignment(one["id"])  # a long gradebook takes long to read
        course, due = int(seed.SECTION_LMS_ID[ALGEBRA.digits]), (ESSAY.due_date or 0) // 1000
        return str(simulator.ui_create_assignment(course, ESSAY.title or "", grade=20, duedate=due))

    with simulated(
        simulator, KIND, people(seed, "999"), delete=delete, unenroll=unenroll, credentials=credentials,
        options=options, collection="cm_duplicate", grades_at="save_grade", ready=ready,
        particular=frozenset({"points_possible"}), coarse=frozenset({"due_date"}),
        refusals=(errors.no_permission("mod/assign:grade").reply, errors.no_record("assign").reply),
    ) as lms:  # fmt: skip
        yield lms


def simulator(lms: Lms) -> MoodleSimulator:
    assert isinstance(lms.served.simulator, MoodleSimulator)
    return lms.served.simulator


def record(lms: Lms, lms_id: str) -> dict[str, Any]:
    """An assignment as Moodle holds it."""
    return simulator(lms).records.get("assigns", lms_id) or {}
