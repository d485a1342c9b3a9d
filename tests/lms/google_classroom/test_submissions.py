"""The connector to Google Classroom: grades and work."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from passback.domain.assignment import Attachment
from passback.domain.clock import DAY
from passback.domain.submission import SubmissionFields
from passback.lms.google_classroom.credentials import TEACHER_SCOPES
from passback.lms.interface import Gone, LmsError, RefusedByLms, Unsupported
from passback.testing.lms import LINK, Lms
from passback_simulators.google_classroom import seed
from support.google import google, simulator
from support.sandbox import NOW


@pytest.fixture
def lms() -> Iterator[Lms]:
    with google() as served:
        yield served


# Grades.


def test_a_better_grade_is_returned_again() -> None:
    with google(publish_grades="no") as lms:
        assignment = lms.create().lms_id
        lms.grade(assignment, grade_points=Decimal(8), state="returned")
        regraded = lms.grade(assignment, grade_points=Decimal(15))
        lms.grade(assignment, state="returned")
        (submission,) = simulator(lms).records.all("submissions")
        assert (regraded.grade_points, submission["assigned"]) == (Decimal(15), 15)


def test_a_student_as_whom_we_may_not_act_breaks_nothing(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.set(delegated_scopes=list(TEACHER_SCOPES))
    with pytest.raises(RefusedByLms, match="STUDENT_NOT_SIGNED_IN"):
        lms.grade(assignment, state="submitted", attachments=(LINK,))


def test_points_come_back_exactly_though_google_keeps_two_decimals(lms: Lms) -> None:
    assignment = lms.create().lms_id
    assert lms.grade(assignment, grade_points=Decimal("12.345")).grade_points == Decimal("12.345")
    assert lms.read(assignment).grade_points == Decimal("12.345")
    simulator(lms).ui_grade(assignment, lms.students[0], 3)
    simulator(lms).ui_return(assignment, lms.students[0])
    assert lms.read(assignment).grade_points == 3


def test_more_points_than_classroom_takes_are_refused(lms: Lms) -> None:
    assignment = lms.create().lms_id
    with pytest.raises(RefusedByLms, match="INVALID_GRADE"):
        lms.grade(assignment, grade_points=Decimal("3e38"))


def test_a_grade_is_taken_away(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(5))
    taken = lms.grade(assignment, grade="")
    assert (taken.grade_points, taken.grade, taken.state) == (None, None, "created")


def test_a_grade_is_given_as_the_teacher_who_is_named(lms: Lms) -> None:
    co_teacher = seed.person_lms_id(seed.CO_TEACHER)
    created = lms.create(lms.other_section)
    change = SubmissionFields(grade_points=Decimal(5), grader_id=co_teacher)
    update = lms.connector.update_submission(lms.other_section, created.lms_id, lms.other_student, change)
    assert lms.run(update).grader_id == co_teacher


def test_grades_may_stay_drafts_until_they_are_returned() -> None:
    with google(publish_grades="no") as lms:
        assignment = lms.create().lms_id
        assert lms.grade(assignment, grade_points=Decimal(5)).state == "created"
        returned = lms.grade(assignment, state="returned")
        assert (returned.state, returned.grade_points) == ("returned", Decimal(5))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"flags": frozenset({"excused"})}, "^Google Classroom does not support flag of excused$"),
        ({"grade_comment": "Good"}, "^Google Classroom does not support grade_comment$"),
        ({"override_due_date": NOW + DAY}, "^Google Classroom does not support override_due_date$"),
        ({"extra_attempts": 1}, "^Google Classroom does not support extra_attempts$"),
        ({"state": "submitted", "attachments": (Attachment("text", text="x"),)}, "submission type of text$"),
    ],
)
def test_what_cannot_be_done_to_a_submission_changes_nothing(
    lms: Lms, fields: dict[str, Any], words: str
) -> None:
    assignment = lms.create().lms_id
    with pytest.raises(Unsupported, match=words):
        lms.grade(assignment, grade_points=Decimal(5), **fields)
    assert lms.read(assignment).grade_points is None


def test_what_asks_for_nothing_is_no_refusal(lms: Lms) -> None:
    assignment = lms.create().lms_id
    changed = lms.grade(
        assignment, grade_points=Decimal(5), grade_comment="", extra_attempts=0, flags=frozenset()
    )
    assert changed.grade_points == 5


def test_a_plain_grade_costs_one_call(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    lms.calls()
    lms.grade(assignment, grade_points=Decimal(2))
    assert len(lms.calls()) == 1


def test_many_grades_cost_one_call_each_and_one_list(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    lms.calls()
    changes = [(student, SubmissionFields(grade_points=Decimal(5))) for student in lms.students]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert ({it.grade_points for it in outcomes if not isinstance(it, LmsError)}, len(lms.calls())) == (
        {Decimal(5)},
        31,
    )


def test_an_invited_student_has_no_submission(lms: Lms) -> None:
    assignment = lms.create().lms_id
    with pytest.raises(Gone, match="student"):
        lms.grade(assignment, seed.person_lms_id(seed.INVITED_STUDENT), grade_points=Decimal(1))


@pytest.mark.parametrize("student", ["999", "115200000000000009999"])
def test_a_student_whom_google_does_not_know_is_gone(lms: Lms, student: str) -> None:
    assignment = lms.create().lms_id
    with pytest.raises(Gone, match="student"):
        lms.grade(assignment, student, grade_points=Decimal(1))


def test_an_assignment_that_is_deleted_between_two_grades(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    lms.delete(assignment)
    with pytest.raises(Gone, match="assignment"):
        lms.grade(assignment, grade_points=Decimal(2))


# Work.


def test_work_goes_its_way(lms: Lms) -> None:
    assignment = lms.create().lms_id
    states = [
        lms.grade(assignment, state="submitted", attachments=(LINK,)).state,
        lms.grade(assignment, grade_points=Decimal(3)).state,
        lms.grade(assignment, state="returned").state,
        lms.grade(assignment, state="submitted").state,
        lms.grade(assignment, state="reclaimed").state,
        lms.grade(assignment, state="submitted", attachments=(LINK,)).state,
    ]
    assert states == ["submitted", "submitted", "returned", "submitted", "reclaimed", "submitted"]
    assert [it.url for it in lms.read(assignment).attachments] == [LINK.url]


@pytest.mark.parametrize("action", ["modifyAttachments", "turnIn"])
@pytest.mark.parametrize("fault", ["error-after", "timeout-after", "dropped-after", "malformed"])
def test_work_is_never_handed_in_twice(lms: Lms, fault: str, action: str) -> None:
    assignment = lms.create().lms_id
    lms.served.fail(fault, method="POST", path=f":{action}$")
    changed = lms.grade(assignment, state="submitted", attachments=(LINK,))
    assert (changed.state, [it.url for it in changed.attachments]) == ("submitted", [LINK.url])


def test_states_that_cannot_be_reached(lms: Lms) -> None:
    assignment = lms.create().lms_id
    with pytest.raises(RefusedByLms, match="INVALID_STATE: Google Classroom returns work only with a grade"):
        lms.grade(assignment, state="returned")
    with pytest.raises(RefusedByLms, match="INVALID_STATE: a submission cannot go from created to reclaimed"):
        lms.grade(assignment, state="reclaimed")


def test_students_have_a_submission_before_they_have_the_assignment(lms: Lms) -> None:
    first, second = lms.students[:2]
    scheduled = lms.create(display_date=NOW + DAY, assignee_mode="individuals", assignee_ids=(first,)).lms_id
    found = lms.run(lms.connector.read_submissions(lms.section, scheduled, [first, second]))
    assert [(it.student_id, it.state) for it in found.values()] == [(first, "created")]
    with pytest.raises(RefusedByLms, match="NOT_PUBLISHED: students cannot see the assignment yet"):
        lms.grade(scheduled, state="submitted", attachments=(LINK,))
    with pytest.raises(Gone, match="student"):
        lms.grade(scheduled, second, grade_points=Decimal(1))


def test_late_work_and_missing_work(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.clock.advance(days=8)
    assert lms.read(assignment).flags == ("missing",)
    simulator(lms).ui_turn_in(assignment, lms.students[0])
    assert lms.read(assignment).flags == ("late",)
