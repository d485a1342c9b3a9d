from __future__ import annotations

from collections.abc import Callable

import pytest

from support.console import Visitor
from support.sandbox import Sandbox

DISTRICT = "4fee004cca2e43cfca000000"
SECTION = "4fee004cca2e43cfca000007"
STUDENTS = [f"4fee004cca2e43cfca00{number}" for number in range(1001, 1004)]
PAGE = f"/console/districts/{DISTRICT}/not-arrived"


@pytest.fixture
def failed(sandbox: Sandbox) -> Callable[[str], str]:
    """Has a grade of a student not arrive, because Canvas failed; returns the path of it in the API."""
    canvas = sandbox.client("DEMO_CANVAS_TOKEN")
    assignment = canvas.post(
        f"/v3.1/sections/{SECTION}/assignments",
        {
            "title": "Fractions & <b>",
            "description": "x",
            "due_date": "2030-06-01T23:59:00Z",
            "points_possible": 9,
        },
    ).data["id"]

    def fail(student: str) -> str:
        path = f"/v3.1/sections/{SECTION}/assignments/{assignment}/submissions/{student}"
        reply = canvas.call("PATCH", path, {"grade_points": 7}, {"Sandbox-Fault": "error-before"})
        assert reply.status == 500
        return path

    return fail


def test_a_grade_that_did_not_arrive_is_named_by_student_class_app_and_reason(
    visitor: Visitor, failed: Callable[[str], str]
) -> None:
    failed(STUDENTS[0])
    for page in (PAGE, "/console/not-arrived"):
        text = visitor.get(page).body.decode()
        for word in ("Ada Abbott", "Algebra 1", "Sandbox application", "The app waited for the answer"):
            assert word in text
        assert "Fractions &amp; &lt;b&gt;" in text


def test_what_arrived_later_is_no_longer_listed(
    sandbox: Sandbox, visitor: Visitor, failed: Callable[[str], str]
) -> None:
    path = failed(STUDENTS[0])
    assert b"Ada Abbott" in visitor.get(PAGE).body
    sandbox.clock.advance(hours=1)
    assert sandbox.client("DEMO_CANVAS_TOKEN").patch(path, {"grade_points": 8}).status == 200
    assert b"Everything has arrived" in visitor.get(PAGE).body


def test_all_that_are_selected_are_retried(
    sandbox: Sandbox, visitor: Visitor, failed: Callable[[str], str]
) -> None:
    paths = [failed(student) for student in STUDENTS]
    ids = _ids(visitor)
    assert len(ids) == 3
    reply = visitor.post("/console/deliveries", {"do": "retry", "delivery": ids, "back": "/not-arrived"})
    assert reply.status == 303
    assert "3 deliveries will be tried now" in visitor.get(reply.headers["location"]).body.decode()
    _until(lambda: b"Everything has arrived" in visitor.get(PAGE).body, sandbox)
    canvas = sandbox.client("DEMO_CANVAS_TOKEN")
    assert [canvas.get(path).data["grade_points"] for path in paths] == [7, 7, 7]
    audit = visitor.get("/console/audit").body.decode()
    assert audit.count("delivery.retried") == 3
    assert "account:sandbox" in audit


def test_what_cannot_be_done_is_said(visitor: Visitor, failed: Callable[[str], str]) -> None:
    failed(STUDENTS[0])
    [one] = _ids(visitor)
    reply = visitor.post("/console/deliveries", {"do": "cancel", "delivery": one})
    assert reply.status == 409
    assert "is not waiting" in reply.body.decode()
    assert visitor.post("/console/deliveries", {"do": "explode", "delivery": one}).status == 409
    assert visitor.post("/console/deliveries", {"do": "retry", "delivery": "nothing"}).status == 409


def test_back_leads_nowhere_else(visitor: Visitor, failed: Callable[[str], str]) -> None:
    failed(STUDENTS[0])
    fields = {"do": "retry", "delivery": _ids(visitor), "back": "//elsewhere.example"}
    assert visitor.post("/console/deliveries", fields).headers["location"].startswith("/console/")


def test_a_delivery_tells_its_request_and_ids(visitor: Visitor, failed: Callable[[str], str]) -> None:
    failed(STUDENTS[0])
    [one] = _ids(visitor)
    text = visitor.get(f"/console/deliveries/{one}").body.decode()
    for word in (one, STUDENTS[0], SECTION, "Ada Abbott", "Retry now"):
        assert word in text
    assert visitor.get("/console/deliveries/nothing").status == 404
    assert visitor.get("/console/deliveries/%00").status == 404


@pytest.mark.parametrize(
    "query", ["before=x", "before=%00", "app=%00", "app=%27%3B--", "section=" + "x" * 5000, "app=%FF"]
)
def test_a_strange_query_finds_nothing(query: str, visitor: Visitor, failed: Callable[[str], str]) -> None:
    failed(STUDENTS[0])
    assert visitor.get(f"{PAGE}?{query}").status == 200


def _ids(visitor: Visitor) -> list[str]:
    text = visitor.get(PAGE).body.decode()
    return [part.partition('"')[0] for part in text.split('name="delivery" value="')[1:]]


def _until(holds: Callable[[], bool], sandbox: Sandbox) -> None:
    import time

    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        sandbox.clock.advance(hours=1)
        time.sleep(0.05)
