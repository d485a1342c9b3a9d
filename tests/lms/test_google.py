"""The connector to Google Classroom: its own rows, beside the suite that all connectors pass."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace

from google_support import google
from lms_support import ESSAY, Lms
from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.clock import DAY, HOUR
from passback.domain.submission import SubmissionFields
from passback.lms.client import Reply
from passback.lms.connector import Gone, LmsError, NotAllowed, Refused, Unavailable, Unsupported
from passback.lms.google_classroom import KIND, dates, errors
from passback.lms.google_classroom.tokens import STUDENT_SCOPES, TEACHER_SCOPES
from passback.sandbox.identities import ALGEBRA, BIOLOGY
from passback.sandbox.simulators.google_classroom import seed
from passback.sandbox.simulators.google_classroom.simulator import ClassroomSimulator
from passback.sandbox.simulators.simulator import Reply as SimulatedReply
from support import NOW


@pytest.fixture
def lms() -> Iterator[Lms]:
    with google() as served:
        yield served


def simulator(lms: Lms) -> ClassroomSimulator:
    assert isinstance(lms.served.simulator, ClassroomSimulator)
    return lms.served.simulator


def record(lms: Lms, assignment: str) -> dict[str, Any]:
    """Course work as Classroom holds it."""
    return simulator(lms).records.get("course_work", assignment) or {}


# What Google answers, row by row (docs/lms/google_classroom.md).


def said(status: str, message: str) -> bytes:
    return json.dumps({"error": {"code": 0, "status": status, "message": message}}).encode()


@pytest.mark.parametrize(
    ("status", "name", "message", "error"),
    [
        (404, "NOT_FOUND", "Requested entity was not found.", Gone("assignment")),
        (403, "PERMISSION_DENIED", "@ProjectPermissionDenied The Developer Console project is not permitted.", Refused("NOT_OURS", "the assignment was made by another app or in Google Classroom: it can be read, never changed")),
        (400, "FAILED_PRECONDITION", "@CourseNotModifiable x", Refused("COURSE_ARCHIVED", "the course is archived in Google Classroom")),
        (400, "FAILED_PRECONDITION", "@AttachmentNotVisible x", Refused("INVALID_ATTACHMENT", "Google Classroom cannot see the attachment")),
        (400, "FAILED_PRECONDITION", "@EmptyAssignees x", Refused("INVALID_ASSIGNEES", "an assignment must be for someone")),
        (400, "FAILED_PRECONDITION", "Precondition check failed.", Refused("INVALID_STATE", "Google Classroom does not let this be done in its present state")),
        (400, "INVALID_ARGUMENT", "title must not be empty", Refused("INVALID_TITLE", "Google Classroom does not take the title")),
        (400, "INVALID_ARGUMENT", "due_date is in the past", Refused("INVALID_DUE_DATE", "Google Classroom does not take the due date")),
        (400, "INVALID_ARGUMENT", "maxPoints", Refused("INVALID_POINTS", "Google Classroom does not take the points")),
        (400, "INVALID_ARGUMENT", "assignedGrade", Refused("INVALID_GRADE", "Google Classroom does not take the grade")),
        (400, "INVALID_ARGUMENT", "Request contains an invalid argument.", Refused("REFUSED_BY_LMS", "Google Classroom does not take the values")),
    ],
)  # fmt: skip
def test_what_google_says_is_told_as(status: int, name: str, message: str, error: LmsError) -> None:
    told = errors.refusal(Reply(status, {}, said(name, message)), "assignment")
    assert (type(told), str(told)) == (type(error), str(error))


@pytest.mark.parametrize(
    ("status", "name", "message", "broken", "words"),
    [
        (401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", True, "access token"),
        (403, "PERMISSION_DENIED", "@ClassroomApiDisabled x", False, "turned Classroom, or its API, off"),
        (403, "PERMISSION_DENIED", "@ClassroomDisabled x", False, "turned Classroom, or its API, off"),
        (
            403,
            "PERMISSION_DENIED",
            "Request had insufficient authentication scopes.",
            False,
            "a scope is missing",
        ),
        (403, "PERMISSION_DENIED", "The caller does not have permission", False, "do they teach the course"),
    ],
)
def test_missing_rights_are_the_districts_to_mend(
    status: int, name: str, message: str, broken: bool, words: str
) -> None:
    told = errors.refusal(Reply(status, {}, said(name, message)), "assignment")
    assert isinstance(told, NotAllowed)
    assert (told.credentials, words in str(told)) == (broken, True)


@pytest.mark.parametrize(
    ("status", "body", "throttled"),
    [
        (429, b"", True),
        (403, b'{"error":{"errors":[{"reason":"rateLimitExceeded"}]}}', True),
        (403, b"{}", False),
    ],
)
def test_google_limits_us_in_two_ways(status: int, body: bytes, throttled: bool) -> None:
    assert errors.is_throttled(Reply(status, {}, body)) is throttled


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'{"error":7}', b'{"error":{"message":7}}', b"\x00", b"{" * 9000]
)
def test_no_refusal_of_google_can_surprise(body: bytes) -> None:
    for status in (400, 401, 403, 404, 405, 409, 412):
        assert isinstance(errors.refusal(Reply(status, {}, body), "assignment"), LmsError)


@pytest.mark.parametrize(
    "body", [b"null", b"[]", b"7", b'"x"', b"{}", b'{"id":null}', b'{"id":{}}', b"<html>", b""]
)
def test_an_answer_that_is_not_as_expected_is_a_fault_of_the_lms(lms: Lms, body: bytes) -> None:
    assignment = lms.create().lms_id
    real = simulator(lms).answer

    async def odd(request: Any) -> Any:
        reply = await real(request)
        return replace(reply, body=body) if reply.status == 200 and "/v1/" in request.path else reply

    simulator(lms).answer = odd  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        lms.assignment(assignment)
    with pytest.raises(Unavailable) as caught:
        lms.create()
    assert caught.value.in_doubt


# Due dates.


@pytest.mark.parametrize(
    ("content", "when"),
    [
        ({"dueDate": {"year": 2026, "month": 1, "day": 28}, "dueTime": {"hours": 18, "seconds": 24}}, 1_769_623_224_000),
        ({"dueDate": {"year": 2026, "month": 1, "day": 28}, "dueTime": {}}, 1_769_558_400_000),
        ({"dueDate": {"year": 2026, "month": 1, "day": 28}}, 1_769_558_400_000),
        ({}, None), ({"dueDate": {"year": 2026}}, None), ({"dueDate": "x"}, None),
    ],
)  # fmt: skip
def test_a_due_date_is_a_day_and_a_time_in_utc(content: dict[str, Any], when: int | None) -> None:
    assert dates.instant(content) == when
    assert when is None or dates.instant(dates.written(when)) == when


def test_milliseconds_come_back_as_long_as_google_has_what_was_sent(lms: Lms) -> None:
    created = lms.create(due_date=NOW + 7 * DAY + 123)
    assert created.due_date == NOW + 7 * DAY + 123
    simulator(lms).ui_change_assignment(created.lms_id, due=NOW + 8 * DAY)
    assert lms.assignment(created.lms_id).due_date == NOW + 8 * DAY


# Assignments.


def test_nobody_sees_an_assignment_that_is_half_made(lms: Lms) -> None:
    lms.served.fail("error-before", method="PATCH", times=None)
    with pytest.raises(Unavailable) as caught:
        lms.create()
    (work,) = simulator(lms).records.all("course_work")
    assert (caught.value.in_doubt, work["state"], work["description"].startswith("passback:")) == (
        True,
        "DRAFT",
        True,
    )


def test_a_draft_that_cannot_be_shown_does_not_stay(lms: Lms) -> None:
    real = simulator(lms).answer

    async def refuse(request: Any) -> Any:
        if request.method == "PATCH":
            return SimulatedReply(400, said("INVALID_ARGUMENT", "scheduledTime"))
        return await real(request)

    simulator(lms).answer = refuse  # type: ignore[method-assign]
    with pytest.raises(Refused, match="INVALID_DISPLAY_DATE"):
        lms.create(display_date=NOW + DAY)
    assert simulator(lms).records.all("course_work") == []


@pytest.mark.parametrize("fault", ["error-before", "error-after", "timeout-after"])
def test_a_draft_that_was_not_shown_is_found_and_shown(lms: Lms, fault: str) -> None:
    lms.served.fail(fault, method="PATCH", times=None)
    creation = lms.connector.create_assignment(lms.section, ESSAY, "mark")
    with pytest.raises(Unavailable):
        lms.run(creation)
    lms.served.control("DELETE", "faults")
    found = lms.run(lms.connector.find_assignment(lms.section, ESSAY, "mark", NOW, ()))
    assert found is not None
    assert (found.published, found.description, len(simulator(lms).records.all("course_work"))) == (
        True, "<p>Two pages</p>", 1,
    )  # fmt: skip


def test_what_is_alike_is_not_taken_for_what_was_created(lms: Lms) -> None:
    ours = lms.create()
    simulator(lms).ui_create_assignment(
        lms.section, "Essay", description="Two pages", due=NOW + 7 * DAY, max_points=20
    )
    find = lms.connector.find_assignment
    assert lms.run(find(lms.section, ESSAY, "mark", NOW, {ours.lms_id})) is None
    assert lms.run(find(lms.section, ESSAY, "mark", NOW + HOUR, ())) is None


def test_classroom_shows_plain_text_and_the_client_gets_its_html(lms: Lms) -> None:
    created = lms.create(description="<p>Read <b>all</b></p><p>Twice</p>")
    assert (record(lms, created.lms_id)["description"], created.description, created.description_plaintext) == (
        "Read all\n\nTwice", "<p>Read <b>all</b></p><p>Twice</p>", "Read all\n\nTwice",
    )  # fmt: skip
    simulator(lms).ui_change_assignment(created.lms_id, description="Other")
    assert lms.assignment(created.lms_id).description == "Other"


def test_what_classroom_has_no_place_for_is_kept(lms: Lms) -> None:
    given: dict[str, Any] = {"start_date": NOW, "end_date": NOW + 9 * DAY, "max_attempts": 2, "term_id": "t",
                             "submission_types": ("text", "link"), "grading_type": "percent"}  # fmt: skip
    created = lms.create(**given)
    lms.change(created.lms_id, title="Other")
    held = lms.assignment(created.lms_id)
    assert {name: getattr(held, name) for name in given} == given


@pytest.mark.parametrize(("kind", "points"), [("percent", 100), ("pass_fail", 1), ("points", None)])
def test_points_that_are_not_given(lms: Lms, kind: str, points: int | None) -> None:
    fields = AssignmentFields(title="Essay", description="x", due_date=NOW + DAY, grading_type=kind)
    created = lms.run(lms.connector.create_assignment(lms.section, fields, "mark"))
    assert (created.points_possible, created.grading_type) == (points, kind)
    if points is None:
        with pytest.raises(Refused, match="NOT_GRADED"):
            lms.grade(created.lms_id, grade_points=Decimal(1))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"grading_type": "letter_grade"}, Unsupported, "^Google Classroom does not support grading type of letter_grade$"),
        ({"points_possible": Decimal("10.5")}, Refused, "INVALID_POINTS"),
        ({"title": "x" * 3001}, Refused, "INVALID_TITLE"),
        ({"description": "x" * 30_001}, Refused, "INVALID_DESCRIPTION"),
        ({"attachments": tuple(Attachment("link", url=f"https://a.example/{n}") for n in range(21))}, Refused, "INVALID_ATTACHMENT"),
        ({"due_date": NOW - DAY}, Refused, "INVALID_DUE_DATE"),
        ({"assignee_mode": "individuals", "assignee_ids": ("999",)}, Refused, "INVALID_ASSIGNEES"),
    ],
)  # fmt: skip
def test_what_an_assignment_cannot_be(
    lms: Lms, changes: dict[str, Any], error: type[LmsError], words: str
) -> None:
    with pytest.raises(error, match=words):
        lms.create(**changes)
    assert simulator(lms).records.all("course_work") == []


def test_an_assignment_is_shown_when_it_shall_be(lms: Lms) -> None:
    created = lms.create(display_date=NOW + DAY + 5)
    assert (created.display_date, created.published, record(lms, created.lms_id)["state"]) == (
        NOW + DAY + 5, True, "DRAFT",
    )  # fmt: skip
    later = lms.change(created.lms_id, display_date=NOW + 2 * DAY)
    assert later.display_date == NOW + 2 * DAY
    lms.clock.advance(days=3)
    shown = lms.assignment(created.lms_id)
    assert (shown.display_date, shown.published) == (NOW + 2 * DAY, True)
    with pytest.raises(Refused, match="ALREADY_PUBLISHED"):
        lms.change(created.lms_id, display_date=NOW + 5 * DAY)


@pytest.mark.parametrize(
    ("topic", "found"), [("Unit 1", seed.TOPICS[ALGEBRA.digits]), ("Unit 9", None), ("", None)]
)
def test_a_new_assignment_stands_under_the_districts_topic(topic: str, found: str | None) -> None:
    with google(topic=topic) as lms:
        assert record(lms, lms.create().lms_id)["topic_id"] == found


def test_assignees_are_changed_there_and_back(lms: Lms) -> None:
    first, second, third = lms.students[:3]
    created = lms.create(assignee_mode="individuals", assignee_ids=(first, second))
    changed = lms.change(created.lms_id, assignee_ids=(second, third), title="Other")
    assert (set(changed.assignee_ids), changed.title) == ({second, third}, "Other")
    assert lms.change(created.lms_id, assignee_mode="all").assignee_mode == "all"
    assert set(
        lms.change(created.lms_id, assignee_mode="individuals", assignee_ids=(first,)).assignee_ids
    ) == {first}


def test_attachments_are_set_once(lms: Lms) -> None:
    given = (
        Attachment("link", url="https://app.example/a", title="A", description="Read"),
        Attachment("file", url="https://app.example/b.pdf"),
    )
    created = lms.create(attachments=given)
    assert (created.attachments, lms.change(created.lms_id, attachments=given).attachments) == (given, given)
    with pytest.raises(Unsupported, match="does not support changing attachments"):
        lms.change(created.lms_id, attachments=given[:1])


def test_many_are_read_by_one_list(lms: Lms) -> None:
    created = [lms.create(title=f"Essay {number}") for number in range(5)]
    lms.delete(created[4].lms_id)
    lms.calls()
    found = lms.run(lms.connector.read_assignments(lms.section, [it.lms_id for it in created]))
    assert (list(found.values()), len(lms.calls())) == (created[:4], 1)


def test_what_another_app_or_a_teacher_made_can_be_read_never_changed(lms: Lms) -> None:
    theirs = simulator(lms).ui_create_assignment(lms.section, "By hand", max_points=10)
    assert lms.assignment(theirs).title == "By hand"
    with pytest.raises(Refused, match="NOT_OURS"):
        lms.change(theirs, title="Ours")
    with pytest.raises(Refused, match="NOT_OURS"):
        lms.grade(theirs, grade_points=Decimal(1))


def test_an_archived_course_takes_nothing(lms: Lms) -> None:
    with pytest.raises(Refused, match="COURSE_ARCHIVED"):
        lms.create(seed.ARCHIVED_COURSE)


def test_where_the_owner_is_gone_another_teacher_acts(lms: Lms) -> None:
    created = lms.create(seed.ORPHAN_COURSE)
    assert record(lms, created.lms_id)["creator"] == seed.person_lms_id(BIOLOGY.teacher)


# Grades.


@pytest.mark.parametrize(
    ("kind", "grade_text", "points", "shown"),
    [
        ("percent", "85%", 17, "85%"), ("pass_fail", "pass", 20, "pass"), ("pass_fail", "fail", 0, "fail"),
        ("points", "7.5", Decimal("7.5"), "7.5"),
    ],
)  # fmt: skip
def test_grades_in_words(lms: Lms, kind: str, grade_text: str, points: Decimal, shown: str) -> None:
    assignment = lms.create(grading_type=kind).lms_id
    changed = lms.grade(assignment, grade=grade_text)
    assert (changed.grade_points, changed.grade, changed.state) == (points, shown, "returned")


def test_points_come_back_exactly_though_google_keeps_two_decimals(lms: Lms) -> None:
    assignment = lms.create().lms_id
    assert lms.grade(assignment, grade_points=Decimal("12.345")).grade_points == Decimal("12.345")
    assert lms.read(assignment).grade_points == Decimal("12.345")
    simulator(lms).ui_grade(assignment, lms.students[0], 3)
    simulator(lms).ui_return(assignment, lms.students[0])
    assert lms.read(assignment).grade_points == 3


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


LINK = Attachment("link", url="https://app.example/work/1")


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
    with pytest.raises(Refused, match="INVALID_STATE: Google Classroom returns work only with a grade"):
        lms.grade(assignment, state="returned")
    with pytest.raises(Refused, match="INVALID_STATE: a submission cannot go from created to reclaimed"):
        lms.grade(assignment, state="reclaimed")


def test_students_have_a_submission_before_they_have_the_assignment(lms: Lms) -> None:
    first, second = lms.students[:2]
    scheduled = lms.create(display_date=NOW + DAY, assignee_mode="individuals", assignee_ids=(first,)).lms_id
    found = lms.run(lms.connector.read_submissions(lms.section, scheduled, [first, second]))
    assert [(it.student_id, it.state) for it in found.values()] == [(first, "created")]
    with pytest.raises(Refused, match="NOT_PUBLISHED: students do not have the assignment yet"):
        lms.grade(scheduled, state="submitted", attachments=(LINK,))
    with pytest.raises(Gone, match="student"):
        lms.grade(scheduled, second, grade_points=Decimal(1))


def test_late_work_and_missing_work(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.clock.advance(days=8)
    assert lms.read(assignment).flags == ("missing",)
    simulator(lms).ui_turn_in(assignment, lms.students[0])
    assert lms.read(assignment).flags == ("late",)


# Connecting.


def signed_in(lms: Lms, email: str) -> dict[str, str]:
    """What a teacher's sign-in with the browser gives."""
    assert KIND.sign_in is not None
    url, callback = lms.served.url, "http://127.0.0.1:8765/callback"
    given = {
        "client_id": seed.CLIENT_ID, "client_secret": seed.CLIENT_SECRET, "token_uri": f"{url}/token",
        "authorize_uri": f"{url}/o/oauth2/v2/auth",
    }  # fmt: skip
    page, begun = lms.run(KIND.sign_in.begin(url, given, callback))
    assert httpx2.get(page).status_code == 200
    query = dict(httpx2.URL(page).params)
    form = {**query, "scope": query["scope"].split(), "email": email, "decision": "allow"}
    back = httpx2.post(given["authorize_uri"], data=form)
    assert back.status_code in (302, 303), back.text
    query = dict(httpx2.URL(back.headers["location"]).params)
    return {**given, **lms.run(KIND.sign_in.finish(url, given, callback, begun, query))}


