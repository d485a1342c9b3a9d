"""A teacher changes the points of an assignment that Passback has just graded: what it remembers is no reason for a grade."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from lms.conftest import LMSS
from passback.domain.submission import Submission, SubmissionFields
from passback.testing.lms import Lms
from passback_simulators.canvas.hand import Hand as CanvasHand
from passback_simulators.google_classroom.hand import Hand as ClassroomHand
from passback_simulators.hands import Edit
from passback_simulators.lti.hand import Hand as LtiHand
from passback_simulators.moodle.hand import Hand as MoodleHand
from passback_simulators.schoology.hand import Hand as SchoologyHand

HANDS: dict[str, Callable[[Any], Any]] = {
    "canvas": CanvasHand,
    "schoology": SchoologyHand,
    "google": ClassroomHand,
    "lti": LtiHand,
    "moodle": MoodleHand,
}


@pytest.fixture(params=HANDS)
def taught(request: pytest.FixtureRequest) -> Iterator[tuple[Lms, Any]]:
    """An LMS, and its teacher's hand."""
    with LMSS[request.param]() as lms:
        yield lms, HANDS[request.param](lms.served.simulator)


@pytest.mark.parametrize("kind", ["percent", "pass_fail"])
@pytest.mark.parametrize("points", [10, 40])
def test_a_share_is_taken_of_the_points_that_there_are_now(
    taught: tuple[Lms, Any], kind: str, points: int
) -> None:
    lms, hand = taught
    words, worth = {"percent": ("50%", Decimal(points) / 2), "pass_fail": ("pass", Decimal(points))}[kind]
    assignment = lms.create(grading_type=kind).lms_id
    lms.grade(assignment, grade=words)  # what grading needs is known from here on
    hand.edit(lms.section, assignment, Edit(points_possible=float(points)))
    alone = lms.grade(assignment, lms.students[1], grade=words)
    hand.edit(lms.section, assignment, Edit(points_possible=float(points * 2)))
    many = lms.run(
        lms.connector.update_submissions(
            lms.section, assignment, [(it, SubmissionFields(grade=words)) for it in lms.students[2:]]
        )
    )
    assert (alone.grade, alone.grade_points, alone.warnings) == (words, worth, ())
    assert {(it.grade, it.grade_points) for it in many if isinstance(it, Submission)} == {(words, worth * 2)}
    for student in lms.students[2:]:
        assert hand.gradebook(lms.section).cells[student, assignment].points == worth * 2


def test_points_below_a_new_maximum_are_taken(taught: tuple[Lms, Any]) -> None:
    lms, hand = taught
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(20))
    hand.edit(lms.section, assignment, Edit(points_possible=40.0))
    assert lms.grade(assignment, lms.students[1], grade_points=Decimal(30)).grade_points == 30
