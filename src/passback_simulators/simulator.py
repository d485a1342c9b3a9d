"""What every simulator shares: its routes, how a request is answered, and the faults that requests meet.

Handlers are plain functions that work on the simulator's records. Each request is handled as a whole before the next,
so there is nothing to lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from passback_simulators import faults
from passback_simulators.clock import Clock
from passback_simulators.faults import Fault, Faults
from passback_simulators.records import Change, Records
from passback_simulators.reply import Refusal, Reply, text_reply
from passback_simulators.request import Request
from passback_simulators.route import Route
from passback_simulators.state import Keep, State

MOST_REMEMBERED = 20_000
"""How many requests the control endpoint lists."""


class Dropped(Exception):
    """The connection is to be cut."""


class Heard(Struct, frozen=True):
    """A request that was answered, or met a fault."""

    method: str
    path: str
    """As `Simulator.named` has it, with the query."""
    headers: Mapping[str, str]
    """By lower-case name."""
    status: int | None
    """None if it was not answered."""
    seconds: float


class Simulator(State):
    """A simulated LMS. A subclass provides the routes, the seed, and the replies that are the LMS's own."""

    name: str
    """As people call it."""

    def __init__(self, clock: Clock, keep: Keep | None = None) -> None:
        super().__init__(clock, keep)
        self.faults = Faults()
        self.requests: list[str] = []
        """The method and path of each request since the list was last cleared."""
        self.listener: Callable[[Heard], None] | None = None
        """Told of every request, once it is answered."""
        self.asked = self.failed = 0
        """How many requests there were, and how many of them met a fault."""
        self._routes = self.routes()

    # What a subclass provides.

    def routes(self) -> Sequence[Route]:
        """Every operation of the API."""
        raise NotImplementedError

    def seed(self) -> None:
        """Fill `records`, which are empty, with the sandbox's people and sections."""
        raise NotImplementedError

    def connection_credentials(self, url: str) -> Mapping[str, str]:
        """The credentials of a connection to this simulator, served at `url` (docs/how-to/connect-a-district.md)."""
        raise NotImplementedError

    def connection_options(self, url: str) -> Mapping[str, str]:  # noqa: ARG002
        """The options that such a connection to this simulator, served at `url`, needs or works better with."""
        return {}

    def admit(self, request: Request) -> None:
        """Check credentials and limits before the route is looked up. Raises `Refusal`."""

    def not_found(self, request: Request) -> Reply:
        """The reply for a path that the API does not have."""
        raise NotImplementedError

    def fault_reply(self, fault: str, request: Request) -> Reply:
        """The LMS's own reply for ``throttled``, ``expired-credentials`` and ``error`` (a 5xx of the LMS)."""
        raise NotImplementedError

    def finish(self, request: Request, reply: Reply) -> Reply:  # noqa: ARG002 - a subclass may need it
        """Add what the LMS adds to every reply, such as headers."""
        return reply

    def named(self, request: Request) -> tuple[str, str]:
        """The method and path by which a request is listed, and faults are chosen: GET if it only reads.

        They are the request's own, unless the LMS has one address for everything.
        """
        return request.method, request.path

    def forget_times(self) -> None:
        """Forget when requests came, for limits and replays, because the clock has been set."""

    def own_control(self, request: Request) -> Reply | None:  # noqa: ARG002
        """Answer a path of this simulator's own control endpoint; None if it has no such path."""
        return None

    # What all share.

    def start(self, saved: Sequence[Change] = ()) -> None:
        """Load the saved records, or the seed if nothing was saved."""
        self.records = Records()
        if saved:
            self.records.load(saved)
        else:
            self.seed()

    async def reset(self) -> None:
        """Put records and faults back to the start."""
        self.records.replace({})
        self.faults = Faults()
        self.forget_times()
        self.seed()
        await self.save()

    async def respond(self, request: Request) -> Reply | None:
        """Answer a request, with the fault that it meets. None means silence. Raises `Dropped`."""
        self.asked += 1
        method, path = self.named(request)
        self.requests.append(f"{method} {path}")
        del self.requests[:-MOST_REMEMBERED]
        if self.settings["latency_ms"]:
            await asyncio.sleep(self.settings["latency_ms"] / 1000)
        try:
            fault = self.faults.meet(method, path, request.headers.get(faults.HEADER))
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
        """What the client sees of a request whose proper reply the fault withholds."""
        match kind := fault.name.removesuffix("-before").removesuffix("-after"):
            case "timeout":
                return None
            case "dropped":
                raise Dropped
            case "malformed":
                return text_reply(200, "<html><body>Something went wrong", "text/html")
            case _:
                return self._asking_to_wait(self.fault_reply(kind, request))

    def _asking_to_wait(self, reply: Reply) -> Reply:
        """A reply to what is throttled or failed, with ``Retry-After`` if that is set."""
        wait = self.settings["retry_after"]
        return reply.with_headers(Retry_After=wait) if wait else reply

    async def answer(self, request: Request) -> Reply:
        """Answer a request that meets no fault."""
        try:
            self.admit(request)
            reply = self.handle(request)
        except Refusal as refusal:
            reply = refusal.reply
        if reply.status == 429:
            reply = self._asking_to_wait(reply)
        await self.save()
        return self.finish(request, reply)

    def handle(self, request: Request) -> Reply:
        """Answer an admitted request by its route. Raises `Refusal`."""
        for candidate in self._routes:
            if candidate.method == request.method and (match := candidate.pattern.fullmatch(request.path)):
                return candidate.handler(request, **match.groupdict())
        return self.not_found(request)
