"""The connector to Canvas: its own rows, beside the suite that all connectors pass."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from msgspec.structs import replace
from uuid_utils import uuid7

from canvas_support import canvas
from lms_support import ESSAY, Lms
from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.clock import DAY, HOUR
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.canvas import KIND, errors
from passback.lms.client import Reply
from passback.lms.connector import Gone, LmsError, NotAllowed, Refused, Unavailable, Unsupported
from passback.sandbox.simulators.canvas.seed import CLIENT_ID, CLIENT_SECRET, COURSE_STANDARD
from passback.sandbox.simulators.canvas.simulator import CanvasSimulator
from support import NOW


@pytest.fixture
def lms() -> Iterator[Lms]:
    with canvas() as served:
        yield served


def simulator(lms: Lms) -> CanvasSimulator:
    assert isinstance(lms.served.simulator, CanvasSimulator)
    return lms.served.simulator


def comments(lms: Lms, assignment: str, student: str | None = None) -> list[str]:
    record = simulator(lms).records.get("submissions", f"{assignment}/{student or lms.students[0]}") or {}
    return [it["comment"] for it in record.get("comments", [])]


# What Canvas answers, row by row (docs/lms/canvas.md).

UNAUTHENTICATED = {"www-authenticate": 'Bearer realm="canvas-lms"'}


@pytest.mark.parametrize(
    ("status", "headers", "body", "error"),
    [
        (404, {}, '{"errors":[{"message":"The specified resource does not exist."}]}', Gone("assignment")),
        (404, {}, "<html>", Gone("assignment")),
        (400, {}, '{"error":"Student must be enrolled in the course as a student to be graded"}', Gone("student")),
        (400, {}, '{"error":"Grader must be enrolled as a course admin"}', Gone("grader")),
        (400, {}, '{"errors":{"name":[{"type":"too_long","message":"is too long"}]}}', Refused("INVALID_TITLE", "Canvas finds the title too long")),
        (400, {}, '{"errors":{"assignment[due_at]":[{"message":"x"}]}}', Refused("INVALID_DUE_DATE", "Canvas does not take the due date")),
        (400, {}, '{"errors":["unknown student ids: [\\"9\\"]"]}', Refused("INVALID_ASSIGNEES", "Canvas does not take the assignees")),
        (400, {}, '{"error":"Cannot simultaneously grade and excuse an assignment"}', Refused("INVALID_GRADE", "Canvas cannot grade and excuse a student at once")),
        (400, {}, '{"message":"Invalid submission[submission_type] given"}', Refused("INVALID_ATTACHMENT", "Canvas does not take work of this kind for the assignment")),
        (400, {}, '{"message":"No valid file ids given"}', Refused("INVALID_ATTACHMENT", "Canvas does not take the file")),
        (400, {}, '{"errors":[{"message":"assignment is missing"}]}', Refused("REFUSED_BY_LMS", "Canvas does not take the values")),
        (409, {}, '{"message":"Assignment already exists"}', Refused("REFUSED_BY_LMS", "Canvas does not take the values")),
        (422, {}, '{"errors":"odd"}', Refused("REFUSED_BY_LMS", "Canvas does not take the values")),
    ],
)  # fmt: skip
def test_what_canvas_says_is_told_as(
    status: int, headers: dict[str, str], body: str, error: LmsError
) -> None:
    told = errors.refusal(Reply(status, headers, body.encode()), "assignment")
    assert (type(told), str(told)) == (type(error), str(error))


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, '{"error":"Cannot grade this submission at this time: assignment is unpublished"}', "NOT_GRADABLE"),
        (403, '{"error":"Cannot grade this submission at this time: x"}', "NOT_GRADABLE"),
        (403, '{"errors":{"due_at":[{"message":"in a closed grading period"}]}}', "CLOSED_GRADING_PERIOD"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_now_is_refused(status: int, body: str, code: str) -> None:
    told = errors.refusal(Reply(status, {}, body.encode()), "assignment")
    assert (type(told), str(told).partition(":")[0]) == (Refused, code)


@pytest.mark.parametrize(
    ("status", "headers", "body", "broken"),
    [
        (401, UNAUTHENTICATED, '{"errors":[{"message":"Revoked access token."}]}', True),
        (401, UNAUTHENTICATED, '{"errors":[{"message":"Invalid access token."}]}', True),
        (401, {}, '{"errors":[{"message":"Insufficient scopes on access token."}]}', False),
        (401, {}, '{"status":"unauthorized","errors":[{"message":"user not authorized"}]}', False),
        (403, {}, '{"status":"unauthorized","errors":[{"message":"user not authorized"}]}', False),
        (401, {}, '{"errors":"Invalid as_user_id"}', False),
    ],
)  # fmt: skip
def test_missing_rights_are_the_districts_to_mend(
    status: int, headers: dict[str, str], body: str, broken: bool
) -> None:
    told = errors.refusal(Reply(status, headers, body.encode()), "assignment")
    assert isinstance(told, NotAllowed)
    assert told.credentials is broken


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "7", '{"errors":null}', '{"errors":[1,{"a":2}]}', "\x00", "{" * 9000]
)
def test_no_refusal_of_canvas_can_surprise(body: str) -> None:
    for status in (400, 401, 403, 404, 405, 418, 422):
        assert isinstance(errors.refusal(Reply(status, {}, body.encode()), "assignment"), LmsError)


@pytest.mark.parametrize("body", [b"null", b"[]", b"7", b'"x"', b"{}", b'{"id":null}', b'{"id":{}}'])
def test_an_answer_that_is_not_as_expected_is_a_fault_of_the_lms(lms: Lms, body: bytes) -> None:
    assignment = lms.create().lms_id
    real = simulator(lms).answer

    async def odd(request: Any) -> Any:
        reply = await real(request)
        return replace(reply, body=body) if reply.status == 200 else reply

    simulator(lms).answer = odd  # type: ignore[method-assign]
    with pytest.raises(LmsError):
        lms.run(lms.connector.read_assignment(lms.section, assignment))


# Assignments.


def test_a_section_of_a_course_with_several_is_given_an_override(lms: Lms) -> None:
    created = lms.create(lms.other_section)
    record = simulator(lms).records.get("assignments", created.lms_id) or {}
    section = lms.other_section.partition("/")[2]
    assert (record["only_visible_to_overrides"], [it["course_section_id"] for it in record["overrides"]]) == (
        True, [int(section)],
    )  # fmt: skip
    assert (created.due_date, created.assignee_mode, record["due_at"]) == (NOW + 7 * DAY, "all", None)


def test_a_changed_due_date_does_not_give_it_to_everyone(lms: Lms) -> None:
    created = lms.create(assignee_mode="individuals", assignee_ids=tuple(lms.students[:2]))
    changed = lms.change(created.lms_id, due_date=NOW + 9 * DAY)
    assert (changed.due_date, changed.assignee_mode, changed.assignee_ids) == (
        NOW + 9 * DAY, "individuals", tuple(lms.students[:2]),
    )  # fmt: skip


@pytest.mark.parametrize("section", ["section", "other_section"])
def test_assignees_are_changed_there_and_back(lms: Lms, section: str) -> None:
    where = getattr(lms, section)
    students = lms.students if section == "section" else [lms.other_student]
    created = lms.create(where)
    connector = lms.connector
    one = lms.run(
        connector.update_assignment(
            where, created.lms_id, AssignmentFields(assignee_mode="individuals", assignee_ids=(students[0],))
        )
    )
    back = lms.run(connector.update_assignment(where, created.lms_id, AssignmentFields(assignee_mode="all")))
    assert (one.assignee_ids, one.due_date, back.assignee_mode, back.due_date) == (
        (students[0],), NOW + 7 * DAY, "all", NOW + 7 * DAY,
    )  # fmt: skip


def test_a_due_date_of_ones_own_survives_a_change_of_the_others(lms: Lms) -> None:
    created = lms.create(assignee_mode="individuals", assignee_ids=tuple(lms.students[:2]))
    lms.grade(created.lms_id, override_due_date=NOW + 20 * DAY)
    changed = lms.change(created.lms_id, due_date=NOW + 8 * DAY)
    assert (changed.due_date, set(changed.assignee_ids)) == (NOW + 8 * DAY, set(lms.students[:2]))
    assert [lms.read(created.lms_id, it).override_due_date for it in lms.students[:2]] == [
        NOW + 20 * DAY,
        None,
    ]


def test_the_only_assignee_may_have_a_due_date_of_her_own(lms: Lms) -> None:
    created = lms.create(assignee_mode="individuals", assignee_ids=(lms.students[0],))
    changed = lms.grade(created.lms_id, override_due_date=NOW + 20 * DAY)
    again = lms.run(lms.connector.read_assignment(lms.section, created.lms_id))
    assert (changed.override_due_date, again.due_date, again.assignee_ids) == (
        NOW + 20 * DAY, NOW + 7 * DAY, (lms.students[0],),
    )  # fmt: skip


def test_attachments_stand_behind_the_description_and_come_back(lms: Lms) -> None:
    given = (
        Attachment(
            type="link", url="https://app.example/a?x=1&y=2", title='The "task"', description="Read it"
        ),
        Attachment(type="file", url="https://app.example/b.pdf"),
    )
    created = lms.create(attachments=given)
    record = simulator(lms).records.get("assignments", created.lms_id) or {}
    assert (created.attachments, created.description) == (given, "<p>Two pages</p>")
    assert "https://app.example/b.pdf" in record["description"]
    changed = lms.change(created.lms_id, description="<p>Three</p>")
    assert (changed.attachments, changed.description) == (given, "<p>Three</p>")
    assert lms.change(created.lms_id, attachments=()).attachments == ()


def test_milliseconds_come_back_as_long_as_canvas_has_what_was_sent(lms: Lms) -> None:
    created = lms.create(due_date=NOW + 7 * DAY + 123)
    assert created.due_date == NOW + 7 * DAY + 123
    simulator(lms).ui_change_assignment(created.lms_id, due_at=NOW + 8 * DAY)
    assert lms.run(lms.connector.read_assignment(lms.section, created.lms_id)).due_date == NOW + 8 * DAY


def test_a_scheme_of_the_districts_own_is_shown_and_graded_with(lms: Lms) -> None:
    created = lms.create(grading_type="letter_grade")
    simulator(lms).ui_change_assignment(created.lms_id, grading_standard_id=COURSE_STANDARD)
    held = lms.run(lms.connector.read_assignment(lms.section, created.lms_id))
    assert [(it.name, int(it.value)) for it in held.grading_scale][:2] == [("1", 90), ("2", 75)]
    with pytest.raises(Refused, match=r"INVALID_GRADE: 'A' is not a letter of the grading scale \[1 2 3 4\]"):
        lms.grade(created.lms_id, grade="A")
    assert lms.grade(created.lms_id, grade="2").grade == "2"
    # Points are points, also where the scheme has a level of that name.
    assert lms.grade(created.lms_id, grade_points=Decimal(2)).grade_points == 2


def test_a_discussion_stands_alone(lms: Lms) -> None:
    assert lms.create(submission_types=("discussion",)).submission_types == ("discussion",)
    with pytest.raises(Unsupported, match="submission type of discussion together with others"):
        lms.create(submission_types=("discussion", "file"))


def test_a_teachers_draft_is_one(lms: Lms) -> None:
    created = lms.create()
    simulator(lms).ui_change_assignment(created.lms_id, published=False)
    held = lms.run(lms.connector.read_assignment(lms.section, created.lms_id))
    assert held.published is False
    with pytest.raises(Refused, match="NOT_GRADABLE"):
        lms.grade(created.lms_id, grade_points=Decimal(1))


def test_a_mark_by_sis_id_finds_what_was_created_whatever_became_of_it() -> None:
    with canvas(sis_mark="yes") as lms:
        mark = str(uuid7())
        lms.served.fail("error-after", method="POST")
        with pytest.raises(Unavailable):
            lms.run(lms.connector.create_assignment(lms.section, ESSAY, mark))
        simulator(lms).ui_change_assignment("501", name="Renamed")
        again = lms.run(lms.connector.create_assignment(lms.section, ESSAY, mark))
        assert (again.lms_id, again.title) == ("501", "Renamed")


def test_what_was_created_is_not_confused_with_what_is_like_it(lms: Lms) -> None:
    alike = lms.create()
    found = lms.run(lms.connector.find_assignment(lms.section, ESSAY, str(uuid7()), NOW, {alike.lms_id}))
    older = lms.run(lms.connector.find_assignment(lms.section, ESSAY, str(uuid7()), NOW + HOUR, ()))
    assert (found, older) == (None, None)


def test_a_section_that_was_moved_to_another_course_is_gone(lms: Lms) -> None:
    lms.create()
    record = simulator(lms).records.get("sections", lms.section.partition("/")[2]) or {}
    simulator(lms).records.put("sections", record["id"], {**record, "course_id": 108})
    with lms.another() as fresh, pytest.raises(Gone, match="section"):
        lms.run(fresh.create_assignment(lms.section, ESSAY, str(uuid7())))


# Grades.


@pytest.mark.parametrize(
    ("kind", "grade_text", "points", "shown"),
    [
        ("percent", "85%", 17, "85%"), ("pass_fail", "pass", 20, "pass"), ("pass_fail", "fail", 0, "fail"),
        ("letter_grade", "A-", Decimal("18.6"), "A-"), ("points", "7.5", Decimal("7.5"), "7.5"),
    ],
)  # fmt: skip
def test_grades_in_words(lms: Lms, kind: str, grade_text: str, points: Decimal, shown: str) -> None:
    assignment = lms.create(grading_type=kind).lms_id
    changed = lms.grade(assignment, grade=grade_text)
    assert (changed.grade_points, changed.grade, changed.state) == (points, shown, "returned")


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
    with pytest.raises(Refused, match="INVALID_GRADE"):
        lms.grade(assignment, **fields)
    assert lms.read(assignment).grade_points is None


def test_a_grade_that_canvas_did_not_take_is_told(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment)  # what grading needs is known from here on
    simulator(lms).ui_change_assignment(assignment, grading_type="pass_fail")
    with pytest.raises(Refused, match="INVALID_GRADE: Canvas does not take the grade"):
        lms.grade(assignment, grade_points=Decimal(7))


def test_a_grade_is_taken_away(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(7))
    cleared = lms.grade(assignment, grade="")
    assert (cleared.grade, cleared.grade_points) == (None, None)


def test_late_work_shows_what_canvas_left_of_it(lms: Lms) -> None:
    simulator(lms).ui_set_late_policy("107", 10)
    assignment = lms.create().lms_id
    assert lms.grade(assignment, flags=frozenset({"late"})).flags == ("late",)
    assert lms.grade(assignment, grade_points=Decimal(20)).grade_points == 18
    assert lms.grade(assignment, flags=frozenset()).flags == ()


def test_late_and_missing_exclude_each_other(lms: Lms) -> None:
    with pytest.raises(Refused, match="INVALID_FLAGS"):
        lms.grade(lms.create().lms_id, flags=frozenset({"late", "missing"}))


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


def test_without_the_right_to_act_the_grader_is_remembered(lms: Lms) -> None:
    lms.set(can_masquerade=False)
    assignment = lms.create().lms_id
    assert lms.grade(assignment, grade_points=Decimal(5), grader_id=lms.teacher).grader_id == lms.teacher
    assert lms.read(assignment).grader_id == lms.teacher


def test_hidden_grades_are_not_returned_until_they_are_posted(lms: Lms) -> None:
    lms.set(manual_post_policy=True)
    assignment = lms.create().lms_id
    assert lms.grade(assignment, grade_points=Decimal(5)).state == "created"
    with pytest.raises(Refused, match="NOT_POSTED"):
        lms.grade(assignment, state="returned")


def test_returning_posts_the_grades_where_the_district_wants_that() -> None:
    with canvas(post_grades="yes") as lms:
        lms.set(manual_post_policy=True)
        assignment = lms.create().lms_id
        assert lms.grade(assignment, grade_points=Decimal(5), state="returned").state == "returned"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"state": "returned"}, Refused), ({"state": "reclaimed"}, Refused), ({"state": "submitted"}, Refused),
        ({"extra_attempts": 1, "state": "reclaimed"}, Refused),
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
    with pytest.raises(Refused, match="INVALID_ATTACHMENT: Canvas cannot fetch the file"):
        lms.grade(assignment, state="submitted", attachments=work)


@pytest.mark.parametrize(
    "work",
    [
        (Attachment(type="text", text="x"), Attachment(type="link", url="https://app.example")),
        (Attachment(type="link", url="https://app.example/1"), Attachment(type="link", url="https://app.example/2")),
        (Attachment(type="link", url="https://app.example/1"),),
    ],
)  # fmt: skip
def test_work_that_canvas_cannot_take_is_refused(lms: Lms, work: tuple[Attachment, ...]) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    with pytest.raises(Refused, match="INVALID_ATTACHMENT"):
        lms.grade(assignment, state="submitted", attachments=work)


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
    with pytest.raises(Refused, match="NO_ATTEMPTS_LEFT"):
        hand_in("Two")
    assert hand_in("Two", extra_attempts=1).extra_attempts == 1


def test_nothing_is_handed_in_before_it_is_open(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",), display_date=NOW + DAY).lms_id
    with pytest.raises(Refused, match="ASSIGNMENT_LOCKED: the assignment takes no work yet"):
        lms.grade(assignment, state="submitted", attachments=(Attachment(type="text", text="Early"),))


def test_nothing_is_handed_in_once_it_is_locked(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",), end_date=NOW + 8 * DAY).lms_id
    lms.clock.advance(days=9)
    with pytest.raises(Refused, match="ASSIGNMENT_LOCKED"):
        lms.grade(assignment, state="submitted", attachments=(Attachment(type="text", text="x"),))


# Calls, many at once, credentials.


def test_a_grade_is_one_call(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    lms.calls()
    for student in lms.students[1:11]:
        lms.grade(assignment, student, grade_points=Decimal(2))
    assert len(lms.calls()) == 10


def test_many_grades_are_a_handful_of_calls(lms: Lms) -> None:
    lms.set(bulk_polls=2)
    assignment = lms.create().lms_id
    changes = [
        (student, SubmissionFields(grade_points=Decimal(number), grade_comment="Seen", grader_id=lms.teacher))
        for number, student in enumerate(lms.students)
    ]
    lms.calls()
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    made = lms.calls()
    assert [outcome.grade_points for outcome in outcomes if isinstance(outcome, Submission)] == list(
        range(30)
    )
    assert {outcome.grader_id for outcome in outcomes if isinstance(outcome, Submission)} == {lms.teacher}
    assert sum("update_grades" in it for it in made) == 1
    assert len(made) <= 8


@pytest.mark.parametrize("trouble", ["bulk_fails", "error-before", "error-after", "timeout-after"])
def test_where_the_bulk_update_fails_every_student_is_graded_all_the_same(lms: Lms, trouble: str) -> None:
    assignment = lms.create().lms_id
    if trouble == "bulk_fails":
        lms.set(bulk_fails=True)
    else:
        lms.served.fail(trouble, method="POST", path="update_grades$")
    changes = [
        (student, SubmissionFields(grade_points=Decimal(3), grade_comment="Seen"))
        for student in lms.students[:4]
    ]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert [getattr(outcome, "grade_points", None) for outcome in outcomes] == [3, 3, 3, 3]
    assert [comments(lms, assignment, student) for student in lms.students[:4]] == [["Seen"]] * 4


def signed_in(lms: Lms) -> dict[str, str]:
    """What a sign-in in the browser gives."""
    assert KIND.sign_in is not None
    given = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    address, callback = f"{lms.served.url}/", "http://127.0.0.1:8765/callback"
    page, begun = lms.run(KIND.sign_in.begin(address, given, callback))
    query = dict(parse_qsl(urlsplit(page).query))
    accepted = httpx2.post(
        f"{lms.served.url}/login/oauth2/accept", data={**query, "allow": "1"}, follow_redirects=False
    )
    back = dict(parse_qsl(urlsplit(accepted.headers["location"]).query))
    return {**given, **lms.run(KIND.sign_in.finish(address, given, callback, begun, back))}


def test_whoever_signed_in_lets_us_in_and_tokens_are_renewed(lms: Lms) -> None:
    with lms.another(signed_in(lms)) as connector:
        created = lms.run(connector.create_assignment(lms.section, ESSAY, str(uuid7())))
        lms.calls()
        for _ in range(3):
            lms.run(connector.read_assignment(lms.section, created.lms_id))
        lms.clock.advance(hours=2)
        lms.run(connector.read_assignment(lms.section, created.lms_id))
    assert sum("oauth2/token" in it for it in lms.calls()) == 1


def test_a_refresh_token_that_was_taken_back_breaks_the_connection(lms: Lms) -> None:
    given = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": "gone"}
    with lms.another(given) as connector, pytest.raises(NotAllowed) as caught:
        lms.run(connector.read_assignment(lms.section, "1"))
    assert (caught.value.credentials, "gone" in str(caught.value)) == (True, False)


@pytest.mark.parametrize("query", [{"state": "other", "code": "x"}, {"error": "access_denied"}, {}])
def test_a_sign_in_that_was_not_begun_here_or_was_refused_gives_nothing(
    lms: Lms, query: dict[str, str]
) -> None:
    assert KIND.sign_in is not None
    address = f"{lms.served.url}/"
    _, begun = lms.run(
        KIND.sign_in.begin(address, {"client_id": CLIENT_ID}, "http://127.0.0.1:8765/callback")
    )
    back = query if "state" in query else {**query, "state": begun["state"]}
    with pytest.raises(NotAllowed):
        lms.run(KIND.sign_in.finish(address, {}, "http://127.0.0.1:8765/callback", begun, back))


def test_each_missing_right_is_named_with_its_remedy(lms: Lms) -> None:
    lms.set(can_masquerade=False, can_read_sis=False)
    findings = lms.run(lms.connector.check())
    bad = {finding.what: finding.remedy or "" for finding in findings if not finding.good}
    assert set(bad) == {
        "may not read SIS ids, by which people are matched",
        "may not grade as the teacher who is named, and hand in as a student",
    }
    assert all("permission '" in remedy for remedy in bad.values())


def test_a_teachers_own_token_reaches_her_courses_alone(lms: Lms) -> None:
    token = simulator(lms).issue_token(lms.teacher)
    with lms.another({"access_token": token}) as connector:
        places = lms.run(connector.read_sections())
        findings = lms.run(connector.check())
    assert ([place.id for place in places], [finding.good for finding in findings]) == (
        [lms.section],
        [True, False],
    )


def test_the_test_student_and_parents_are_nobodys_match(lms: Lms) -> None:
    people = lms.run(lms.connector.read_people(lms.section))
    assert len([person for person in people if person.role == "student"]) == 30
    assert people[0].sis_id == "student-001001"
    assert people[0].email == "ada.abbott@district-ca.example"
