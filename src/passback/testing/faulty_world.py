"""A faulty world between a connector and its LMS: answers that are lost, replaced, or not the LMS's own.

A `World` counts the requests that reach a simulator, and spoils the one whose number it is told. It can also let the
simulator show what it had before the last write.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import itertools
import json
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from passback.testing.served import FailsOnRequest
from passback_simulators.reply import Reply
from passback_simulators.request import Request

_OUTAGE = (
    b"<!DOCTYPE html><html><head><title>Sorry</title></head><body><h1>We'll be back soon</h1></body></html>"
)
_HTML = (("content-type", "text/html; charset=utf-8"),)
_JSON = (("content-type", "application/json"),)


@dataclass(frozen=True)
class Spoil:
    """What becomes of one answer."""

    name: str
    reply: Callable[[Reply], Reply]
    """What the client gets, by what the LMS answered."""
    reaches: bool = True
    """Whether the request takes effect in the LMS."""

    def __str__(self) -> str:
        return f"{self.name} {'after' if self.reaches else 'before'}"


def _fixed(status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> Callable[[Reply], Reply]:
    return lambda _: Reply(status, body, headers)


def _emptied(reply: Reply) -> Reply:
    return replace(reply, body=b"{}")


_FIREWALL = b'{"incident":"8f2","support":"https://waf.example"}'


def _spoils(name: str, reply: Callable[[Reply], Reply]) -> Iterator[Spoil]:
    for reaches in (True, False):
        yield Spoil(name, reply, reaches=reaches)


ALL = tuple(
    itertools.chain(
        *(_spoils(f"a page of HTML with {it}", _fixed(it, _OUTAGE, _HTML)) for it in (200, 400, 403, 404, 409, 422, 503)),
        *(_spoils(f"nothing with {it}", _fixed(it, b"")) for it in (200, 202, 204, 400, 403, 404, 409, 422)),
        *(_spoils(f"a firewall's JSON with {it}", _fixed(it, _FIREWALL, _JSON)) for it in (200, 400, 403, 404, 409, 422)),
        _spoils("an object without members", _emptied),
        _spoils("a list without items", _fixed(200, b"[]", _JSON)),
        _spoils("an error with 200", _fixed(200, b'{"error":"try again later"}', _JSON)),
    )
)  # fmt: skip
"""Every way in which an answer is spoilt."""

_ONE_OF_EACH = (
    "a page of HTML with 404", "nothing with 202", "nothing with 400", "a firewall's JSON with 200",
    "an object without members", "a list without items",
)  # fmt: skip
UNREASONABLE = tuple(
    Spoil(f"its own {status} for a read", _fixed(status, json.dumps({
        "message": "no", "error": {"status": "INVALID_ARGUMENT", "message": "no"}, "errors": [{"message": "no"}],
    }).encode(), _JSON), reaches=False)
    for status in (400, 409, 422)
)  # fmt: skip
"""What every LMS's own refusal of values looks like, for what has none."""
OUTAGE = Spoil("an outage", _fixed(503, _OUTAGE, _HTML), reaches=False)
EVERY = bool(os.environ.get("EVERY_FAULT"))
"""Whether each request is spoilt in every way, which takes an hour."""
FEW = tuple(spoil for spoil in ALL if spoil.name in _ONE_OF_EACH)
"""One of each kind, which is enough if nothing is amiss."""


def own(reply: Reply, name: str) -> tuple[Spoil, ...]:
    """The LMS's own refusal, where it does not belong."""
    return tuple(_spoils(f"its own {reply.status} for {name}", lambda _: reply))


@dataclass
class World:
    """What lies between a connector and a simulator."""

    served: FailsOnRequest
    requests: list[str] = field(default_factory=list)
    """The requests since the last `begin`."""
    last: Reply | None = None
    """The last answer that was not spoilt."""
    _spoil: Spoil | None = None
    _position: int = -1
    _lasting: bool = False
    _behind: int = 0
    _before: dict[str, Any] | None = None
    """What the simulator had before the last write."""
    _shown: dict[str, int] = field(default_factory=dict)
    """How often each address showed that."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def begin(
        self, spoil: Spoil | None = None, position: int = -1, *, lasting: bool = False, behind: int = 0
    ) -> None:
        """Count requests from 0 on, and spoil the answer to the one at `position`, and if `lasting` all that follow.

        After each write, each address shows what it did before for `behind` times.
        """
        self.requests.clear()
        self._spoil, self._position, self._lasting = spoil, position, lasting
        self._behind, self._before = behind, None

    async def answer(self, real: Callable[[Request], Any], request: Request) -> Reply:
        if not self._behind:
            return await self._spoilt(real, request)
        async with self._turn:
            return await self._late(real, request)

    async def _late(self, real: Callable[[Request], Any], request: Request) -> Reply:
        simulator = self.served.simulator
        records, (method, path) = simulator.records, simulator.named(request)
        address = f"{path}?{request.query_string} {request.body!r}"
        if method != "GET":
            self._before = copy.deepcopy(records.content())
            self._shown.clear()
            return await self._spoilt(real, request)
        if self._before is None or self._shown.get(address, 0) >= self._behind:
            return await self._spoilt(real, request)
        self._shown[address] = self._shown.get(address, 0) + 1
        now = records.content()
        records.replace(copy.deepcopy(self._before))
        try:
            return await self._spoilt(real, request)
        finally:
            records.replace(now)

    async def _spoilt(self, real: Callable[[Request], Any], request: Request) -> Reply:
        method, path = self.served.simulator.named(request)
        self.requests.append(f"{method} {path}")
        since = len(self.requests) - 1 - self._position
        if self._spoil is None or since < 0 or (since > 0 and not self._lasting):
            self.last = await real(request)
            return self.last
        if self._spoil.reaches:
            return self._spoil.reply(await real(request))
        # What it would have answered is not known without asking it.
        return self._spoil.reply(Reply(200, json.dumps({}).encode(), _JSON))


Answer = Callable[[Request], Awaitable[Reply]]


@contextlib.contextmanager
def answering(
    served: FailsOnRequest, answer: Callable[[Answer, Request], Awaitable[Reply]]
) -> Iterator[None]:
    """Have `answer`, which is given the simulator's own answering, answer the requests inside the ``with``."""
    simulator: Any = served.simulator
    real = simulator.answer
    simulator.answer = lambda request: answer(real, request)
    try:
        yield
    finally:
        simulator.answer = real


@contextlib.contextmanager
def world_of(served: FailsOnRequest) -> Iterator[World]:
    """The world between a simulator and whoever calls it, faultless at first."""
    world = World(served)
    with answering(served, world.answer):
        yield world


@contextlib.contextmanager
def haphazard(served: FailsOnRequest, chance: float, seed: int) -> Iterator[list[int]]:
    """Spoil answers at random inside the ``with``, each with that chance; yields how many were spoilt, as one item."""
    drawn, count = random.Random(seed), [0]

    async def answer(real: Answer, request: Request) -> Reply:
        if drawn.random() >= chance:
            return await real(request)
        count[0] += 1
        spoil = drawn.choice(ALL)
        return spoil.reply(await real(request) if spoil.reaches else Reply(200, b"{}", _JSON))

    with answering(served, answer):
        yield count
