"""SQLite: one file, served by one process.

What is to be written in one turn of the event loop is run at its end, in the loop's own thread and in one transaction:
to hand each statement to another thread costs more than the statement. The commit leaves the write-ahead log in the
system's memory. Another thread then makes the disk keep it, and only after that are the callers answered: all that
were committed meanwhile share the next sync. One function that fails does not take others with it: the batch is run
again, each within a savepoint of its own.

That thread also does what may take long: it waits for other processes that write, and folds the log into the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import queue
import sqlite3
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from passback.store.engine.database import StoreError, StoreUnavailable, Transaction, Unfit
from passback.store.engine.files import make_folder, unfit
from passback.store.engine.jobs import Job

T = TypeVar("T")

BUSY_TIMEOUT_SECONDS = 15
"""How long a transaction waits for another process (the CLI) that is writing."""

FOLD_IN_SECONDS = 60.0
"""How often the write-ahead log is folded into the file, so that the file alone is never far behind."""

FOLD_IN_WRITTEN_SECONDS = 1.0
"""How often while it is written to: readers look through all of it, and it takes room."""

SESSION_CACHE_KIB = 48 * 1024
"""How much of the file, and of its temporary tables, a session keeps in memory: they are looked up row by row."""

_LOADED_AT_ONCE = 5_000
"""How many rows are loaded at a time."""
_LOADED_TOGETHER = 20
"""How many rows one statement loads: that halves the time."""

BATCH = 128
"""The most functions that share one commit, so that the first of them does not wait for long."""

_sync_to_disk = getattr(os, "fdatasync", os.fsync)

_UNFIT = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, OverflowError)


class SqliteConnection(sqlite3.Connection):
    """See `passback.store.engine.database.Connection`."""

    def insert(
        self, table: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], otherwise: str = ""
    ) -> int:
        return self.executemany(_insertion(table, columns, otherwise), rows).rowcount if rows else 0

    def lock(self, *names: str) -> None:
        """Nothing to do: there is only one writer."""

    def share(self, name: str) -> None:
        """Nothing to do, either."""

    def tables(self) -> set[str]:
        return {row[0] for row in self.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def columns(self, table: str) -> dict[str, type]:
        rows = self.execute("SELECT name, type FROM pragma_table_info(:table)", {"table": table})
        return {name: str if kind == "TEXT" else int for name, kind in rows}

    def identity(self) -> None:
        """None: a copy of a file has everything that the file has."""

    def define(self, statement: str) -> None:
        self.execute(statement)


class SqliteSession(SqliteConnection):
    """See `passback.store.engine.database.Session`."""

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        source = iter(rows)
        self.execute("BEGIN")  # only temporary tables change: it blocks nobody
        while some := list(itertools.islice(source, _LOADED_AT_ONCE)):
            self._load(table, columns, some)
        self.execute("COMMIT")

    def _load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, many with one statement, and without the columns that none of them has a value for."""
        known = [
            (column, values)
            for column, values in zip(columns, zip(*rows, strict=True), strict=True)
            if any(values) or any(it is not None for it in values)
        ]
        values = list(itertools.chain.from_iterable(zip(*(it for _, it in known), strict=True)))
        into = f"INSERT INTO {table} ({', '.join(column for column, _ in known)}) VALUES "
        row = f"({', '.join('?' * len(known))})"
        size = len(known) * _LOADED_TOGETHER
        whole = len(values) - len(values) % size
        self.executemany(
            into + ", ".join([row] * _LOADED_TOGETHER),
            [values[place : place + size] for place in range(0, whole, size)],
        )
        if rest := values[whole:]:
            self.execute(into + ", ".join([row] * (len(rest) // len(known))), rest)

    def analyse(self, table: str) -> None:
        found = self.execute("SELECT 1 FROM temp.sqlite_master WHERE name = :table", {"table": table})
        if found.fetchone() is not None:
            self.execute(f"ANALYZE temp.{table}")

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        return _transaction(self)


C = TypeVar("C", bound=SqliteConnection)


class SqliteDatabase:
    """See `passback.store.engine.database.Database`.

    `path` is the file; None stores the data in a temporary folder that `close` removes.
    Raises `StoreError` if the file cannot be opened or is not a database.
    """

    def __init__(self, path: Path | None, *, fold_in_seconds: float = FOLD_IN_SECONDS) -> None:
        self._fold_in_seconds = fold_in_seconds
        self._temporary = tempfile.TemporaryDirectory(prefix="passback-") if path is None else None
        self.path = Path(self._temporary.name) / "passback.db" if self._temporary else path
        assert self.path is not None
        try:
            make_folder(self.path.parent)
            # Grades are nobody else's business; SQLite creates its other files with the same mode.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            # A temporary file need not wait for the disk; another waits in `_sync`, not in the commit.
            self._writer = _connect(
                self.path, synchronous="OFF" if self._temporary else "NORMAL", factory=SqliteConnection
            )
            self._writer.execute("PRAGMA wal_autocheckpoint = 0")  # it would keep the event loop waiting
            self._writer.execute("PRAGMA busy_timeout = 0")
            self._reader = _connect(self.path, synchronous="OFF", factory=SqliteConnection)
            self._reader.tables()  # which opens the log
            self._log = os.open(f"{self.path}-wal", os.O_RDONLY)
        except (OSError, sqlite3.Error) as error:
            why = f"{error}{unfit(self.path.parent)}"
            raise StoreError(f"cannot open the data file {self.path}: {why}") from error
        self._waiting: deque[Job] = deque()
        self._writing = threading.Lock()
        """Held by whoever uses the writer's connection."""
        self._turn_of: asyncio.AbstractEventLoop | None = None
        """The loop at the end of whose turn all that waits is run."""
        self._queue: queue.SimpleQueue[Sequence[Job] | None] = queue.SimpleQueue()
        """For the thread: what has been committed; nothing, if what waits is to be run; None to end."""
        self._thread = threading.Thread(target=self._run, name="passback-writer", daemon=True)
        self._thread.start()
        self._closed = False

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def shared(self) -> bool:
        return False

    async def write(self, fn: Transaction[T]) -> T:
        result: T = await self._queued(fn)
        return result

    async def note(self, fn: Transaction[T]) -> T:
        return await self.write(fn)

    def _queued(self, fn: Transaction[T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append(Job(fn, future))
        self._call_at_end_of_turn(loop)
        return future

    def _call_at_end_of_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._turn_of is not loop:
            self._turn_of = loop
            loop.call_soon(self._end_turn, loop)

    async def read(self, fn: Transaction[T]) -> T:
        """See `Database`. It runs in the caller's thread: a read by key takes microseconds, switching threads more."""
        try:
            return fn(self._reader)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from error

    async def snapshot(self, fn: Transaction[T]) -> T:
        return self.read_now(fn)

    def read_now(self, fn: Transaction[T]) -> T:
        connection = self._reader
        try:
            connection.execute("BEGIN")
            try:
                return fn(connection)
            finally:
                connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from error

    def write_now(self, fn: Transaction[T]) -> T:
        with self._patiently():
            with _transaction(self._writer):
                result = fn(self._writer)
            self._sync()
        return result

    @contextlib.contextmanager
    def session(self) -> Iterator[SqliteSession]:
        assert self.path is not None
        try:
            connection = _connect(self.path, synchronous="FULL", factory=SqliteSession)
            for schema in ("main", "temp"):
                connection.execute(f"PRAGMA {schema}.cache_size = -{SESSION_CACHE_KIB}")
        except sqlite3.Error as error:
            raise StoreUnavailable(str(error)) from error
        try:
            yield connection
        except (sqlite3.OperationalError, *_UNFIT) as error:
            raise _ours(error) from error
        finally:
            connection.close()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._queue.put([])
        self._queue.put(None)
        self._thread.join()
        self._reader.close()
        self._writer.close()
        os.close(self._log)  # SQLite has no locks on this one
        if self._temporary:
            self._temporary.cleanup()

    def _end_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run what waits, in the event loop; unless that would keep the loop waiting: then the thread does."""
        self._turn_of = None
        if self._closed or not self._writing.acquire(blocking=False):
            self._queue.put([])
            return
        try:
            batch = self._take()
            done = not batch or self._commit(batch)
        finally:
            self._writing.release()
        if not done:
            self._waiting.extendleft(reversed(batch))
            self._queue.put([])
        elif batch:
            self._queue.put(batch)
            if self._waiting:
                self._call_at_end_of_turn(loop)

    def _run(self) -> None:
        """The thread: sync what has been committed, and answer; and do whatever may take long."""
        fold_in_at = time.monotonic() + self._fold_in_seconds
        soon = min(FOLD_IN_WRITTEN_SECONDS, self._fold_in_seconds)
        ending = False
        while not ending:
            todo: list[Sequence[Job] | None] = []
            with contextlib.suppress(queue.Empty):
                todo.append(self._queue.get(timeout=max(0.0, fold_in_at - time.monotonic())))
                while True:
                    todo.append(self._queue.get_nowait())
            committed = [job for jobs in todo if jobs is not None for job in jobs]
            if [] in todo:
                committed += self._run_waiting()
            if committed:
                self._answer(committed)
                fold_in_at = min(fold_in_at, time.monotonic() + soon)
            if time.monotonic() >= fold_in_at:
                self._fold_in()
                fold_in_at = time.monotonic() + self._fold_in_seconds
            ending = None in todo

    def _run_waiting(self) -> list[Job]:
        """Run all that waits, and wait for other processes."""
        done: list[Job] = []
        with self._patiently():
            while batch := self._take():
                if not self._commit(batch):
                    # Neither these nor the jobs behind them should wait that long again.
                    batch += self._take(len(self._waiting))
                    for job in batch:
                        job.error = StoreUnavailable("the database is locked by another process")
                done += batch
        return done

    @contextlib.contextmanager
    def _patiently(self) -> Iterator[None]:
        """Use the writer's connection inside the ``with``, and wait for other processes that write."""
        with self._writing:
            self._writer.execute(f"PRAGMA busy_timeout = {round(1000 * BUSY_TIMEOUT_SECONDS)}")
            try:
                yield
            finally:
                self._writer.execute("PRAGMA busy_timeout = 0")

    def _sync(self) -> None:
        """Have the disk keep all that has been committed. Raises `StoreUnavailable`."""
        if self._temporary:
            return
        try:
            _sync_to_disk(self._log)
        except OSError as error:
            raise StoreUnavailable(f"the disk does not keep what is written: {error}") from error

    def _answer(self, committed: Sequence[Job]) -> None:
        """Sync, and resolve the jobs."""
        try:
            self._sync()
        except StoreUnavailable as error:
            for job in committed:
                job.error = job.error or error
        by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        for job in committed:
            by_loop.setdefault(job.loop, []).append(job)
        for loop, jobs in by_loop.items():
            with contextlib.suppress(RuntimeError):  # nobody waits in a loop that has been closed
                loop.call_soon_threadsafe(_resolve, jobs)

    def _fold_in(self) -> None:
        """Copy what the write-ahead log has, also from other processes, into the file.

        It waits for nobody: what a long read still needs is left for the next time.
        """
        # Nobody writes meanwhile: the log begins again only after a moment in which all of it is in the file.
        # A full disk or the like is no loss: the log still has everything.
        with self._writing, contextlib.suppress(sqlite3.Error):
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _take(self, most: int = BATCH) -> list[Job]:
        """The first jobs that wait."""
        jobs: list[Job] = []
        with contextlib.suppress(IndexError):
            while len(jobs) < most:
                jobs.append(self._waiting.popleft())
        return jobs

    def _commit(self, batch: Sequence[Job]) -> bool:
        """Run all jobs in one transaction. False, with nothing done, if another process writes."""
        # Almost always all succeed; only if one fails are they run again, each with a savepoint.
        try:
            return self._run_all(batch) or self._run_each(batch)
        except _Locked:
            return False

    def _run_all(self, batch: Sequence[Job]) -> bool:
        """Run all jobs. False, with nothing changed, if one of them or the commit failed: a second run reports it."""
        try:
            with _transaction(self._writer):
                for job in batch:
                    job.result = job.fn(self._writer)
        except _Locked:
            raise
        except Exception:  # noqa: BLE001 - the second run meets it again
            return False
        return True

    def _run_each(self, batch: Sequence[Job]) -> bool:
        try:
            with _transaction(self._writer):
                for job in batch:
                    self._attempt(job)
        except _Locked:
            raise
        except Exception as error:  # noqa: BLE001 - the commit failed, so every job of the batch did
            for job in batch:
                job.error = error
        return True

    def _attempt(self, job: Job) -> None:
        connection = self._writer
        connection.execute("SAVEPOINT job")
        try:
            job.result = job.fn(connection)
        except Exception as error:  # handed to the caller
            if not connection.in_transaction:
                raise  # a full disk or the like: SQLite has rolled back the whole batch
            job.error = _ours(error)
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")


def _connect(path: Path, *, synchronous: str, factory: type[C]) -> C:
    connection = sqlite3.connect(
        path,
        factory=factory,
        timeout=BUSY_TIMEOUT_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


@cache
def _insertion(table: str, columns: tuple[str, ...], otherwise: str) -> str:
    places = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) {otherwise}"


class _Locked(StoreUnavailable):
    """Another process writes."""


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """BEGIN to COMMIT; anything raised, including a failure of the commit itself, rolls back."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
        raise (_Locked if busy else StoreUnavailable)(str(error)) from error
    try:
        yield
        connection.execute("COMMIT")
    except BaseException as error:
        # After some errors (a full disk) SQLite has already rolled back.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, (sqlite3.OperationalError, *_UNFIT)):
            raise _ours(error) from error
        raise


def _ours(error: Exception) -> Exception:
    """Our error for one of SQLite's."""
    if isinstance(error, sqlite3.OperationalError):
        return StoreUnavailable(str(error))
    return Unfit(str(error)) if isinstance(error, _UNFIT) else error


def _resolve(jobs: list[Job]) -> None:
    for job in jobs:
        job.resolve()
