"""The Google Classroom simulator by plain HTTP: tokens, masks, limits, and what Google's client hides."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from classroom_support import (
    ALL,
    COURSE,
    STUDENT,
    STUDENT_ID,
    TEACHER,
    WORK,
    Classroom,
    valid,
)
from passback.domain.clock import DAY
from passback.sandbox.simulators.google_classroom import seed
from support import NOW

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
COURSEWORK = "https://www.googleapis.com/auth/classroom.coursework.students"
CALLBACK = "http://127.0.0.1:8765/callback"


@pytest.fixture
def token(classroom: Classroom) -> str:
    return classroom.token(TEACHER)


def status(reply: httpx2.Response) -> tuple[int, str]:
    """The HTTP status and Google's name of it."""
    return reply.status_code, reply.json().get("error", {}).get("status", "")


# Tokens.


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"aud": "https://other.example/token"}, "invalid_grant"),
        ({"exp": NOW // 1000 + 3601}, "invalid_grant"),
        ({"iat": NOW // 1000 - 9000, "exp": NOW // 1000 - 8000}, "invalid_grant"),
        ({"iss": "nobody@other.example"}, "invalid_grant"),
        ({"sub": "nobody@district-6c.example"}, "invalid_grant"),
        ({"sub": seed.person_email(seed.FORMER_TEACHER)}, "invalid_grant"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
def test_assertions_that_are_refused(classroom: Classroom, claims: dict[str, Any], error: str) -> None:
    reply = classroom.grant(grant_type=JWT_BEARER, assertion=classroom.assertion(TEACHER, **claims))
    assert (reply.status_code, reply.json()["error"]) == (400, error)


@pytest.mark.parametrize("change", [lambda it: it[:-6] + "AAAAAA", lambda it: it.partition(".")[0], lambda _: "", lambda it: it + ".x"])  # fmt: skip
def test_an_assertion_that_nobody_signed(classroom: Classroom, change: Any) -> None:
    reply = classroom.grant(grant_type=JWT_BEARER, assertion=change(classroom.assertion(TEACHER)))
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("settings", [{"delegation": False}, {"delegated_scopes": [COURSEWORK]}])
def test_one_scope_that_is_not_delegated_fails_all(classroom: Classroom, settings: dict[str, Any]) -> None:
    classroom.set(**settings)
    reply = classroom.grant(grant_type=JWT_BEARER, assertion=classroom.assertion(TEACHER))
    assert (reply.status_code, reply.json()["error"]) == (401, "unauthorized_client")


def consent(classroom: Classroom, email: str, **changes: Any) -> httpx2.Response:
    """Go through Google's page."""
    query = {
        "response_type": "code", "access_type": "offline", "client_id": seed.CLIENT_ID, "redirect_uri": CALLBACK,
        "scope": COURSEWORK, "state": "s1",
    }  # fmt: skip
    address = f"{classroom.url}/o/oauth2/v2/auth"
    page = classroom.http.get(address, params=query | changes)
    if page.status_code != 200:
        return page
    return classroom.http.post(address, data=query | {"email": email, "decision": "allow"} | changes)


def test_a_user_consents_and_the_tokens_last_until_they_are_taken_back(classroom: Classroom) -> None:
    back = dict(httpx2.URL(consent(classroom, TEACHER).headers["location"]).params)
    client = {"client_id": seed.CLIENT_ID, "client_secret": seed.CLIENT_SECRET}
    code = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": CALLBACK, **client}
    given = classroom.grant(**code).json()
    assert (back["state"], given["scope"], classroom.grant(**code).json()["error"]) == (
        "s1",
        COURSEWORK,
        "invalid_grant",
    )
    renew = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"], **client}
    renewed = classroom.grant(**renew).json()["access_token"]
    assert classroom.call("GET", f"courses/{COURSE}/courseWork", renewed).status_code == 200
    assert (
        classroom.http.post(f"{classroom.url}/revoke", data={"token": given["refresh_token"]}).status_code
        == 200
    )
    assert classroom.grant(**renew).json()["error"] == "invalid_grant"
    assert classroom.call("GET", f"courses/{COURSE}/courseWork", renewed).status_code == 401


@pytest.mark.parametrize(
    ("email", "changes", "found"),
    [
        (TEACHER, {"client_id": "nobody"}, 401), (TEACHER, {"response_type": "token"}, 400),
        (TEACHER, {"redirect_uri": "javascript:alert(1)"}, 400), ("nobody@x.example", {}, 400),
        (TEACHER, {"decision": "cancel"}, 302),
    ],
)  # fmt: skip
def test_consents_that_come_to_nothing(
    classroom: Classroom, email: str, changes: dict[str, Any], found: int
) -> None:
    reply = consent(classroom, email, **changes)
    assert reply.status_code == found
    assert "code=" not in reply.headers.get("location", "")


def test_a_minor_needs_an_app_that_the_admin_trusts(classroom: Classroom) -> None:
    classroom.set(app_trusted=False)
    assert "admin_policy_enforced" in consent(classroom, STUDENT).text


@pytest.mark.parametrize("authorization", ["", "Bearer x", "Basic eDp5"])
def test_without_a_good_token(classroom: Classroom, authorization: str) -> None:
    reply = classroom.http.get(f"{classroom.url}/v1/courses", headers={"authorization": authorization})
    assert status(reply) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "courses"), ("GET", f"courses/{COURSE}/students"), ("GET", f"courses/{COURSE}/topics"),
     ("POST", f"courses/{COURSE}/courseWork")],
)  # fmt: skip
def test_each_call_needs_its_scope(classroom: Classroom, method: str, path: str) -> None:
    weak = classroom.token(TEACHER, (ALL[-1],))
    reply = classroom.call(method, path, weak, {} if method == "POST" else None)
    assert (status(reply), "scope" in reply.headers["www-authenticate"]) == ((403, "PERMISSION_DENIED"), True)


def test_addresses_are_shown_only_with_their_scope(classroom: Classroom) -> None:
    rosters = classroom.token(TEACHER, ("https://www.googleapis.com/auth/classroom.rosters.readonly",))
    students = classroom.call("GET", f"courses/{COURSE}/students", rosters).json()["students"]
    assert "emailAddress" not in students[0]["profile"]


# Course work.


def test_what_is_not_said_is_the_default(classroom: Classroom, token: str) -> None:
    made = classroom.call(
        "POST", f"courses/{COURSE}/courseWork", token, {"title": "A", "workType": "ASSIGNMENT"}
    ).json()
    assert (made["state"], made["assigneeMode"], made["submissionModificationMode"], "maxPoints" in made) == (
        "DRAFT", "ALL_STUDENTS", "MODIFIABLE_UNTIL_TURNED_IN", False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""}, {"title": "x" * 3001}, {"description": "x" * 30_001}, {"maxPoints": 10.5}, {"maxPoints": -1},
        {"dueDate": {"year": 2026, "month": 2, "day": 1}}, {"dueTime": {"hours": 1}},
        {"dueDate": {"year": 2020, "month": 2, "day": 1}, "dueTime": {}},
        {"dueDate": {"year": 2026, "month": 2, "day": 30}, "dueTime": {}},
        {"materials": [{"link": {"url": f"https://a.example/{n}"}} for n in range(21)]},
        {"materials": [{"link": {"url": ""}}]}, {"materials": [{"form": {"formUrl": "https://a.example"}}]},
        {"state": "DELETED"}, {"scheduledTime": "2026-05-01T00:00:00Z"}, {"topicId": "1"}, {"gradingPeriodId": "1"},
        {"assigneeMode": "INDIVIDUAL_STUDENTS"}, {"workType": "NONE"}, {"individualStudentsOptions": {"studentIds": ["1"]}},
        {"nonsense": 1}, {"title": 7},
    ],
)  # fmt: skip
def test_course_work_that_is_refused(classroom: Classroom, token: str, fields: dict[str, Any]) -> None:
    reply = classroom.call("POST", f"courses/{COURSE}/courseWork", token, WORK | fields)
    assert status(reply) == (400, "INVALID_ARGUMENT")


