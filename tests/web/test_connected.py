"""A district whose LMS is reached over HTTP, by the example's connector: what the gateway makes of lost answers."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import support.sandbox
from passback.settings import Settings
from passback.store import connections, districts, matching
from passback.store.engine.database import Connection, StoreUnavailable
from passback.store.engine.vault import Vault
from passback.testing.served import Served, serving
from passback.testing.slate.simulator import SlateSimulator
from support.sandbox import ELSEWHERE_SECTION, ESSAY, Client, Sandbox, SetClock
from support.slate import installed

DISTRICT = "4fee004cca2e43cf28000000"
ASSIGNMENTS = f"/v3.1/sections/{ELSEWHERE_SECTION}/assignments"
TEACHER = "4fee004cca2e43cf28000001"
STUDENT = "4fee004cca2e43cf28001001"
CREATES = {"method": "POST", "path": "assignments$"}


@dataclass(frozen=True)
class Connected:
    """A sandbox, one of whose districts uses Slate."""

    sandbox: Sandbox
    client: Client
    slate: Served

    def write(self, transaction: Callable[[Connection], Any]) -> Any:
        async def run() -> Any:
            return await self.sandbox.gateway.database.write(transaction)

        return asyncio.run(run())

    def create(self, **changes: Any) -> support.sandbox.Reply:
        return self.client.post(ASSIGNMENTS, {**ESSAY, **changes})

    def count(self) -> int:
        """How many assignments there are in Slate."""
        return len(self.slate.simulator.records.all("assignments"))


@pytest.fixture(scope="module")
def started() -> Iterator[Connected]:
    simulator = SlateSimulator(SetClock())
    simulator.start()
    settings = Settings(data=":memory:")
    with installed(), serving(simulator) as slate, support.sandbox.serving() as sandbox:
        connected = Connected(sandbox, sandbox.client("DEMO_TOKEN_ELSEWHERE"), slate)

        def connect(conn: Connection) -> None:
            sealed = connections.seal(Vault(settings.secret_keys), DISTRICT, {"api_key": "slate-key"})
            connections.save(
                conn,
                DISTRICT,
                address=f"{slate.url}/",
                options={},
                credentials=sealed,
                now=support.sandbox.NOW,
            )
            districts.set_lms(conn, DISTRICT, "slate", "success")
            matching.decide(conn, ELSEWHERE_SECTION, "s1", support.sandbox.NOW)
            for number in range(1, 6):
                matching.decide(
                    conn, f"4fee004cca2e43cf2800{1000 + number}", f"student-{number}", support.sandbox.NOW
                )
            matching.decide(conn, TEACHER, "teacher-1", support.sandbox.NOW)

        connected.write(connect)
        yield connected


@pytest.fixture
def lms(started: Connected) -> Connected:
    started.slate.control("POST", "reset")
    return started


def test_an_assignment_goes_to_the_lms_and_is_read_from_there(lms: Connected) -> None:
    created = lms.create().data
    (record,) = lms.slate.simulator.records.all("assignments")
    record["title"] = "Changed by the teacher"
    assert lms.client.get(f"{ASSIGNMENTS}/{created['id']}").data["title"] == "Changed by the teacher"


def test_what_the_lms_has_no_place_for_is_given_back_with_a_warning(lms: Connected) -> None:
    reply = lms.create(max_attempts=3, submission_types=["text"])
    read = lms.client.get(f"{ASSIGNMENTS}/{reply.data['id']}")
    assert (read.data["max_attempts"], read.data["submission_types"], read.data["description"]) == (
        3,
        ["text"],
        "Two pages",
    )
    assert {"NOT_STORED_BY_LMS:max_attempts", "NOT_STORED_BY_LMS:submission_types"} <= set(
        reply.headers["passback-warnings"].split(", ")
    )


def test_a_grade_goes_to_the_lms(lms: Connected) -> None:
    path = f"{ASSIGNMENTS}/{lms.create().data['id']}/submissions/{STUDENT}"
    lms.client.patch(path, {"grade_points": 17.5, "grader_id": TEACHER})
    (record,) = lms.slate.simulator.records.all("assignments")
    assert record["scores"]["student-1"] == {"score": "17.5", "graded_by": "teacher-1"}


def test_what_the_lms_cannot_do_for_a_student_is_refused(lms: Connected) -> None:
    path = f"{ASSIGNMENTS}/{lms.create().data['id']}/submissions/{STUDENT}"
    reply = lms.client.patch(path, {"override_due_date": "2031-01-01T00:00:00Z"})
    assert (reply.status, reply.json) == (
        400,
        {"message": "Slate does not support override_due_date"},
    )


def test_a_comment_that_the_lms_has_no_place_for_does_not_keep_a_grade_out(lms: Connected) -> None:
    path = f"{ASSIGNMENTS}/{lms.create().data['id']}/submissions/{STUDENT}"
    reply = lms.client.patch(path, {"grade_points": 17, "grade_comment": "Good"})
    assert (reply.status, reply.headers["passback-warnings"]) == (200, "NOT_STORED_BY_LMS:grade_comment")
    alone = lms.client.patch(path, {"grade_comment": "Good"})
    assert (alone.status, alone.json) == (400, {"message": "Slate does not support grade_comment"})


def test_an_assignment_that_was_deleted_in_the_lms_is_row_13(lms: Connected) -> None:
    created = lms.create().data
    lms.slate.simulator.records.remove("assignments", "a1")
    reply = lms.client.get(f"{ASSIGNMENTS}/{created['id']}")
    assert (reply.status, reply.json) == (404, {"message": "Assignment does not exist"})


@pytest.mark.parametrize("fault", ["error-after", "dropped-after", "malformed"])
def test_a_create_whose_answer_was_lost_succeeds_and_is_one(lms: Connected, fault: str) -> None:
    lms.slate.fail(fault, **CREATES)
    reply = lms.create()
    assert (reply.status, lms.count()) == (200, 1)
    assert lms.client.get(f"{ASSIGNMENTS}/{reply.data['id']}").status == 200


def test_what_was_created_while_our_own_store_failed_is_taken_up_later(
    lms: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:

        def full(*_: object, **__: object) -> None:
            raise StoreUnavailable("disk I/O error")

        patched.setattr("passback.delivery.ledger.assignments.add", full)
        first = lms.create(title="Made, and not known")
    second = lms.create(title="Made, and not known")
    assert (first.status, second.status, lms.count()) == (503, 200, 1)


def test_where_it_cannot_be_found_out_the_same_request_takes_it_up_later(lms: Connected) -> None:
    lms.slate.fail("error-after", **CREATES)
    lms.slate.fail("expired-credentials", method="GET", path="assignments$")
    first = lms.create(title="In doubt")
    second = lms.create(title="In doubt")
    third = lms.create(title="In doubt")
    assert [first.status, second.status, third.status] == [500, 200, 200]
    assert first.json == {"message": "Error creating assignment"}
    # The second is what the first made; the third was asked for anew.
    assert (lms.count(), second.data["id"] != third.data["id"]) == (2, True)


def test_a_create_that_did_not_happen_is_made_when_it_is_asked_for_again(lms: Connected) -> None:
    lms.slate.fail("error-before", **CREATES)
    statuses = [lms.create().status for _ in range(2)]
    assert (statuses, lms.count()) == ([500, 200], 1)


def test_only_one_of_several_equal_requests_takes_up_what_was_in_doubt(lms: Connected) -> None:
    lms.slate.fail("error-after", **CREATES)
    lms.slate.fail("expired-credentials", method="GET", path="assignments$")
    assert lms.create(title="Twice").status == 500
    ids = {lms.create(title="Twice").data["id"] for _ in range(3)}
    assert (len(ids), lms.count()) == (3, 3)


def state_of(lms: Connected) -> str:
    state: str = lms.client.get(f"/v3.1/districts/{DISTRICT}").data["lms_state"]
    return state


def test_refused_credentials_mark_the_connection_and_tell_the_client_nothing(lms: Connected) -> None:
    created = lms.create().data
    lms.slate.fail("expired-credentials")
    reply = lms.client.get(f"{ASSIGNMENTS}/{created['id']}")
    state = state_of(lms)
    lms.write(lambda conn: districts.set_lms_state(conn, DISTRICT, "success"))
    assert (reply.status, reply.json, state) == (500, {"message": "Error reading assignment"}, "error")


@pytest.mark.parametrize("call", ["read", "list", "change", "grade", "grade many", "read submissions"])
def test_a_call_that_works_again_ends_the_connections_error(lms: Connected, call: str) -> None:
    path = f"{ASSIGNMENTS}/{lms.create().data['id']}"
    lms.slate.fail("expired-credentials")
    assert (lms.client.get(path).status, state_of(lms)) == (500, "error")
    grade = {"grade_points": 5}
    reply = {
        "read": lambda: lms.client.get(path),
        "list": lambda: lms.client.get(ASSIGNMENTS),
        "change": lambda: lms.client.patch(path, {"title": "Other"}),
        "grade": lambda: lms.client.patch(f"{path}/submissions/{STUDENT}", grade),
        "grade many": lambda: lms.client.patch(
            f"{path}/submissions", {"submissions": [{"user_id": STUDENT, **grade}]}
        ),
        "read submissions": lambda: lms.client.get(f"{path}/submissions"),
    }[call]()
    assert (reply.status, state_of(lms)) == (200, "success")


def test_before_the_first_sync_a_call_that_works_does_not_end_its_error(lms: Connected) -> None:
    path = f"{ASSIGNMENTS}/{lms.create().data['id']}"

    def unsynced(conn: Connection) -> None:
        conn.execute(
            "UPDATE districts SET lms_state = 'error', last_lms_sync = NULL WHERE id = :id", {"id": DISTRICT}
        )

    def synced(conn: Connection) -> None:
        now = support.sandbox.NOW
        conn.execute(
            "UPDATE districts SET lms_state = 'success', last_lms_sync = :now WHERE id = :id",
            {"id": DISTRICT, "now": now},
        )

    lms.write(unsynced)
    reply, state = lms.client.get(path), state_of(lms)
    lms.write(synced)
    assert (reply.status, state) == (200, "error")


@pytest.mark.parametrize(
    ("fault", "status"),
    [("error-before", 500), ("error-after", 500), ("throttled", 500), ("timeout", 500), ("expired-credentials", 500),
     ("slow=20ms", 200)],
)  # fmt: skip
def test_the_header_makes_the_lms_fail_for_one_request(lms: Connected, fault: str, status: int) -> None:
    body = json.dumps({**ESSAY, "title": fault})
    reply = lms.client.call("POST", ASSIGNMENTS, body, {"Sandbox-Fault": fault})
    assert (reply.status, lms.count()) == (status, int(fault in ("error-after", "slow=20ms")))
    assert lms.client.get(f"/v3.1/districts/{DISTRICT}").data["lms_state"] == "success"
    again = lms.client.call("POST", ASSIGNMENTS, body)
    assert again.status == 200
    assert lms.count() == (2 if fault == "slow=20ms" else 1)


def test_a_write_for_who_is_not_matched_says_in_the_log_which_match_is_missing(
    lms: Connected, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"{ASSIGNMENTS}/{lms.create().data['id']}/submissions/4fee004cca2e43cf28001006"
    lms.write(lambda conn: matching.decide(conn, "4fee004cca2e43cf28001006", None, support.sandbox.NOW))
    with caplog.at_level(logging.WARNING, logger="passback"):
        reply = lms.client.patch(path, {"grade_points": 1})
    assert (reply.status, reply.json) == (404, {"message": "User not found"})
    assert "user 4fee004cca2e43cf28001006 is not matched" in caplog.text
