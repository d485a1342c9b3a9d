"""Drive a server with keep-alive connections, each sending its next request when it has its answer.

A plain client library is slower than the server it would measure, so this speaks just as much HTTP as it needs.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import uvloop

from bench.servers import cpu_seconds


@dataclass(frozen=True)
class Result:
    """What came of a run."""

    rate: float
    """Answers a second."""
    p50: float
    """The median time to an answer, in seconds."""
    p99: float
    cpu: float
    """The server's CPU time for each, in seconds."""
    statuses: frozenset[int]


def request(method: str, path: str, body: bytes = b"", token: str = "DEMO_TOKEN") -> bytes:
    """The bytes of a request."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, messages: Iterator[bytes], until: float, done: asyncio.Future[None]) -> None:
        self.times: list[float] = []
        self.statuses: set[int] = set()
        self._messages = messages
        self._until = until
        self._done = done
        self._buffer = b""
        self._transport: asyncio.Transport
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._buffer = data
            return
        head = data[:end].lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at:].split(b"\r\n", 1)[0])
        if len(data) < end + 4 + length:
            self._buffer = data
            return
        self._buffer = b""
        now = time.perf_counter()
        self.times.append(now - self._sent)
        self.statuses.add(int(head[9:12]))
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._messages))


async def _drive(
    port: int, process_id: int, messages: Sequence[bytes], connections: int, seconds: float
) -> Result:
    loop = asyncio.get_running_loop()
    in_turn = itertools.cycle(messages)
    cpu = cpu_seconds(process_id)
    start = time.perf_counter()
    clients = []
    waits = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        client = _Connection(in_turn, start + seconds, done)
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
        clients.append(client)
        waits.append(done)
    await asyncio.wait_for(asyncio.gather(*waits), seconds + 30)
    elapsed = time.perf_counter() - start
    times = sorted(time for client in clients for time in client.times)
    return Result(
        rate=len(times) / elapsed,
        p50=times[len(times) // 2],
        p99=times[int(len(times) * 0.99)],
        cpu=(cpu_seconds(process_id) - cpu) / len(times),
        statuses=frozenset(status for client in clients for status in client.statuses),
    )


def drive(port: int, process_id: int, *messages: bytes, connections: int, seconds: float) -> Result:
    """Send these in turn, again and again, over so many connections to that process for so long."""
    return uvloop.run(_drive(port, process_id, messages, connections, seconds))
