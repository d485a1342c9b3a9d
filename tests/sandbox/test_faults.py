"""Faults of the LMS on demand, and what a client sees of each."""

from __future__ import annotations

import time
from typing import Any

import pytest

from passback.sandbox.faults import NAMES, SandboxFault, parse
from passback.wire.errors import Refusal
from support.sandbox import ASSIGNMENTS, ESSAY, STUDENT, STUDENTS, Reply, Sandbox

FAILING = ["timeout", "error-before", "error-after", "throttled", "expired-credentials"]
CALLS = {
    "Error creating assignment": ("POST", ASSIGNMENTS, ESSAY),
    "Error reading assignment": ("GET", "{a}", None),
    "Error updating assignment": ("PATCH", "{a}", {"title": "New"}),
    "Error deleting assignment": ("DELETE", "{a}", None),
    "Error reading assignments": ("GET", ASSIGNMENTS, None),
    "Error reading submissions": ("GET", "{a}/submissions", None),
    "Error reading submission": ("GET", f"{{a}}/submissions/{STUDENT}", None),
    "Error updating submission": ("PATCH", f"{{a}}/submissions/{STUDENT}", {"grade_points": 5}),
    "Error updating submissions": ("PATCH", "{a}/submissions", {"submissions": [{"user_id": STUDENT}]}),
}


def meet(sandbox: Sandbox, fault: str, call: tuple[str, str, Any], essay: str) -> Reply:
    method, path, body = call
    return sandbox.call(method, path.format(a=essay), body, {"Sandbox-Fault": fault})


@pytest.mark.parametrize("fault", FAILING)
@pytest.mark.parametrize("message", CALLS)
def test_the_client_is_told_what_failed_and_not_why(sandbox: Sandbox, fault: str, message: str) -> None:
    reply = meet(sandbox, fault, CALLS[message], sandbox.create())
    assert (reply.status, reply.json) == (500, {"message": message})


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [("timeout", "30"), ("throttled", "30"), ("error-before", "30"), ("expired-credentials", None)],
)
def test_where_waiting_helps_it_is_said(sandbox: Sandbox, fault: str, retry_after: str | None) -> None:
    reply = meet(sandbox, fault, CALLS["Error reading assignment"], sandbox.create())
    assert reply.headers.get("retry-after") == retry_after


@pytest.mark.parametrize(
    ("fault", "done"), [("error-after", True), *[(name, False) for name in FAILING if name != "error-after"]]
)
def test_whether_it_was_done_all_the_same(sandbox: Sandbox, fault: str, done: bool) -> None:
    essay = sandbox.create()
    meet(sandbox, fault, CALLS["Error updating submission"], essay)
    assert ("grade_points" in sandbox.get(f"{essay}/submissions/{STUDENT}").data) is done


@pytest.mark.parametrize(
    "message", [message for message in CALLS if "creating" not in message and "assignments" not in message]
)
def test_deleted_is_row_13(sandbox: Sandbox, message: str) -> None:
    reply = meet(sandbox, "deleted", CALLS[message], sandbox.create())
    assert (reply.status, reply.body) == (404, b'{"message":"Assignment does not exist"}')


@pytest.mark.parametrize("message", ["Error reading submission", "Error updating submission"])
def test_not_enrolled_is_row_14(sandbox: Sandbox, message: str) -> None:
    reply = meet(sandbox, "not-enrolled", CALLS[message], sandbox.create())
    assert (reply.status, reply.body) == (404, b'{"message":"User not found"}')


def test_not_enrolled_is_row_14_for_each_of_many(sandbox: Sandbox) -> None:
    body = {"submissions": [{"user_id": user_id} for user_id in STUDENTS[:3]]}
    reply = meet(sandbox, "not-enrolled", ("PATCH", "{a}/submissions", body), sandbox.create())
    assert [outcome["message"] for outcome in reply.data] == ["User not found"] * 3


def test_slow_answers_as_usual_but_later(sandbox: Sandbox) -> None:
    essay = sandbox.create()
    start = time.monotonic()
    reply = meet(sandbox, "slow=60ms", CALLS["Error reading assignment"], essay)
    assert (reply.status, time.monotonic() - start >= 0.06) == (200, True)


def test_a_fault_is_for_one_request(sandbox: Sandbox) -> None:
    essay = sandbox.create()
    meet(sandbox, "deleted", CALLS["Error reading assignment"], essay)
    assert sandbox.get(essay).status == 200


@pytest.mark.parametrize(
    "fault", ["", "explode", "slow=0ms", "slow=61s", "slow=-1s", "slow=ms", "slow", "slow=1h", "\xff"]
)
def test_an_unknown_fault_is_named(sandbox: Sandbox, fault: str) -> None:
    reply = sandbox.call("GET", ASSIGNMENTS, headers={"Sandbox-Fault": fault})
    assert (reply.status, reply.json["message"].split(":")[0]) == (400, "INVALID_SANDBOX_FAULT")


@pytest.mark.parametrize("text", NAMES)
def test_every_name_is_a_fault(text: str) -> None:
    assert parse(text).name == text.partition("=")[0]


@pytest.mark.parametrize(
    ("text", "seconds"), [("slow=1ms", 0.001), ("slow=60s", 60.0), ("slow=60000ms", 60.0)]
)
def test_how_slow(text: str, seconds: float) -> None:
    assert parse(text) == SandboxFault("slow", seconds)


def test_longer_than_a_minute_is_refused() -> None:
    with pytest.raises(Refusal):
        parse("slow=60001ms")
