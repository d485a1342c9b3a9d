"""What Canvas refuses of one assignment is refused at once, in every way in which it is asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from passback_simulators.canvas.seed import ADMIN_TOKEN, COURSES, person_lms_id
from passback_simulators.identities import CANVAS_UNIFIED
from support.sandbox import ESSAY, Client, Sandbox, serving

ASSIGNMENTS = f"/v3.1/sections/{CANVAS_UNIFIED.id('000007')}/assignments"
STUDENT = CANVAS_UNIFIED.id("001001")
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serving() as served:
        yield served


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    assert sandbox.client(CANVAS_UNIFIED.token).post("/sandbox/reset", b"").status == 200
    return sandbox.client(CANVAS_UNIFIED.token)


def in_canvas(
    sandbox: Sandbox, method: str, path: str, content: Any, below: str = f"/courses/{COURSES['000007']}"
) -> None:
    """Change something in Canvas itself."""
    connection = sandbox.write(
        lambda conn: sandbox.gateway.connectors.connection(conn, CANVAS_UNIFIED.district_id)  # type: ignore[attr-defined]
    )
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    url = f"{connection.address}api/v1{below}{path}"
    assert httpx2.request(method, url, json=content, headers=headers).status_code == 200


def ended(sandbox: Sandbox, client: Client, location: str) -> Any:
    give_up = time.monotonic() + 10
    while True:
        found = client.get(location).data
        if found["state"] not in ("waiting", "delivering"):
            return found
        assert time.monotonic() < give_up, found
        sandbox.clock.now += 1000
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("why", "code"),
    [("moderated", "NOT_GRADABLE"), ("anonymous", "NOT_GRADABLE"), ("concluded", "COURSE_CONCLUDED")],
)
def test_a_grade_that_canvas_refuses_of_one_assignment_is_refused_after_one_look(
    sandbox: Sandbox, client: Client, why: str, code: str
) -> None:
    path = f"{ASSIGNMENTS}/{client.post(ASSIGNMENTS, ESSAY).data['id']}"
    if why == "concluded":
        in_canvas(sandbox, "PUT", "", {"course": {"event": "conclude"}})
    else:
        field = {"moderated": "moderated_grading", "anonymous": "anonymous_grading"}[why]
        in_canvas(sandbox, "PUT", "/assignments/501", {"assignment": {field: True}})
    grades: dict[str, Any] = {"grade_points": 5, "grade_comment": "Good"}
    now = client.patch(f"{path}/submissions/{STUDENT}", grades)
    assert (now.status, now.json["message"].partition(":")[0]) == (400, code)
    later = client.call("PATCH", f"{path}/submissions/{STUDENT}", json.dumps(grades), ASYNC)
    found = ended(sandbox, client, later.headers["location"])
    assert (found["state"], found["attempts"]) == ("refused", 1)
    many = {"submissions": [{"user_id": CANVAS_UNIFIED.id(f"{one:06}"), **grades} for one in (1001, 1002)]}
    at_once = client.patch(f"{path}/submissions", many)
    assert [(it["status"], it["message"].partition(":")[0]) for it in at_once.data] == [(400, code)] * 2
    in_turn = client.call("PATCH", f"{path}/submissions", json.dumps(many), ASYNC)
    assert ended(sandbox, client, in_turn.headers["location"])["state"] == "refused"
    state = client.get(f"/v3.1/districts/{CANVAS_UNIFIED.district_id}").data["lms_state"]
    assert state == "success"


@pytest.mark.parametrize(("method", "content"), [("PATCH", {"title": "Other"}), ("DELETE", None)])
def test_a_change_that_canvas_refuses_of_one_assignment_is_refused_at_once(
    sandbox: Sandbox, client: Client, method: str, content: Any
) -> None:
    path = f"{ASSIGNMENTS}/{client.post(ASSIGNMENTS, ESSAY).data['id']}"
    in_canvas(sandbox, "PUT", "", {"course": {"event": "conclude"}})
    reply = client.call(method, path, None if content is None else json.dumps(content))
    assert (reply.status, reply.json) == (
        400, {"message": "COURSE_CONCLUDED: the course has been concluded in Canvas"},
    )  # fmt: skip


def test_a_change_that_names_no_assignees_leaves_a_groups_assignment_to_it(
    sandbox: Sandbox, client: Client
) -> None:
    path = f"{ASSIGNMENTS}/{client.post(ASSIGNMENTS, ESSAY).data['id']}"
    both = [CANVAS_UNIFIED.id(digits) for digits in ("001001", "001002")]
    members = [person_lms_id(digits) for digits in ("001001", "001002")]
    group = {"course_id": COURSES["000007"]}
    in_canvas(sandbox, "POST", "/group_categories/5/groups", group, below="")
    for member in members:
        in_canvas(sandbox, "POST", "/groups/71/memberships", {"user_id": member}, below="")
    content = {
        "group_category_id": 5, "grade_group_students_individually": True, "only_visible_to_overrides": True,
        "assignment_overrides": [{"group_id": 71, "due_at": "2030-05-01T12:00:00Z"}],
    }  # fmt: skip
    in_canvas(sandbox, "PUT", "/assignments/501", {"assignment": content})
    changed = client.patch(path, {"title": "Other"})
    assert (changed.status, changed.data["title"], changed.data["assignee_ids"]) == (200, "Other", both)
    refused = client.patch(path, {"due_date": "2030-07-01T12:00:00Z"})
    assert (refused.status, refused.json["message"].partition(":")[0]) == (400, "INVALID_DUE_DATE")
    statuses = [
        client.patch(f"{path}/submissions/{CANVAS_UNIFIED.id(digits)}", {"grade_points": 5}).status
        for digits in ("001001", "001003")
    ]
    assert statuses == [200, 404]


def test_a_section_that_is_in_another_course_by_now_is_not_found(sandbox: Sandbox, client: Client) -> None:
    path = f"{ASSIGNMENTS}/{client.post(ASSIGNMENTS, ESSAY).data['id']}"
    in_canvas(sandbox, "POST", f"/sections/207/crosslist/{COURSES['000008']}", {}, below="")
    now = client.post(ASSIGNMENTS, ESSAY)
    assert (now.status, now.json) == (404, {"message": "Resource not found"})
    later = client.call("POST", ASSIGNMENTS, json.dumps(ESSAY), ASYNC)
    found = ended(sandbox, client, later.headers["location"])
    assert (found["state"], found["attempts"], found["error"]["status"]) == ("refused", 1, 404)
    assert client.patch(f"{path}/submissions/{STUDENT}", {"grade_points": 5}).status == 404
