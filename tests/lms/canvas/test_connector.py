"""The connector to Canvas, beside the suite that all connectors pass: answers, credentials, connecting."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.submission import Submission, SubmissionFields
from passback.lms.canvas import KIND, errors
from passback.lms.http.reply import Reply
from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms, Unavailable
from passback.testing.lms import ESSAY, Lms
from passback_simulators.canvas.seed import CLIENT_ID, CLIENT_SECRET, enroll
from passback_simulators.reply import Reply as SimulatorReply
from passback_simulators.request import Request
from support.canvas import canvas, comments, simulator


@pytest.fixture
def lms() -> Iterator[Lms]:
    with canvas() as served:
        yield served


# What Canvas answers, row by row (docs/reference/lms/canvas.md).

UNAUTHENTICATED = {"www-authenticate": 'Bearer realm="canvas-lms"'}


@pytest.mark.parametrize(
    ("status", "headers", "body", "error"),
    [
        (404, {}, '{"errors":[{"message":"The specified resource does not exist."}]}', Gone("assignment")),
        (400, {}, '{"error":"Student must be enrolled in the course as a student to be graded"}', Gone("student")),
        (400, {}, '{"error":"Grader must be enrolled as a course admin"}', Gone("grader")),
        (400, {}, '{"errors":{"name":[{"type":"too_long","message":"is too long"}]}}', RefusedByLms("INVALID_TITLE", "Canvas finds the title too long")),
        (400, {}, '{"errors":{"assignment[due_at]":[{"message":"x"}]}}', RefusedByLms("INVALID_DUE_DATE", "Canvas does not accept the due date")),
        (400, {}, '{"errors":["unknown student ids: [\\"9\\"]"]}', RefusedByLms("INVALID_ASSIGNEES", "Canvas does not accept the assignees")),
        (400, {}, '{"error":"Cannot simultaneously grade and excuse an assignment"}', RefusedByLms("INVALID_GRADE", "Canvas cannot grade and excuse a student at once")),
        (400, {}, '{"message":"Invalid submission[submission_type] given"}', RefusedByLms("INVALID_ATTACHMENT", "Canvas does not accept this kind of work for the assignment")),
        (400, {}, '{"message":"No valid file ids given"}', RefusedByLms("INVALID_ATTACHMENT", "Canvas does not accept the file")),
        (400, {}, '{"errors":[{"message":"assignment is missing"}]}', RefusedByLms("REFUSED_BY_LMS", "Canvas does not accept the values")),
        (409, {}, '{"message":"Assignment already exists"}', RefusedByLms("REFUSED_BY_LMS", "Canvas does not accept the values")),
        (422, {}, '{"errors":"odd"}', RefusedByLms("REFUSED_BY_LMS", "Canvas does not accept the values")),
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
    assert (type(told), str(told).partition(":")[0]) == (RefusedByLms, code)


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


# Calls, many at once, credentials.


def test_a_grade_is_one_call(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    lms.calls()
    for student in lms.students[1:11]:
        lms.grade(assignment, student, grade_points=Decimal(2))
    assert len(lms.calls()) == 10


def test_many_plain_grades_are_three_calls_and_few_one_each(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    lms.calls()
    for students, calls in ((lms.students, 3), (lms.students[:3], 3), (lms.students[:2], 2)):
        changes = [(student, SubmissionFields(grade_points=Decimal(calls + 1))) for student in students]
        outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
        assert {getattr(outcome, "grade_points", outcome) for outcome in outcomes} == {calls + 1}
        assert len(lms.calls()) == calls


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


@pytest.mark.parametrize(
    "trouble", ["bulk_fails", "error-before", "error-after", "timeout-after", "slow-job"]
)
def test_where_the_bulk_update_fails_nothing_is_lost_and_nothing_comes_twice(lms: Lms, trouble: str) -> None:
    assignment = lms.create().lms_id
    match trouble:
        case "bulk_fails":
            lms.set(bulk_fails=True)
        case "slow-job":
            lms.served.fail("error-before", method="GET", path="progress", times=None)
        case _:
            lms.served.fail(trouble, method="POST", path="update_grades$")
    students = lms.students[:4]
    changes = [
        (student, SubmissionFields(grade_points=Decimal(3), grade_comment="Seen")) for student in students
    ]
    first = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    # Where Canvas may still be at it, that is told; it is not sent again unasked.
    assert all(isinstance(it, Submission | Unavailable) for it in first)
    assert trouble != "bulk_fails" or all(isinstance(it, Submission) for it in first)
    lms.served.control("DELETE", "faults")
    with lms.another() as fresh:
        again = lms.run(fresh.update_submissions(lms.section, assignment, changes))
    assert [getattr(outcome, "grade_points", None) for outcome in again] == [3, 3, 3, 3]
    assert [comments(lms, assignment, student) for student in students] == [["Seen"]] * 4


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
        "may not read SIS IDs, by which people are matched",
        "may not grade as the named teacher, and hand in as a student",
    }
    assert all("permission '" in remedy for remedy in bad.values())


def test_a_teachers_own_token_reaches_her_courses_alone(lms: Lms) -> None:
    token = simulator(lms).issue_token(lms.teacher)
    with lms.another({"access_token": token}) as connector:
        places = lms.places(connector)
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


def test_a_ta_is_matched_as_a_teacher_and_grades(lms: Lms) -> None:
    course, _, section = lms.section.partition("/")
    ta = int(lms.other_teacher)
    enroll(simulator(lms).records, int(course), int(section), ta, "TaEnrollment")
    people = lms.run(lms.connector.read_people(lms.section))
    assert [person.role for person in people if person.id == str(ta)] == ["teacher"]
    graded = lms.grade(lms.create().lms_id, grade_points=Decimal(5), grader_id=str(ta))
    assert (graded.grade_points, graded.grader_id) == (Decimal(5), str(ta))
    with lms.another({"access_token": simulator(lms).issue_token(str(ta))}) as connector:
        assert lms.section in {place.id for place in lms.places(connector)}


# Lists.


@pytest.mark.parametrize(
    "written",
    [
        lambda link: link.replace('"', ""),
        lambda link: link.replace('rel="next"', 'rel="next last"'),
        lambda link: link.replace("per_page=", "x=1,2,3&per_page="),
        lambda link: link.replace("rel=", "REL="),
        lambda link: re.sub(r"<https?://[^/]+", "<", link),
        lambda link: re.sub(r"<[^?]+", "<", link),
        lambda link: link.replace("&page", "&x=1;2&page"),
        lambda link: link.replace(",<", "\n<"),
    ],
)
def test_all_pages_are_read_however_their_links_are_written(lms: Lms, written: Callable[[str], str]) -> None:
    lms.set(per_page_cap=7)
    links_written(lms, written)
    people = lms.run(lms.connector.read_people(lms.section))
    assert {one.id for one in people if one.role == "student"} >= set(lms.students)


@pytest.mark.parametrize("lost", [lambda _: "", lambda link: link.partition(",")[0].partition(";")[0]])
def test_a_list_whose_links_are_lost_is_not_taken_for_complete(lms: Lms, lost: Callable[[str], str]) -> None:
    lms.set(per_page_cap=7)
    links_written(lms, lost)
    with pytest.raises(Unavailable):
        lms.run(lms.connector.read_people(lms.section))


def test_a_list_that_goes_in_circles_is_left(lms: Lms) -> None:
    links_written(lms, lambda link: link.partition(",")[0].replace("current", "next"))
    with pytest.raises(Unavailable, match="has a page with nothing new"):
        lms.run(lms.connector.read_people(lms.section))


def links_written(lms: Lms, written: Callable[[str], str]) -> None:
    """Have Canvas write its Link headers otherwise; each line becomes a header of its own."""
    served = simulator(lms)
    real = served.answer

    async def answer(request: Request) -> SimulatorReply:
        reply = await real(request)
        headers = [
            (name, line)
            for name, value in reply.headers
            for line in (written(value).split("\n") if name.lower() == "link" else [value])
        ]
        return replace(reply, headers=tuple(headers))

    served.answer = answer  # type: ignore[method-assign]
