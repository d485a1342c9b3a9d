"""The connector to Google Classroom: the draft grade that missing work gets by itself is no grade."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from passback.domain.assignment import AssignmentFields
from passback.domain.clock import DAY
from passback.domain.submission import SubmissionFields
from passback.lms.google_classroom import map_submissions
from passback.lms.google_classroom.map_assignments import from_lms
from passback.lms.interface import LmsError, RefusedByLms
from passback.testing.lms import Lms
from passback_simulators.google_classroom.handlers import submissions
from support.google import google, record, simulator
from support.sandbox import NOW


@pytest.fixture
def lms() -> Iterator[Lms]:
    with google() as served:
        yield served


@pytest.fixture
def drafts() -> Iterator[Lms]:
    """Where grades stay drafts until they are returned."""
    with google(publish_grades="no") as served:
        yield served


def overdue(lms: Lms, **changes: Any) -> str:
    assignment = lms.create(**changes).lms_id
    lms.clock.advance(days=8)
    return assignment


def in_classroom(lms: Lms, assignment: str) -> Any:
    """The draft grade that teachers see, and the one that the student sees."""
    work = record(lms, assignment)
    held = submissions.of(simulator(lms), work, lms.students[0])
    return submissions.draft_grade(simulator(lms), work, held), held["assigned"]


@pytest.mark.parametrize("default", [0, 40, -1])
def test_it_is_not_read_as_a_grade_and_the_work_stays_missing(lms: Lms, default: int) -> None:
    lms.set(missing_grade=default)
    assignment = overdue(lms)
    assert in_classroom(lms, assignment) == (None if default < 0 else default, None)
    held = lms.read(assignment)
    assert (held.flags, held.grade, held.grade_points, held.grader_id, held.state) == (
        ("missing",), None, None, None, "created",
    )  # fmt: skip
    everybody = lms.run(lms.connector.read_submissions(lms.section, assignment, lms.students))
    assert {(it.flags, it.grade_points) for it in everybody.values()} == {(("missing",), None)}


def test_work_that_a_teacher_marks_as_missing_is_missing(lms: Lms) -> None:
    assignment = lms.create().lms_id
    simulator(lms).ui_mark_missing(assignment, lms.students[0])
    held = lms.read(assignment)
    assert (held.flags, held.grade_points) == (("missing",), None)


def test_it_goes_away_with_the_draft_that_a_teacher_clears(lms: Lms) -> None:
    assignment = overdue(lms)
    simulator(lms).ui_grade(assignment, lms.students[0], None)
    assert (in_classroom(lms, assignment), lms.read(assignment).flags) == ((None, None), ("missing",))


def test_late_work_keeps_it_and_still_has_no_grade(lms: Lms) -> None:
    assignment = overdue(lms)
    simulator(lms).ui_turn_in(assignment, lms.students[0])
    held = lms.read(assignment)
    assert (held.state, held.flags, held.grade_points) == ("submitted", ("late",), None)
    returned = lms.grade(assignment, state="returned")
    assert (returned.state, returned.grade_points, in_classroom(lms, assignment)) == (
        "returned",
        None,
        (0, None),
    )


def test_it_is_never_returned_as_if_a_teacher_had_given_it(lms: Lms) -> None:
    assignment = overdue(lms)
    with pytest.raises(RefusedByLms, match="INVALID_STATE: Google Classroom returns work only with a grade"):
        lms.grade(assignment, state="returned")
    assert in_classroom(lms, assignment) == (0, None)


def test_there_is_no_grade_to_take_away(lms: Lms) -> None:
    assignment = overdue(lms)
    held = lms.grade(assignment, grade="")
    assert (held.flags, held.grade_points, in_classroom(lms, assignment)) == (("missing",), None, (0, None))


@pytest.mark.parametrize("points", [Decimal(0), Decimal(15)])
@pytest.mark.parametrize("state", [None, "returned"])
@pytest.mark.parametrize("publish", ["yes", "no"])
def test_a_grade_replaces_it(points: Decimal, state: str | None, publish: str) -> None:
    with google(publish_grades=publish) as lms:
        assignment = overdue(lms)
        held = lms.grade(assignment, grade_points=points, state=state, grader_id=lms.teacher)
        assert (held.grade_points, held.flags, held.grader_id) == (points, (), lms.teacher)
        assert lms.read(assignment) == held
        assert in_classroom(lms, assignment) == (points, points if state or publish == "yes" else None)
        returned = lms.grade(assignment, state="returned")
        assert (returned.grade_points, in_classroom(lms, assignment)) == (points, (points, points))


def test_a_grade_for_many_replaces_it(lms: Lms) -> None:
    assignment = overdue(lms)
    changes = [(student, SubmissionFields(grade_points=Decimal(0))) for student in lms.students]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert {(it.grade_points, it.flags) for it in outcomes if not isinstance(it, LmsError)} == {
        (Decimal(0), ())
    }


@pytest.mark.parametrize("points", [0, 12])
@pytest.mark.parametrize("before", [False, True])
def test_what_a_teacher_gives_in_classroom_is_a_grade(lms: Lms, points: int, before: bool) -> None:
    assignment = lms.create().lms_id if before else overdue(lms)
    simulator(lms).ui_grade(assignment, lms.students[0], points)
    lms.clock.advance(days=8)
    held = lms.read(assignment)
    assert (held.grade_points, held.flags) == (Decimal(points), ())
    returned = lms.grade(assignment, state="returned")
    assert returned.grade_points == points
    assert in_classroom(lms, assignment) == (points, points)


def test_what_a_teacher_returns_in_classroom_is_a_grade(lms: Lms) -> None:
    assignment = overdue(lms)
    simulator(lms).ui_return(assignment, lms.students[0])
    held = lms.read(assignment)
    assert (held.state, held.grade_points, held.flags) == ("returned", Decimal(0), ())


def test_a_zero_of_ours_is_a_grade_though_no_history_says_so(drafts: Lms) -> None:
    assignment = overdue(drafts)
    drafts.grade(assignment, grade_points=Decimal(0))
    (held,) = simulator(drafts).records.all("submissions")
    simulator(drafts).records.put("submissions", held["id"], held | {"history": []})
    assert drafts.read(assignment).grade_points == 0


def change(points: float | None, actor: str | None, kind: str = "DRAFT_GRADE_POINTS_EARNED_CHANGE") -> Any:
    entry = {"gradeChangeType": kind, "pointsEarned": points, "actorUserId": actor}
    return {"gradeHistory": {name: value for name, value in entry.items() if value is not None}}


TURNED_IN = {"stateHistory": {"state": "TURNED_IN", "actorUserId": "2"}}
ANSWERS: list[tuple[dict[str, Any], list[Any], int | None, tuple[str, ...]]] = [
    ({"draftGrade": 0}, [], None, ("missing",)),
    ({"draftGrade": 0}, [change(0, None)], None, ("missing",)),
    ({"draftGrade": 0}, [change(None, "9")], 0, ()),
    ({"draftGrade": 0}, [change(5, "9")], None, ("missing",)),
    ({"draftGrade": 0}, [change(None, "9"), change(None, None)], None, ("missing",)),
    ({"draftGrade": 0}, [change(None, "9", "MAX_POINTS_CHANGE")], None, ("missing",)),
    ({"draftGrade": 5}, [change(5, "9"), change(5, "9", "MAX_POINTS_CHANGE")], 5, ()),
    ({"draftGrade": 0, "assignedGrade": 0}, [], 0, ()),
    ({"draftGrade": 0, "assignedGrade": 7}, [], 7, ()),
    ({"draftGrade": 0, "state": "TURNED_IN", "late": True}, [TURNED_IN], None, ("late",)),
    ({}, [], None, ("missing",)),
]
"""What Google answers, its history, and the points and flags that this means."""


@pytest.mark.parametrize(("answer", "history", "points", "flags"), ANSWERS)
def test_the_history_tells_who_gave_a_draft_grade(
    answer: dict[str, Any], history: list[Any], points: int | None, flags: tuple[str, ...]
) -> None:
    work = {"id": "7", "maxPoints": 10, "dueDate": {"year": 2025, "month": 1, "day": 1}, "state": "PUBLISHED"}
    found = map_submissions.to_submission(
        {"id": "s", "state": "CREATED", "submissionHistory": history, **answer},
        "1",
        from_lms(work, None),
        None,
        NOW,
    )
    assert (found.grade_points, found.flags) == (points, flags)


def test_a_due_date_that_moves_on_takes_it_away(lms: Lms) -> None:
    assignment = overdue(lms)
    lms.run(
        lms.connector.update_assignment(lms.section, assignment, AssignmentFields(due_date=NOW + 30 * DAY))
    )
    held = lms.read(assignment)
    assert (held.flags, held.grade_points, in_classroom(lms, assignment)) == ((), None, (None, None))
