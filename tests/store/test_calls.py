"""A district's deliveries, which are merged from runs of one index."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from passback.sandbox.seed import seed
from passback.store import calls, deliveries
from passback.store.engine import migrate
from passback.store.engine.database import Connection, Opened
from passback.store.engine.open import connect
from support.delivery import delivery
from support.postgres import DATABASES, database_of
from support.sandbox import DISTRICT, NOW

SIZES = (1_000, 8_000)
MORE = 1.3


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    with (
        database_of(request.param) as url,
        contextlib.closing(connect(url, tmp_path / "passback.db")) as opened,
    ):
        migrate.prepare(opened, "sandbox")
        opened.write_now(lambda conn: seed(conn, NOW))
        yield opened


def test_they_are_of_all_kinds_and_applications_and_the_newest_first(database: Opened) -> None:
    def fill(conn: Connection) -> None:
        made = [
            delivery("1", lane="1"),
            delivery("2", lane="2", operation="send_webhook", destination="hook"),
            delivery("3", lane="3", application="Other", state="refused"),
            delivery("4", lane="4", operation="update_submissions"),
            delivery("5", lane="5", batch_id="4", position=0),
            delivery("6", lane="6", district_id="4fee004cca2e43cf28000000"),
            delivery("7", lane="7", state="refused"),
        ]
        deliveries.add(conn, made)

    database.write_now(fill)
    found = database.read_now(lambda conn: calls.deliveries(conn, DISTRICT, limit=9))
    newest = database.read_now(lambda conn: calls.deliveries(conn, DISTRICT, limit=2))
    refused = database.read_now(lambda conn: calls.deliveries(conn, DISTRICT, limit=9, states=["refused"]))
    assert (found, newest, refused) == (["7", "4", "3", "2", "1"], ["7", "4"], ["7", "3"])


def test_the_newest_cost_the_same_however_many_there_are(tmp_path: Path) -> None:
    small, large = (_instructions(tmp_path / f"{size}.db", size) for size in SIZES)
    assert large <= MORE * small


def _instructions(path: Path, size: int) -> int:
    """How many instructions of SQLite's virtual machine it takes to find the newest of so many."""
    count = 0

    def add() -> int:
        nonlocal count
        count += 1
        return 0

    def counted(conn: Connection) -> None:
        assert isinstance(conn, sqlite3.Connection)
        conn.set_progress_handler(add, 1)
        assert len(calls.deliveries(conn, DISTRICT, limit=50)) == 50
        conn.set_progress_handler(None, 1)

    with contextlib.closing(connect("", path)) as database:
        migrate.prepare(database, "sandbox")
        database.write_now(lambda conn: seed(conn, NOW))
        made = [delivery(f"{number:05}", lane=f"{number}") for number in range(size)]
        database.write_now(lambda conn: deliveries.add(conn, made))
        database.read_now(counted)
    return count
