"""The id that every answer has."""

from __future__ import annotations

import asyncio
import socket
import uuid
from contextvars import copy_context

import pytest

from passback.observe import request_id
from support.sandbox import ASSIGNMENTS, ESSAY, Sandbox, serving

OWN = "App-1.2_3~a:b/c+d=e@f"


def begin(*given: bytes) -> str:
    """The id of a request with these ``X-Request-Id``; in a context of its own, as requests are."""
    return copy_context().run(request_id.begin, {request_id.HEADER: given})


def made(value: str) -> bool:
    """Whether an id is one that the server made."""
    return uuid.UUID(value).version == 7 and str(uuid.UUID(value)) == value


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", ASSIGNMENTS, 200),
        ("POST", ASSIGNMENTS, 400),
        ("BREW", ASSIGNMENTS, 405),
        ("GET", f"{ASSIGNMENTS}/00000000-0000-7000-8000-000000000000", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/%zz", 400),
        ("GET", "/health/live", 200),
        ("HEAD", "/metrics", 200),
        ("GET", "/docs", 200),
        ("POST", "/openapi.json", 405),
    ],
)
def test_every_answer_has_one(sandbox: Sandbox, method: str, path: str, status: int) -> None:
    replies = [sandbox.call(method, path) for _ in range(2)]
    ids = [reply.headers["x-request-id"] for reply in replies]
    assert [reply.status for reply in replies] == [status] * 2
    assert made(ids[0])
    assert ids[0] != ids[1]


def test_also_that_of_the_rate_limit_and_of_a_wrong_token() -> None:
    with serving(rate_limit=1) as sandbox:
        replies = [
            sandbox.get(ASSIGNMENTS),
            sandbox.get(ASSIGNMENTS),
            sandbox.client("WRONG").get(ASSIGNMENTS),
        ]
    assert [reply.status for reply in replies] == [200, 429, 403]
    assert all(made(reply.headers["x-request-id"]) for reply in replies)


def test_also_that_of_a_fault_of_ours(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("passback.gateway.assignments.lookup.section", fail)
    reply = sandbox.call("GET", ASSIGNMENTS, headers={"X-Request-Id": OWN})
    assert (reply.status, reply.headers["x-request-id"]) == (500, OWN)


@pytest.mark.parametrize("start", [b"G ET / HTTP/1.1\r\n\r\n", b"BREW / HTTP/1.1\r\n\r\n"])
def test_also_that_of_what_is_no_http(sandbox: Sandbox, start: bytes) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=20) as connection:
        connection.sendall(start)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert (head[:13], body) == (b"HTTP/1.1 400 ", b"Invalid HTTP request received.")
    assert made(head.lower().split(b"x-request-id: ")[1].split(b"\r\n")[0].decode())


@pytest.mark.parametrize("own", [OWN, "x", "9" * 128])
def test_the_requests_own_is_kept(sandbox: Sandbox, own: str) -> None:
    reply = sandbox.call("POST", ASSIGNMENTS, ESSAY, {"X-Request-Id": own})
    assert (reply.status, reply.headers["x-request-id"]) == (200, own)


@pytest.mark.parametrize(
    "hostile",
    [
        b"", b" ", b"a b", b"9" * 129, b"x" * 60_000, b"a\tb", b"a,b", b'"a"', b"<script>", b"%0d%0a", b"a;b", b"\\n",
        b"\xff", "é".encode(), b"{}", b"${jndi:x}",
    ],
)  # fmt: skip
def test_one_that_is_not_sane_is_not_taken(sandbox: Sandbox, hostile: bytes) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=20) as connection:
        connection.sendall(
            b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Request-Id: %s\r\nConnection: close\r\n\r\n" % hostile
        )
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    ids = [line[14:] for line in answer.split(b"\r\n") if line.lower().startswith(b"x-request-id: ")]
    assert len(ids) == 1
    assert made(ids[0].decode())


def test_a_line_break_is_none(sandbox: Sandbox) -> None:
    assert made(begin(b"good\n"))


def test_the_first_of_several_counts() -> None:
    assert begin(b"one", b"two") == "one"


def test_tasks_have_the_id_of_the_request_that_started_them() -> None:
    async def request(own: bytes) -> str | None:
        request_id.begin({request_id.HEADER: [own]})

        async def work() -> str | None:
            await asyncio.sleep(0)
            return request_id.current()

        return await asyncio.create_task(work())

    async def both() -> list[str | None]:
        return list(await asyncio.gather(request(b"one"), request(b"two")))

    assert asyncio.run(both()) == ["one", "two"]


def test_a_request_can_be_taken_up_again() -> None:
    with request_id.continued("later"):
        assert request_id.current() == "later"
    assert request_id.current() is None
