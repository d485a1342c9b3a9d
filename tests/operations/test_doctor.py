"""What is checked before the first start. Every fault is found, and nothing is changed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from passback.operations import doctor
from passback.operations.checks import Check
from passback.sandbox.seed import seed
from passback.store.engine import migrate
from passback.store.engine.database import StoreError
from passback.store.engine.files import served_alone
from passback.store.engine.open import connect
from passback.store.engine.vault import new_key, write_key_file
from support import commands
from support.https import https
from support.postgres import database_of
from support.sandbox import NOW


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("PASSBACK_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PASSBACK_DATA", str(tmp_path / "the data"))
    monkeypatch.setenv("PASSBACK_PORT", "0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder that has been used."""
    folder = tmp_path / "the data"
    with contextlib.closing(connect("", folder / "passback.db")) as database:
        migrate.prepare(database, "production")
    write_key_file(folder / "secret.key", [new_key()])
    return folder


def found() -> list[Check]:
    return asyncio.run(doctor.examine())


def bad() -> list[tuple[str, str]]:
    """What is not ok, but that no public URL is set."""
    return [(it.level, it.subject) for it in found() if it.level != "ok" and it.subject != "public URL"]


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {it.name: (it.read_bytes(), it.stat().st_mtime_ns) for it in folder.iterdir()}


def test_where_nothing_is_yet_nothing_is_wrong_or_made(tmp_path: Path) -> None:
    assert bad() == []
    assert list(tmp_path.iterdir()) == []


def test_what_has_been_used_is_read_and_not_changed(folder: Path) -> None:
    before = contents(folder)
    assert bad() == []
    assert contents(folder) == before


def test_it_works_beside_a_server(folder: Path) -> None:
    with contextlib.closing(connect("", folder / "passback.db")) as database:
        database.write_now(lambda conn: migrate.set_meta(conn, "schema", "1"))
        [schema] = [it for it in found() if it.subject == "schema"]
    assert "an older Passback (1)" in schema.found


def test_what_is_worst_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSBACK_WORKERS", "2")
    levels = [it.level for it in found()]
    assert levels == sorted(levels, key=["problem", "warning", "ok"].index)
    assert {*levels} == {"problem", "warning", "ok"}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"RATE_LIMIT": "many"}, ("problem", "settings")),
        ({"RATELIMIT": "5"}, ("warning", "settings")),
        ({"WORKERS": "2"}, ("problem", "settings")),
        ({"CA_FILE": "/nowhere"}, ("problem", "settings")),
        ({"MAX_CONNECTIONS": "100000000"}, ("warning", "open files")),
        ({"DATA": "/dev/null"}, ("problem", "data folder")),
        ({"DATA": "x" * 300}, ("problem", "database")),
        ({"DATA": "x" * 300}, ("problem", "secret key")),
        ({"DATA": "/dev/shm/passback"}, ("warning", "file system")),
        ({"DATA": ":memory:"}, ("warning", "database")),
        ({"HOST": "0.0.0.0"}, ("warning", "listening")),
        ({"HOST": "192.0.2.1", "PORT": "1"}, ("problem", "port")),
        ({"ALLOW_PRIVATE_WEBHOOKS": "yes"}, ("warning", "webhooks")),
        ({"SECRET_KEY": "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="}, ("problem", "secret key")),
        ({"DATABASE_URL": "postgresql://u@127.0.0.1:1/x"}, ("problem", "database")),
        ({"DATABASE_URL": "postgresql://u@127.0.0.1:1/x"}, ("problem", "secret key")),
        ({"PUBLIC_URL": "http://passback.example"}, ("warning", "public URL")),
        ({"PUBLIC_URL": "https://127.0.0.1:1"}, ("warning", "public URL")),
    ],
)
def test_what_is_wrong_with_the_settings_is_found(
    variables: dict[str, str], expected: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"PASSBACK_{name}", value)
    assert expected in [(it.level, it.subject) for it in found()]


