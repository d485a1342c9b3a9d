"""What the simulated Google's tokens allow: for how long, and which methods their scopes permit."""

from __future__ import annotations

import pytest

from passback_simulators.google_classroom import seed
from support.classroom import (
    ALGEBRA,
    STUDENT,
    TEACHER,
    TEACHER_ID,
    WORKS,
    Caller,
    Classroom,
    error_of,
)

EMAIL = seed.person_email(TEACHER)


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic eA=="}, {"authorization": "Bearer"}])
def test_a_token_is_needed(classroom: Classroom, headers: dict[str, str]) -> None:
    reply = classroom.http.get(f"{classroom.url}/v1/courses", headers=headers)
    assert (error_of(reply), "invalid_token" in reply.headers["www-authenticate"]) == (
        "UNAUTHENTICATED",
        False,
    )


@pytest.mark.parametrize(("seconds", "status"), [(3598, 200), (3599, 401)])
def test_a_token_lasts_an_hour(classroom: Classroom, seconds: int, status: int) -> None:
    caller = classroom.teacher
    classroom.clock.now += seconds * 1000
    assert caller("GET", "courses").status_code == status


def test_an_unknown_token(classroom: Classroom) -> None:
    reply = Caller(classroom.http, classroom.url, "ya29.x")("GET", "courses")
    assert (error_of(reply), "invalid_token" in reply.headers["www-authenticate"]) == (
        "UNAUTHENTICATED",
        True,
    )


def test_tokeninfo_and_userinfo(classroom: Classroom) -> None:
    caller = classroom.teacher
    info = classroom.http.get(f"{classroom.url}/tokeninfo", params={"access_token": caller.token}).json()
    headers = {"authorization": f"Bearer {caller.token}"}
    user = classroom.http.get(f"{classroom.url}/oauth2/v2/userinfo", headers=headers).json()
    assert (info["sub"], info["email"], info["expires_in"]) == (TEACHER_ID, EMAIL, "3599")
    assert (user["id"], user["email"], user["name"]) == (TEACHER_ID, EMAIL, "Amara Okafor")


@pytest.mark.parametrize(
    ("path", "params", "headers", "status"),
    [("tokeninfo", {"access_token": "x"}, {}, 400), ("oauth2/v2/userinfo", {}, {"authorization": "Bearer x"}, 401)],
)  # fmt: skip
def test_there_is_no_information_on_unknown_tokens(
    classroom: Classroom, path: str, params: dict[str, str], headers: dict[str, str], status: int
) -> None:
    reply = classroom.http.get(f"{classroom.url}/{path}", params=params, headers=headers)
    assert reply.status_code == status


STUDENTS, ME = "classroom.coursework.students", "classroom.coursework.me"
ROWS_OF_STUDENTS = f"{WORKS}/-/studentSubmissions"


@pytest.mark.parametrize(
    ("who", "scope", "method", "path", "granted"),
    [
        (TEACHER, "classroom.courses.readonly", "GET", f"courses/{ALGEBRA}", True),
        (TEACHER, "classroom.courses.readonly", "PATCH", f"courses/{ALGEBRA}?updateMask=name", False),
        (TEACHER, "classroom.courses.readonly", "GET", WORKS, False),
        (TEACHER, STUDENTS, "GET", WORKS, True),
        (TEACHER, f"{STUDENTS}.readonly", "GET", WORKS, True),
        (TEACHER, f"{STUDENTS}.readonly", "POST", WORKS, False),
        (TEACHER, ME, "GET", WORKS, False),
        (TEACHER, "classroom.student-submissions.students.readonly", "GET", ROWS_OF_STUDENTS, True),
        (TEACHER, "classroom.student-submissions.students.readonly", "GET", WORKS, False),
        (TEACHER, "classroom.student-submissions.me.readonly", "GET", ROWS_OF_STUDENTS, False),
        (STUDENT, STUDENTS, "GET", WORKS, False),
        (STUDENT, f"{ME}.readonly", "GET", WORKS, True),
        (STUDENT, "classroom.student-submissions.me.readonly", "GET", ROWS_OF_STUDENTS, True),
        (TEACHER, STUDENTS, "GET", f"courses/{ALGEBRA}/students", False),
        (TEACHER, "classroom.rosters.readonly", "GET", f"courses/{ALGEBRA}/students", True),
        (TEACHER, "classroom.topics.readonly", "POST", f"courses/{ALGEBRA}/topics", False),
    ],
)
def test_methods_need_their_scopes(
    classroom: Classroom, who: str, scope: str, method: str, path: str, granted: bool
) -> None:
    reply = classroom.as_user(who, scope)(method, path, {} if method != "GET" else None)
    assert (reply.status_code == 403) is not granted
    assert granted or error_of(reply) == "PERMISSION_DENIED"
