"""What SQLite does when the disk is full, the file is read-only, or another process writes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
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


def test_a_locked_file_is_waited_for_once(database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passback.store.engine.sqlite.BUSY_TIMEOUT_SECONDS", 0.02)
    connection = writer(database)
    other = sqlite3.connect(str(database.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun: list[str] = []
    connection.set_trace_callback(begun.append)
    with pytest.raises(StoreUnavailable, match="locked"):
        asyncio.run(database.write(add(1)))
    assert begun.count("BEGIN IMMEDIATE") == 2  # in the event loop, which does not wait, and in the thread
    other.execute("ROLLBACK")
    other.close()
    asyncio.run(database.write(add(2)))
    assert ids(database) == [2]


def test_the_event_loop_goes_on_while_another_process_writes(database: SqliteDatabase) -> None:
    other = sqlite3.connect(str(database.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def scenario() -> None:
        first = asyncio.ensure_future(database.write(add(1)))
        for _ in range(100):
            await asyncio.sleep(0)
        second = asyncio.ensure_future(database.write(add(2)))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not first.done()
        assert not second.done()
        other.execute("ROLLBACK")
        await asyncio.gather(first, second)

    asyncio.run(scenario())
    other.close()
    assert ids(database) == [1, 2]


class Disk:
    """Keeps of the log what it has been told to sync: as much is left when the power fails."""

    def __init__(self, path: Path) -> None:
        self._log = path.with_name(f"{path.name}-wal")
        self._folder = path.with_name("after")
        self.syncs = 0
        self.full = False
        self._folder.mkdir()
        # Not in this process: whoever closes the file gives up all the locks that their process has on it.
        subprocess.run(["cp", str(path), str(self._folder / "passback.db")], check=True)

    def sync(self, _file: int) -> None:
        if self.full:
            raise OSError("no space left on device")
        self.syncs += 1
        self._kept = self._log.read_bytes()

    def after_power_failed(self) -> list[int]:
        """The ids that are left."""
        path = self._folder / "passback.db"
        path.with_name("passback.db-wal").write_bytes(self._kept)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            found = [row[0] for row in connection.execute("SELECT id FROM notes ORDER BY id")]
            connection.execute("BEGIN")  # so that closing folds nothing in
            connection.execute("SELECT 1 FROM notes").fetchone()
        return found


@pytest.fixture
def disk(database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> Disk:
    assert database.path is not None
    disk = Disk(database.path)
    monkeypatch.setattr("passback.store.engine.sqlite._sync_to_disk", disk.sync)
    return disk


def test_what_is_answered_outlives_a_failure_of_the_power(database: SqliteDatabase, disk: Disk) -> None:
    async def write(number: int) -> None:
        await asyncio.sleep(number % 7 / 1000)
        await database.write(add(number))
        assert number in disk.after_power_failed()

    async def scenario() -> None:
        await asyncio.gather(*(write(number) for number in range(40)))

    asyncio.run(scenario())
    assert disk.syncs < 40  # one for all that were written meanwhile
    database.write_now(add(40))
    assert disk.after_power_failed() == list(range(41))


def test_what_the_disk_does_not_keep_is_not_answered_as_written(database: SqliteDatabase, disk: Disk) -> None:
    disk.full = True
    with pytest.raises(StoreUnavailable, match="no space left"):
        asyncio.run(database.write(add(1)))
    disk.full = False
    asyncio.run(database.write(add(2)))
    assert 2 in disk.after_power_failed()


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


def of_the_file_alone(path: Path) -> list[int]:
    """The ids that a copy of the file without its log has: as after the loss of the log."""
    copy = path.with_name("alone.db")
    # Not in this process: whoever closes the file gives up all the locks that their process has on it.
    subprocess.run(["cp", str(path), str(copy)], check=True)
    with contextlib.closing(sqlite3.connect(f"{copy.as_uri()}?immutable=1", uri=True)) as connection:
        try:
            return [row[0] for row in connection.execute("SELECT id FROM notes ORDER BY id")]
        except sqlite3.DatabaseError:  # not even the table
            return []


def comes_to_have(path: Path, expected: list[int]) -> bool:
    deadline = time.monotonic() + 10
    while of_the_file_alone(path) != expected and time.monotonic() < deadline:
        time.sleep(0.01)
    return of_the_file_alone(path) == expected


@pytest.fixture
def folding(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A database that often folds its log in, as the gateway does once a minute."""
    with contextlib.closing(SqliteDatabase(tmp_path / "passback.db", fold_in_seconds=0.05)) as database:
        make_table(database)
        yield database


def test_the_file_alone_becomes_current_while_the_gateway_serves(folding: SqliteDatabase) -> None:
    assert folding.path is not None
    for number in range(3):  # it goes on
        asyncio.run(folding.write(add(number)))
        assert comes_to_have(folding.path, list(range(number + 1)))


def test_what_another_process_wrote_is_folded_in_by_a_gateway_that_writes_nothing(
    folding: SqliteDatabase,
) -> None:
    assert folding.path is not None
    assert comes_to_have(folding.path, [])
    script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(\"INSERT INTO notes VALUES (7, '')\"); c.commit()"
    subprocess.run([sys.executable, "-c", script, str(folding.path)], check=True)
    assert comes_to_have(folding.path, [7])


def test_what_a_killed_gateway_left_in_the_log_is_folded_in_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "passback.db"
    script = """if True:
        import os, sys
        from pathlib import Path
        from passback.store.engine.sqlite import SqliteDatabase
        from support.store import add, make_table
        database = SqliteDatabase(Path(sys.argv[1]))
        make_table(database)
        database.write_now(add(1))
        os.kill(os.getpid(), 9)
        """
    subprocess.run(
        [sys.executable, "-c", script, str(path)],
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert of_the_file_alone(path) == []
    with contextlib.closing(SqliteDatabase(path, fold_in_seconds=0.05)):
        assert comes_to_have(path, [1])


def test_a_long_read_does_not_keep_the_log_from_being_folded_in_later(folding: SqliteDatabase) -> None:
    path, tries = folding.path, threading.Semaphore(0)
    assert path is not None

    def count(statement: str) -> None:
        if "wal_checkpoint" in statement:
            tries.release()

    with contextlib.closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM notes").fetchone()
        for number in range(200):
            asyncio.run(folding.write(add(number)))
        writer(folding).set_trace_callback(count)
        for _ in range(2):  # the second began after the writes
            assert tries.acquire(timeout=10)
        assert of_the_file_alone(path) != list(range(200))
        reader.execute("COMMIT")
        assert comes_to_have(path, list(range(200)))
