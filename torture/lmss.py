"""The simulated LMSs that torture works on, and what is in each in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from passback.domain.clock import system_clock
from passback_simulators.canvas.app import CanvasSimulator
from passback_simulators.canvas.seed import person_lms_id as canvas_person
from passback_simulators.identities import (
    ALGEBRA,
    CANVAS_UNIFIED,
    LAUNCH_UNIFIED,
    MOODLE_UNIFIED,
    SandboxDistrict,
)
from passback_simulators.lti import seed as lti_seed
from passback_simulators.lti.app import LtiSimulator
from passback_simulators.moodle import seed as moodle_seed
from passback_simulators.moodle.app import MoodleSimulator
from passback_simulators.simulator import Simulator

Grade = tuple[str, float | None, str | None]
"""The LMS's id of a student, and what the gradebook has of them."""


@dataclass(frozen=True)
class Tortured:
    """An LMS, and the sandbox's district in it."""

    district: SandboxDistrict
    make: Callable[[], Simulator]
    person: Callable[[str], str]
    """The LMS's id of a person, by the digits."""
    grades: Callable[[Any], Iterator[tuple[str, list[Grade]]]] | None = None
    """The assignments of a simulator by title, and their grades; None if they are read over its API."""
    points: int = 100_000
    """How many points an assignment has."""
    notes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the connector knows of it, such as from launches."""
    replaces: bool = True
    """Whether a comment replaces the one before."""
    apart: float = 2.0
    """How many seconds kills are apart at most."""

    @property
    def section(self) -> str:
        """Our id of the section."""
        return self.district.id(ALGEBRA.digits)

    @property
    def students(self) -> list[str]:
        """Our ids of its students."""
        return [self.district.id(digits) for digits in ALGEBRA.students]

    @property
    def assignments(self) -> str:
        """The path of its assignments."""
        return f"/v3.1/sections/{self.section}/assignments"

    @property
    def ours(self) -> dict[str, str]:
        """Our ids of its students, by the LMS's."""
        return {self.person(digits): self.district.id(digits) for digits in ALGEBRA.students}


def _of_lti(lms: LtiSimulator) -> Iterator[tuple[str, list[Grade]]]:
    for item in lms.records.all("items"):
        if item["client"] == lti_seed.CLIENT_ID:
            scores = [it for it in lms.records.all("scores") if it["item"] == item["id"]]
            yield item["label"], [(it["user"], it["points"], it["comment"]) for it in scores]


def _of_moodle(lms: MoodleSimulator) -> Iterator[tuple[str, list[Grade]]]:
    for assign in lms.assigns_of(int(moodle_seed.SECTION_LMS_ID[ALGEBRA.digits])):
        if assign["name"].startswith(moodle_seed.TEMPLATE):
            continue  # copies that nobody has named are left by a create that died
        item = lms.item_of(assign["id"])
        found = [it for it in lms.records.all("item_grades") if item is not None and it["item"] == item["id"]]
        yield assign["name"], [(str(it["user"]), it["grade"], it["feedback"] or None) for it in found]


CANVAS = Tortured(CANVAS_UNIFIED, lambda: CanvasSimulator(system_clock), canvas_person, replaces=False)
LTI = Tortured(
    LAUNCH_UNIFIED,
    lambda: LtiSimulator(system_clock, family="moodle"),
    lti_seed.person_lms_id,
    _of_lti,
    notes={f"context/{course}": told for course, told in lti_seed.contexts("moodle").items()},
    # Each process gets a token first. So many creates die before they are sent, and are then looked for, 3.5 seconds.
    apart=6.0,
)
MOODLE = Tortured(
    MOODLE_UNIFIED, lambda: MoodleSimulator(system_clock), moodle_seed.person_lms_id, _of_moodle, points=100
)
