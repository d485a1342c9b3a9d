"""Looking at a database without changing it: nothing is made, migrated or locked, whoever else uses it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import Struct

from passback.store.engine.database import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from passback.store.engine.database import Connection

_CONNECT_SECONDS = 5
_STATEMENT = "SET statement_timeout = '10s'"
_OLDEST_POSTGRESQL = 140000


class Server(Struct, frozen=True):
    """What runs the SQL."""

    name: str
    """Such as ``PostgreSQL 16.4``."""
    is_new_enough: bool = True
    may_create: bool = True
    """Whether tables may be made, which migrations do."""
    is_standby: bool = False
    encoding: str = "UTF8"
    encrypted: bool = True
    """Whether the connection is, or goes to this machine."""
    ahead_by: float = 0.0
    """How many seconds its clock is ahead of this machine's."""


@contextlib.contextmanager
def file_looked_at(path: Path) -> Iterator[tuple[Connection, Server]]:
    """Read a data file inside the ``with``. Raises `StoreError`."""
    from passback.store.engine.sqlite import SqliteConnection  # only the driver that is used is loaded

    # Without a log nobody writes now, and to open it otherwise would make one.
    mode = "mode=ro" if Path(f"{path}-wal").exists() else "immutable=1"
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, factory=SqliteConnection)
        ) as connection:
            yield connection, Server(f"SQLite {sqlite3.sqlite_version}")
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the data file {path}: {error}") from error


@contextlib.contextmanager
def server_looked_at(url: str) -> Iterator[tuple[Connection, Server]]:
    """Read a PostgreSQL database inside the ``with``, in one transaction. Raises `StoreError`."""
    import psycopg

    from passback.store.engine.postgres import PostgresConnection, with_authorities

    try:
        with psycopg.connect(with_authorities(url), connect_timeout=_CONNECT_SECONDS) as raw:
            raw.read_only = True
            raw.execute(_STATEMENT)
            yield PostgresConnection(raw), _server(raw)
    except psycopg.Error as error:
        # Not the address: it may hold a password.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StoreError(f"cannot read the database: {reason}") from None


def _server(raw: psycopg.Connection[tuple[object, ...]]) -> Server:
    before = time.time()
    row = raw.execute(
        "SELECT current_setting('server_version'), current_setting('server_version_num')::int,"
        " has_schema_privilege(current_schema(), 'CREATE'), pg_is_in_recovery(),"
        " current_setting('server_encoding'), extract(epoch FROM clock_timestamp())::float8"
    ).fetchone()
    assert row is not None
    version, number, may_create, is_standby, encoding, now = row
    host = raw.info.host
    return Server(
        name=f"PostgreSQL {str(version).split()[0]}",
        is_new_enough=int(str(number)) >= _OLDEST_POSTGRESQL,
        may_create=bool(may_create),
        is_standby=bool(is_standby),
        encoding=str(encoding),
        encrypted=bool(raw.pgconn.ssl_in_use)
        or host in ("localhost", "127.0.0.1", "::1")
        or host.startswith("/"),
        ahead_by=float(str(now)) - (before + time.time()) / 2,
    )
