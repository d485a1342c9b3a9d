"""PostgreSQL: any number of processes and machines on one database.

A transaction runs in a thread, on a connection of the pool. Every statement sees the newest commit (READ COMMITTED), so
a transaction that decides by what it has read takes a lock (`Connection.lock`). A transaction that PostgreSQL aborts
because of others, or whose connection is lost before the commit, is run again.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
import psycopg
import psycopg.types.numeric
import psycopg_pool
from psycopg import conninfo, errors, pq

from passback.network.trust import private_authorities
from passback.store.engine.database import NotYet, Rows, StoreError, StoreUnavailable, Transaction, Unfit
from passback.store.engine.jobs import Job

T = TypeVar("T")

CONNECTIONS = 10
"""The maximum number of connections of a process, and so of transactions at once."""

_PATIENCE_SECONDS = 5.0
"""How long a transaction waits for a connection."""
_UNAVAILABLE = (
    errors.OperationalError, errors.InterfaceError, errors.InternalError, errors.InsufficientPrivilege,
)  # fmt: skip
_TRIES = 8
_CONNECT_SECONDS = 10
_LOOKS_AT_SESSIONS = 3
"""How often two connections are compared: a pooler that gives every session in turn might seem right once."""
_BEGIN = "BEGIN"
_BEGIN_NOTE = "BEGIN; SET LOCAL synchronous_commit TO OFF"
_BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# A process that stops in the middle of a transaction must not block the others for ever.
_SESSION = """
SET lock_timeout = '15s';
SET statement_timeout = '60s';
SET idle_in_transaction_session_timeout = '10s'
"""

# A long piece of work: its statements may take minutes.
_LONG_SESSION = """
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = '60s';
SET work_mem = '64MB';
SET temp_buffers = '64MB'
"""


class PostgresConnection:
    """See `passback.store.engine.database.Connection`.

    What has no result and no parameters (BEGIN, locks) goes with the next such, in one round trip, before the first
    statement that has.
    """

    def __init__(self, raw: psycopg.Connection[Any], *unsent: str) -> None:
        self._ready = raw
        self._unsent = [*unsent]
        self._locked: set[str] = set()
        self._cursor = raw.cursor()  # to make one costs a third of what a statement does

    @property
    def _raw(self) -> psycopg.Connection[Any]:
        """The connection, once everything before has been sent."""
        self._send()
        return self._ready

    def _send(self) -> None:
        if self._unsent:
            unsent, self._unsent = "; ".join(self._unsent), []
            _run(self._ready, unsent)

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        return self._execute(_translated(sql), parameters or {})

    def executemany(self, sql: str, parameters: Sequence[Mapping[str, Any]]) -> Rows:
        cursor = self._raw.cursor()
        cursor.executemany(_translated(sql), parameters)
        return cursor

    def _execute(self, sql: bytes, parameters: Mapping[str, Any] | Sequence[Any]) -> Rows:
        self._send()
        return _Fetched(self._cursor.execute(sql, parameters))

    def insert(
        self, table: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], otherwise: str = ""
    ) -> int:
        if not rows:
            return 0
        if len(rows) == 1:
            return self._execute(_insertion(table, columns, otherwise), rows[0]).rowcount
        given = msgspec.json.encode([dict(zip(columns, row, strict=True)) for row in rows]).decode()
        return self._execute(_insertion_of_many(table, columns, otherwise), (given,)).rowcount

    def lock(self, *names: str) -> None:
        wanted = [name for name in names if name not in self._locked]
        self._locked.update(names)
        if len(wanted) == 1:
            self._unsent.append(f"SELECT pg_advisory_xact_lock(hashtextextended({_literal(wanted[0])}, 0))")
        elif wanted:
            # In one order, so that no two transactions wait for each other.
            given = _literal(msgspec.json.encode(wanted).decode())
            self._unsent.append(
                "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(name, 0) AS key"
                f" FROM json_array_elements_text({given}::json) AS name ORDER BY key) AS keys"
            )

    def share(self, name: str) -> None:
        self._unsent.append(f"SELECT pg_advisory_xact_lock_shared(hashtextextended({_literal(name)}, 0))")

    def tables(self) -> set[str]:
        rows = self._raw.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {row[0] for row in rows}

    def columns(self, table: str) -> dict[str, type]:
        rows = self._raw.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name = %s ORDER BY ordinal_position",
            (table,),
        )
        return {name: str if kind == "text" else int for name, kind in rows}

    def identity(self) -> str:
        [may] = self._raw.execute(
            "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"
        ).fetchone() or (False,)
        system = "(SELECT system_identifier FROM pg_control_system())" if may else "0"
        # A dump is restored to another server, to another database of it, or at least to new tables.
        [found] = self._raw.execute(
            f"SELECT concat_ws(' ', {system}, oid, 'passback_meta'::regclass::oid) FROM pg_database"
            " WHERE datname = current_database()".encode()
        ).fetchone() or ("",)
        return str(found)

    def define(self, statement: str) -> None:
        # Ids are compared byte by byte, as in SQLite: pages are in their order, whatever the database's locale.
        statement = re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', statement)
        try:
            self._raw.execute(statement.removesuffix(" WITHOUT ROWID").encode())
        except errors.InsufficientPrivilege as error:
            raise StoreError(
                f"the database's user may not make tables, as a start and an upgrade do ({_text(error)}): let it own"
                " the database"
            ) from error
        except errors.ProgrammingError as error:
            raise StoreError(
                f"the database's tables are not as Passback left them ({_text(error)}): if a backup was restored beside"
                " newer tables, restore it into an empty database"
            ) from error


class _Fetched:
    """The rows of a statement; its cursor may be used again."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        self.rowcount = cursor.rowcount
        result = cursor.pgresult
        self._rows = iter(cursor.fetchall() if result is not None and result.nfields else ())

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return [*self._rows]

    def __iter__(self) -> Iterator[Any]:
        return self._rows


