"""Where everything that was promised is kept: what SQLite and PostgreSQL are alike in.

A transaction is a plain function of a connection. ``await database.write(fn)`` returns when it is durable;
``await database.read(fn)`` runs it against the newest committed state. SQL is kept to what both databases share, with
``:name`` parameters. `fn` may run twice (SQLite: beside one that failed; PostgreSQL: after a conflict or a lost
connection), and so must do nothing but what the transaction takes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class StoreError(Exception):
    """The database cannot be used; the message says why and what to do."""


class StoreUnavailable(StoreError):
    """The store cannot take or give data now: disk full, locked, read-only, gone. Nothing was half written."""


class Unfit(StoreError):
    """The values do not fit the tables: a key that is there already, a reference to nothing, a number too large."""


class Rows(Protocol):
    """The answer of a statement."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """What a transaction may do: statements with ``:name`` parameters, and what has no words that both share."""

    def execute(self, sql: str, parameters: Mapping[str, Any] = ..., /) -> Rows: ...
    def executemany(self, sql: str, parameters: Sequence[Mapping[str, Any]], /) -> Rows: ...

    def lock(self, name: str) -> None:
        """Wait until no other transaction holds the lock of that name, and hold it to the end of this one.

        Where a transaction decides by what it has read, this keeps another from deciding the same beside it.
        SQLite has one writer at a time anyway.
        """
        ...

    def tables(self) -> set[str]:
        """The tables that there are."""
        ...

    def columns(self, table: str) -> dict[str, type]:
        """The columns of a table, with the type of their values (where they are not null)."""
        ...

    def define(self, statement: str) -> None:
        """Run a statement of a migration, which defines a table or an index."""
        ...


class Session(Connection, Protocol):
    """A connection of one's own for a long piece of work, with temporary tables that end with it.

    What is outside of `transaction` changes temporary tables only, and holds nobody up.
    """

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add many rows to a temporary table, as fast as the database can."""
        ...

    def analyse(self, table: str) -> None:
        """Let the database see what a table holds, so that it finds good ways to work with it.

        Of one that is not temporary only where that holds nobody up.
        """
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All inside the ``with`` happens at once, or not at all. Raises `StoreUnavailable` and `Unfit`."""
        ...


Transaction = Callable[[Connection], T]


class Database(Protocol):
    """An open database. Close it to finish what is queued."""

    @property
    def name(self) -> str:
        """What to call it in messages; it holds no secret."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other processes may serve on it, too."""
        ...

    async def write(self, fn: Transaction[T]) -> T:
        """Run `fn` in a transaction; returns its result once it is durable. What `fn` raises is raised here.

        Raises `StoreUnavailable` where the database cannot take it, and `Unfit`.
        """
        ...

    async def note(self, fn: Transaction[T]) -> T:
        """`write` of what a crash of the database's machine may take back, such as a count: it need not wait."""
        ...

    async def read(self, fn: Transaction[T]) -> T:
        """Run `fn`, each of whose statements sees the newest commit. Keep it to a page of rows.

        Raises `StoreUnavailable`.
        """
        ...

    async def snapshot(self, fn: Transaction[T]) -> T:
        """Run `fn`, all of whose statements see one state, that of the newest commit. As `read` otherwise."""
        ...

    def read_now(self, fn: Transaction[T]) -> T:
        """`snapshot` for callers that are not asynchronous."""
        ...

    def write_now(self, fn: Transaction[T]) -> T:
        """`write` for callers that are not asynchronous, such as commands; it must not run beside `write`."""
        ...

    def close(self) -> None:
        """Finish what is queued, and close. May be called twice."""
        ...


class Opened(Database, Protocol):
    """A database as it was opened."""

    def session(self) -> AbstractContextManager[Session]:
        """A `Session`, for callers that are not asynchronous. Raises `StoreUnavailable`."""
        ...