def test_what_only_google_writes_is_ignored(classroom: Classroom, token: str) -> None:
    fields = {
        "id": "7",
        "creationTime": "2020-01-01T00:00:00Z",
        "gradeCategory": {"name": "x"},
        "associatedWithDeveloper": False,
    }
    made = classroom.call("POST", f"courses/{COURSE}/courseWork", token, WORK | fields).json()
    assert (made["id"] != "7", made["creationTime"][:4], made["associatedWithDeveloper"], "gradeCategory" in made) == (
        True, "2026", True, False,
    )  # fmt: skip


def test_midnight_is_an_empty_time(classroom: Classroom, token: str) -> None:
    due = {"dueDate": {"year": 2026, "month": 2, "day": 1}, "dueTime": {"hours": 0}}
    made = classroom.call("POST", f"courses/{COURSE}/courseWork", token, WORK | due).json()
    assert made["dueTime"] == {}


@pytest.mark.parametrize(
    ("mask", "body", "found"),
    [
        ("maxPoints", {"maxPoints": 5}, 200), ("max_points", {"maxPoints": 5}, 200), ("description", {}, 200),
        ("", {"title": "x"}, 400), ("title", {}, 400), ("materials", {"materials": []}, 400),
        ("workType", {"workType": "ASSIGNMENT"}, 400), ("assigneeMode", {"assigneeMode": "ALL_STUDENTS"}, 400),
        ("nonsense", {}, 400), ("state", {"state": "DRAFT"}, 400), ("state", {"state": "DELETED"}, 400),
        ("scheduledTime", {"scheduledTime": "2026-05-01T00:00:00Z"}, 400),
    ],
)  # fmt: skip
def test_masks(classroom: Classroom, token: str, mask: str, body: dict[str, Any], found: int) -> None:
    id_ = classroom.work(token)
    reply = classroom.call("PATCH", f"courses/{COURSE}/courseWork/{id_}?updateMask={mask}", token, body)
    assert reply.status_code == found


