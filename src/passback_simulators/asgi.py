"""A simulator as an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from passback_simulators.control import PREFIX, control
from passback_simulators.reply import Reply
from passback_simulators.request import Request
from passback_simulators.simulator import Dropped, Heard, Simulator

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

LONGEST_SILENCE = 60.0
"""The most seconds for which a request that times out is kept waiting."""


def application(simulator: Simulator) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The application that serves a simulator. `scope` must have a ``transport`` that can be aborted."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if body is None:
            return
        request = _request(scope, body)
        if request.path.startswith(PREFIX):
            await _send(send, await control(simulator, request))
            return
        began = perf_counter()
        try:
            reply = await simulator.respond(request)
        except Dropped:
            _tell(simulator, request, None, perf_counter() - began)
            scope["transport"].abort()
            return
        _tell(simulator, request, reply, perf_counter() - began)
        if reply is None:
            await _fall_silent(scope, receive)
        else:
            await _send(send, _dated(reply, simulator))

    return serve


def _tell(simulator: Simulator, request: Request, reply: Reply | None, seconds: float) -> None:
    """Tell whoever listens to the simulator."""
    if simulator.listener is None:
        return
    method, path = simulator.named(request)
    query = f"?{request.query_string}" if request.query_string else ""
    status = None if reply is None else reply.status
    simulator.listener(Heard(method, path + query, request.headers, status, seconds))


def _dated(reply: Reply, simulator: Simulator) -> Reply:
    """A reply with the time by the LMS's own clock."""
    return reply.with_headers(Date=formatdate(simulator.clock() / 1000, usegmt=True))


def _request(scope: Scope, body: bytes) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    raw_path = scope["raw_path"].decode("latin-1")
    return Request(
        method=scope["method"],
        base_url=f"{scope['scheme']}://{headers.get('host', 'localhost')}",
        path=unquote(raw_path),
        raw_path=raw_path,
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
    )


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None if the client hung up before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _fall_silent(scope: Scope, receive: Receive) -> None:
    """Keep the client waiting until it gives up."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(receive(), LONGEST_SILENCE)
    scope["transport"].abort()


async def _send(send: Send, reply: Reply) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    if reply.status != 204:
        headers.append((b"content-length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
