"""What SQLite does when the disk is full, the file is read-only, or another process writes."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from passback.store.engine.database import Connection, StoreError, StoreUnavailable
from passback.store.engine.sqlite import SqliteDatabase
from support.store import add, ids, make_table


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    with contextlib.closing(SqliteDatabase(tmp_path / "passback.db")) as database:
        make_table(database)
        yield database


def writer(database: SqliteDatabase) -> sqlite3.Connection:
    """The connection that every write goes through."""
    connection = database.write_now(lambda conn: conn)
    assert isinstance(connection, sqlite3.Connection)
    return connection


def test_many_writes_share_commits(database: SqliteDatabase) -> None:
    connection = writer(database)
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    connection.set_trace_callback(count)

    async def scenario() -> None:
        await asyncio.gather(*(database.write(add(number)) for number in range(500)))

    asyncio.run(scenario())
    assert ids(database) == list(range(500))
    assert commits < 50


def test_a_read_sees_one_state_while_another_process_writes(database: SqliteDatabase, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "passback.db", isolation_level=None)

    def read(conn: Connection) -> tuple[int, int]:
        before = conn.execute("SELECT COUNT(*) FROM notes").fetchone()[0]
        other.execute("INSERT INTO notes VALUES (99, '')")
        return before, conn.execute("SELECT COUNT(*) FROM notes").fetchone()[0]

    assert database.read_now(read) == (0, 0)
    other.close()


def test_a_read_only_store_says_so_and_keeps_what_it_has(database: SqliteDatabase) -> None:
    connection = writer(database)
    database.write_now(add(1))
    connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreUnavailable, match="readonly"):
        asyncio.run(database.write(add(2)))
    assert ids(database) == [1]


def test_a_locked_file_is_waited_for_once(database: SqliteDatabase) -> None:
    connection = writer(database)
    other = sqlite3.connect(str(database.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    connection.execute("PRAGMA busy_timeout = 20")
    begun: list[str] = []
    connection.set_trace_callback(begun.append)
    with pytest.raises(StoreUnavailable, match="locked"):
        asyncio.run(database.write(add(1)))
    assert begun == ["BEGIN IMMEDIATE"]
    other.execute("ROLLBACK")
    other.close()
    asyncio.run(database.write(add(2)))
    assert ids(database) == [2]


def test_a_full_disk_refuses_the_write_and_goes_on_when_there_is_room(database: SqliteDatabase) -> None:
    connection = writer(database)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreUnavailable, match="full"):
        asyncio.run(database.write(add(1, "x" * 1_000_000)))
    connection.execute("PRAGMA max_page_count = 1000000")
    asyncio.run(database.write(add(2)))
    assert ids(database) == [2]


def test_a_full_disk_tells_every_write_of_the_batch(database: SqliteDatabase) -> None:
    connection = writer(database)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    async def scenario() -> list[object]:
        writes = [
            database.write(add(number, "x" * size)) for number, size in ((1, 1), (2, 1_000_000), (3, 1))
        ]
        return list(await asyncio.gather(*writes, return_exceptions=True))

    results = asyncio.run(scenario())
    kept = [
        number for number, result in zip((1, 2, 3), results, strict=True) if not isinstance(result, Exception)
    ]
    assert ids(database) == kept
    assert 2 not in kept


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "passback.db"
    path.write_text("This is a letter, not a database. " * 100)
    with pytest.raises(StoreError, match=r"passback\.db.*not a database"):
        SqliteDatabase(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        SqliteDatabase(tmp_path / "file" / "passback.db")


def test_data_that_is_kept_nowhere_leaves_nothing_behind() -> None:
    database = SqliteDatabase(None)
    path = database.path
    assert path is not None
    assert path.exists()
    database.close()
    assert not path.parent.exists()


def test_writes_wait_for_another_process_that_is_writing(database: SqliteDatabase, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "passback.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
    timer.start()
    asyncio.run(database.write(add(1)))
    timer.join()
    other.close()
    assert ids(database) == [1]


def test_the_log_is_folded_into_the_file_while_the_gateway_serves(tmp_path: Path) -> None:
    path = tmp_path / "passback.db"
    with contextlib.closing(SqliteDatabase(path, fold_in_seconds=0.05)) as database:
        make_table(database)
        empty = path.stat().st_size
        asyncio.run(database.write(add(1, "x" * 20_000)))
        deadline = time.monotonic() + 10
        while path.stat().st_size == empty and time.monotonic() < deadline:
            time.sleep(0.02)
        assert path.stat().st_size >= 20_000
        asyncio.run(database.write(add(2)))  # and it goes on


def test_a_reader_does_not_keep_the_log_from_being_folded_in_later(tmp_path: Path) -> None:
    path = tmp_path / "passback.db"
    with contextlib.closing(SqliteDatabase(path, fold_in_seconds=0.05)) as database:
        make_table(database)
        with contextlib.closing(sqlite3.connect(path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            asyncio.run(database.write(add(1, "x" * 20_000)))
            time.sleep(0.2)
            reader.execute("COMMIT")
        deadline = time.monotonic() + 10
        while path.stat().st_size < 20_000 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert path.stat().st_size >= 20_000
