"""What every connector does alike. A new one gets all of this for being named in the fixture."""

from __future__ import annotations

import contextlib
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.clock import DAY, HOUR
from passback.domain.roster import Role
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.interface import Gone, ListsDecide, LmsError, RefusedByLms, Unavailable, Unsupported
from passback.wire.values import GRADING_TYPES
from passback_simulators.reply import text_reply
from support.lms import ESSAY, LINK, TEXT, Lms, MemoryNotes, try_of
from support.sandbox import NOW
from support.simulators import Served


def gone(lms: Lms, action: Coroutine[Any, Any, Any]) -> str:
    with pytest.raises(Gone) as caught:
        lms.run(action)
    return caught.value.thing


def read(lms: Lms, assignment: str, student: str) -> Submission | None:
    return lms.run(lms.connector.read_submissions(lms.section, assignment, [student])).get(student)


def refused_as_unsupported(lms: Lms, what: str, assignment: str, student: str, **fields: Any) -> bool:
    """Whether this LMS has no way to do it, and says so without doing anything."""
    if what not in lms.unsupported:
        return False
    before = read(lms, assignment, student)
    with pytest.raises(Unsupported):
        lms.grade(assignment, student, **fields)
    assert read(lms, assignment, student) == before
    return True


def simulated(lms: Lms) -> Served:
    if lms.simulator is None:
        pytest.skip("the built-in gradebook is not reached over a network")
    return lms.simulator


def test_what_is_created_can_be_read(lms: Lms) -> None:
    created = lms.create()
    assert lms.run(lms.connector.read_assignment(lms.section, created.lms_id)) == created


def test_what_was_asked_for_is_kept(lms: Lms) -> None:
    created = lms.create(
        display_date=NOW + DAY, end_date=NOW + 9 * DAY, max_attempts=3, submission_types=("text", "file")
    )
    assert (
        created.title, created.due_date, created.display_date, created.end_date, created.max_attempts,
        created.points_possible, set(created.submission_types), created.published,
    ) == ("Essay", NOW + 7 * DAY, NOW + DAY, NOW + 9 * DAY, 3, Decimal(20), {"text", "file"}, True)  # fmt: skip


def test_a_change_touches_only_what_is_given(lms: Lms) -> None:
    created, more = lms.create(), AssignmentFields(points_possible=Decimal(30))
    change = lms.connector.update_assignment(lms.section, created.lms_id, more)
    if "points_possible" in lms.unsupported:
        with pytest.raises(RefusedByLms, match="INVALID_POINTS"):
            lms.run(change)
        assert lms.assignment(created.lms_id) == created
        return
    changed = lms.run(change)
    assert (changed.title, changed.due_date, changed.points_possible) == ("Essay", NOW + 7 * DAY, Decimal(30))


def test_several_are_read_at_once_without_those_that_are_gone(lms: Lms) -> None:
    kept, deleted = lms.create(), lms.create()
    lms.run(lms.connector.delete_assignment(lms.section, deleted.lms_id))
    found = lms.run(lms.connector.read_assignments(lms.section, [deleted.lms_id, kept.lms_id]))
    assert found == {kept.lms_id: kept}


def test_a_deleted_assignment_is_gone_for_every_call(lms: Lms) -> None:
    assignment, student, connector = lms.create().lms_id, lms.students[0], lms.connector
    lms.run(connector.delete_assignment(lms.section, assignment))
    assert {
        gone(lms, connector.read_assignment(lms.section, assignment)),
        gone(lms, connector.update_assignment(lms.section, assignment, AssignmentFields(title="x"))),
        gone(lms, connector.delete_assignment(lms.section, assignment)),
        gone(lms, connector.read_submissions(lms.section, assignment, [student])),
        gone(lms, connector.update_submission(lms.section, assignment, student, SubmissionFields(grade="1"))),
    } == {"assignment"}


def test_every_student_has_a_submission_from_the_start(lms: Lms) -> None:
    found = lms.run(lms.connector.read_submissions(lms.section, lms.create().lms_id, lms.students))
    assert {student: submission.state for student, submission in found.items()} == dict.fromkeys(
        lms.students, "created"
    )


def test_a_student_of_another_section_has_none(lms: Lms) -> None:
    assignment = lms.create().lms_id
    assert lms.run(lms.connector.read_submissions(lms.section, assignment, [lms.other_student])) == {}
    change = lms.connector.update_submission(
        lms.section, assignment, lms.other_student, SubmissionFields(grade="1")
    )
    assert gone(lms, change) == "student"


