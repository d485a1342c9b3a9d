"""What a process has in flight, and whether it may act."""

from __future__ import annotations

import asyncio

import pytest

from passback.in_flight import InFlight
from support.delivery import delivery


async def _forever() -> None:
    await asyncio.sleep(60)


def test_what_waits_for_clients_is_delivered_or_closed_is_in_flight() -> None:
    async def scenario() -> None:
        one = InFlight()
        groups, closing = asyncio.create_task(_forever()), asyncio.create_task(_forever())
        one.groups[groups] = [delivery("d1"), delivery("d2")]
        one.closing[closing] = [delivery("d3")]
        with one.for_clients(["d4"]):
            assert one.ids() == {"d1", "d2", "d3", "d4"}
        assert one.ids() == {"d1", "d2", "d3"}
        for task in (groups, closing):
            task.cancel()

    asyncio.run(scenario())


def test_what_is_in_flight_is_not_known_while_more_is_claimed() -> None:
    one = InFlight()
    one.claiming = True
    assert one.ids() is None


def test_a_process_may_act_for_three_quarters_of_its_lease_after_a_beat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("passback.in_flight.seconds", lambda: now[0])
    one = InFlight(lease=20.0)
    now[0] = 114.9
    assert one.may_act()
    now[0] = 115.0
    assert not one.may_act()
    one.beat(114.0)
    assert one.may_act()


def test_a_wake_that_came_before_one_sleeps_is_not_lost() -> None:
    async def scenario() -> None:
        one = InFlight()
        one.sleep()
        one.wake()
        async with asyncio.timeout(5):
            await one.woken(60)

    asyncio.run(scenario())
