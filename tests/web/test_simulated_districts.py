"""The sandbox's districts whose LMSs are simulated, through the API: the same calls, over the real connectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from passback_simulators.identities import SIMULATED, SandboxDistrict
from support.sandbox import ESSAY, NOW, Client, Reply, Sandbox, serving

KINDS = {district.lms_type: district for district in SIMULATED}


class District:
    """One simulated district, and a client with its token."""

    def __init__(self, sandbox: Sandbox, known: SandboxDistrict) -> None:
        self.sandbox = sandbox
        self.known = known
        self.client: Client = sandbox.client(known.token)
        self.assignments = f"/v3.1/sections/{known.id('000007')}/assignments"
        self.student = known.id("001001")
        self.teacher = known.id("000001")

    def create(self, **changes: Any) -> str:
        reply = self.client.post(self.assignments, {**ESSAY, **changes})
        assert reply.status == 200, reply
        return f"{self.assignments}/{reply.data['id']}"

    def fail(self, method: str, path: str, fault: str, body: Any = None) -> Reply:
        sent = None if body is None else json.dumps(body)
        return self.client.call(method, path, sent, {"Sandbox-Fault": fault})


@pytest.fixture(params=KINDS)
def district(request: pytest.FixtureRequest, started: Sandbox) -> District:
    started.clock.now = NOW
    assert started.client(None).post("/sandbox/reset", b"").status == 200
    return District(started, KINDS[request.param])


def test_an_assignment_is_created_read_changed_listed_and_deleted(district: District) -> None:
    path = district.create()
    changed = district.client.patch(path, {"max_attempts": 30})
    listed = district.client.get(district.assignments)
    deleted = district.client.delete(path)
    gone = district.client.get(path)
    assert (changed.data["max_attempts"], changed.data["title"], len(listed.json["data"])) == (
        30,
        "Essay 1",
        1,
    )
    assert (deleted.status, deleted.body, gone.status, gone.json) == (
        200, b"", 404, {"message": "Assignment does not exist"},
    )  # fmt: skip


def test_dates_come_back_as_they_were_sent(district: District) -> None:
    dates = {"due_date": "2030-06-01T23:59:00.123Z", "display_date": "2026-03-08T07:30:00.000Z"}
    assert {name: district.client.get(district.create(**dates)).data[name] for name in dates} == dates


def test_every_student_has_a_submission(district: District) -> None:
    page = district.client.get(f"{district.create()}/submissions?limit=100")
    states = {item["user_id"]: item["state"] for item in page.data}
    assert states == {district.known.id(f"{number:06}"): "created" for number in range(1001, 1031)}


def test_a_grade_arrives_with_its_grader(district: District) -> None:
    path = f"{district.create()}/submissions/{district.student}"
    fields = {"grade_points": 18.5, "grader_id": district.teacher}
    changed = district.client.patch(path, fields)
    assert (changed.status, {name: changed.data[name] for name in fields}) == (200, fields)
    assert district.client.get(path).data == changed.data


def test_many_grades_arrive_at_once(district: District) -> None:
    path = f"{district.create()}/submissions"
    items = [
        {"user_id": district.known.id(f"{number:06}"), "grade_points": (number - 1000) / 2}
        for number in range(1001, 1031)
    ]
    reply = district.client.patch(path, {"submissions": items})
    assert [(it["status"], it["data"]["grade_points"]) for it in reply.data] == [
        (200, it["grade_points"]) for it in items
    ]


@pytest.mark.parametrize(
    ("fault", "status"),
    [("timeout", 500), ("error-before", 500), ("error-after", 500), ("throttled", 500),
     ("expired-credentials", 500), ("slow=5ms", 200)],
)  # fmt: skip
def test_each_failure_of_the_lms_on_demand(district: District, fault: str, status: int) -> None:
    reply = district.fail("POST", district.assignments, fault, ESSAY)
    assert reply.status == status
    if status == 500:
        assert reply.json == {"message": "Error creating assignment"}
    state = district.client.get(f"/v3.1/districts/{district.known.district_id}").data["lms_state"]
    assert (state, district.client.post(district.assignments, ESSAY).status) == ("success", 200)


def test_what_a_client_waits_for_stays_with_it_however_slow_the_lms_is() -> None:
    with serving(lease_seconds=2.0) as sandbox:
        district = District(sandbox, KINDS["canvas"])
        path = district.create()
        grade = {"grade_points": 5}
        replies = [
            district.fail("POST", district.assignments, "slow=1500ms", {**ESSAY, "title": "Slow"}),
            district.fail("PATCH", f"{path}/submissions/{district.student}", "slow=1500ms", grade),
        ]
        fences = sandbox.write(lambda conn: conn.execute("SELECT fence FROM deliveries").fetchall())
    assert [reply.status for reply in replies] == [200, 200]
    assert [tuple(fence) for fence in fences] == [(1,)] * 3


def test_one_that_may_have_been_taken_for_dead_says_that_it_is_not_available(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving() as sandbox:
        district = District(sandbox, KINDS["canvas"])
        path = district.create()
        monkeypatch.setattr("passback.in_flight.seconds", lambda: 1e12)
        replies = [
            district.client.post(district.assignments, {**ESSAY, "title": "Another"}),
            district.client.patch(path, {"title": "Another"}),
        ]
        ready = district.client.get("/health/ready").status
        kept = sandbox.write(lambda conn: conn.execute("SELECT COUNT(*) FROM deliveries").fetchone()[0])
    assert ready == 503
    assert [(it.status, it.headers["retry-after"]) for it in replies] == [(503, "5")] * 2
    assert kept == 1


def test_a_create_in_doubt_is_one_assignment_when_it_is_asked_for_again(district: District) -> None:
    assert district.fail("POST", district.assignments, "error-after", ESSAY).status == 500
    created = district.client.post(district.assignments, ESSAY)
    other = district.client.post(district.assignments, {**ESSAY, "title": "Another"})
    listed = district.client.get(district.assignments)
    assert [it["id"] for it in listed.data] == [created.data["id"], other.data["id"]]


def test_a_deleted_assignment_on_demand(district: District) -> None:
    path = district.create()
    said = [
        district.fail(method, path, "deleted", body).json
        for method, body in (("GET", None), ("PATCH", {"title": "x"}), ("DELETE", None))
    ]
    assert said == [{"message": "Assignment does not exist"}] * 3
    assert district.client.get(path).status == 200


def test_a_student_who_left_on_demand(district: District) -> None:
    path = f"{district.create()}/submissions/{district.student}"
    said = [
        district.fail("GET", path, "not-enrolled"),
        district.fail("PATCH", path, "not-enrolled", {"grade_points": 1}),
    ]
    assert [(it.status, it.json) for it in said] == [(404, {"message": "User not found"})] * 2
    assert district.client.get(path).status == 200


def test_the_published_errors_are_the_same_on_every_lms(district: District) -> None:
    path = district.create()
    own = f"{path}/submissions/{district.student}"
    said = [
        district.client.post(district.assignments, "{}").json,
        district.client.get(f"{district.assignments}/none").json,
        district.client.get(f"{path}/submissions/{district.known.id('001031')}").json,
        district.client.patch(own, {"grader_id": district.known.id("000002")}).json,
    ]
    teacher = district.known.id("000002")
    assert said == [
        {"message": "missing required field(s): title, description, due_date"},
        {"message": "INVALID_ID"},
        {"message": "User not found"},
        {"message": f"NOT_FOUND: Person with id clever:{teacher} not found for this integration."},
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_lms_holds_outlives_a_restart(tmp_path: Path, kind: str) -> None:
    with serving(tmp_path) as sandbox:
        district = District(sandbox, KINDS[kind])
        path = district.create()
        district.client.patch(f"{path}/submissions/{district.student}", {"grade_points": 7})
    with serving(tmp_path) as sandbox:
        again = District(sandbox, KINDS[kind])
        assert again.client.get(f"{path}/submissions/{again.student}").data["grade_points"] == 7


def test_the_whole_state_is_saved_and_loaded(district: District) -> None:
    path = district.create()
    state = district.sandbox.client(None).get("/sandbox/state").body
    district.client.delete(path)
    assert district.sandbox.client(None).call("PUT", "/sandbox/state", state).status == 200
    assert district.client.get(path).data["title"] == "Essay 1"