def test_only_the_assigned_have_one(lms: Lms) -> None:
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


def test_a_grade_is_kept(lms: Lms) -> None:
    assignment, student = lms.create().lms_id, lms.students[0]
    changed = lms.grade(assignment, student, grade_points=Decimal("17.5"), grader_id=lms.teacher)
    assert (changed.grade_points, changed.grade, changed.grader_id) == (Decimal("17.5"), "17.5", lms.teacher)
    assert read(lms, assignment, student) == changed


def test_the_same_grade_again_changes_nothing(lms: Lms) -> None:
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
def test_a_grade_in_words_is_kept(lms: Lms, kind: str, words: str, points: Decimal) -> None:
    assignment = lms.create(grading_type=kind).lms_id
    changed = lms.grade(assignment, grade=words)
    assert (changed.grade_points, changed.grade) == (points, words)


def test_extra_credit_is_taken(lms: Lms) -> None:
    assignment, student = lms.create().lms_id, lms.students[0]
    if "points_above_maximum" in lms.unsupported:
        with pytest.raises(RefusedByLms, match="INVALID_GRADE"):
            lms.grade(assignment, student, grade_points=Decimal(25))
        assert lms.read(assignment).grade_points is None
        return
    kept = Decimal(20) if "capped" in lms.particular else Decimal(25)
    assert lms.grade(assignment, student, grade_points=Decimal(25)).grade_points == kept


def test_a_grader_of_another_section_is_unknown(lms: Lms) -> None:
    assignment, student = lms.create().lms_id, lms.students[0]
    fields = SubmissionFields(grade_points=Decimal(1), grader_id=lms.other_teacher)
    assert gone(lms, lms.connector.update_submission(lms.section, assignment, student, fields)) == "grader"


def test_an_excused_student_is_flagged_until_unflagged(lms: Lms) -> None:
    assignment, student = lms.create().lms_id, lms.students[0]
    if refused_as_unsupported(lms, "excused", assignment, student, flags=frozenset({"excused"})):
        return
    flags = [
        lms.grade(assignment, student, flags=given).flags for given in (frozenset({"excused"}), frozenset())
    ]
    assert flags == [("excused",), ()]


def test_a_comment_is_kept(lms: Lms) -> None:
    assignment, student = lms.create().lms_id, lms.students[0]
    fields: dict[str, Any] = {"grade_points": Decimal(3), "grade_comment": "Good"}
    if refused_as_unsupported(lms, "grade_comment", assignment, student, **fields):
        return
    assert lms.grade(assignment, student, **fields).grade_comment == "Good"


def test_a_due_date_of_ones_own_is_kept(lms: Lms) -> None:
    assignment, student, later = lms.create().lms_id, lms.students[0], NOW + 14 * DAY
    if refused_as_unsupported(lms, "override_due_date", assignment, student, override_due_date=later):
        return
    changed = lms.grade(assignment, student, override_due_date=later)
    assert (changed.override_due_date, read(lms, assignment, student)) == (later, changed)


def test_more_attempts_are_kept(lms: Lms) -> None:
    assignment, student = lms.create(max_attempts=1, submission_types=("text",)).lms_id, lms.students[0]
    if refused_as_unsupported(lms, "extra_attempts", assignment, student, extra_attempts=2):
        return
    assert lms.grade(assignment, student, extra_attempts=2).extra_attempts == 2


@pytest.mark.parametrize(
    "work",
    [TEXT, LINK],
)
def test_work_that_is_handed_in_is_kept(lms: Lms, work: Attachment) -> None:
    assignment, student = lms.create(submission_types=(work.type,)).lms_id, lms.students[0]
    if refused_as_unsupported(lms, work.type, assignment, student, state="submitted", attachments=(work,)):
        return
    changed = lms.grade(assignment, student, state="submitted", attachments=(work,))
    assert (changed.state, [(item.type, item.text, item.url) for item in changed.attachments]) == (
        "submitted",
        [(work.type, work.text, work.url)],
    )


@pytest.mark.parametrize("kind", GRADING_TYPES)
def test_the_grading_types_that_it_says_are_taken(lms: Lms, kind: str) -> None:
    if kind in lms.connector.capabilities.grading_types:
        assert lms.create(grading_type=kind).grading_type == kind
    else:
        with pytest.raises(Unsupported):
            lms.create(grading_type=kind)