def test_what_is_scheduled_is_published_when_its_time_has_come(classroom: Classroom, token: str) -> None:
    id_ = classroom.work(token, state="DRAFT", scheduledTime="2026-01-01T00:30:00Z")
    path = f"courses/{COURSE}/courseWork/{id_}"
    before = classroom.call("GET", path, token).json()
    assert classroom.call("GET", f"{path}/studentSubmissions", token).json() == {}
    classroom.clock.now = NOW + 1800_000
    after = classroom.call("GET", path, token).json()
    assert (before["state"], after["state"], "scheduledTime" in after) == ("DRAFT", "PUBLISHED", False)
    assert classroom.call("GET", f"{path}/studentSubmissions", token).json()["studentSubmissions"]


def test_a_student_does_not_see_a_draft(classroom: Classroom, token: str) -> None:
    id_ = classroom.work(token, state="DRAFT")
    reply = classroom.call("GET", f"courses/{COURSE}/courseWork/{id_}", classroom.token(STUDENT))
    assert status(reply) == (403, "PERMISSION_DENIED")


def test_page_tokens_hold_only_for_the_same_question(classroom: Classroom, token: str) -> None:
    first = classroom.call("GET", f"courses/{COURSE}/students?pageSize=7", token).json()
    again = f"courses/{COURSE}/students?pageSize=7&pageToken={first['nextPageToken']}"
    assert classroom.call("GET", again, token).status_code == 200
    other = f"courses/{COURSE}/teachers?pageSize=7&pageToken={first['nextPageToken']}"
    assert classroom.call("GET", other, token).status_code == 400
    assert classroom.call("GET", f"courses/{COURSE}/students?pageToken=x", token).status_code == 400


