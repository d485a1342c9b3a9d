"""A create that comes again, with a key or without: one assignment, whatever became of the first try."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest

from passback_simulators.identities import SIMULATED, SandboxDistrict
from support.sandbox import ESSAY, NOW, Client, Reply, Sandbox, titles_in_lmss

KINDS = {district.lms_type: district for district in SIMULATED}
ASYNC = {"Prefer": "respond-async"}
KEY = {"Idempotency-Key": "k"}
LOST = {"Sandbox-Fault": "error-after"}
SLOW = {"Sandbox-Fault": "slow=600ms"}


class Place:
    """A section whose LMS is simulated."""

    def __init__(self, sandbox: Sandbox, known: SandboxDistrict) -> None:
        self.sandbox = sandbox
        self.token = known.token
        self.client: Client = sandbox.client(known.token)
        self.assignments = f"/v3.1/sections/{known.id('000007')}/assignments"

    def create(
        self, *headers: Mapping[str, str], body: str | None = None, client: Client | None = None
    ) -> Reply:
        sent = {name: value for given in headers for name, value in given.items()}
        return (client or self.client).call("POST", self.assignments, body or json.dumps(dict(ESSAY)), sent)

    def made(self, reply: Reply) -> str:
        """The id of the assignment that an answer leads to."""
        assert reply.status in (200, 202), reply
        return str(reply.data["id"] if reply.status == 200 else reply.data["assignment_id"])

    def hang_up(self, *headers: Mapping[str, str], after: float = 0.2) -> None:
        """Send the request and hang up before its answer."""
        body = json.dumps(dict(ESSAY))
        lines = [f"POST {self.assignments} HTTP/1.1", "Host: x", f"Authorization: Bearer {self.token}",
                 f"Content-Length: {len(body)}"]  # fmt: skip
        lines += [f"{name}: {value}" for given in headers for name, value in given.items()]
        with socket.create_connection(("127.0.0.1", self.sandbox.port)) as connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            time.sleep(after)

    def settled(self) -> list[str]:
        """The ids of all assignments, once nothing is on its way."""
        give_up = time.monotonic() + 10
        while self.client.get("/v3.1/deliveries?state=waiting,delivering").data:
            assert time.monotonic() < give_up
            self.sandbox.clock.now += 1000
            time.sleep(0.01)
        listed = [one["id"] for one in self.client.get(self.assignments).data]
        assert len(listed) == self.held()
        return listed

    def held(self) -> int:
        """How many the LMS has, known to us or not."""
        return titles_in_lmss(self.sandbox).count("Essay 1")


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, started: Sandbox) -> Place:
    started.clock.now = NOW
    assert started.client(None).post("/sandbox/reset", b"").status == 200
    return Place(started, KINDS[request.param])


@pytest.mark.parametrize("second", [(), ASYNC, KEY, (ASYNC, KEY)], ids=["sync", "async", "key", "async, key"])
@pytest.mark.parametrize("first", [(), KEY], ids=["without", "key"])
def test_after_a_500_the_same_request_makes_no_second(place: Place, first: Any, second: Any) -> None:
    assert place.create(*_all(first), LOST).status == 500
    again = place.create(*_all(second))
    assert place.settled() == [place.made(again)]


def test_with_other_whitespace_it_is_the_same_request(place: Place) -> None:
    assert place.create(LOST).status == 500
    again = place.create(body=json.dumps({name: ESSAY[name] for name in sorted(ESSAY)}, indent=3))
    assert place.settled() == [place.made(again)]


@pytest.mark.parametrize("second", [(), ASYNC, KEY], ids=["sync", "async", "key"])
def test_a_client_that_hung_up_and_asks_again_gets_what_was_made_meanwhile(place: Place, second: Any) -> None:
    place.hang_up(SLOW)
    again = place.create(*_all(second))
    assert place.settled() == [place.made(again)]


def test_a_client_that_hung_up_and_asks_again_later_gets_what_was_made(place: Place) -> None:
    place.hang_up(SLOW)
    while not place.client.get(place.assignments).data:
        time.sleep(0.05)
    assert [place.made(place.create())] == place.settled()
    # It knows of that one now: another wish is another assignment.
    assert len({place.made(place.create()), *place.settled()}) == 2


def test_a_client_that_got_its_answer_and_asks_again_wants_another(place: Place) -> None:
    wanted = [place.made(place.create()) for _ in range(2)]
    assert place.settled() == wanted


@pytest.mark.parametrize("headers", [(), LOST, SLOW], ids=["well", "lost", "slow"])
def test_equal_creates_at_once_are_never_taken_for_each_other(place: Place, headers: Any) -> None:
    clients = [Client(place.sandbox.port, place.token) for _ in range(4)]

    def ask(number: int) -> Reply:
        wanted = _all(ASYNC if number > 1 else ())
        reply = place.create(*_all(headers if number % 2 else ()), *wanted, client=clients[number])
        return reply if reply.status < 500 else place.create(*wanted, client=clients[number])

    with ThreadPoolExecutor(len(clients)) as threads:
        asked = [threads.submit(ask, number) for number in range(len(clients))]
        while wait(asked, timeout=0.1).not_done:
            place.sandbox.clock.now += 500  # so that what is in doubt is looked for
    for client in clients:
        client.close()
    made = [place.made(one.result()) for one in asked]
    assert len(made) == len(set(made))
    assert set(made) == set(place.settled())


def _all(headers: Any) -> tuple[Mapping[str, str], ...]:
    return headers if isinstance(headers, tuple) else (headers,)
