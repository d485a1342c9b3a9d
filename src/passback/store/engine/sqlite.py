"""SQLite: one file, served by one process.

`write` runs in a single writer thread. Many writes share one commit: while a commit waits for the disk, more functions
queue up, and the writer runs all of them in its next transaction (group commit). One that fails does not take others
with it: the batch is run again, each function within a savepoint of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from passback.store.engine.database import StoreError, StoreUnavailable, Transaction, Unfit

T = TypeVar("T")

BUSY_TIMEOUT_SECONDS = 15
"""How long a transaction waits for another process (the CLI) that is writing."""

FOLD_IN_SECONDS = 60.0
"""How often the write-ahead log is folded into the file, so that the file alone is never far behind."""

BATCH = 128
"""The most functions that share one commit, so that the first of them does not wait for long."""

_UNFIT = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, OverflowError)


class SqliteConnection(sqlite3.Connection):
    """See `passback.store.engine.database.Connection`."""

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
        places = ", ".join("?" * len(columns))
        self.execute("BEGIN")  # only temporary tables change: it blocks nobody
        self.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)
        self.execute("COMMIT")

    def analyse(self, table: str) -> None:
        found = self.execute("SELECT 1 FROM temp.sqlite_master WHERE name = :table", {"table": table})
        if found.fetchone() is not None:
            self.execute(f"ANALYZE temp.{table}")

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        return _transaction(self)


C = TypeVar("C", bound=SqliteConnection)


class _Job:
    """A queued write: the function, and the future that its caller awaits."""

    __slots__ = ("error", "fn", "future", "loop", "result")

    def __init__(self, fn: Transaction[Any], future: asyncio.Future[Any]) -> None:
        self.fn = fn
        self.future: asyncio.Future[Any] | None = future
        self.loop = future.get_loop()
        self.result: Any = None
        self.error: BaseException | None = None

    def resolve(self) -> None:
        """Hand the outcome to the caller; only in the loop."""
        assert self.future is not None
        if self.future.cancelled():
            pass  # its client has gone; the write stands
        elif self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)
        # An error's traceback refers to this job: the cycle would have to wait for the garbage collector.
        self.future = self.error = None


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
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Grades are nobody else's business; SQLite creates its other files with the same mode.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            # A temporary file need not wait for the disk.
            self._writer = _connect(
                self.path, synchronous="OFF" if self._temporary else "FULL", factory=SqliteConnection
            )
            self._reader = _connect(self.path, synchronous="OFF", factory=SqliteConnection)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot open the data file {self.path}: {error}") from error
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._ending = False
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
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(_Job(fn, future))
        return future

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
        with _transaction(self._writer):
            return fn(self._writer)

    @contextlib.contextmanager
    def session(self) -> Iterator[SqliteSession]:
        assert self.path is not None
        try:
            connection = _connect(self.path, synchronous="FULL", factory=SqliteSession)
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
        self._queue.put(None)
        self._thread.join()
        self._reader.close()
        self._writer.close()
        if self._temporary:
            self._temporary.cleanup()

    def _run(self) -> None:
        """The writer thread: take the queued jobs, run them in one transaction, resolve them."""
        fold_in_at = time.monotonic() + self._fold_in_seconds
        while not self._ending:
            try:
                batch = self._take(self._queue.get(timeout=max(0.0, fold_in_at - time.monotonic())))
            except queue.Empty:
                batch = []
            if batch:
                self._commit(batch)
            if time.monotonic() >= fold_in_at:
                self._fold_in()
                fold_in_at = time.monotonic() + self._fold_in_seconds

    def _fold_in(self) -> None:
        """Copy what the write-ahead log has, also from other processes, into the file.

        It waits for nobody: what a long read still needs is left for the next time.
        """
        with contextlib.suppress(sqlite3.Error):  # such as a full disk: the log still has everything
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _take(self, *first: _Job | None) -> list[_Job]:
        """The queued jobs, after those that were taken already; a None in the queue ends the thread."""
        jobs = [*first]
        while len(jobs) < BATCH and not self._queue.empty():
            jobs.append(self._queue.get())
        self._ending = self._ending or None in jobs
        return [job for job in jobs if job is not None]

    def _commit(self, batch: list[_Job]) -> None:
        # Almost always all succeed; only if one fails are they run again, each with a savepoint.
        if not self._run_all(batch):
            self._run_each(batch)
        by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        for job in batch:
            by_loop.setdefault(job.loop, []).append(job)
        for loop, jobs in by_loop.items():
            with contextlib.suppress(RuntimeError):  # nobody waits in a loop that has been closed
                loop.call_soon_threadsafe(_resolve, jobs)

    def _run_all(self, batch: list[_Job]) -> bool:
        """Run all jobs in one transaction. False, with nothing changed, if one of them or the commit failed."""
        begun = False
        try:
            with _transaction(self._writer):
                begun = True
                for job in batch:
                    job.result = job.fn(self._writer)
        except Exception as error:  # noqa: BLE001 - handed to the callers
            if begun:
                return False  # the second run meets it again, and reports it
            # The file is locked: neither a second run nor the jobs queued behind should wait that long again.
            batch += self._take()
            for job in batch:
                job.error = error
        return True

    def _run_each(self, batch: list[_Job]) -> None:
        try:
            with _transaction(self._writer):
                for job in batch:
                    self._attempt(job)
        except Exception as error:  # noqa: BLE001 - the commit failed, so every job of the batch did
            for job in batch:
                job.error = error

    def _attempt(self, job: _Job) -> None:
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


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """BEGIN to COMMIT; anything raised, including a failure of the commit itself, rolls back."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            # After some errors (a full disk) SQLite has already rolled back.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    except (sqlite3.OperationalError, *_UNFIT) as error:
        raise _ours(error) from error


def _ours(error: Exception) -> Exception:
    """Our error for one of SQLite's."""
    if isinstance(error, sqlite3.OperationalError):
        return StoreUnavailable(str(error))
    return Unfit(str(error)) if isinstance(error, _UNFIT) else error


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        job.resolve()