class PostgresSession(PostgresConnection):
    """See `passback.store.engine.database.Session`."""

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        return self._raw.execute(_translated(sql), parameters or {})  # they may be too many to fetch at once

    def lock(self, *names: str) -> None:
        self._locked.clear()  # its transactions follow each other
        super().lock(*names)

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        with (
            self._raw.cursor() as cursor,
            cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()) as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def analyse(self, table: str) -> None:
        self._raw.execute(f"ANALYZE {table}".encode())

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        with self._raw.transaction():
            yield


class PostgresDatabase:
    """See `passback.store.engine.database.Database`. `url` is a ``postgresql://`` address.

    Raises `StoreError` if it cannot be reached or used, `NotYet` if it may only be starting.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = conninfo.conninfo_to_dict(url)
        except psycopg.Error:
            raise StoreError(
                "the database address is not valid: it should look like postgresql://user@host/name"
            ) from None
        if any("@" in str(parts.get(name) or "") for name in ("host", "dbname")):
            # Part of the password was parsed as one of these; it must not be shown.
            raise StoreError(
                "the database address is not valid: characters such as @ and / in the password must be written as"
                " %40 and %2F"
            )
        self.name = f"the database {parts.get('dbname') or ''} at {parts.get('host') or 'this machine'}"
        self.shared = True
        url = with_authorities(url)
        self._url = url
        self._pool = psycopg_pool.ConnectionPool(
            url,
            min_size=1,
            max_size=CONNECTIONS,
            kwargs={
                "autocommit": True,
                "application_name": parts.get("application_name") or "passback",
                "connect_timeout": _CONNECT_SECONDS,
                "keepalives_idle": 30,
                "keepalives_interval": 10,
                "keepalives_count": 3,
                "tcp_user_timeout": 30_000,
            },
            configure=_configure,
            open=False,
            timeout=_PATIENCE_SECONDS,
            reconnect_timeout=20,
        )
        try:
            with psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS) as first:
                _require_sessions(first, url, self.name)
                self._pool.open()
        except psycopg.Error as error:
            message = f"cannot open {self.name}: {_text(error)}"
            if _is_untrusted(error):
                raise StoreError(
                    f"{message}. Its certificate is not trusted: name its authority's with PASSBACK_CA_FILE, or with"
                    " sslrootcert in the database address"
                ) from error
            raise (NotYet if _may_come_up(url) else StoreError)(message) from error
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._closed = False

    async def write(self, fn: Transaction[T]) -> T:
        return await self._in_thread(lambda: self._transact(fn, _BEGIN))

    async def note(self, fn: Transaction[T]) -> T:
        return await self._in_thread(lambda: self._transact(fn, _BEGIN_NOTE))

    async def read(self, fn: Transaction[T]) -> T:
        return await self._in_thread(lambda: self._transact(fn, None))

    async def snapshot(self, fn: Transaction[T]) -> T:
        return await self._in_thread(lambda: self.read_now(fn))

    def read_now(self, fn: Transaction[T]) -> T:
        return self._transact(fn, _BEGIN_SNAPSHOT)

    def write_now(self, fn: Transaction[T]) -> T:
        return self._transact(fn, _BEGIN)

    @contextlib.contextmanager
    def session(self) -> Iterator[PostgresSession]:
        try:
            with psycopg.connect(self._url, autocommit=True, connect_timeout=_CONNECT_SECONDS) as raw:
                _configure(raw)
                raw.execute(_LONG_SESSION)
                yield PostgresSession(raw)
        except (errors.IntegrityError, errors.DataError) as error:
            raise Unfit(_text(error)) from error
        except psycopg.Error as error:
            raise StoreUnavailable(_text(error)) from error

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._pool.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Run it in one of the threads, to its end even if its client has gone.

        An executor does the same, and costs each request a tenth of its time.
        """
        if self._closed:
            raise StoreUnavailable("the database is closed")
        if not self._threads:
            self._threads = [
                threading.Thread(target=self._work, name=f"passback-store-{number}", daemon=True)
                for number in range(CONNECTIONS)
            ]
            for thread in self._threads:
                thread.start()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(Job(work, future))
        return await future

    def _work(self) -> None:
        """A thread: run what is queued."""
        while (job := self._queue.get()) is not None:
            try:
                job.result = job.fn()
            except BaseException as error:  # noqa: BLE001 - handed to the caller
                job.error = error
            with contextlib.suppress(RuntimeError):  # nobody waits in a loop that has been closed
                job.loop.call_soon_threadsafe(job.resolve)

    def _transact(self, fn: Transaction[T], begin: str | None) -> T:
        """Run `fn` between `begin` and COMMIT; without a `begin`, each of its statements is a transaction."""
        for left in reversed(range(_TRIES)):
            committing = False
            try:
                with self._pool.connection() as raw:
                    if begin is None:
                        return fn(PostgresConnection(raw))
                    try:
                        result = fn(PostgresConnection(raw, begin))
                        if raw.info.transaction_status != pq.TransactionStatus.IDLE:  # it has begun
                            committing = True
                            _run(raw, "COMMIT")
                    except BaseException:
                        if not raw.closed:
                            raw.rollback()
                        raise
                    return result
            except (errors.SerializationFailure, errors.DeadlockDetected) as error:
                if not left:
                    raise StoreUnavailable(_text(error)) from error
            except (errors.IntegrityError, errors.DataError, OverflowError) as error:
                raise Unfit(_text(error)) from error
            except psycopg_pool.PoolTimeout as error:
                raise StoreUnavailable("no database connection is available") from error
            except _UNAVAILABLE as error:
                # If the connection was lost during the COMMIT, the transaction may have happened.
                if committing or not left or not _lost(error):
                    raise StoreUnavailable(_text(error)) from error
                self._pool.check()  # the pool's other connections are probably lost, too
        raise AssertionError


