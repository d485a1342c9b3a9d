"""Schoology's event triggers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from support.schoology_client import ALGEBRA, ASSIGNMENTS, ENROLLMENT, GRADES, STUDENT, Schoology


@dataclass
class Target:
    """A small server that events are posted to."""

    url: str = ""
    status: int = 200
    events: list[Any] = field(default_factory=list)
    noticed: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            target.events.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            target.noticed.set()
            self.send_response(target.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        target.url = f"http://127.0.0.1:{server.server_port}/secret"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with contextlib.ExitStack() as stack:
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            yield target


def subscribe(schoology: Schoology, target: Target, *triggers: str, include_object: int = 1) -> Any:
    made = schoology.admin("POST", "triggers/targets", {"target": target.url}).json()
    wanted = [
        {"target_id": made["id"], "trigger": trigger, "subscribed": 1, "include_object": include_object}
        for trigger in triggers
    ]
    return schoology.admin("PUT", "triggers/subscriptions", {"subscription": wanted}).json()["subscription"]


def post(schoology: Schoology) -> int:
    return asyncio.run(schoology.lms.post_triggers())


def test_events_tell_what_happened(schoology: Schoology, target: Target) -> None:
    subscribe(schoology, target, "grade_item", "grades", "dropbox_submission")
    item = schoology.assignment(grading_category=4371001)
    schoology.lms.ui_submit(item, STUDENT, "Mine")
    schoology.lms.ui_grade(item, STUDENT, grade=15)
    schoology.teacher("DELETE", f"{ASSIGNMENTS}/{item}")
    assert post(schoology) == 4
    assert [event["type"] for event in target.events] == [
        "grade_item.update", "dropbox_submission.update", "grades.update", "grade_item.delete"
    ]  # fmt: skip
    made, handed_in, graded, _ = target.events
    assert (made["uid"], made["timestamp"], made["data"][0]["object"]["title"]) == (
        148000001,
        1767225600,
        "Essay 1",
    )
    assert (
        handed_in["data"]["uid"],
        handed_in["data"]["revision_id"],
        handed_in["data"]["assignment_nid"],
    ) == (int(STUDENT), 1, item)
    [row] = graded["data"]
    assert (row["enrollment_id"], row["school_uid"], row["updated_overall_grade"]) == (
        int(ENROLLMENT),
        "student-001001",
        75,
    )
    assert (row["section_id"], row["section_school_code"], row["object"]["grade"]) == (
        ALGEBRA,
        "section-7",
        15,
    )


def test_the_object_comes_only_on_demand(schoology: Schoology, target: Target) -> None:
    subscribe(schoology, target, "grade_item", include_object=0)
    schoology.assignment()
    post(schoology)
    assert "object" not in target.events[0]["data"][0]


def test_an_event_that_is_not_answered_with_200_is_posted_again_five_times(
    schoology: Schoology, target: Target
) -> None:
    subscribe(schoology, target, "grade_item")
    schoology.assignment()
    target.status = 204
    post(schoology)
    assert (post(schoology), len(target.events)) == (0, 1)  # only after ten minutes
    for _ in range(7):
        schoology.clock.now += 600_000
        post(schoology)
    assert (len(target.events), schoology.lms.records.all("events")) == (6, [])


def test_a_target_that_cannot_be_reached_gets_the_event_later(schoology: Schoology, target: Target) -> None:
    made = schoology.admin("POST", "triggers/targets", {"target": "http://127.0.0.1:9/closed"}).json()
    wanted = {"target_id": made["id"], "trigger": "grade_item", "subscribed": 1}
    schoology.admin("PUT", "triggers/subscriptions", {"subscription": [wanted]})
    schoology.assignment()
    post(schoology)
    [event] = schoology.lms.records.all("events")
    assert event["retries"] == 1


def test_events_can_post_themselves(schoology: Schoology, target: Target) -> None:
    subscribe(schoology, target, "grade_item")
    schoology.set(triggers_post_themselves=True)
    schoology.assignment()
    assert target.noticed.wait(5)


def test_targets_and_subscriptions_are_kept(schoology: Schoology, target: Target) -> None:
    answers = subscribe(schoology, target, "grades", "attendancesdf")
    assert [(answer["status"], answer.get("message")) for answer in answers] == [
        (200, None), (400, "The trigger with name attendancesdf does not exist")
    ]  # fmt: skip
    [kept] = schoology.admin.get("triggers/targets")["target"]
    path = f"triggers/targets/{kept['id']}"
    assert schoology.admin("PUT", path, {"description": "Ours"}).status_code == 204
    assert schoology.admin.get("triggers/targets")["target"][0]["description"] == "Ours"
    assert [one["trigger"] for one in schoology.admin.get("triggers/subscriptions")["subscription"]] == [
        "grades"
    ]
    off = {"subscription": [{"target_id": kept["id"], "trigger": "grades", "subscribed": 0}]}
    schoology.admin("PUT", "triggers/subscriptions", off)
    assert schoology.admin.get("triggers/subscriptions")["subscription"] == []
    assert schoology.admin("DELETE", path).status_code == 204
    assert schoology.admin("POST", "triggers/targets", {"target": "nowhere"}).status_code == 400


def test_refused_grades_are_not_reported(schoology: Schoology, target: Target) -> None:
    subscribe(schoology, target, "grades")
    body = {"grades": {"grade": [{"assignment_id": 1, "enrollment_id": ENROLLMENT, "grade": 1}]}}
    schoology.teacher("PUT", GRADES, body)
    assert (post(schoology), target.events) == (0, [])
