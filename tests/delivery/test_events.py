"""What applications are told of: each event is a message that is kept, signed and sent until it arrives."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from passback.store import districts, gradebook
from support.sandbox import ASSIGNMENTS, DISTRICT, ESSAY, NOW, SECTION, STUDENT, Sandbox

ASYNC = {"Prefer": "respond-async"}


@dataclass
class Endpoint:
    """An application's endpoint, which verifies what it is sent."""

    url: str = ""
    secret: str = ""
    fails: int = 0
    """How many messages it still answers with 503."""
    tries: int = 0
    messages: list[Any] = field(default_factory=list)


@pytest.fixture
def endpoint(sandbox: Sandbox) -> Iterator[Endpoint]:
    made = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.tries += 1
            if made.fails:
                made.fails -= 1
                self.send_response(503)
            else:
                headers = {name.lower(): value for name, value in self.headers.items()}
                headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]))
                made.messages.append((headers, body))
                self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with server:
        made.url = f"http://127.0.0.1:{server.server_port}/events"
        reply = sandbox.post("/v3.1/webhooks", {"url": made.url})
        assert reply.status == 200, reply
        made.secret = reply.data["secret"]
        yield made
        server.shutdown()


def told(sandbox: Sandbox, endpoint: Endpoint, count: int = 1) -> list[Any]:
    """The events of the first messages, once there are so many."""
    give_up = time.monotonic() + 10
    while len(endpoint.messages) < count:
        assert time.monotonic() < give_up, endpoint
        sandbox.clock.now += 1000
        time.sleep(0.01)
    return [json.loads(body) for _, body in endpoint.messages]


def accept(sandbox: Sandbox, method: str, path: str, content: Any, fault: str | None = None) -> Any:
    headers = ASYNC if fault is None else {**ASYNC, "Sandbox-Fault": fault}
    reply = sandbox.call(method, path, json.dumps(content), headers)
    assert reply.status == 202, reply
    return reply.data


def test_a_delivered_grade_is_told_without_the_grade(sandbox: Sandbox, endpoint: Endpoint) -> None:
    path = sandbox.create()
    accepted = accept(sandbox, "PATCH", f"{path}/submissions/{STUDENT}", {"grade_points": 7})
    [event] = told(sandbox, endpoint)
    assert event["type"] == "delivery.delivered"
    assert event["data"] == {
        "assignment_id": path.rpartition("/")[2],
        "delivery_id": accepted["id"],
        "operation": "update_submission",
        "section_id": SECTION,
        "state": "delivered",
        "status": 200,
        "user_id": STUDENT,
    }


def test_a_message_is_signed_as_the_standard_says(sandbox: Sandbox, endpoint: Endpoint) -> None:
    sandbox.clock.now = int(time.time() * 1000)  # the standard's library looks at the machine's clock
    accept(sandbox, "POST", ASSIGNMENTS, ESSAY)
    told(sandbox, endpoint)
    headers, body = endpoint.messages[0]
    assert Webhook(endpoint.secret).verify(body, headers)["type"] == "delivery.delivered"


def test_a_refusal_is_told_with_the_contracts_error(sandbox: Sandbox, endpoint: Endpoint) -> None:
    path = sandbox.create()
    accept(sandbox, "PATCH", f"{path}/submissions/{STUDENT}", {"grade_points": 7}, "not-enrolled")
    [event] = told(sandbox, endpoint)
    assert event["type"] == "delivery.refused"
    assert (event["data"]["status"], event["data"]["message"]) == (404, "User not found")


def test_what_expires_is_told(sandbox: Sandbox, endpoint: Endpoint) -> None:
    sandbox.write(lambda conn: districts.set_keep_trying(conn, DISTRICT, -1))  # so the first try is the last
    accept(sandbox, "POST", ASSIGNMENTS, ESSAY, "timeout")
    assert told(sandbox, endpoint)[0]["type"] == "delivery.expired"
    sandbox.write(lambda conn: districts.set_keep_trying(conn, DISTRICT, None))