def test_a_teacher_signs_in_and_works_in_her_own_courses(lms: Lms) -> None:
    email = seed.person_email(ALGEBRA.teacher)
    given = signed_in(lms, email)
    with lms.another(given, token_uri=given["token_uri"]) as connector:
        places = lms.run(connector.read_sections())
        created = lms.run(connector.create_assignment(lms.section, ESSAY, "mark"))
        fields = SubmissionFields(grade_points=Decimal(5), grader_id=lms.teacher)
        graded = lms.run(connector.update_submission(lms.section, created.lms_id, lms.students[0], fields))
        work = SubmissionFields(state="submitted", attachments=(LINK,))
        with pytest.raises(Refused, match="STUDENT_NOT_SIGNED_IN"):
            lms.run(connector.update_submission(lms.section, created.lms_id, lms.students[0], work))
        findings = lms.run(connector.check())
    assert ([place.id for place in places], graded.grader_id) == ([lms.section], lms.teacher)
    assert [finding.what for finding in findings if not finding.good] == []


def test_a_refresh_token_that_was_taken_back_breaks_the_connection(lms: Lms) -> None:
    given = signed_in(lms, seed.person_email(ALGEBRA.teacher))
    simulator(lms).ui_revoke_grants(lms.teacher)
    with lms.another(given, token_uri=given["token_uri"]) as connector, pytest.raises(NotAllowed) as caught:
        lms.run(connector.read_assignment(lms.section, "1"))
    assert (caught.value.credentials, given["refresh_token"] in str(caught.value)) == (True, False)