def with_authorities(url: str) -> str:
    """The address with the private authorities, if it asks that the certificate be checked and names none itself."""
    given = conninfo.conninfo_to_dict(url)
    file = private_authorities()
    if not file or given.get("sslrootcert") or given.get("sslmode") not in ("verify-ca", "verify-full"):
        return url
    return conninfo.make_conninfo(url, sslrootcert=file)


def _is_untrusted(error: psycopg.Error) -> bool:
    """Whether the server's certificate was not accepted (by libpq, which says so in English only)."""
    return any(
        it in str(error)
        for it in ("certificate verify failed", "root certificate file", "does not match host")
    )


def _may_come_up(url: str) -> bool:
    """Whether nothing answers, or a server that is only starting; not if it refuses what we are."""
    found = pq.PGconn.ping(conninfo.make_conninfo(url, connect_timeout=_CONNECT_SECONDS).encode())
    return found in (pq.Ping.NO_RESPONSE, pq.Ping.REJECT)


def _require_sessions(first: psycopg.Connection[Any], url: str, name: str) -> None:
    """Raise `StoreError` if a pooler gives a connection another session for each transaction.

    Settings, temporary tables and prepared statements of one would then be another's.
    """
    own = _session_of(first)
    if own == first.info.backend_pid:
        return  # nothing is in between
    with psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS) as second:
        for _ in range(_LOOKS_AT_SESSIONS):
            if _session_of(second) == own or _session_of(first) != own:
                raise StoreError(
                    f"cannot use {name}: the pooler in front of it shares sessions between connections. Let it pool"
                    " sessions (PgBouncer: pool_mode = session), or connect to PostgreSQL itself"
                )


