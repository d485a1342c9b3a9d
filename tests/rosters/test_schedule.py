"""When and how often a district is synced."""

from __future__ import annotations

import asyncio

import pytest

from passback.context import Gateway
from passback.delivery.looks import look_at_next
from passback.domain.clock import DAY, MINUTE
from passback.lms.interface import LmsError, NotAllowed
from passback.observe.exposition import exposition
from passback.rosters import lease, schedule, sync
from passback.rosters.progress import Quiet
from passback.rosters.read_lms import NotConnected
from passback.store import assignments, looks, syncs
from passback.store.engine.database import Connection
from support.sandbox import NOW
from support.syncs import DISTRICT, Synced, until


def test_the_next_sync_is_a_day_later(known: Synced) -> None:
    known.sync()
    assert (known.state.due, known.state.worker, known.claim()) == (NOW + DAY, None, None)
    known.clock.now += DAY
    assert known.claim() is not None


def test_a_sync_has_the_sections_looked_at_for_deleted_assignments(known: Synced) -> None:
    def add(conn: Connection) -> None:
        assignments.add(conn, assignment_id="x", section_id="a1", lms_id="gone")
        looks.schedule(conn, "a1", NOW + DAY)

    known.sync()
    known.write(add)
    assert not known.run(look_at_next)
    known.ask()
    known.sync()
    assert known.run(look_at_next)
    assert known.execute("SELECT id FROM assignments WHERE gone IS NOT NULL") == [("x",)]


def test_permission_to_remove_survives_another_request(known: Synced) -> None:
    known.ask(removals=True)
    known.ask()
    assert known.state.removals == 1
    assert known.claim() is not None
    known.ask()  # for another sync after this one
    assert known.state.removals == 0


def test_retries_become_rarer_while_there_is_no_progress(known: Synced) -> None:
    known.slate.fail("error-before", path="/sections", times=10_000)
    waits = []
    for _ in range(9):
        with pytest.raises(LmsError):
            known.sync()
        due = known.state.due
        assert due is not None
        waits.append((due - known.clock.now) // MINUTE)
        known.clock.now = due
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_stopped_sync_is_free_for_others_at_once(known: Synced) -> None:
    known.slate.simulator.settings["latency_ms"] = 60_000

    async def do(gateway: Gateway) -> None:
        loop = asyncio.create_task(schedule.run_due(gateway))
        await until(lambda: known.state.phase == "courses")
        loop.cancel()
        await asyncio.wait([loop])

    known.run(do)
    known.slate.simulator.settings["latency_ms"] = 0
    assert known.claim() is not None


def test_due_districts_are_read_in_the_background(known: Synced) -> None:
    async def do(gateway: Gateway) -> None:
        loop = asyncio.create_task(schedule.run_due(gateway))
        await until(lambda: known.district.lms_state == "success" and known.state.worker is None)
        loop.cancel()
        await asyncio.wait([loop])

    known.run(do)
    assert known.matched()["u1"] == "student-1"


def test_a_sync_requested_during_a_sync_runs_afterwards(known: Synced) -> None:
    async def do(gateway: Gateway) -> None:
        held = await lease.claim(gateway)
        assert held is not None
        known.clock.now += 1
        await sync.read(held, Quiet())
        known.clock.now += 1
        known.ask()
        await sync.finish(held)

    known.run(do)
    assert known.state.due == known.clock.now


def test_permission_to_remove_holds_for_one_sync(known: Synced) -> None:
    known.sync()
    known.slate.simulator.records.remove("sections", "s2")
    known.ask(removals=True)
    known.change("UPDATE districts SET lms_type = 'unknown'")  # so that it cannot finish
    with pytest.raises(NotAllowed):
        known.sync()
    assert known.state.removals == 1  # it will be resumed
    known.clock.now += MINUTE
    known.change("UPDATE districts SET lms_type = 'builtin'")
    with pytest.raises(NotConnected):
        known.sync()
    assert known.state.removals == 0


def test_a_request_during_a_sync_that_holds_back_keeps_its_permission(known: Synced) -> None:
    hidden = known.more_sections(6)
    known.sync()
    known.hide(*hidden)
    known.ask()

    class Asking(Quiet):
        def step(self, what: str) -> None:
            if what == "matching":
                known.clock.now += 1
                known.ask(removals=True)

    known.sync(progress=Asking())
    assert (known.state.due, known.state.removals, known.matched()["m0"]) == (known.clock.now, 1, "more-0")
    known.sync()
    assert known.matched()["m0"] is None


def test_a_sync_is_as_old_as_the_beginning_of_its_reading(known: Synced) -> None:
    known.slate.fail("error-before", path="/sections/s2/", times=1000)
    with pytest.raises(LmsError):
        known.sync()
    known.slate.simulator.faults.rules.clear()
    known.clock.now += 10 * MINUTE
    known.sync()
    assert (known.district.last_lms_sync, known.state.due) == (NOW, known.clock.now + DAY)


def test_another_schedule_does_not_delay_what_is_due(known: Synced) -> None:
    known.write(lambda conn: syncs.schedule(conn, DISTRICT, 2 * DAY, NOW, NOW))
    assert (known.state.due, known.state.every) == (NOW, 2 * DAY)
    known.sync()
    known.write(lambda conn: syncs.schedule(conn, DISTRICT, 3 * DAY, NOW, NOW))
    assert known.state.due == NOW + 3 * DAY
    known.ask()
    known.write(lambda conn: syncs.schedule(conn, DISTRICT, None, NOW, NOW))
    assert known.state.due == NOW


def test_the_age_and_failures_of_a_sync_are_metrics(known: Synced) -> None:
    known.sync()
    known.clock.now += DAY
    known.slate.fail("error-before", path="/sections", times=100)
    with pytest.raises(LmsError):
        known.sync()
    shown = known.run(lambda gateway: exposition(gateway.metrics, "1")).decode()
    labels = f'{{district="{DISTRICT}",lms="slate"}}'
    assert f"passback_lms_sync_age_seconds{labels} 86400.0" in shown
    assert f"passback_lms_sync_failures{labels} 1.0" in shown
