"""Several processes deliver for one database: who has died is found out, and nobody delivers what another has."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest

from passback.context import Gateway
from passback.delivery import ledger
from passback.delivery.groups import MOST_TOGETHER, together
from passback.delivery.worker import MOST_AT_ONCE, Worker
from passback.domain.clock import DAY
from passback.domain.delivery import Delivered, Delivery, Outcome
from passback.in_flight import InFlight
from passback.lms.registry import Connectors
from passback.lms.stored_keys import SIGNS_FOR, make_first
from passback.operations.open import vault_of
from passback.sandbox.seed import seed
from passback.settings import Settings
from passback.store import deep_links, deliveries, destinations, launches, lti_invitations, lti_keys, workers
from passback.store.destinations import Destination
from passback.store.engine import migrate
from passback.store.engine.database import Connection, Opened, StoreUnavailable
from passback.store.engine.open import connect
from passback.store.engine.vault import Vault, new_key
from passback.store.launches import Launch
from support.delivery import delivery
from support.postgres import DATABASES, database_of
from support.sandbox import DISTRICT, NOW, SetClock

LEASE = 0.4

Perform = Callable[[Sequence[Delivery]], Awaitable[Sequence[Outcome]]]


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> Iterator[Opened]:
    with database_of(request.param, "sandbox") as url, contextlib.closing(connect(url, None)) as opened:
        migrate.prepare(opened, "sandbox")
        opened.write_now(lambda conn: seed(conn, NOW))
        yield opened


async def deliver_all(group: Sequence[Delivery]) -> Sequence[Outcome]:
    return [Delivered(b"{}") for _ in group]


def worker(
    database: Opened,
    deliver: Perform = deliver_all,
    home: str = "elsewhere",
    lease: float = LEASE,
    vault: Vault = Vault(list),  # noqa: B008 - it has no key
) -> Worker:
    """A worker of a process that seems to be on another machine."""
    clock = SetClock()
    gateway = Gateway(
        database=database,
        connectors=Connectors(database, clock, vault),
        clock=clock,
        cursor_key=b"",
        vault=vault,
        in_flight=InFlight(lease),
    )
    return Worker(gateway, lambda _, group: deliver(group), home=home)


async def state(database: Opened, delivery_id: str) -> str:
    found = await database.read(lambda conn: deliveries.find(conn, delivery_id))
    assert found is not None
    return found.state


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110 - it is in the database
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(one: Worker) -> AsyncIterator[None]:
    await one.presence.enter()
    task = asyncio.create_task(one.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_what_is_accepted_is_delivered_at_once(database: Opened) -> None:
    async def scenario() -> None:
        one = worker(database)
        async with running(one):
            await database.write(lambda conn: ledger.accept(conn, delivery("d1")))
            one.in_flight.wake()
            await until(lambda: _is(database, "d1", "delivered"))

    asyncio.run(scenario())


async def _is(database: Opened, delivery_id: str, wanted: str) -> bool:
    return await state(database, delivery_id) == wanted


def test_lmss_that_give_no_answer_hold_up_no_other(database: Opened) -> None:
    hung = [f"hung-{number:03}" for number in range(MOST_AT_ONCE + 20)]

    async def scenario() -> None:
        for_ever = asyncio.Event()

        async def deliver(group: Sequence[Delivery]) -> Sequence[Outcome]:
            if group[0].destination in hung:
                await for_ever.wait()
            return await deliver_all(group)

        def down(conn: Connection) -> None:
            for number, district in enumerate(hung):
                destinations.save(conn, Destination(district, 5, NOW, 1))
                wanted = delivery(
                    f"h{number}", lane=f"h{number}", destination=district, assignment_id=district
                )
                ledger.accept(conn, wanted)

        one = worker(database, deliver, lease=60)
        async with running(one):
            await database.write(down)
            one.in_flight.wake()
            await until(lambda: _all_under_way(one, len(hung)))
            await database.write(lambda conn: ledger.accept(conn, delivery("d1")))
            one.in_flight.wake()
            await until(lambda: _is(database, "d1", "delivered"))
            for_ever.set()

    asyncio.run(scenario())


async def _all_under_way(one: Worker, groups: int) -> bool:
    return len(one.in_flight.groups) == groups


def test_what_another_process_accepted_is_found(database: Opened) -> None:
    async def scenario() -> None:
        async with running(worker(database)):
            await database.write(lambda conn: ledger.accept(conn, delivery("d1")))
            await until(lambda: _is(database, "d1", "delivered"))

    asyncio.run(scenario())


def test_the_work_of_one_whose_beat_stands_still_is_taken_up(database: Opened) -> None:
    async def scenario() -> None:
        dead = worker(database, home="another machine")
        await dead.presence.enter()
        await database.write(lambda conn: ledger.accept(conn, delivery("d1")))
        assert await database.write(lambda conn: ledger.claim(conn, dead.in_flight.worker, NOW, 1))
        async with running(worker(database)):
            await until(lambda: _is(database, "d1", "delivered"))
        assert await database.read(workers.find_all) == []

    asyncio.run(scenario())


def test_the_work_of_a_process_that_is_gone_is_taken_up_once_the_lms_is_through_with_it(
    database: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.0]
    monkeypatch.setattr("passback.delivery.presence.seconds", lambda: seconds[0])

    async def scenario() -> list[str]:
        one = worker(database, home="here", lease=60.0)
        gone = workers.RegisteredWorker("gone", "here", 2**22 + 1, 0)  # no process has such a number
        await database.write(lambda conn: workers.add(conn, gone, NOW))
        await database.write(lambda conn: ledger.accept(conn, delivery("d1")))
        await database.write(lambda conn: ledger.claim(conn, "gone", NOW, 1))
        await one.presence.enter()
        states = []
        for seconds[0] in (0, 29, 30):
            await one.presence.beat()
            states.append(await state(database, "d1"))
        return states

    assert asyncio.run(scenario()) == ["delivering", "delivering", "waiting"]


def test_processes_that_are_killed_one_after_another_take_up_the_work_all_the_same(
    database: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each runs in a new container, where the process number of the first says nothing."""
    seconds = [1000.0]
    monkeypatch.setattr("passback.delivery.presence.seconds", lambda: seconds[0])

    async def scenario() -> list[str]:
        first = worker(database, home="machine clock container-0", lease=60.0)
        await first.presence.enter()
        await database.write(lambda conn: ledger.accept(conn, delivery("d1")))
        await database.write(lambda conn: ledger.claim(conn, first.in_flight.worker, NOW, 1))
        states = []
        for seconds[0] in (1020, 1040, 1060, 1074, 1075):  # none of them lives for half of the lease
            successor = worker(database, home=f"machine clock container-{seconds[0]}", lease=60.0)
            await successor.presence.enter()
            await successor.presence.beat()
            states.append(await state(database, "d1"))
        return states

    assert asyncio.run(scenario()) == ["delivering"] * 4 + ["waiting"]


