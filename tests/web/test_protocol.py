"""The protocol by itself, without a network: how requests arrive must make no difference to how they are answered."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from passback.web.connections import Connections
from passback.web.messages import Application, BodyTooLarge, ClientGone, Reply, Request
from passback.web.protocol import HttpProtocol

GET = b"GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"PATCH /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n"
ODD = b"BREW /d HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD /e HTTP/1.1\r\nHost: a\r\n\r\n"
OLD = b"GET /f HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
LAST = b"GET /g HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
BROKEN = b"GET /h HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"
TWO_LENGTHS = (
    b"POST /i HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
)
BAD_CHUNK = b"POST /j HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"
NONSENSE = b"\x00\x01\x02\r\n\r\n"
ALL = [GET, POST, CHUNKED, ODD, HEAD, OLD, LAST, BROKEN, TWO_LENGTHS, BAD_CHUNK, NONSENSE]


class Transport:
    """A transport that keeps what is written, and its socket."""

    family = socket.AF_INET

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closing = False
        self.reading = True

    def get_extra_info(self, name: str) -> Any:
        return self if name == "socket" else None

    def setsockopt(self, *_: int) -> None:
        pass

    def getpeername(self) -> tuple[str, int]:
        return "192.0.2.7", 1

    def write(self, data: bytes) -> None:
        assert not self.closing
        self.written.append(data)

    def write_eof(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True


async def echo(request: Request) -> Reply:
    """Answer with what has been understood."""
    body = await request.body(1000)
    return Reply(200, [], b"%b %b %b %b" % (request.method.encode(), request.path, request.query, body))


class Connected:
    """A connection to an application."""

    def __init__(self, application: Application = echo) -> None:
        self.transport = Transport()
        self.state = ServerState()
        self.protocol = HttpProtocol(application, Connections(10), server_state=self.state)
        self.protocol.connection_made(cast("asyncio.Transport", self.transport))

    async def send(self, *parts: bytes) -> None:
        """Send as far as the other side reads, and let all be answered that can be."""
        for part in parts:
            await self.turns()
            if self.transport.closing:
                break
            self.protocol.data_received(part)
        await self.settle()

    async def settle(self) -> None:
        """Let all be answered that can be."""
        await self.turns()
        while self.state.tasks:
            await asyncio.wait(self.state.tasks)
            await self.turns()

    async def turns(self) -> None:
        """Let the loop turn until the connection reads, or often enough for anything but a wait."""
        for _ in range(1000):
            await asyncio.sleep(0)
            if self.transport.reading:
                break

    @property
    def statuses(self) -> list[int]:
        return [int(it) for it in re.findall(rb"HTTP/1\.1 (\d+)", b"".join(self.transport.written))]


def answers(parts: Sequence[bytes]) -> bytes:
    """What a connection answers to what it is sent, but for dates and ids."""

    async def run() -> bytes:
        connected = Connected()
        await connected.send(*parts)
        return b"".join(connected.transport.written)

    return re.sub(rb"x-request-id: [^\r]+\r\n", b"", asyncio.run(run()))


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test in a loop."""

    async def wait() -> None:
        await test()

    asyncio.run(wait())


# A method that the parser does not know is understood at the start of a piece only.
@given(st.lists(st.sampled_from([it for it in ALL if it != ODD]), max_size=6), st.data())
def test_it_makes_no_difference_how_requests_are_split(requests: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(requests)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=20)))
    parts = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert answers([it for it in parts if it]) == answers([stream] if stream else [])


@pytest.mark.parametrize("request_", ALL)
def test_a_request_may_come_byte_by_byte(request_: bytes) -> None:
    assert answers([bytes([it]) for it in request_]) == answers([request_])


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (GET, b"GET /a b "),
        (POST, b"POST /b  hello"),
        (CHUNKED, b"PATCH /c  hello"),
        (ODD, b"BREW /d  "),
        (OLD, b"GET /f  "),
        (BROKEN, b"Invalid HTTP request received."),
        (TWO_LENGTHS, b"Invalid HTTP request received."),
        (BAD_CHUNK, b"Invalid HTTP request received."),
        (NONSENSE, b"Invalid HTTP request received."),
        (b"GET http://a/b?c=/ HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /b c=/ "),
        (b"GET /\xe2\x82\xac HTTP/1.1\r\nHost: a\r\n\r\n", b"Invalid HTTP request received."),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b"OPTIONS *  "),
    ],
)
def test_each_kind_of_request_is_understood(sent: bytes, found: bytes) -> None:
    assert answers([sent]).partition(b"\r\n\r\n")[2] == found


def test_an_answer_is_one_write() -> None:
    async def test() -> None:
        connected = Connected()
        await connected.send(GET, POST, GET + POST + HEAD)
        assert len(connected.transport.written) == 5
        assert connected.statuses == [200] * 5
        assert connected.transport.written[-1].endswith(b"content-length: 9\r\n\r\n")

    run(test)


@pytest.mark.parametrize("last", [LAST, OLD])
def test_what_follows_the_last_request_of_a_connection_is_not_answered(last: bytes) -> None:
    assert answers([last + GET + NONSENSE]) == answers([last])
    assert b"connection: close" in answers([last])


def test_trailers_are_no_headers() -> None:
    async def headers(request: Request) -> Reply:
        await request.body(10)
        return Reply(200, [], b" ".join(request.headers))

    async def test() -> None:
        connected = Connected(headers)
        await connected.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
            b"Authorization: Bearer SOMEBODY\r\n\r\n"
        )
        assert connected.transport.written[0].endswith(b"\r\n\r\nhost transfer-encoding")

    run(test)


