"""An older copy of the data that somebody put back is noticed at the start, and nothing else is taken for one."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest

from passback.app import open_database
from passback.domain.clock import HOUR, system_clock
from passback.operations import backups, dates
from passback.operations.older_copies import Ticking, count_file
from passback.settings import Settings
from passback.store import restored
from passback.store.engine.postgres import PostgresConnection
from support.commands import ENVIRONMENT, command, run
from support.postgres import DATABASES, database_of, dump, fresh_database, restore_dump
from support.sandbox import NOW


def start(settings: Settings, now: int) -> list[str]:
    """What a start says of the data."""
    with contextlib.closing(open_database(settings, "production")) as database:
        return Ticking(database, count_file(settings)).begin(now)


def backed_up(settings: Settings, now: int) -> int | None:
    """Since when the data may have forgotten something; None if it has not."""
    with contextlib.closing(open_database(settings, "production")) as database:
        found = database.read_now(lambda conn: restored.find(conn, now))
    return None if found is None else found.backed_up


def data_file(settings: Settings) -> Path:
    assert settings.data_file is not None
    return settings.data_file


def test_a_data_file_that_goes_on_is_no_copy(settings: Settings) -> None:
    for hour in range(3):
        assert start(settings, NOW + hour * HOUR) == []
    assert backed_up(settings, NOW + 3 * HOUR) is None


def test_a_copy_is_known_once_since_its_last_tick(settings: Settings, tmp_path: Path) -> None:
    start(settings, NOW)
    shutil.copyfile(data_file(settings), tmp_path / "copy.db")
    start(settings, NOW + HOUR)
    shutil.copyfile(tmp_path / "copy.db", data_file(settings))
    told = start(settings, NOW + 2 * HOUR)
    assert "is an older copy, of " in told[0]
    assert backed_up(settings, NOW + 2 * HOUR) == NOW
    assert start(settings, NOW + 3 * HOUR) == []


def test_a_data_file_moved_without_its_count_is_no_copy(settings: Settings) -> None:
    start(settings, NOW)
    start(settings, NOW)
    count = count_file(settings)
    assert count is not None
    count.unlink()
    assert start(settings, NOW + HOUR) == []
    count.write_bytes(b"")
    assert start(settings, NOW + HOUR) == []


def test_a_backup_put_back_by_hand_is_known_without_a_count(settings: Settings, tmp_path: Path) -> None:
    start(settings, NOW)
    backups.back_up(settings, tmp_path / "copy.db", NOW + HOUR)
    elsewhere = Settings(data=str(tmp_path / "new"))
    (tmp_path / "new").mkdir()
    shutil.copyfile(tmp_path / "copy.db", data_file(elsewhere))
    assert "is an older copy" in start(elsewhere, NOW + 2 * HOUR)[0]
    assert backed_up(elsewhere, NOW + 2 * HOUR) == NOW + HOUR
    assert start(elsewhere, NOW + 3 * HOUR) == []


def test_what_the_command_restored_is_not_noticed_again(settings: Settings, tmp_path: Path) -> None:
    start(settings, NOW)
    backups.back_up(settings, tmp_path / "copy.db", NOW)
    start(settings, NOW + HOUR)
    start(settings, NOW + HOUR)
    backups.restore(settings, tmp_path / "copy.db", NOW + 2 * HOUR)
    assert start(settings, NOW + 3 * HOUR) == []


def test_a_new_data_file_in_the_place_of_a_removed_one_is_no_copy(settings: Settings) -> None:
    start(settings, NOW)
    data_file(settings).unlink()
    assert start(settings, NOW + HOUR) == []


def test_a_folder_that_takes_no_count_is_served(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    count = count_file(settings)
    assert count is not None
    count.mkdir()
    assert start(settings, NOW) == []
    assert "would not be noticed" in caplog.text


def test_a_server_that_begins_on_a_copy_says_so(tmp_path: Path) -> None:
    path = tmp_path / "data" / "passback.db"
    served(path)
    shutil.copyfile(path, tmp_path / "copy.db")  # as it is after a stop
    served(path)
    shutil.copyfile(tmp_path / "copy.db", path)
    output, errors = served(path)
    assert f"{path} is an older copy" in output
    assert f"{path} is an older copy" in errors


def served(path: Path) -> tuple[str, str]:
    """What a server writes from its start to its stop."""
    errors = path.with_suffix(".log")
    path.parent.mkdir(exist_ok=True)
    with (
        errors.open("w") as log,
        subprocess.Popen(
            command("serve", "--data", str(path.parent), "--port", "0"),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=ENVIRONMENT,
        ) as process,
    ):
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert re.search(r"http://127\.0\.0\.1:\d+", first)
        output = first + process.stdout.read()
    return output, errors.read_text()


# PostgreSQL.


def test_a_database_that_goes_on_is_no_copy() -> None:
    with fresh_database("production") as url:
        settings = Settings(data=":memory:", database_url=url)
        for hour in range(3):
            assert start(settings, NOW + hour * HOUR) == []


@pytest.mark.parametrize("place", ["another database", "its own"])
def test_a_dump_that_was_restored_is_known_once_since_its_last_tick(place: str, tmp_path: Path) -> None:
    with fresh_database("production") as url, fresh_database() as other:
        start(Settings(data=":memory:", database_url=url), NOW)
        dump(url, tmp_path / "dump")
        target = other if place == "another database" else url
        restore_dump(tmp_path / "dump", target)
        settings = Settings(data=":memory:", database_url=target)
        assert "is an older copy, of " in start(settings, NOW + HOUR)[0]
        assert backed_up(settings, NOW + HOUR) == NOW
        assert start(settings, NOW + 2 * HOUR) == []


def test_a_role_that_may_not_read_the_servers_identity_can_serve() -> None:
    with fresh_database("production") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
            connection.execute("CREATE ROLE poor")
        try:
            with psycopg.connect(url) as connection:
                connection.execute("SET ROLE poor")
                _, database, table = PostgresConnection(connection).identity().split()
            assert int(database)
            assert int(table)
        finally:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("DROP ROLE poor")


@pytest.mark.parametrize("kind", DATABASES)
def test_an_operator_can_say_that_it_is_a_copy(kind: str, tmp_path: Path) -> None:
    with database_of(kind) as url:
        settings = Settings(data=str(tmp_path), database_url=url)
        start(settings, NOW)
        environment = {**ENVIRONMENT, "PASSBACK_DATABASE_URL": url, "PASSBACK_DATA": str(tmp_path)}
        refused = run("restored", "--backed-up", "2999-01-01T00:00:00Z", environment=environment)
        assert (refused.returncode, "in the future" in refused.stderr) == (2, True)
        done = run("restored", "--backed-up", dates.show(NOW - HOUR), environment=environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert "0 changes that wait in it are in doubt" in done.stdout
        assert backed_up(settings, system_clock()) == NOW - HOUR
        assert start(settings, system_clock()) == []