def test_many_are_told_once(sandbox: Sandbox, endpoint: Endpoint) -> None:
    path = sandbox.create()
    items = [{"user_id": STUDENT, "grade_points": 7}, {"user_id": STUDENT, "extra_attempts": 1}]
    accepted = accept(sandbox, "PATCH", f"{path}/submissions", {"submissions": items})
    [event] = told(sandbox, endpoint)
    assert (event["data"]["operation"], event["data"]["delivery_id"]) == (
        "update_submissions",
        accepted["id"],
    )


def test_an_assignment_that_the_lms_no_longer_has_is_told_once(sandbox: Sandbox, endpoint: Endpoint) -> None:
    path = sandbox.create()
    assignment_id = path.rpartition("/")[2]

    sandbox.write(lambda conn: gradebook.delete_assignment(conn, SECTION, assignment_id))
    assert [sandbox.get(path).status for _ in range(2)] == [404, 404]
    accept(sandbox, "POST", ASSIGNMENTS, ESSAY)
    events = told(sandbox, endpoint, 2)
    assert sorted(event["type"] for event in events) == ["assignment.deleted_in_lms", "delivery.delivered"]
    [gone] = [event for event in events if event["type"] == "assignment.deleted_in_lms"]
    assert gone["data"] == {"assignment_id": assignment_id, "section_id": SECTION}
    assert "2026-01-01T00:00:00.000Z" <= gone["timestamp"] < "2026-01-02"
    assert NOW == 1_767_225_600_000


def test_an_assignment_that_a_list_lacks_is_told_once(sandbox: Sandbox, endpoint: Endpoint) -> None:
    deleted, _ = (sandbox.create().rpartition("/")[2] for _ in range(2))
    sandbox.write(lambda conn: gradebook.delete_assignment(conn, SECTION, deleted))
    assert [len(sandbox.get(ASSIGNMENTS).data) for _ in range(2)] == [1, 1]
    [event] = told(sandbox, endpoint)
    assert (event["type"], event["data"]["assignment_id"]) == ("assignment.deleted_in_lms", deleted)
    assert len(sandbox.get(ASSIGNMENTS).data) == 1
    accept(sandbox, "POST", ASSIGNMENTS, ESSAY)
    assert [it["type"] for it in told(sandbox, endpoint, 2)][1:] == ["delivery.delivered"]


def test_a_list_that_pretends_to_lack_one_tells_of_it(sandbox: Sandbox, endpoint: Endpoint) -> None:
    made = sandbox.create().rpartition("/")[2]
    assert sandbox.call("GET", ASSIGNMENTS, headers={"Sandbox-Fault": "deleted"}).data == []
    [event] = told(sandbox, endpoint)
    assert (event["type"], event["data"]["assignment_id"]) == ("assignment.deleted_in_lms", made)
    assert len(sandbox.get(ASSIGNMENTS).data) == 1


def test_a_broken_connection_is_told(sandbox: Sandbox, endpoint: Endpoint) -> None:
    sandbox.call("GET", ASSIGNMENTS, headers={"Sandbox-Fault": "expired-credentials"})
    [event] = told(sandbox, endpoint)
    assert (event["type"], event["data"]) == ("connection.broken", {"district_id": DISTRICT})


def test_an_endpoint_that_fails_is_tried_again_with_the_same_id(sandbox: Sandbox, endpoint: Endpoint) -> None:
    endpoint.fails = 3
    accept(sandbox, "POST", ASSIGNMENTS, ESSAY)
    told(sandbox, endpoint)
    assert (endpoint.tries, len(endpoint.messages)) == (4, 1)


def test_what_a_client_waited_for_is_not_told(sandbox: Sandbox, endpoint: Endpoint) -> None:
    sandbox.create()
    accept(sandbox, "POST", ASSIGNMENTS, ESSAY)
    assert [event["data"]["operation"] for event in told(sandbox, endpoint)] == ["create_assignment"]


def test_messages_are_no_deliveries_that_an_application_sees(sandbox: Sandbox, endpoint: Endpoint) -> None:
    accept(sandbox, "POST", ASSIGNMENTS, ESSAY)
    told(sandbox, endpoint)
    assert [one["operation"] for one in sandbox.get("/v3.1/deliveries").data] == ["create_assignment"]
