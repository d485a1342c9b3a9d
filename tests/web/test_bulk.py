"""Many submissions in one call."""

from __future__ import annotations

from typing import Any

import pytest

from support.sandbox import BIOLOGY_STUDENT, BIOLOGY_TEACHER, NO_SUCH_ID, STUDENTS, TEACHER, Sandbox


@pytest.fixture
def essay(sandbox: Sandbox) -> str:
    return sandbox.create(assignee_mode="individuals", assignee_ids=STUDENTS[:20])


def change(sandbox: Sandbox, essay: str, *items: Any) -> list[Any]:
    reply = sandbox.patch(f"{essay}/submissions", {"submissions": list(items)})
    assert reply.status == 200, reply
    data: list[Any] = reply.data
    return data


def test_everyone_is_graded_in_order(sandbox: Sandbox, essay: str) -> None:
    students = STUDENTS[:20][::-1]
    items = [{"user_id": user_id, "grade_points": index} for index, user_id in enumerate(students)]
    outcomes = change(sandbox, essay, *items)
    assert [
        (outcome["user_id"], outcome["status"], outcome["data"]["grade_points"]) for outcome in outcomes
    ] == [(user_id, 200, index) for index, user_id in enumerate(students)]
    assert sandbox.get(f"{essay}/submissions/{students[7]}").data == outcomes[7]["data"]


ITEMS: list[Any] = [
    {"user_id": STUDENTS[0], "grade_points": 5, "grade_comment": "Good", "grader_id": TEACHER},
    {"user_id": STUDENTS[1].upper(), "flags": ["excused"]},
    {"user_id": BIOLOGY_STUDENT, "grade_points": 5},
    {"user_id": NO_SUCH_ID, "grader_id": NO_SUCH_ID},
    {"user_id": STUDENTS[25], "grade_points": 5},
    {"user_id": STUDENTS[25], "grader_id": BIOLOGY_TEACHER},
    {"user_id": STUDENTS[2], "grader_id": BIOLOGY_TEACHER, "grade_points": 1},
    {"user_id": "bad", "grade_points": "5"},
    {"user_id": "bad", "grade_points": -5},
    {"user_id": STUDENTS[2], "grade_points": "5"},
    {"user_id": STUDENTS[2], "grade_points": -5},
    {"user_id": STUDENTS[2], "override_due_date": "2030-02-30"},
    {"user_id": STUDENTS[2], "state": "lost", "flags": ["early"]},
    {"user_id": STUDENTS[2], "state": "reclaimed"},
    {"user_id": STUDENTS[2], "grade": "lots"},
    {"user_id": STUDENTS[2], "attachments": [{"type": "file"}]},
    {"user_id": STUDENTS[3]},
]


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_each_is_judged_as_if_sent_alone(sandbox: Sandbox, essay: str, item: dict[str, Any]) -> None:
    (outcome,) = change(sandbox, essay, item)
    path = f"{essay}/submissions/{item['user_id']}"
    sandbox.client(None).post("/sandbox/reset", b"")
    alone_essay = sandbox.create(assignee_mode="individuals", assignee_ids=STUDENTS[:20])
    alone = sandbox.patch(path.replace(essay, alone_essay), {k: v for k, v in item.items() if k != "user_id"})
    expected = {"data": {**outcome.get("data", {}), "assignment_id": alone_essay.rsplit("/", 1)[1]}}
    assert outcome["status"] == alone.status
    assert alone.json == (expected if alone.status == 200 else {"message": outcome["message"]})


def test_one_that_fails_takes_no_other_along(sandbox: Sandbox, essay: str) -> None:
    outcomes = change(sandbox, essay, *ITEMS)
    assert [outcome["status"] for outcome in outcomes] == [200, 200, 404, 404, 404, 404, *[400] * 10, 200]
    assert "grade_points" not in sandbox.get(f"{essay}/submissions/{STUDENTS[2]}").data


def test_the_same_student_twice_gets_both_in_order(sandbox: Sandbox, essay: str) -> None:
    items = [{"user_id": STUDENTS[0], "grade_points": points} for points in (1, 2)]
    assert [outcome["data"]["grade_points"] for outcome in change(sandbox, essay, *items)] == [1, 2]


def test_warnings_are_told_once(sandbox: Sandbox, essay: str) -> None:
    items = [{"user_id": user_id, "colour": "red"} for user_id in STUDENTS[:3]]
    reply = sandbox.patch(f"{essay}/submissions", {"submissions": items})
    assert reply.headers["passback-warnings"] == "UNKNOWN_FIELD:colour"


@pytest.mark.parametrize("prefer", ["", "respond-async"])
def test_a_field_beside_the_submissions_is_warned_of(sandbox: Sandbox, essay: str, prefer: str) -> None:
    body = {"submissions": [{"user_id": STUDENTS[0], "colour": "red"}], "extra": 1}
    reply = sandbox.call("PATCH", f"{essay}/submissions", body, {"Prefer": prefer})
    assert reply.headers["passback-warnings"] == "UNKNOWN_FIELD:extra, UNKNOWN_FIELD:colour"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "request body is required, but was empty"),
        ("{", "unexpected EOF"),
        ("[]", "json: cannot unmarshal array into Go value of type models.SubmissionsRequest"),
        ("{}", "validation failure list:\nsubmissions in body is required"),
        ('{"submissions":null}', "validation failure list:\nsubmissions in body is required"),
        (
            '{"submissions":{}}',
            "json: cannot unmarshal object into Go struct field SubmissionsRequest.submissions of type "
            "[]*models.SubmissionRequest",
        ),
        (
            '{"submissions":[' + ",".join(["{}"] * 501) + "]}",
            "validation failure list:\nsubmissions in body should have at most 500 items",
        ),
    ],
)
def test_a_body_without_a_list_is_refused_as_a_whole(
    sandbox: Sandbox, essay: str, body: str, message: str
) -> None:
    reply = sandbox.patch(f"{essay}/submissions", body)
    assert (reply.status, reply.json) == (400, {"message": message})


@pytest.mark.parametrize(
    ("item", "user_id", "message"),
    [
        ({}, "", 'user_id in path must be of type mongo-id: ""'),
        ({"user_id": None}, "", 'user_id in path must be of type mongo-id: ""'),
        (None, "", 'user_id in path must be of type mongo-id: ""'),
        (
            {"user_id": 5},
            "",
            "json: cannot unmarshal number into Go struct field SubmissionRequest.user_id of type string",
        ),
        (5, "", "json: cannot unmarshal number into Go value of type models.SubmissionRequest"),
    ],
)
def test_a_part_that_names_nobody_is_refused(
    sandbox: Sandbox, essay: str, item: Any, user_id: str, message: str
) -> None:
    assert change(sandbox, essay, item) == [{"user_id": user_id, "status": 400, "message": message}]


def test_an_empty_list_changes_nothing(sandbox: Sandbox, essay: str) -> None:
    assert change(sandbox, essay) == []


def test_a_deleted_assignment_is_refused_as_a_whole(sandbox: Sandbox, essay: str) -> None:
    sandbox.delete(essay)
    reply = sandbox.patch(f"{essay}/submissions", {"submissions": [{"user_id": STUDENTS[0]}]})
    assert (reply.status, reply.body) == (404, b'{"message":"Assignment does not exist"}')
