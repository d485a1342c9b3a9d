"""When an LMS shows what a change asked for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from passback.domain.submission import Submission, SubmissionFields
from passback.lms.compare import has, keeps

GRADE: dict[str, Any] = {"grade": "7", "grade_points": Decimal(7)}


@pytest.mark.parametrize(
    ("state", "grade", "shown", "arrived"),
    [
        ("created", {"grade_points": Decimal(7)}, "returned", True),
        ("created", {}, "submitted", True),
        ("submitted", {"grade_points": Decimal(7)}, "returned", True),
        ("submitted", {}, "created", False),
        ("reclaimed", {"grade_points": Decimal(7)}, "returned", True),
        ("reclaimed", {}, "submitted", False),
        ("reclaimed", {}, "returned", False),
        ("returned", {"grade_points": Decimal(7)}, "submitted", False),
        ("returned", {"grade": ""}, "created", True),
        ("returned", {"flags": frozenset()}, "created", True),
        ("returned", {"grade_comment": "x"}, "created", False),
    ],
)
def test_a_grade_leads_on_from_the_state_that_it_was_sent_with(
    state: str, grade: dict[str, Any], shown: str, arrived: bool
) -> None:
    held = Submission("1", shown, (), grade_comment="x", **(GRADE if "grade_points" in grade else {}))
    assert keeps(SubmissionFields(state=state, **grade), held) == arrived


@pytest.mark.parametrize(
    ("sent", "shown", "same"),
    [("007.50", "7.5", True), ("85.0%", "85%", True), ("85", "85%", False), ("A-", "a-", True), ("7", "70", False)],
)  # fmt: skip
def test_a_grade_is_compared_by_its_number(sent: str, shown: str, same: bool) -> None:
    assert has(SubmissionFields(grade=sent), Submission("1", "returned", (), grade=shown)) == same
