"""A data file is made, brought up to date, or refused with a clear reason."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from passback.store.engine import migrate
from passback.store.engine.database import StoreError
from passback.store.engine.migrate import Kind
from passback.store.engine.sqlite import SqliteDatabase
from passback.store.snapshot import RUNNING, TABLES
from support.sandbox import stored


def prepare(path: Path, kind: Kind = "production") -> None:
    with contextlib.closing(SqliteDatabase(path)) as database:
        migrate.prepare(database, kind)


def change(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_a_new_file_has_every_table_and_says_its_version(tmp_path: Path) -> None:
    with contextlib.closing(SqliteDatabase(tmp_path / "passback.db")) as database:
        migrate.prepare(database, "production")
        assert database.read_now(lambda conn: conn.tables()) == {*TABLES, *RUNNING, "passback_meta"}
        newest = migrate.migrations()[-1][0]
        assert database.read_now(lambda conn: migrate.meta(conn, "schema")) == str(newest)


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "passback.db"
    prepare(path)
    change(path, "INSERT INTO passback_meta VALUES ('mark', '1')")
    prepare(path)
    assert stored(path, "SELECT value FROM passback_meta WHERE name = 'mark'")


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "passback.db"
    prepare(path)
    change(path, "UPDATE passback_meta SET value = '9999' WHERE name = 'schema'")
    with pytest.raises(StoreError, match=r"newer Passback.*9999"):
        prepare(path)


def test_a_foreign_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "passback.db"
    change(path, "CREATE TABLE recipes (name TEXT)")
    with pytest.raises(StoreError, match="not Passback's"):
        prepare(path)
    assert stored(path, "SELECT name FROM sqlite_master") == [("recipes",)]


@pytest.mark.parametrize(("first", "then"), [("sandbox", "production"), ("production", "sandbox")])
def test_a_sandbox_and_a_production_gateway_never_share_a_file(
    tmp_path: Path, first: Kind, then: Kind
) -> None:
    prepare(tmp_path / "passback.db", first)
    with pytest.raises(StoreError, match=f"holds a {first} gateway's data"):
        prepare(tmp_path / "passback.db", then)


def test_a_file_that_lost_its_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "passback.db"
    prepare(path)
    change(path, "DELETE FROM passback_meta WHERE name = 'schema'")
    with pytest.raises(StoreError, match="schema version"):
        prepare(path)


def test_a_migration_that_was_cut_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [(1, "0001_start.sql"), (2, "0002_missing.sql")]
    monkeypatch.setattr(migrate, "migrations", lambda: broken)
    with pytest.raises(FileNotFoundError):
        prepare(tmp_path / "passback.db")
    assert stored(tmp_path / "passback.db", "SELECT * FROM sqlite_master") == []


def test_the_statements_of_a_script_are_told_apart() -> None:
    assert migrate.statements("-- a; comment\nCREATE a;\n\nCREATE b -- why\n;") == ["CREATE a", "CREATE b"]


def test_each_migration_has_a_number_of_its_own() -> None:
    """A data file between two of one number would never get the second. (29 was given twice before any release.)"""
    numbers = [number for number, _ in migrate.migrations() if number != 29]
    assert len(numbers) == len({*numbers})