def test_one_that_beats_keeps_its_work_however_long_it_takes(database: Opened) -> None:
    begun: list[str] = []

    async def slowly(group: Sequence[Delivery]) -> Sequence[Outcome]:
        begun.append(group[0].id)
        await asyncio.sleep(LEASE * 3)
        return await deliver_all(group)

    async def scenario() -> None:
        async with running(worker(database, slowly)), running(worker(database, slowly, "another machine")):
            await database.write(lambda conn: ledger.accept(conn, delivery("d1")))
            await until(lambda: _is(database, "d1", "delivered"))

    asyncio.run(scenario())
    assert begun == ["d1"]


def test_one_that_was_taken_for_dead_gives_up_what_it_was_at_and_goes_on_under_another_name(
    database: Opened,
) -> None:
    given_up = asyncio.Event()

    async def forever(_: Sequence[Delivery]) -> Sequence[Outcome]:
        try:
            await asyncio.sleep(60)
        finally:
            given_up.set()
        raise AssertionError

    async def scenario() -> None:
        late = worker(database, forever)
        before = late.in_flight.worker
        async with running(late):
            await database.write(lambda conn: ledger.accept(conn, delivery("d1")))
            await until(lambda: _is(database, "d1", "delivering"))
            await database.write(lambda conn: workers.remove(conn, before))
            await asyncio.wait_for(given_up.wait(), 5)
            await until(_renamed(late, before))

    asyncio.run(scenario())


def _renamed(late: Worker, before: str) -> Callable[[], Awaitable[bool]]:
    async def renamed() -> bool:
        return late.in_flight.worker != before

    return renamed


def test_what_it_holds_without_being_at_it_is_given_back(database: Opened) -> None:
    """As where it was given up, or the answer to a claim was lost."""

    async def scenario() -> None:
        one = worker(database)
        async with running(one):
            await database.write(lambda conn: _take(conn, one.in_flight.worker))
            await until(lambda: _is(database, "d1", "delivered"))
        found = await database.read(lambda conn: deliveries.find(conn, "d1"))
        assert found is not None
        assert (found.attempts, found.fence) == (2, 3)  # taken up, given back, taken up

    asyncio.run(scenario())


def test_what_is_delivered_for_a_client_that_waits_is_not_given_back(database: Opened) -> None:
    async def scenario() -> None:
        one = worker(database)
        async with running(one):
            with one.in_flight.for_clients(["d1"]):
                await database.write(lambda conn: _take(conn, one.in_flight.worker))
                await asyncio.sleep(LEASE * 2)  # eight looks
                assert await state(database, "d1") == "delivering"
            await until(lambda: _is(database, "d1", "delivered"))

    asyncio.run(scenario())


def _take(conn: Connection, name: str) -> None:
    ledger.accept(conn, delivery("d1"))
    assert ledger.claim(conn, name, NOW, 1)


