"""The interface of the database that holds all data: what SQLite and PostgreSQL have in common.

A transaction is a plain function of a connection. ``await database.write(fn)`` returns when it is durable;
``await database.read(fn)`` runs it against the newest committed state. SQL is limited to what both databases share,
with ``:name`` parameters. `fn` may run twice (SQLite: if another of its batch failed; PostgreSQL: after a conflict or
a lost connection), so it must have no effects that a rollback does not undo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class StoreError(Exception):
    """The database cannot be used; the message says why and what to do."""


class NotYet(StoreError):
    """The database's server does not answer, or is starting: it may be there soon."""


class StoreUnavailable(StoreError):
    """The database cannot be read or written now: disk full, locked, read-only, gone. Nothing was half written."""


class Unfit(StoreError):
    """The values do not fit the tables: a duplicate key, a reference to nothing, a number too large."""


class Rows(Protocol):
    """The result of a statement."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """What a transaction may do: statements with ``:name`` parameters, and what the two databases write differently."""

    def execute(self, sql: str, parameters: Mapping[str, Any] = ..., /) -> Rows: ...
    def executemany(self, sql: str, parameters: Sequence[Mapping[str, Any]], /) -> Rows: ...

    def insert(
        self, table: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], otherwise: str = ""
    ) -> int:
        """Add rows of texts and integers, which may be none. How many were added or changed.

        `otherwise` is an ON CONFLICT clause; by one that updates, no row may be changed twice.
        """
        ...

    def lock(self, *names: str) -> None:
        """Wait until no other transaction holds a lock of these names, and hold them until this one ends.

        If a transaction decides by what it has read, this keeps another from making the same decision at the same time.
        SQLite has one writer at a time anyway.
        """
        ...

    def share(self, name: str) -> None:
        """As `lock`, but hold it together with other transactions that share it."""
        ...

    def tables(self) -> set[str]:
        """The names of all tables."""
        ...

    def columns(self, table: str) -> dict[str, type]:
        """The columns of a table, with the type of their values (if not null)."""
        ...

    def identity(self) -> str | None:
        """What tells this database from one that a copy of it was restored to; None if nothing does."""
        ...

    def define(self, statement: str) -> None:
        """Run a statement that defines a table or an index, as migrations do.

        ``WITHOUT ROWID`` at its end has SQLite store rows in the order of their key, and nowhere else.
        """
        ...


class Session(Connection, Protocol):
    """A dedicated connection for a long piece of work, with temporary tables that end with it.

    Statements outside `transaction` change temporary tables only, and block nobody.
    """

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add many rows to a temporary table as fast as the database can."""
        ...

    def analyse(self, table: str) -> None:
        """Collect statistics of a table, for better query plans.

        A table that is not temporary is only analysed if that blocks nobody.
        """
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Everything inside the ``with`` happens at once or not at all. Raises `StoreUnavailable` and `Unfit`."""
        ...


Transaction = Callable[[Connection], T]


class Database(Protocol):
    """An open database. Close it to finish what is queued."""

    @property
    def name(self) -> str:
        """Its name in messages, without secrets."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other processes may serve on it at the same time."""
        ...

    async def write(self, fn: Transaction[T]) -> T:
        """Run `fn` in a transaction, and return its result once it is durable. Raises what `fn` raises.

        Raises `StoreUnavailable` if the database cannot take it, and `Unfit`.
        """
        ...

    async def note(self, fn: Transaction[T]) -> T:
        """`write` without waiting for the disk: a crash of the database's machine may undo it, as suits a count."""
        ...

    async def read(self, fn: Transaction[T]) -> T:
        """Run `fn`; each of its statements sees the newest commit. It should read no more than a page of rows.

        Raises `StoreUnavailable`.
        """
        ...

    async def snapshot(self, fn: Transaction[T]) -> T:
        """Run `fn`; all of its statements see one state, that of the newest commit. Otherwise as `read`."""
        ...

    def read_now(self, fn: Transaction[T]) -> T:
        """`snapshot` for synchronous callers."""
        ...

    def write_now(self, fn: Transaction[T]) -> T:
        """`write` for synchronous callers, such as commands; it must not run concurrently with `write`."""
        ...

    def close(self) -> None:
        """Finish what is queued and close. May be called twice."""
        ...


class Opened(Database, Protocol):
    """An open database that can also open sessions."""

    def session(self) -> AbstractContextManager[Session]:
        """Open a `Session`, for synchronous callers. Raises `StoreUnavailable`."""
        ...
