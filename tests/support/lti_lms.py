"""Simulated LMSs with LTI Advantage, and the connector on them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import joserfc.jwk  # noqa: F401 - the first token would take so long otherwise that a test's patience may end
import joserfc.jwt  # noqa: F401

from passback.lms.lti import KIND
from passback.testing.clock import SetClock
from passback.testing.lms import Lms, simulated
from passback_simulators.identities import ALGEBRA
from passback_simulators.lti import seed
from passback_simulators.lti.app import LtiSimulator
from passback_simulators.reply import Reply
from support.people import people

JSON = (("content-type", "application/json"),)
ALGEBRA_COURSE = seed.SECTION_LMS_ID[ALGEBRA.digits]


@contextlib.contextmanager
def lti(
    family: str = "moodle",
    *,
    credentials: dict[str, str] | None = None,
    launched: bool = True,
    **options: Any,
) -> Iterator[Lms]:
    """An LMS of a family with the sandbox's people. Unless `launched`, nobody has opened the app there."""
    simulator = LtiSimulator(SetClock(), family=family)

    def delete(assignment: str) -> None:
        simulator.ui_delete_item(item(assignment))

    def unenroll(student: str) -> None:
        simulator.ui_unenroll(ALGEBRA_COURSE, student)

    capped = {"capped"} if simulator.profile.caps else set[str]()
    with simulated(
        simulator, KIND, people(seed, "999"), delete=delete, unenroll=unenroll, credentials=credentials,
        options=options, particular=frozenset(capped), collection=simulator.profile.items.rpartition("/")[2],
        grades_at="/scores$", refusals=(own_refusal(401), own_refusal(403)),
    ) as lms:  # fmt: skip
        for course, said in seed.contexts(family).items() if launched else ():
            lms.notes.kept[f"context/{course}"] = said
            if family not in ("moodle", "canvas"):
                # A course that has been deleted since; elsewhere its addresses follow from its number.
                deleted = json.dumps(said).replace(course, lms.nowhere)
                lms.notes.kept[f"context/{lms.nowhere}"] = json.loads(deleted)
        yield lms


def own_refusal(status: int) -> Reply:
    """A refusal as Moodle words it."""
    return Reply(status, json.dumps({"status": status, "reason": "no", "request": {}}).encode(), JSON)


def simulator(lms: Lms) -> LtiSimulator:
    assert isinstance(lms.served.simulator, LtiSimulator)
    return lms.served.simulator


def item(assignment: str) -> str:
    """The id that the LMS itself has for a line item."""
    number = [it for it in assignment.partition("?")[0].split("/") if it.isdecimal()][-1]
    assert number
    return number


def held(lms: Lms, assignment: str, student: str | None = None) -> dict[str, Any]:
    """What the gradebook holds of a student, of the first unless another is named."""
    return simulator(lms).ui_grade_shown(item(assignment), student or lms.students[0])
