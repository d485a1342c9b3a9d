"""Requests and answers as the web layer passes them around."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.wire.encode import error_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping, Sequence

    from passback.context import Caller, Gateway
    from passback.wire.errors import Refusal

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

Header = tuple[bytes, bytes]

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"


class Call(Struct, frozen=True):
    """An authorized request for an operation."""

    gateway: Gateway
    caller: Caller
    path: str
    """The decoded path."""
    parameters: dict[str, str]
    """The values of the path's parameters."""
    query: bytes
    """The query string as sent."""
    body: bytes
    headers: Sequence[Header]
    """As sent, with lower-case names."""

    @property
    def district_id(self) -> str:
        """The district of the caller's token."""
        return self.caller.district_id


class Response(Struct, frozen=True):
    """An answer. Without a content type, the body is empty."""

    status: int
    body: bytes = b""
    content_type: bytes | None = None
    headers: tuple[Header, ...] = ()
    warnings: tuple[str, ...] = ()
    """The codes of what was ignored or changed (``Passback-Warnings``)."""


def refused(refusal: Refusal, accept: bytes) -> Response:
    """The answer to a request that is refused; `accept` is its ``Accept`` header."""
    body, content_type = error_body(refusal, accept)
    headers = () if refusal.retry_after is None else ((b"retry-after", b"%d" % refusal.retry_after),)
    return Response(refusal.status, body, content_type, headers)


_PATIENCE = 16
"""How many times the maximum size is read and discarded if a body is too large."""


class BodyTooLarge(Exception):
    """The request's body exceeds the limit."""


def header_values(scope: Scope, name: bytes) -> list[bytes]:
    """The values of a request's header with that lower-case name."""
    return [value for key, value in scope["headers"] if key == name]


class ClientGone(Exception):
    """The client disconnected before the end of its request; the part that arrived must not be used."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """Read the whole body of a request. Raises `BodyTooLarge` beyond `limit` bytes, and `ClientGone`."""
    message = await _receive(receive)
    body: bytes = message.get("body", b"")
    if not message.get("more_body") and len(body) <= limit:
        return body
    parts = [body]
    size = len(body)
    # A client that is still sending does not read an answer, so a body that is too large is read and discarded, within
    # reason.
    while message.get("more_body") and size <= limit * _PATIENCE:
        message = await _receive(receive)
        part: bytes = message.get("body", b"")
        size += len(part)
        if size <= limit:
            parts.append(part)
    if size > limit:
        raise BodyTooLarge
    return b"".join(parts)


async def is_gone(receive: Receive) -> bool:
    """Whether the client has hung up, after its whole request was read."""
    listening = asyncio.ensure_future(receive())
    await asyncio.sleep(0)  # lets it look
    if not listening.done():
        listening.cancel()
        return False
    return bool(listening.result()["type"] == "http.disconnect")


async def _receive(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message


async def send_response(send: Send, response: Response, headers: list[Header]) -> None:
    """Send an answer with `headers` and its own."""
    headers += response.headers
    if response.warnings:
        headers.append((b"passback-warnings", ", ".join(response.warnings).encode()))
    headers.append((b"content-length", b"%d" % len(response.body)))
    if response.content_type is not None:
        headers.append((b"content-type", response.content_type))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