@pytest.mark.parametrize("query", [{"state": "other", "code": "x"}, {"error": "access_denied"}, {}])
def test_a_sign_in_that_was_not_begun_here_or_was_refused_gives_nothing(
    lms: Lms, query: dict[str, str]
) -> None:
    assert KIND.sign_in is not None
    _, begun = lms.run(
        KIND.sign_in.begin("", {"client_id": seed.CLIENT_ID}, "http://127.0.0.1:8765/callback")
    )
    back = query if "state" in query else {**query, "state": begun["state"]}
    with pytest.raises(NotAllowed):
        lms.run(KIND.sign_in.finish("", {}, "http://127.0.0.1:8765/callback", begun, back))


@pytest.mark.parametrize("key", ["", "not json", "[]", "{}", '{"private_key": "x"}'])
def test_a_key_file_that_is_none_is_refused_in_words(lms: Lms, key: str) -> None:
    with lms.another({"service_account": key}, admin_email=seed.person_email(seed.ADMIN)) as connector:
        (finding,) = lms.run(connector.check())
        with pytest.raises(NotAllowed) as caught:
            lms.run(connector.read_assignment(lms.section, "1"))
    assert (finding.good, caught.value.credentials) == (False, True)


def test_a_scope_that_is_not_delegated_is_named(lms: Lms) -> None:
    lms.set(delegated_scopes=list(TEACHER_SCOPES))
    bad = [finding for finding in lms.run(lms.connector.check()) if not finding.good]
    assert [(it.what, STUDENT_SCOPES[0] in (it.remedy or "")) for it in bad] == [
        ("may not hand in work as a student", True)
    ]


