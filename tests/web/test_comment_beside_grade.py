"""A comment beside a grade, in an LMS that has no place for comments: the grade must not be lost with it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from passback_simulators.identities import SIMULATED
from support.sandbox import ESSAY, NOW, Client, Reply, Sandbox

KNOWN = next(district for district in SIMULATED if district.lms_type == "google")
ASSIGNMENTS = f"/v3.1/sections/{KNOWN.id('000007')}/assignments"
STUDENT = KNOWN.id("001001")
OTHER = KNOWN.id("001002")
LEFT_OUT = "NOT_STORED_BY_LMS:grade_comment"
UNSUPPORTED = "Google Classroom does not support grade_comment"


@pytest.fixture
def client(started: Sandbox) -> Client:
    started.clock.now = NOW
    assert started.client(None).post("/sandbox/reset", b"").status == 200
    return started.client(KNOWN.token)


@pytest.fixture
def essay(client: Client) -> str:
    return f"{ASSIGNMENTS}/{client.post(ASSIGNMENTS, ESSAY).data['id']}"


def later(client: Client, path: str, body: Any) -> str:
    """The address of the delivery of a change in the background."""
    reply = client.call("PATCH", path, json.dumps(body), {"Prefer": "respond-async"})
    assert reply.status == 202, reply
    if "submissions" in body or "grade_points" in body:
        assert LEFT_OUT in reply.headers["passback-warnings"]
    else:
        assert "passback-warnings" not in reply.headers
    return reply.headers["location"]


def ended(started: Sandbox, client: Client, location: str) -> Any:
    give_up = time.monotonic() + 20
    while (found := client.get(location).data)["state"] in ("waiting", "delivering"):
        assert time.monotonic() < give_up, found
        started.clock.now += 1000
        time.sleep(0.01)
    return found


def warned(reply: Reply) -> tuple[int, str | None]:
    return reply.status, reply.headers.get("passback-warnings")


@pytest.mark.parametrize(
    "given", [{"grade_points": 17}, {"grade": "17"}, {"grade_points": 17, "state": "returned"}]
)
def test_the_grade_is_delivered_and_the_comment_reported(client: Client, essay: str, given: Any) -> None:
    path = f"{essay}/submissions/{STUDENT}"
    reply = client.patch(path, {**given, "grade_comment": "Well argued"})
    assert (warned(reply), reply.data["grade_points"]) == ((200, LEFT_OUT), 17)
    assert "grade_comment" not in reply.data
    assert client.get(path).data == reply.data


def test_the_grade_is_taken_away_though_it_comes_with_a_comment(client: Client, essay: str) -> None:
    path = f"{essay}/submissions/{STUDENT}"
    client.patch(path, {"grade_points": 17})
    reply = client.patch(path, {"grade": "", "grade_comment": "Hand it in again"})
    assert (warned(reply), "grade_points" in reply.data) == ((200, LEFT_OUT), False)


@pytest.mark.parametrize("given", [{}, {"state": "returned"}, {"attachments": []}])
def test_a_comment_without_a_grade_is_refused(client: Client, essay: str, given: Any) -> None:
    path = f"{essay}/submissions/{STUDENT}"
    client.patch(path, {"grade_points": 3})
    reply = client.patch(path, {**given, "grade_comment": "Well argued"})
    assert (reply.status, reply.json) == (400, {"message": UNSUPPORTED})


@pytest.mark.parametrize(
    ("given", "what"),
    [({"flags": ["excused"]}, "flag of excused"), ({"extra_attempts": 1}, "extra_attempts"),
     ({"override_due_date": "2031-01-01T00:00:00Z"}, "override_due_date")],
)  # fmt: skip
def test_whatever_else_touches_a_student_is_refused_with_the_grade(
    client: Client, essay: str, given: Any, what: str
) -> None:
    path = f"{essay}/submissions/{STUDENT}"
    reply = client.patch(path, {"grade_points": 17, "grade_comment": "Well argued", **given})
    assert (reply.status, reply.json) == (400, {"message": f"Google Classroom does not support {what}"})
    assert "grade_points" not in client.get(path).data


def test_no_comment_is_no_warning(client: Client, essay: str) -> None:
    reply = client.patch(f"{essay}/submissions/{STUDENT}", {"grade_points": 17, "grade_comment": ""})
    assert warned(reply) == (200, None)


def test_it_is_the_same_in_the_background(started: Sandbox, client: Client, essay: str) -> None:
    path = f"{essay}/submissions/{STUDENT}"
    body = {"grade_points": 17, "grade_comment": "Well argued", "odd": 1}
    found = ended(started, client, later(client, path, body))
    assert (found["state"], found["warnings"], found["result"]) == (
        "delivered", ["UNKNOWN_FIELD:odd", LEFT_OUT], client.get(path).data,
    )  # fmt: skip
    assert found["result"]["grade_points"] == 17
    alone = ended(started, client, later(client, path, {"grade_comment": "Well argued"}))
    assert (alone["state"], alone["error"]) == ("refused", {"message": UNSUPPORTED, "status": 400})


ITEMS = [
    {"user_id": STUDENT, "grade_points": 17, "grade_comment": "Well argued"},
    {"user_id": OTHER, "grade_comment": "Well argued"},
]


def test_it_is_the_same_for_many_at_once(client: Client, essay: str) -> None:
    reply = client.patch(f"{essay}/submissions", {"submissions": ITEMS})
    graded, alone = reply.data
    assert (warned(reply), graded["status"], graded["data"]["grade_points"]) == ((200, LEFT_OUT), 200, 17)
    assert (alone["status"], alone["message"]) == (400, UNSUPPORTED)


def test_it_is_the_same_for_many_in_the_background(started: Sandbox, client: Client, essay: str) -> None:
    found = ended(started, client, later(client, f"{essay}/submissions", {"submissions": ITEMS}))
    assert [part["status"] for part in found["result"]] == [200, 400]
    assert (found["state"], found["warnings"], found["attempts"]) == ("refused", [LEFT_OUT], 1)
    assert client.get(f"{essay}/submissions/{STUDENT}").data["grade_points"] == 17


def test_a_newer_grade_leaves_nothing_to_refuse(started: Sandbox, client: Client, essay: str) -> None:
    path = f"{essay}/submissions/{STUDENT}"
    body = json.dumps({"grade_points": 5, "grade_comment": "First"})
    headers = {"Prefer": "respond-async", "Sandbox-Fault": "error-before"}
    older = client.call("PATCH", path, body, headers).headers["location"]
    while not client.get(older).data["attempts"] or client.get(older).data["state"] == "delivering":
        time.sleep(0.01)
    assert client.patch(path, {"grade_points": 7}).status == 200
    found = ended(started, client, older)
    assert (found["state"], found["warnings"]) == ("delivered", [LEFT_OUT])
    assert client.get(path).data["grade_points"] == 7
