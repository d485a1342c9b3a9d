"""A page costs the same in a large district: counted are the instructions of SQLite's virtual machine."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import console_data
from bench.console import pages

from passback.operations import accounts
from passback.store.engine import migrate
from passback.store.engine.database import Connection
from passback.store.engine.open import connect
from support.console import OWNER, PASSWORD, Visitor
from support.sandbox import NOW, Sandbox, serving

SIZES = (1_000, 4_000)
"""How many students the districts have: the small one has a whole page of whatever is listed."""
MORE = 1.3
FREE = 500
"""So many instructions may be added in any case, such as for one more level of an index."""
NAMES = [it.name for it in pages(SIZES[0], NOW)]


class Counting:
    """Somebody with a browser, and the instructions that their visits take."""

    def __init__(self, served: Sandbox, students: int) -> None:
        self._visitor = Visitor(served.port).sign_in(OWNER)
        self._paths = {it.name: it.path for it in pages(students, NOW)}
        self._count = 0
        served.gateway.database.read_now(self._watch)

    def close(self) -> None:
        self._visitor.close()

    def _watch(self, connection: Connection) -> None:
        assert isinstance(connection, sqlite3.Connection)
        connection.set_progress_handler(self._add, 10)

    def _add(self) -> int:
        self._count += 10
        return 0

    def instructions(self, name: str) -> int:
        """How many a page takes: the least of some visits, as others read, too."""
        return min(self._visit(self._paths[name]) for _ in range(3))

    def _visit(self, path: str) -> int:
        self._count = 0
        reply = self._visitor.get(path)
        assert reply.status in (200, 303), (path, reply.status)
        return self._count


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Counting]]:
    """Visits to a small and to a large district."""
    with contextlib.ExitStack() as ends:
        served = [ends.enter_context(_served(tmp_path_factory.mktemp("data"), it)) for it in SIZES]
        yield [
            ends.enter_context(contextlib.closing(Counting(*it))) for it in zip(served, SIZES, strict=True)
        ]


@contextlib.contextmanager
def _served(folder: Path, students: int) -> Iterator[Sandbox]:
    with contextlib.closing(connect("", folder / "passback.db")) as database:
        migrate.prepare(database, "production")
        console_data.fill(database, students, NOW)
        database.write_now(
            lambda conn: conn.execute("UPDATE deliveries SET made_up = 1 WHERE state = 'failed'")
        )
    with serving(folder, kind="production") as served:
        asyncio.run(accounts.create(served.gateway.database, OWNER, "owner", served.clock, password=PASSWORD))
        yield served


def test_a_page_costs_the_same_in_a_large_district(visits: list[Counting]) -> None:
    """One test of all pages: to fill the districts takes longer than to visit them."""
    more = {}
    for name in NAMES:
        small, large = (it.instructions(name) for it in visits)
        if large > MORE * small + FREE:
            more[name] = small, large
    assert more == {}