def test_one_request_is_answered_at_a_time_and_few_are_held() -> None:
    go = asyncio.Event()
    begun = 0

    async def slow(_request: Request) -> Reply:
        nonlocal begun
        begun += 1
        await go.wait()
        return Reply(200, [])

    async def test() -> None:
        connected = Connected(slow)
        connected.protocol.data_received(GET * 1000)
        await asyncio.sleep(0)
        assert begun == 1
        assert not connected.transport.reading
        go.set()
        await connected.settle()
        assert connected.statuses == [200] * 1000
        assert connected.transport.reading

    run(test)


def test_a_client_that_does_not_read_is_answered_no_more() -> None:
    async def test() -> None:
        connected = Connected()
        connected.protocol.pause_writing()
        await connected.send(GET + GET)
        assert connected.statuses == []
        assert not connected.transport.reading
        connected.protocol.resume_writing()
        await connected.settle()
        assert connected.statuses == [200, 200]

    run(test)


def test_a_body_that_nobody_asks_for_is_not_held() -> None:
    go = asyncio.Event()

    async def late(request: Request) -> Reply:
        await go.wait()
        return Reply(200, [], b"%d" % len(await request.body(10**6)))

    async def test() -> None:
        connected = Connected(late)
        connected.protocol.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n")
        sent = 0
        while connected.transport.reading:
            connected.protocol.data_received(b"x" * 10_000)
            sent += 10_000
        assert sent < 100_000
        go.set()
        while sent < 500_000:
            await asyncio.sleep(0)
            if connected.transport.reading:
                connected.protocol.data_received(b"x" * 10_000)
                sent += 10_000
        await connected.settle()
        assert connected.transport.written[-1].endswith(b"\r\n\r\n500000")

    run(test)


def test_a_body_that_is_too_large_is_read_within_reason() -> None:
    async def refuse(request: Request) -> Reply:
        try:
            await request.body(1000)
        except BodyTooLarge:
            return Reply(413, [])
        return Reply(200, [])

    async def test() -> None:
        connected = Connected(refuse)
        connected.protocol.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        connected.protocol.data_received(b"x" * 16_000)
        for _ in range(10):
            await asyncio.sleep(0)
        assert connected.statuses == []
        connected.protocol.data_received(b"x" * 2000)
        await connected.settle()
        assert connected.statuses == [413]
        await connected.send(b"x" * 82_000, GET)  # the rest is not taken for a request
        assert connected.statuses == [413, 200]

    run(test)


def test_a_refusal_does_not_wait_for_a_body() -> None:
    async def refuse(_request: Request) -> Reply:
        return Reply(401, [])

    async def test() -> None:
        connected = Connected(refuse)
        await connected.send(POST.removesuffix(b"hello"))
        assert connected.statuses == [401]
        await connected.send(b"hello" + GET)
        assert connected.statuses == [401, 401]

    run(test)


def test_what_follows_a_body_that_may_be_left_out_is_not_taken_for_a_request() -> None:
    async def refuse(_request: Request) -> Reply:
        return Reply(401, [])

    async def test() -> None:
        connected = Connected(refuse)
        await connected.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
        await connected.send(GET + GET)
        assert connected.statuses == [401]
        assert b"connection: close" in connected.transport.written[0]

    run(test)


def test_who_waits_for_it_is_told_to_go_on() -> None:
    async def test() -> None:
        connected = Connected()
        connected.protocol.data_received(
            b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n"
        )
        await asyncio.sleep(0)
        assert connected.statuses == [100]
        await connected.send(b"he", b"llo")
        assert connected.statuses == [100, 200]

    run(test)


def test_an_application_learns_that_the_rest_of_a_request_does_not_come() -> None:
    learnt = []

    async def wait(request: Request) -> Reply | None:
        try:
            await request.body(10)
        except ClientGone:
            learnt.append(request.is_gone)
        return None

    async def test() -> None:
        for rest in (b"x\r\n", None):
            connected = Connected(wait)
            connected.protocol.data_received(BAD_CHUNK.removesuffix(b"x\r\n"))
            await asyncio.sleep(0)
            if rest is None:
                connected.transport.close()
                connected.protocol.connection_lost(None)
            else:
                connected.protocol.data_received(rest)
            await connected.settle()
        assert learnt == [True, True]

    run(test)


def test_no_header_ends_another() -> None:
    async def split(_request: Request) -> Reply:
        return Reply(200, [(b"x", b"a\r\nset-cookie: b")])

    async def test() -> None:
        connected = Connected(split)
        await connected.send(GET)
        assert connected.statuses == [500]
        assert b"cookie" not in connected.transport.written[0]

    run(test)


def test_a_failure_is_answered_and_ends_the_connection() -> None:
    async def fail(_request: Request) -> Reply:
        raise RuntimeError

    async def test() -> None:
        connected = Connected(fail)
        await connected.send(GET)
        assert connected.statuses == [500]
        assert connected.transport.closing

    run(test)


def test_a_server_that_stops_answers_what_has_come() -> None:
    go = asyncio.Event()

    async def slow(_request: Request) -> Reply:
        await go.wait()
        return Reply(200, [])

    async def test() -> None:
        idle = Connected(slow)
        idle.protocol.shutdown()
        assert idle.transport.closing
        busy = Connected(slow)
        busy.protocol.data_received(GET + GET)
        await asyncio.sleep(0)
        busy.protocol.shutdown()
        go.set()
        await busy.settle()
        assert busy.statuses == [200, 200]
        assert [b"connection: close" in it for it in busy.transport.written] == [False, True]
        assert busy.transport.closing

    run(test)
