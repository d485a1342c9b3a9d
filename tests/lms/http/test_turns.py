"""A turn is always given back: whatever raises, whenever it is cancelled, and whatever an LMS's headers hold."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest

from passback.domain.clock import SECOND, Timer
from passback.lms.http.client import LmsClient, PlainManners
from passback.lms.http.gate import Gate, Resting, Result, SharedGate
from passback.lms.http.pace import Limit
from passback.lms.http.reply import Reply
from passback.lms.http.within import guarded
from passback.lms.interface import LmsConnection, Unavailable
from passback.lms.shared import Shared
from passback.store.engine import migrate
from passback.store.engine.database import Database, StoreUnavailable, Transaction
from passback.store.engine.open import connect
from passback.testing.jumping import JumpingTime
from support.postgres import DATABASES, database_of

T = TypeVar("T")

AT_ONCE = 2
STEPS = range(25)
ODD = (float("nan"), float("inf"), float("-inf"), -1.0, 1e308)


class Broken(Exception):
    """What breaks on purpose."""


class Time(JumpingTime):
    """Time that breaks at the n-th time that it is asked for, or slept."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None

    def _step(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Broken

    def breaking(self) -> Timer:
        def seconds() -> float:
            self._step()
            return self.seconds()

        async def sleep(length: float) -> None:
            self._step()
            await self.sleep(length)

        return Timer(seconds, sleep)

    def instant(self) -> int:
        return round(self.now * SECOND)


class Faulty:
    """A database whose notes fail before, or after, they take effect; once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.fault: str | None = None
        self.left = 0

    async def note(self, fn: Transaction[T]) -> T:
        await asyncio.sleep(0)
        self.left -= 1
        fails = self.fault if self.left == -1 else None
        if fails == "before":
            raise StoreUnavailable("full")
        result = await self._database.note(fn)
        if fails == "after":
            raise StoreUnavailable("the connection was lost during the commit")
        return result


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    with database_of(request.param) as url, contextlib.closing(connect(url, None)) as opened:
        migrate.prepare(opened, "sandbox")
        yield opened


def gate_of(timer: Timer, limit: Limit | None = None) -> Gate:
    return Gate(most_at_once=AT_ONCE, limit=limit, failures=3, rest=30.0, timer=timer)


async def use(gate: Gate | SharedGate, patience: float = 2.0, **said: Any) -> None:
    """Take a turn and give it back, with all that there is to report."""
    with contextlib.suppress(Broken, StoreUnavailable, TimeoutError, Resting):
        await gate.leave(await gate.enter("token", patience), Result.OK, **said)


async def all_free(gate: Gate | SharedGate) -> bool:
    """Whether as many turns can be had at once as there are."""
    turns = []
    for _ in range(AT_ONCE):
        try:
            turns.append(await gate.enter("token", 2.0))
        except TimeoutError:
            break
    for turn in turns:
        await gate.leave(turn, Result.OK)
    return len(turns) == AT_ONCE


async def soon_free(gate: Gate | SharedGate) -> bool:
    """Whether they can once the database has done what is on its way."""
    for _ in range(200):
        if await all_free(gate):
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.mark.parametrize("step", STEPS)
def test_whatever_raises_gives_the_turn_back(step: int) -> None:
    async def scenario() -> bool:
        time = Time()
        gate = gate_of(time.breaking(), Limit(3, 1.0))
        time.left = step
        for _ in range(4):
            await use(gate, hold_back=0.5, room=12.0)
        time.left = None
        return await all_free(gate)

    assert asyncio.run(scenario())


async def cancel_after(gate: Gate | SharedGate, steps: int) -> None:
    """Three use the gate, two of them at once; all are cancelled after so many steps of the loop."""
    tasks = [asyncio.create_task(use(gate)) for _ in range(3)]
    for _ in range(steps):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()  # also while it cleans up
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("steps", STEPS)
def test_a_cancelled_request_gives_the_turn_back(steps: int) -> None:
    async def scenario() -> bool:
        gate = gate_of(Time().timer)
        await cancel_after(gate, steps)
        held = [await gate.enter("token", 0.1) for _ in range(AT_ONCE)]
        waiting = asyncio.create_task(use(gate))
        await asyncio.sleep(0)
        await gate.leave(held[0], Result.OK)  # and is given to the waiting one in the same moment
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await gate.leave(held[1], Result.OK)
        return await all_free(gate)

    assert asyncio.run(scenario())


def shared_gates(database: Any, worker: str, time: Time) -> SharedGate:
    return SharedGate(Shared(database, time.instant, "district", lambda: worker), gate_of(time.timer))


@pytest.fixture
def none_taken(database: Database) -> Database:
    database.write_now(
        lambda conn: [conn.execute(f"DELETE FROM {t}") for t in ("lms_turns", "lms_paces", "lms_breakers")]
    )
    return database


@pytest.mark.parametrize("steps", range(0, 25, 3))
def test_a_cancelled_request_gives_the_turn_back_to_all_processes(none_taken: Database, steps: int) -> None:
    async def scenario() -> tuple[bool, bool]:
        time = Time()
        one, other = (shared_gates(none_taken, name, time) for name in ("w1", "w2"))
        await cancel_after(one, steps)
        return await soon_free(other), await soon_free(one)

    assert asyncio.run(scenario()) == (True, True)


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("call", range(4))
def test_a_failing_store_keeps_no_turn(none_taken: Database, fault: str, call: int) -> None:
    async def scenario() -> bool:
        time = Time()
        faulty = Faulty(none_taken)
        one, other = shared_gates(faulty, "w1", time), shared_gates(none_taken, "w2", time)
        faulty.fault, faulty.left = fault, call
        for _ in range(3):
            await use(one)
        return await soon_free(other)

    assert asyncio.run(scenario())


def test_a_store_that_fails_whoever_was_cancelled_meanwhile_keeps_no_turn(none_taken: Database) -> None:
    async def scenario() -> bool:
        time = Time()
        faulty = Faulty(none_taken)
        one, other = shared_gates(faulty, "w1", time), shared_gates(none_taken, "w2", time)
        turn = await one.enter("token", 2.0)
        faulty.fault, faulty.left = "before", 0
        leaving = asyncio.create_task(one.leave(turn, Result.OK))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        await use(one)  # which gives back what is owed, too
        return await soon_free(other)

    assert asyncio.run(scenario())


def test_a_try_after_a_rest_that_was_not_sent_is_left_to_another_process(none_taken: Database) -> None:
    async def scenario() -> bool:
        time = Time()
        one, other = (shared_gates(none_taken, name, time) for name in ("w1", "w2"))
        for _ in range(3):
            await one.leave(await one.enter("token", 0.1), Result.FAILED)
        time.now += 31
        await one.leave(await one.enter("token", 0.1), Result.NOT_SENT)
        return (await other.enter("token", 0.1)).tries_for_all

    assert asyncio.run(scenario())


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", ["hold_back", "room"])
def test_numbers_that_make_no_sense_keep_no_turn(none_taken: Database, name: str, odd: float) -> None:
    async def scenario() -> tuple[bool, bool]:
        time = Time()
        one, other = (shared_gates(none_taken, worker, time) for worker in ("w1", "w2"))
        await use(one, **{name: odd})
        time.now += 601  # a wait that is only too long is cut
        return await all_free(one), await all_free(other)

    assert asyncio.run(scenario()) == (True, True)


class OddManners(PlainManners):
    """A connector that stumbles over what an LMS says of its limit."""

    def __init__(self, method: str, does: Callable[[], float]) -> None:
        super().__init__({})
        self._method = method
        self._does = does

    async def credentials(self, method: str, url: str, acting: str, *, renew: bool) -> dict[str, str]:
        if self._method == "credentials":
            self._does()
        return {}

    def throttled(self, reply: Reply) -> float | None:
        return (
            self._does() if self._method == "throttled" and reply.status == 429 else super().throttled(reply)
        )

    def room(self, reply: Reply) -> float | None:
        return self._does() if self._method == "room" else None


def broken() -> float:
    raise ValueError("could not convert string to float")


async def answers(statuses: list[int]) -> asyncio.Server:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
            writer.write(b"HTTP/1.1 %d Said\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}" % status)
            await writer.drain()
        writer.close()

    return await asyncio.start_server(handle, "127.0.0.1", 0)


@pytest.mark.parametrize("does", [broken, *(lambda odd=odd: odd for odd in ODD)])
@pytest.mark.parametrize("method", ["throttled", "room"])
def test_a_connector_that_stumbles_over_a_header_costs_no_turn_and_no_answer(
    method: str, does: Callable[[], float]
) -> None:
    async def scenario() -> list[int]:
        server = await answers([429, 200])
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        connection = LmsConnection(url, {}, timer=JumpingTime().timer, patience=1300.0)
        client = LmsClient(connection, OddManners(method, does), most_at_once=AT_ONCE)
        try:
            return [(await client.get("things")).status for _ in range(AT_ONCE + 1)]
        finally:
            await client.close()
            server.close()

    assert asyncio.run(scenario()) == [200] * (AT_ONCE + 1)


def test_credentials_that_fail_cost_no_turn_and_open_no_breaker() -> None:
    async def scenario() -> None:
        connection = LmsConnection("http://127.0.0.1:1/", {}, timer=JumpingTime().timer)
        client = LmsClient(connection, OddManners("credentials", broken), most_at_once=AT_ONCE, failures=1)
        try:
            for _ in range(AT_ONCE + 1):
                with pytest.raises(ValueError, match="could not convert"):
                    await client.get("things")
        except Unavailable as error:
            raise AssertionError("no turn, or it rests") from error
        finally:
            await client.close()

    asyncio.run(scenario())


def test_a_process_that_was_taken_for_dead_only_reads_and_says_when_to_ask_again() -> None:
    async def scenario() -> None:
        server = await answers([200])
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        client = LmsClient(LmsConnection(url, {}, timer=JumpingTime().timer), PlainManners({}))
        try:
            with guarded(lambda: False):
                assert (await client.get("things")).status == 200
                with pytest.raises(Unavailable) as caught:
                    await client.send("POST", "things")
        finally:
            await client.close()
            server.close()
        assert (caught.value.in_doubt, caught.value.retry_after) == (False, 5)

    asyncio.run(scenario())
