"""``Prefer: respond-async``: accepted durably, delivered in the background, and told."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from passback.delivery import lookup
from passback.domain.clock import HOUR
from support.sandbox import (
    ASSIGNMENTS,
    BIOLOGY_STUDENT,
    ESSAY,
    NO_SUCH_ASSIGNMENT,
    NO_SUCH_ID,
    NOW,
    SECTION,
    STUDENT,
    STUDENTS,
    TEACHER,
    Reply,
    Sandbox,
)

ASYNC = {"Prefer": "respond-async"}


def ask(
    sandbox: Sandbox, method: str, path: str, content: Any, headers: Mapping[str, str] | None = None
) -> Reply:
    return sandbox.call(method, path, json.dumps(content), {**ASYNC, **(headers or {})})


def ended(sandbox: Sandbox, location: str) -> Any:
    """A delivery, once it has ended."""
    give_up = time.monotonic() + 10
    while True:
        found = sandbox.get(location).data
        if found["state"] not in ("waiting", "delivering"):
            return found
        assert time.monotonic() < give_up, found
        sandbox.clock.now += 1000  # so that what waits for its next try is due
        time.sleep(0.01)


def accepted(reply: Reply) -> str:
    assert reply.status == 202, reply
    return reply.headers["location"]


def test_the_answer_says_that_it_was_accepted_and_where_to_look(sandbox: Sandbox) -> None:
    reply = ask(sandbox, "POST", ASSIGNMENTS, ESSAY)
    assert (reply.status, reply.headers["preference-applied"]) == (202, "respond-async")
    assert reply.headers["location"] == f"/v3.1/deliveries/{reply.data['id']}"
    assert reply.data["operation"] == "create_assignment"


@pytest.mark.parametrize(
    ("prefer", "status"),
    [("respond-async", 202), ("Respond-Async", 202), ("wait=10, respond-async", 202), ("respond-async; x=1", 202),
     ("handling=lenient", 200), ("", 200), ("respond-asynchronously", 200), ('respond-async=""', 202),
     ('x="a, respond-async, b"', 200), ('x="a, respond-async', 200), ('x="a", respond-async', 202),
     ('respond-async="no"', 200)],
)  # fmt: skip
def test_the_preference_is_read_as_its_standard_says(sandbox: Sandbox, prefer: str, status: int) -> None:
    assert sandbox.call("POST", ASSIGNMENTS, json.dumps(dict(ESSAY)), {"Prefer": prefer}).status == status


def test_a_read_is_answered_at_once_whatever_is_preferred(sandbox: Sandbox) -> None:
    assert sandbox.call("GET", sandbox.create(), headers=ASYNC).status == 200


def test_an_assignment_is_created_and_the_delivery_has_it(sandbox: Sandbox) -> None:
    found = ended(sandbox, accepted(ask(sandbox, "POST", ASSIGNMENTS, ESSAY)))
    assert (found["state"], found["attempts"]) == ("delivered", 1)
    assert sandbox.get(f"{ASSIGNMENTS}/{found['result']['id']}").data == found["result"]


def test_an_assignment_is_changed(sandbox: Sandbox) -> None:
    path = sandbox.create()
    found = ended(sandbox, accepted(ask(sandbox, "PATCH", path, {"title": "Another", "odd": 1})))
    assert (found["state"], found["warnings"]) == ("delivered", ["UNKNOWN_FIELD:odd"])
    assert sandbox.get(path).data["title"] == "Another"


def test_a_grade_is_given(sandbox: Sandbox) -> None:
    path = f"{sandbox.create()}/submissions/{STUDENT}"
    content = {"grade_points": 18.25, "grade_comment": "Well done", "grader_id": TEACHER}
    found = ended(sandbox, accepted(ask(sandbox, "PATCH", path, content)))
    assert (found["state"], found["user_id"]) == ("delivered", STUDENT)
    assert sandbox.get(path).data == found["result"]
    assert found["result"]["grade_points"] == 18.25


def test_none_of_many_have_ended_at_once(sandbox: Sandbox) -> None:
    reply = ask(sandbox, "PATCH", f"{sandbox.create()}/submissions", {"submissions": []})
    found = sandbox.get(accepted(reply)).data
    assert (found["state"], found["result"]) == ("delivered", [])


def test_many_grades_are_given_and_each_is_told(sandbox: Sandbox) -> None:
    path = f"{sandbox.create()}/submissions"
    items = [{"user_id": student, "grade_points": number} for number, student in enumerate(STUDENTS)]
    items.insert(3, {"user_id": BIOLOGY_STUDENT, "grade_points": 1})
    found = ended(sandbox, accepted(ask(sandbox, "PATCH", path, {"submissions": items})))
    assert found["state"] == "refused"
    assert [one["user_id"] for one in found["result"]] == [item["user_id"] for item in items]
    assert found["result"].pop(3) == {
        "user_id": BIOLOGY_STUDENT,
        "status": 404,
        "message": "User not found",
    }
    assert [one["data"]["grade_points"] for one in found["result"]] == list(range(30))
    assert [one["grade_points"] for one in sandbox.get(path).data] == list(range(30))


def test_many_that_are_all_refused_have_ended(sandbox: Sandbox) -> None:
    path = f"{sandbox.create()}/submissions"
    reply = ask(sandbox, "PATCH", path, {"submissions": [{"user_id": "x"}]})
    assert reply.data["state"] == "refused"


@pytest.mark.parametrize(
    ("path", "content", "status", "message"),
    [
        ("{a}", {"due_date": "2001-01-01"}, 400, 'parsing time "2001-01-01": day out of range'),
        ("{a}/submissions/" + STUDENT, {"grade_points": -1},
         400, "validation failure list:\ngrade_points in body should be greater than or equal to 0"),
        ("{a}/submissions/" + STUDENT, {"grader_id": STUDENT},
         400, f"NOT_FOUND: Person with id clever:{STUDENT} not found for this integration."),
        ("{a}/submissions/" + NO_SUCH_ID, {"grade_points": 1}, 404, "User not found"),
        (f"{ASSIGNMENTS}/{NO_SUCH_ASSIGNMENT}", {"title": "x"}, 404, "Assignment does not exist"),
    ],
)  # fmt: skip
def test_what_can_be_judged_at_once_is_refused_at_once(
    sandbox: Sandbox, path: str, content: Any, status: int, message: str
) -> None:
    reply = ask(sandbox, "PATCH", path.format(a=sandbox.create()), content)
    assert (reply.status, reply.json) == (status, {"message": message})


def test_what_the_lms_refuses_is_told_by_the_delivery(sandbox: Sandbox) -> None:
    path = f"{sandbox.create(grading_type='pass_fail')}/submissions/{STUDENT}"
    found = ended(sandbox, accepted(ask(sandbox, "PATCH", path, {"grade": "B+"})))
    assert (found["state"], found["error"]["status"]) == ("refused", 400)
    assert found["error"]["message"].startswith("INVALID_GRADE: ")


@pytest.mark.parametrize(
    ("fault", "state"),
    [("timeout", "delivered"), ("error-before", "delivered"), ("error-after", "delivered"),
     ("throttled", "delivered"), ("expired-credentials", "delivered"), ("deleted", "refused"),
     ("not-enrolled", "refused"), ("slow=20ms", "delivered")],
)  # fmt: skip
def test_every_failure_of_the_lms_can_be_had_in_the_background(
    sandbox: Sandbox, fault: str, state: str
) -> None:
    path = f"{sandbox.create()}/submissions/{STUDENT}"
    content = {"grade_points": 7, "grade_comment": "Once"}
    location = accepted(ask(sandbox, "PATCH", path, content, {"Sandbox-Fault": fault}))
    found = ended(sandbox, location)
    assert (found["state"], found["attempts"]) == (
        state,
        1 if state == "refused" or fault.startswith("slow") else 2,
    )
    assert sandbox.get(path).data.get("grade_points") == (7 if state == "delivered" else None)


def test_an_unknown_fault_is_refused_at_once(sandbox: Sandbox) -> None:
    assert ask(sandbox, "POST", ASSIGNMENTS, ESSAY, {"Sandbox-Fault": "gremlins"}).status == 400


def test_an_assignment_that_the_lms_made_though_its_answer_was_lost_is_one(sandbox: Sandbox) -> None:
    location = accepted(ask(sandbox, "POST", ASSIGNMENTS, ESSAY, {"Sandbox-Fault": "error-after"}))
    assert ended(sandbox, location)["state"] == "delivered"
    assert len(sandbox.get(ASSIGNMENTS).data) == 1


def test_what_waits_says_why_and_until_when(sandbox: Sandbox) -> None:
    location = accepted(ask(sandbox, "POST", ASSIGNMENTS, ESSAY, {"Sandbox-Fault": "timeout"}))
    give_up = time.monotonic() + 5
    while (found := sandbox.get(location).data)["attempts"] == 0 or found["state"] == "delivering":
        assert time.monotonic() < give_up
        time.sleep(0.01)
    assert found["state"] == "waiting"
    assert found["error"] == {"status": 500, "message": "Error creating assignment"}
    assert found["next_attempt"] > found["created"]
    assert found["expires"] == "2026-01-04T00:00:00.000Z"
    assert NOW + 72 * HOUR == 1_767_484_800_000


def test_deliveries_are_listed_by_state_the_newest_first(sandbox: Sandbox) -> None:
    path = sandbox.create()
    locations = [
        accepted(ask(sandbox, "PATCH", f"{path}/submissions/{student}", {"grade_points": 1}))
        for student in (*STUDENTS[:3], STUDENTS[0])
    ]
    refused = accepted(ask(sandbox, "PATCH", path, {"title": "x"}, {"Sandbox-Fault": "deleted"}))
    wanted = [ended(sandbox, location)["id"] for location in [*locations, refused]][::-1]
    listed = sandbox.get("/v3.1/deliveries").data
    assert [one["id"] for one in listed] == wanted
    assert [one["id"] for one in sandbox.get("/v3.1/deliveries?state=refused").data] == wanted[:1]
    assert sandbox.get("/v3.1/deliveries?state=waiting,expired").data == []
    first = sandbox.get("/v3.1/deliveries?state=delivered,refused&limit=2").json
    second = sandbox.get(first["links"][0]["uri"]).json
    third = sandbox.get(second["links"][0]["uri"]).json
    pages = [[one["id"] for one in page["data"]] for page in (first, second, third)]
    assert pages == [wanted[:2], wanted[2:4], wanted[4:]]
    assert "links" not in third


@pytest.mark.parametrize("state", ["lost", "delivered,lost", ","])
def test_an_unknown_state_is_refused(sandbox: Sandbox, state: str) -> None:
    reply = sandbox.get(f"/v3.1/deliveries?state={state}")
    assert reply.status == 400
    assert reply.json["message"].startswith("state in query should be one of [waiting ")


def test_a_delivery_is_seen_only_by_who_asked_for_it(sandbox: Sandbox) -> None:
    location = accepted(ask(sandbox, "POST", ASSIGNMENTS, ESSAY))
    other = sandbox.client("DEMO_TOKEN_ELSEWHERE")
    assert (other.get(location).status, other.get("/v3.1/deliveries").data) == (404, [])
    assert other.get(location).json == {"message": "Resource not found"}


@pytest.mark.parametrize("name", ["x", NO_SUCH_ASSIGNMENT, "%00", "%ff"])
def test_there_is_no_such_delivery(sandbox: Sandbox, name: str) -> None:
    assert sandbox.get(f"/v3.1/deliveries/{name}").json == {"message": "Resource not found"}


def test_what_a_client_waited_for_is_no_delivery_to_look_at(sandbox: Sandbox) -> None:
    sandbox.create()
    assert sandbox.get("/v3.1/deliveries").data == []


def test_an_assignment_that_is_made_while_it_is_looked_for_is_found(sandbox: Sandbox) -> None:
    made = ended(sandbox, accepted(ask(sandbox, "POST", ASSIGNMENTS, ESSAY)))["result"]["id"]
    found = sandbox.write(lambda conn: lookup.required(sandbox.gateway, conn, SECTION, None, made))
    assert found.id == made
