"""What the LMS holds now, beside what was sent."""

from __future__ import annotations

import httpx2
import pytest

from passback_simulators.identities import CANVAS_UNIFIED
from support.console import Visitor
from support.sandbox import Sandbox

CLASS = "4fee004cca2e43cfca000007"
PUPIL = "4fee004cca2e43cfca001001"
ESSAY = {"title": "Owls", "description": "x", "due_date": "2030-06-01T23:59:00Z", "points_possible": 9}
MADE = f"/v3.1/sections/{CLASS}/assignments"


@pytest.fixture
def essay(sandbox: Sandbox) -> str:
    """The id of a new assignment in Canvas, which is that of its delivery, too."""
    made: str = sandbox.client("DEMO_CANVAS_TOKEN").post(MADE, ESSAY).data["id"]
    return made


def grade(sandbox: Sandbox, visitor: Visitor, essay: str, points: int, fault: str = "") -> str:
    """Send a grade; returns the id of its delivery."""
    canvas = sandbox.client("DEMO_CANVAS_TOKEN")
    headers = {"X-Request-Id": f"grade-{points}", **({"Sandbox-Fault": fault} if fault else {})}
    canvas.call("PATCH", f"{MADE}/{essay}/submissions/{PUPIL}", {"grade_points": points}, headers)
    return visitor.get(f"/console/search?q=grade-{points}").headers["location"].rpartition("/")[2]


def look(visitor: Visitor, delivery: str) -> str:
    visitor.get(f"/console/deliveries/{delivery}")
    reply = visitor.post(f"/console/deliveries/{delivery}/held")
    assert reply.status == 200
    return reply.body.decode()


def test_the_same_and_another_value_are_told_in_words(sandbox: Sandbox, visitor: Visitor, essay: str) -> None:
    first = grade(sandbox, visitor, essay, 7)
    assert "The LMS holds what was sent." in look(visitor, first)
    second = grade(sandbox, visitor, essay, 8)
    text = look(visitor, first)
    assert "The LMS holds something else than was sent: Points." in text
    assert f'<a href="/console/deliveries/{second}">A newer change</a>' in text


def test_what_did_not_arrive_is_seen_to_be_missing(sandbox: Sandbox, visitor: Visitor, essay: str) -> None:
    text = look(visitor, grade(sandbox, visitor, essay, 7, "error-before"))
    assert "the LMS shows nothing" in text


def test_an_assignment_is_read_too(visitor: Visitor, essay: str) -> None:
    text = look(visitor, essay)
    assert "The LMS holds what was sent." in text
    assert "Owls" in text


def test_what_is_gone_is_told_in_plain_words(sandbox: Sandbox, visitor: Visitor, essay: str) -> None:
    assert sandbox.client("DEMO_CANVAS_TOKEN").call("DELETE", f"{MADE}/{essay}").status in (200, 204)
    assert "The assignment no longer exists in the LMS." in look(visitor, essay)


def test_only_a_delivery_that_is_there_is_read(visitor: Visitor) -> None:
    visitor.get("/console/not-arrived")
    assert visitor.post("/console/deliveries/nothing/held").status == 404


def test_an_lms_that_is_down_is_told_in_plain_words(sandbox: Sandbox, visitor: Visitor, essay: str) -> None:
    delivery = grade(sandbox, visitor, essay, 7)
    faults = sandbox.faults_of(CANVAS_UNIFIED.district_id)
    httpx2.post(faults, json={"fault": "error-before", "times": None}).raise_for_status()
    try:
        text = look(visitor, delivery)
    finally:
        httpx2.delete(faults).raise_for_status()
    assert "The LMS could not be read." in text
    assert "Try again later." in text
