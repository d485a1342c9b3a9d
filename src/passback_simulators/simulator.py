"""What every simulator shares: requests and answers, routes, faults, and the control endpoint.

A simulator is an ASGI application. Its handlers are plain functions that work on its records; each request is
handled as a whole before the next, so there is nothing to lock.

The control endpoint (``/_simulator/...``, documented in docs/reference/simulators.md) is for tests and developers: no
real LMS has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from passback_simulators import faults
from passback_simulators.faults import Fault, Faults, Rule
from passback_simulators.records import Change, Records

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from passback.domain.clock import Clock

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

log = logging.getLogger(__name__)

LONGEST_SILENCE = 60.0
"""For how many seconds at most a request that times out is kept waiting."""
MOST_REMEMBERED = 20_000
"""How many requests the control endpoint lists."""


class Request(Struct, frozen=True):
    """A request to a simulator."""

    method: str
    base_url: str
    """``http://host:port``, as the client addressed it."""
    path: str
    """The decoded path."""
    raw_path: str
    """The path as it was sent, for signatures."""
    query_string: str
    """The query as it was sent."""
    headers: Mapping[str, str]
    """By lower-case names."""
    body: bytes
    fault: str | None = None
    """``deleted`` or ``not-enrolled`` where the simulator shall behave as if the assignment, or the student, were."""

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded parameters, in order; a name may come several times."""
        return parse_qsl(self.query_string, keep_blank_values=True)

    def param(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return dict(self.query).get(name, default)

    def params(self, name: str) -> list[str]:
        """All values of a query parameter."""
        return [value for key, value in self.query if key == name]


class Reply(Struct, frozen=True):
    """An answer of a simulator."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def with_headers(self, **headers: str) -> Reply:
        """This answer with more headers; underscores in their names stand for hyphens."""
        more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return replace(self, headers=self.headers + more)


def json_reply(status: int, content: Any, content_type: str = "application/json; charset=utf-8") -> Reply:
    """An answer in JSON."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status, body, (("content-type", content_type),))


def text_reply(status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> Reply:
    """An answer in plain text, or HTML."""
    return Reply(status, text.encode(), (("content-type", content_type),))


class Refusal(Exception):
    """What a handler raises to end a request with an answer that refuses it. Nothing of it may have been done."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


Handler = Callable[..., Reply]
"""Takes the request and the values of the path's ``{parameters}``, by name."""


