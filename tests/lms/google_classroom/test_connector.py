"""The connector to Google Classroom, beside the suite that all connectors pass: answers, credentials, connecting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from passback.domain.clock import HOUR
from passback.domain.submission import SubmissionFields
from passback.lms.google_classroom import KIND, errors
from passback.lms.google_classroom.credentials import STUDENT_SCOPES, TEACHER_SCOPES
from passback.lms.http.reply import Reply
from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms, Unavailable
from passback.testing.lms import ESSAY, LINK, Lms
from passback_simulators.google_classroom import seed
from passback_simulators.identities import ALGEBRA
from passback_simulators.reply import Reply as SimulatorReply
from passback_simulators.reply import json_reply
from passback_simulators.request import Request
from support.google import google, said, simulator


@pytest.fixture
def lms() -> Iterator[Lms]:
    with google() as served:
        yield served


# What Google answers, row by row (docs/reference/lms/google_classroom.md).


@pytest.mark.parametrize(
    ("status", "name", "message", "error"),
    [
        (404, "NOT_FOUND", "Requested entity was not found.", Gone("assignment")),
        (403, "PERMISSION_DENIED", "@ProjectPermissionDenied The Developer Console project is not permitted.", errors.NotOurs("NOT_OURS", "the assignment was made by another app or in Google Classroom: it can be read but not changed")),
        (400, "FAILED_PRECONDITION", "@CourseNotModifiable x", RefusedByLms("COURSE_ARCHIVED", "the course is archived in Google Classroom")),
        (400, "FAILED_PRECONDITION", "@AttachmentNotVisible x", RefusedByLms("INVALID_ATTACHMENT", "Google Classroom cannot see the attachment")),
        (400, "FAILED_PRECONDITION", "@EmptyAssignees x", RefusedByLms("INVALID_ASSIGNEES", "an assignment needs at least one assignee")),
        (400, "FAILED_PRECONDITION", "Precondition check failed.", RefusedByLms("INVALID_STATE", "Google Classroom does not allow this in the present state")),
        (400, "INVALID_ARGUMENT", "title must not be empty", RefusedByLms("INVALID_TITLE", "Google Classroom does not accept the title")),
        (400, "INVALID_ARGUMENT", "due_date is in the past", RefusedByLms("INVALID_DUE_DATE", "Google Classroom does not accept the due date")),
        (400, "INVALID_ARGUMENT", "maxPoints", RefusedByLms("INVALID_POINTS", "Google Classroom does not accept the points")),
        (400, "INVALID_ARGUMENT", "assignedGrade", RefusedByLms("INVALID_GRADE", "Google Classroom does not accept the grade")),
        (400, "INVALID_ARGUMENT", "Request contains an invalid argument.", RefusedByLms("REFUSED_BY_LMS", "Google Classroom does not accept the values")),
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
        places = lms.places(connector)
        created = lms.run(connector.create_assignment(lms.section, ESSAY, "mark"))
        fields = SubmissionFields(grade_points=Decimal(5), grader_id=lms.teacher)
        graded = lms.run(connector.update_submission(lms.section, created.lms_id, lms.students[0], fields))
        work = SubmissionFields(state="submitted", attachments=(LINK,))
        with pytest.raises(RefusedByLms, match="STUDENT_NOT_SIGNED_IN"):
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


def test_a_course_whose_teachers_are_all_gone_cannot_be_written_to(lms: Lms) -> None:
    simulator(lms).ui_delete_user(lms.teacher)
    with pytest.raises(NotAllowed) as caught:
        lms.create()
    assert not caught.value.credentials


def test_without_delegation_nothing_can_be_done(lms: Lms) -> None:
    lms.set(delegation=False)
    with pytest.raises(NotAllowed) as caught:
        lms.create()
    assert caught.value.credentials


@pytest.mark.parametrize("lost", ["key", "account", "clock"])
def test_a_refused_assertion_is_not_blamed_on_the_user(lms: Lms, lost: str) -> None:
    google = simulator(lms)
    account = google.records.get("service_accounts", seed.SERVICE_ACCOUNT) or {}
    if lost == "key":
        google.records.put("service_accounts", seed.SERVICE_ACCOUNT, account | {"keys": {}})
    elif lost == "account":
        google.records.remove("service_accounts", seed.SERVICE_ACCOUNT)
    else:
        google.clock = lambda: lms.clock() + 2 * HOUR
    with pytest.raises(NotAllowed) as caught:
        lms.create()
    assert caught.value.credentials


def test_sections_are_known_by_their_alias(lms: Lms) -> None:
    places = {place.id: place for place in lms.places()}
    assert (places[lms.section].sis_id, seed.ARCHIVED_COURSE in places) == ("section-7", False)


def test_pages_of_any_size_are_read_to_their_end(lms: Lms) -> None:
    lms.set(short_pages=True, largest_page=7)
    people = lms.run(lms.connector.read_people(lms.section))
    assert len([person for person in people if person.role == "student"]) == 30


@pytest.mark.parametrize(
    "odd", [{"students": {}}, {"students": None}, {"error": {"code": 500}}, {"people": []}]
)
def test_what_is_no_list_is_not_taken_for_an_empty_one(lms: Lms, odd: dict[str, Any]) -> None:
    served = simulator(lms)
    real = served.answer

    async def answer(request: Request) -> SimulatorReply:
        return json_reply(200, odd) if request.path.endswith("/students") else await real(request)

    served.answer = answer  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="a list of its students is not as expected"):
        lms.run(lms.connector.read_people(lms.section))


# A teacher for whom the administrator has turned Classroom's API off.


def turn_off(lms: Lms, *users: str) -> None:
    emails = [simulator(lms).records.get("users", user)["email"] for user in users]  # type: ignore[index]
    lms.set(api_disabled_for=emails)


def test_another_teacher_acts_for_one_whose_api_is_turned_off(lms: Lms) -> None:
    simulator(lms).ui_enroll(lms.section, lms.other_teacher, teacher=True)
    before = lms.create().lms_id
    turn_off(lms, lms.teacher)
    assignment = lms.create().lms_id
    assert lms.change(before, title="Other").title == "Other"
    graded = lms.grade(assignment, grade_points=Decimal(5), grader_id=lms.teacher)
    assert (graded.grade_points, graded.grader_id) == (Decimal(5), lms.teacher)
    assert lms.read(assignment).grade_points == 5
    lms.run(lms.connector.delete_assignment(lms.section, before))


def test_if_it_is_turned_off_for_all_teachers_the_administrator_reads_and_the_log_says_why(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(5))
    turn_off(lms, lms.teacher)
    assert lms.assignment(assignment).title == "Essay"
    assert lms.read(assignment).grade_points == 5
    for write in (
        lambda: lms.grade(assignment, grade_points=Decimal(6)),
        lambda: lms.change(assignment, title="Other"),
        lambda: lms.create(),
    ):
        with pytest.raises(NotAllowed, match="turned Classroom, or its API, off") as caught:
            write()
        assert not caught.value.credentials


def test_a_teacher_who_signed_in_and_may_no_longer_use_the_api_is_named_as_the_reason(lms: Lms) -> None:
    given = signed_in(lms, seed.person_email(ALGEBRA.teacher))
    turn_off(lms, lms.teacher)
    with (
        lms.another(given, token_uri=given["token_uri"]) as hers,
        pytest.raises(NotAllowed, match="turned Classroom, or its API, off"),
    ):
        lms.run(hers.create_assignment(lms.section, ESSAY, "mark"))