def test_without_delegation_the_scopes_to_delegate_are_named(lms: Lms) -> None:
    lms.set(delegation=False)
    (finding,) = lms.run(lms.connector.check())
    assert (finding.good, all(scope in (finding.remedy or "") for scope in TEACHER_SCOPES)) == (False, True)


def test_a_key_of_another_project_is_told_before_it_does_harm(lms: Lms) -> None:
    lms.create()
    other = simulator(lms).service_account_key(lms.served.url, seed.OTHER_PROJECT)
    with lms.another({"service_account": json.dumps(other)}) as connector:
        bad = [finding.what for finding in lms.run(connector.check()) if not finding.good]
    assert bad == [f"the assignments so far belong to another project, {seed.PROJECT}"]


def test_tokens_are_fetched_once_for_each_teacher_and_renewed(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.calls()
    for _ in range(3):
        lms.assignment(assignment)
    assert not [it for it in lms.calls() if "/token" in it]
    lms.clock.advance(hours=2)
    lms.assignment(assignment)
    assert sum("/token" in it for it in lms.calls()) == 1


def test_sections_are_known_by_their_alias(lms: Lms) -> None:
    places = {place.id: place for place in lms.run(lms.connector.read_sections())}
    assert (places[lms.section].sis_id, seed.ARCHIVED_COURSE in places) == ("section-7", False)


def test_pages_of_any_size_are_read_to_their_end(lms: Lms) -> None:
    lms.set(short_pages=True, largest_page=7)
    people = lms.run(lms.connector.read_people(lms.section))
    assert len([person for person in people if person.role == "student"]) == 30
