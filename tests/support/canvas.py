"""The simulated Canvas, and the connector on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from passback.lms.canvas import KIND
from passback.testing.clock import SetClock
from passback.testing.lms import Lms, simulated
from passback_simulators.canvas import seed
from passback_simulators.canvas.app import CanvasSimulator
from passback_simulators.canvas.replies import unauthenticated, unauthorized
from support.people import people


@contextlib.contextmanager
def canvas(credentials: dict[str, str] | None = None, **options: Any) -> Iterator[Lms]:
    """Canvas with the sandbox's people."""
    simulator = CanvasSimulator(SetClock())

    def all_comments(assignment: str, student: str) -> list[str]:
        record = simulator.records.get("submissions", f"{assignment}/{student}") or {}
        return [it["comment"] for it in record.get("comments", [])]

    def all_work(assignment: str, student: str) -> list[str]:
        record = simulator.records.get("submissions", f"{assignment}/{student}") or {}
        attempts = [it for it in (*record.get("history", ()), record) if it.get("attempt") is not None]
        files = [str(file) for it in attempts for file in it["attachments"]]
        return [*files, *(words for it in attempts if (words := it["body"] or it["url"]))]

    with simulated(
        simulator, KIND, people(seed, "107/999"), delete=simulator.ui_delete_assignment,
        unenroll=simulator.ui_end_enrollment, credentials=credentials, options=options,
        comments=all_comments, work=all_work, refusals=(
            unauthorized(401).reply, unauthorized(403).reply, unauthenticated("Invalid access token.").reply
        ),
    ) as lms:  # fmt: skip
        yield lms


def simulator(lms: Lms) -> CanvasSimulator:
    assert isinstance(lms.served.simulator, CanvasSimulator)
    return lms.served.simulator


def comments(lms: Lms, assignment: str, student: str | None = None) -> list[str]:
    assert lms.comments is not None
    return [*lms.comments(assignment, student or lms.students[0])]
