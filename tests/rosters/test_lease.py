"""One process at a time holds the lease on a sync."""

from __future__ import annotations

import pytest

from passback.context import Gateway
from passback.delivery import clock_set_back
from passback.domain.clock import DAY, MINUTE
from passback.rosters import lease, read_lms, sync
from passback.rosters.lease import LeaseLost
from passback.rosters.progress import Quiet
from passback.store import districts, syncs
from support.syncs import DISTRICT, Synced


@pytest.mark.parametrize("follows", [True, False])
def test_a_process_that_lost_its_lease_changes_no_roster(known: Synced, follows: bool) -> None:
    known.write(lambda conn: districts.follow_lms(conn, DISTRICT, follows=follows))
    before = known.all()

    class Losing(Quiet):
        def step(self, what: str) -> None:
            if what == ("noting what was before" if follows else "matching"):
                known.change("UPDATE lms_syncs SET worker = 'another'")

    known.ask(removals=True)
    with pytest.raises(LeaseLost):
        known.sync(progress=Losing())
    assert known.all() == before


def test_only_one_holds_it(known: Synced) -> None:
    first = known.claim()
    assert first is not None
    assert known.claim() is None
    known.clock.now += MINUTE
    second = known.claim()
    assert second is not None
    with pytest.raises(LeaseLost):
        known.write(first.renew)
    known.write(second.renew)


def test_a_process_that_lost_its_lease_writes_nothing(known: Synced) -> None:
    async def do(gateway: Gateway) -> None:
        held = await lease.claim(gateway)
        assert held is not None
        known.clock.now += MINUTE
        assert await lease.claim(gateway) is not None
        with pytest.raises(LeaseLost):
            await sync.sync(held, Quiet())

    known.run(do)
    assert (known.execute("SELECT * FROM lms_sections"), known.matched()["u1"]) == ([], None)
    assert known.state.worker is not None


def test_after_a_crash_another_process_resumes(known: Synced) -> None:
    async def do(gateway: Gateway) -> None:
        held = await lease.claim(gateway)
        assert held is not None
        await sync.read(held, Quiet())

    known.run(do)  # the process ends here, after reading everything
    known.asked_of_slate()
    assert (known.claim(), known.district.lms_state) == (None, "matching_in_progress")
    known.clock.now += MINUTE
    known.sync()
    assert (known.asked_of_slate(), known.matched()["u1"]) == ([], "student-1")


def test_a_clock_that_is_set_four_days_ahead_and_back_delays_no_sync(known: Synced) -> None:
    known.write(lambda conn: syncs.begin(conn, DISTRICT, DAY, known.clock()))
    known.clock.now += 4 * DAY
    known.sync()
    known.ask()
    assert known.claim() is not None  # and then it dies
    known.clock.now -= 4 * DAY
    known.write(lambda conn: clock_set_back.pull_in(conn, known.clock()))
    known.clock.now += MINUTE
    assert known.claim() is not None


def test_a_process_that_lost_its_lease_deletes_nothing_that_another_read(known: Synced) -> None:
    async def do(gateway: Gateway) -> None:
        dead = await lease.claim(gateway)
        assert dead is not None
        await sync.read(dead, Quiet())
        known.clock.now += MINUTE
        other = await lease.claim(gateway)
        assert other is not None
        with pytest.raises(LeaseLost):
            await read_lms.clear(dead)

    known.run(do)
    assert len(known.execute("SELECT * FROM lms_sections")) == 2
