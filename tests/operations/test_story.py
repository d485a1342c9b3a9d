"""A delivery's story, from a gateway that really delivers to a simulated Canvas."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from passback.operations import deliveries, story
from passback.operations.errors import NotFound
from passback.operations.story import Story
from support.postgres import DATABASES, database_of
from support.sandbox import DISTRICT, SECTION, STUDENT, TEACHER, Sandbox, serving

CANVAS = "4fee004cca2e43cfca000000"
CLASS = "4fee004cca2e43cfca000007"
PUPIL = "4fee004cca2e43cfca001001"
ESSAY = {"title": "Essay", "description": "x", "due_date": "2030-06-01T23:59:00Z", "points_possible": 9}


@pytest.fixture(scope="module", params=DATABASES)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with database_of(request.param, "sandbox") as url, serving(database_url=url) as served:
        yield served


def graded(sandbox: Sandbox, **headers: str) -> str:
    """Send a grade that Canvas refuses to take now, on a new assignment; returns its path in the API."""
    canvas = sandbox.client("DEMO_CANVAS_TOKEN")
    essay = canvas.post(f"/v3.1/sections/{CLASS}/assignments", ESSAY).data["id"]
    path = f"/v3.1/sections/{CLASS}/assignments/{essay}/submissions/{PUPIL}"
    canvas.call("PATCH", path, {"grade_points": 7, "grade_comment": "Well  done"}, headers)
    return path


def newest(sandbox: Sandbox, district_id: str) -> str:
    found = asyncio.run(deliveries.list_newest(sandbox.gateway.database, limit=1, district_id=district_id))
    return found[0].delivery.id


def told(sandbox: Sandbox, delivery_id: str) -> Story:
    return asyncio.run(story.told(sandbox.gateway.database, delivery_id))


def test_an_attempt_says_what_the_lms_answered(sandbox: Sandbox) -> None:
    graded(sandbox, **{"Sandbox-Fault": "error-before"})
    found = told(sandbox, newest(sandbox, CANVAS))
    assert [it.level for it in found.events] == ["idle", "warn", "bad"]
    accepted, attempt, ended = found.events
    assert accepted.what == "Sandbox application sent it, and waited for the answer"
    assert attempt.what.startswith("Attempt 1: it failed after ")
    assert "status 5" in attempt.said
    assert attempt.exchanges[-1].startswith("GET /api/v1/courses/")
    assert "status 5" in attempt.exchanges[-1]
    assert ended.what == "The app got an error"


def test_fields_are_shown_by_name_and_as_text(sandbox: Sandbox) -> None:
    graded(sandbox)
    found = told(sandbox, newest(sandbox, CANVAS))
    assert {it.label: it.text for it in found.sent} == {"Points": "7", "Comment": "Well done"}


def test_what_people_did_is_told_with_their_names(sandbox: Sandbox) -> None:
    graded(sandbox, **{"Sandbox-Fault": "error-before"})
    one = newest(sandbox, CANVAS)
    asyncio.run(deliveries.retry(sandbox.gateway.database, one, sandbox.clock, actor="account:ada"))
    assert "account:ada retried it" in [it.what for it in told(sandbox, one).events]


def test_a_change_of_the_built_in_gradebook_has_no_attempts_of_its_own(sandbox: Sandbox) -> None:
    client = sandbox.client("DEMO_TOKEN")
    essay = client.post(f"/v3.1/sections/{SECTION}/assignments", ESSAY).data["id"]
    path = f"/v3.1/sections/{SECTION}/assignments/{essay}/submissions/{STUDENT}"
    assert client.patch(path, {"grade_points": 5, "grader_id": TEACHER, "colour": "red"}).status == 200
    found = told(sandbox, newest(sandbox, DISTRICT))
    assert [it.what for it in found.events] == [
        "Sandbox application sent it, and waited for the answer",
        "Done",
    ]
    [warned] = found.warnings
    assert warned.code == "UNKNOWN_FIELD:colour"
    assert warned.meaning.startswith("the API has no such field")


def test_the_key_of_the_request_is_told(sandbox: Sandbox) -> None:
    canvas = sandbox.client("DEMO_CANVAS_TOKEN")
    path = f"/v3.1/sections/{CLASS}/assignments"
    made = canvas.call("POST", path, ESSAY, {"Idempotency-Key": "essay-of-monday"})
    assert told(sandbox, made.data["id"]).key == "essay-of-monday"


def test_a_delivery_that_is_not_there_has_no_story(sandbox: Sandbox) -> None:
    with pytest.raises(NotFound):
        told(sandbox, "nothing")
