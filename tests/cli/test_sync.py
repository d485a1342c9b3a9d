"""``passback sync``, as people run it: beside a server, and alone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from passback.domain.clock import DAY, HOUR, MINUTE, system_clock
from passback.store import syncs
from passback.store.engine import migrate
from passback.store.engine.open import connect
from passback.testing.served import Served
from passback.testing.served import serving as serving_simulator
from passback.testing.slate.simulator import SlateSimulator
from support import commands as running
from support.sandbox import DISTRICT, Sandbox, SetClock, serving, stored
from support.slate import installed

SIMULATED = {"canvas": "ca", "schoology": "5c", "google": "6c", "moodle": "3d"}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return running.run(*arguments, "--data", str(folder))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Sandbox]]:
    folder = tmp_path_factory.mktemp("sandbox")
    with serving(folder) as sandbox:
        yield folder, sandbox


@pytest.mark.parametrize("kind", SIMULATED)
def test_a_running_server_does_it(sandbox: tuple[Path, Sandbox], kind: str) -> None:
    folder, served = sandbox
    district = f"4fee004cca2e43cf{SIMULATED[kind]}000000"
    served.clock.now = system_clock() + MINUTE  # the command's is the machine's
    done = run(folder, "sync", "run", "--district", district)
    assert (done.returncode, done.stderr) == (0, "")
    people = "email" if kind == "google" else "sis_id"
    assert done.stdout == f"sections: 2 sis_id\npeople: 42 {people}\n"
    told = run(folder, "sync", "status", "--district", district).stdout
    assert told.endswith("  next  only on request: passback sync run\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "--district", DISTRICT), "is not connected to an LMS"),
        (("run", "--district", "0" * 24), "there is no district 000"),
        (("status", "--district", "0" * 24), "there is no district 000"),
        (("schedule", "--district", "4fee004cca2e43cfca000000"), "give --hours or --off"),
        (("schedule", "--district", "4fee004cca2e43cfca000000", "--hours", "2", "--off"), "give --hours or"),
        (("schedule", "--district", DISTRICT, "--hours", "2"), "is not connected to an LMS"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_told(
    sandbox: tuple[Path, Sandbox], arguments: tuple[str, ...], told: str
) -> None:
    done = run(sandbox[0], "sync", *arguments)
    assert (done.returncode, told in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_it_is_done_as_often_as_it_is_said(sandbox: tuple[Path, Sandbox]) -> None:
    folder, served = sandbox
    district = "4fee004cca2e43cf5c000000"
    assert run(folder, "sync", "schedule", "--district", district, "--hours", "6").returncode == 0
    found = served.write(lambda conn: syncs.find(conn, district))
    assert found is not None
    assert found.every == 6 * HOUR
    assert "then every 6 hours" in run(folder, "sync", "status").stdout
    assert run(folder, "sync", "schedule", "--district", district, "--off").returncode == 0
    found = served.write(lambda conn: syncs.find(conn, district))
    assert found is not None
    assert (found.every, found.due) == (None, None)
    told = run(folder, "sync", "schedule", "--district", district, "--hours", "1.5")
    assert told.stdout.endswith(", then every 1.5 hours\n")
    assert run(folder, "sync", "schedule", "--district", district, "--off").returncode == 0


@pytest.fixture
def slate() -> Iterator[tuple[Served, dict[str, str]]]:
    simulator = SlateSimulator(SetClock())
    simulator.start()
    with installed() as paths, serving_simulator(simulator) as served:
        yield served, {"PYTHONPATH": os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")])}


def test_killed_amid_it_goes_on_where_it_was(slate: tuple[Served, dict[str, str]], tmp_path: Path) -> None:
    lms, environment = slate
    for number in range(40):
        lms.simulator.records.put("sections", f"x{number}", {"id": f"x{number}", "name": "x", "people": []})
    with contextlib.closing(connect("", tmp_path / "passback.db")) as database:
        migrate.prepare(database, "production")
    made = run(
        tmp_path, "connect", "slate", "--name", "X", "--address", lms.url, "--set", "api_key=slate-key"
    )  # fmt: skip
    district = made.stdout.split()[1]
    assert f"next: passback roster import FILE --district {district}" in made.stdout, made
    with contextlib.closing(connect("", tmp_path / "passback.db")) as database:
        database.write_now(
            lambda conn: conn.execute(
                "INSERT INTO sections (id, district_id, name, created, last_modified) VALUES ('a', :id, 'a', 0, 0)",
                {"id": district},
            )
        )
    lms.simulator.settings["latency_ms"] = 100
    with subprocess.Popen(
        running.command("sync", "run", "--district", district, "--data", str(tmp_path)),
        env={**os.environ, **environment},
    ) as process:
        while not _read(tmp_path):
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    read = _read(tmp_path)
    with contextlib.closing(connect("", tmp_path / "passback.db")) as database:  # as if a minute had passed
        database.write_now(lambda conn: conn.execute("UPDATE lms_syncs SET held_until = 0"))
    lms.simulator.settings["latency_ms"] = 0
    lms.simulator.requests.clear()
    done = run(tmp_path, "sync", "run", "--district", district)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("continuing with what was read since ")
    asked = {line.split("/")[2] for line in lms.simulator.requests if "/people" in line}
    assert asked.isdisjoint(read)
    [(due,)] = stored(tmp_path / "passback.db", "SELECT due FROM lms_syncs")
    assert 0 < due - system_clock() <= DAY


def _read(folder: Path) -> set[str]:
    return {row[0] for row in stored(folder / "passback.db", "SELECT id FROM lms_sections WHERE read = 1")}
