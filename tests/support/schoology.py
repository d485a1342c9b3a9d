"""The simulated Schoology, and the connector on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from passback.lms.schoology import KIND
from passback.testing.clock import SetClock
from passback.testing.lms import Lms, simulated
from passback_simulators.identities import ALGEBRA
from passback_simulators.reply import Reply
from passback_simulators.schoology import seed
from passback_simulators.schoology.app import SchoologySimulator
from support.people import people


@contextlib.contextmanager
def schoology(credentials: dict[str, str] | None = None, **options: Any) -> Iterator[Lms]:
    """Schoology with the sandbox's people."""
    simulator = SchoologySimulator(SetClock())

    def delete(assignment: str) -> None:
        simulator.ui_delete_assignment(int(assignment.rpartition("/")[2]))

    def unenroll(student: str) -> None:
        simulator.ui_unenroll(seed.SECTION_LMS_ID[ALGEBRA.digits], student)

    def work(assignment: str, student: str) -> list[str]:
        revisions = simulator.records.all("revisions")
        mine = [
            it
            for it in revisions
            if (it["item"], it["uid"]) == (item(assignment), student) and not it["draft"]
        ]
        return [str(piece) for it in mine for piece in it["attachments"]]

    with simulated(
        simulator, KIND, people(seed, "999"), path="v1/", delete=delete, unenroll=unenroll, credentials=credentials,
        options=options, coarse=frozenset({"grading_type", "submission_types"}), work=work,
        refusals=(Reply(401, b"You are not authorized to perform this action"), Reply(403)),
    ) as lms:  # fmt: skip
        yield lms


def simulator(lms: Lms) -> SchoologySimulator:
    assert isinstance(lms.served.simulator, SchoologySimulator)
    return lms.served.simulator


def record(lms: Lms, lms_id: str) -> dict[str, Any]:
    """A grade item as Schoology holds it."""
    return simulator(lms).records.get("grade_items", lms_id.rpartition("/")[2]) or {}


def item(lms_id: str) -> int:
    return int(lms_id.rpartition("/")[2])