class Route(Struct, frozen=True):
    """A method and a path, with ``{parameters}`` for its segments or parts of them, and its handler."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler


def route(method: str, path: str, handler: Handler) -> Route:
    """The route for a path such as ``/courses/{course_id}/assignments``."""
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
    return Route(method, re.compile(pattern), handler)


Keep = Callable[[Sequence[Change]], Awaitable[None]]
"""Saves what a request changed, before it is answered."""


class _Dropped(Exception):
    """The connection is to be cut."""


class Simulator:
    """A simulated LMS. A subclass gives the routes, the seed, and the answers that are the LMS's own."""

    name: str
    """As people call it."""

    def __init__(self, clock: Clock, keep: Keep | None = None) -> None:
        self.clock = clock
        self.records = Records()
        self.faults = Faults()
        self.settings: dict[str, Any] = {"latency_ms": 0, **self.own_settings()}
        """What the control endpoint can set."""
        self.requests: list[str] = []
        """The method and path of each request since the list was last cleared."""
        self.asked = self.failed = 0
        """How many requests there were, and how many of them met a fault."""
        self._keep = keep
        self._routes = self.routes()

    # What a subclass gives.

    def routes(self) -> Sequence[Route]:
        """Every operation of the API."""
        raise NotImplementedError

    def own_settings(self) -> dict[str, Any]:
        """The simulator's own settings, with their defaults."""
        return {}

    def seed(self) -> None:
        """Fill `records`, which are empty, with the sandbox's people and sections."""
        raise NotImplementedError

    def connection_credentials(self, url: str) -> Mapping[str, str]:
        """What a connection to this simulator, served at `url`, is made with (docs/how-to/connect-a-district.md)."""
        raise NotImplementedError

    def connection_options(self) -> Mapping[str, str]:
        """The options that such a connection needs, or is more pleasant with."""
        return {}

    def admit(self, request: Request) -> None:
        """Check credentials and limits before the route is looked for. Raises `Refusal`."""

    def not_found(self, request: Request) -> Reply:
        """The answer to a path that the API does not have."""
        raise NotImplementedError

    def fault_reply(self, fault: str, request: Request) -> Reply:
        """The LMS's own answer for ``throttled``, ``expired-credentials`` and ``error`` (a 5xx of the LMS)."""
        raise NotImplementedError

    def finish(self, request: Request, reply: Reply) -> Reply:  # noqa: ARG002 - a subclass may need it
        """What the LMS adds to every answer, such as headers."""
        return reply

    def own_control(self, request: Request) -> Reply | None:  # noqa: ARG002
        """What only this simulator's control endpoint has; None for a path that it does not have."""
        return None

    # What all share.

    def start(self, saved: Sequence[Change] = ()) -> None:
        """Take up what was saved, or the seed where nothing was."""
        self.records = Records()
        if saved:
            self.records.load(saved)
        else:
            self.seed()

    async def save(self) -> None:
        """Save what has changed."""
        changes = self.records.take_changes()
        if changes and self._keep is not None:
            await self._keep(changes)

    async def reset(self) -> None:
        """Put everything back to the start."""
        self.records.replace({})
        self.faults = Faults()
        self.seed()
        await self.save()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        body = await _body(receive)
        if body is None:
            return
        request = _request(scope, body)
        if request.path.startswith("/_simulator/"):
            reply = await self._control(request)
        else:
            self.asked += 1
            self.requests.append(f"{request.method} {request.path}")
            del self.requests[:-MOST_REMEMBERED]
            try:
                answer = await self._meet(request)
            except _Dropped:
                scope["transport"].abort()
                return
            if answer is None:
                await _fall_silent(scope, receive)
                return
            reply = answer
        await _send(send, reply)

    async def _meet(self, request: Request) -> Reply | None:
        """The answer to a request, with the fault that it meets; None where there shall be none."""
        if self.settings["latency_ms"]:
            await asyncio.sleep(self.settings["latency_ms"] / 1000)
        try:
            fault = self.faults.meet(request.method, request.path, request.headers.get(faults.HEADER))
        except faults.InvalidFault as error:
            return text_reply(400, str(error))
        if fault is None:
            return await self.answer(request)
        self.failed += 1
        if fault.name == "slow":
            await asyncio.sleep(fault.seconds)
            return await self.answer(request)
        if fault.name in faults.BEFORE:
            return self._spoiled(fault, request)
        reply = await self.answer(replace(request, fault=fault.name))
        return self._spoiled(fault, request) if fault.name in faults.AFTER else reply

    def _spoiled(self, fault: Fault, request: Request) -> Reply | None:
        """What the client sees of a request that the fault keeps from being answered."""
        match kind := fault.name.removesuffix("-before").removesuffix("-after"):
            case "timeout":
                return None
            case "dropped":
                raise _Dropped
            case "malformed":
                return text_reply(200, "<html><body>Something went wrong", "text/html")
            case _:
                return self.fault_reply(kind, request)

    async def answer(self, request: Request) -> Reply:
        """The answer to a request that meets no fault."""
        try:
            self.admit(request)
            reply = self._handle(request)
        except Refusal as refusal:
            reply = refusal.reply
        await self.save()
        return self.finish(request, reply)

    def _handle(self, request: Request) -> Reply:
        for candidate in self._routes:
            if candidate.method == request.method and (match := candidate.pattern.fullmatch(request.path)):
                return candidate.handler(request, **match.groupdict())
        return self.not_found(request)

    async def _control(self, request: Request) -> Reply:
        """The control endpoint."""
        try:
            return await self._controlled(request)
        except Refusal as refusal:
            return refusal.reply

    async def _controlled(self, request: Request) -> Reply:
        content: Any = None
        match request.method, request.path.removeprefix("/_simulator/"):
            case "GET", "faults":
                content = self.faults.rules
            case "POST", "faults":
                try:
                    rule = msgspec.json.decode(request.body, type=Rule)
                    faults.parse(rule.fault)
                    re.compile(rule.path or "")
                except (msgspec.DecodeError, faults.InvalidFault, re.error) as error:
                    return json_reply(400, {"message": str(error)})
                self.faults.rules.append(rule)
            case "DELETE", "faults":
                self.faults.rules.clear()
            case "GET", "requests":
                content = self.requests
            case "DELETE", "requests":
                self.requests.clear()
            case "GET", "settings":
                content = self.settings
            case "PUT", "settings":
                given = _object(request.body)
                for name, value in given.items():
                    if name not in self.settings:
                        return json_reply(400, {"message": f"there is no setting {name!r}"})
                    if type(value) is not type(self.settings[name]):
                        kind = type(self.settings[name]).__name__
                        return json_reply(400, {"message": f"the setting {name!r} must be a {kind}"})
                self.settings |= given
                content = self.settings
            case "GET", "state":
                content = self.records.content()
            case "PUT", "state":
                given = _object(request.body)
                if not all(isinstance(rows, dict) for rows in given.values()):
                    return json_reply(400, {"message": "the state must be what GET gives: tables of records"})
                self.records.replace(given)
                await self.save()
            case "POST", "reset":
                await self.reset()
            case _, _:
                own = self.own_control(request)
                await self.save()
                return own or json_reply(404, {"message": "the control endpoint has no such path"})
        return Reply(200, msgspec.json.encode(content), (("content-type", "application/json"),))


def _object(body: bytes) -> dict[str, Any]:
    """The object that was sent to the control endpoint. Raises `Refusal`."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise Refusal(json_reply(400, {"message": "the body must be a JSON object"}))
    return given


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
    """The whole body; None where the client hung up before its end."""
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
