"""Equal creates that are in doubt together: as many assignments as there were wishes, none left over, none shared."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest

from passback_simulators.identities import SIMULATED, SandboxDistrict
from support.sandbox import ESSAY, Client, Reply, Sandbox, titles_in_lmss

KINDS = {district.lms_type: district for district in SIMULATED}
ASYNC = {"Prefer": "respond-async"}
LOST = {"Sandbox-Fault": "error-after"}
NEVER_SENT = {"Sandbox-Fault": "error-before"}
ALIKE = {**ESSAY, "title": f" {ESSAY['title']}  "}
"""Another request, of which an LMS that trims titles makes the same."""


class Place:
    """A section whose LMS is simulated."""

    def __init__(self, sandbox: Sandbox, known: SandboxDistrict) -> None:
        self.sandbox = sandbox
        self.known = known
        self.client: Client = sandbox.client(known.token)
        self.assignments = f"/v3.1/sections/{known.id('000007')}/assignments"

    def create(
        self,
        key: str | None,
        *headers: Mapping[str, str],
        body: Mapping[str, Any] = ESSAY,
        client: Any = None,
    ) -> Reply:
        sent = {name: value for given in headers for name, value in given.items()}
        if key is not None:
            sent["Idempotency-Key"] = key
        asked: Client = client or self.client
        return asked.call("POST", self.assignments, json.dumps(dict(body)), sent)

    def made(self, reply: Reply) -> str:
        """The id of the assignment that an answer leads to."""
        assert reply.status in (200, 202), reply
        return str(reply.data["id"] if reply.status == 200 else reply.data["assignment_id"])

    def settled(self) -> list[str]:
        """The ids of all assignments, once nothing is on its way; the LMS has these and no others."""
        give_up = time.monotonic() + 60
        while self.client.get("/v3.1/deliveries?state=waiting,delivering").data:
            assert time.monotonic() < give_up
            self.sandbox.clock.now += 1000
            time.sleep(0.01)
        listed = [one["id"] for one in self.client.get(f"{self.assignments}?limit=100").data]
        assert len(listed) == self.held()
        return listed

    def held(self) -> int:
        """How many the LMS has, known to us or not."""
        return sum(title.strip() == ESSAY["title"] for title in titles_in_lmss(self.sandbox))


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, started: Sandbox) -> Place:
    assert started.client(None).post("/sandbox/reset", b"").status == 200
    return Place(started, KINDS[request.param])


@pytest.mark.parametrize("bodies", [(ESSAY, ESSAY), (ESSAY, ALIKE)], ids=["equal", "alike"])
@pytest.mark.parametrize("second", [LOST, NEVER_SENT], ids=["both made", "one made"])
def test_each_key_gets_an_assignment_of_its_own(place: Place, second: Any, bodies: Any) -> None:
    wanted = {"k1": (bodies[0], LOST), "k2": (bodies[1], second)}
    for key, (body, fault) in wanted.items():
        assert place.create(key, fault, body=body).status == 500
    made = [place.made(place.create(key, body=body)) for key, (body, _) in reversed(wanted.items())]
    assert sorted(place.settled()) == sorted(made)
    assert len(set(made)) == 2
    again = [place.made(place.create(key, body=body)) for key, (body, _) in reversed(wanted.items())]
    assert again == made


@pytest.mark.parametrize("way", [(), ASYNC], ids=["sync", "async"])
def test_a_class_that_presses_the_button_gets_one_each(place: Place, way: Any) -> None:
    clients = [Client(place.sandbox.port, place.known.token) for _ in range(6)]

    def ask(number: int) -> str:
        fault, give_up = LOST, time.monotonic() + 60
        while time.monotonic() < give_up:
            headers, fault = [dict(way), fault], {}
            reply = place.create(f"k{number}", *headers, client=clients[number])
            if reply.status in (200, 202):
                return place.made(reply)
            assert reply.status in (409, 500), reply
            time.sleep(0.05)
        raise AssertionError(reply)

    with ThreadPoolExecutor(len(clients)) as threads:
        asked = [threads.submit(ask, number) for number in range(len(clients))]
        while wait(asked, timeout=0.1).not_done:
            place.sandbox.clock.now += 500
    for client in clients:
        client.close()
    made = [one.result() for one in asked]
    assert sorted(made) == sorted(place.settled())
    assert len(set(made)) == len(clients)


@pytest.mark.parametrize("bodies", [(ESSAY, ESSAY), (ESSAY, ALIKE)], ids=["equal", "alike"])
def test_what_two_applications_lost_is_each_ones(place: Place, bodies: Any) -> None:
    other = place.sandbox.client(place.known.token)
    first = place.create("k1", ASYNC, LOST, body=bodies[0])
    second = place.create("k2", ASYNC, LOST, body=bodies[1], client=other)
    made = [place.made(first), place.made(second)]
    assert sorted(place.settled()) == sorted(made)


def test_one_that_came_and_went_between_makes_no_other_look_old(place: Place) -> None:
    assert place.create("k1", LOST).status == 500
    between = place.made(place.create("k2", body={**ESSAY, "title": "Another"}))
    assert place.client.delete(f"{place.assignments}/{between}").status == 200
    made = place.made(place.create("k1"))
    assert place.settled() == [made]