def test_one_that_cannot_beat_does_nothing_more(database: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        one = worker(database)
        async with running(one):
            assert one.in_flight.may_act()

            def full(*_: object) -> bool:
                raise StoreUnavailable("the disk is full")

            monkeypatch.setattr("passback.delivery.presence.workers.beat", full)
            await until(_cannot_act(one))
            await database.write(lambda conn: ledger.accept(conn, delivery("d1")))
            assert await one.step() == 0

    asyncio.run(scenario())


def _cannot_act(one: Worker) -> Callable[[], Awaitable[bool]]:
    async def cannot_act() -> bool:
        return not one.in_flight.may_act()

    return cannot_act


def test_one_that_is_told_to_stop_finishes_what_it_was_at(database: Opened) -> None:
    async def scenario() -> None:
        begun, finish = asyncio.Event(), asyncio.Event()

        async def wait(group: Sequence[Delivery]) -> Sequence[Outcome]:
            begun.set()
            await finish.wait()
            return await deliver_all(group)

        async with running(worker(database, wait)):
            await database.write(lambda conn: ledger.accept(conn, delivery("d1")))
            await begun.wait()
            asyncio.get_running_loop().call_later(0.1, finish.set)
        assert await state(database, "d1") == "delivered"
        assert await database.read(workers.find_all) == []

    asyncio.run(scenario())


def test_what_cannot_be_finished_in_time_is_left_to_those_who_see_that_the_process_is_gone(
    database: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passback.delivery.worker._STOP_SECONDS", 0.05)

    async def scenario() -> None:
        begun = asyncio.Event()

        async def forever(_: Sequence[Delivery]) -> Sequence[Outcome]:
            begun.set()
            await asyncio.sleep(60)
            raise AssertionError

        async with running(worker(database, forever)):
            await database.write(lambda conn: ledger.accept(conn, delivery("d1")))
            await begun.wait()
        found = await database.read(lambda conn: deliveries.find(conn, "d1"))
        assert found is not None
        assert found.state == "delivering"
        [left] = await database.read(workers.find_all)
        assert left.id == found.worker

    asyncio.run(scenario())


def test_grades_of_one_assignment_go_together_and_all_else_alone() -> None:
    grades = [delivery(f"g{number}", assignment_id="a1") for number in range(MOST_TOGETHER + 1)]
    others = [
        delivery("o1", assignment_id="a2"),
        delivery("o2", assignment_id="a1", operation="update_assignment"),
        delivery("o3", assignment_id="a1", fault="timeout"),
    ]
    sizes = [len(group) for group in together([*grades, *others])]
    assert sizes == [MOST_TOGETHER, 1, 1, 1, 1]


def leave(conn: Connection, which: str, expires: int) -> None:
    """What a launch leaves behind, a choice that nobody made, one that nobody opened, and a link that nobody opened."""
    mine: dict[str, Any] = {"district_id": DISTRICT, "application": "App", "expires": expires}
    launches.use_nonce(conn, which, expires)
    launches.add(conn, which, Launch(launched=NOW, role="student"), **mine)
    asked = deep_links.Request(
        issuer="",
        client_id="",
        deployment_id="",
        lms_section_id=None,
        return_url="",
        data=None,
        takes_columns=True,
    )
    deep_links.add(conn, which, asked, **mine)
    deep_links.add_chosen(conn, which, DISTRICT, "course", expires)
    invitation = lti_invitations.Invitation(DISTRICT, "", "moodle", "https://moodle.example/", expires)
    lti_invitations.add(conn, which, invitation)


def test_what_launches_leave_is_removed_in_time(database: Opened) -> None:
    database.write_now(lambda conn: leave(conn, "old", NOW - DAY))
    database.write_now(lambda conn: leave(conn, "fresh", NOW + 1))
    tables = ("lti_nonces", "launches", "deep_links", "chosen_activities", "lti_invitations")

    def counted(conn: Connection) -> list[int]:
        return [conn.execute(f"SELECT COUNT(*) FROM {table}").fetchall()[0][0] for table in tables]

    async def tidied() -> bool:
        return await database.read(counted) == [1] * len(tables)

    async def run() -> None:
        async with running(worker(database)):
            await until(tidied)

    assert database.read_now(counted) == [2] * len(tables)
    asyncio.run(run())


def test_what_a_later_change_made_up_for_is_marked(database: Opened) -> None:
    ended = [
        delivery("d1", state="failed", lane="one", rank=1),
        delivery("d2", state="delivered", lane="one", rank=2),
        delivery("d3", state="failed", lane="two", rank=1),
    ]
    database.write_now(lambda conn: deliveries.add(conn, ended))

    def marked(conn: Connection) -> list[str]:
        return [row[0] for row in conn.execute("SELECT id FROM deliveries WHERE made_up = 1 ORDER BY id")]

    async def done() -> bool:
        return await database.read(marked) == ["d1"]

    async def run() -> None:
        async with running(worker(database)):
            await until(done)

    asyncio.run(run())


def test_the_key_that_signs_for_lmss_is_replaced(database: Opened) -> None:
    vault = vault_of(Settings(secret_key=new_key()))
    asyncio.run(make_first(database, vault, SetClock(NOW - SIGNS_FOR)))
    before = database.read_now(lti_keys.current)

    async def replaced() -> bool:
        return await database.read(lti_keys.current) != before

    async def run() -> None:
        async with running(worker(database, vault=vault)):
            await until(replaced)

    asyncio.run(run())
