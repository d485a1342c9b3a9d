"""What the connector makes of a Canvas that answers one thing and does another, or refuses once what it allows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.clock import DAY
from passback.domain.submission import SubmissionFields
from passback.lms.interface import RefusedByLms, Unavailable
from passback.lms.verified import Verified
from passback.testing.lms import ESSAY, LINK, TEXT, Lms
from passback_simulators.canvas.replies import unauthorized
from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from support.canvas import canvas, comments, simulator
from support.sandbox import NOW


@pytest.fixture
def lms() -> Iterator[Lms]:
    with canvas() as served:
        yield served


Answer = Callable[[Reply], Reply]


def answering(
    lms: Lms, method: str, path: str, answer: Answer, times: int = 1, *, reaches: bool = True
) -> None:
    """Have Canvas answer the next requests otherwise; `reaches` says whether they take effect."""
    served, left = simulator(lms), [times]
    real = served.answer

    async def spoilt(request: Request) -> Reply:
        if request.method != method or not re.search(path, request.path) or left[0] == 0:
            return await real(request)
        left[0] -= 1
        return answer(await real(request)) if reaches else answer(json_reply(200, {}))

    served.answer = spoilt  # type: ignore[method-assign]


def with_values(**values: Any) -> Answer:
    """An answer with some other values."""
    return lambda reply: replace(reply, body=json.dumps({**json.loads(reply.body), **values}).encode())


def fixed(content: Any) -> Answer:
    return lambda _: json_reply(200, content)


def refused(status: int) -> Answer:
    return lambda _: unauthorized(status).reply


# Refusals.


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "fields",
    [
        {"grade_points": Decimal(5)},
        {"grade_points": Decimal(5), "grade_comment": "Good"},
        {"flags": frozenset({"excused"})},
        {"extra_attempts": 2},
        {"override_due_date": NOW + 9 * DAY},
        {"state": "submitted", "attachments": (TEXT,)},
    ],
)
def test_what_canvas_refuses_once_is_done(lms: Lms, fields: Mapping[str, Any], status: int) -> None:
    assignment = lms.create(submission_types=("text",), max_attempts=1).lms_id
    lms.read(assignment)
    for method in ("PUT", "POST"):
        answering(lms, method, "/assignments/", refused(status), reaches=False)
    changed = lms.grade(assignment, **fields)
    assert {name: getattr(changed, name) for name in fields if name != "flags"} == {
        name: value for name, value in fields.items() if name != "flags"
    }


def test_a_teacher_whom_canvas_refuses_once_is_the_grader(lms: Lms) -> None:
    assignment = lms.create().lms_id
    answering(lms, "PUT", "/submissions/", refused(403), reaches=False)
    lms.grade(assignment, grade_points=Decimal(5), grader_id=lms.teacher)
    record = simulator(lms).records.get("submissions", f"{assignment}/{lms.students[0]}")
    assert record is not None
    assert record["grader_id"] == int(lms.teacher)


def test_what_a_teacher_has_just_changed_is_looked_at_before_a_grade_is_refused(lms: Lms) -> None:
    assignment = lms.create(grading_type="pass_fail").lms_id
    lms.grade(assignment)  # what grading needs is known from here on
    simulator(lms).ui_change_assignment(assignment, grading_type="points")
    assert lms.grade(assignment, grade_points=Decimal(7)).grade_points == 7


# Answers that show something else.


def test_a_grade_of_another_student_is_not_taken_for_the_one_that_was_given(lms: Lms) -> None:
    assignment = lms.create().lms_id
    for method in ("PUT", "GET"):
        answering(lms, method, "/submissions/", with_values(user_id=lms.students[1]), times=2)
    with pytest.raises(Unavailable):
        lms.grade(assignment, grade_points=Decimal(5))


def test_another_assignment_is_not_taken_for_the_one_that_was_asked_for(lms: Lms) -> None:
    one, other = lms.create().lms_id, lms.create(title="Other").lms_id
    answering(lms, "GET", f"/assignments/{one}", with_values(id=other))
    with pytest.raises(Unavailable):
        lms.assignment(one)


@pytest.mark.parametrize("answer", [fixed({}), fixed([]), fixed({"id": "1", "user_id": "3001001"})])
def test_a_grade_whose_answer_does_not_show_it_is_read(lms: Lms, answer: Answer) -> None:
    assignment = lms.create().lms_id
    answering(lms, "PUT", "/submissions/", answer)
    if answer(json_reply(200, None)).body == b"[]":
        with pytest.raises(Unavailable):
            lms.grade(assignment, grade_points=Decimal(5))
    else:
        assert lms.grade(assignment, grade_points=Decimal(5)).grade_points == 5


def test_a_grade_that_canvas_drops_once_is_sent_again(lms: Lms) -> None:
    assignment = lms.create(grading_type="letter_grade").lms_id
    nothing = with_values(entered_grade=None, entered_score=None, grade=None, score=None)
    answering(lms, "PUT", "/submissions/", nothing)
    assert lms.grade(assignment, grade="A").grade == "A"


def test_a_grade_that_canvas_never_says_that_it_drops_is_not_refused(lms: Lms) -> None:
    assignment = lms.create().lms_id
    answering(lms, "PUT", "/submissions/", fixed({}), times=9, reaches=False)
    with pytest.raises(Unavailable):
        lms.grade(assignment, grade_points=Decimal(5))
    no_number = dict.fromkeys(("entered_grade", "entered_score", "grade", "score"), float("nan"))
    answering(lms, "PUT", "/submissions/", with_values(**no_number), times=9)
    with pytest.raises(Unavailable):
        lms.grade(assignment, grade_points=Decimal(5))


def test_what_canvas_makes_of_a_grade_is_shown_with_a_warning(lms: Lms) -> None:
    assignment = lms.create().lms_id
    less = with_values(entered_score=15.0, score=15.0, entered_grade="15", grade="15")
    for method in ("PUT", "GET"):
        answering(lms, method, "/submissions/", less, times=9)
    assert lms.connection is not None
    with lms.another() as connector:
        verified = Verified(connector, lms.connection.timer)
        fields = SubmissionFields(grade_points=Decimal(17))
        kept = lms.run(verified.update_submission(lms.section, assignment, lms.students[0], fields))
    assert (kept.grade_points, kept.warnings) == (Decimal(15), ("SCORE_CHANGED_BY_LMS",))


def test_points_deducted_for_late_work_are_a_warning_and_cost_no_call(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    answering(lms, "PUT", "/submissions/", with_values(score=18.0, grade="18"))
    lms.calls()
    assert lms.connection is not None
    verified = Verified(lms.connector, lms.connection.timer)
    fields = SubmissionFields(grade_points=Decimal(20))
    kept = lms.run(verified.update_submission(lms.section, assignment, lms.students[0], fields))
    assert (kept.grade_points, kept.warnings) == (Decimal(18), ("SCORE_CHANGED_BY_LMS",))
    assert len(lms.calls()) == 1


def test_a_comment_that_canvas_does_not_keep_has_not_arrived(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(5), grade_comment="Good")
    answering(lms, "PUT", "/submissions/", fixed({}), reaches=False)
    with pytest.raises(Unavailable) as caught:
        lms.grade(assignment, grade_comment="Better")
    assert caught.value.in_doubt
    lms.grade(assignment, grade_comment="Better", comment_since=NOW)
    assert comments(lms, assignment) == ["Good", "Better"]


# Own due dates, attempts, work.


def test_a_comment_whose_answer_was_lost_and_that_is_shown_late_is_left_once(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_comment="Good")
    answering(lms, "GET", "/submissions/", with_values(submission_comments=[]), times=2)
    assert lms.connection is not None
    verified = Verified(lms.connector, lms.connection.timer)
    again = SubmissionFields(grade_comment="Good", comment_since=NOW)
    lms.run(verified.update_submission(lms.section, assignment, lms.students[0], again))
    assert comments(lms, assignment) == ["Good"]


def test_an_own_due_date_that_canvas_does_not_keep_is_not_shown(lms: Lms) -> None:
    assignment = lms.create().lms_id
    for method in ("PUT", "POST"):
        answering(lms, method, f"/assignments/{assignment}", fixed({}), reaches=False)
    assert lms.grade(assignment, override_due_date=NOW + 9 * DAY).override_due_date is None
    assert lms.read(assignment).override_due_date is None


def test_an_own_due_date_may_be_that_of_the_assignment(lms: Lms) -> None:
    created = lms.create()
    assert lms.grade(created.lms_id, override_due_date=created.due_date).override_due_date == created.due_date


def test_attempts_that_canvas_drops_once_are_given(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",), max_attempts=1).lms_id
    answering(lms, "POST", "/extensions", fixed({"assignment_extensions": []}), reaches=False)
    assert lms.grade(assignment, extra_attempts=2).extra_attempts == 2


def test_attempts_that_canvas_drops_twice_are_refused(lms: Lms) -> None:
    assignment = lms.create(submission_types=("text",), max_attempts=1).lms_id
    answering(lms, "POST", "/extensions", fixed({"assignment_extensions": []}), times=2, reaches=False)
    with pytest.raises(RefusedByLms, match="INVALID_ATTEMPTS"):
        lms.grade(assignment, extra_attempts=2)


@pytest.mark.parametrize("answer", [fixed({}), lambda _: Reply(202, b"{}")])
def test_work_that_does_not_appear_is_not_handed_in(lms: Lms, answer: Answer) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    lms.grade(assignment, state="submitted", attachments=(TEXT,))
    answering(lms, "POST", "/submissions", answer, reaches=False)
    other = Attachment(type="text", text="My other essay")
    with pytest.raises(Unavailable):
        lms.grade(assignment, state="submitted", attachments=(other,))
    assert lms.read(assignment).attachments == (TEXT,)
    assert lms.grade(assignment, state="submitted", attachments=(other,)).attachments == (other,)


@pytest.mark.parametrize(
    "work", [TEXT, LINK, Attachment(type="file", url="https://app.example/a.pdf", title="a.pdf")]
)
def test_work_whose_answers_are_all_lost_is_handed_in_once(lms: Lms, work: Attachment) -> None:
    assignment = lms.create(submission_types=(work.type,), max_attempts=3).lms_id
    lost: Answer = lambda _: Reply(503, b"")  # noqa: E731
    lms.read(assignment)

    def lose(reply: Reply) -> Reply:
        answering(lms, "GET", "/submissions/", lost, times=99)
        return lost(reply)

    real = simulator(lms).answer
    answering(lms, "POST", "/submissions$", lose)
    with pytest.raises(Unavailable):
        lms.grade(assignment, state="submitted", attachments=(work,))
    simulator(lms).answer = real  # type: ignore[method-assign]
    for file in simulator(lms).records.all("files"):
        own = {
            **file,
            "url": "https://district.instructure.com/files/77/download",
        }  # as the hosted one shows it
        simulator(lms).records.put("files", file["id"], own)
    lms.wait(60)  # Canvas has failed often enough to be given a rest
    assert lms.grade(assignment, state="submitted", attachments=(work,)).attachments == (work,)
    record = simulator(lms).records.get("submissions", f"{assignment}/{lms.students[0]}")
    assert record is not None
    assert record["attempt"] == 1


# Lists.


def test_a_list_of_sections_that_is_cut_once_gives_nobody_else_the_assignment(lms: Lms) -> None:
    course, section = lms.section.split("/")
    own = next(it for it in simulator(lms).records.all("sections") if str(it["id"]) == section)
    simulator(lms).records.put(
        "sections", "99", {**own, "id": 99, "name": "Another section", "sis_section_id": None}
    )

    def cut(reply: Reply) -> Reply:
        mine = [it for it in json.loads(reply.body) if str(it["id"]) == section]
        return replace(reply, body=json.dumps(mine).encode())

    answering(lms, "GET", f"/courses/{course}/sections", cut)
    assignment = lms.create().lms_id
    record = simulator(lms).records.get("assignments", int(assignment))
    assert record is not None
    assert record["only_visible_to_overrides"]


def test_an_audience_that_canvas_drops_when_it_makes_an_assignment_is_given_afterwards(lms: Lms) -> None:
    served = simulator(lms)
    real = served.answer

    async def dropping(request: Request) -> Reply:
        if request.method == "POST" and request.path.endswith("/assignments"):
            content = json.loads(request.body)
            for name in ("assignment_overrides", "only_visible_to_overrides"):
                content["assignment"].pop(name, None)
            request = replace(request, body=json.dumps(content).encode())
        return await real(request)

    served.answer = dropping  # type: ignore[method-assign]
    assert lms.connection is not None
    verified = Verified(lms.connector, lms.connection.timer)
    fields = replace(ESSAY, assignee_mode="individuals", assignee_ids=tuple(lms.students[:2]))
    made = lms.run(verified.create_assignment(lms.section, fields, "mark"))
    assert (made.assignee_mode, set(made.assignee_ids)) == ("individuals", set(lms.students[:2]))
    assert lms.assignment(made.lms_id).assignee_ids == made.assignee_ids


def test_what_a_list_shows_twice_is_met_once(lms: Lms) -> None:
    def doubled(reply: Reply) -> Reply:
        return replace(reply, body=json.dumps(json.loads(reply.body) * 2).encode())

    before = lms.places()
    answering(lms, "GET", "/sections", doubled, times=9)
    assert lms.places() == before


@pytest.mark.parametrize("page", [lambda content: [], lambda content: content])
def test_a_list_that_goes_on_without_anything_new_is_left(
    lms: Lms, page: Callable[[list[Any]], list[Any]]
) -> None:
    pages = iter(range(2, 999))

    def endless(reply: Reply) -> Reply:
        link = f'<{lms.served.url}/api/v1/courses?page={next(pages)}>; rel="next"'
        body = json.dumps(page(json.loads(reply.body))).encode()
        headers = tuple(it for it in reply.headers if it[0].lower() != "link")
        return Reply(reply.status, body, (*headers, ("Link", link)))

    answering(lms, "GET", "/accounts/1/courses", endless)
    answering(lms, "GET", "/courses$", endless, times=99)
    lms.calls()
    with pytest.raises(Unavailable, match="goes on"):
        lms.run(lms.connector.read_courses())
    assert len(lms.calls()) < 9


# Deleting, and what is kept in notes.


def test_what_canvas_only_says_that_it_deleted_keeps_what_it_has_no_place_for(lms: Lms) -> None:
    assignment = lms.create(term_id="T1").lms_id
    answering(lms, "DELETE", "/assignments/", fixed({}), reaches=False)
    lms.run(lms.connector.delete_assignment(lms.section, assignment))  # `Verified` looks whether it is true
    assert lms.assignment(assignment).term_id == "T1"


def test_what_was_made_and_is_not_shown_at_once_is_read_until_it_is(lms: Lms) -> None:
    def bare(reply: Reply) -> Reply:
        return json_reply(201, {"id": json.loads(reply.body)["id"]})

    answering(lms, "POST", "/assignments", bare)
    missing = Reply(404, b'{"errors":[{"message":"The specified resource does not exist."}]}')
    answering(lms, "GET", "/assignments/", lambda _: missing, times=2)
    assert lms.create().title == "Essay"


def test_a_change_is_what_canvas_shows_afterwards(lms: Lms) -> None:
    assignment = lms.create().lms_id
    answering(lms, "PUT", "/assignments/", fixed({}), reaches=False)
    change = lms.connector.update_assignment(lms.section, assignment, AssignmentFields(title="Other"))
    assert lms.run(change).title == "Essay"  # `Verified` sends it again