@pytest.mark.parametrize("flag", ["late", "missing"])
def test_the_flags_that_it_says_can_be_set(lms: Lms, flag: str) -> None:
    assignment = lms.create().lms_id
    flags = lms.grade(assignment, flags=frozenset({flag})).flags
    assert (flag in flags) == (flag not in lms.connector.capabilities.not_stored_flags)


FIELDS: dict[str, Any] = {
    "title": "Essay", "description": "<p>Two pages</p>", "description_plaintext": "One page",
    "due_date": NOW + 7 * DAY, "start_date": NOW + HOUR, "display_date": NOW + DAY, "end_date": NOW + 9 * DAY,
    "grading_type": "percent", "max_attempts": 3, "submission_types": ("text",), "attachments": (LINK,),
    "term_id": "4fee004cca2e43cf27000009",
}  # fmt: skip


PARTLY = {
    "schoology": {"grading_type", "submission_types"},
    "google": {"description"},
    "moodle": {"due_date"},
}
"""By kind of LMS, what it has a place for, but a coarser one: Passback gives back what was sent."""


def test_a_field_is_in_the_lms_or_kept_or_ignored_as_it_says(lms: Lms) -> None:
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
    partly = PARTLY.get(of.kind, set())
    assert given_back - in_lms - partly == of.not_stored_assignment & set(FIELDS)


def test_what_cannot_be_a_grade_is_refused_and_changes_nothing(lms: Lms) -> None:
    assignment, student = lms.create().lms_id, lms.students[0]
    before = lms.run(lms.connector.read_submissions(lms.section, assignment, [student]))
    with pytest.raises(RefusedByLms, match="INVALID_GRADE"):
        lms.run(
            lms.connector.update_submission(lms.section, assignment, student, SubmissionFields(grade="lots"))
        )
    assert lms.run(lms.connector.read_submissions(lms.section, assignment, [student])) == before


def test_many_are_graded_with_each_ones_outcome(lms: Lms) -> None:
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


def test_an_assignment_that_a_teacher_deleted_is_gone(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.delete(assignment)
    assert gone(lms, lms.connector.read_assignment(lms.section, assignment)) == "assignment"


def test_a_student_who_has_left_has_no_submission(lms: Lms) -> None:
    assignment, student = lms.create().lms_id, lms.students[0]
    lms.unenroll(student)
    assert read(lms, assignment, student) is None
    change = lms.connector.update_submission(
        lms.section, assignment, student, SubmissionFields(grade_points=Decimal(1))
    )
    assert gone(lms, change) == "student"


def test_among_many_only_who_left_the_section_is_gone(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, lms.students[1], grade_points=Decimal(1))
    lms.unenroll(lms.students[0])
    changes = [(student, SubmissionFields(grade_points=Decimal(4))) for student in lms.students[:6]]
    gone, *others = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert isinstance(gone, Gone)
    assert gone.thing == "student"
    assert [getattr(other, "grade_points", other) for other in others] == [4] * len(others)


def test_a_grader_whom_the_lms_does_not_know_is_unknown(lms: Lms) -> None:
    assignment, student = lms.create().lms_id, lms.students[0]
    fields = SubmissionFields(grade_points=Decimal(1), grader_id="999999999")
    assert gone(lms, lms.connector.update_submission(lms.section, assignment, student, fields)) == "grader"


def test_a_section_that_is_not_there_is_gone(lms: Lms) -> None:
    creation = lms.connector.create_assignment(lms.nowhere, ESSAY, str(uuid7()))
    if lms.simulator is not None:
        assert gone(lms, creation) in ("section", "assignment")
    else:
        lms.run(creation)  # its sections are the roster's, which has been asked before


@pytest.mark.parametrize("fault", ["error-after", "timeout-after", "dropped-after", "malformed"])
def test_an_assignment_whose_answer_was_lost_is_found(lms: Lms, fault: str) -> None:
    simulated(lms).fail(fault, **lms.creates)
    mark = str(uuid7())
    with pytest.raises(Unavailable) as caught:
        lms.run(lms.connector.create_assignment(lms.section, ESSAY, mark))
    assert caught.value.in_doubt
    found = lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of(mark, NOW, ())))
    assert found is not None
    assert lms.run(lms.connector.read_assignment(lms.section, found.lms_id)) == found
    assert (found.title, found.due_date, found.published) == ("Essay", ESSAY.due_date, True)


