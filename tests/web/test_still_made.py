"""Calls about an assignment whose create was accepted and still waits: nothing says that it was deleted."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from passback.delivery import ledger
from passback.store import deliveries
from passback_simulators.identities import SIMULATED
from support.sandbox import (
    BIOLOGY,
    ESSAY,
    NO_SUCH_ID,
    NOW,
    SECTION,
    STUDENT,
    TEACHER,
    TOKEN,
    Client,
    Reply,
    Sandbox,
)
from support.webhooks import endpoint

ASYNC = {"Prefer": "respond-async"}
GONE = {"status": 404, "message": "Assignment does not exist"}

PLACES = {"builtin": (TOKEN, SECTION, STUDENT, TEACHER)} | {
    it.lms_type: (it.token, it.id("000007"), it.id("001001"), it.id("000001")) for it in SIMULATED
}


class Place:
    """A section of a district, and the assignment there that is still to be made."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        token, section, self.student, self.teacher = PLACES[name]
        self.sandbox = sandbox
        self.client: Client = sandbox.client(token)
        self.assignments = f"/v3.1/sections/{section}/assignments"
        self.name = name

    def create(self, fault: str | None = "error-before", **headers: str) -> Any:
        """Have an assignment accepted; with a fault, it waits for its second try until the clock is set."""
        own = {} if fault is None else {"Sandbox-Fault": fault}
        reply = self.ask("POST", "", dict(ESSAY), {**ASYNC, **own, **headers})
        assert reply.status == 202, reply
        while (fault is not None and self.delivery(reply)["attempts"] == 0) or self.in_flight(reply):
            time.sleep(0.01)
        return reply.data

    def in_flight(self, reply: Reply) -> bool:
        return bool(self.delivery(reply)["state"] == "delivering")

    def ask(
        self, method: str, path: str, content: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        body = None if content is None else json.dumps(content)
        return self.client.call(method, f"{self.assignments}{path}", body, headers)

    def delivery(self, reply: Reply) -> Any:
        return self.client.get(f"/v3.1/deliveries/{reply.data['id']}").data

    def ended(self, reply: Reply) -> Any:
        """A delivery, once it has ended."""
        give_up = time.monotonic() + 10
        while (found := self.delivery(reply))["state"] in ("waiting", "delivering"):
            assert time.monotonic() < give_up, found
            self.sandbox.clock.now += 1000
            time.sleep(0.01)
        return found

    def cancel(self, delivery_id: str) -> None:
        found = self.sandbox.write(lambda conn: deliveries.find(conn, delivery_id))
        assert self.sandbox.write(lambda conn: ledger.cancel(conn, found, NOW))


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, started: Sandbox) -> Place:
    started.clock.now = NOW
    assert started.client(None).post("/sandbox/reset", b"").status == 200
    return Place(started, request.param)


@pytest.fixture
def builtin(started: Sandbox) -> Place:
    started.clock.now = NOW
    assert started.client(None).post("/sandbox/reset", b"").status == 200
    return Place(started, "builtin")


@pytest.mark.parametrize("preference", [{}, ASYNC], ids=["sync", "async"])
def test_a_grade_is_accepted_and_arrives_after_the_create(
    place: Place, preference: Mapping[str, str]
) -> None:
    create = place.create()
    path = f"/{create['assignment_id']}/submissions/{place.student}"
    graded = place.ask("PATCH", path, {"grade_points": 18, "grader_id": place.teacher}, preference)
    assert (graded.status, graded.data["state"], graded.data["attempts"]) == (202, "waiting", 0)
    assert "next_attempt" not in graded.data
    assert graded.headers.get("preference-applied") == preference.get("Prefer")
    found = place.ended(graded)
    assert (found["state"], found["attempts"]) == ("delivered", 1)
    assert found["result"]["grade_points"] == 18
    assert place.ask("GET", path).data["grade_points"] == 18
    made = place.client.get(f"/v3.1/deliveries/{create['id']}").data
    assert made["result"]["id"] == made["assignment_id"] == create["assignment_id"]


@pytest.mark.parametrize("preference", [{}, ASYNC], ids=["sync", "async"])
def test_many_grades_are_accepted_and_arrive_after_the_create(
    place: Place, preference: Mapping[str, str]
) -> None:
    path = f"/{place.create()['assignment_id']}/submissions"
    items = [
        {"user_id": place.student, "grade_points": 3},
        {"user_id": NO_SUCH_ID, "grade_points": 4},
    ]
    found = place.ended(place.ask("PATCH", path, {"submissions": items}, preference))
    assert [one["status"] for one in found["result"]] == [200, 404]
    assert place.ask("GET", f"{path}/{place.student}").data["grade_points"] == 3


