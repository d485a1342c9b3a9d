"""Requests and answers as the web layer passes them around."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.wire.encode import error_body

if TYPE_CHECKING:
    from passback.context import Caller, Gateway
    from passback.wire.errors import Refusal

Header = tuple[bytes, bytes]
Headers = Mapping[bytes, Sequence[bytes]]
"""The values of a request's headers as sent, in their order, by lower-case name."""

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"


_PATIENCE = 16
"""How many times the maximum size is read and discarded if a body is too large."""


REPLAYED: tuple[Header, ...] = ((b"idempotent-replayed", b"true"),)
"""Marks an answer that repeats an earlier one, to a request with the same ``Idempotency-Key``."""


class BodyTooLarge(Exception):
    """The request's body exceeds the limit."""


class ClientGone(Exception):
    """The client disconnected before the end of its request; the part that arrived must not be used."""


def _nothing() -> None:
    pass


class Request:
    """A request whose head has arrived. Its body may still be arriving: the connection adds to it until its end."""

    __slots__ = (
        "_arrived", "_body",
        "headers", "is_complete", "is_gone", "keep_alive", "method", "path", "peer", "query", "read_on",
        "taken",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        path: bytes,
        query: bytes,
        headers: Headers,
        peer: str = "",
        *,
        keep_alive: bool = True,
        read_on: Callable[[], None] = _nothing,
    ) -> None:
        self.method = method
        self.path = path
        """As sent."""
        self.query = query
        """As sent."""
        self.headers = headers
        self.peer = peer
        """The client's address."""
        self.keep_alive = keep_alive
        """Whether the connection stays open after the answer."""
        self.is_complete = False
        """Whether all of it has arrived."""
        self.is_gone = False
        """Whether its client has hung up, or will send no more of it."""
        self._body = bytearray()
        self._arrived: asyncio.Future[None] | None = None
        self.read_on = read_on
        """Called when more of the body is waited for."""
        self.taken = 0
        """How many bytes of a body that may be long the application has taken."""

    def values(self, name: bytes) -> Sequence[bytes]:
        """The values of the headers with that lower-case name."""
        return self.headers.get(name, ())

    @property
    def unread(self) -> int:
        """How many bytes of the body have arrived and were not asked for."""
        return len(self._body)

    def add(self, data: bytes) -> None:
        """Add a part of the body."""
        self._body += data
        self._tell()

    def end(self) -> None:
        """Note that the body is complete."""
        self.is_complete = True
        self._tell()

    def hang_up(self) -> None:
        """Note that the client has gone."""
        self.is_gone = True
        self._tell()

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises `BodyTooLarge` beyond `limit` bytes, and `ClientGone`."""
        parts = []
        size = 0
        is_whole = False
        # A client that is still sending does not read an answer, so a body that is too large is read and discarded,
        # within reason.
        while not is_whole and size <= limit * _PATIENCE:
            part = await self.part()
            is_whole = self.is_complete  # `part` is all that had arrived
            size += len(part)
            if size <= limit:
                parts.append(part)
        if size > limit:
            raise BodyTooLarge
        return b"".join(parts)

    async def has_gone(self) -> bool:
        """Whether the client has hung up by now."""
        await asyncio.sleep(0)  # lets the connection notice
        return self.is_gone

    async def part(self) -> bytes:
        """What has arrived of the body, as soon as anything has; nothing after its end. Raises `ClientGone`."""
        while not (self._body or self.is_complete or self.is_gone):
            self._arrived = arrived = asyncio.get_running_loop().create_future()
            self.read_on()  # it may find more at once
            await arrived
        if self.is_gone:
            raise ClientGone
        part = bytes(self._body)
        self._body.clear()
        return part

    def _tell(self) -> None:
        if self._arrived is not None:
            if not self._arrived.done():
                self._arrived.set_result(None)
            self._arrived = None


class Reply(Struct, frozen=True):
    """An answer as it is sent, but for its length and what belongs to the connection."""

    status: int
    headers: list[Header]
    body: bytes = b""
    close: bool = False
    """Whether the connection is closed, whatever the client asks for."""


Application = Callable[[Request], Awaitable["Reply | None"]]
"""Answers a request; None if its client has gone."""


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
    headers: Headers

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
    headers: tuple[Header, ...] = REPLAYED if refusal.replayed else ()
    if refusal.retry_after is not None:
        headers = (*headers, (b"retry-after", b"%d" % refusal.retry_after))
    return Response(refusal.status, body, content_type, headers)


def reply(response: Response, headers: list[Header]) -> Reply:
    """An answer with `headers` and its own."""
    headers += response.headers
    if response.warnings:
        headers.append((b"passback-warnings", ", ".join(response.warnings).encode()))
    if response.content_type is not None:
        headers.append((b"content-type", response.content_type))
    return Reply(response.status, headers, response.body)
