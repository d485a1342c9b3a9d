"""Matches that change between a change's acceptance and its delivery: what is delivered, to whom, and what waits."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from passback.store import destinations, matching
from passback.store.engine.database import Connection
from passback_simulators.identities import MOODLE_UNIFIED, SIMULATED, SandboxDistrict
from support.sandbox import ESSAY, NOW, Client, Reply, Sandbox, titles_in_lmss
from support.webhooks import endpoint

KINDS = {district.lms_type: district for district in SIMULATED}
ASYNC = {"Prefer": "respond-async"}
LATER = {**ASYNC, "Sandbox-Fault": "error-before"}
USER_GONE = {"status": 404, "message": "User not found"}
ASSIGNMENT_GONE = {"message": "Assignment does not exist"}


class Place:
    """A section whose LMS is simulated, and who is matched there."""

    def __init__(self, sandbox: Sandbox, known: SandboxDistrict) -> None:
        self.sandbox = sandbox
        self.client: Client = sandbox.client(known.token)
        self.section, self.biology = known.id("000007"), known.id("000008")
        self.assignments = f"/v3.1/sections/{self.section}/assignments"
        self.ada, self.bob = known.id("001001"), known.id("001002")
        self.teacher = known.id("000001")
        self.district = known.district_id

    def ask(
        self, method: str, path: str, content: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        body = None if content is None else json.dumps(content)
        return self.client.call(method, f"{self.assignments}{path}", body, headers)

    def create(self, **changes: Any) -> str:
        reply = self.ask("POST", "", {**ESSAY, **changes})
        assert reply.status == 200, reply
        return f"/{reply.data['id']}"

    def grade(self, path: str, student: str, headers: Mapping[str, str] = LATER, **content: Any) -> Reply:
        """Give a grade; by default one that waits for its second try until the clock is set."""
        reply = self.ask("PATCH", f"{path}/submissions/{student}", {"grade_points": 7, **content}, headers)
        while (reply.status == 202 and self.delivery(reply)["attempts"] == 0) or self.is_under_way(reply):
            time.sleep(0.01)
        return reply

    def is_under_way(self, reply: Reply) -> bool:
        return reply.status == 202 and bool(self.delivery(reply)["state"] == "delivering")

    def delivery(self, reply: Reply) -> Any:
        return self.client.get(f"/v3.1/deliveries/{reply.data['id']}").data

    def after_a_try(self, reply: Reply) -> Any:
        """A delivery after its next try, or as it ended: after a long wait the next may have been made by now."""
        before = self.delivery(reply)["attempts"]
        give_up = time.monotonic() + 60
        while (found := self.delivery(reply))["state"] == "delivering" or (
            found["state"] == "waiting" and found["attempts"] == before
        ):
            assert time.monotonic() < give_up, found
            self.sandbox.clock.now += 1000
            time.sleep(0.01)
        return found

    def lms_id(self, ours: str) -> Any:
        table = "sections" if ours in (self.section, self.biology) else "users"
        query = f"SELECT lms_id FROM {table} WHERE id = :id"
        return self.sandbox.write(lambda conn: conn.execute(query, {"id": ours}).fetchone()[0])

    def match(self, ours: str, lms_id: str | None) -> None:
        self.sandbox.write(partial(_decide, ours, lms_id))

    def failures(self) -> int:
        """How often in a row the LMS was found to be down."""
        known = self.sandbox.write(lambda conn: destinations.find(conn, self.district))
        return 0 if known is None else known.failures

    def titles(self) -> list[str]:
        """The titles of all essays that LMSs have."""
        return [title for title in titles_in_lmss(self.sandbox) if title == "Essay 1"]

    def points(self, path: str, student: str) -> Any:
        return self.ask("GET", f"{path}/submissions/{student}").data.get("grade_points")


def _decide(ours: str, lms_id: str | None, conn: Connection) -> None:
    matching.decide(conn, ours, lms_id, NOW)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, started: Sandbox) -> Place:
    started.clock.now = NOW
    assert started.client(None).post("/sandbox/reset", b"").status == 200
    return Place(started, KINDS[request.param])


def test_a_grade_goes_to_the_account_that_is_matched_when_it_is_delivered(place: Place) -> None:
    path = place.create()
    graded = place.grade(path, place.ada)
    ada, bob = place.lms_id(place.ada), place.lms_id(place.bob)
    place.match(place.bob, None)
    place.match(place.ada, bob)
    assert place.after_a_try(graded)["state"] == "delivered"
    assert place.points(path, place.ada) == 7
    place.match(place.ada, ada)
    place.match(place.bob, bob)
    assert (place.points(path, place.ada), place.points(path, place.bob)) == (None, 7)


def test_a_grade_waits_for_a_student_whose_match_is_in_question(place: Place) -> None:
    path = place.create()
    graded = place.grade(path, place.ada)
    ada = place.lms_id(place.ada)
    place.match(place.ada, None)
    found = place.after_a_try(graded)
    assert (found["state"], found["error"]) == ("waiting", USER_GONE)
    assert place.grade(path, place.ada).json == {"message": "User not found"}
    assert place.grade(path, place.ada, {}).json == {"message": "User not found"}
    place.match(place.ada, ada)
    while (found := place.after_a_try(graded))["state"] == "waiting":
        pass
    assert (found["state"], place.points(path, place.ada)) == ("delivered", 7)


def test_a_grade_for_who_has_left_is_refused(place: Place) -> None:
    graded = place.grade(place.create(), place.ada)
    place.sandbox.write(
        lambda conn: conn.execute("DELETE FROM enrollments WHERE user_id = :id", {"id": place.ada})
    )
    found = place.after_a_try(graded)
    assert (found["state"], found["error"]) == ("refused", USER_GONE)


def test_a_grade_waits_for_its_grader_whose_match_is_in_question(place: Place) -> None:
    path = place.create()
    graded = place.grade(path, place.ada, grader_id=place.teacher)
    teacher = place.lms_id(place.teacher)
    place.match(place.teacher, None)
    found = place.after_a_try(graded)
    assert (found["state"], found["error"]["status"]) == ("waiting", 400)
    place.match(place.teacher, teacher)
    while (found := place.after_a_try(graded))["state"] == "waiting":
        pass
    assert found["result"]["grader_id"] == place.teacher


def test_an_assignment_waits_for_an_assignee_whose_match_is_in_question(place: Place) -> None:
    if place.district == MOODLE_UNIFIED.district_id:
        pytest.skip("in Moodle, everybody in the course has it")
    content = {**ESSAY, "assignee_mode": "individuals", "assignee_ids": [place.ada]}
    created = place.ask("POST", "", content, LATER)
    while place.delivery(created)["attempts"] == 0 or place.is_under_way(created):
        time.sleep(0.01)
    ada = place.lms_id(place.ada)
    place.match(place.ada, None)
    assert place.after_a_try(created)["state"] == "waiting"
    place.match(place.ada, ada)
    while (found := place.after_a_try(created))["state"] == "waiting":
        pass
    assert found["result"]["assignee_ids"] == [place.ada]


def test_a_section_whose_match_is_in_question_waits_alone(place: Place) -> None:
    path = place.create()
    graded = place.grade(path, place.ada)
    section = place.lms_id(place.section)
    failures = place.failures()
    place.match(place.section, None)
    assert place.after_a_try(graded)["state"] == "waiting"
    assert place.failures() == failures
    place.match(place.section, section)
    while (found := place.after_a_try(graded))["state"] == "waiting":
        pass
    assert found["state"] == "delivered"


def test_an_assignment_is_never_looked_for_in_another_class(place: Place) -> None:
    with endpoint() as app:
        address = {"url": f"http://127.0.0.1:{app.port}/"}
        assert place.client.post("/v3.1/webhooks", address).status == 200
        path = place.create()
        graded = place.grade(path, place.ada)
        algebra, biology = place.lms_id(place.section), place.lms_id(place.biology)
        place.match(place.biology, None)
        place.match(place.section, biology)
        assert place.after_a_try(graded)["error"] == {"status": 404, **ASSIGNMENT_GONE}
        replies = [
            place.ask("GET", path),
            place.ask("PATCH", path, {"title": "x"}),
            place.ask("DELETE", path),
            place.grade(path, place.ada, {}),
        ]
        assert [reply.json for reply in replies] == [ASSIGNMENT_GONE] * 4
        assert place.ask("GET", "").data == []
        place.match(place.section, algebra)
        place.match(place.biology, biology)
        assert place.ask("GET", path).data["title"] == "Essay 1"
        assert len(place.ask("GET", "").data) == 1
        told = [json.loads(one.body)["type"] for one in app.received]
        assert "assignment.deleted_in_lms" not in told


def test_an_assignment_that_waits_is_made_in_the_class_that_is_matched_then(place: Place) -> None:
    created = place.ask("POST", "", dict(ESSAY), {**ASYNC, "Sandbox-Fault": "throttled"})
    while place.delivery(created)["attempts"] == 0 or place.is_under_way(created):
        time.sleep(0.01)
    algebra, biology = place.lms_id(place.section), place.lms_id(place.biology)
    place.match(place.biology, None)
    place.match(place.section, biology)
    while (found := place.after_a_try(created))["state"] == "waiting":
        pass
    assert found["state"] == "delivered"
    path = f"/{created.data['assignment_id']}"
    assert place.ask("GET", path).status == 200
    place.match(place.section, algebra)
    assert place.ask("GET", path).json == ASSIGNMENT_GONE


def test_an_assignment_that_may_be_in_the_class_that_was_matched_before_is_looked_for_there(
    place: Place,
) -> None:
    created = place.ask("POST", "", dict(ESSAY), {**ASYNC, "Sandbox-Fault": "error-after"})
    while place.delivery(created)["attempts"] == 0 or place.is_under_way(created):
        time.sleep(0.01)
    algebra, biology = place.lms_id(place.section), place.lms_id(place.biology)
    place.match(place.biology, None)
    place.match(place.section, biology)
    assert place.after_a_try(created)["state"] == "waiting"
    assert place.ask("GET", "").data == []
    place.match(place.section, algebra)
    while (found := place.after_a_try(created))["state"] == "waiting":
        pass
    assert found["state"] == "delivered"
    assert len(place.ask("GET", "").data) == len(place.titles()) == 1
