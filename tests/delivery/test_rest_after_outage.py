"""After an outage: what waits is in the LMS within 15 seconds of its return, however many clients called meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from passback.app import build_api, build_gateway, open_database
from passback.context import Gateway
from passback.delivery.worker import Worker
from passback.domain.clock import SECOND, Timer
from passback.lms.interface import LmsConnection
from passback.settings import Settings
from passback.store.engine.database import Connection
from passback.testing.jumping import JumpingTime
from passback.testing.served import Served, serving
from passback.web.messages import Application, Request
from passback_simulators.canvas.app import CanvasSimulator
from passback_simulators.identities import CANVAS_UNIFIED
from support.postgres import database_of
from support.sandbox import ESSAY, NOW, SetClock

ASSIGNMENTS = f"/v3.1/sections/{CANVAS_UNIFIED.id('000007')}/assignments"
STUDENTS = [CANVAS_UNIFIED.id(f"{number:06}") for number in range(1001, 1031)]
WITHIN = 15
"""Seconds."""


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def canvas(clock: SetClock) -> Iterator[Served]:
    simulator = CanvasSimulator(clock)
    simulator.start()
    with serving(simulator) as served:
        yield served


async def ask(
    api: Application, method: str, path: str, content: Any, *, background: bool = False
) -> tuple[int, Any]:
    """A request to the application itself: the way over a socket says nothing about the clock."""
    headers = {b"authorization": [f"Bearer {CANVAS_UNIFIED.token}".encode()], b"host": [b"x"]}
    headers |= {b"prefer": [b"respond-async"]} if background else {}
    request = Request(method, path.encode(), b"", headers)
    request.add(json.dumps(content).encode())
    request.end()
    reply = await api(request)
    assert reply is not None
    return reply.status, json.loads(reply.body)


class Process:
    """One of the processes that serve and deliver, which lives by a clock that is set."""

    def __init__(self, url: str, clock: SetClock, canvas: Served, stack: contextlib.ExitStack) -> None:
        settings = Settings(
            data=":memory:", database_url=url, secret_key="x" * 40, rate_limit=10**9, lease_seconds=3600
        )
        database = stack.enter_context(contextlib.closing(open_database(settings, "sandbox")))
        jumping = JumpingTime()
        connection = LmsConnection(
            f"{canvas.url}/",
            canvas.simulator.connection_credentials(canvas.url),
            canvas.simulator.connection_options(canvas.url),
            patience=0.5,
            timer=Timer(lambda: clock.now / SECOND + jumping.now, jumping.sleep),
        )
        self.gateway: Gateway = build_gateway(
            database, settings, clock, {CANVAS_UNIFIED.district_id: lambda: replace(connection)}
        )
        self.api = build_api(self.gateway, settings, "sandbox")
        self.worker = Worker(self.gateway)


def waiting(conn: Connection) -> int:
    row = conn.execute("SELECT COUNT(*) FROM deliveries WHERE state IN ('waiting', 'delivering')").fetchone()
    return int(row[0])


@pytest.mark.parametrize("fault", ["error-before", "dropped"])
@pytest.mark.parametrize(("kind", "processes"), [("sqlite", 1), ("postgresql", 2)])
def test_what_waits_is_there_soon_after_the_lms_is_back(
    clock: SetClock, canvas: Served, kind: str, processes: int, fault: str
) -> None:
    async def world(url: str, stack: contextlib.ExitStack) -> None:
        running = [Process(url, clock, canvas, stack) for _ in range(processes)]
        for one in running:
            await one.worker.presence.enter()

        async def second() -> None:
            """Let a second pass, in which each process looks once."""
            for one in running:
                await one.worker.step()
                await one.gateway.in_flight.settled()
            clock.now += SECOND

        first = running[0]
        status, made = await ask(first.api, "POST", ASSIGNMENTS, dict(ESSAY))
        assert status == 200, made
        grades = f"{ASSIGNMENTS}/{made['data']['id']}/submissions"
        await asyncio.to_thread(canvas.fail, fault, times=None)
        for student in STUDENTS[:20]:
            status, _ = await ask(
                first.api, "PATCH", f"{grades}/{student}", {"grade_points": 7}, background=True
            )
            assert status == 202
        while clock.now < NOW + 90 * SECOND:
            await second()
            for number, one in enumerate(running):
                await ask(one.api, "PATCH", f"{grades}/{STUDENTS[20 + number]}", {"grade_points": 5})
        canvas.simulator.faults.rules.clear()
        back = clock.now
        while await first.gateway.database.read(waiting):
            assert clock.now <= back + WITHIN * SECOND
            await second()
        for one in running:
            await one.gateway.connectors.close()

    with database_of(kind, "sandbox") as url, contextlib.ExitStack() as stack:
        asyncio.run(world(url, stack))