def test_pages_may_be_shorter_than_asked_for(classroom: Classroom, token: str) -> None:
    classroom.set(short_pages=True)
    page = classroom.call("GET", f"courses/{COURSE}/students?pageSize=10", token).json()
    assert 0 < len(page["students"]) < 10


# Submissions.


def submission(classroom: Classroom, token: str, work: str) -> str:
    """The path of the first student's submission."""
    path = f"courses/{COURSE}/courseWork/{work}/studentSubmissions"
    (found,) = classroom.call("GET", f"{path}?userId={STUDENT_ID}", token).json()["studentSubmissions"]
    return f"{path}/{found['id']}"


@pytest.mark.parametrize(
    ("mask", "body", "found"),
    [
        ("draftGrade", {"draftGrade": -1}, (400, "INVALID_ARGUMENT")),
        ("assignedGrade", {"assignedGrade": 5}, (400, "INVALID_ARGUMENT")),
        ("draftGrade,assignedGrade", {"draftGrade": 15, "assignedGrade": 15}, (200, "")),
        ("state", {"state": "RETURNED"}, (400, "INVALID_ARGUMENT")),
        ("", {}, (400, "INVALID_ARGUMENT")),
    ],
)
def test_grades(
    classroom: Classroom, token: str, mask: str, body: dict[str, Any], found: tuple[int, str]
) -> None:
    path = submission(classroom, token, classroom.work(token))
    assert status(classroom.call("PATCH", f"{path}?updateMask={mask}", token, body)) == found


def test_work_without_points_is_not_graded(classroom: Classroom, token: str) -> None:
    path = submission(classroom, token, classroom.work(token, maxPoints=0))
    reply = classroom.call("PATCH", f"{path}?updateMask=draftGrade", token, {"draftGrade": 1})
    assert status(reply) == (400, "FAILED_PRECONDITION")


@pytest.mark.parametrize(
    ("actor", "action", "found"),
    [
        (TEACHER, "return", (400, "FAILED_PRECONDITION")), (STUDENT, "reclaim", (400, "FAILED_PRECONDITION")),
        (STUDENT, "turnIn", (200, "")), (TEACHER, "turnIn", (403, "PERMISSION_DENIED")),
        (STUDENT, "return", (403, "PERMISSION_DENIED")),
    ],
)  # fmt: skip
def test_moves_of_new_work(
    classroom: Classroom, token: str, actor: str, action: str, found: tuple[int, str]
) -> None:
    path = submission(classroom, token, classroom.work(token))
    assert status(classroom.call("POST", f"{path}:{action}", classroom.token(actor), {})) == found


def test_a_return_leaves_the_grade_alone(classroom: Classroom, token: str) -> None:
    path = submission(classroom, token, classroom.work(token))
    classroom.call("POST", f"{path}:turnIn", classroom.token(STUDENT), {})
    classroom.call("PATCH", f"{path}?updateMask=draftGrade", token, {"draftGrade": 5})
    classroom.call("POST", f"{path}:return", token, {})
    returned = classroom.call("GET", path, token).json()
    assert (returned["state"], returned["draftGrade"], "assignedGrade" in returned) == ("RETURNED", 5, False)
    valid(returned, "StudentSubmission")


def test_a_student_does_not_see_a_draft_grade(classroom: Classroom, token: str) -> None:
    path = submission(classroom, token, classroom.work(token))
    classroom.call("PATCH", f"{path}?updateMask=draftGrade", token, {"draftGrade": 5})
    assert "draftGrade" not in classroom.call("GET", path, classroom.token(STUDENT)).json()


def test_late_is_what_is_not_turned_in_when_it_is_due(classroom: Classroom, token: str) -> None:
    due = {"dueDate": {"year": 2026, "month": 1, "day": 2}, "dueTime": {"hours": 1}}
    path = submission(classroom, token, classroom.work(token, **due))
    assert "late" not in classroom.call("GET", path, token).json()
    classroom.clock.now = NOW + 2 * DAY
    assert classroom.call("GET", path, classroom_token(classroom)).json()["late"] is True


