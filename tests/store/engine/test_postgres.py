"""What PostgreSQL does when it goes away, when others are in the way, and when several processes begin at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import errors
from uuid_utils import uuid7

from passback.store.engine import migrate
from passback.store.engine.database import Connection, StoreError, StoreUnavailable
from passback.store.engine.open import connect
from passback.store.engine.postgres import PostgresDatabase
from passback.store.snapshot import RUNNING, TABLES
from support.postgres import fresh_database, kill_server, own_server
from support.store import add, ids, make_table


@pytest.fixture
def url() -> Iterator[str]:
    with fresh_database() as url:
        yield url


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    with contextlib.closing(PostgresDatabase(url)) as database:
        make_table(database)
        yield database


def end_sessions(url: str) -> None:
    """End all sessions of a database but one's own, as a failover does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_user_without_rights_is_told_so(url: str) -> None:
    name = f"poor_{uuid7().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name}".encode())
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        poor = f"{url}{'&' if '?' in url else '?'}options=-c%20role%3D{name}"
        try:
            with contextlib.closing(PostgresDatabase(poor)) as database:
                with pytest.raises(StoreError, match=r"may not make tables.*permission denied for schema"):
                    migrate.prepare(database, "production")
                connection.execute("CREATE TABLE passback_meta (name TEXT, value TEXT)")
                with pytest.raises(StoreUnavailable, match="permission denied for table passback_meta"):
                    migrate.prepare(database, "production")
        finally:
            connection.execute(f"DROP ROLE {name}".encode())


def test_an_old_backup_that_was_restored_beside_newer_tables_is_told_so(url: str) -> None:
    with contextlib.closing(PostgresDatabase(url)) as database:
        migrate.prepare(database, "production")
        database.write_now(lambda conn: migrate.set_meta(conn, "schema", "10"))
        with pytest.raises(StoreError, match=r"already exists.*into an empty database"):
            migrate.prepare(database, "production")


def test_lost_connections_are_replaced_without_a_word(database: PostgresDatabase, url: str) -> None:
    async def scenario() -> list[int]:
        await asyncio.gather(*(database.write(add(number)) for number in range(20)))
        end_sessions(url)
        await asyncio.gather(*(database.write(add(number)) for number in range(20, 40)))
        end_sessions(url)
        return await database.read(lambda conn: [row[0] for row in conn.execute("SELECT id FROM notes")])

    assert sorted(asyncio.run(scenario())) == list(range(40))


def test_a_transaction_whose_connection_is_lost_is_run_again(database: PostgresDatabase, url: str) -> None:
    tries = 0

    def transaction(conn: Connection) -> None:
        nonlocal tries
        tries += 1
        add(tries)(conn)
        if tries == 1:
            end_sessions(url)
        add(100)(conn)

    asyncio.run(database.write(transaction))
    assert (tries, ids(database)) == (2, [2, 100])


def test_a_commit_that_was_lost_is_told_and_not_repeated(database: PostgresDatabase, url: str) -> None:
    tries = 0

    def transaction(conn: Connection) -> None:
        nonlocal tries
        tries += 1
        add(tries)(conn)
        end_sessions(url)  # so that the next statement, the commit, fails

    with pytest.raises(StoreUnavailable):
        asyncio.run(database.write(transaction))
    assert tries == 1


@pytest.mark.parametrize("error", [errors.DeadlockDetected, errors.SerializationFailure])
def test_what_others_were_in_the_way_of_is_run_again(
    database: PostgresDatabase, error: type[psycopg.Error]
) -> None:
    tries = 0

    def transaction(conn: Connection) -> None:
        nonlocal tries
        tries += 1
        add(tries)(conn)
        if tries < 3:
            raise error

    asyncio.run(database.write(transaction))
    assert ids(database) == [3]


def test_a_read_only_database_says_so(database: PostgresDatabase, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only TO on".encode())
    end_sessions(url)
    with pytest.raises(StoreUnavailable, match="read-only"):
        asyncio.run(database.write(add(1)))


def test_several_processes_may_begin_on_an_empty_database_at_once(url: str) -> None:
    def begin(_: int) -> set[str]:
        with contextlib.closing(PostgresDatabase(url)) as database:
            migrate.prepare(database, "production")
            return database.read_now(lambda conn: conn.tables())

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(begin, range(4))) == [{*TABLES, *RUNNING, "passback_meta"}] * 4


def test_a_server_that_cannot_be_reached_is_named_without_the_password() -> None:
    with pytest.raises(StoreError, match=r"at 127\.0\.0\.1") as caught:
        PostgresDatabase("postgresql://me:hunter2@127.0.0.1:1/passback")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("password", ["SECRET@PW", "SECRET/PW"])
def test_a_password_that_is_not_escaped_is_not_shown(password: str) -> None:
    with pytest.raises(StoreError, match="%40 and %2F") as error:
        connect(f"postgresql://u:{password}@127.0.0.1:1/x", None)
    assert "PW" not in str(error.value)


def test_a_server_that_is_killed_and_started_again_is_found_again() -> None:
    with own_server() as (url, server), contextlib.closing(PostgresDatabase(url)) as database:
        make_table(database)
        database.write_now(add(1))
        kill_server(server)
        with pytest.raises(StoreUnavailable):
            database.write_now(add(2))
        server.ensure_postgres_running()
        database.write_now(add(3))
        assert ids(database) == [1, 3]
