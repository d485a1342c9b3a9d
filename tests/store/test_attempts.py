"""The attempts of deliveries, on every database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from passback.domain.clock import DAY
from passback.sandbox.seed import seed
from passback.store import attempts, deliveries
from passback.store.attempts import FIRST_KEPT, LAST_KEPT, Attempt
from passback.store.engine import migrate
from passback.store.engine.database import Database
from passback.store.engine.open import connect
from support.delivery import delivery
from support.postgres import DATABASES, database_of
from support.sandbox import NOW


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with the delivery ``d1``, which was delivered."""
    with database_of(request.param) as url, contextlib.closing(connect(url, None)) as opened:
        migrate.prepare(opened, "sandbox")
        opened.write_now(lambda conn: seed(conn, NOW))
        one = delivery("d1", state="delivered", finished=NOW, due=None)
        opened.write_now(lambda conn: deliveries.add(conn, [one]))
        yield opened


def _attempt(number: int) -> Attempt:
    return Attempt(
        number=number,
        began=NOW,
        ended=NOW + number,
        result="failed",
        status=500,
        said="PUT /x: status 503",
        exchanges=("GET /x: status 200", "PUT /x: status 503"),
    )


def _add(database: Database, made: list[Attempt]) -> None:
    database.write_now(lambda conn: attempts.add(conn, [("d1", it) for it in made]))


def _kept(database: Database) -> list[Attempt]:
    return database.read_now(lambda conn: attempts.find_all(conn, "d1"))


def test_an_attempt_is_given_back_as_it_was(database: Database) -> None:
    unknown = Attempt(number=2, began=None, ended=NOW, result="interrupted")
    _add(database, [_attempt(1), unknown])
    assert _kept(database) == [_attempt(1), unknown]


def test_of_many_attempts_the_first_and_the_last_are_kept(database: Database) -> None:
    for number in range(1, 101):
        _add(database, [_attempt(number)])
    numbers = [it.number for it in _kept(database)]
    assert numbers == [*range(1, FIRST_KEPT + 1), *range(101 - LAST_KEPT, 101)]


def test_attempts_go_with_their_delivery(database: Database) -> None:
    _add(database, [_attempt(1)])
    assert database.write_now(lambda conn: deliveries.remove_finished(conn, NOW + DAY, 10)) == 1
    assert _kept(database) == []
