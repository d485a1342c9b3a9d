"""Deciding by hand which of the LMS's sections and people the roster's are."""

from __future__ import annotations

import asyncio

import pytest

from passback.app import build_gateway
from passback.domain.clock import HOUR
from passback.operations import matches
from passback.operations.errors import NotFound, OperationError
from passback.settings import Settings
from passback.store import deliveries, districts, matching, syncs
from passback.store.engine.database import Connection, Opened
from support.delivery import delivery
from support.sandbox import DISTRICT, NOW, SECTION, STUDENTS

ONE, OTHER = STUDENTS[:2]


def clock() -> int:
    return NOW


@pytest.fixture
def undecided(database: Opened) -> Opened:
    """A database with two students, each of whom may be two people of the LMS's."""

    def write(conn: Connection) -> None:
        districts.set_lms(conn, DISTRICT, "canvas", "success")
        for id_ in (ONE, OTHER):
            conn.execute("UPDATE users SET lms_id = NULL, matched_by = NULL WHERE id = :id", {"id": id_})
            for lms_id in ("77", "78"):
                conn.execute(
                    "INSERT INTO match_candidates (district_id, id, lms_id, name) VALUES (:district, :id, :lms, 'x')",
                    {"district": DISTRICT, "id": id_, "lms": lms_id},
                )

    database.write_now(write)
    return database


async def decide(database: Opened, our_id: str, lms_id: str) -> matches.Decided:
    gateway = build_gateway(database, Settings(data=":memory:"), clock)
    try:
        return await matches.decide(gateway, our_id, lms_id)
    finally:
        await gateway.connectors.close()


def test_candidates_are_shown_and_chosen(undecided: Opened) -> None:
    found = asyncio.run(matches.status(undecided, DISTRICT))
    assert [it.id for it in found.candidates[ONE]] == ["77", "78"]
    one, other = asyncio.run(matches.undecided(undecided, DISTRICT))
    assert asyncio.run(matches.choose(undecided, one, "77", clock))
    decision = asyncio.run(matches.decision(undecided, other))
    assert decision is not None
    assert [it.id for it in decision.candidates] == ["78"]
    assert asyncio.run(matches.decision(undecided, one)) is None
    assert not asyncio.run(matches.choose(undecided, one, "78", clock))
    names = undecided.read_now(lambda conn: conn.execute("SELECT id, name FROM lms_accounts").fetchall())
    assert [tuple(it) for it in names] == [("77", "x")], "as it was accepted"


@pytest.mark.parametrize("our_id", [ONE, SECTION])
def test_a_grade_that_waits_is_tried_as_soon_as_its_match_is_decided(undecided: Opened, our_id: str) -> None:
    waiting = [
        delivery("grade", user_id=ONE, due=NOW + HOUR),
        delivery("elsewhere", section_id="s" * 24, lane="other", due=NOW + HOUR),
        delivery("held", lane="held", due=None),
    ]
    undecided.write_now(lambda conn: deliveries.add(conn, waiting))
    asyncio.run(matches.clear(undecided, our_id, clock))
    asyncio.run(decide(undecided, our_id, "77"))
    found = [undecided.read_now(lambda conn, it=it: deliveries.find(conn, it.id)) for it in waiting]  # type: ignore[misc]
    assert [it and it.due for it in found] == [NOW, NOW + HOUR, None]


def test_two_are_never_the_same(undecided: Opened) -> None:
    one, other = asyncio.run(matches.undecided(undecided, DISTRICT))
    asyncio.run(matches.choose(undecided, one, "77", clock))
    with pytest.raises(matches.MatchedToAnother, match=f"77 is {one.id} already") as raised:
        asyncio.run(matches.choose(undecided, other, "77", clock))
    assert raised.value.other == one.id
    with pytest.raises(matches.MatchedToAnother):
        asyncio.run(decide(undecided, other.id, "77"))


def test_an_lms_that_cannot_be_asked_leaves_a_doubt(undecided: Opened) -> None:
    decided = asyncio.run(decide(undecided, ONE, "79"))
    assert (decided.district_id, decided.sync_requested) == (DISTRICT, False)
    assert "is not connected to an LMS" in (decided.doubt or "")
    asyncio.run(matches.clear(undecided, ONE, clock))
    found = undecided.read_now(lambda conn: matching.find(conn, ONE))
    assert found is not None
    assert found.lms_id is None


def test_the_people_of_a_decided_section_are_matched_by_a_sync(undecided: Opened) -> None:
    undecided.write_now(lambda conn: syncs.schedule(conn, DISTRICT, None, 0, 0))
    assert asyncio.run(decide(undecided, SECTION, "79")).sync_requested
    found = undecided.read_now(lambda conn: syncs.find(conn, DISTRICT))
    assert found is not None
    assert found.requested == NOW


def test_clearing_a_match_says_what_it_was_and_asks_for_a_sync(undecided: Opened) -> None:
    undecided.write_now(lambda conn: syncs.schedule(conn, DISTRICT, None, 0, 0))
    cleared = asyncio.run(matches.clear(undecided, SECTION, clock))
    assert (cleared.was.lms_id, cleared.was.id, cleared.sync_requested) == (SECTION, SECTION, True)
    found = undecided.read_now(lambda conn: syncs.find(conn, DISTRICT))
    assert found is not None
    assert found.requested == NOW


def test_clearing_what_is_not_matched_changes_nothing(undecided: Opened) -> None:
    undecided.write_now(lambda conn: syncs.schedule(conn, DISTRICT, None, 0, 0))
    before = asyncio.run(matches.undecided(undecided, DISTRICT))
    cleared = asyncio.run(matches.clear(undecided, ONE, clock))
    assert (cleared.was.lms_id, cleared.sync_requested) == (None, False)
    assert asyncio.run(matches.undecided(undecided, DISTRICT)) == before
    found = undecided.read_now(lambda conn: syncs.find(conn, DISTRICT))
    assert found is not None
    assert found.requested is None


@pytest.mark.parametrize("lms_id", ["", "../x", "a b", "a?b", "a\nb"])
def test_what_cannot_be_an_id_is_not_set(undecided: Opened, lms_id: str) -> None:
    with pytest.raises(OperationError, match="cannot be an LMS's id"):
        asyncio.run(decide(undecided, ONE, lms_id))


def test_what_does_not_exist_is_not_found(database: Opened) -> None:
    for one in (matches.status(database, "x"), matches.undecided(database, "x")):
        with pytest.raises(NotFound, match="there is no district x"):
            asyncio.run(one)
    with pytest.raises(NotFound, match="there is no section or user x"):
        asyncio.run(decide(database, "x", "79"))
    with pytest.raises(NotFound, match="there is no section or user x"):
        asyncio.run(matches.clear(database, "x", clock))


def test_the_built_in_gradebook_has_nothing_to_decide(database: Opened) -> None:
    for one in (decide(database, ONE, "79"), matches.clear(database, ONE, clock)):
        with pytest.raises(OperationError, match="uses the built-in gradebook"):
            asyncio.run(one)
