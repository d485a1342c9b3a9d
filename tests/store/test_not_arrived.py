"""What has not arrived, part by part, on every database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from passback.domain.delivery import Delivery
from passback.sandbox.seed import seed
from passback.store import deliveries, not_arrived
from passback.store.engine import migrate
from passback.store.engine.database import Database
from passback.store.engine.open import connect
from passback.store.not_arrived import Backlog, Part
from support.delivery import delivery
from support.postgres import DATABASES, database_of
from support.sandbox import DISTRICT, NOW


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    with database_of(request.param, "sandbox") as url, contextlib.closing(connect(url, None)) as opened:
        migrate.prepare(opened, "sandbox")
        opened.write_now(lambda conn: seed(conn, NOW))
        yield opened


def _add(database: Database, added: Sequence[Delivery]) -> None:
    database.write_now(lambda conn: deliveries.add(conn, added))


def _grade(delivery_id: str, state: str, lane: str | None = None, rank: int = 1, **changes: Any) -> Delivery:
    return delivery(delivery_id, state=state, lane=lane or delivery_id, rank=rank, **changes)


def _parts(database: Database, limit: int, **asked: str) -> list[list[str]]:
    """All parts of the list."""
    found, before = [], None
    while True:
        part: Part = database.read_now(
            lambda conn, before=before: not_arrived.part(conn, DISTRICT, limit=limit, before=before, **asked)  # type: ignore[misc]
        )
        found.append(part.ids)
        before = part.next
        if before is None:
            return found


def test_the_list_has_what_is_open_and_what_ended_without_success_the_newest_first(
    database: Database,
) -> None:
    states = ("waiting", "refused", "delivered", "failed", "cancelled", "delivering", "expired")
    _add(database, [_grade(f"d{nth}", state) for nth, state in enumerate(states)])
    _add(database, [_grade("d7", "failed", operation="send_webhook")])
    assert _parts(database, 2) == [["d6", "d5"], ["d3", "d1"], ["d0"]]


def test_a_later_change_that_arrived_makes_up_for_what_ended_but_not_for_what_is_open(
    database: Database,
) -> None:
    _add(database, [_grade("d1", "failed", "a"), _grade("d2", "waiting", "a"), _grade("d3", "failed", "b")])
    _add(database, [_grade("d4", "delivered", "a", 2), _grade("d5", "delivered", "b", 0)])
    for _ in range(2):
        assert _parts(database, 9) == [["d3", "d2"]]
        assert database.read_now(lambda conn: not_arrived.backlog(conn, DISTRICT)) == Backlog(1, 1, NOW)
        ids, _ = database.read_now(lambda conn: not_arrived.made_up(conn, not_arrived.FIRST, 9))
        database.write_now(lambda conn, ids=ids or ["d1"]: not_arrived.mark_made_up(conn, ids))  # type: ignore[misc]
    assert ids == []


def test_an_application_is_listed_by_itself(database: Database) -> None:
    states = ("waiting", "failed")
    _add(
        database,
        [_grade(f"d{it}", states[it % 2], application="Rare" if it % 3 == 0 else "App") for it in range(9)],
    )
    assert _parts(database, 2, application="Rare") == [["d6", "d3"], ["d0"]]


def test_the_list_goes_on_behind_many_that_were_made_up_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(not_arrived, "MOST_SEEN", 4)
    _add(database, [_grade("d0", "failed")])
    _add(database, [_grade(f"d{it}", "failed", "a", it) for it in range(1, 7)])
    _add(database, [_grade("d8", "delivered", "a", 8)])
    assert _parts(database, 3) == [[], ["d0"]]


def test_all_that_ended_is_looked_at_step_by_step(database: Database) -> None:
    _add(database, [_grade(f"d{it}", "failed", "a", it) for it in range(5)])
    _add(database, [_grade("d5", "delivered", "a", 5)])
    place: not_arrived.Place | None = not_arrived.FIRST
    found = []
    while place is not None:
        ids, place = database.read_now(
            lambda conn, after=place: not_arrived.made_up(conn, after, 2)  # type: ignore[misc]
        )
        found.append(ids)
    assert found == [["d0", "d1"], ["d2", "d3"], ["d4"]]


def test_no_more_is_counted_than_is_said(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(not_arrived, "COUNTED", 2)
    _add(
        database,
        [_grade(f"d{it}", "failed") for it in range(5)] + [_grade(f"e{it}", "waiting") for it in range(5)],
    )
    assert database.read_now(lambda conn: not_arrived.backlog(conn, DISTRICT)) == Backlog(3, 3, NOW)
