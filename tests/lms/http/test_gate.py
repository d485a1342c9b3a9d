"""The gate to an LMS: of one process, and of several that share it, on every database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

import pytest

from passback.domain.clock import SECOND
from passback.lms.http.gate import Gate, Resting, Result, SharedGate
from passback.lms.http.pace import Limit
from passback.lms.shared import Shared
from passback.store import workers
from passback.store.engine import migrate
from passback.store.engine.database import Database
from passback.store.engine.open import connect
from passback.store.workers import RegisteredWorker
from passback.testing.jumping import JumpingTime
from support.postgres import DATABASES, database_of

REST = 30.0

Refusal = type[Exception] | None


class Time(JumpingTime):
    def instant(self) -> int:
        return round(self.now * SECOND)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    with database_of(request.param) as url, contextlib.closing(connect(url, None)) as opened:
        migrate.prepare(opened, "sandbox")
        yield opened


def gate_at(time: Time, *, most_at_once: int = 2, limit: Limit | None = None) -> Gate:
    return Gate(most_at_once=most_at_once, limit=limit, failures=2, rest=REST, timer=time.timer)


@pytest.fixture
def gates(database: Database, time: Time) -> Callable[..., list[SharedGate]]:
    """Makes the gates of two processes."""
    database.write_now(
        lambda conn: [conn.execute(f"DELETE FROM {t}") for t in ("lms_turns", "lms_paces", "lms_breakers")]
    )

    def make(limit: Limit | None = None) -> list[SharedGate]:
        return [
            SharedGate(Shared(database, time.instant, "district", lambda: "w1"), gate_at(time, limit=limit))
            for _ in range(2)
        ]

    return make


async def fail(gate: Gate | SharedGate, times: int = 2) -> None:
    for _ in range(times):
        await gate.leave(await gate.enter("token", 0.1), Result.FAILED)


async def refusal(wanted: Awaitable[object]) -> Refusal:
    try:
        await wanted
    except (Resting, TimeoutError) as error:
        return type(error)
    return None


def test_after_a_rest_one_request_is_sent_and_the_others_wait_for_it(time: Time) -> None:
    async def scenario() -> list[Refusal]:
        gate = gate_at(time)
        await fail(gate)
        seen: list[Refusal] = [await refusal(gate.enter("token", 0.0))]
        time.now += REST
        turn = await gate.enter("token", 0.0)
        seen.append(await refusal(gate.enter("token", 0.0)))
        await gate.leave(turn, Result.OK)
        seen.append(await refusal(gate.enter("token", 0.0)))
        return seen

    assert asyncio.run(scenario()) == [Resting, Resting, None]


def test_what_waited_for_a_turn_when_the_lms_failed_is_not_sent(time: Time) -> None:
    async def scenario() -> Refusal:
        gate = gate_at(time)
        turns = [await gate.enter("token", 0.0) for _ in range(2)]
        waiting = asyncio.create_task(refusal(gate.enter("token", 5.0)))
        await asyncio.sleep(0)
        for turn in turns:
            await gate.leave(turn, Result.FAILED)
        return await waiting

    assert asyncio.run(scenario()) is Resting


def test_a_try_after_a_rest_that_is_not_sent_is_left_to_the_next(time: Time) -> None:
    async def scenario() -> Refusal:
        gate = gate_at(time)
        await fail(gate)
        time.now += REST
        await gate.leave(await gate.enter("token", 0.0), Result.NOT_SENT)
        return await refusal(gate.enter("token", 0.0))

    assert asyncio.run(scenario()) is None


@pytest.mark.parametrize("what", ["turns", "limit"])
def test_processes_count_together(gates: Callable[..., list[SharedGate]], time: Time, what: str) -> None:
    one, other = gates(Limit(2, 10.0) if what == "limit" else None)

    async def scenario() -> list[Refusal]:
        seen: list[Refusal] = []
        turns = [await one.enter("token", 0.1), await other.enter("token", 0.1)]
        if what == "limit":
            for gate, turn in zip((one, other), turns, strict=True):
                await gate.leave(turn, Result.OK)
        seen.append(await refusal(one.enter("token", 0.1)))
        seen.append(await refusal(other.enter("another", 0.1)))
        if what == "limit":
            time.now += 11
        else:
            await other.leave(turns[1], Result.OK)
        seen.append(await refusal(one.enter("token", 0.1)))
        return seen

    assert asyncio.run(scenario()) == [TimeoutError, None, None]


def test_failures_at_one_process_rest_it_at_all(gates: Callable[..., list[SharedGate]], time: Time) -> None:
    one, other = gates()

    async def scenario() -> list[Refusal]:
        await fail(one)
        seen: list[Refusal] = [await refusal(other.enter("token", 0.1))]
        time.now += REST
        turn = await other.enter("token", 0.1)
        seen.append(await refusal(one.enter("token", 0.1)))  # waits for how that goes
        await other.leave(turn, Result.OK)
        seen.append(await refusal(one.enter("token", 0.1)))
        return seen

    assert asyncio.run(scenario()) == [Resting, Resting, None]


def test_being_held_back_does_not_lengthen_a_rest(gates: Callable[..., list[SharedGate]], time: Time) -> None:
    one, other = gates()

    async def scenario() -> list[Refusal]:
        turn = await one.enter("token", 0.1)
        await fail(other)
        time.now += REST
        await one.leave(turn, Result.NOT_SENT, hold_back=5.0)
        seen: list[Refusal] = [await refusal(other.enter("token", 0.1))]
        time.now += 6
        seen.append(await refusal(other.enter("token", 0.1)))
        return seen

    assert asyncio.run(scenario()) == [TimeoutError, None]


def test_a_dead_processes_turns_are_free(
    gates: Callable[..., list[SharedGate]], database: Database, time: Time
) -> None:
    one, other = gates()
    database.write_now(lambda conn: workers.add(conn, RegisteredWorker("w1", "", 0, 0), time.instant()))

    async def scenario() -> Refusal:
        for _ in range(2):
            await one.enter("token", 0.1)
        database.write_now(lambda conn: workers.remove(conn, "w1"))
        return await refusal(other.enter("token", 0.1))

    assert asyncio.run(scenario()) is None