def _session_of(raw: psycopg.Connection[Any]) -> int:
    row = raw.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    assert row is not None
    return int(row[0])


def _configure(raw: psycopg.Connection[Any]) -> None:
    raw.adapters.register_dumper(bool, _Flag)
    raw.execute(_SESSION)


class _Flag(psycopg.types.numeric.Int2Dumper):
    """Flags are 0 or 1."""

    def dump(self, obj: Any) -> bytes:
        return b"1" if obj else b"0"


def _literal(text: str) -> str:
    """A text in SQL: nothing in it can be taken for SQL, whatever the server's settings."""
    return f"convert_from(decode('{text.encode().hex()}', 'hex'), 'UTF8')"


def _run(raw: psycopg.Connection[Any], statements: str) -> None:
    """Run statements without parameters or results, without all that psycopg does around others."""
    result = raw.pgconn.exec_(statements.encode())
    if result.status == pq.ExecStatus.FATAL_ERROR:
        error = errors.error_from_result(result)
        raise error if error.sqlstate else errors.OperationalError(str(error))


def _lost(error: psycopg.Error) -> bool:
    """Whether the connection was lost, so that the transaction had no effect."""
    return error.sqlstate is None or error.sqlstate.startswith(("57P", "08"))


def _text(error: Exception) -> str:
    """The first line of an error's message: the other lines contain values."""
    return str(error).partition("\n")[0]


@cache
def _insertion(table: str, columns: tuple[str, ...], otherwise: str) -> bytes:
    places = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) {otherwise}".encode()


@cache
def _insertion_of_many(table: str, columns: tuple[str, ...], otherwise: str) -> bytes:
    """The statement that adds the rows of its one parameter, as JSON: to bind each value of each takes far longer."""
    names = ", ".join(columns)
    return (
        f"INSERT INTO {table} ({names}) SELECT {names}"
        f" FROM json_populate_recordset(NULL::{table}, %s) {otherwise}"
    ).encode()


@cache
def _translated(sql: str) -> bytes:
    """A statement with its ``:name`` parameters in the form of psycopg."""
    return re.sub(r"(?<![:\w]):([a-z_]+)", r"%(\1)s", sql.replace("%", "%%")).encode()
