"""What every connector does alike. A new one gets all of this for being named in the fixture."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from lms_support import Lms
from passback.domain.assignment import Assignment, AssignmentFields, Attachment
from passback.domain.clock import DAY
from passback.domain.submission import SubmissionFields
from passback.lms.connector import Gone, Refused
from support import NOW

T = TypeVar("T")

ESSAY = AssignmentFields(
    title="Essay", description="<p>Two pages</p>", due_date=NOW + 7 * DAY, points_possible=Decimal(20)
)


def run(action: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(action)


def create(lms: Lms, **changes: Any) -> Assignment:
    return run(lms.connector.create_assignment(lms.section, replace(ESSAY, **changes)))


def gone(action: Coroutine[Any, Any, Any]) -> str:
    with pytest.raises(Gone) as caught:
        run(action)
    return caught.value.thing


def test_what_is_created_can_be_read(lms: Lms) -> None:
    created = create(lms)
    assert run(lms.connector.read_assignment(lms.section, created.lms_id)) == created


def test_what_was_asked_for_is_kept(lms: Lms) -> None:
    created = create(
        lms, display_date=NOW + DAY, end_date=NOW + 9 * DAY, max_attempts=3, submission_types=("text", "file")
    )
    assert (
        created.title, created.due_date, created.display_date, created.end_date, created.max_attempts,
        created.points_possible, set(created.submission_types), created.published,
    ) == ("Essay", NOW + 7 * DAY, NOW + DAY, NOW + 9 * DAY, 3, Decimal(20), {"text", "file"}, True)  # fmt: skip


def test_a_change_touches_only_what_is_given(lms: Lms) -> None:
    created = create(lms)
    changed = run(
        lms.connector.update_assignment(
            lms.section, created.lms_id, AssignmentFields(points_possible=Decimal(30))
        )
    )
    assert (changed.title, changed.due_date, changed.points_possible) == ("Essay", NOW + 7 * DAY, Decimal(30))


def test_several_are_read_at_once_without_those_that_are_gone(lms: Lms) -> None:
    kept, deleted = create(lms), create(lms)
    run(lms.connector.delete_assignment(lms.section, deleted.lms_id))
    found = run(lms.connector.read_assignments(lms.section, [deleted.lms_id, kept.lms_id]))
    assert found == {kept.lms_id: kept}


def test_a_deleted_assignment_is_gone_for_every_call(lms: Lms) -> None:
    assignment, student, connector = create(lms).lms_id, lms.students[0], lms.connector
    run(connector.delete_assignment(lms.section, assignment))
    assert {
        gone(connector.read_assignment(lms.section, assignment)),
        gone(connector.update_assignment(lms.section, assignment, AssignmentFields(title="x"))),
        gone(connector.delete_assignment(lms.section, assignment)),
        gone(connector.read_submissions(lms.section, assignment, [student])),
        gone(connector.update_submission(lms.section, assignment, student, SubmissionFields(grade="1"))),
    } == {"assignment"}


def test_every_student_has_a_submission_from_the_start(lms: Lms) -> None:
    found = run(lms.connector.read_submissions(lms.section, create(lms).lms_id, lms.students))
    assert {student: submission.state for student, submission in found.items()} == dict.fromkeys(
        lms.students, "created"
    )


def test_a_student_of_another_section_has_none(lms: Lms) -> None:
    assignment = create(lms).lms_id
    assert run(lms.connector.read_submissions(lms.section, assignment, [lms.other_student])) == {}
    change = lms.connector.update_submission(
        lms.section, assignment, lms.other_student, SubmissionFields(grade="1")
    )
    assert gone(change) == "student"


def test_only_the_assigned_have_one(lms: Lms) -> None:
    chosen = lms.students[1]
    assignment = create(lms, assignee_mode="individuals", assignee_ids=(chosen,))
    found = run(lms.connector.read_submissions(lms.section, assignment.lms_id, lms.students))
    assert (list(found), assignment.assignee_mode, assignment.assignee_ids) == (
        [chosen],
        "individuals",
        (chosen,),
    )


def test_a_grade_is_kept(lms: Lms) -> None:
    assignment, student = create(lms).lms_id, lms.students[0]
    fields = SubmissionFields(grade_points=Decimal("17.5"), grade_comment="Good", grader_id=lms.teacher)
    changed = run(lms.connector.update_submission(lms.section, assignment, student, fields))
    assert (changed.grade_points, changed.grade_comment, changed.grader_id) == (
        Decimal("17.5"),
        "Good",
        lms.teacher,
    )
    assert run(lms.connector.read_submissions(lms.section, assignment, [student])) == {student: changed}


def test_the_same_grade_again_changes_nothing(lms: Lms) -> None:
    assignment, student = create(lms).lms_id, lms.students[0]
    fields = SubmissionFields(grade_points=Decimal(17), grade_comment="Good")
    first = run(lms.connector.update_submission(lms.section, assignment, student, fields))
    assert run(lms.connector.update_submission(lms.section, assignment, student, fields)) == first


def test_extra_credit_is_taken(lms: Lms) -> None:
    assignment, student = create(lms).lms_id, lms.students[0]
    fields = SubmissionFields(grade_points=Decimal(25))
    assert run(
        lms.connector.update_submission(lms.section, assignment, student, fields)
    ).grade_points == Decimal(25)


def test_a_grader_of_another_section_is_unknown(lms: Lms) -> None:
    assignment, student = create(lms).lms_id, lms.students[0]
    fields = SubmissionFields(grade_points=Decimal(1), grader_id=lms.other_teacher)
    assert gone(lms.connector.update_submission(lms.section, assignment, student, fields)) == "grader"


def test_an_excused_student_is_flagged_until_unflagged(lms: Lms) -> None:
    assignment, student = create(lms).lms_id, lms.students[0]
    flags = [
        run(
            lms.connector.update_submission(lms.section, assignment, student, SubmissionFields(flags=given))
        ).flags
        for given in (frozenset({"excused"}), frozenset())
    ]
    assert flags == [("excused",), ()]


def test_a_due_date_of_ones_own_is_kept(lms: Lms) -> None:
    assignment, student = create(lms).lms_id, lms.students[0]
    fields = SubmissionFields(override_due_date=NOW + 14 * DAY)
    changed = run(lms.connector.update_submission(lms.section, assignment, student, fields))
    assert changed.override_due_date == NOW + 14 * DAY


def test_work_that_is_handed_in_is_kept(lms: Lms) -> None:
    assignment, student = create(lms, submission_types=("text",)).lms_id, lms.students[0]
    fields = SubmissionFields(state="submitted", attachments=(Attachment(type="text", text="My essay"),))
    changed = run(lms.connector.update_submission(lms.section, assignment, student, fields))
    assert (changed.state, [item.text for item in changed.attachments]) == ("submitted", ["My essay"])


def test_what_cannot_be_a_grade_is_refused_and_changes_nothing(lms: Lms) -> None:
    assignment, student = create(lms).lms_id, lms.students[0]
    before = run(lms.connector.read_submissions(lms.section, assignment, [student]))
    with pytest.raises(Refused, match="INVALID_GRADE"):
        run(lms.connector.update_submission(lms.section, assignment, student, SubmissionFields(grade="lots")))
    assert run(lms.connector.read_submissions(lms.section, assignment, [student])) == before


def test_many_are_graded_with_each_ones_outcome(lms: Lms) -> None:
    assignment, (first, second, *_) = create(lms).lms_id, lms.students
    changes = [
        (first, SubmissionFields(grade_points=Decimal(5), grade_comment="Good")),
        (lms.other_student, SubmissionFields(grade_points=Decimal(6))),
        (second, SubmissionFields(grade_points=Decimal(7))),
        (second, SubmissionFields(grade="lots")),
    ]
    outcomes = run(lms.connector.update_submissions(lms.section, assignment, changes))
    read = run(lms.connector.read_submissions(lms.section, assignment, [first, second]))
    assert [outcomes[0], outcomes[2]] == [read[first], read[second]]
    assert [type(outcomes[1]), type(outcomes[3])] == [Gone, Refused]
