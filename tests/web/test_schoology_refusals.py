"""Schoology through the API: what it refuses of one assignment is refused at once, and what it hides is warned of."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from passback_simulators.identities import SCHOOLOGY_UNIFIED
from support.sandbox import ESSAY, Client, Sandbox, serving

ASSIGNMENTS = f"/v3.1/sections/{SCHOOLOGY_UNIFIED.id('000007')}/assignments"
STUDENTS = [SCHOOLOGY_UNIFIED.id(f"{number:06}") for number in (1001, 1002)]
ASYNC = {"Prefer": "respond-async"}
REFUSED = "NOT_GRADABLE: Schoology does not allow this, though the key may do it elsewhere"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serving() as served:
        yield served


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    assert sandbox.client(SCHOOLOGY_UNIFIED.token).post("/sandbox/reset", b"").status == 200
    assert httpx2.delete(sandbox.faults_of(SCHOOLOGY_UNIFIED.district_id)).status_code == 200
    return sandbox.client(SCHOOLOGY_UNIFIED.token)


def refuse(sandbox: Sandbox, **rule: Any) -> None:
    """Have the simulated Schoology refuse some requests with 401."""
    answer = httpx2.post(
        sandbox.faults_of(SCHOOLOGY_UNIFIED.district_id),
        json={"fault": "expired-credentials", "times": None, **rule},
    )
    assert answer.status_code == 200


def ended(sandbox: Sandbox, client: Client, location: str) -> Any:
    give_up = time.monotonic() + 10
    while True:
        found = client.get(location).data
        if found["state"] not in ("waiting", "delivering"):
            return found
        assert time.monotonic() < give_up, found
        sandbox.clock.now += 1000
        time.sleep(0.01)


def test_a_grade_that_schoology_refuses_of_one_assignment_is_refused_after_one_look(
    sandbox: Sandbox, client: Client
) -> None:
    path = f"{ASSIGNMENTS}/{client.post(ASSIGNMENTS, ESSAY).data['id']}"
    refuse(sandbox, method="PUT", path="grades$")
    one = f"{path}/submissions/{STUDENTS[0]}"
    now = client.patch(one, {"grade_points": 5})
    assert (now.status, now.json) == (400, {"message": REFUSED})
    later = client.call("PATCH", one, json.dumps({"grade_points": 5}), ASYNC)
    found = ended(sandbox, client, later.headers["location"])
    assert (found["state"], found["attempts"]) == ("refused", 1)
    many = {"submissions": [{"user_id": student, "grade_points": 5} for student in STUDENTS]}
    at_once = client.patch(f"{path}/submissions", many)
    assert [(it["status"], it["message"]) for it in at_once.data] == [(400, REFUSED)] * 2
    in_turn = client.call("PATCH", f"{path}/submissions", json.dumps(many), ASYNC)
    assert ended(sandbox, client, in_turn.headers["location"])["state"] == "refused"
    state = client.get(f"/v3.1/districts/{SCHOOLOGY_UNIFIED.district_id}").data["lms_state"]
    assert state == "success"


@pytest.mark.parametrize(("method", "content"), [("PATCH", {"title": "Other"}), ("DELETE", None)])
def test_a_change_that_schoology_refuses_of_one_assignment_is_refused_at_once(
    sandbox: Sandbox, client: Client, method: str, content: Any
) -> None:
    path = f"{ASSIGNMENTS}/{client.post(ASSIGNMENTS, ESSAY).data['id']}"
    for written in ("PUT", "DELETE"):
        refuse(sandbox, method=written, path="assignments/")
    reply = client.call(method, path, None if content is None else json.dumps(content))
    assert (reply.status, reply.json) == (400, {"message": REFUSED})


def test_a_grade_that_waits_for_the_dropbox_is_warned_of_in_every_way(
    sandbox: Sandbox, client: Client
) -> None:
    made = client.post(ASSIGNMENTS, {**ESSAY, "submission_types": ["text"]})
    path = f"{ASSIGNMENTS}/{made.data['id']}/submissions"
    many = {"submissions": [{"user_id": student, "grade_points": 5} for student in STUDENTS]}
    at_once = client.patch(path, many)
    one = client.patch(f"{path}/{STUDENTS[0]}", {"grade_points": 6})
    later = client.call("PATCH", f"{path}/{STUDENTS[1]}", json.dumps({"grade_points": 7}), ASYNC)
    found = ended(sandbox, client, later.headers["location"])
    for told in (
        at_once.headers["passback-warnings"],
        one.headers["passback-warnings"],
        str(found["warnings"]),
    ):
        assert "GRADE_WAITS_FOR_SUBMISSION" in told
    assert "passback-warnings" not in made.headers