@pytest.mark.parametrize("preference", [{}, ASYNC], ids=["sync", "async"])
def test_a_change_is_accepted_and_arrives_after_the_create(
    place: Place, preference: Mapping[str, str]
) -> None:
    path = f"/{place.create()['assignment_id']}"
    first = place.ask("PATCH", path, {"title": "First", "max_attempts": 7}, preference)
    second = place.ask("PATCH", path, {"title": "Second"}, preference)
    assert (place.ended(second)["state"], place.ended(first)["state"]) == ("delivered", "delivered")
    held = place.ask("GET", path).data
    assert (held["title"], held["max_attempts"]) == ("Second", 7)


@pytest.mark.parametrize("what", ["assignment", "submissions", "submission"])
def test_a_read_says_that_it_cannot_be_read_now_and_when_to_ask_again(place: Place, what: str) -> None:
    path = f"/{place.create()['assignment_id']}"
    path += {"assignment": "", "submissions": "/submissions", "submission": f"/submissions/{place.student}"}[
        what
    ]
    reply = place.ask("GET", path)
    assert (reply.status, reply.json) == (500, {"message": f"Error reading {what}"})
    assert int(reply.headers["retry-after"]) >= 1
    assert place.ask("GET", "").data == []


def test_what_is_being_made_is_waited_for(place: Place) -> None:
    created = place.ask("POST", "", dict(ESSAY), ASYNC).data
    path = f"/{created['assignment_id']}"
    graded = place.ask("PATCH", f"{path}/submissions/{place.student}", {"grade_points": 5})
    assert (graded.status, graded.data["grade_points"]) == (200, 5)
    assert place.ask("GET", path).status == 200
    assert place.ask("DELETE", path).status == 200


def test_grades_of_one_student_arrive_in_order(place: Place) -> None:
    path = f"/{place.create()['assignment_id']}/submissions/{place.student}"
    replies = [
        place.ask("PATCH", path, {"grade_points": points}, ASYNC if points % 2 else {}) for points in range(6)
    ]
    assert {place.ended(reply)["state"] for reply in replies} == {"delivered"}
    assert place.ask("GET", path).data["grade_points"] == 5


def test_a_repeat_of_the_create_with_its_key_leads_to_the_same_assignment(place: Place) -> None:
    key = {"Idempotency-Key": "k"}
    create = place.create(None if place.name == "builtin" else "error-after", **key)
    again = place.ask("POST", "", dict(ESSAY), {**ASYNC, **key})
    assert (again.status, again.data["assignment_id"]) == (202, create["assignment_id"])
    place.ended(again)
    assert [one["id"] for one in place.ask("GET", "").data] == [create["assignment_id"]]


def test_what_can_be_judged_is_judged_at_once(builtin: Place) -> None:
    path = f"/{builtin.create()['assignment_id']}"
    own = f"{path}/submissions/{STUDENT}"
    replies = [
        builtin.ask("PATCH", f"{path}/submissions/{NO_SUCH_ID}", {"grade_points": 1}),
        builtin.ask("PATCH", own, {"grade_points": 1, "grader_id": STUDENT}),
        builtin.ask("PATCH", path, {"assignee_mode": "individuals", "assignee_ids": [NO_SUCH_ID]}),
        builtin.ask("PATCH", path, {"due_date": "2020-01-01"}),
    ]
    assert [(reply.status, reply.json["message"]) for reply in replies] == [
        (404, "User not found"),
        (400, f"NOT_FOUND: Person with id clever:{STUDENT} not found for this integration."),
        (400, f"INVALID_ASSIGNEES: {NO_SUCH_ID} is not a student of this section"),
        (400, 'parsing time "2020-01-01": day out of range'),
    ]


def test_in_another_section_there_is_no_such_assignment(builtin: Place) -> None:
    assignment_id = builtin.create()["assignment_id"]
    path = f"/v3.1/sections/{BIOLOGY}/assignments/{assignment_id}"
    reply = builtin.client.get(path)
    assert (reply.status, reply.json) == (404, {"message": "Assignment does not exist"})


