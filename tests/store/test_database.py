"""The promises of the store: durable when answered, all or nothing, one that fails takes nothing else along."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from passback.store.database import Connection, Database, StoreError, StoreUnavailable, Transaction
from support import stored


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with contextlib.closing(Database(tmp_path / "passback.db")) as database:
        database.write_now(lambda conn: conn.execute("CREATE TABLE notes (id BIGINT PRIMARY KEY, note TEXT)"))
        yield database


def add(number: int, note: str = "") -> Transaction[int]:
    def transaction(conn: Connection) -> int:
        conn.execute("INSERT INTO notes VALUES (:id, :note)", {"id": number, "note": note})
        return number

    return transaction


def ids(database: Database) -> list[int]:
    return [
        row[0]
        for row in database.read_now(lambda conn: conn.execute("SELECT id FROM notes ORDER BY id").fetchall())
    ]


def test_a_write_returns_its_result_and_the_next_read_sees_it(database: Database) -> None:
    async def scenario() -> tuple[int, list[int]]:
        return await database.write(add(7)), ids(database)

    assert asyncio.run(scenario()) == (7, [7])


def test_a_failing_write_takes_no_other_of_its_batch_along(database: Database) -> None:
    async def scenario() -> list[object]:
        writes = [database.write(add(number)) for number in (1, 2, 1, 3)]
        return list(await asyncio.gather(*writes, return_exceptions=True))

    results = asyncio.run(scenario())
    assert isinstance(results[2], sqlite3.IntegrityError)
    assert ids(database) == [1, 2, 3]


def test_many_writes_share_commits(database: Database) -> None:
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    database._writer.set_trace_callback(count)

    async def scenario() -> None:
        await asyncio.gather(*(database.write(add(number)) for number in range(500)))

    asyncio.run(scenario())
    assert ids(database) == list(range(500))
    assert commits < 50


def test_a_write_whose_client_has_gone_still_happens(database: Database) -> None:
    async def scenario() -> None:
        task = asyncio.create_task(database.write(add(1)))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await database.write(add(2))

    asyncio.run(scenario())
    assert ids(database) == [1, 2]


def test_a_read_sees_one_state_while_another_process_writes(database: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "passback.db", isolation_level=None)

    def read(conn: Connection) -> tuple[int, int]:
        before = conn.execute("SELECT COUNT(*) FROM notes").fetchone()[0]
        other.execute("INSERT INTO notes VALUES (99, '')")
        return before, conn.execute("SELECT COUNT(*) FROM notes").fetchone()[0]

    assert database.read_now(read) == (0, 0)
    other.close()


def test_a_read_only_store_says_so_and_keeps_what_it_has(database: Database) -> None:
    database.write_now(add(1))
    database._writer.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreUnavailable, match="readonly"):
        asyncio.run(database.write(add(2)))
    assert ids(database) == [1]


def test_a_full_disk_refuses_the_write_and_goes_on_when_there_is_room(database: Database) -> None:
    pages = database._writer.execute("PRAGMA page_count").fetchone()[0]
    database._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreUnavailable, match="full"):
        asyncio.run(database.write(add(1, "x" * 1_000_000)))
    database._writer.execute("PRAGMA max_page_count = 1000000")
    asyncio.run(database.write(add(2)))
    assert ids(database) == [2]


def test_a_full_disk_tells_every_write_of_the_batch(database: Database) -> None:
    pages = database._writer.execute("PRAGMA page_count").fetchone()[0]
    database._writer.execute(f"PRAGMA max_page_count = {pages + 2}")

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
        Database(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        Database(tmp_path / "file" / "passback.db")


def test_close_finishes_the_queued_writes(tmp_path: Path) -> None:
    database = Database(tmp_path / "passback.db")
    database.write_now(lambda conn: conn.execute("CREATE TABLE notes (id BIGINT PRIMARY KEY, note TEXT)"))

    async def scenario() -> None:
        tasks = [asyncio.ensure_future(database.write(add(number))) for number in range(100)]
        await asyncio.sleep(0)
        await asyncio.to_thread(database.close)
        await asyncio.gather(*tasks)

    asyncio.run(scenario())
    assert stored(tmp_path / "passback.db", "SELECT COUNT(*) FROM notes") == [(100,)]


def test_data_that_is_kept_nowhere_leaves_nothing_behind() -> None:
    database = Database(None)
    path = database.path
    assert path is not None
    assert path.exists()
    database.close()
    assert not path.parent.exists()


_WRITER = """
import asyncio, sys
from pathlib import Path
from passback.store.database import Database

database = Database(Path(sys.argv[1]))
database.write_now(lambda conn: conn.execute("CREATE TABLE IF NOT EXISTS notes (id BIGINT PRIMARY KEY, pair TEXT)"))
start = 1 + (database.read_now(lambda conn: conn.execute("SELECT MAX(id) FROM notes").fetchone()[0]) or 0)

async def write(number):
    def transaction(conn):
        conn.execute("INSERT INTO notes VALUES (:id, 'first')", {"id": 2 * number})
        conn.execute("INSERT INTO notes VALUES (:id, 'second')", {"id": 2 * number + 1})
    await database.write(transaction)
    print(2 * number, flush=True)

async def main():
    number = start
    while True:
        await asyncio.gather(*(write(number + i) for i in range(8)))
        number += 8

asyncio.run(main())
"""


def test_kill_9_at_any_moment_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    path = tmp_path / "passback.db"
    answered: set[int] = set()
    for wanted in (1, 30, 200, 77):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(wanted):
            answered.add(int(process.stdout.readline()))
        os.kill(process.pid, signal.SIGKILL)
        # What the process had written to the pipe before it died was answered too.
        answered.update(
            int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")
        )
        process.wait()
        process.stdout.close()
    kept = {row[0] for row in stored(path, "SELECT id FROM notes")}
    assert answered <= kept
    assert {number ^ 1 for number in kept} == kept, "a transaction is half there"
    assert stored(path, "PRAGMA integrity_check") == [("ok",)]


def test_writes_wait_for_another_process_that_is_writing(database: Database, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "passback.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
    timer.start()
    asyncio.run(database.write(add(1)))
    timer.join()
    other.close()
    assert ids(database) == [1]
