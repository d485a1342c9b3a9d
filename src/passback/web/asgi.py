"""Serving an ASGI application below a path, such as the console. It is made with its first request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from passback.web.messages import ClientGone, Response

if TYPE_CHECKING:
    from passback.web.messages import Request

Message = MutableMapping[str, Any]
AsgiApplication = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


class Mounted:
    """A page, in the sense of `passback.web.pages`, that an ASGI application answers."""

    def __init__(self, make: Callable[[], AsgiApplication], *, most_bytes: Callable[[bytes], int]) -> None:
        """`make` imports what the application needs, so that a server is not larger for those who never open it.

        `most_bytes` is how many bytes a path takes as a body: whoever is not signed in yet can send one, too. A longer
        one is cut off, which the application takes for a client that hangs up.
        """
        self._make = make
        self._application: AsgiApplication | None = None
        self._most_bytes = most_bytes

    async def __call__(self, request: Request) -> Response:
        """Answer a request. Raises `ClientGone`."""
        if self._application is None:
            self._application = self._make()
        most = self._most_bytes(request.path)
        size = 0
        ended = False
        began: Message = {}
        body = bytearray()

        async def receive() -> Message:
            nonlocal size, ended
            if ended:  # what follows is only that the client hangs up, which the connection reports
                await asyncio.get_running_loop().create_future()
            try:
                part = await request.part()
            except ClientGone:
                return {"type": "http.disconnect"}
            size += len(part)
            request.taken = size
            if size > most:
                return {"type": "http.disconnect"}
            ended = not part
            return {"type": "http.request", "body": part, "more_body": not ended}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                began.update(message)
            else:
                body.extend(message.get("body", b""))

        await self._application(_scope(request), receive, send)
        if request.is_gone:
            raise ClientGone
        headers = [(name.lower(), value) for name, value in began["headers"]]
        return Response(
            began["status"], bytes(body), headers=tuple(it for it in headers if it[0] != b"content-length")
        )


def _scope(request: Request) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(request.path.decode("latin-1"), errors="replace"),
        "raw_path": request.path,
        "query_string": request.query,
        "root_path": "",
        "headers": [(name, value) for name, values in request.headers.items() for value in values],
        "client": (request.peer, 0),
        "server": None,
    }
