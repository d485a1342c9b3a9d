"""What all simulators share, tested on a tiny one."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx2
import pytest

from passback.testing.served import Served, serving
from passback_simulators.records import Change
from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.route import Route, route
from passback_simulators.server import server
from passback_simulators.simulator import Simulator
from support.sandbox import SetClock


class Counter(Simulator):
    """An LMS that counts."""

    name = "Counter"

    def routes(self) -> Sequence[Route]:
        return [route("GET", "/counts/{name}", self.read), route("POST", "/counts/{name}", self.count)]

    def seed(self) -> None:
        self.records.put("counts", "seeded", {"count": 7})

    def read(self, request: Request, name: str) -> Reply:
        record = self.records.get("counts", name)
        return json_reply(200, record) if record else json_reply(404, {"fault": request.fault})

    def count(self, request: Request, name: str) -> Reply:
        record = self.records.get("counts", name) or {"count": 0}
        record["count"] += 1
        return json_reply(201, self.records.put("counts", name, record))

    def not_found(self, request: Request) -> Reply:
        return json_reply(404, {"message": "no such path"})

    def fault_reply(self, fault: str, request: Request) -> Reply:
        return json_reply(
            {"throttled": 429, "error": 500, "expired-credentials": 401}[fault], {"fault": fault}
        )


def test_a_page_of_another_site_changes_no_simulator(counter: Served) -> None:
    rule = {"fault": "timeout", "times": 1}
    for site, status in (("cross-site", 403), ("same-origin", 200)):
        headers = {"Sec-Fetch-Site": site}
        reply = httpx2.post(f"{counter.url}/_simulator/faults", json=rule, headers=headers)
        assert reply.status_code == status


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "settings", "[]"), ("PUT", "settings", "x"), ("PUT", "settings", '{"latency_ms":"a"}'),
        ("PUT", "settings", '{"nonsense":1}'), ("PUT", "state", "x"), ("PUT", "state", "[1]"), ("PUT", "state", '{"a":1}'),
        ("POST", "faults", "x"), ("POST", "faults", '{"fault":"x"}'), ("POST", "faults", '{"fault":"timeout","times":-1}'),
        ("POST", "faults", '{"fault":"timeout","path":"("}'), ("POST", "faults", '{"fault":"timeout","tmes":1}'),
    ],
)  # fmt: skip
def test_what_the_control_endpoint_does_not_take(counter: Served, method: str, path: str, body: str) -> None:
    reply = httpx2.request(method, f"{counter.url}/_simulator/{path}", content=body)
    assert (reply.status_code, bool(reply.json()["message"])) == (400, True)


@pytest.fixture
def counter() -> Iterator[Served]:
    simulator = Counter(SetClock())
    simulator.start()
    with serving(simulator) as served:
        yield served


def post(counter: Served, **options: Any) -> httpx2.Response:
    return httpx2.post(f"{counter.url}/counts/a", **{"timeout": 5, **options})


def count(counter: Served) -> int:
    reply = httpx2.get(f"{counter.url}/counts/a").json()
    return int(reply.get("count", 0))


@pytest.mark.parametrize(
    ("fault", "status", "effects"),
    [("error-before", 500, 0), ("error-after", 500, 1), ("throttled", 429, 0), ("expired-credentials", 401, 0),
     ("malformed", 200, 1)],
)  # fmt: skip
def test_a_fault_spoils_the_answer_before_or_after_the_effect(
    counter: Served, fault: str, status: int, effects: int
) -> None:
    counter.fail(fault, method="POST")
    assert (post(counter).status_code, count(counter)) == (status, effects)


@pytest.mark.parametrize(("fault", "effects"), [("dropped", 0), ("dropped-after", 1)])
def test_a_connection_is_cut(counter: Served, fault: str, effects: int) -> None:
    counter.fail(fault, method="POST")
    with pytest.raises(httpx2.RemoteProtocolError):
        post(counter)
    assert count(counter) == effects


@pytest.mark.parametrize(("fault", "effects"), [("timeout", 0), ("timeout-after", 1)])
def test_a_request_is_kept_waiting(counter: Served, fault: str, effects: int) -> None:
    counter.fail(fault, method="POST")
    with pytest.raises(httpx2.ReadTimeout):
        post(counter, timeout=0.1)
    assert count(counter) == effects


def test_a_slow_reply_is_still_correct(counter: Served) -> None:
    counter.fail("slow=50ms")
    begin = time.monotonic()
    assert post(counter).status_code == 201
    assert time.monotonic() - begin >= 0.05


def test_a_fault_meets_only_the_requests_that_its_rule_names(counter: Served) -> None:
    counter.fail("error-before", times=2, method="POST", path="/counts/a$")
    other = httpx2.post(f"{counter.url}/counts/b").status_code
    assert [other, *(post(counter).status_code for _ in range(3))] == [201, 500, 500, 201]


def test_the_header_fails_a_request_to_the_gateway_from_its_first_write_on(counter: Served) -> None:
    headers = {"Sandbox-Fault": "error-after; 1"}
    read = [httpx2.get(f"{counter.url}/counts/seeded", headers=headers).status_code for _ in range(1)]
    statuses = [post(counter, headers=headers).status_code for _ in range(2)]
    assert (read, statuses, count(counter)) == ([200], [500, 500], 1)


def test_the_handler_sees_which_fault_it_is_to_act_out(counter: Served) -> None:
    reply = httpx2.get(f"{counter.url}/counts/none", headers={"Sandbox-Fault": "deleted; 1"})
    assert reply.json() == {"fault": "deleted"}


def test_an_unknown_fault_is_refused(counter: Served) -> None:
    reply = httpx2.post(f"{counter.url}/_simulator/faults", json={"fault": "flood"})
    assert (reply.status_code, "error-before" in reply.text) == (400, True)


def test_the_requests_are_listed(counter: Served) -> None:
    post(counter)
    assert counter.control("GET", "requests") == ["POST /counts/a"]


def test_the_state_can_be_taken_put_back_and_reset(counter: Served) -> None:
    post(counter)
    state = counter.control("GET", "state")
    counter.control("POST", "reset")
    afterwards = count(counter)
    counter.control("PUT", "state", state)
    assert (afterwards, count(counter)) == (0, 1)


def test_what_changed_is_saved_before_the_answer_and_taken_up_again() -> None:
    saved: dict[tuple[str, str], Change] = {}

    async def keep(changes: Sequence[Change]) -> None:
        for change in changes:
            saved[change.table, change.id] = change

    first = Counter(SetClock(), keep)
    first.start()
    request = Request("POST", "http://x", "/counts/a", "/counts/a", "", {}, b"")
    asyncio.run(first.answer(request))
    second = Counter(SetClock())
    second.start([change for change in saved.values() if change.record is not None])
    assert second.records.content() == first.records.content()


def test_no_part_of_an_answer_waits_for_the_client() -> None:
    async def answer() -> list[int]:
        simulator = Counter(SetClock())
        simulator.start()
        running = server(simulator)
        # asyncio's own sockets, as of `passback simulate`: uvloop would not wait anyway.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            task = asyncio.create_task(running.serve([listener]))
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            writer.write(b"GET /counts/seeded HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readuntil(b'{"count":7}')
            sockets = [it.transport.get_extra_info("socket") for it in running.server_state.connections]
            found = [it.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for it in sockets]
            writer.close()
            running.should_exit = True
            await task
        return found

    assert asyncio.run(answer()) == [1]