def test_a_data_file_that_cannot_be_used_is_found(folder: Path) -> None:
    path = folder / "passback.db"
    with contextlib.closing(connect("", path)) as database:
        database.write_now(lambda conn: migrate.set_meta(conn, "schema", "9999"))
    assert bad() == [("problem", "schema")]
    path.write_bytes(b"no database" * 100)
    assert bad() == [("problem", "database")]


def test_a_data_file_that_is_somebody_elses_is_found_and_not_served(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when root has put a copy there. Tests may run as root, who may write to any file."""
    path = folder / "passback.db"
    monkeypatch.setattr(os, "access", lambda it, mode: mode == os.F_OK or Path(it) != path)
    assert bad() == [("problem", "data file")]
    with pytest.raises(StoreError, match=f"may not write to the data file {path}"), served_alone(path):
        pass


def test_what_others_may_read_is_found(folder: Path) -> None:
    (folder / "secret.key").chmod(0o644)
    folder.chmod(0o755)
    assert bad() == [("warning", "data folder"), ("warning", "secret key")]
    for command in [it.todo for it in found() if it.level != "ok" and it.todo and "chmod" in it.todo]:
        subprocess.run(command, shell=True, check=True)  # as somebody pastes it
    assert bad() == []


def test_a_missing_key_and_a_sandboxs_data_are_found(folder: Path) -> None:
    with contextlib.closing(connect("", folder / "passback.db")) as database:
        database.write_now(lambda conn: seed(conn, NOW))
        database.write_now(lambda conn: migrate.set_meta(conn, "kind", "sandbox"))
        database.write_now(
            lambda conn: conn.execute(
                "INSERT INTO connections (district_id, address, options, credentials, created, last_modified)"
                " SELECT MIN(id), 'https://lms.example', '{}', 'other.AAAA', 0, 0 FROM districts"
            )
        )
    assert bad() == [("problem", "secret key"), ("warning", "schema")]


def test_a_postgresql_database_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    with database_of("postgresql") as url:
        monkeypatch.setenv("PASSBACK_DATABASE_URL", url)
        monkeypatch.setenv("PASSBACK_SECRET_KEY", new_key())
        assert bad() == []
        with contextlib.closing(connect(url, None)) as database:
            assert database.read_now(lambda conn: conn.tables()) == set()
            migrate.prepare(database, "production")
        assert bad() == []
        told = {it.subject: it.found for it in found()}
    assert told["database"].startswith("PostgreSQL ")
    assert told["schema"].startswith("it is this Passback's")
    assert told["clock"] == "this machine and the database agree"


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with contextlib.suppress(OSError), server.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello")

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]


def test_a_port_that_another_program_has_is_found(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSBACK_PORT", str(taken))
    assert bad() == [("problem", "port")]


def test_a_certificate_that_is_not_trusted_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with https("localhost") as front:
        monkeypatch.setenv("PASSBACK_PUBLIC_URL", front.url)
        [one] = [it for it in found() if it.subject == "public URL"]
    assert (one.level, "not trusted" in one.found) == ("problem", True), one


def test_the_command_prints_each_with_what_to_do(tmp_path: Path) -> None:
    environment = {
        **commands.ENVIRONMENT, "PASSBACK_DATA": str(tmp_path / "data"), "PASSBACK_PORT": "0", "PASSBACK_WORKERS": "2",
    }  # fmt: skip
    told = commands.run("doctor", environment=environment)
    first, then, *_ = told.stdout.splitlines()
    assert told.returncode == 1
    assert first.startswith("problem  settings ")
    assert then.strip().startswith("-> set PASSBACK_DATABASE_URL")
    as_json = json.loads(commands.run("doctor", "--json", environment=environment).stdout)
    assert list(as_json[0]) == ["level", "subject", "found", "todo"]
    fine = commands.run("doctor", environment={**environment, "PASSBACK_WORKERS": "1"})
    assert (fine.returncode, fine.stderr) == (0, "")
