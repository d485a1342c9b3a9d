"""The sandbox's own calls: back to the start, save and load."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.sandbox import ASSIGNMENTS, STUDENT, TEACHER, Sandbox


@pytest.fixture
def anyone(sandbox: Sandbox) -> Any:
    """A caller without a token: the sandbox keeps nothing secret."""
    return sandbox.client(None)


def test_reset_goes_back_to_the_start(sandbox: Sandbox, anyone: Any) -> None:
    path = sandbox.create()
    sandbox.patch(f"{path}/submissions/{STUDENT}", {"grade_points": 1, "grade_comment": "Hello"})
    assert anyone.post("/sandbox/reset", b"").status == 200
    assert sandbox.get(ASSIGNMENTS).json == {"data": []}
    assert sandbox.get(path).status == 404


def test_a_saved_state_can_be_loaded_again(sandbox: Sandbox, anyone: Any) -> None:
    path = f"{sandbox.create()}/submissions/{STUDENT}"
    given = {"grade_points": 7.25, "grade_comment": "Hé \u0001", "flags": ["excused"], "grader_id": TEACHER}
    before = sandbox.patch(path, given).data
    saved = anyone.get("/sandbox/state")
    anyone.post("/sandbox/reset", b"")
    assert anyone.call("PUT", "/sandbox/state", saved.body).status == 200
    assert sandbox.get(path).data == before
    assert anyone.get("/sandbox/state").body == saved.body


def test_a_state_can_take_everything_away(sandbox: Sandbox, anyone: Any) -> None:
    anyone.call("PUT", "/sandbox/state", '{"passback_sandbox":1,"tables":{}}')
    assert sandbox.get(ASSIGNMENTS).status == 403


def damaged(state: Any, damage: str) -> Any:  # noqa: C901 - a table of damages
    tables = state["tables"]
    match damage:
        case "unknown table":
            tables["recipes"] = []
        case "missing column":
            del tables["users"][3]["role"]
        case "unknown column":
            tables["users"][3]["colour"] = "red"
        case "unknown owner":
            tables["sections"][0]["district_id"] = "nobody"
        case "twice the same id":
            tables["users"].append(tables["users"][0])
        case "null where there must be a value":
            tables["users"][0]["first_name"] = None
        case "a number beyond 64 bits":
            tables["users"][0]["created"] = 2**70
        case "a list that is no JSON":
            tables["gradebook_assignments"][0]["assignee_ids"] = "["
        case "a number that is none":
            tables["gradebook_assignments"][0]["points_possible"] = "many"
        case "a text for a date":
            tables["gradebook_assignments"][0]["due_date"] = "tomorrow"
        case "percentages that are no JSON":
            tables["districts"][0]["lms_matched_percentage"] = "all"
        case "a state that there is not":
            tables["gradebook_submissions"][0]["state"] = "eaten by the dog"
        case "a role that there is not":
            tables["enrollments"][0]["role"] = "janitor"
        case "another form":
            state["passback_sandbox"] = 99
        case "a table that is no list":
            tables["users"] = {"a": 1}
    return state


DAMAGES = [
    "unknown table", "missing column", "unknown column", "unknown owner", "twice the same id",
    "null where there must be a value", "a number beyond 64 bits", "a list that is no JSON", "a number that is none",
    "a text for a date", "percentages that are no JSON", "a state that there is not", "a role that there is not",
    "another form", "a table that is no list",
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_refused_and_changes_nothing(sandbox: Sandbox, anyone: Any, damage: str) -> None:
    sandbox.patch(f"{sandbox.create()}/submissions/{STUDENT}", {"grade_points": 1})
    before = anyone.get("/sandbox/state")
    reply = anyone.call("PUT", "/sandbox/state", json.dumps(damaged(before.json, damage)))
    assert (reply.status, reply.json["message"].split(":")[0]) == (400, "INVALID_SANDBOX_STATE")
    assert anyone.get("/sandbox/state").body == before.body


@pytest.mark.parametrize("body", ["", "{}", "[]", "null", "\x00", "{" * 10_000, "[" * 100_000, b"\xff\xfe"])
def test_a_body_that_is_no_state_is_refused(anyone: Any, body: str | bytes) -> None:
    reply = anyone.call("PUT", "/sandbox/state", body)
    assert (reply.status, reply.json["message"].split(":")[0]) == (400, "INVALID_SANDBOX_STATE")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/sandbox/reset", "POST"),
        ("POST", "/sandbox/state", "GET, HEAD, PUT"),
        ("POST", "/health/ready", "GET, HEAD"),
    ],
)
def test_other_methods_are_not_allowed(anyone: Any, method: str, path: str, allow: str) -> None:
    reply = anyone.call(method, path)
    assert (reply.status, reply.headers["allow"]) == (405, allow)


def test_health_answers_without_a_token(anyone: Any) -> None:
    assert [anyone.get(f"/health/{kind}").status for kind in ("live", "ready")] == [200, 200]
