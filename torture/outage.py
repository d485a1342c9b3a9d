"""An LMS that is down for an hour, by a clock that is set: nothing is lost, and nothing stampedes when it is back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass

from msgspec.structs import replace

from passback.app import build_api, build_gateway, open_database
from passback.delivery.worker import Worker
from passback.domain.clock import MINUTE, SECOND, Timer
from passback.settings import Settings
from passback.store import delivery_queue, destinations
from passback.store.engine.database import Connection, Database
from passback.testing.jumping import JumpingTime
from passback.testing.served import Served, serving
from passback.web.messages import Application, Request
from passback_simulators.canvas.app import CanvasSimulator
from passback_simulators.identities import CANVAS_UNIFIED
from support.sandbox import NOW, SetClock
from torture.load import ESSAY
from torture.world import ASSIGNMENTS, STUDENTS, TOKEN

LATENCY = 50
"""How long a call to Canvas is taken to last, in milliseconds of the clock that is set."""
AT_ONCE = 6
"""How many calls are under way at most: the gateway's own limit for a credential."""
BUCKET = SECOND


@dataclass(frozen=True)
class Result:
    """How it went."""

    grades: int
    down_for: int
    calls: list[tuple[int, int]]
    """Milliseconds from the start, and how many calls there were within `BUCKET`."""
    undelivered: int
    back_after: int
    """How long after the LMS was back everything was delivered, in milliseconds."""

    @property
    def calls_while_down(self) -> int:
        """How many calls there were while the LMS was down."""
        return sum(count for when, count in self.calls if when < self.down_for)

    @property
    def most_after(self) -> int:
        """The most calls within `BUCKET` after it was back."""
        return max(count for when, count in self.calls if when >= self.down_for)


def outage(grades: int, down_for: int = 60 * MINUTE) -> Result:
    """So many grades are accepted while Canvas is down for so many milliseconds."""
    clock = SetClock()
    simulator = CanvasSimulator(clock)
    simulator.start()
    with serving(simulator) as canvas:
        return asyncio.run(_outage(grades, down_for, clock, canvas))


async def _outage(grades: int, down_for: int, clock: SetClock, canvas: Served) -> Result:
    from passback.lms.interface import LmsConnection as LmsConnection

    simulator = canvas.simulator
    jumping = JumpingTime()
    connection = LmsConnection(
        f"{canvas.url}/",
        simulator.connection_credentials(canvas.url),
        simulator.connection_options(canvas.url),
        patience=0.5,
        timer=Timer(lambda: clock.now / SECOND + jumping.now, jumping.sleep),
    )
    settings = Settings(data=":memory:", rate_limit=10**9, lease_seconds=3600)
    with contextlib.closing(open_database(settings, "sandbox")) as database:
        gateway = build_gateway(
            database, settings, clock, {CANVAS_UNIFIED.district_id: lambda: replace(connection)}
        )
        api = build_api(gateway, settings, "sandbox")
        worker = Worker(gateway)
        await worker.presence.enter()
        paths = [await _create(api, number) for number in range(-(-grades // len(STUDENTS)))]
        await asyncio.to_thread(canvas.fail, "error-before", times=None)
        for number in range(grades):
            path = f"{paths[number // len(STUDENTS)]}/submissions/{STUDENTS[number % len(STUDENTS)]}"
            status, _ = await _call(api, "PATCH", path, {"grade_points": number}, background=True)
            assert status == 202
        calls: dict[int, int] = {}
        done_at = None
        while done_at is None:
            if clock.now - NOW >= down_for and simulator.faults.rules:
                simulator.faults.rules.clear()
            before = simulator.asked
            await worker.step()
            await gateway.in_flight.settled()
            asked = simulator.asked - before
            for call in range(asked):
                bucket = (clock.now - NOW + call * LATENCY // AT_ONCE) // BUCKET * BUCKET
                calls[bucket] = calls.get(bucket, 0) + 1
            clock.now += asked * LATENCY // AT_ONCE
            left = await database.read(_open)
            if not left or clock.now > NOW + down_for * 3:
                done_at = clock.now
                break
            clock.now = await _next(database, clock.now, NOW + down_for)
        undelivered = grades - await database.read(
            lambda conn: int(
                conn.execute(
                    "SELECT COUNT(*) FROM deliveries WHERE state = 'delivered'"
                    " AND operation = 'update_submission'"
                ).fetchone()[0]
            )
        )
        await gateway.connectors.close()
        return Result(grades, down_for, sorted(calls.items()), undelivered, done_at - NOW - down_for)


def _open(conn: Connection) -> int:
    return int(conn.execute("SELECT COUNT(*) FROM deliveries WHERE state = 'waiting'").fetchone()[0])


async def _next(database: Database, now: int, end: int) -> int:
    """When there is something to do again: the next round, or the end of what all wait for."""

    def read(conn: Connection) -> int:
        due = delivery_queue.next_due(conn) or now
        rests = [one.backing_off_until for one in destinations.find_all(conn).values()]
        return max([due, *rests])

    wanted = max(now + LATENCY, await database.read(read))
    return min(wanted, end) if now < end else wanted


async def _create(api: Application, number: int) -> str:
    status, body = await _call(api, "POST", ASSIGNMENTS, {**ESSAY, "title": f"outage {number}"})
    assert status == 200, body
    return f"{ASSIGNMENTS}/{json.loads(body)['data']['id']}"


async def _call(
    api: Application, method: str, path: str, content: object, *, background: bool = False
) -> tuple[int, bytes]:
    """A request to the application itself: the way over a socket says nothing about the clock."""
    headers = {b"authorization": [f"Bearer {TOKEN}".encode()]}
    if background:
        headers[b"prefer"] = [b"respond-async"]
    request = Request(method, path.encode(), b"", headers)
    request.add(json.dumps(content).encode())
    request.end()
    reply = await api(request)
    assert reply is not None
    return reply.status, reply.body
