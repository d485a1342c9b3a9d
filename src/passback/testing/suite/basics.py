"""What holds of every connector, whatever is behind it."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal
from typing import Any, get_args

import pytest
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.assignment import Assignment, AssignmentFields, Attachment, GradingType
from passback.domain.clock import DAY, HOUR, MINUTE
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.interface import Gone, LmsError, RefusedByLms, Unsupported, submission_or_error
from passback.testing.clock import NOW
from passback.testing.lms import LINK, TEXT, Lms, MemoryNotes
from passback.testing.suite.checks import gone, read, refused_as_unsupported

FIELDS: dict[str, Any] = {
    "title": "Essay", "description": "<p>Two pages</p>", "description_plaintext": "One page",
    "due_date": NOW + 7 * DAY, "start_date": NOW + HOUR, "display_date": NOW + DAY, "end_date": NOW + 9 * DAY,
    "grading_type": "percent", "max_attempts": 3, "submission_types": ("text",), "attachments": (LINK,),
    "term_id": "4fee004cca2e43cf27000009",
}  # fmt: skip

CHANGES: dict[str, SubmissionFields] = {
    "points": SubmissionFields(grade_points=Decimal("17.5")),
    "words": SubmissionFields(grade="12"),
    "no grade": SubmissionFields(grade=""),
    "no number": SubmissionFields(grade="lots"),
    "more points": SubmissionFields(grade_points=Decimal(25)),
    "a comment": SubmissionFields(grade_points=Decimal(3), grade_comment="Good"),
    "an excuse": SubmissionFields(flags=frozenset({"excused"})),
    "a due date": SubmissionFields(override_due_date=NOW + 14 * DAY),
    "a grader from nowhere": SubmissionFields(grade_points=Decimal(1), grader_id="999999999"),
}


ANOTHER: dict[str, Any] = {
    "title": "Second essay", "description": "<p>Three pages</p>", "due_date": NOW + 8 * DAY,
    "points_possible": Decimal(30),
}  # fmt: skip
"""Another value for each field of `ESSAY`."""


def _given(it: Assignment) -> Assignment:
    """An assignment without what follows from the rest."""
    return replace(it, last_modified=None, description_plaintext=None)


def shown(outcome: Submission | LmsError) -> tuple[object, ...]:
    """What a client would see of a change."""
    if isinstance(outcome, LmsError):
        return type(outcome), str(outcome)
    return (
        outcome.grade_points,
        outcome.grade,
        outcome.grade_comment,
        outcome.flags,
        outcome.override_due_date,
    )


class Basics:
    """What every connector does alike. Needs nothing but an LMS."""

    def test_what_is_created_can_be_read(self, lms: Lms) -> None:
        created = lms.create()
        assert lms.run(lms.connector.read_assignment(lms.section, created.lms_id)) == created

    def test_what_was_asked_for_is_kept(self, lms: Lms) -> None:
        into_the_day = 13 * HOUR + 37 * MINUTE
        shown, due, end = (NOW + days * DAY + into_the_day for days in (1, 7, 9))
        created = lms.create(
            due_date=due, display_date=shown, end_date=end, max_attempts=3, submission_types=("text", "file")
        )
        assert (
            created.title, created.due_date, created.display_date, created.end_date, created.max_attempts,
            created.points_possible, set(created.submission_types), created.published,
        ) == ("Essay", due, shown, end, 3, Decimal(20), {"text", "file"}, True)  # fmt: skip
        assert lms.assignment(created.lms_id) == created

    @pytest.mark.parametrize("name", ANOTHER)
    def test_a_change_touches_only_what_is_given(self, lms: Lms, name: str) -> None:
        created, given = lms.create(), {name: ANOTHER[name]}
        if name in lms.unsupported:
            with pytest.raises(RefusedByLms, match="INVALID_POINTS"):
                lms.change(created.lms_id, **given)
            assert lms.assignment(created.lms_id) == created
            return
        changed = lms.change(created.lms_id, **given)
        assert _given(changed) == _given(replace(created, **given))
        assert lms.assignment(created.lms_id) == changed

    def test_several_are_read_at_once_without_others_and_those_that_are_gone(self, lms: Lms) -> None:
        kept, deleted, _ = lms.create(), lms.create(), lms.create()
        lms.run(lms.connector.delete_assignment(lms.section, deleted.lms_id))
        found = lms.run(lms.connector.read_assignments(lms.section, [deleted.lms_id, kept.lms_id]))
        assert found == {kept.lms_id: kept}

    def test_a_deleted_assignment_is_gone_for_every_call(self, lms: Lms) -> None:
        assignment, student, connector = lms.create().lms_id, lms.students[0], lms.connector
        lms.run(connector.delete_assignment(lms.section, assignment))
        assert {
            gone(lms, connector.read_assignment(lms.section, assignment)),
            gone(lms, connector.update_assignment(lms.section, assignment, AssignmentFields(title="x"))),
            gone(lms, connector.delete_assignment(lms.section, assignment)),
            gone(lms, connector.read_submissions(lms.section, assignment, [student])),
            gone(
                lms,
                connector.update_submission(lms.section, assignment, student, SubmissionFields(grade="1")),
            ),
        } == {"assignment"}

    def test_every_student_has_a_submission_from_the_start(self, lms: Lms) -> None:
        found = lms.run(lms.connector.read_submissions(lms.section, lms.create().lms_id, lms.students))
        assert {student: submission.state for student, submission in found.items()} == dict.fromkeys(
            lms.students, "created"
        )

    def test_a_student_of_another_section_has_none(self, lms: Lms) -> None:
        assignment = lms.create().lms_id
        assert lms.run(lms.connector.read_submissions(lms.section, assignment, [lms.other_student])) == {}
        change = lms.connector.update_submission(
            lms.section, assignment, lms.other_student, SubmissionFields(grade="1")
        )
        assert gone(lms, change) == "student"

    def test_only_the_assigned_have_one(self, lms: Lms) -> None:
        chosen = lms.students[1]
        if "individual_assignees" in lms.unsupported:
            with pytest.raises(Unsupported):
                lms.create(assignee_mode="individuals", assignee_ids=(chosen,))
            return
        assignment = lms.create(assignee_mode="individuals", assignee_ids=(chosen,))
        found = lms.run(lms.connector.read_submissions(lms.section, assignment.lms_id, lms.students))
        assert (list(found), assignment.assignee_mode, assignment.assignee_ids) == (
            [chosen],
            "individuals",
            (chosen,),
        )
        change = SubmissionFields(grade_points=Decimal(3))
        for student, thing in ((chosen, None), (lms.students[0], "student")):
            alone = lms.connector.update_submission(lms.section, assignment.lms_id, student, change)
            outcome = lms.run(submission_or_error(alone))
            assert getattr(outcome, "thing", None) == thing
        assert lms.read(assignment.lms_id, chosen).grade_points == 3

    def test_a_grade_is_kept(self, lms: Lms) -> None:
        assignment, student = lms.create().lms_id, lms.students[0]
        changed = lms.grade(assignment, student, grade_points=Decimal("17.5"), grader_id=lms.teacher)
        assert (changed.grade_points, changed.grade, changed.grader_id) == (
            Decimal("17.5"),
            "17.5",
            lms.teacher,
        )
        assert read(lms, assignment, student) == changed

    def test_the_same_grade_again_changes_nothing(self, lms: Lms) -> None:
        assignment, student = lms.create().lms_id, lms.students[0]
        fields = SubmissionFields(grade_points=Decimal(17))
        first = lms.run(lms.connector.update_submission(lms.section, assignment, student, fields))
        assert lms.run(lms.connector.update_submission(lms.section, assignment, student, fields)) == first

    @pytest.mark.parametrize(
        ("kind", "words", "points"),
        [
            ("percent", "85%", 17),
            ("pass_fail", "pass", 20),
            ("pass_fail", "fail", 0),
            ("points", "7.5", Decimal("7.5")),
        ],
    )
    def test_a_grade_in_words_is_kept(self, lms: Lms, kind: str, words: str, points: Decimal) -> None:
        assignment = lms.create(grading_type=kind).lms_id
        changed = lms.grade(assignment, grade=words)
        assert (changed.grade_points, changed.grade) == (points, words)

    def test_extra_credit_is_taken(self, lms: Lms) -> None:
        assignment, student = lms.create().lms_id, lms.students[0]
        if "points_above_maximum" in lms.unsupported:
            with pytest.raises(RefusedByLms, match="INVALID_GRADE"):
                lms.grade(assignment, student, grade_points=Decimal(25))
            assert lms.read(assignment).grade_points is None
            return
        kept = Decimal(20) if "capped" in lms.particular else Decimal(25)
        assert lms.grade(assignment, student, grade_points=Decimal(25)).grade_points == kept

    def test_a_grader_of_another_section_is_unknown(self, lms: Lms) -> None:
        assignment, student = lms.create().lms_id, lms.students[0]
        fields = SubmissionFields(grade_points=Decimal(1), grader_id=lms.other_teacher)
        assert (
            gone(lms, lms.connector.update_submission(lms.section, assignment, student, fields)) == "grader"
        )
        assert lms.read(assignment).grade_points is None

    def test_a_change_of_one_field_keeps_the_others(self, lms: Lms) -> None:
        of, assignment = lms.unsupported, lms.create(max_attempts=1, submission_types=("text",)).lms_id
        given: dict[str, Any] = {
            "grade_points": Decimal(3), "grade_comment": "Good", "extra_attempts": 2, "override_due_date": NOW + 14 * DAY
        }  # fmt: skip
        other: dict[str, Any] = {
            "grade_points": Decimal(4), "grade_comment": "Better", "extra_attempts": 1, "override_due_date": NOW + 15 * DAY
        }  # fmt: skip
        given = {name: value for name, value in given.items() if name not in of}
        lms.grade(assignment, **given)
        for name in given:
            given[name] = other[name]
            lms.grade(assignment, **{name: other[name]})
            seen = lms.read(assignment)
            assert {it: getattr(seen, it) for it in given} == given

    @pytest.mark.parametrize("state", ["submitted", "returned"])
    def test_a_state_is_reached_or_refused(self, lms: Lms, state: str) -> None:
        assignment = lms.create(submission_types=("text",)).lms_id
        before = lms.read(assignment)
        change = SubmissionFields(state=state)
        made = lms.connector.update_submission(lms.section, assignment, lms.students[0], change)
        outcome = lms.run(submission_or_error(made))
        if isinstance(outcome, LmsError):
            assert isinstance(outcome, RefusedByLms | Unsupported)
            assert lms.read(assignment) == before
        else:
            assert (outcome.state, lms.read(assignment).state) == (state, state)

    def test_an_excused_student_is_flagged_until_unflagged(self, lms: Lms) -> None:
        assignment, student = lms.create().lms_id, lms.students[0]
        if refused_as_unsupported(lms, "excused", assignment, student, flags=frozenset({"excused"})):
            return
        flags = [
            lms.grade(assignment, student, flags=given).flags
            for given in (frozenset({"excused"}), frozenset())
        ]
        assert flags == [("excused",), ()]

    def test_a_comment_is_kept(self, lms: Lms) -> None:
        assignment, student = lms.create().lms_id, lms.students[0]
        fields: dict[str, Any] = {"grade_points": Decimal(3), "grade_comment": "Good"}
        if refused_as_unsupported(lms, "grade_comment", assignment, student, **fields):
            return
        assert lms.grade(assignment, student, **fields).grade_comment == "Good"

    def test_the_same_words_said_later_are_a_comment_of_their_own(self, lms: Lms) -> None:
        if not lms.connector.capabilities.comments:
            return
        assignment, said = lms.create().lms_id, ["Good", "Better", "Good"]
        for words in said:
            lms.grade(assignment, grade_points=Decimal(3), grade_comment=words, comment_marks=(str(uuid7()),))
            lms.clock.advance(hours=1)
        assert lms.all_comments(assignment) == (
            said if lms.connector.capabilities.adds_comments else said[-1:]
        )

    def test_a_due_date_of_ones_own_is_kept(self, lms: Lms) -> None:
        assignment, student, later = lms.create().lms_id, lms.students[0], NOW + 14 * DAY
        if refused_as_unsupported(lms, "override_due_date", assignment, student, override_due_date=later):
            return
        changed = lms.grade(assignment, student, override_due_date=later)
        assert (changed.override_due_date, read(lms, assignment, student)) == (later, changed)

    def test_more_attempts_are_kept(self, lms: Lms) -> None:
        assignment, student = lms.create(max_attempts=1, submission_types=("text",)).lms_id, lms.students[0]
        if refused_as_unsupported(lms, "extra_attempts", assignment, student, extra_attempts=2):
            return
        assert lms.grade(assignment, student, extra_attempts=2).extra_attempts == 2

    @pytest.mark.parametrize(
        "work",
        [TEXT, LINK],
    )
    def test_work_that_is_handed_in_is_kept(self, lms: Lms, work: Attachment) -> None:
        assignment, student = lms.create(submission_types=(work.type,)).lms_id, lms.students[0]
        if refused_as_unsupported(
            lms, work.type, assignment, student, state="submitted", attachments=(work,)
        ):
            return
        changed = lms.grade(assignment, student, state="submitted", attachments=(work,))
        assert (changed.state, [(item.type, item.text, item.url) for item in changed.attachments]) == (
            "submitted",
            [(work.type, work.text, work.url)],
        )

    def test_a_file_is_refused_if_it_cannot_be_handed_in(self, lms: Lms) -> None:
        assignment, student = lms.create(submission_types=("file",)).lms_id, lms.students[0]
        file = Attachment(type="file", url="https://app.example/work.pdf", title="work.pdf")
        refused_as_unsupported(lms, "file", assignment, student, state="submitted", attachments=(file,))

    @pytest.mark.parametrize("kind", get_args(GradingType))
    def test_the_grading_types_that_it_says_are_taken(self, lms: Lms, kind: str) -> None:
        if kind in lms.connector.capabilities.grading_types:
            assert lms.create(grading_type=kind).grading_type == kind
        else:
            with pytest.raises(Unsupported):
                lms.create(grading_type=kind)

    @pytest.mark.parametrize("flag", ["late", "missing"])
    def test_the_flags_that_it_says_can_be_set(self, lms: Lms, flag: str) -> None:
        assignment = lms.create().lms_id
        flags = lms.grade(assignment, flags=frozenset({flag})).flags
        assert (flag in flags) == (flag not in lms.connector.capabilities.not_stored_flags)

    def test_a_field_is_in_the_lms_or_kept_or_ignored_as_it_says(self, lms: Lms) -> None:
        of = lms.connector.capabilities
        with_notes = lms.create(**FIELDS)
        if lms.kind is None:
            without_notes = lms.assignment(with_notes.lms_id)
        else:
            assert lms.connection is not None
            opened = lms.kind.open(lms.connection, MemoryNotes(), lms.clock)
            without_notes = lms.run(opened.read_assignment(lms.section, with_notes.lms_id))
            lms.run(opened.close())
        given_back = {name for name in FIELDS if getattr(with_notes, name, None) == FIELDS[name]}
        in_lms = {name for name in FIELDS if getattr(without_notes, name, None) == FIELDS[name]}
        assert set(FIELDS) - given_back == of.ignored_assignment
        assert given_back - in_lms - lms.coarse == of.not_stored_assignment & set(FIELDS)

    def test_what_cannot_be_a_grade_is_refused_and_changes_nothing(self, lms: Lms) -> None:
        assignment, student = lms.create().lms_id, lms.students[0]
        before = lms.run(lms.connector.read_submissions(lms.section, assignment, [student]))
        with pytest.raises(RefusedByLms, match="INVALID_GRADE"):
            lms.run(
                lms.connector.update_submission(
                    lms.section, assignment, student, SubmissionFields(grade="lots")
                )
            )
        assert lms.run(lms.connector.read_submissions(lms.section, assignment, [student])) == before

    def test_many_are_graded_with_each_ones_outcome(self, lms: Lms) -> None:
        assignment, (first, second, *_) = lms.create().lms_id, lms.students
        changes = [
            (first, SubmissionFields(grade_points=Decimal(5))),
            (lms.other_student, SubmissionFields(grade_points=Decimal(6))),
            (second, SubmissionFields(grade_points=Decimal(7))),
            (second, SubmissionFields(grade="lots")),
        ]
        outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
        read = lms.run(lms.connector.read_submissions(lms.section, assignment, [first, second]))
        assert [outcomes[0], outcomes[2]] == [read[first], read[second]]
        assert [type(outcomes[1]), type(outcomes[3])] == [Gone, RefusedByLms]

    def test_of_several_changes_of_one_student_the_last_counts(self, lms: Lms) -> None:
        assignment, (first, second, *_) = lms.create().lms_id, lms.students
        changes = [
            (it, SubmissionFields(grade_points=Decimal(n))) for n in range(1, 5) for it in (first, second)
        ]
        lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
        assert [lms.read(assignment, it).grade_points for it in (first, second)] == [4, 4]

    def test_calls_at_the_same_time_do_not_mix(self, lms: Lms) -> None:
        assignments = [lms.create(title=title).lms_id for title in ("One", "Two")]
        places = [(assignment, student) for assignment in assignments for student in lms.students[:3]]
        given = {place: Decimal(points) for points, place in enumerate(places, 1)}

        async def grade_all() -> list[Submission]:
            change, section = lms.connector.update_submission, lms.section
            return await asyncio.gather(
                *(change(section, *place, SubmissionFields(grade_points=it)) for place, it in given.items())
            )

        assert [it.grade_points for it in lms.run(grade_all())] == [*given.values()]
        assert {place: lms.read(*place).grade_points for place in places} == given

    @pytest.mark.parametrize("name", CHANGES)
    def test_a_change_among_many_is_judged_as_if_it_came_alone(self, lms: Lms, name: str) -> None:
        change, (first, second, *_) = CHANGES[name], lms.students
        alone, together = lms.create(title="Alone").lms_id, lms.create(title="Together").lms_id
        one = lms.connector.update_submission(lms.section, alone, first, change)
        many = lms.connector.update_submissions(lms.section, together, [(first, change), (second, change)])
        outcome = shown(lms.run(submission_or_error(one)))
        assert [shown(it) for it in lms.run(many)] == [outcome, outcome]

    def test_an_assignment_that_a_teacher_deleted_is_gone(self, lms: Lms) -> None:
        assignment = lms.create().lms_id
        lms.delete(assignment)
        assert gone(lms, lms.connector.read_assignment(lms.section, assignment)) == "assignment"

    def test_a_student_who_has_left_has_no_submission(self, lms: Lms) -> None:
        assignment, student = lms.create().lms_id, lms.students[0]
        lms.unenroll(student)
        assert read(lms, assignment, student) is None
        change = lms.connector.update_submission(
            lms.section, assignment, student, SubmissionFields(grade_points=Decimal(1))
        )
        assert gone(lms, change) == "student"

    def test_among_many_only_who_left_the_section_is_gone(self, lms: Lms) -> None:
        assignment = lms.create().lms_id
        lms.grade(assignment, lms.students[1], grade_points=Decimal(1))
        lms.unenroll(lms.students[0])
        changes = [(student, SubmissionFields(grade_points=Decimal(4))) for student in lms.students[:6]]
        gone, *others = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
        assert isinstance(gone, Gone)
        assert gone.thing == "student"
        assert [getattr(other, "grade_points", other) for other in others] == [4] * len(others)

    def test_a_grader_whom_the_lms_does_not_know_is_unknown(self, lms: Lms) -> None:
        assignment, student = lms.create().lms_id, lms.students[0]
        fields = SubmissionFields(grade_points=Decimal(1), grader_id="999999999")
        assert (
            gone(lms, lms.connector.update_submission(lms.section, assignment, student, fields)) == "grader"
        )

    @pytest.mark.parametrize("field", ["display_date", "end_date", "due_date"])
    @pytest.mark.parametrize("date", [-62_167_219_200_000, 253_402_318_799_000])
    def test_dates_that_no_calendar_has_are_no_fault_of_ours(self, lms: Lms, field: str, date: int) -> None:
        with contextlib.suppress(RefusedByLms):  # or it is kept
            changes: dict[str, Any] = {field: date}
            lms.create(**changes)

    def test_a_good_connection_is_found_good(self, lms: Lms) -> None:
        findings = lms.run(lms.connector.check())
        assert findings
        assert [finding for finding in findings if not finding.good] == []
