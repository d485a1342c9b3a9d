"""Clients that mean harm, or are broken: whatever they do, the others are answered, and memory and log stay small."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psutil
import pytest
import uvicorn
from msgspec.structs import replace
from uvicorn.server import ServerState

from passback.app import server_config
from passback.web.connections import Patience
from passback.web.messages import ClientGone, Reply, Request
from passback.web.protocol import HttpProtocol
from support.commands import ENVIRONMENT, command
from support.sandbox import Client

SHORT = Patience(idle=0.3, head=0.3, request=0.3, unread=0.3, linger=0.3, look=0.05)
HELLO = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
MB = 1_000_000


class Served:
    """A small application that is served as the gateway is."""

    def __init__(self) -> None:
        self.port = 0
        self.waiting = threading.Semaphore(0)
        """Counts the requests for ``/wait`` that are being answered, which ends when `go` is set."""
        self.go = threading.Event()
        self.gone = threading.Event()

    async def __call__(self, request: Request) -> Reply | None:
        if request.path == b"/wait":
            self.waiting.release()
            await asyncio.to_thread(self.go.wait)
        elif request.path == b"/body":
            try:
                await request.body(10 * MB)
            except ClientGone:
                self.gone.set()
                return None
        elif request.path == b"/file":
            while part := await request.part():
                request.taken += len(part)
        return Reply(200, [], b"x" * (4 * MB if request.path == b"/large" else 5))

    def connect(self, *, own: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(own, 0))

    def get(self, path: str = "/hello", *, own: str = "127.0.0.1") -> int:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20, source_address=(own, 0))
        with contextlib.closing(client):
            client.request("GET", path)
            return client.getresponse().status


@contextlib.contextmanager
def serving(most: int = 1000, patience: Patience | None = None) -> Iterator[Served]:
    served = Served()
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    served.port = listener.getsockname()[1]
    server = uvicorn.Server(server_config(served, most, patience))
    thread = threading.Thread(target=partial(server.run, [listener]), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.go.set()
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


@pytest.fixture(scope="module")
def impatient() -> Iterator[Served]:
    with serving(patience=SHORT) as found:
        yield found


def read(client: socket.socket) -> bytes:
    """All that comes until the server closes."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            found += part
    return found


def read_hello(client: socket.socket) -> bytes:
    """The answer to `HELLO`, whose head and body may come apart."""
    found = b""
    while not found.endswith(b"xxxxx") and (part := client.recv(65536)):
        found += part
    return found


def statuses(answer: bytes) -> list[int]:
    return [int(it) for it in re.findall(rb"HTTP/1\.1 (\d+)", answer)]


def flood(client: socket.socket, data: bytes, most: int) -> int:
    """Send `data` over and over, up to `most` bytes, until the server takes no more; how many it took."""
    sent = 0
    client.settimeout(0.5)
    with contextlib.suppress(TimeoutError, ConnectionError):
        while sent < most:
            sent += client.send(data[: most - sent])
    client.settimeout(20)
    return sent


