"""A comment comes once for each time that it is said: not twice for a lost answer, and not once for two that are meant."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from passback.store import deliveries
from passback_simulators.canvas.seed import ADMIN_TOKEN, COURSES, person_lms_id
from passback_simulators.identities import CANVAS_UNIFIED
from support.postgres import database_of
from support.sandbox import ESSAY, NOW, SECTION, STUDENT, Sandbox, serving

ASYNC = {"Prefer": "respond-async"}
GOOD = {"grade_points": 5, "grade_comment": "Good"}


class Gradebook:
    """A submission in Canvas, or in the built-in gradebook, and its comments."""

    def __init__(self, sandbox: Sandbox, kind: str) -> None:
        self.sandbox, self.kind = sandbox, kind
        canvas = kind == "canvas"
        assert sandbox.client(None).post("/sandbox/reset", b"").status == 200
        self.client = sandbox.client(CANVAS_UNIFIED.token) if canvas else sandbox
        section = CANVAS_UNIFIED.id("000007") if canvas else SECTION
        self.student = CANVAS_UNIFIED.id("001001") if canvas else STUDENT
        path = f"/v3.1/sections/{section}/assignments"
        self.many = f"{path}/{self.client.post(path, ESSAY).data['id']}/submissions"

    def say(self, way: str, fault: str | None = None, content: Any = GOOD) -> int:
        """Say it in a way; returns the status of the answer."""
        own = {} if fault is None else {"Sandbox-Fault": fault}
        if way == "bulk":
            students = [self.student]
            if self.kind == "canvas":
                students.append(CANVAS_UNIFIED.id("001002"))
            content = {"submissions": [{"user_id": student, **content} for student in students]}
            reply = self.client.call("PATCH", self.many, json.dumps(content), own)
            return max(it["status"] for it in reply.data) if reply.status == 200 else reply.status
        headers = {**own, **ASYNC} if way == "async" else own
        path = f"{self.many}/{self.student}"
        reply = self.client.call("PATCH", path, json.dumps(content), headers)
        return reply.status

    def quiet(self, step: int = 1000) -> None:
        """Wait until nothing is open, while the clock goes on by `step` milliseconds at each look."""
        give_up = time.monotonic() + 10
        while self.client.get("/v3.1/deliveries?state=waiting,delivering").data:
            assert time.monotonic() < give_up
            self.sandbox.clock.now += step
            time.sleep(0.01)

    def comments(self) -> list[str]:
        """What the LMS has."""
        self.quiet()
        if self.kind == "builtin":
            rows = self.sandbox.write(
                lambda conn: conn.execute("SELECT comment FROM gradebook_comments").fetchall()
            )
            return [row[0] for row in rows]
        connection = self.sandbox.write(
            lambda conn: self.sandbox.gateway.connectors.connection(conn, CANVAS_UNIFIED.district_id)  # type: ignore[attr-defined]
        )
        url = (
            f"{connection.address}api/v1/courses/{COURSES['000007']}/assignments/501/submissions/"
            f"{person_lms_id('001001')}?include[]=submission_comments"
        )
        found = httpx2.get(url, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}).json()
        return [it["comment"] for it in found["submission_comments"]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serving() as served:
        yield served


@pytest.fixture(params=["builtin", "canvas"])
def book(sandbox: Sandbox, request: pytest.FixtureRequest) -> Gradebook:
    sandbox.clock.now = max(sandbox.clock.now, NOW)
    return Gradebook(sandbox, request.param)


@pytest.mark.parametrize("again", ["waited", "async", "bulk"])
@pytest.mark.parametrize("first", ["waited", "async", "bulk"])
def test_the_same_words_said_again_on_purpose_come_again(book: Gradebook, first: str, again: str) -> None:
    for way in (first, again):
        assert book.say(way) in (200, 202)
        book.quiet()
    assert book.comments() == ["Good", "Good"]


@pytest.mark.parametrize("fault", ["error-before", "error-after", "timeout"])
@pytest.mark.parametrize("again", ["waited", "async", "bulk"])
@pytest.mark.parametrize("first", ["waited", "bulk"])
def test_a_client_that_repeats_what_failed_says_it_once(
    book: Gradebook, first: str, again: str, fault: str
) -> None:
    if book.say(first, fault) != 200:
        assert book.say(again) in (200, 202)
    assert book.comments() == ["Good"]
    assert book.say(again) in (200, 202)
    assert book.comments() == ["Good", "Good"]


@pytest.mark.parametrize("again", ["waited", "async"])
@pytest.mark.parametrize("fault", ["error-before", "error-after", "timeout"])
def test_after_one_in_doubt_that_is_promised_the_same_words_are_meant(
    book: Gradebook, fault: str, again: str
) -> None:
    assert book.say("async", fault) == 202
    assert book.say(again) in (200, 202)
    assert book.comments() == ["Good", "Good"]


@pytest.mark.parametrize("again", ["waited", "async", "bulk"])
@pytest.mark.parametrize("first", ["waited", "async", "bulk"])
def test_what_a_process_was_killed_with_before_it_could_answer_is_repeated(
    book: Gradebook, monkeypatch: pytest.MonkeyPatch, first: str, again: str
) -> None:
    monkeypatch.setattr(deliveries, "mark_told", lambda *_: None)
    for way in (first, again):
        assert book.say(way) in (200, 202)
        book.quiet()
    assert book.comments() == ["Good"]


def test_the_same_words_twice_in_one_request_are_two_comments(book: Gradebook) -> None:
    one = {"user_id": book.student, **GOOD}
    assert book.client.patch(book.many, {"submissions": [one, one]}).status == 200
    assert book.comments() == ["Good", "Good"]


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with database_of("postgresql") as url, serving(database_url=url) as served:
        yield served


@pytest.mark.parametrize("kind", ["builtin", "canvas"])
@pytest.mark.parametrize("again", ["waited", "async", "bulk"])
def test_words_said_again_before_the_database_knows_that_their_answer_has_gone_are_meant(
    shared: Sandbox, monkeypatch: pytest.MonkeyPatch, kind: str, again: str
) -> None:
    book, real = Gradebook(shared, kind), deliveries.mark_told

    def late(*which: Any) -> None:
        time.sleep(0.2)
        real(*which)

    monkeypatch.setattr(deliveries, "mark_told", late)
    for way in ("waited", again):
        assert book.say(way) in (200, 202)
    book.quiet(step=0)
    assert book.comments() == ["Good", "Good"]
