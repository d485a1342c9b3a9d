"""Several processes that begin at once, on what nobody has used before; and a database that begins beside them."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from passback.app import open_database_soon
from passback.settings import Settings
from passback.store.engine.database import StoreError
from passback.store.engine.files import ServedByAnother, served_alone
from passback.store.engine.postgres import PostgresDatabase
from passback.store.engine.vault import new_key
from support.commands import ENVIRONMENT, command, real
from support.pg_proxy import PgProxy
from support.postgres import fresh_database, own_server
from support.sandbox import ASSIGNMENTS, Client

Process = subprocess.Popen[str]


@contextlib.contextmanager
def together(many: int, arguments: Sequence[str], **settings: str) -> Iterator[list[Process]]:
    """The same command in many processes at once."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(started)
            for started in [
                subprocess.Popen(
                    arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**ENVIRONMENT, **settings}
                )
                for _ in range(many)
            ]
        ]  # fmt: skip


FIRST_KEYS = """
import sys, time
from pathlib import Path
from passback.settings import Settings
while time.time() < float(sys.argv[2]):
    pass
for number in range(40):
    print(Settings(data=f"{sys.argv[1]}/{number}").secret_keys())
"""


def test_the_first_key_is_made_once(tmp_path: Path) -> None:
    start = time.time() + 2  # when all processes are there
    with together(8, [sys.executable, "-c", FIRST_KEYS, str(tmp_path), str(start)]) as processes:
        seen = {process.communicate(timeout=60) for process in processes}
    [(keys, errors)] = seen
    assert (len(set(keys.splitlines())), errors) == (40, "")
    assert {file.name for file in tmp_path.glob("*/*")} == {"secret.key"}


def test_one_of_several_servers_serves_a_new_data_file(tmp_path: Path) -> None:
    with together(4, command("sandbox", "--data", str(tmp_path), "--port", "0")) as processes:
        deadline = time.monotonic() + 50
        while sum(it.poll() is None for it in processes) > 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        [serving] = [it for it in processes if it.poll() is None]
        try:
            assert serving.stdout is not None
            line = next(it for it in serving.stdout if "http://" in it)
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            assert found is not None
            with contextlib.closing(Client(int(found[1]))) as client:
                assert client.get("/health/ready").status == 200
            # Commands work beside it.
            assert real("district", "list", "--data", str(tmp_path)).returncode == 0
        finally:
            serving.kill()
        for refused in (it for it in processes if it is not serving):
            _, errors = refused.communicate()
            assert refused.returncode == 1
            assert "serves the data file" in errors


def test_a_data_file_is_free_again_after_its_server(tmp_path: Path) -> None:
    path = tmp_path / "passback.db"
    with served_alone(path):
        with pytest.raises(ServedByAnother, match=r"pid \d+"), served_alone(path):
            pass
        with served_alone(tmp_path / "other.db"):
            pass
    with served_alone(path):
        pass


def test_servers_that_start_together_on_postgresql_all_serve_one_sandbox(tmp_path: Path) -> None:
    with (
        fresh_database() as url,
        together(
            4, command("sandbox", "--data", ":memory:", "--port", "0"), PASSBACK_DATABASE_URL=url
        ) as processes,
    ):
        try:
            ports = []
            for process in processes:
                assert process.stdout is not None
                found = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
                assert found is not None, process.stderr and process.stderr.read()
                ports.append(int(found[1]))
            clients = [Client(port) for port in ports]
            made = clients[0].create()
            assert [client.get(made).status for client in clients] == [200] * 4
            cursors = [client.get(f"{ASSIGNMENTS}?limit=1").status for client in clients]
            assert cursors == [200] * 4
            for client in clients:
                client.close()
        finally:
            for process in processes:
                process.kill()


def test_a_start_waits_for_a_database_that_is_starting(tmp_path: Path) -> None:
    with (
        fresh_database() as url,
        # A try asks twice: what there is, and whether that may change.
        PgProxy(url, starting=2).running() as proxy,
        subprocess.Popen(
            command("serve", "--data", str(tmp_path), "--port", "0"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**ENVIRONMENT, "PASSBACK_DATABASE_URL": proxy.url, "PASSBACK_SECRET_KEY": new_key()},
        ) as started,
    ):  # fmt: skip
        assert started.stdout is not None
        assert started.stderr is not None
        assert "Passback serves http" in started.stdout.readline()
        started.kill()
        assert re.search(r"starting up; waiting for it, for at most \d+ seconds more", started.stderr.read())


def test_a_start_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        StoreError, match=r"cannot open the database x at 127\.0\.0\.1: .*waited for 0 seconds"
    ):
        open_database_soon(Settings(database_url="postgresql://me@127.0.0.1:1/x"), "production", patience=0.1)


def test_what_waiting_does_not_mend_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    with fresh_database() as url, pytest.raises(StoreError, match="no_such_database"):
        open_database_soon(Settings(database_url=re.sub(r"test_\w+", "no_such_database", url)), "production")
    assert not caplog.records


def test_a_pooler_of_transactions_is_refused_with_the_reason() -> None:
    with (
        own_server() as (url, _),
        PgProxy(url, pooled=True).running() as proxy,
        pytest.raises(StoreError, match="pool_mode = session"),
    ):
        PostgresDatabase(proxy.url)


def test_a_pooler_of_sessions_works() -> None:
    with (
        own_server() as (url, _),
        PgProxy(url).running() as proxy,
        contextlib.closing(PostgresDatabase(proxy.url)) as database,
    ):
        assert database.read_now(lambda conn: conn.execute("SELECT 1").fetchone()) == (1,)
