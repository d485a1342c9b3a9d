"""The connector to Canvas: grades and work."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from uuid_utils import uuid7

from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.clock import DAY, MINUTE
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.interface import LmsError, NotAllowed, RefusedByLms, Unavailable
from passback.testing.lms import TEXT, Lms
from passback_simulators.canvas.seed import ADMIN_TOKEN, COURSE_STANDARD
from passback_simulators.faults import Rule
from passback_simulators.reply import Reply
from passback_simulators.request import Request
from support.canvas import canvas, comments, simulator
from support.sandbox import NOW


@pytest.fixture
def lms() -> Iterator[Lms]:
    with canvas() as served:
        yield served


# Grades.


@pytest.mark.parametrize(
    ("letter", "points"), [("A-", Decimal("18.6")), ("E", Decimal(12)), ("F", Decimal("9.8"))]
)
def test_a_letter_is_worth_what_the_lms_says(lms: Lms, letter: str, points: Decimal) -> None:
    assignment = lms.create(grading_type="letter_grade").lms_id
    changed = lms.grade(assignment, grade=letter)
    assert (changed.grade_points, changed.grade, changed.state) == (points, letter, "returned")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("points", {"grade": "A"}), ("percent", {"grade": "85"}), ("letter_grade", {"grade": "Z"}),
        ("pass_fail", {"grade": "perhaps"}), ("pass_fail", {"grade_points": Decimal(7)}),
        ("points", {"grade": "5", "flags": frozenset({"excused"})}),
    ],
)  # fmt: skip
def test_what_canvas_would_drop_silently_is_refused(lms: Lms, kind: str, fields: dict[str, Any]) -> None:
    assignment = lms.create(grading_type=kind).lms_id
    with pytest.raises(RefusedByLms, match="INVALID_GRADE"):
        lms.grade(assignment, **fields)
    assert lms.read(assignment).grade_points is None


def test_a_grade_that_canvas_did_not_take_is_told(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment)  # what grading needs is known from here on
    simulator(lms).ui_change_assignment(assignment, grading_type="pass_fail")
    with pytest.raises(RefusedByLms, match="INVALID_GRADE: Canvas grades pass or fail with all"):
        lms.grade(assignment, grade_points=Decimal(7))


def test_a_grade_is_taken_away(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(7))
    cleared = lms.grade(assignment, grade="")
    assert (cleared.grade, cleared.grade_points) == (None, None)


def test_late_work_shows_what_canvas_left_of_it(lms: Lms) -> None:
    simulator(lms).ui_set_late_policy(
        "107", late_submission_deduction_enabled=True, late_submission_deduction=10
    )
    assignment = lms.create().lms_id
    assert lms.grade(assignment, flags=frozenset({"late"})).flags == ("late",)
    records, number = simulator(lms).records, f"{assignment}/{lms.students[0]}"
    # The teacher says in Canvas how late it was.
    records.put(
        "submissions", number, {**(records.get("submissions", number) or {}), "seconds_late_override": 3600}
    )
    assert lms.grade(assignment, grade_points=Decimal(20)).grade_points == 18
    assert lms.grade(assignment, flags=frozenset()).flags == ()


def test_a_grade_that_the_policy_gives_missing_work_is_shown_until_somebody_grades(lms: Lms) -> None:
    assignment = lms.create(due_date=NOW + DAY, submission_types=("text",)).lms_id
    simulator(lms).ui_set_late_policy(
        "107", missing_submission_deduction_enabled=True, missing_submission_deduction=75
    )
    assert lms.read(assignment).grade_points is None
    lms.clock.advance(days=2)
    missing = lms.read(assignment)
    assert (missing.flags, missing.grade_points, missing.grader_id) == (("missing",), Decimal(5), None)
    graded = lms.grade(assignment, grade_points=Decimal(12), grade_comment="Late, but good")
    assert (graded.flags, graded.grade_points) == ((), Decimal(12))


def test_late_and_missing_exclude_each_other(lms: Lms) -> None:
    with pytest.raises(RefusedByLms, match="INVALID_FLAGS"):
        lms.grade(lms.create().lms_id, flags=frozenset({"late", "missing"}))


@pytest.mark.parametrize(
    ("kind", "words", "points"),
    [("pass_fail", "pass", 1), ("percent", "85%", 100), ("letter_grade", "B+", 100)],
)
def test_a_grade_in_words_is_given_points_to_have(lms: Lms, kind: str, words: str, points: int) -> None:
    fields = AssignmentFields(title="x", description="x", due_date=NOW + DAY, grading_type=kind)
    created = lms.run(lms.connector.create_assignment(lms.section, fields, str(uuid7())))
    assert created.points_possible == points
    assert lms.grade(created.lms_id, grade=words).grade == words


def test_a_percentage_of_no_points_is_refused(lms: Lms) -> None:
    assignment = lms.create(grading_type="percent", points_possible=Decimal(0)).lms_id
    with pytest.raises(RefusedByLms, match="INVALID_GRADE: the assignment has no points"):
        lms.grade(assignment, grade="85%")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("pass_fail", "pass"), ("pass_fail", "fail"), ("letter_grade", "A"), ("letter_grade", "B-"),
        ("letter_grade", "F"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("points", [None, Decimal(0)])
def test_on_no_points_a_grade_goes_as_its_word(
    lms: Lms, kind: str, words: str, points: Decimal | None
) -> None:
    assignment = lms.create(grading_type=kind, points_possible=Decimal(0)).lms_id
    one, two, *_ = lms.students
    assert lms.grade(assignment, one, grade=words, grade_points=points).grade == words
    changes = [(student, SubmissionFields(grade=words, grade_points=points)) for student in (one, two)]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert [it.grade for it in outcomes if isinstance(it, Submission)] == [words, words]


@pytest.mark.parametrize("kind", ["pass_fail", "letter_grade"])
@pytest.mark.parametrize("points", [Decimal(0), Decimal(1)])
def test_on_no_points_a_number_says_neither_pass_nor_a_letter(lms: Lms, kind: str, points: Decimal) -> None:
    assignment = lms.create(grading_type=kind, points_possible=Decimal(0)).lms_id
    with pytest.raises(RefusedByLms, match="INVALID_GRADE"):
        lms.grade(assignment, grade_points=points)


STANDARD = {"title": "EGN", "grading_scheme_entry": [{"name": "E", "value": 80}, {"name": "N", "value": 0}]}


def standard(lms: Lms, place: str) -> str:
    """A grading scheme of a course or account; returns its id."""
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"}
    made = httpx2.post(f"{lms.served.url}/api/v1/{place}/grading_standards", json=STANDARD, headers=headers)
    return str(made.json()["id"])


@pytest.mark.parametrize("holder", ["assignment", "course", "account"])
@pytest.mark.parametrize("points", [Decimal(0), Decimal(20)])
def test_the_scheme_in_force_says_which_letters_there_are(lms: Lms, holder: str, points: Decimal) -> None:
    scheme = standard(lms, "accounts/1" if holder == "account" else "courses/107")
    if holder == "course":
        simulator(lms).ui_change_course("107", grading_standard_id=scheme)
    if holder == "account":
        simulator(lms).ui_change_course("107", grading_standard_id=None)
        simulator(lms).ui_change_account(grading_standard_id=scheme)
    assignment = lms.create(grading_type="letter_grade", points_possible=points).lms_id
    if holder == "assignment":
        simulator(lms).ui_change_assignment(assignment, grading_standard_id=scheme)
    assert [it.name for it in lms.assignment(assignment).grading_scale] == ["E", "N"]
    assert lms.grade(assignment, grade="E").grade == "E"
    with pytest.raises(
        RefusedByLms, match=r"INVALID_GRADE: 'A' is not a letter of the grading scale \[E N\]"
    ):
        lms.grade(assignment, grade="A")
    assert lms.read(assignment).grade == "E"


def test_a_course_may_choose_the_default_over_its_accounts(lms: Lms) -> None:
    simulator(lms).ui_change_account(grading_standard_id=standard(lms, "accounts/1"))
    simulator(lms).ui_change_course("107", grading_standard_id=0)
    assert lms.grade(lms.create(grading_type="letter_grade").lms_id, grade="A-").grade == "A-"


def test_a_section_without_a_scheme_of_its_own_has_its_accounts(lms: Lms) -> None:
    assignment = lms.create(lms.other_section, grading_type="letter_grade").lms_id
    fields = SubmissionFields(grade="A+")
    graded = lms.run(
        lms.connector.update_submission(lms.other_section, assignment, lms.other_student, fields)
    )
    assert graded.grade == "A+"


@pytest.mark.parametrize(
    ("points", "letter"),
    [("18.8", "A"), ("18.79", "A-"), ("10", "E"), ("9.99", "F"), ("0", "F"), ("25", "A")],
)
def test_points_at_the_edge_of_a_letter_earn_it(lms: Lms, points: str, letter: str) -> None:
    assignment = lms.create(grading_type="letter_grade").lms_id
    assert lms.grade(assignment, grade_points=Decimal(points)).grade == letter


def test_a_gpa_scale_is_graded_with_its_letters(lms: Lms) -> None:
    assignment = lms.create(grading_type="letter_grade").lms_id
    simulator(lms).ui_change_assignment(
        assignment, grading_type="gpa_scale", grading_standard_id=COURSE_STANDARD
    )
    assert lms.assignment(assignment).grading_type == "letter_grade"
    graded = lms.grade(assignment, grade="2")
    assert (graded.grade, graded.grade_points) == ("2", Decimal("17.8"))


def change_scheme(lms: Lms, assignment: str) -> None:
    simulator(lms).ui_change_course("107", grading_standard_id=standard(lms, "courses/107"))


def change_type(lms: Lms, assignment: str) -> None:
    simulator(lms).ui_change_assignment(
        assignment, grading_type="letter_grade", grading_standard_id=standard(lms, "courses/107")
    )


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize(
    ("kind", "before", "change"), [("letter_grade", "B", change_scheme), ("points", "9", change_type)]
)
def test_a_letter_of_a_scheme_that_a_teacher_has_just_chosen_is_taken(
    lms: Lms, kind: str, before: str, change: Callable[[Lms, str], None], at_once: int
) -> None:
    assignment = lms.create(grading_type=kind).lms_id
    assert lms.grade(assignment, grade=before).grade == before
    change(lms, assignment)
    changes = [(student, SubmissionFields(grade="N")) for student in lms.students[:at_once]]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert [it.grade if isinstance(it, Submission) else it for it in outcomes] == ["N"] * at_once


def test_letters_of_a_scheme_that_is_not_shown_are_not_guessed(lms: Lms) -> None:
    simulator(lms).ui_change_course("107", grading_standard_id=999)
    assignment = lms.create(grading_type="letter_grade").lms_id
    with pytest.raises(RefusedByLms, match="INVALID_GRADE: Canvas does not show the grading scheme"):
        lms.grade(assignment, grade="A")
    assert lms.grade(assignment, grade_points=Decimal(19)).grade_points == 19


# What Canvas refuses of one assignment.


def moderated(lms: Lms, assignment: str) -> None:
    simulator(lms).ui_change_assignment(assignment, moderated_grading=True, grades_published=False)


def anonymous(lms: Lms, assignment: str) -> None:
    simulator(lms).ui_change_assignment(assignment, anonymous_grading=True)


def concluded(lms: Lms, assignment: str) -> None:
    simulator(lms).ui_change_course("107", workflow_state="completed")


def unpublished(lms: Lms, assignment: str) -> None:
    simulator(lms).ui_change_assignment(assignment, published=False)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("refuse", "code"),
    [
        (moderated, "NOT_GRADABLE"), (anonymous, "NOT_GRADABLE"), (unpublished, "NOT_GRADABLE"),
        (concluded, "COURSE_CONCLUDED"),
    ],
)  # fmt: skip
def test_what_canvas_refuses_of_one_assignment_is_not_gradable(
    lms: Lms, refuse: Callable[[Lms, str], None], code: str, status: int
) -> None:
    lms.set(unauthorized_status=status)
    assignment = lms.create().lms_id
    refuse(lms, assignment)
    one, two, *_ = lms.students
    changes: list[dict[str, Any]] = [
        {"grade_points": Decimal(5)},
        {"grade_points": Decimal(5), "grader_id": lms.teacher, "grade_comment": "Good"},
        {"flags": frozenset({"excused"})},
    ]
    for fields in changes:
        with pytest.raises(RefusedByLms, match=code):
            lms.grade(assignment, one, **fields)
    many = [(student, SubmissionFields(grade_points=Decimal(5))) for student in (one, two)]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, many))
    assert [str(it).partition(":")[0] for it in outcomes] == [code] * 2


def test_many_grades_that_canvas_refuses_are_asked_for_once(lms: Lms) -> None:
    assignment = lms.create().lms_id
    moderated(lms, assignment)
    lms.calls()
    many = [(student, SubmissionFields(grade_points=Decimal(5))) for student in lms.students]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, many))
    assert {str(it).partition(":")[0] for it in outcomes} == {"NOT_GRADABLE"}
    assert len(lms.calls()) < 10


def test_a_concluded_course_refuses_changes_of_its_assignments(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    concluded(lms, assignment)
    for attempt in (
        lambda: lms.grade(assignment, state="submitted", attachments=(TEXT,)),
        lambda: lms.change(assignment, title="Other"), lambda: lms.create(),
        lambda: lms.run(lms.connector.delete_assignment(lms.section, assignment)),
    ):  # fmt: skip
        with pytest.raises(RefusedByLms, match="COURSE_CONCLUDED: the course has been concluded in Canvas"):
            attempt()


@pytest.mark.parametrize("right", ["manage_grades", "manage_assignments_edit"])
def test_a_right_that_the_connection_lacks_is_waited_for(lms: Lms, right: str) -> None:
    assignment = lms.create().lms_id
    lms.set(lacks_rights=right)
    grade = right == "manage_grades"
    with pytest.raises(NotAllowed) as caught:
        lms.grade(assignment, grade_points=Decimal(5)) if grade else lms.change(assignment, title="Other")
    assert caught.value.credentials is False


def test_a_refused_token_is_no_refusal_of_one_assignment(lms: Lms) -> None:
    assignment = lms.create().lms_id
    simulator(lms).ui_revoke_token(ADMIN_TOKEN)
    with pytest.raises(NotAllowed) as caught:
        lms.grade(assignment, grade_points=Decimal(5))
    assert caught.value.credentials


def test_an_excuse_is_lifted_without_taking_a_grade(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, flags=frozenset({"excused"}))
    assert lms.grade(assignment, flags=frozenset()).flags == ()
    lms.grade(assignment, grade_points=Decimal(7))
    kept = lms.grade(assignment, flags=frozenset())
    assert (kept.grade_points, kept.flags) == (Decimal(7), ())


@pytest.mark.parametrize("fault", ["error-after", "timeout-after", "dropped-after", "error-before"])
def test_a_comment_never_comes_twice(lms: Lms, fault: str) -> None:
    assignment = lms.create().lms_id
    lms.served.fail(fault, method="PUT")
    fields: dict[str, Any] = {"grade_points": Decimal(5), "grade_comment": "Good"}
    if fault == "error-before":
        with pytest.raises(Unavailable):
            lms.grade(assignment, **fields)
    else:
        changed = lms.grade(assignment, **fields)
        assert (changed.grade_points, changed.grade_comment) == (Decimal(5), "Good")
    lms.grade(assignment, **fields)
    assert comments(lms, assignment) == ["Good"]


def test_a_comment_may_return_to_earlier_words(lms: Lms) -> None:
    assignment = lms.create().lms_id
    for words in ("Good", "Better", "Good", "Good"):
        lms.clock.advance(hours=1)
        lms.grade(assignment, grade_comment=words)
    assert comments(lms, assignment) == ["Good", "Better", "Good"]


def answer_no_look_after_a_put(lms: Lms) -> None:
    """Have Canvas fail to show what it has after the next change."""
    served, real = simulator(lms), simulator(lms).answer

    async def answer(request: Request) -> Reply:
        if request.method == "PUT":
            served.answer = real  # type: ignore[method-assign]
            served.faults.rules.append(Rule("error-before", method="GET", times=5))
        return await real(request)

    served.answer = answer  # type: ignore[method-assign]


@pytest.mark.parametrize("arrives", [True, False])
def test_a_marked_comment_comes_once_for_each_mark(lms: Lms, arrives: bool) -> None:
    assignment = lms.create().lms_id

    def say(*marks: str, since: int | None = None) -> None:
        lms.grade(assignment, grade_comment="Good", comment_marks=marks, comment_since=since)

    say("d1")
    say("d1")  # as after a crash, or if the answer did not show it
    assert comments(lms, assignment) == ["Good"]
    lms.served.fail("error-after" if arrives else "error-before", method="PUT")
    if arrives:
        answer_no_look_after_a_put(lms)
    with pytest.raises(Unavailable) as failed:
        say("d2")
    assert failed.value.in_doubt
    lms.served.control("DELETE", "faults")
    lms.wait(60)  # Canvas may have failed often enough to be given a rest
    assert comments(lms, assignment) == ["Good"] * (2 if arrives else 1)
    say("d3")  # which is meant, while d2 is in doubt
    assert comments(lms, assignment) == ["Good"] * (3 if arrives else 2)
    say("d2", since=lms.clock.now - MINUTE)
    assert comments(lms, assignment) == ["Good"] * 3
    say("d4", "d2", since=lms.clock.now - MINUTE)  # which repeats d2
    assert comments(lms, assignment) == ["Good"] * 3


def test_whoever_was_only_stopped_takes_no_comment_from_the_one_that_took_over(lms: Lms) -> None:
    assignment, student = lms.create().lms_id, lms.students[0]
    real, arrived, goes_on = simulator(lms).answer, threading.Event(), threading.Event()

    async def answer(request: Request) -> Reply:
        reply = await real(request)
        if request.method == "PUT" and not arrived.is_set():
            arrived.set()
            await asyncio.to_thread(goes_on.wait, 10)
        return reply

    simulator(lms).answer = answer  # type: ignore[method-assign]

    async def say(*marks: str) -> None:
        said = SubmissionFields(
            grade_points=Decimal(5),
            grade_comment="Good",
            comment_marks=marks,
            comment_since=lms.clock.now - MINUTE,
        )
        await lms.connector.update_submission(lms.section, assignment, student, said)

    async def meanwhile() -> None:
        stopped = asyncio.create_task(say("d1"))
        await asyncio.to_thread(arrived.wait, 10)
        await say("d2", "d1")
        goes_on.set()
        await stopped
        await say("d2")  # delivered again, as the one that was stopped may have overwritten it

    lms.run(meanwhile())
    assert comments(lms, assignment) == ["Good"]


def test_a_marked_comment_of_which_what_was_kept_is_lost_is_looked_for_by_its_time(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_comment="Good")
    since = lms.clock.now - MINUTE
    for mark in ("d1", "d2"):
        lms.grade(
            assignment,
            grade_comment="Good",
            comment_marks=(mark,),
            comment_since=since,
            comment_forgotten=since,
        )
    assert comments(lms, assignment) == ["Good"] * 2


@pytest.mark.parametrize("at_once", [1, 2])
def test_the_same_words_of_a_teacher_are_not_those_of_a_worker_that_died_before_it_said_them(
    lms: Lms, at_once: int
) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_comment="Good")
    lms.clock.advance(hours=0.01)
    said = SubmissionFields(
        grade_points=Decimal(5),
        grade_comment="Good",
        comment_marks=("d1",),
        comment_since=lms.clock.now - 2 * MINUTE,
    )
    changes = [(student, said) for student in lms.students[:at_once]]
    lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert comments(lms, assignment) == ["Good"] * 2


def test_without_the_right_to_act_the_grader_is_remembered(lms: Lms) -> None:
    lms.set(can_masquerade=False)
    assignment = lms.create().lms_id
    assert lms.grade(assignment, grade_points=Decimal(5), grader_id=lms.teacher).grader_id == lms.teacher
    assert lms.read(assignment).grader_id == lms.teacher


def test_hidden_grades_are_not_returned_until_they_are_posted(lms: Lms) -> None:
    lms.set(manual_post_policy=True)
    assignment = lms.create().lms_id
    assert lms.grade(assignment, grade_points=Decimal(5)).state == "created"
    with pytest.raises(RefusedByLms, match="NOT_POSTED"):
        lms.grade(assignment, state="returned")


def test_returning_posts_the_grades_where_the_district_wants_that() -> None:
    with canvas(post_grades="yes") as lms:
        lms.set(manual_post_policy=True)
        assignment = lms.create().lms_id
        assert lms.grade(assignment, grade_points=Decimal(5), state="returned").state == "returned"


def test_grades_that_cannot_be_posted_are_refused_as_those_that_cannot_be_given() -> None:
    with canvas(post_grades="yes") as lms:
        lms.set(manual_post_policy=True)
        assignment = lms.create().lms_id
        lms.grade(assignment, grade_points=Decimal(5))
        lms.set(lacks_rights="manage_grades")
        with pytest.raises(NotAllowed, match="Canvas does not post the grades"):
            lms.grade(assignment, state="returned")
        lms.set(lacks_rights="")
        concluded(lms, assignment)
        with pytest.raises(RefusedByLms, match="COURSE_CONCLUDED"):
            lms.grade(assignment, state="returned")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"state": "returned"}, RefusedByLms), ({"state": "reclaimed"}, RefusedByLms), ({"state": "submitted"}, RefusedByLms),
        ({"extra_attempts": 1, "state": "reclaimed"}, RefusedByLms),
    ],
)  # fmt: skip
def test_states_that_cannot_be_reached_change_nothing(
    lms: Lms, fields: dict[str, Any], error: type[LmsError]
) -> None:
    assignment = lms.create(max_attempts=1).lms_id
    with pytest.raises(error):
        lms.grade(assignment, **fields)
    assert lms.read(assignment).extra_attempts is None


# Handing in.


def test_files_are_fetched_by_canvas(lms: Lms) -> None:
    lms.set(can_submit_on_behalf=True)
    assignment = lms.create(submission_types=("file",)).lms_id
    work = (Attachment(type="file", url="https://app.example/essay.pdf", title="essay.pdf"),)
    changed = lms.grade(assignment, state="submitted", attachments=work)
    assert (changed.state, changed.attachments) == ("submitted", work)


def test_a_file_that_cannot_be_fetched_is_told(lms: Lms) -> None:
    assignment = lms.create(submission_types=("file",)).lms_id
    work = (Attachment(type="file", url="https://unreachable.example/essay.pdf"),)
    with pytest.raises(RefusedByLms, match="INVALID_ATTACHMENT: Canvas cannot fetch the file"):
        lms.grade(assignment, state="submitted", attachments=work)


@pytest.mark.parametrize(
    "work",
    [
        (Attachment(type="text", text="x"), Attachment(type="link", url="https://app.example")),
        (Attachment(type="link", url="https://app.example/1"), Attachment(type="link", url="https://app.example/2")),
        (Attachment(type="link", url="https://app.example/1"),),
        (Attachment(type="text", text=""),),
    ],
)  # fmt: skip
def test_work_that_canvas_cannot_take_is_refused(lms: Lms, work: tuple[Attachment, ...]) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    before = lms.read(assignment)
    with pytest.raises(RefusedByLms, match="INVALID_ATTACHMENT"):
        lms.grade(
            assignment, state="submitted", attachments=work, extra_attempts=2, override_due_date=NOW + 9 * DAY
        )
    assert lms.read(assignment) == before


@pytest.mark.parametrize("fault", ["error-after", "dropped-after", "timeout-after"])
def test_work_is_handed_in_once(lms: Lms, fault: str) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    lms.served.fail(fault, method="POST", path="submissions$")
    work = (Attachment(type="text", text="My essay"),)
    assert lms.grade(assignment, state="submitted", attachments=work).state == "submitted"
    assert lms.grade(assignment, state="submitted", attachments=work).state == "submitted"
    record = simulator(lms).records.get("submissions", f"{assignment}/{lms.students[0]}") or {}
    assert record["attempt"] == 1


def test_no_more_attempts_than_there_are(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",), max_attempts=1).lms_id

    def hand_in(text: str, **more: Any) -> Submission:
        return lms.grade(
            assignment, state="submitted", attachments=(Attachment(type="text", text=text),), **more
        )

    hand_in("One")
    with pytest.raises(RefusedByLms, match="NO_ATTEMPTS_LEFT"):
        hand_in("Two")
    assert hand_in("Two", extra_attempts=1).extra_attempts == 1


def test_points_that_are_also_a_level_are_never_taken_for_it(lms: Lms) -> None:
    assignment = lms.create(grading_type="letter_grade").lms_id
    simulator(lms).ui_change_assignment(assignment, grading_standard_id=COURSE_STANDARD)
    given = dict(zip(lms.students[:4], (Decimal(it) for it in (2, 3, 17, 18)), strict=True))
    changes = [(student, SubmissionFields(grade_points=points)) for student, points in given.items()]
    lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert {student: lms.read(assignment, student).grade_points for student in given} == given
    # In Canvas's bulk update 2 would be the level of that name, until somebody sets it right.
    (bulk,) = simulator(lms).records.all("progress")
    assert list(bulk["data"][assignment]) == lms.students[2:4]


def test_many_due_dates_of_ones_own_are_all_kept(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    due = {student: NOW + (20 + number) * DAY for number, student in enumerate(lms.students[:4])}
    changes = [(student, SubmissionFields(override_due_date=date)) for student, date in due.items()]
    lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert {student: lms.read(assignment, student).override_due_date for student in due} == due


@pytest.mark.parametrize(
    "work",
    [
        (Attachment(type="link", url="https://app.example/w", title="Mine"),),
        (Attachment(type="text", text="One"), Attachment(type="text", text="Two")),
        (Attachment(type="file", url="https://app.example/essay.pdf"),),
    ],
)
def test_the_same_work_again_is_no_second_attempt(lms: Lms, work: tuple[Attachment, ...]) -> None:
    assignment = lms.create(submission_types=("link", "text", "file")).lms_id
    first = lms.grade(assignment, state="submitted", attachments=work)
    again = lms.grade(assignment, state="submitted", attachments=work)
    record = simulator(lms).records.get("submissions", f"{assignment}/{lms.students[0]}") or {}
    assert (first.attachments, again.attachments, record["attempt"]) == (work, work, 1)


def test_nothing_is_handed_in_before_it_is_open(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",), display_date=NOW + DAY).lms_id
    with pytest.raises(RefusedByLms, match="ASSIGNMENT_LOCKED: the assignment does not accept work yet"):
        lms.grade(assignment, state="submitted", attachments=(Attachment(type="text", text="Early"),))


def test_nothing_is_handed_in_once_it_is_locked(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",), end_date=NOW + 8 * DAY).lms_id
    lms.clock.advance(days=9)
    with pytest.raises(RefusedByLms, match="ASSIGNMENT_LOCKED"):
        lms.grade(assignment, state="submitted", attachments=(Attachment(type="text", text="x"),))
