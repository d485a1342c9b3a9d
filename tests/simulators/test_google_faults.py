"""Batches, faults and settings of the simulated Google Classroom, and what it stores."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from passback_simulators.google_classroom import seed
from passback_simulators.google_classroom.app import ClassroomSimulator
from passback_simulators.records import Change
from support.classroom import ALGEBRA, ESSAY, STUDENT_ID, TEACHER_ID, WORKS, Classroom, error_of
from support.sandbox import SetClock

INVALID, PRECONDITION = "INVALID_ARGUMENT", "FAILED_PRECONDITION"
STUDENTS = f"courses/{ALGEBRA}/students"
EXHAUSTED = "RESOURCE_EXHAUSTED"


def works(classroom: Classroom) -> int:
    query = "courseWorkStates=DRAFT&courseWorkStates=PUBLISHED"
    return len(classroom.teacher.get(f"{WORKS}?{query}").get("courseWork", []))


# Batches.


def batch(classroom: Classroom, *parts: bytes) -> httpx2.Response:
    """Send parts, each with its own headers."""
    body = b"".join(b"--b\r\n" + one + b"\r\n" for one in parts) + b"--b--\r\n"
    headers = {
        "authorization": f"Bearer {classroom.teacher.token}",
        "content-type": "multipart/mixed; boundary=b",
    }
    return classroom.http.post(f"{classroom.url}/batch", content=body, headers=headers)


def call(request: str, body: Any = None, head: str = "Content-Type: application/http") -> bytes:
    """A part with one call."""
    content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    return f"{head}\r\n\r\n{request}\r\nContent-Type: application/json\r\n\r\n".encode() + content


def test_a_batch_keeps_the_order_and_the_ids(classroom: Classroom) -> None:
    parts = (
        call(f"POST /v1/{WORKS} HTTP/1.1", {**ESSAY, "title": "Übung"}, "Content-Type: application/http\r\nContent-ID: <a+1>"),
        call("GET /v1/courses/1"),
        call("GET /elsewhere HTTP/1.1"),
    )  # fmt: skip
    text = batch(classroom, *parts).text
    lines = [line for line in text.splitlines() if line.startswith("HTTP/1.1")]
    assert lines == ["HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found", "HTTP/1.1 404 Not Found"]
    assert ("Content-ID: <response-a+1>" in text, '"title": "Übung"' in text) == (True, True)


def test_each_call_of_a_batch_counts(classroom: Classroom) -> None:
    classroom.set(per_minute_per_user=2)
    text = batch(classroom, *[call("GET /v1/courses HTTP/1.1")] * 3).text
    assert (text.count("HTTP/1.1 200"), text.count("HTTP/1.1 429")) == (2, 1)


def test_a_call_of_a_batch_may_have_its_own_token(classroom: Classroom) -> None:
    own = f"GET /v1/userProfiles/me HTTP/1.1\r\nAuthorization: Bearer {classroom.student.token}"
    text = batch(classroom, call("GET /v1/userProfiles/me"), call(own)).text
    assert (f'"id": "{TEACHER_ID}"' in text, f'"id": "{STUDENT_ID}"' in text) == (True, True)


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [call("GET /v1/courses")] * 51,
        [call("nonsense and more")],
        [
            call("GET /v1/courses", head="Content-Type: multipart/mixed; boundary=c")
            + b"\r\n--c\r\n\r\n\r\n--c--"
        ],
    ],
)
def test_bad_batches(classroom: Classroom, parts: list[bytes]) -> None:
    assert error_of(batch(classroom, *parts)) == INVALID


def test_a_bad_batch_does_nothing(classroom: Classroom) -> None:
    parts = call(f"POST /v1/{WORKS} HTTP/1.1", dict(ESSAY)), call("nonsense and more")
    assert (error_of(batch(classroom, *parts)), works(classroom)) == (INVALID, 0)


# Faults.


@pytest.mark.parametrize(
    ("fault", "answer", "made"),
    [
        ("error-before", (503, "UNAVAILABLE"), 0),
        ("error-after", (503, "UNAVAILABLE"), 1),
        ("throttled", (429, EXHAUSTED), 0),
        ("expired-credentials", (401, "UNAUTHENTICATED"), 0),
    ],
)
def test_a_create_meets_a_fault(classroom: Classroom, fault: str, answer: tuple[int, str], made: int) -> None:
    classroom.fail(fault, method="POST", path="/courseWork$")
    reply = classroom.teacher("POST", WORKS, dict(ESSAY))
    assert ((reply.status_code, error_of(reply)), works(classroom)) == (answer, made)


@pytest.mark.parametrize(("fault", "made"), [("dropped", 0), ("dropped-after", 1)])
def test_a_create_is_cut_off(classroom: Classroom, fault: str, made: int) -> None:
    classroom.fail(fault, method="POST")
    with pytest.raises(httpx2.TransportError):
        classroom.teacher("POST", WORKS, dict(ESSAY))
    assert works(classroom) == made


def test_an_answer_may_be_malformed(classroom: Classroom) -> None:
    classroom.fail("malformed")
    reply = classroom.teacher("POST", WORKS, dict(ESSAY))
    assert (reply.status_code, reply.text.startswith("<html>"), works(classroom)) == (200, True, 1)


def test_errors_may_be_500(classroom: Classroom) -> None:
    classroom.set(error_status=500)
    classroom.fail("error-before")
    assert classroom.teacher.refused("GET", "courses") == "INTERNAL"


def test_course_work_seems_deleted(classroom: Classroom) -> None:
    work = classroom.work()
    classroom.fail("deleted", times=2)
    assert (classroom.teacher.get(work)["state"], classroom.teacher.refused("DELETE", work)) == (
        "DELETED",
        PRECONDITION,
    )
    assert classroom.teacher.get(work)["state"] == "PUBLISHED"


def test_nobody_seems_enrolled(classroom: Classroom) -> None:
    work = classroom.work()
    classroom.fail("not-enrolled", times=2)
    assert [classroom.teacher.get(one) for one in (f"{work}/studentSubmissions", STUDENTS)] == [{}, {}]


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [("error-before", 503, "internal_failure"), ("throttled", 429, "rate_limit_exceeded"),
     ("expired-credentials", 400, "invalid_grant")],
)  # fmt: skip
def test_the_token_endpoint_meets_a_fault(classroom: Classroom, fault: str, status: int, error: str) -> None:
    classroom.fail(fault, path="^/token")
    reply = classroom.http.post(f"{classroom.url}/token", data={"grant_type": "refresh_token"})
    assert (reply.status_code, reply.json()["error"]) == (status, error)


# Settings, and what is stored.


def test_settings(classroom: Classroom) -> None:
    assert classroom.control("GET", "settings").keys() == classroom.lms.default_settings().keys()
    reply = classroom.http.put(f"{classroom.url}/_simulator/settings", json={"colour": "red"})
    assert reply.status_code == 400


def test_a_reset_restores_everything(classroom: Classroom) -> None:
    classroom.work()
    classroom.control("POST", "reset")
    assert works(classroom) == 0


def test_a_simulator_continues_with_what_was_saved(classroom: Classroom) -> None:
    work = classroom.work()
    key_ids = classroom.lms.service_account_key(classroom.url)["private_key_id"]
    state = json.loads(json.dumps(classroom.control("GET", "state")))
    other = ClassroomSimulator(SetClock())
    other.start([Change(table, id_, row) for table, rows in state.items() for id_, row in rows.items()])
    assert other.records.get("course_work", work.rpartition("/")[2]) is not None
    assert key_ids in (other.records.get("service_accounts", seed.SERVICE_ACCOUNT) or {})["keys"]
