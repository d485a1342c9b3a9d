"""Operations on deliveries."""

from __future__ import annotations

import asyncio

import pytest

from passback.delivery import ledger
from passback.domain.clock import DAY, HOUR
from passback.domain.delivery import Delivered
from passback.operations import deliveries
from passback.operations.errors import NotFound, OperationError
from passback.store import workers
from passback.store.engine.database import Connection, Opened
from passback.store.workers import RegisteredWorker
from support.delivery import delivery
from support.sandbox import DISTRICT, NOW


def clock() -> int:
    return NOW


@pytest.fixture(autouse=True)
def filled(database: Opened) -> None:
    """A delivery that was delivered, and one that waits."""

    def fill(conn: Connection) -> None:
        workers.add(conn, RegisteredWorker("w", "", 0, 0), NOW)
        ledger.accept(conn, delivery("done", {"grade_points": "5"}, lane="1"))
        ledger.finish(conn, ledger.claim(conn, "w", NOW, 1), [Delivered()], NOW)
        ledger.accept(conn, delivery("waits", lane="2", due=NOW + DAY, expires=NOW + DAY))

    database.write_now(fill)


def test_they_are_listed_by_state_and_district(database: Opened) -> None:
    listed = asyncio.run(deliveries.list_newest(database, limit=9, district_id=DISTRICT, states=["waiting"]))
    assert [it.delivery.id for it in listed] == ["waits"]
    assert len(asyncio.run(deliveries.list_newest(database, limit=1))) == 1
    with pytest.raises(NotFound, match="there is no district x"):
        asyncio.run(deliveries.list_newest(database, limit=1, district_id="x"))


def test_one_that_waits_is_tried_now_or_cancelled(database: Opened) -> None:
    asyncio.run(deliveries.retry(database, "waits", clock))
    assert asyncio.run(deliveries.find(database, "waits")).delivery.due == NOW
    asyncio.run(deliveries.cancel(database, "waits", clock))
    assert asyncio.run(deliveries.find(database, "waits")).delivery.state == "cancelled"


def test_one_that_was_delivered_stays_delivered(database: Opened) -> None:
    with pytest.raises(OperationError, match="has nothing left to deliver"):
        asyncio.run(deliveries.retry(database, "done", clock))
    with pytest.raises(OperationError, match="delivery done is not waiting"):
        asyncio.run(deliveries.cancel(database, "done", clock))
    assert asyncio.run(deliveries.find(database, "done")).delivery.state == "delivered"


def test_one_that_does_not_exist_is_not_found(database: Opened) -> None:
    for one in (
        deliveries.retry(database, "x", clock), deliveries.cancel(database, "x", clock), deliveries.find(database, "x"),
    ):  # fmt: skip
        with pytest.raises(NotFound, match="there is no delivery x"):
            asyncio.run(one)


def test_one_that_stands_for_many_is_listed_and_shown_with_their_tries(database: Opened) -> None:
    def fill(conn: Connection) -> None:
        whole = delivery("whole", {}, operation="update_submissions", user_id=None, lane="whole", due=None)
        part = delivery("part", lane="3", batch_id="whole", position=0, warnings=("ODD",))
        ledger.accept_many(conn, whole, [part])
        ledger.finish(conn, ledger.claim(conn, "w", NOW, 1), [Delivered(warnings=("ODD",))], NOW)

    database.write_now(fill)
    shown = asyncio.run(deliveries.find(database, "whole")).delivery
    assert (shown.state, shown.attempts, shown.warnings) == ("delivered", 1, ("ODD",))
    listed = {it.delivery.id: it.delivery for it in asyncio.run(deliveries.list_newest(database, limit=9))}
    assert listed["whole"].attempts == 1


def test_how_long_they_are_tried_is_set_and_unset(database: Opened) -> None:
    found = []
    for milliseconds in (HOUR, None):
        asyncio.run(deliveries.try_for(database, DISTRICT, milliseconds))
        found.append(asyncio.run(deliveries.tried_for(database, DISTRICT)))
    assert found == [HOUR, 72 * HOUR]
    with pytest.raises(OperationError, match="longer than zero"):
        asyncio.run(deliveries.try_for(database, DISTRICT, 0))
    with pytest.raises(NotFound):
        asyncio.run(deliveries.try_for(database, "x", HOUR))
    with pytest.raises(NotFound):
        asyncio.run(deliveries.tried_for(database, "x"))
