"""HTTP/1.1 from any client, however it behaves: any method name, and bounds on what one connection makes us hold.

uvicorn's protocol parses all that has arrived and queues every request that it finds. Here the parser is fed in small
pieces, and only while no request waits for its turn, so a connection holds few requests however many were sent. It is
never fed a method that it does not know, such as ``get`` or ``BREW``: in the contract these are unsupported methods
like any other (row 15), not malformed requests.

How long a connection may take, and how many there may be, is in `passback.web.connections`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from passback.observe import request_id
from passback.web.messages import TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn._types import ASGI3Application
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from passback.web.connections import Connections
    from passback.web.messages import Receive, Scope, Send

log = logging.getLogger(__name__)

MOST_HEAD_BYTES = 32 * 1024
"""The longest address and headers of a request together: what proxies pass on by default (nginx, 4 times 8 KiB)."""
_PIECE = 2048
"""How many bytes are parsed at once. The shortest requests have some 30, so that this many wait at most: about 70."""
_PIECES_IN_A_TURN = 8
"""How many pieces of one connection are parsed before others have their turn: a byte may be a chunk."""
_BYTES_PER_BODY_BYTE = 16
"""How much the framing of a chunked body may take, beside the head: six bytes frame a chunk of one byte."""

_MOST_DISCARDED = 4 * 1024 * 1024
"""How many bytes are discarded of what a client still sends after its answer, so that it reads the answer."""

_KNOWN_METHODS = (b"GET ", b"POST ", b"PATCH ", b"DELETE ", b"PUT ", b"HEAD ", b"OPTIONS ", b"TRACE ")
_STAND_IN = b"TRACE"
"""The method that the parser reads in place of one that it does not know. It says nothing about the message."""
_MOST_METHOD_BYTES = 64
_METHOD = re.compile(rb"[\r\n]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)( ?)")

BAD_REQUEST = (400, "Invalid HTTP request received.")
TIMED_OUT = (408, "The request did not arrive in time.")
HEAD_TOO_LARGE = (431, "The address and headers of the request are too large.")
_PHRASES = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}


class BoundedProtocol(HttpToolsProtocol):
    """A connection; used as uvicorn's ``http`` setting."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        admitted: Connections,
    ) -> None:
        """`admitted` are the server's connections."""
        super().__init__(config, server_state, app_state, _loop)
        self._admitted = admitted
        self._held = bytearray()
        """What has arrived and is not parsed yet."""
        self._turn_is_over = False
        """Whether parsing goes on when others have had their turn."""
        self._between = True
        """Whether the parser is between two requests."""
        self._in_head = False
        self._method = b""
        """The method of the request that is being read, if the parser reads another in its place."""
        self._fed = 0
        """How many bytes were parsed since the piece in which the request began, and how many of its body."""
        self._body_bytes = 0
        self._discarded = 0
        self._running: RequestResponseCycle | None = None
        self._refusal: tuple[int, str] | None = None
        """What is answered in the end to what is no request; no more is read."""
        self.lingers = False
        """Whether the last answer was written, and the client has yet to close: what it still sends is discarded."""
        self.since = 0.0
        """When the client was last answered, or began to send a request."""

    # --- What arrives

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, if there is room for a connection."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self._go_on)
        self.since = self.loop.time()
        self._admitted.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End. Whatever is being answered learns that its client has gone."""
        self._admitted.discard(self)
        for cycle in (self._running, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        self._held.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Receive bytes from the client."""
        if self._refusal is not None:
            self._discard(len(data))
            return
        if self._between and not self._held:
            self.since = self.loop.time()
        self._held += data
        if not self._turn_is_over:
            self._parse()

    def _go_on(self) -> None:
        """Parse on and read on, once there is room again for what arrives."""
        self._turn_is_over = False
        if self.pipeline or self._refusal is not None:
            self.flow.read_paused = bool(self.pipeline)
            return
        self._parse()
        if not (self._turn_is_over or self.flow.read_paused or self.transport.is_closing()):
            self.transport.resume_reading()

    def _parse(self) -> None:
        for _ in range(_PIECES_IN_A_TURN):
            if not self._held or self._refusal is not None or self.flow.read_paused:
                return
            if self.transport.is_closing():
                self._held.clear()
                return
            if self._between and not self._begin():
                return
            piece = self._held[:_PIECE]
            del self._held[:_PIECE]
            self._fed += len(piece)
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade:
                # Nothing else is spoken here: the request is answered, and what follows it is not HTTP.
                self.cycle.keep_alive = False
                self._held.clear()
                self.flow.pause_reading()
            except httptools.HttpParserError:
                self.refuse(BAD_REQUEST)
            if self._fed - _BYTES_PER_BODY_BYTE * self._body_bytes > MOST_HEAD_BYTES + _PIECE:
                self.refuse(HEAD_TOO_LARGE)
        if self._held and not self.flow.read_paused:
            self._turn_is_over = True
            self.transport.pause_reading()
            self.loop.call_soon(self._go_on)

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > _MOST_DISCARDED:
            self.abort()

    def _begin(self) -> bool:
        """Look at the method of what is between requests. False if the rest of it must be waited for."""
        self._method = b""
        if self._held.startswith(_KNOWN_METHODS):
            return True
        found = _METHOD.match(self._held[:_MOST_METHOD_BYTES])
        if found is None:  # line breaks, which may precede a request, or what is no request
            return True
        if not found[2]:
            return found.end() < len(self._held)
        if found[1] + b" " not in _KNOWN_METHODS:
            self._method = bytes(found[1])
            self._held[: found.end(1)] = _STAND_IN
        return True

    # --- What the parser finds

    def on_message_begin(self) -> None:
        """Note that a request has started."""
        self._between, self._in_head = False, True
        self._fed = self._body_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Answer a request, or queue it."""
        self._in_head = False
        if self._method:
            # Only the first of what was fed has another method.
            method, self._method = self._method, b""
        else:
            method = self.parser.get_method()
        served = self.app
        if not _names_host(self.parser.get_http_version(), self.headers):
            self.app = _bad_request
        try:
            super().on_headers_complete()
        finally:
            self.app = served
        self.scope["method"] = method.decode("ascii")

    def on_body(self, body: bytes) -> None:
        """Take a part of a request's body."""
        self._body_bytes += len(body)
        if self.cycle.response_complete:
            self._discard(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the next bytes are a new request."""
        self._between = True
        self._discarded = 0
        super().on_message_complete()
        self.cycle.more_body = False  # also if it was answered before

    # --- What goes out

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Turn to the next request, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.since = self.loop.time()
        if self.pipeline and not (self._refusal and self.pipeline[-1][0].more_body):
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._refusal is not None:
            self._write_refusal()
        else:
            self.flow.resume_reading()

    def refuse(self, refusal: tuple[int, str]) -> None:
        """Answer what is no request, after the requests before it, and read no more."""
        log.info("refused a client's bytes with %d: %s", *refusal)
        self._refusal = refusal
        self._held.clear()
        running = self._running
        if running is None or (running.response_complete and not running.more_body):
            self._write_refusal()
        elif running.more_body:  # it is the body of this one that is refused
            running.disconnected = True
            running.message_event.set()
            self._write_refusal(answered=running.response_started)

    def _write_refusal(self, *, answered: bool = False) -> None:
        assert self._refusal is not None
        self.pipeline.clear()
        if not answered:
            self.transport.write(_refusal(*self._refusal, self.server_state.default_headers))
        # A client that is still sending would not read the answer if the connection were closed at once.
        self.lingers = True
        self.since = self.loop.time()
        self.flow.read_paused = False
        self.transport.resume_reading()
        self.transport.write_eof()

    # --- What the limits on time and number ask

    @property
    def peer(self) -> str:
        """The client's address."""
        return self.client[0] if self.client else ""

    @property
    def is_working(self) -> bool:
        """Whether a whole request is being answered, so that the client waits for us."""
        running = self._running
        return running is not None and not (running.response_complete or running.more_body)

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a request has arrived since the last one was answered."""
        return self._between and not self._held and not self.is_working

    @property
    def is_in_head(self) -> bool:
        """Whether the head of a request is arriving."""
        return self._in_head or (self._between and bool(self._held))

    @property
    def unread(self) -> int:
        """How many bytes wait for the client to read on."""
        return self.transport.get_write_buffer_size()

    def restrict(self, how: Callable[[ASGI3Application], ASGI3Application]) -> None:
        """Let less be answered than the application would."""
        self.app = how(self.app)

    def time_out(self) -> None:
        """Refuse the request that is still arriving."""
        running = self._running
        if self.transport.is_closing() or (running and running.more_body and running.response_started):
            self.abort()
        else:
            self.refuse(TIMED_OUT)

    def close(self) -> None:
        """Close, after what is already written."""
        self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()


class _Flow(FlowControl):
    """Pauses the parser with the transport, and lets the parser go on before the transport."""

    def __init__(self, transport: asyncio.Transport, go_on: Callable[[], None]) -> None:
        super().__init__(transport)
        self._go_on = go_on

    def resume_reading(self) -> None:
        if self.read_paused:
            self.read_paused = False
            # Not at once: it may come from within an answer, whose end decides what is next.
            asyncio.get_running_loop().call_soon(self._go_on)


async def _bad_request(_scope: Scope, _receive: Receive, send: Send) -> None:
    status, text = BAD_REQUEST
    headers = [
        (request_id.HEADER, request_id.new().encode()),
        (b"content-type", TEXT),
        (b"content-length", b"%d" % len(text)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


def _refusal(status: int, text: str, headers: list[tuple[bytes, bytes]]) -> bytes:
    """An answer as uvicorn would give it, plus the request id that every answer has."""
    lines = [
        b"HTTP/1.1 %d %s" % (status, _PHRASES[status]),
        *(name + b": " + value for name, value in headers),
        request_id.HEADER + b": " + request_id.new().encode(),
        b"content-type: " + TEXT,
        b"content-length: %d" % len(text),
        b"connection: close",
    ]
    return b"\r\n".join([*lines, b"", text.encode("ascii")])


def _names_host(version: str, headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a request names one host, as HTTP/1.1 requires (RFC 9112, section 3.2)."""
    hosts = sum(name == b"host" for name, _ in headers)
    return hosts == 1 or (hosts == 0 and version == "1.0")
