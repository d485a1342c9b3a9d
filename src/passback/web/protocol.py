"""HTTP/1.1 from any client, however it behaves: any method name, and bounds on what one connection makes us hold.

uvicorn has the sockets, signals and processes; httptools parses. The parser is fed in small pieces, and only while no
request waits for its turn, so a connection holds few requests however many were sent. It is never fed a method that it
does not know, such as ``get`` or ``BREW``: in the contract these are unsupported methods like any other (row 15), not
malformed requests. Each answer goes out in one write.

How long a connection may take, and how many there may be, is in `passback.web.connections`.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections import deque
from contextvars import Context
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.utils import get_remote_addr

from passback.observe import request_id
from passback.web.messages import TEXT, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn.server import ServerState

    from passback.web.connections import Connections
    from passback.web.messages import Application, Headers

log = logging.getLogger(__name__)

MOST_HEAD_BYTES = 32 * 1024
"""The longest address and headers of a request together: what proxies pass on by default (nginx, 4 times 8 KiB)."""
_PIECE = 2048
"""How many bytes are parsed at once. The shortest requests have some 30, so that this many wait at most: about 70."""
_PIECES_IN_A_TURN = 8
"""How many pieces of one connection are parsed before others have their turn: a byte may be a chunk."""
_BYTES_PER_BODY_BYTE = 16
"""How much the framing of a chunked body may take, beside the head: six bytes frame a chunk of one byte."""
_MOST_UNREAD = 64 * 1024
"""How many bytes of a body are held until the application asks for them."""

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
FAILED = (500, "Internal Server Error")
_STATUS_LINES = {it.value: f"HTTP/1.1 {it.value} {it.phrase}".encode() for it in HTTPStatus}
_CONTROLS = bytes([*range(9), *range(10, 32), 127])
"""What no name or value of a header may contain: it could end the header, and begin another."""


class HttpProtocol(asyncio.Protocol):
    """A connection; used as uvicorn's ``http`` setting."""

    def __init__(
        self,
        application: Application,
        admitted: Connections,
        *,
        server_state: ServerState,
        **_of_uvicorn: Any,
    ) -> None:
        """`admitted` are the server's connections."""
        self._application = application
        self._admitted = admitted
        self._server = server_state
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        # What follows a request that ends the connection is not looked at, so it need not be right.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.peer = ""
        """The client's address."""

        self._held = bytearray()
        """What has arrived and is not parsed yet."""
        self._turn_is_over = False
        """Whether parsing goes on when others have had their turn."""
        self._is_paused = False
        """Whether nothing is read."""
        self._between = True
        """Whether the parser is between two requests."""
        self._in_head = False
        self._method = b""
        """The method of the request that is being read, if the parser reads another in its place."""
        self._url = b""
        self._headers: dict[bytes, list[bytes]] = {}
        self._fed = 0
        """How many bytes were parsed since the piece in which the request began, and how many of its body."""
        self._body_bytes = 0
        self._discarded = 0

        self._arriving: Request | None = None
        """The request whose body is being read."""
        self._waiting: deque[tuple[Request, Application]] = deque()
        """Those that wait for their turn."""
        self._current: Request | None = None
        """The one that is being answered."""
        self._refusal: tuple[int, str] | None = None
        """What is answered in the end to what is no request; no more is read."""
        self._is_deaf = False
        """Whether all that still comes is discarded."""
        self._is_ending = False
        """Whether the connection is closed after the requests that have come."""
        self._is_clogged = False
        """Whether the client does not read its answers."""
        self.lingers = False
        """Whether the last answer was written, and the client has yet to close: what it still sends is discarded."""
        self.since = 0.0
        """When the client was last answered, or began to send a request."""

    # --- What happens to the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, if there is room for a connection."""
        self._transport = transport
        # Else the end of a long answer would wait until the client has confirmed its beginning.
        own = transport.get_extra_info("socket")
        if own.family != socket.AF_UNIX:
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = get_remote_addr(transport)
        self.peer = address[0] if address else ""
        self.since = self._loop.time()
        self._server.connections.add(self)  # type: ignore[arg-type]  # it knows its own kinds only
        self._admitted.admit(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """End. Whatever is being answered learns that its client has gone."""
        self._admitted.discard(self)
        self._server.connections.discard(self)
        self._waiting.clear()
        self._held.clear()
        if self._current is not None:
            self._current.hang_up()

    def data_received(self, data: bytes) -> None:
        """Receive bytes from the client."""
        if self._is_deaf or self._refusal is not None:
            self._discard(len(data))
            return
        if self._between and not self._held:
            self.since = self._loop.time()
        self._held += data
        self._go_on()

    def pause_writing(self) -> None:
        """Answer nothing more until the client has read on."""
        self._is_clogged = True

    def resume_writing(self) -> None:
        """Answer on."""
        self._is_clogged = False
        self._go_on()

    def shutdown(self) -> None:
        """Close the connection, after what is being answered: the server stops."""
        if self._current is None and not self._waiting:
            self._transport.close()
        else:
            self._is_ending = True

    # --- What arrives

    def _go_on(self) -> None:
        """Answer, parse and read on, as far as there is room and the turn lasts."""
        if self._turn_is_over:
            return
        self._answer_next()
        for _ in range(_PIECES_IN_A_TURN):
            if not self._held or self._is_full or self._transport.is_closing():
                break
            if self._between and (self._is_ending or not self._begin()):
                break
            self._parse_piece()
            self._answer_next()
        else:
            self._turn_is_over = True
            self._loop.call_soon(self._next_turn)
        if self._transport.is_closing():
            return
        if (self._is_full or self._turn_is_over) != self._is_paused:
            self._is_paused = not self._is_paused
            if self._is_paused:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _next_turn(self) -> None:
        self._turn_is_over = False
        self._go_on()

    @property
    def _is_full(self) -> bool:
        """Whether what has arrived must be dealt with before more is read."""
        arriving = self._arriving
        return bool(self._waiting) or (arriving is not None and arriving.unread > _MOST_UNREAD)

    def _parse_piece(self) -> None:
        piece = self._held[:_PIECE]
        del self._held[:_PIECE]
        self._fed += len(piece)
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            # Nothing else is spoken here: the request is answered, and what follows it is not HTTP.
            self._close_after_last()
        except httptools.HttpParserError:
            self.refuse(BAD_REQUEST)
        if self._fed - _BYTES_PER_BODY_BYTE * self._body_bytes > MOST_HEAD_BYTES + _PIECE:
            self.refuse(HEAD_TOO_LARGE)

    def _close_after_last(self) -> None:
        self._is_ending = self._is_deaf = True
        self._held.clear()
        if self._arriving is not None:
            self._arriving.end()

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
        self._url = b""
        self._headers = {}

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. Those that follow a body are left out: they would be read as those of the head."""
        if self._in_head:
            self._headers.setdefault(name.lower(), []).append(value)

    def on_headers_complete(self) -> None:
        """Let a request wait for its turn. Whatever is raised here makes it a malformed one."""
        # Only the first of what was fed has another method.
        method, self._method = self._method or self._parser.get_method(), b""
        url = httptools.parse_url(self._url)
        if url.path is None or not url.path.isascii():
            raise ValueError
        version = self._parser.get_http_version()
        expects = version == "1.1" and b"100-continue" in map(bytes.lower, self._headers.get(b"expect", ()))
        self._arriving = Request(
            method.decode("ascii"),
            url.path,
            url.query or b"",
            self._headers,
            self.peer,
            keep_alive=version != "1.0" and self._parser.should_keep_alive(),
            read_on=self._continue if expects else self._go_on,
        )
        application = self._application if _names_host(version, self._headers) else _bad_request
        self._waiting.append((self._arriving, application))
        self._in_head = False

    def on_body(self, body: bytes) -> None:
        """Take a part of a request's body."""
        self._body_bytes += len(body)
        if self._arriving is None:  # it was answered before its end
            self._discard(len(body))
        else:
            self._arriving.add(body)

    def on_message_complete(self) -> None:
        """Note that the next bytes are a new request."""
        self._between = True
        self._discarded = 0
        if self._arriving is not None:
            self._arriving.end()
            self._arriving = None

    def _continue(self) -> None:
        """Let the client send the body that its request has announced."""
        if self._current is not None and not self._transport.is_closing():
            self._current.read_on = self._go_on
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._go_on()

    # --- What goes out

    def _answer_next(self) -> None:
        """Turn to the next request, if it is its turn."""
        if self._current is not None or self._is_clogged or self._transport.is_closing():
            return
        if self._waiting:
            self._current, application = self._waiting.popleft()
            work = self._answer(self._current, application)
            self._server.tasks.add(self._loop.create_task(work, context=Context()))
        elif self._refusal is not None and not self.lingers:
            self._write(_plain(*self._refusal), keep_alive=False)
            self._linger()

    async def _answer(self, request: Request, application: Application) -> None:
        task = asyncio.current_task(self._loop)
        assert task is not None
        try:
            reply = await application(request)
        except asyncio.CancelledError:
            self.abort()
            raise
        except Exception:
            log.exception("internal error")
            reply = _plain(*FAILED)
        finally:
            self._server.tasks.discard(task)
        self._server.total_requests += 1
        if request is self._current:
            self._send(request, reply)

    def _send(self, request: Request, reply: Reply | None) -> None:
        """Answer the current request, and turn to what is next."""
        self._current = None
        if self._transport.is_closing():
            return
        if reply is None:
            self.abort()
            return
        self.since = self._loop.time()
        # A client that was not told to go on may leave out the body: what it sends next could be either.
        is_unclear = not request.is_complete and request.read_on == self._continue
        is_last = reply.close or is_unclear or (self._is_ending and not self._waiting)
        keep_alive = request.keep_alive and not is_last
        self._write(reply, keep_alive=keep_alive, without_body=request.method == "HEAD")
        if self._arriving is request:
            self._arriving = None
        if keep_alive:
            if self._held or self._waiting or self._is_paused or self._refusal is not None:
                self._go_on()
        elif request.is_complete:
            self._transport.close()
        else:
            self._linger()

    def _write(self, reply: Reply, *, keep_alive: bool, without_body: bool = False) -> None:
        lines = [
            _STATUS_LINES[reply.status],
            *[b"%b: %b" % it for it in (*self._server.default_headers, *reply.headers)],
            b"content-length: %d" % len(reply.body),
        ]
        if not keep_alive:
            lines.append(b"connection: close")
        head = b"\r\n".join(lines)
        if len(head.translate(None, _CONTROLS)) == len(head) - 2 * len(lines) + 2:
            self._transport.write(b"%b\r\n\r\n%b" % (head, b"" if without_body else reply.body))
        else:
            log.error("an answer with a control character in a header is not sent")
            self._write(_plain(*FAILED), keep_alive=keep_alive, without_body=without_body)

    def refuse(self, refusal: tuple[int, str]) -> None:
        """Answer what is no request, after the requests before it, and read no more."""
        if self._refusal is not None:
            return
        log.info("refused a client's bytes with %d: %s", *refusal)
        self._refusal = refusal
        self._held.clear()
        broken, self._arriving = self._arriving, None
        if broken is not None:  # it is the body of this one that is refused
            broken.hang_up()
            if broken is self._current:
                self._current = None
            else:
                self._waiting.pop()
        elif self._is_answered_early:
            self._linger()

    @property
    def _is_answered_early(self) -> bool:
        """Whether the body of a request is still arriving that was answered before its end."""
        return self._arriving is None and not (self._between or self._in_head)

    def _linger(self) -> None:
        """Let the client read its answer: one that is still sending would not, if this were closed at once."""
        if self._transport.is_closing():
            return
        self.lingers = self._is_deaf = True
        self.since = self._loop.time()
        self._arriving = None
        self._waiting.clear()
        self._held.clear()
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
        self._transport.write_eof()

    # --- What the limits on time and number ask

    @property
    def taken(self) -> int:
        """How many bytes of the body that is arriving have been taken."""
        return 0 if self._current is None else self._current.taken

    @property
    def is_working(self) -> bool:
        """Whether a whole request is being answered, so that the client waits for us."""
        return self._current is not None and self._current.is_complete

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a request has arrived since the last one was answered."""
        return self._between and not self._held and self._current is None and not self._waiting

    @property
    def is_in_head(self) -> bool:
        """Whether the head of a request is arriving."""
        return self._in_head or (self._between and bool(self._held))

    @property
    def unread(self) -> int:
        """How many bytes wait for the client to read on."""
        return self._transport.get_write_buffer_size()

    def restrict(self, how: Callable[[Application], Application]) -> None:
        """Let less be answered than the application would."""
        self._application = how(self._application)

    def time_out(self) -> None:
        """Refuse the request that is still arriving."""
        if self._transport.is_closing() or self._is_answered_early:
            self.abort()
        else:
            self.refuse(TIMED_OUT)
            self._go_on()

    def close(self) -> None:
        """Close, after what is already written."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()


async def _bad_request(_request: Request) -> Reply:
    return _plain(*BAD_REQUEST)


def _plain(status: int, text: str) -> Reply:
    """The last answer of a connection, with the id that every answer has."""
    headers = [(request_id.HEADER, request_id.new().encode()), (b"content-type", TEXT)]
    return Reply(status, headers, text.encode("ascii"), close=True)


def _names_host(version: str, headers: Headers) -> bool:
    """Whether a request names one host, as HTTP/1.1 requires (RFC 9112, section 3.2)."""
    hosts = len(headers.get(b"host", ()))
    return hosts == 1 or (hosts == 0 and version == "1.0")
