"""The promises of the store: durable when answered, all or nothing, one that fails takes nothing else along."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from passback.store.engine.database import Connection, Database, Unfit
from passback.store.engine.open import connect
from support.postgres import DATABASES, database_of
from support.store import add, ids, make_table


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with database_of(request.param) as url:
        yield url


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "passback.db"


@pytest.fixture
def database(url: str, path: Path) -> Iterator[Database]:
    with contextlib.closing(connect(url, path)) as database:
        make_table(database)
        yield database


def test_a_write_returns_its_result_and_the_next_read_sees_it(database: Database) -> None:
    async def scenario() -> tuple[int, list[int]]:
        return await database.write(add(7)), ids(database)

    assert asyncio.run(scenario()) == (7, [7])


def test_a_failing_write_takes_no_other_of_its_batch_along(database: Database) -> None:
    async def scenario() -> list[object]:
        writes = [database.write(add(number)) for number in (1, 2, 1, 3)]
        return list(await asyncio.gather(*writes, return_exceptions=True))

    results = asyncio.run(scenario())
    assert [type(result) for result in results if isinstance(result, Exception)] == [Unfit]
    assert ids(database) == [1, 2, 3]


def test_a_write_whose_client_has_gone_still_happens(database: Database, url: str, path: Path) -> None:
    async def scenario() -> None:
        task = asyncio.create_task(database.write(add(1)))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    database.close()
    with contextlib.closing(connect(url, path)) as again:
        assert ids(again) == [1]


def test_close_finishes_the_queued_writes(url: str, path: Path) -> None:
    database = connect(url, path)
    make_table(database)

    async def scenario() -> None:
        tasks = [asyncio.ensure_future(database.write(add(number))) for number in range(100)]
        await asyncio.sleep(0)
        await asyncio.to_thread(database.close)
        await asyncio.gather(*tasks)

    asyncio.run(scenario())
    with contextlib.closing(connect(url, path)) as again:
        assert ids(again) == list(range(100))


def test_a_read_of_many_statements_can_see_one_state(database: Database, url: str, path: Path) -> None:
    other = connect(url, path)

    def read(conn: Connection) -> tuple[list[int], list[int]]:
        before = conn.execute("SELECT id FROM notes").fetchall()
        other.write_now(add(99))
        return before, conn.execute("SELECT id FROM notes").fetchall()

    assert database.read_now(read) == ([], [])
    other.close()


def test_what_two_decide_by_what_they_read_is_decided_once(database: Database) -> None:
    def add_next(conn: Connection) -> None:
        conn.lock("next")
        newest = conn.execute("SELECT COALESCE(MAX(id), 0) FROM notes").fetchone()[0]
        conn.execute("INSERT INTO notes VALUES (:id, '')", {"id": newest + 1})

    async def scenario() -> None:
        await asyncio.gather(*(database.write(add_next) for _ in range(50)))

    asyncio.run(scenario())
    assert ids(database) == list(range(1, 51))


def test_a_number_that_is_too_large_is_refused_and_told(database: Database) -> None:
    with pytest.raises(Unfit):
        asyncio.run(database.write(add(2**70)))


TEXTS = ["", "it's", 'a "quoted" \\ line\n', "%s :id {}", "Zoë \u2028 \U0001f600", None]


@pytest.mark.parametrize("number", [0, 1, len(TEXTS)])
def test_rows_that_are_inserted_are_read_back(database: Database, number: int) -> None:
    rows = [*enumerate(TEXTS[:number])]
    added = asyncio.run(database.write(lambda conn: conn.insert("notes", ("id", "note"), rows)))
    found = database.read_now(lambda conn: conn.execute("SELECT id, note FROM notes ORDER BY id").fetchall())
    assert (added, found) == (number, rows)


@pytest.mark.parametrize(
    ("otherwise", "kept"), [("NOTHING", "old"), ("UPDATE SET note = excluded.note", "new")]
)
@pytest.mark.parametrize("number", [1, 2])
def test_what_is_there_is_kept_or_changed_by_an_insertion(
    database: Database, number: int, otherwise: str, kept: str
) -> None:
    def transaction(conn: Connection) -> int:
        conn.insert("notes", ("id", "note"), [(0, "old")])
        rows = [(id_, "new") for id_ in range(number)]
        return conn.insert("notes", ("id", "note"), rows, f"ON CONFLICT (id) DO {otherwise}")

    changed = asyncio.run(database.write(transaction))
    [note] = database.read_now(lambda conn: conn.execute("SELECT note FROM notes WHERE id = 0").fetchone())
    assert (changed, note) == (number - (kept == "old"), kept)


@pytest.mark.parametrize("rows", [[(1, "a"), (1, "b")], [(1, "a"), (2**70, "b")]])
def test_rows_that_do_not_fit_are_refused_together(database: Database, rows: list[tuple[int, str]]) -> None:
    with pytest.raises(Unfit):
        asyncio.run(database.write(lambda conn: conn.insert("notes", ("id", "note"), rows)))
    assert ids(database) == []


def test_a_lock_of_any_name_is_exclusive(database: Database, url: str, path: Path) -> None:
    names = ["it's", "\\' OR 1", "Zoë"]

    def add_next(conn: Connection) -> None:
        conn.lock(*names)
        conn.lock(names[0])
        [newest] = conn.execute("SELECT COALESCE(MAX(id), 0) FROM notes").fetchone()
        conn.execute("INSERT INTO notes VALUES (:id, '')", {"id": newest + 1})

    async def scenario() -> None:
        with contextlib.closing(connect(url, path)) as other:
            await asyncio.gather(*(it.write(add_next) for _ in range(10) for it in (database, other)))

    asyncio.run(scenario())
    assert ids(database) == list(range(1, 21))


_WRITER = """
import asyncio, sys
from pathlib import Path
from passback.store.engine.open import connect

database = connect(sys.argv[1], Path(sys.argv[2]))
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


def test_kill_9_at_any_moment_loses_nothing_that_was_answered(
    database: Database, url: str, path: Path
) -> None:
    answered: set[int] = set()
    for wanted in (1, 30, 200, 77):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, url, str(path)], stdout=subprocess.PIPE, text=True
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
    kept = set(ids(database))
    assert answered <= kept
    assert {number ^ 1 for number in kept} == kept, "a transaction is half there"
