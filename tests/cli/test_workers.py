"""``passback serve --workers``: several processes on one address."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from passback.store import workers
from passback.store.engine.open import connect
from passback.store.engine.vault import new_key
from support import commands
from support.postgres import fresh_database
from support.sandbox import Client

PATIENCE = 60.0


@contextlib.contextmanager
def started() -> Iterator[tuple[psutil.Popen, int]]:
    """Two processes and the one that has started them, and their port."""
    with fresh_database() as url:
        environment = {
            **commands.ENVIRONMENT,
            "PASSBACK_DATABASE_URL": url,
            "PASSBACK_SECRET_KEY": new_key(),
        }
        arguments = commands.command("serve", "--port", "0", "--workers", "2")
        with psutil.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment) as parent:
            try:
                found = re.search(r"http://127\.0\.0\.1:(\d+)", parent.stdout.readline())
                assert found is not None
                with contextlib.closing(connect(url, None)) as database:
                    wait_until(lambda: len(database.read_now(workers.find_all)) == 2)
                yield parent, int(found[1])
            finally:
                if parent.is_running():
                    parent.kill()


def serving(parent: psutil.Popen) -> list[psutil.Process]:
    """The processes that serve."""
    found = []
    for it in parent.children():
        with contextlib.suppress(psutil.Error):  # it has just ended
            if any("spawn_main" in word for word in it.cmdline()):
                found.append(it)
    return found


def ready(port: int) -> bool:
    with contextlib.closing(Client(port, token=None)) as client:
        return client.get("/health/ready").status == 200


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_process_that_ends_is_started_again_and_all_stop_when_told() -> None:
    with started() as (parent, port):
        assert ready(port)
        first = serving(parent)
        first[0].kill()
        wait_until(lambda: first[0] not in serving(parent) and len(serving(parent)) == 2)
        assert ready(port)
        last = serving(parent)
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(PATIENCE) == 0
        assert not any(it.is_running() for it in last)


def test_one_that_only_delivers_says_at_ctrl_c_what_it_leaves() -> None:
    with fresh_database("production") as url:
        environment = {**commands.ENVIRONMENT, "PASSBACK_DATABASE_URL": url, "PASSBACK_SECRET_KEY": new_key()}
        with subprocess.Popen(
            commands.command("worker"), stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert process.stdout is not None
            assert "Passback delivers" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            told, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, told) == (0, "Stopped. Nothing waits to be delivered.\n")


def test_the_last_one_says_at_ctrl_c_what_they_leave() -> None:
    with started() as (parent, _):
        # As the terminal does it: every process of the group gets the signal.
        for it in (*serving(parent), parent):
            it.send_signal(signal.SIGINT)
        assert parent.wait(PATIENCE) == 0
        assert parent.stdout.read() == "Stopped. Nothing waits to be delivered.\n"


def test_none_is_left_if_the_one_that_started_them_is_killed() -> None:
    with started() as (parent, port):
        assert ready(port)
        processes = serving(parent)
        parent.kill()
        assert psutil.wait_procs(processes, PATIENCE)[1] == []


@pytest.mark.parametrize("given", [["--workers", "2"], []])
def test_a_data_file_is_served_by_one(given: list[str], tmp_path: Path) -> None:
    environment = commands.ENVIRONMENT if given else {**commands.ENVIRONMENT, "PASSBACK_WORKERS": "2"}
    done = commands.run("serve", "--data", str(tmp_path), *given, environment=environment)
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "one process serves a data file" in done.stderr
    assert "PASSBACK_DATABASE_URL" in done.stderr
