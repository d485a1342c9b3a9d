"""The sandbox's people in a simulated LMS."""

from __future__ import annotations

from typing import Any

from passback.testing.lms import People
from passback_simulators.identities import ALGEBRA, BIOLOGY


def people(seed: Any, nowhere: str) -> People:
    """The sandbox's people, by the LMS's ids, which the module `seed` of its simulator knows."""
    return People(
        section=seed.SECTION_LMS_ID[ALGEBRA.digits],
        students=[seed.person_lms_id(digits) for digits in ALGEBRA.students],
        teacher=seed.person_lms_id(ALGEBRA.teacher),
        other_section=seed.SECTION_LMS_ID[BIOLOGY.digits],
        other_student=seed.person_lms_id(BIOLOGY.students[0]),
        other_teacher=seed.person_lms_id(BIOLOGY.teacher),
        nowhere=nowhere,
    )