_WORDS = st.sampled_from(
    ["Essay", " Essay  1 ", "Caf\u00e9", "5 < 6 & 7", "<b>Bold</b>", "\ufb01ne", "100%", "A"]
)
_FIELDS = st.builds(
    AssignmentFields,
    title=_WORDS,
    description=_WORDS | st.builds("<p onclick='x'>{}<script>{}</script>".format, _WORDS, _WORDS),
    due_date=st.integers(1, 400).map(lambda hour: NOW + DAY + hour * HOUR // 4)
    | st.integers(1, 60).map(lambda day: NOW + day * DAY + 123),
    points_possible=st.none() | st.sampled_from([Decimal(it) for it in ("0", "1", "33.333", "0.5", "100")]),
    grading_type=st.sampled_from([None, "points", "percent", "pass_fail", "letter_grade"]),
)


def test_whatever_is_created_is_found_if_the_answer_is_lost(lms: Lms) -> None:
    served, known = simulated(lms), set[str]()

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_FIELDS)
    def found(fields: AssignmentFields) -> None:
        mark = str(uuid7())
        served.control("DELETE", "faults")
        served.fail("error-after", **lms.creates)
        with pytest.raises((Unavailable, Unsupported, RefusedByLms)) as caught:
            lms.run(lms.connector.create_assignment(lms.section, fields, mark))
        if not isinstance(caught.value, Unavailable):
            return
        held = lms.run(lms.connector.find_assignment(lms.section, fields, try_of(mark, NOW, known)))
        assert held is not None
        assert held.lms_id not in known
        known.add(held.lms_id)

    found()


@pytest.mark.parametrize("field", ["display_date", "end_date", "due_date"])
@pytest.mark.parametrize("date", [-62_167_219_200_000, 253_402_318_799_000])
def test_dates_that_no_calendar_has_are_no_fault_of_ours(lms: Lms, field: str, date: int) -> None:
    with contextlib.suppress(RefusedByLms):  # or it is kept
        changes: dict[str, Any] = {field: date}
        lms.create(**changes)


def test_what_was_created_is_found_where_the_rest_of_the_answer_fails(lms: Lms) -> None:
    fields = replace(ESSAY, attachments=(Attachment(type="link", url="https://app.example/a"),))
    simulated(lms).fail("error-before", method="GET", path=f"{lms.collection}/", times=None)
    simulated(lms).fail("error-before", method="PATCH", times=None)
    try:
        lms.run(lms.connector.create_assignment(lms.section, fields, "mark"))
    except Unavailable as error:
        assert error.in_doubt
    simulated(lms).control("DELETE", "faults")
    with lms.another() as fresh:  # the first may be resting now
        assert lms.run(fresh.find_assignment(lms.section, fields, try_of("mark", NOW, ()))) is not None


@pytest.mark.parametrize("fault", ["error-before", "timeout", "dropped"])
def test_an_assignment_that_was_not_created_is_not_found(lms: Lms, fault: str) -> None:
    lms.create(title="Another")
    simulated(lms).fail(fault, **lms.creates)
    mark = str(uuid7())
    with pytest.raises(Unavailable):
        lms.run(lms.connector.create_assignment(lms.section, ESSAY, mark))
    assert lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of(mark, NOW, ()))) is None


@pytest.mark.parametrize("fault", ["error-before", "error-after", "dropped", "dropped-after"])
def test_a_grade_gets_through_a_fault_that_passes(lms: Lms, fault: str) -> None:
    assignment, student = lms.create().lms_id, lms.students[0]
    for method in ("PUT", "PATCH"):
        simulated(lms).fail(fault, method=method)
    simulated(lms).fail(fault, path="save_grade")
    assert lms.grade(assignment, student, grade_points=Decimal(11)).grade_points == Decimal(11)
    simulated(lms).control("DELETE", "faults")
    assert read(lms, assignment, student) == replace(lms.grade(assignment, student, grade_points=Decimal(11)))


@pytest.mark.parametrize(
    "fault", ["error-before", "malformed", "timeout", "throttled", "expired-credentials"]
)
def test_an_lms_that_keeps_failing_is_unavailable(lms: Lms, fault: str) -> None:
    assignment = lms.create().lms_id
    simulated(lms).fail(fault, times=None)
    with pytest.raises(Unavailable):
        lms.run(lms.connector.read_assignment(lms.section, assignment))


