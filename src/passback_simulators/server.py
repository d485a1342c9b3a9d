"""Serving simulators on loopback, alongside whatever else the process does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from passback_simulators.asgi import application
from passback_simulators.simulator import Simulator


class _Protocol(HttpToolsProtocol):
    """A connection that a simulator can cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # An answer goes out in two pieces, and the second would wait until the client has confirmed the first: 40 ms.
        # asyncio does this only for sockets that were made with a protocol number, which `create_server` leaves out.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["transport"] = self.transport  # type: ignore[typeddict-unknown-key]


class _Server(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(simulator: Simulator) -> uvicorn.Server:
    """Create a server for a simulator; `serve` it on a listening socket, and set `should_exit` to stop it."""
    config = uvicorn.Config(
        application(simulator), http=_Protocol, ws="none", lifespan="off", access_log=False, log_config=None,
        server_header=False, date_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    return _Server(config)


@contextlib.asynccontextmanager
async def serving(simulator: Simulator, listener: socket.socket) -> AsyncIterator[str]:
    """Serve a simulator on a listening socket inside the ``with``; yields its base URL."""
    running = server(simulator)
    task = asyncio.create_task(running.serve([listener]))
    host, port = listener.getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        running.should_exit = True
        await task
