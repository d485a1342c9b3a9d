"""The sandbox's clock, which can be moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from passback.sandbox.clock import SandboxClock, start_note
from passback_simulators.identities import DISTRICTS
from support.console import Visitor
from support.sandbox import ASSIGNMENTS, ESSAY, NOW, Sandbox, serving, wait_until

CLOCK = "/sandbox/clock"
AT_FIRST = "2026-01-01T00:00:00.000Z"


def put(sandbox: Sandbox, **wanted: Any) -> Any:
    reply = sandbox.client(None).call("PUT", CLOCK, wanted)
    assert reply.status == 200, reply
    return reply.json


def test_it_is_the_machines_until_it_is_moved_and_after_it_was_given_back(sandbox: Sandbox) -> None:
    anyone = sandbox.client(None)
    real = {"now": AT_FIRST, "real": AT_FIRST, "moved_by_seconds": 0}
    assert anyone.get(CLOCK).json == real
    assert put(sandbox, advance="1h") != real
    assert anyone.delete(CLOCK).json == real
    assert anyone.get(CLOCK).json == real


def test_it_goes_on_from_where_it_was_put(sandbox: Sandbox) -> None:
    put(sandbox, now="2030-06-01T10:00:00+02:00")
    sandbox.clock.advance(hours=3)
    assert sandbox.client(None).get(CLOCK).json["now"] == "2030-06-01T11:00:00.000Z"


@pytest.mark.parametrize(
    ("advance", "now"),
    [
        ("90s", "2026-01-01T00:01:30.000Z"),
        ("1d12h", "2026-01-02T12:00:00.000Z"),
        ("-30m", "2025-12-31T23:30:00.000Z"),
    ],
)
def test_it_is_moved_by_a_length(sandbox: Sandbox, advance: str, now: str) -> None:
    assert put(sandbox, advance=advance)["now"] == now


@pytest.mark.parametrize(
    "body",
    ["", "{}", "[]", "{", '{"now":""}', '{"now":"soon"}', '{"now":"1999-01-01"}', '{"now":"2200-01-01"}',
     '{"advance":"2"}', '{"advance":"h"}', '{"advance":""}', '{"advance":"999999d"}', '{"advance":7200}',
     '{"now":"2030-01-01","advance":"1h"}', '{"later":"1h"}', '{"now":null}', b"\xff"],
)  # fmt: skip
def test_a_move_that_is_none_is_refused_and_moves_nothing(sandbox: Sandbox, body: str | bytes) -> None:
    reply = sandbox.client(None).call("PUT", CLOCK, body)
    assert reply.status == 400
    assert reply.json["message"].startswith(("INVALID_SANDBOX_CLOCK: ", "parsing time "))
    assert sandbox.client(None).get(CLOCK).json["now"] == AT_FIRST


def test_a_reset_gives_it_back(sandbox: Sandbox) -> None:
    put(sandbox, advance="2d")
    sandbox.client(None).post("/sandbox/reset", b"")
    assert sandbox.client(None).get(CLOCK).json["now"] == AT_FIRST


def test_it_is_kept_over_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path) as sandbox:
        assert isinstance(sandbox.gateway.clock, SandboxClock)
        assert start_note(sandbox.gateway.clock) == []
        put(sandbox, now="2030-06-01T00:00:00Z")
        [said] = start_note(sandbox.gateway.clock)
        assert "2030-06-01T00:00:00.000Z" in said
    with serving(tmp_path, now=NOW + 60_000) as sandbox:
        assert sandbox.client(None).get(CLOCK).json["now"] == "2030-06-01T00:01:00.000Z"


@pytest.mark.parametrize("district", DISTRICTS, ids=lambda it: it.name)
def test_work_is_missing_once_it_is_due_in_every_lms_that_says_so(sandbox: Sandbox, district: Any) -> None:
    client = sandbox.client(district.token)
    assignments = f"/v3.1/sections/{district.id('000007')}/assignments"
    online = (
        {"submission_types": ["text"]} if district.lms_type == "canvas" else {}
    )  # only those can be missing
    made = client.post(assignments, {**ESSAY, "due_date": "2026-01-02T00:00:00Z", **online})
    path = f"{assignments}/{made.data['id']}/submissions/{district.id('001001')}"
    before = client.get(path).data.get("flags")
    put(sandbox, advance="2d")
    after = client.get(path).data.get("flags")
    assert (before, after) == (None, None if district.lms_type == "schoology" else ["missing"])


def test_an_assignment_opens_and_locks_by_it(sandbox: Sandbox) -> None:
    dates = {"display_date": "2026-01-02", "due_date": "2026-01-03", "end_date": "2026-01-04"}
    path = sandbox.create(**{name: f"{day}T00:00:00Z" for name, day in dates.items()})
    states = [sandbox.get(path).data["state"]]
    for _ in range(3):
        put(sandbox, advance="25h")
        states.append(sandbox.get(path).data["state"])
    assert states == ["scheduled", "open", "open", "locked"]


def test_cursors_expire_by_it(sandbox: Sandbox) -> None:
    for _ in range(2):
        sandbox.create()
    further = sandbox.get(f"{ASSIGNMENTS}?limit=1").json["links"][0]["uri"]
    put(sandbox, advance="2h")
    reply = sandbox.get(further)
    assert (reply.status, reply.json["message"]) == (400, "EXPIRED_CURSOR")


def test_idempotency_keys_expire_by_it(sandbox: Sandbox) -> None:
    def create() -> str:
        made = sandbox.call("POST", ASSIGNMENTS, ESSAY, {"Idempotency-Key": "one"})
        return str(made.data["id"])

    first, again = create(), create()
    put(sandbox, advance="25h")
    assert (first == again, create() == first) == (True, False)


def test_what_waits_for_an_lms_is_due_when_it_says_so(sandbox: Sandbox) -> None:
    canvas = next(it for it in DISTRICTS if it.lms_type == "canvas")
    client = sandbox.client(canvas.token)
    assignments = f"/v3.1/sections/{canvas.id('000007')}/assignments"
    headers = {"Prefer": "respond-async", "Sandbox-Fault": "throttled"}
    location = client.call("POST", assignments, ESSAY, headers).headers["location"]

    def state() -> tuple[str, int]:
        found = client.get(location).data
        return found["state"], found["attempts"]

    wait_until(lambda: state() == ("waiting", 1))
    put(sandbox, advance="2h")
    wait_until(lambda: state() == ("delivered", 2))


@pytest.mark.parametrize("district", DISTRICTS, ids=lambda it: it.name)
def test_every_lms_works_after_it_was_set_back(sandbox: Sandbox, district: Any) -> None:
    client = sandbox.client(district.token)
    assignments = f"/v3.1/sections/{district.id('000007')}/assignments"
    for move in ("0s", "9d", "-8d"):
        put(sandbox, advance=move)
        assert client.post(assignments, {**ESSAY, "title": move}).status == 200


def test_nobody_is_signed_out_of_the_console_by_it(sandbox: Sandbox) -> None:
    visitor = Visitor(sandbox.port)
    visitor.get("/console/districts")
    before = dict(visitor.cookies)
    for move in ("20d", "-40d"):
        put(sandbox, advance=move)
        assert visitor.get("/console/districts").status == 200
    visitor.close()
    assert visitor.cookies == before != {}


def test_production_has_no_such_clock() -> None:
    with serving(kind="production") as gateway:
        assert gateway.client(None).get(CLOCK).status == 404


def test_others_of_its_methods_are_not_allowed(sandbox: Sandbox) -> None:
    reply = sandbox.client(None).post(CLOCK, "{}")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, PUT, DELETE")
