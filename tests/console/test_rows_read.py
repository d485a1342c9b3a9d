"""A page reads as many rows in a large district, on PostgreSQL: each statement tells how many its plan has touched."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from bench import console_data
from bench.console import pages

from passback.operations import accounts
from passback.store.engine import migrate
from passback.store.engine.database import Rows
from passback.store.engine.open import connect
from passback.store.engine.postgres import PostgresConnection
from support.console import OWNER, PASSWORD, Visitor
from support.postgres import database_of
from support.sandbox import NOW, Sandbox, serving

SIZES = (1_000, 6_000)
"""How many students the districts have: the small one has a whole page of whatever is listed."""
MORE = 1.3
FREE = 1_000
"""So many rows may be added in any case: of somebody who did one thing in ten, a page takes the last thousand lines."""
NAMES = [it.name for it in pages(SIZES[0], NOW)]


class Touched:
    """How many rows the plans of statements have looked at, with those that their filters dropped."""

    def __init__(self) -> None:
        self.rows = 0.0
        self.by_table: dict[str, float] = {}
        self._execute = PostgresConnection.execute

    def execute(self, connection: PostgresConnection, sql: str, parameters: Mapping[str, Any] | None) -> Rows:
        """Explain a statement that reads, and carry it out."""
        if sql.lstrip().startswith(("SELECT", "WITH")):
            self._execute(connection, "SET enable_seqscan = off", None)
            explained = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}"
            [(plan,)] = self._execute(connection, explained, parameters).fetchall()
            self._add(plan[0]["Plan"])
        return self._execute(connection, sql, parameters)

    def _add(self, node: Mapping[str, Any]) -> None:
        if table := node.get("Relation Name"):
            dropped = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            rows = (node["Actual Rows"] + dropped) * node["Actual Loops"]
            self.rows += rows
            self.by_table[table] = self.by_table.get(table, 0.0) + rows
        for below in node.get("Plans", ()):
            self._add(below)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[tuple[Visitor, Mapping[str, str]]]]:
    """Visitors of a small and of a large district, with the paths of the pages."""
    with contextlib.ExitStack() as ends:
        found = []
        for students in SIZES:
            sandbox = ends.enter_context(_served(tmp_path_factory.mktemp("data"), students))
            visitor = ends.enter_context(contextlib.closing(Visitor(sandbox.port)))
            found.append((visitor.sign_in(OWNER), {it.name: it.path for it in pages(students, NOW)}))
        yield found


@contextlib.contextmanager
def _served(folder: Path, students: int) -> Iterator[Sandbox]:
    with database_of("postgresql") as url:
        with contextlib.closing(connect(url, None)) as database:
            migrate.prepare(database, "production")
            console_data.fill(database, students, NOW)
            console_data.analyse(database)
        with serving(folder, kind="production", database_url=url) as sandbox:
            made = accounts.create(sandbox.gateway.database, OWNER, "owner", sandbox.clock, password=PASSWORD)
            asyncio.run(made)
            yield sandbox


def test_a_page_reads_as_many_rows_in_a_large_district(
    served: Sequence[tuple[Visitor, Mapping[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test of all pages: to fill the districts takes longer than to read them."""
    more = {}
    for name in NAMES:
        small, large = (_touched(visitor, paths[name], monkeypatch) for visitor, paths in served)
        if large.rows > MORE * small.rows + FREE:
            more[name] = small.by_table, large.by_table
    assert more == {}


def _touched(visitor: Visitor, path: str, monkeypatch: pytest.MonkeyPatch) -> Touched:
    """What the plans of a page touch."""
    visitor.get(path)  # what is loaded with the first visit
    touched = Touched()
    with monkeypatch.context() as patch:
        patch.setattr(
            PostgresConnection,
            "execute",
            lambda conn, sql, parameters=None: touched.execute(conn, sql, parameters),
        )
        assert visitor.get(path).status in (200, 303)
    return touched