@pytest.mark.parametrize(
    "body", [b"null", b"[]", b"7", b'"x"', b"{}", b'{"id":null}', b'{"id":{}}', b"<html>", b""]
)
def test_an_answer_that_is_not_as_expected_is_a_fault_of_the_lms(lms: Lms, body: bytes) -> None:
    simulator = simulated(lms).simulator
    assignment = lms.create().lms_id
    real = simulator.answer

    async def odd(request: Any) -> Any:
        reply = await real(request)
        as_ever = reply.status >= 300 or request.path.endswith("/token")
        return reply if as_ever else replace(reply, body=body)

    simulator.answer = odd  # type: ignore[method-assign]
    with pytest.raises(LmsError):
        lms.assignment(assignment)
    with pytest.raises(LmsError):
        lms.create()


def test_the_sections_and_people_are_read_for_matching(lms: Lms) -> None:
    simulated(lms)
    places = {place.id: place for place in lms.places()}
    people = {(person.id, person.role) for person in lms.run(lms.connector.read_people(lms.section))}
    assert {lms.section, lms.other_section} <= places.keys()
    assert {(student, "student") for student in lms.students} | {(lms.teacher, "teacher")} <= people
    assert (lms.other_teacher, "teacher") not in people


def test_one_person_and_one_section_can_be_asked_for(lms: Lms) -> None:
    if isinstance(lms.connector, ListsDecide):
        pytest.skip("it shows nobody alone")
    has, find = lms.connector.has_person, lms.connector.find_section
    people: list[tuple[str, Role, str, bool]] = [
        (lms.section, "student", lms.students[0], True),
        (lms.section, "teacher", lms.teacher, True),
        (lms.section, "student", lms.teacher, False),
        (lms.section, "student", lms.other_student, False),
        (lms.nowhere, "student", lms.students[0], False),
    ]
    for section, role, person, there in people:
        assert lms.run(has(section, role, person)) is there
    lms.unenroll(lms.students[0])
    assert not lms.run(has(lms.section, "student", lms.students[0]))
    found = lms.run(find(lms.section))
    assert found is not None
    assert found[0] in lms.run(lms.connector.read_courses())
    assert found[1] in lms.places()
    assert lms.run(find(lms.nowhere)) is None


def test_a_page_of_html_does_not_say_that_a_section_is_gone(lms: Lms) -> None:
    simulator = simulated(lms).simulator
    real = simulator.answer

    async def page(request: Any) -> Any:
        if request.path.endswith("/token"):
            return await real(request)
        return text_reply(404, "<!DOCTYPE html><h1>Not found</h1>", "text/html; charset=utf-8")

    simulator.answer = page  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        lms.run(lms.connector.read_people(lms.section))


def test_nobody_is_read_of_a_section_that_is_not_there(lms: Lms) -> None:
    simulated(lms)
    with pytest.raises(Gone):
        lms.run(lms.connector.read_people(lms.nowhere))


def test_a_good_connection_is_found_good(lms: Lms) -> None:
    findings = lms.run(lms.connector.check())
    assert findings
    assert [finding for finding in findings if not finding.good] == []


def test_a_connection_whose_credentials_are_refused_is_found_bad(lms: Lms) -> None:
    simulated(lms).fail("expired-credentials", times=None)
    findings = lms.run(lms.connector.check())
    assert any(not finding.good and finding.remedy for finding in findings)


def test_of_several_that_are_in_doubt_each_takes_one(lms: Lms) -> None:
    served = simulated(lms)
    marks = [str(uuid7()) for _ in range(3)]
    for mark in marks:
        served.fail("error-after", **lms.creates)
        with pytest.raises(Unavailable):
            lms.run(lms.connector.create_assignment(lms.section, ESSAY, mark))
        lms.clock.now += HOUR
    served.control("DELETE", "faults")
    known = set[str]()
    for number, mark in enumerate(marks):
        newer = len(marks) - 1 - number
        found = lms.run(
            lms.connector.find_assignment(lms.section, ESSAY, try_of(mark, NOW + number * HOUR, known, newer))
        )
        assert found is not None
        known.add(found.lms_id)
    assert len(known) == len(marks)
    assert lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of("no", NOW, known))) is None