def hang_up(client: socket.socket) -> None:
    """Close at once, without a word (RST)."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@contextlib.contextmanager
def process(limit_of_files: int | None = None, **settings: str) -> Iterator[tuple[psutil.Process, int]]:
    """A sandbox in a process of its own: the process, and its port."""

    def limit() -> None:
        if limit_of_files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit_of_files, limit_of_files))

    with subprocess.Popen(
        command("sandbox", "--port", "0", "--data", ":memory:"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**ENVIRONMENT, **settings}, preexec_fn=limit,
    ) as started:  # fmt: skip
        assert started.stdout is not None
        found = next(it for line in started.stdout if (it := re.search(r"http://127\.0\.0\.1:(\d+)", line)))
        try:
            yield psutil.Process(started.pid), int(found[1])
        finally:
            started.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("request_", [HELLO, HELLO.replace(b"GET", b"BREW")], ids=["usual", "odd method"])
def test_pipelined_requests_with_unread_answers_cost_little_memory(request_: bytes) -> None:
    with process() as (server, port):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(request_)
            client.recv(65536)
        before = server.memory_info().rss
        with socket.create_connection(("127.0.0.1", port)) as client:
            flood(client, request_ * 2000, 8 * MB)
            assert server.memory_info().rss - before < 10 * MB


def test_all_pipelined_requests_are_answered_in_the_end(served: Served) -> None:
    last = HELLO.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with served.connect() as client:
        sender = threading.Thread(target=client.sendall, args=(HELLO * 5000 + last,))
        sender.start()
        answer = read(client)
        sender.join()
    assert statuses(answer) == [200] * 5001


def test_requests_after_a_long_body_are_answered_in_their_order(served: Served) -> None:
    post = b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + b"b" * 300_000
    last = b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with served.connect() as client:
        client.sendall(post + HELLO + post + last)
        assert statuses(read(client)) == [200, 200, 200, 200]


@pytest.mark.parametrize(
    "start",
    [
        b"GET /",
        b"GET /hello HTTP/1.1\r\nHost: a\r\nX-Long: ",
        b"GET /hello HTTP/1.1\r\nHost: a\r\nX",
        b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: ",
    ],
    ids=["address", "header value", "header name", "chunk extension", "trailer"],
)
def test_an_endless_head_is_refused_soon(served: Served, start: bytes) -> None:
    with served.connect() as client:
        client.sendall(start)
        assert flood(client, b"a" * 65536, 100 * MB) < 20 * MB
    assert served.get() == 200


def test_a_head_that_is_too_long_is_told_so(served: Served) -> None:
    with served.connect() as client:
        client.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * 40_000)
        assert statuses(read(client)) == [431]


def test_a_head_as_long_as_proxies_let_through_is_answered(served: Served) -> None:
    with served.connect() as client:
        client.sendall(
            b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Long: " + b"a" * 32_000 + b"\r\n\r\n"
        )
        assert statuses(read(client)) == [200]


SMALLEST_CHUNKS = (
    b"POST /body HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"1\r\nx\r\n" * 20_000
    + b"0\r\n\r\n"
)


def test_a_body_in_the_smallest_chunks_is_read(served: Served) -> None:
    with served.connect() as client:
        client.sendall(SMALLEST_CHUNKS)
        assert statuses(read(client)) == [200]


def test_others_get_their_turn_while_much_of_one_is_parsed() -> None:
    async def scenario() -> bytes:
        config = server_config(Served())
        config.load()
        own, other = socket.socketpair()
        protocol: Any = config.http_protocol_class
        make = partial(protocol, config=config, server_state=ServerState(), app_state={})
        _, connection = await asyncio.get_running_loop().create_connection(make, sock=own)
        reader, writer = await asyncio.open_connection(sock=other)
        connection.data_received(SMALLEST_CHUNKS)  # as if all came at once
        assert isinstance(connection, HttpProtocol)
        assert not connection.is_working
        answer = await reader.read()
        writer.close()
        return answer

    assert statuses(asyncio.run(scenario())) == [200]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /hello HTTP/1.1\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"BREW /hello HTTP/1.1\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n", 200),
        (b"GET /hello HTTP/1.0\r\n\r\n", 200),
    ],
)
def test_a_request_of_http_1_1_names_its_host(served: Served, request_: bytes, status: int) -> None:
    with served.connect() as client:
        client.sendall(request_)
        assert statuses(read(client)) == [status]


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Host : b\r\n",
        b"X: a\r\n\x00b\r\n",
    ],
)
def test_a_request_that_two_servers_could_read_differently_is_refused(served: Served, headers: bytes) -> None:
    with served.connect() as client:
        client.sendall(
            b"POST /body HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n0\r\n\r\nGET /hello HTTP/1.1\r\n\r\n"
        )
        assert statuses(read(client)) == [400]


def test_what_is_no_request_is_refused_after_the_answers_before_it(served: Served) -> None:
    with served.connect() as client:
        client.sendall(HELLO + HELLO + b"\x00\x01\x02 / nonsense\r\n\r\n")
        assert statuses(read(client)) == [200, 200, 400]


def test_a_method_that_nobody_knows_may_come_in_pieces(served: Served) -> None:
    with served.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in (b"B", b"REW", b" /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"):
            client.sendall(part)
            time.sleep(0.02)  # so that they are not sent together
        assert statuses(read(client)) == [200]


def test_another_protocol_is_not_taken_up(served: Served) -> None:
    with served.connect() as client:
        client.sendall(
            b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"
        )
        assert statuses(read(client)) == [200]


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (b"", []),
        (HELLO, [200]),
        (b"GET /hello HTTP/1.1\r\nHo", [408]),
        (b"\r\n", []),
        (HELLO + b"GET /he", [200, 408]),
        (b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", [408]),
    ],
    ids=["nothing", "one request", "half a head", "a line break", "half a second head", "half a body"],
)  # fmt: skip
def test_a_client_that_stops_is_waited_for_so_long(impatient: Served, start: bytes, found: list[int]) -> None:
    with impatient.connect() as client:
        client.sendall(start)
        assert statuses(read(client)) == found


def test_a_client_that_sends_slowly_is_not_waited_for_longer(impatient: Served) -> None:
    began = time.monotonic()
    with impatient.connect() as client, contextlib.suppress(ConnectionError):
        while time.monotonic() - began < 10 and not select.select([client], [], [], 0.05)[0]:
            client.sendall(b"G")
    assert time.monotonic() - began < 5


def test_a_client_that_reads_nothing_is_not_waited_for(impatient: Served) -> None:
    with impatient.connect() as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            for _ in range(200):
                time.sleep(0.05)
                client.sendall(HELLO)
            pytest.fail("the connection stays")


def test_an_answer_that_takes_long_is_waited_for(impatient: Served) -> None:
    impatient.go.clear()
    threading.Timer(1.0, impatient.go.set).start()  # longer than any of the limits
    assert impatient.get("/wait") == 200


def test_an_application_learns_that_its_client_was_too_slow(impatient: Served) -> None:
    with impatient.connect() as client:
        client.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
        assert impatient.gone.wait(10)


def test_a_connection_that_sends_nothing_keeps_nobody_out() -> None:
    with serving(most=8) as served, contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(served.connect()).sendall(b"GET /he")
        assert served.get() == 200


def test_requests_that_are_answered_are_not_given_up_for_others() -> None:
    with serving(most=4) as served, contextlib.ExitStack() as stack:
        busy = [stack.enter_context(served.connect()) for _ in range(4)]
        for client in busy:
            client.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert served.waiting.acquire(timeout=10)
        # While all are busy, who watches is answered, and others are asked to come again.
        assert [served.get("/hello"), served.get("/health/live"), served.get("/hello")] == [503, 200, 503]
        served.go.set()
        assert [statuses(read(client)) for client in busy] == [[200]] * 4
        assert served.get() == 200


def test_who_has_the_most_connections_loses_one_first() -> None:
    with serving(most=6) as served, contextlib.ExitStack() as stack:
        few = stack.enter_context(served.connect(own="127.0.0.2"))
        few.sendall(HELLO)
        assert statuses(read_hello(few)) == [200]
        for _ in range(20):
            stack.enter_context(served.connect()).sendall(b"GET /he")
        assert served.get() == 200
        few.sendall(HELLO)
        assert statuses(read_hello(few)) == [200]


def test_descriptors_do_not_run_out() -> None:
    with process(limit_of_files=160) as (server, port), contextlib.ExitStack() as stack:
        for number in range(400):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            with contextlib.suppress(ConnectionError):
                client.sendall(b"GET /v3.1/" if number % 2 else b"")
        with contextlib.closing(Client(port, token=None)) as other:
            assert other.get("/health/live").status == 200
            assert other.get("/v3.1/sections").status == 401
        assert server.num_fds() < 160


ENDINGS: dict[str, Callable[[socket.socket], object]] = {
    "in a head": lambda it: it.sendall(b"GET /he"),
    "in a body": lambda it: it.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"),
    "in a chunk": lambda it: it.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc"),
    "before the answer": lambda it: it.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"),
    "in an answer": lambda it: it.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n"),
    "among many requests": lambda it: it.sendall(HELLO * 3000),
    "after what is no request": lambda it: it.sendall(b"\x00\x01\r\n\r\n"),
    "after an endless address": lambda it: flood(it, b"a" * 65536, MB),
    "after an odd method": lambda it: it.sendall(b"BREW /wait HTTP/1.1\r\nHost: a\r\n\r\n" + HELLO),
    "after an upgrade": lambda it: it.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("how", ENDINGS)
def test_a_client_that_hangs_up_leaves_no_trace_in_the_log(
    impatient: Served, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    impatient.go.clear()
    caplog.set_level(logging.WARNING)
    for end in (hang_up, socket.socket.close):
        for _ in range(5):
            client = impatient.connect()
            ENDINGS[how](client)
            end(client)
    time.sleep(0.1)
    impatient.go.set()
    assert impatient.get() == 200
    time.sleep(0.4)  # until the limits have passed that might still hold for them
    assert [it.getMessage() for it in caplog.records] == []


def test_a_long_file_may_take_as_long_as_it_keeps_coming() -> None:
    with serving(patience=replace(SHORT, rate=1000.0)) as patient, patient.connect() as client:
        client.sendall(b"POST /file HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(10):
            time.sleep(0.1)  # longer than a request of the usual length may take
            client.sendall(b"x" * 10_000)
        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_a_long_file_that_stops_coming_is_given_up() -> None:
    with serving(patience=replace(SHORT, rate=1_000_000.0)) as patient, patient.connect() as client:
        client.sendall(b"POST /file HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 10_000)
        assert read(client).startswith(b"HTTP/1.1 408")
