"""HTTP/1.1 with any method name.

The fast parser (llhttp) rejects methods that it does not know, such as ``get`` or ``BREW``, as malformed requests. In
the contract they are unsupported methods like any other (row 15), so a connection that sends one is handed to the
slower parser (h11), which accepts any name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from passback.observe import request_id

_USUAL = (b"GET ", b"POST ", b"PATCH ", b"DELETE ", b"PUT ", b"HEAD ", b"OPTIONS ", b"TRACE ")


class AnyMethodProtocol(HttpToolsProtocol):
    """A connection; used as uvicorn's ``http`` setting."""

    _between_requests = True

    def data_received(self, data: bytes) -> None:
        """Receive bytes from the client."""
        if self._between_requests and not data.startswith(_USUAL) and _has_odd_method(data):
            self._hand_over(data)
        else:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """Note that a request has started."""
        self._between_requests = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Note that the next bytes are a new request."""
        self._between_requests = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Reject a malformed request."""
        _refuse(self.transport, self.server_state.default_headers, msg)

    def _hand_over(self, data: bytes) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            super().data_received(data)  # pipelined: rejected as malformed, after the earlier answers
            return
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        protocol = _SlowProtocol(
            config=self.config, server_state=self.server_state, app_state=self.app_state, _loop=self.loop
        )
        transport: asyncio.Transport = self.transport
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(data)


class _SlowProtocol(H11Protocol):
    def send_400_response(self, msg: str) -> None:
        _refuse(self.transport, self.server_state.default_headers, msg)


def _refuse(transport: asyncio.Transport, headers: Iterable[tuple[bytes, bytes]], text: str) -> None:
    """Answer as uvicorn would, plus the request id that every answer has, and disconnect."""
    lines = [
        b"HTTP/1.1 400 Bad Request",
        *(name + b": " + value for name, value in headers),
        request_id.HEADER + b": " + request_id.new().encode(),
        b"content-type: text/plain; charset=utf-8",
        b"content-length: %d" % len(text),
        b"connection: close",
    ]
    transport.write(b"\r\n".join([*lines, b"", text.encode("ascii")]))
    transport.close()


def _has_odd_method(data: bytes) -> bool:
    """Whether `data` starts with a request line whose method is a valid name but not one of the usual ones.

    If only part of a usual method has arrived, the parser waits for the rest.
    """
    method, blank, _ = data.lstrip(b"\r\n")[:64].partition(b" ")
    return bool(blank) and method + blank not in _USUAL and method.replace(b"-", b"").isalnum()