def classroom_token(classroom: Classroom) -> str:
    """A teacher's token now."""
    now = classroom.clock.now // 1000
    reply = classroom.grant(
        grant_type=JWT_BEARER, assertion=classroom.assertion(TEACHER, iat=now, exp=now + 3600)
    )
    return str(reply.json()["access_token"])


def test_attachments_are_added_up_to_twenty(classroom: Classroom, token: str) -> None:
    path, own = submission(classroom, token, classroom.work(token)), classroom.token(STUDENT)
    link = {"link": {"url": "https://a.example"}}
    twice = [
        classroom.call("POST", f"{path}:modifyAttachments", own, {"addAttachments": [link]}) for _ in range(2)
    ]
    assert len(twice[1].json()["assignmentSubmission"]["attachments"]) == 2
    many = classroom.call("POST", f"{path}:modifyAttachments", own, {"addAttachments": [link] * 19})
    assert many.status_code == 400


def test_who_has_left_has_no_submission_and_finds_it_again(classroom: Classroom, token: str) -> None:
    work = classroom.work(token)
    path = submission(classroom, token, work)
    classroom.lms.ui_unenroll(COURSE, STUDENT_ID)
    listed = classroom.call(
        "GET", f"courses/{COURSE}/courseWork/{work}/studentSubmissions?userId={STUDENT_ID}", token
    )
    assert (listed.json(), classroom.call("GET", path, token).status_code) == ({}, 404)
    classroom.lms.ui_enroll(COURSE, STUDENT_ID)
    assert classroom.call("GET", path, token).status_code == 200


# Limits and faults.


@pytest.mark.parametrize("setting", ["per_minute_per_user", "per_minute_per_client"])
def test_the_limits_move_with_the_clock(classroom: Classroom, token: str, setting: str) -> None:
    classroom.set(**{setting: 2})
    found = [classroom.call("GET", "courses", token).status_code for _ in range(3)]
    classroom.clock.now = NOW + 60_000
    assert ([*found, classroom.call("GET", "courses", token).status_code]) == [200, 200, 429, 200]


@pytest.mark.parametrize(
    ("fault", "found"),
    [("throttled", (429, "RESOURCE_EXHAUSTED")), ("error-before", (503, "UNAVAILABLE")), ("error-after", (503, "UNAVAILABLE")),
     ("expired-credentials", (401, "UNAUTHENTICATED"))],
)  # fmt: skip
def test_faults_on_demand(classroom: Classroom, token: str, fault: str, found: tuple[int, str]) -> None:
    classroom.fail(fault, method="POST")
    reply = classroom.call("POST", f"courses/{COURSE}/courseWork", token, WORK)
    made = len(classroom.lms.records.all("course_work"))
    assert (status(reply), made) == (found, int(fault == "error-after"))


def test_what_was_made_before_the_connection_dropped_is_there(classroom: Classroom, token: str) -> None:
    classroom.fail("dropped-after", method="POST")
    with pytest.raises(httpx2.HTTPError):
        classroom.call("POST", f"courses/{COURSE}/courseWork", token, WORK)
    assert len(classroom.lms.records.all("course_work")) == 1


def test_the_control_endpoint_gives_the_key(classroom: Classroom) -> None:
    assert classroom.control("GET", "service-account-key")["client_email"] == seed.SERVICE_ACCOUNT
    reply = classroom.http.get(f"{classroom.url}/_simulator/service-account-key", params={"project": "none"})
    assert reply.status_code == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"title":' * 900])
def test_bodies_that_are_none(classroom: Classroom, token: str, body: bytes) -> None:
    reply = classroom.http.post(
        f"{classroom.url}/v1/courses/{COURSE}/courseWork", content=body,
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )  # fmt: skip
    assert status(reply) == (400, "INVALID_ARGUMENT")


def test_a_path_that_no_api_has(classroom: Classroom) -> None:
    reply = classroom.http.get(f"{classroom.url}/v1/nonsense")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "text/html; charset=UTF-8")
