"""The connector to Moodle: grades, of which Moodle says nothing, comments, extensions and work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from passback.domain.clock import DAY
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.http import client
from passback.lms.interface import Gone, NotAllowed, RefusedByLms, Unavailable, Unsupported
from passback.lms.moodle import grade as grading
from passback.testing.lms import ESSAY, Lms
from support.moodle import moodle, record, simulator
from support.sandbox import NOW


@pytest.fixture
def lms() -> Iterator[Lms]:
    with moodle() as served:
        yield served


@pytest.fixture
def essay(lms: Lms) -> str:
    return lms.create().lms_id


def entry(lms: Lms, assignment: str, student: str | None = None) -> dict[str, Any]:
    """What the gradebook has."""
    return simulator(lms).ui_gradebook_entry(int(assignment), int(student or lms.students[0]))


def row(lms: Lms, assignment: str, student: str | None = None) -> dict[str, Any] | None:
    """What the assignment itself has."""
    return simulator(lms).latest("grades", int(assignment), int(student or lms.students[0]))


def test_a_grade_reaches_the_gradebook(lms: Lms, essay: str) -> None:
    assert lms.grade(essay, grade_points=Decimal("17.5")).state == "returned"
    assert entry(lms, essay)["grade"] == 17.5


def test_a_plain_grade_costs_three_calls(lms: Lms, essay: str) -> None:
    lms.grade(essay, lms.students[1], grade_points=Decimal(1))
    lms.calls()
    lms.grade(essay, grade_points=Decimal(2))
    assert [it.rpartition("/")[2] for it in lms.calls()] == [
        "mod_assign_get_submission_status", "mod_assign_save_grade", "gradereport_user_get_grade_items",
    ]  # fmt: skip


@pytest.mark.parametrize("points", ["20.00001", "21"])
def test_more_than_the_maximum_is_not_even_sent(lms: Lms, essay: str, points: str) -> None:
    lms.grade(essay, grade_points=Decimal(9))
    lms.calls()
    with pytest.raises(RefusedByLms, match="INVALID_GRADE"):
        lms.grade(essay, grade_points=Decimal(points))
    assert not [it for it in lms.calls() if it.startswith("POST")]
    assert entry(lms, essay)["grade"] == 9


def test_more_digits_than_moodle_keeps_are_rounded_with_a_warning(lms: Lms, essay: str) -> None:
    held = lms.grade(essay, grade_points=Decimal("3.1234567"))
    assert (held.grade_points, held.warnings) == (Decimal("3.12346"), ("SCORE_CHANGED_BY_LMS",))


@pytest.mark.parametrize("grade", [0, -3])
def test_what_is_not_graded_by_points_is_refused(lms: Lms, grade: int) -> None:
    made = simulator(lms).ui_create_assignment(int(lms.section), "Other", grade=grade)
    with pytest.raises(RefusedByLms, match="NOT_GRADABLE"):
        lms.grade(str(made), grade_points=Decimal(1))
    assert row(lms, str(made)) is None


@pytest.mark.parametrize("how", ["suspended", "unenrolled", "deleted", "unknown", "teacher"])
def test_nobody_but_an_active_student_is_graded(lms: Lms, essay: str, how: str) -> None:
    student = {"unknown": "999999", "teacher": lms.teacher}.get(how, lms.students[0])
    lms.grade(essay, lms.students[1], grade_points=Decimal(1))  # so that the course's people are remembered
    if how == "suspended":
        simulator(lms).ui_suspend(int(lms.section), int(student))
    elif how == "unenrolled":
        lms.unenroll(student)
    elif how == "deleted":
        simulator(lms).ui_delete_user(int(student))
        lms.unenroll(student)
    with pytest.raises(Gone) as caught:
        lms.grade(essay, student, grade_points=Decimal(1))
    assert caught.value.thing == "student"
    assert row(lms, essay, student) is None


@pytest.mark.parametrize("how", ["override", "lock", "lock the column"])
def test_a_grade_that_the_gradebook_keeps_from_being_changed_is_refused(
    lms: Lms, essay: str, how: str
) -> None:
    lms.grade(essay, grade_points=Decimal(4))
    student = int(lms.students[0])
    match how:
        case "override":
            simulator(lms).ui_override(int(essay), student, 11.0)
        case "lock":
            simulator(lms).ui_lock_grade(int(essay), student)
        case _:
            simulator(lms).ui_lock_grade(int(essay))
    code = "GRADE_OVERRIDDEN" if how == "override" else "GRADE_LOCKED"
    with pytest.raises(RefusedByLms, match=code):
        lms.grade(essay, grade_points=Decimal(5))
    kept = 11 if how == "override" else 4
    assert lms.read(essay).grade_points == kept
    assert lms.grade(essay, grade_points=Decimal(kept)).grade_points == kept  # as it is already
    for points in (None, Decimal(kept)):
        with pytest.raises(RefusedByLms, match=code):
            lms.grade(essay, grade_comment="Good", grade_points=points)


def test_a_comment_stays_if_none_is_given(lms: Lms, essay: str) -> None:
    lms.grade(essay, grade_points=Decimal(4), grade_comment="<p>Good &amp; short</p>")
    held = lms.grade(essay, grade_points=Decimal(5))
    assert (held.grade_points, held.grade_comment) == (Decimal(5), "<p>Good &amp; short</p>")
    many = [(student, SubmissionFields(grade_points=Decimal(6))) for student in lms.students[:6]]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, essay, many))
    assert [getattr(it, "grade_comment", it) for it in outcomes] == ["<p>Good &amp; short</p>", *[None] * 5]


def test_a_grade_stays_if_only_a_comment_is_given(lms: Lms, essay: str) -> None:
    lms.grade(essay, grade_points=Decimal(4))
    held = lms.grade(essay, grade_comment="Good")
    assert (held.grade_points, held.grade_comment) == (Decimal(4), "Good")
    assert lms.grade(essay, lms.students[1], grade_comment="Hm").grade_points is None


def test_an_unreleased_grade_stays_if_only_a_comment_is_given(lms: Lms) -> None:
    made = simulator(lms).ui_create_assignment(int(lms.section), "Other", grade=20, markingworkflow=1)
    lms.grade(str(made), grade_points=Decimal(4))
    flags = simulator(lms).flags(made, int(lms.students[0]))
    flags["workflowstate"] = "inmarking"
    simulator(lms).put_flags(flags)
    assert lms.grade(str(made), grade_comment="Good").grade_points == 4


def test_an_empty_comment_removes_it(lms: Lms, essay: str) -> None:
    lms.grade(essay, grade_points=Decimal(4), grade_comment="Good")
    assert lms.grade(essay, grade_comment="").grade_comment is None


def test_plain_words_are_sent_as_html_and_come_back_as_they_were(lms: Lms, essay: str) -> None:
    words = "5 < 6\n\nSecond & last"
    assert lms.grade(essay, grade_points=Decimal(4), grade_comment=words).grade_comment == words
    stored = row(lms, essay)
    assert stored is not None
    assert stored["comment"] == "<p>5 &lt; 6</p><p>Second &amp; last</p>"
    assert lms.read(essay).grade_comment == words
    assert lms.grade(essay, grade_points=Decimal(5)).grade_comment == words


def test_a_comment_where_comments_are_off_is_refused(lms: Lms) -> None:
    plugins = {"onlinetext": True, "file": True, "comments": False}
    made = str(simulator(lms).ui_create_assignment(int(lms.section), "Other", grade=20, plugins=plugins))
    with pytest.raises(RefusedByLms, match="COMMENTS_OFF"):
        lms.grade(made, grade_points=Decimal(4), grade_comment="Good")
    assert lms.grade(made, grade_points=Decimal(4)).grade_points == 4


def test_with_marking_workflow_a_grade_is_released(lms: Lms) -> None:
    made = simulator(lms).ui_create_assignment(int(lms.section), "Other", grade=20, markingworkflow=1)
    assert lms.grade(str(made), grade_points=Decimal(4)).state == "returned"
    assert entry(lms, str(made))["grade"] == 4


def test_a_group_is_not_graded_with_one_of_its_members(lms: Lms) -> None:
    made = str(simulator(lms).ui_create_assignment(int(lms.section), "Other", grade=20, teamsubmission=1))
    lms.grade(made, grade_points=Decimal(4))
    assert lms.read(made, lms.students[1]).grade_points is None


def test_first_grades_that_clash_are_sent_again(lms: Lms, essay: str) -> None:
    lms.set(first_grade_clashes=2)
    assert lms.grade(essay, grade_points=Decimal(4)).grade_points == 4
    lms.set(first_grade_clashes=9)
    with pytest.raises(Unavailable) as caught:
        lms.grade(essay, lms.students[1], grade_points=Decimal(4))
    assert caught.value.retry_after


@pytest.mark.parametrize("function", ["gradereport_user_get_grade_items", "mod_assign_get_submissions"])
def test_a_class_whose_lists_are_too_large_is_read_one_by_one(
    lms: Lms, essay: str, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = simulator(lms).answer

    async def large(request: Any) -> Any:
        reply = await real(request)
        one = b"userid" in request.body
        return (
            replace(reply, body=reply.body + b" " * 50_000)
            if function.encode() in request.body and not one
            else reply
        )

    simulator(lms).answer = large  # type: ignore[method-assign]
    monkeypatch.setattr(client, "LARGEST_REPLY", 50_000)
    many = [(student, SubmissionFields(grade_points=Decimal(6))) for student in lms.students]
    for _ in range(2):
        outcomes = lms.run(lms.connector.update_submissions(lms.section, essay, many))
        assert [getattr(it, "grade_points", it) for it in outcomes] == [6] * len(many)
    found = lms.run(lms.connector.read_submissions(lms.section, essay, lms.students))
    assert [it.grade_points for it in found.values()] == [6] * len(lms.students)
    assert sum(it.endswith(function) for it in lms.calls()) <= 1 + 3 * len(many)


@pytest.mark.parametrize("has_left", [False, True])
@pytest.mark.parametrize("students", [1, 6])
def test_a_student_whom_the_gradebook_does_not_show_is_in_doubt_or_has_left(
    lms: Lms, essay: str, students: int, has_left: bool
) -> None:
    lms.grade(essay, lms.students[9], grade_points=Decimal(1))  # so that the course's people are remembered
    real = simulator(lms).answer

    async def without_first(request: Any) -> Any:
        reply = await real(request)
        if b"gradereport_user_get_grade_items" not in request.body:
            return reply
        if has_left:
            lms.unenroll(lms.students[0])
        content = json.loads(reply.body)
        content["usergrades"] = [it for it in content["usergrades"] if str(it["userid"]) != lms.students[0]]
        return replace(reply, body=json.dumps(content).encode())

    simulator(lms).answer = without_first  # type: ignore[method-assign]
    many = [(student, SubmissionFields(grade_points=Decimal(6))) for student in lms.students[:students]]
    first, *others = lms.run(lms.connector.update_submissions(lms.section, essay, many))
    assert isinstance(first, Gone if has_left else Unavailable)
    assert getattr(first, "in_doubt", True)
    assert [getattr(it, "grade_points", it) for it in others] == [6] * (students - 1)


def test_in_a_list_that_fails_in_its_middle_each_has_its_own_outcome(lms: Lms, essay: str) -> None:
    many = [(student, SubmissionFields(grade_points=Decimal(6))) for student in lms.students]
    for student in lms.students[:4]:
        lms.grade(essay, student, grade_points=Decimal(1))
    lms.set(first_grade_clashes=4)  # three tries of the list, and one of a single grade
    outcomes = lms.run(lms.connector.update_submissions(lms.section, essay, many))
    assert [getattr(it, "grade_points", it) for it in outcomes] == [6] * len(many)


def test_many_are_graded_within_phps_limit_of_variables(
    lms: Lms, essay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lms.set(max_input_vars=200)
    monkeypatch.setattr(grading, "_CHUNK", 20)
    many = [(student, SubmissionFields(grade_points=Decimal(6))) for student in lms.students]
    lms.calls()
    outcomes = lms.run(lms.connector.update_submissions(lms.section, essay, many))
    assert all(isinstance(it, Submission) for it in outcomes)
    assert [it.rpartition("/")[2] for it in lms.calls() if it.startswith("POST")] == [
        "mod_assign_save_grades"
    ] * 2
    assert 7 * 100 + 10 < 1000  # a hundred grades of seven variables each


def test_a_students_own_due_date_is_an_extension(lms: Lms, essay: str) -> None:
    held = lms.grade(essay, override_due_date=NOW + 20 * DAY + 123)
    assert (held.override_due_date, lms.read(essay).override_due_date) == (NOW + 20 * DAY + 123,) * 2
    flags = simulator(lms).flags(int(essay), int(lms.students[0]))
    assert flags["extensionduedate"] == (NOW + 20 * DAY) // 1000
    several = lms.run(lms.connector.read_submissions(lms.section, essay, lms.students))
    assert several[lms.students[0]].override_due_date == NOW + 20 * DAY + 123


def test_a_students_due_date_before_the_assignments_is_refused(lms: Lms, essay: str) -> None:
    with pytest.raises(RefusedByLms, match="INVALID_DUE_DATE"):
        lms.grade(essay, override_due_date=NOW + DAY)
    simulator(lms).ui_change_assignment(int(essay), allowsubmissionsfromdate=NOW // 1000 + 30 * 86_400)
    with pytest.raises(RefusedByLms, match="INVALID_DUE_DATE"):
        lms.grade(essay, override_due_date=NOW + 8 * DAY)


def test_a_due_date_that_is_sent_back_with_a_grade_is_not_given_again(lms: Lms, essay: str) -> None:
    lms.grade(essay, override_due_date=NOW + 8 * DAY)
    simulator(lms).ui_change_assignment(int(essay), duedate=NOW // 1000 + 9 * 86_400)
    shown = lms.read(essay).override_due_date
    assert shown == NOW + 8 * DAY
    graded = lms.grade(essay, grade_points=Decimal(5), override_due_date=shown)
    assert (graded.grade_points, graded.override_due_date) == (Decimal(5), shown)


def test_of_several_extensions_only_the_one_that_is_too_early_is_refused(lms: Lms, essay: str) -> None:
    lms.grade(essay, lms.students[5], grade_points=Decimal(1))  # so that the assignment is remembered
    simulator(lms).ui_change_assignment(int(essay), duedate=NOW // 1000 + 9 * 86_400)
    dates = [NOW + 8 * DAY, NOW + 10 * DAY, NOW + 11 * DAY]
    many = [
        (student, SubmissionFields(override_due_date=date))
        for student, date in zip(lms.students, dates, strict=False)
    ]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, essay, many))
    assert isinstance(outcomes[0], RefusedByLms)
    assert [getattr(it, "override_due_date", it) for it in outcomes[1:]] == dates[1:]


def test_work_is_read_with_its_flags(lms: Lms, essay: str) -> None:
    student = lms.students[0]
    lms.clock.now = NOW + 8 * DAY
    assert lms.read(essay).flags == ("missing",)
    simulator(lms).ui_submit(int(essay), int(student), "<p>My essay</p>", ("a.pdf",))
    held = lms.read(essay)
    assert (held.state, held.flags) == ("submitted", ("late",))
    assert [(it.type, it.text, it.title) for it in held.attachments] == [
        ("text", "<p>My essay</p>", None), ("file", None, "a.pdf"),
    ]  # fmt: skip
    several = lms.run(lms.connector.read_submissions(lms.section, essay, lms.students))
    assert several[student] == held
    assert lms.grade(essay, grade_points=Decimal(4)).state == "returned"
    lms.clock.now += 5000
    simulator(lms).ui_submit(int(essay), int(student), "Again")
    assert lms.read(essay).state == "submitted"
    lms.grade(essay, override_due_date=NOW + 9 * DAY)
    assert lms.read(essay).flags == ()


@pytest.mark.parametrize(
    ("fields", "error", "reason"),
    [
        ({"flags": frozenset({"excused"})}, Unsupported, "flag of excused"),
        ({"extra_attempts": 1}, Unsupported, "extra_attempts"),
        ({"state": "reclaimed"}, RefusedByLms, "INVALID_STATE"),
        ({"state": "submitted"}, Unsupported, "state of submitted"),
        ({"state": "returned"}, RefusedByLms, "INVALID_STATE"),
    ],
)
def test_what_moodle_cannot_do_is_refused(
    lms: Lms, essay: str, fields: dict[str, Any], error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        lms.grade(essay, **fields)


def with_attempts(lms: Lms, most: int = -1, **settings: Any) -> str:
    """An assignment whose attempts are reopened by hand, with work of the first student."""
    made = simulator(lms).ui_create_assignment(
        int(lms.section), "Other", grade=20, attemptreopenmethod="manual", maxattempts=most, **settings
    )
    simulator(lms).ui_submit(made, int(lms.students[0]), "My essay")
    return str(made)


def attempts(lms: Lms, assignment: str) -> list[tuple[int, str]]:
    rows = simulator(lms).attempts("submissions", int(assignment))
    return [(it["attemptnumber"], it["status"]) for it in rows if it["userid"] == int(lms.students[0])]


def test_another_attempt_is_opened_beside_the_grade_of_the_last(lms: Lms) -> None:
    made = with_attempts(lms)
    lms.grade(made, grade_points=Decimal(4), grade_comment="Once more")
    held = lms.grade(made, extra_attempts=1)
    assert (held.extra_attempts, held.grade_points, held.state) == (1, Decimal(4), "reclaimed")
    assert attempts(lms, made) == [(0, "submitted"), (1, "reopened")]
    assert lms.grade(made, extra_attempts=1).extra_attempts == 1
    assert attempts(lms, made) == [(0, "submitted"), (1, "reopened")]
    simulator(lms).ui_submit(int(made), int(lms.students[0]), "Again")
    many = [(lms.students[0], SubmissionFields(grade_points=Decimal(9), extra_attempts=2))]
    many += [(student, SubmissionFields(grade_points=Decimal(6))) for student in lms.students[1:6]]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, made, many))
    assert [getattr(it, "grade_points", it) for it in outcomes] == [9, 6, 6, 6, 6, 6]
    assert attempts(lms, made)[-1] == (2, "reopened")


@pytest.mark.parametrize("fault", ["error-after", "dropped-after", "timeout-after"])
def test_an_attempt_whose_answer_is_lost_is_opened_once(lms: Lms, fault: str) -> None:
    made = with_attempts(lms)
    lms.served.fail(fault, path="mod_assign_save_grade")
    with pytest.raises(Unavailable) as caught:
        lms.grade(made, extra_attempts=1)
    assert caught.value.in_doubt
    assert lms.grade(made, extra_attempts=1).extra_attempts == 1
    assert attempts(lms, made) == [(0, "submitted"), (1, "reopened")]


@pytest.mark.parametrize(("most", "wanted"), [(-1, 2), (2, 2), (1, 1)])
def test_attempts_are_opened_one_after_the_other_as_far_as_moodle_does(
    lms: Lms, most: int, wanted: int
) -> None:
    made = with_attempts(lms, most)
    with pytest.raises(RefusedByLms, match="INVALID_ATTEMPTS"):
        lms.grade(made, extra_attempts=wanted)
    assert attempts(lms, made) == [(0, "submitted")]


def test_no_attempt_is_opened_before_the_last_is_handed_in_nor_taken_back(lms: Lms) -> None:
    made = with_attempts(lms)
    assert lms.grade(made, extra_attempts=1).extra_attempts == 1
    for wanted in (2, 0):
        with pytest.raises(RefusedByLms, match="INVALID_ATTEMPTS"):
            lms.grade(made, extra_attempts=wanted)


@pytest.mark.parametrize("drafts", [0, 1])
def test_work_is_given_back_as_a_draft(lms: Lms, drafts: int) -> None:
    made = with_attempts(lms, submissiondrafts=drafts)
    held = lms.grade(made, state="reclaimed", grade_comment="Once more")
    assert (held.state, held.grade_comment, attempts(lms, made)) == ("reclaimed", "Once more", [(0, "draft")])
    assert lms.read(made) == held
    simulator(lms).ui_submit(int(made), int(lms.students[0]), "Again")
    assert lms.read(made).state == "submitted"
    lms.clock.now += 1000
    assert lms.grade(made, grade_points=Decimal(5)).state == "returned"


def test_work_that_moodle_does_not_give_back_is_told(lms: Lms) -> None:
    made = with_attempts(lms)
    real, warned = (
        simulator(lms).answer,
        [{"item": "submission", "itemid": 1, "warningcode": "couldnotrevert"}],
    )

    async def warning(request: Any) -> Any:
        reply = await real(request)
        refused = b"revert_submissions_to_draft" in request.body
        return replace(reply, body=json.dumps(warned).encode()) if refused else reply

    simulator(lms).answer = warning  # type: ignore[method-assign]
    with pytest.raises(RefusedByLms, match="INVALID_STATE"):
        lms.grade(made, state="reclaimed")


def test_a_draft_that_was_never_handed_in_is_only_begun(lms: Lms) -> None:
    made = with_attempts(lms, submissiondrafts=1)
    row = simulator(lms).latest("submissions", int(made), int(lms.students[0]))
    assert row is not None
    row["status"] = "draft"
    assert lms.read(made).state == "created"


def test_work_is_returned_with_a_grade(lms: Lms, essay: str) -> None:
    assert lms.grade(essay, state="returned", grade_points=Decimal(4)).state == "returned"
    assert lms.grade(essay, state="returned").state == "returned"


def test_a_right_that_is_missing_is_said(lms: Lms, essay: str) -> None:
    lms.set(capabilities=[it for it in simulator(lms).settings["capabilities"] if it != "mod/assign:grade"])
    with pytest.raises(NotAllowed) as caught:
        lms.grade(essay, grade_points=Decimal(1))
    assert not caught.value.credentials
    assert record(lms, essay)["name"] == ESSAY.title