def test_the_id_of_another_delivery_is_no_assignment(builtin: Place) -> None:
    path = f"/{builtin.create()['assignment_id']}/submissions/{STUDENT}"
    grade = builtin.ask("PATCH", path, {"grade_points": 1}).data["id"]
    assert builtin.ask("GET", f"/{grade}").json == {"message": "Assignment does not exist"}


@pytest.mark.parametrize("end", ["cancelled", "expired", "refused"])
def test_changes_of_what_is_never_made_are_refused_as_row_13(builtin: Place, end: str) -> None:
    with endpoint() as app:
        address = {"url": f"http://127.0.0.1:{app.port}/"}
        assert builtin.client.post("/v3.1/webhooks", address).status == 200
        create = builtin.create()
        path = f"/{create['assignment_id']}"
        changed = builtin.ask("PATCH", path, {"title": "x"}, ASYNC)
        graded = builtin.ask("PATCH", f"{path}/submissions/{STUDENT}", {"grade_points": 1})
        items = [{"user_id": STUDENT, "grade_points": 2}]
        many = builtin.ask("PATCH", f"{path}/submissions", {"submissions": items})
        match end:
            case "cancelled":
                builtin.cancel(create["id"])
            case "expired":
                builtin.sandbox.write(
                    lambda conn: conn.execute(
                        "UPDATE deliveries SET attempts = 0, fault = 'error-before' WHERE id = :id",
                        {"id": create["id"]},
                    )
                )
                builtin.sandbox.clock.advance(hours=73)
            case _:
                builtin.sandbox.write(
                    lambda conn: conn.execute(
                        "UPDATE sections SET removed = 1 WHERE id = :id", {"id": SECTION}
                    )
                )
        ended = [builtin.ended(reply) for reply in (changed, graded, many)]
        assert [one["state"] for one in ended] == ["refused"] * 3
        assert [one["error"] for one in ended[:2]] == [GONE, GONE]
        assert ended[2]["result"] == [{"user_id": STUDENT, **GONE}]
        assert builtin.client.get(f"/v3.1/deliveries/{create['id']}").data["state"] == end
        if end != "refused":
            assert builtin.ask("GET", path).json == {"message": GONE["message"]}
        give_up = time.monotonic() + 10
        told: set[str] = set()
        while not {one["id"] for one in ended} <= told:
            assert time.monotonic() < give_up
            time.sleep(0.02)
            bodies = [json.loads(one.body) for one in app.received]
            told = {it["data"]["delivery_id"] for it in bodies if it["type"] == "delivery.refused"}


def test_a_delete_cancels_a_create_that_did_not_happen(place: Place) -> None:
    create = place.create("throttled")
    path = f"/{create['assignment_id']}"
    graded = place.ask("PATCH", f"{path}/submissions/{place.student}", {"grade_points": 1})
    deleted = place.ask("DELETE", path)
    assert (deleted.status, deleted.body) == (200, b"")
    assert place.delivery(graded)["error"] == GONE
    assert place.ask("GET", path).json == {"message": GONE["message"]}
    assert place.ask("DELETE", path).json == {"message": GONE["message"]}
    place.sandbox.clock.advance(hours=1)
    assert place.client.get(f"/v3.1/deliveries/{create['id']}").data["state"] == "cancelled"


def test_a_delete_of_what_may_be_in_the_lms_has_to_wait(place: Place) -> None:
    path = f"/{place.create('error-after')['assignment_id']}"
    reply = place.ask("DELETE", path)
    assert (reply.status, reply.json) == (500, {"message": "Error deleting assignment"})
    assert int(reply.headers["retry-after"]) >= 1


def test_what_was_refused_with_its_create_is_tried_again_with_it(builtin: Place) -> None:
    create = builtin.create()
    path = f"/{create['assignment_id']}/submissions/{STUDENT}"
    graded = builtin.ask("PATCH", path, {"grade_points": 9})
    items = [{"user_id": STUDENT, "grade_comment": "Once"}]
    many = builtin.ask("PATCH", path.rpartition("/")[0], {"submissions": items})
    builtin.cancel(create["id"])
    assert builtin.delivery(graded)["state"] == builtin.delivery(many)["state"] == "refused"
    found = builtin.sandbox.write(lambda conn: deliveries.find(conn, create["id"]))
    assert builtin.sandbox.write(lambda conn: ledger.retry(conn, found, NOW))
    assert builtin.ended(graded)["state"] == builtin.ended(many)["state"] == "delivered"
    held = builtin.ask("GET", path).data
    assert (held["grade_points"], held["grade_comment"]) == (9, "Once")
