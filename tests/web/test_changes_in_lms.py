"""Webhooks about what teachers, registrars and LMSs do, in every LMS of the sandbox."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from passback.delivery import looks
from passback.rosters import notices
from passback.store.looks import LONGEST_CLAIM
from passback.wire import events
from passback_simulators.identities import OF_KIND
from support.sandbox import ESSAY, Sandbox, wait_until


class Told:
    """An application of a district, and what its webhook tells it."""

    def __init__(self, sandbox: Sandbox, kind: str = "builtin", *wanted: str) -> None:
        of = OF_KIND[kind]
        self.sandbox, self.client, self.district = sandbox, sandbox.client(of.token), of.district_id
        self.section, self.student = (self.district[:-6] + it for it in ("000007", "001001"))
        self.assignments = f"/v3.1/sections/{self.section}/assignments"
        made = self.client.post("/v3.1/webhooks", {"fetch": True, "events": list(wanted or events.EVENTS)})
        self.webhook = f"/v3.1/webhooks/{made.data['id']}"
        self.assignment = self.client.post(self.assignments, ESSAY).data["id"]

    def messages(self) -> list[tuple[str, Any]]:
        found = self.client.get(f"{self.webhook}/messages").json["data"]
        return [(it["event"]["type"], it["event"]["data"]) for it in reversed(found)]

    def do(self, who: str, method: str, path: str, body: Any = None) -> None:
        reply = self.client.call(method, f"/sandbox/{who}/sections/{self.section}{path}", body)
        assert reply.status == 200, reply

    def teacher_grades(self, points: float = 12, student: str = "") -> None:
        path = f"/assignments/{self.assignment}/submissions/{student or self.student}"
        self.do("teacher", "PATCH", path, {"grade_points": points})

    def rest(self) -> None:
        """Wait until the looks that were asked for are over: the clock stands still, so they would seem to be later."""
        now = self.sandbox.clock.now

        def is_over() -> bool:
            due = self.sandbox.write(
                lambda conn: conn.execute(
                    "SELECT due FROM assignment_looks WHERE section_id = :id", {"id": self.section}
                ).fetchone()[0]
            )
            return bool(now < due != now + LONGEST_CLAIM)

        wait_until(is_over)

    @property
    def of_assignment(self) -> dict[str, str]:
        return {"section_id": self.section, "assignment_id": self.assignment}

    @property
    def of_grade(self) -> dict[str, str]:
        return {**self.of_assignment, "user_id": self.student}


@pytest.mark.parametrize("kind", OF_KIND)
def test_a_grade_that_a_teacher_gives_is_reported_at_once_without_the_grade(
    sandbox: Sandbox, kind: str
) -> None:
    told = Told(sandbox, kind, events.GRADE_CHANGED)
    told.teacher_grades()
    assert told.messages() == [("grade.changed_in_lms", told.of_grade)]


@pytest.mark.parametrize("kind", OF_KIND)
def test_what_an_application_does_itself_is_never_reported(sandbox: Sandbox, kind: str) -> None:
    told = Told(sandbox, kind, events.GRADE_CHANGED, events.ASSIGNMENT_CHANGED)
    path = f"{told.assignments}/{told.assignment}"
    told.do("teacher", "PATCH", f"/assignments/{told.assignment}", {"title": "Noted"})  # so it is known
    told.rest()
    before = told.messages()
    sandbox.clock.now += 1000
    assert told.client.patch(f"{path}/submissions/{told.student}", {"grade_points": 7}).status == 200
    assert told.client.patch(path, {"title": "Mine"}).status == 200
    for points in (1, 2):
        told.teacher_grades(points, other(told))
    since = told.messages()[len(before) :]
    assert since == [("grade.changed_in_lms", {**told.of_grade, "user_id": other(told)})] * 2


def other(told: Told) -> str:
    return told.district[:-6] + "001002"


def test_a_change_of_ours_between_two_looks_hides_no_other_students(sandbox: Sandbox) -> None:
    told = Told(sandbox, "builtin", events.GRADE_CHANGED)
    told.teacher_grades(3)
    sandbox.clock.now += 1000
    told.client.patch(f"{told.assignments}/{told.assignment}/submissions/{told.student}", {"grade_points": 7})
    told.teacher_grades(1, other(told))
    assert told.messages() == [
        ("grade.changed_in_lms", told.of_grade),
        ("grade.changed_in_lms", {**told.of_grade, "user_id": other(told)}),
    ]


def test_the_same_grade_again_is_no_change(sandbox: Sandbox) -> None:
    told = Told(sandbox, "builtin", events.GRADE_CHANGED)
    told.teacher_grades(12)
    told.teacher_grades(12)
    assert len(told.messages()) == 1


@pytest.mark.parametrize("kind", OF_KIND)
def test_an_assignment_that_a_teacher_changes_is_reported(sandbox: Sandbox, kind: str) -> None:
    told = Told(sandbox, kind, events.ASSIGNMENT_CHANGED)
    told.do("teacher", "PATCH", f"/assignments/{told.assignment}", {"title": "Another"})
    assert told.messages() == [("assignment.changed_in_lms", told.of_assignment)]


def test_an_assignment_that_a_teacher_deletes_is_reported_at_once(sandbox: Sandbox) -> None:
    told = Told(sandbox, "canvas", events.ASSIGNMENT_DELETED)
    told.do("teacher", "DELETE", f"/assignments/{told.assignment}")
    assert told.messages() == [("assignment.deleted_in_lms", told.of_assignment)]


def test_nothing_is_read_for_events_that_nobody_asked_for(sandbox: Sandbox) -> None:
    told = Told(sandbox, "builtin", *events.USUAL)
    told.teacher_grades()
    asyncio.run(looks.look_at(sandbox.gateway, told.district, told.section))
    assert told.messages() == []


def test_a_webhook_that_names_no_events_is_told_of_no_changes(sandbox: Sandbox) -> None:
    made = sandbox.post("/v3.1/webhooks", {"fetch": True}).data
    assert set(events.EVENTS) - set(made["events"]) == {"assignment.changed_in_lms", "grade.changed_in_lms"}


def test_changes_of_the_roster_are_one_message(sandbox: Sandbox) -> None:
    told = Told(sandbox, "builtin", events.ROSTER_CHANGED)
    told.do("registrar", "POST", "/students", {"first_name": "Nell", "last_name": "Ortiz"})
    asyncio.run(notices.tell_of_changes(sandbox.gateway))
    newest = sandbox.get("/v3.1/events?ending_before=last&limit=1").json["data"][0]["data"]["id"]
    count = len(sandbox.get("/v3.1/events").json["data"])
    wait_until(lambda: bool(told.messages()))
    assert told.messages() == [
        ("roster.changed", {"district_id": told.district, "events": count, "last_event_id": newest})
    ]


@pytest.mark.parametrize(("state", "event"), [("down", "connection.down"), ("refuses", "connection.broken")])
def test_an_lms_that_can_no_longer_be_used_is_reported_until_a_call_succeeds(
    sandbox: Sandbox, state: str, event: str
) -> None:
    told = Told(sandbox, "canvas", "connection.down", "connection.broken", "connection.restored")
    data = {"district_id": told.district}
    told.do("registrar", "PUT", "/lms", {"state": state})
    told.do("registrar", "PUT", "/lms", {"state": state})
    assert told.messages() == [(event, data)]
    assert told.client.get(f"{told.assignments}/{told.assignment}").status == 200
    assert told.messages() == [(event, data), ("connection.restored", data)]


def test_a_match_that_is_withdrawn_is_reported(sandbox: Sandbox) -> None:
    told = Told(sandbox, "canvas", events.MATCH_WITHDRAWN)
    told.do("registrar", "DELETE", f"/members/{told.student}/match")
    data = {"district_id": told.district, "section_ids": [], "user_ids": [told.student]}
    assert told.messages() == [("match.withdrawn", data)]
    path = f"{told.assignments}/{told.assignment}/submissions/{told.student}"
    assert told.client.patch(path, {"grade_points": 1}).json == {"message": "User not found"}
