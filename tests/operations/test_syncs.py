"""Operations on syncs. `tests/cli/test_sync.py` has those that read an LMS."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from passback.context import Gateway
from passback.domain.clock import HOUR
from passback.operations import districts, syncs
from passback.operations.errors import NotFound, OperationError
from passback.rosters.progress import Quiet
from passback.store import districts as stored_districts
from passback.store import syncs as stored
from passback.store.engine.database import Opened
from support.sandbox import DISTRICT, NOW


def clock() -> int:
    return NOW


@contextlib.asynccontextmanager
async def never() -> AsyncIterator[Gateway]:
    pytest.fail("nothing is to be carried out here")
    yield


@pytest.fixture
def connected(database: Opened) -> Opened:
    database.write_now(lambda conn: stored_districts.set_lms(conn, DISTRICT, "canvas", "success"))
    return database


def test_a_district_without_an_lms_has_no_syncs(database: Opened) -> None:
    assert not syncs.reads_lms(asyncio.run(districts.find(database, DISTRICT)))
    with pytest.raises(OperationError, match="is not connected to an LMS"):
        asyncio.run(syncs.request(database, DISTRICT, clock))
    with pytest.raises(OperationError, match="is not connected to an LMS"):
        asyncio.run(syncs.schedule(database, DISTRICT, HOUR, clock))
    assert database.read_now(lambda conn: stored.find(conn, DISTRICT)) is None


def test_an_unknown_district_is_not_found(database: Opened) -> None:
    with pytest.raises(NotFound):
        asyncio.run(syncs.request(database, "x", clock))
    with pytest.raises(NotFound):
        asyncio.run(syncs.status(database, "x"))


def test_it_is_scheduled_or_done_on_request(connected: Opened) -> None:
    assert asyncio.run(syncs.schedule(connected, DISTRICT, HOUR, clock)).every == HOUR
    off = asyncio.run(syncs.schedule(connected, DISTRICT, None, clock))
    assert (off.every, off.due) == (None, None)
    [one] = [it for it in asyncio.run(syncs.status(connected)) if it.district.id == DISTRICT]
    assert one.sync == off


def test_a_request_says_what_is_resumed(connected: Opened) -> None:
    asyncio.run(syncs.schedule(connected, DISTRICT, None, clock))
    assert asyncio.run(syncs.request(connected, DISTRICT, clock, allow_removals=True)) is None
    found = connected.read_now(lambda conn: stored.find(conn, DISTRICT))
    assert found is not None
    assert (found.requested, found.removals) == (NOW, 1)
    assert syncs.resumes_from(replace(found, phase="people", began=NOW - HOUR), NOW) == NOW - HOUR


def test_it_runs_while_a_process_holds_it(connected: Opened) -> None:
    sync = asyncio.run(syncs.schedule(connected, DISTRICT, None, clock))
    held = replace(sync, worker="w", leased_until=NOW + 1)
    assert [syncs.is_running(it, NOW) for it in (sync, held, replace(held, leased_until=NOW))] == [
        False,
        True,
        False,
    ]


def test_one_that_has_ended_is_not_carried_out(connected: Opened) -> None:
    sync = asyncio.run(syncs.schedule(connected, DISTRICT, None, clock))
    assert asyncio.run(syncs.follow(connected, DISTRICT, never, clock, Quiet())) == sync


def test_a_district_that_is_disconnected_meanwhile_ends_it(connected: Opened) -> None:
    with pytest.raises(OperationError, match="was disconnected meanwhile"):
        asyncio.run(syncs.follow(connected, DISTRICT, never, clock, Quiet()))
