"""The commands for deliveries, as people run them, and processes that only deliver."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from passback.delivery import ledger
from passback.domain.clock import DAY, system_clock
from passback.domain.delivery import Failed, Outcome, Refused
from passback.sandbox.seed import seed
from passback.store import deliveries, workers
from passback.store.engine import migrate
from passback.store.engine.database import Connection
from passback.store.engine.open import connect
from passback.store.engine.vault import new_key, write_key_file
from passback.store.workers import RegisteredWorker
from support import commands as running
from support.delivery import delivery
from support.postgres import DATABASES, database_of, fresh_database
from support.sandbox import DISTRICT, NOW, STUDENT


class Commands:
    """The command on a database with a waiting, a refused and a delivered delivery."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        with contextlib.closing(connect(url, folder / "passback.db")) as database:
            migrate.prepare(database, "sandbox")
            database.write_now(lambda conn: seed(conn, NOW))
            database.write_now(_fill)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**running.ENVIRONMENT, "PASSBACK_DATA": str(self.folder)}
        if self.url:
            environment["PASSBACK_DATABASE_URL"] = self.url
        return running.run("deliveries", *arguments, environment=environment)

    def state(self, delivery_id: str) -> str:
        with contextlib.closing(connect(self.url, self.folder / "passback.db")) as database:
            found = database.read_now(lambda conn: deliveries.find(conn, delivery_id))
        assert found is not None
        return found.state


def _fill(conn: Connection) -> None:
    later = system_clock() + DAY
    workers.add(conn, RegisteredWorker("w", "", 0, 0), NOW)
    for number in (1, 2):
        ledger.accept(conn, delivery(f"d{number}", {"grade_points": "5"}, lane=f"l{number}"))
    outcomes: list[Outcome] = [
        Failed(500, "Error updating submission", "status 503\nand more"),
        Refused(404, "User not found"),
    ]
    for one, outcome in zip(ledger.claim(conn, "w", NOW, 2), outcomes, strict=True):
        ledger.finish(conn, [one], [outcome], NOW)
    conn.execute("UPDATE deliveries SET due = :due, expires = :due WHERE id = 'd1'", {"due": later})
    ledger.accept(conn, delivery("many", {}, operation="update_submissions", lane="many", due=None))
    ledger.accept(conn, delivery("p1", lane="p1", batch_id="many", position=0, due=later, expires=later))
    workers.remove(conn, "w")


@pytest.fixture(params=DATABASES)
def commands(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Commands]:
    with database_of(request.param) as url:
        yield Commands(tmp_path, url)


def test_they_are_listed_with_why_they_wait(commands: Commands) -> None:
    header, *lines = commands.run("list").stdout.splitlines()
    assert header.split()[:3] == ["delivery", "id", "state"]
    assert [line.split()[:2] for line in lines] == [["many", "waiting"], ["d2", "refused"], ["d1", "waiting"]]
    assert lines[1].endswith("User not found")
    assert lines[2].endswith("status 503 and more")


def test_they_are_listed_by_state_and_district(commands: Commands) -> None:
    assert "d1" not in commands.run("list", "--state", "refused").stdout
    assert "d2" in commands.run("list", "--district", DISTRICT.upper()).stdout
    assert len(commands.run("list", "--district", "4fee004cca2e43cf28000000").stdout.splitlines()) == 1
    assert commands.run("list", "--district", "x").stderr == "passback: there is no district x\n"


def test_all_that_is_known_of_one_is_shown(commands: Commands) -> None:
    shown = commands.run("show", "D1").stdout
    for part in (STUDENT, '{"grade_points":"5"}', "Error updating submission", "status 503 and more"):
        assert part in shown
    assert "p1" in commands.run("show", "many").stdout


@pytest.mark.parametrize("delivery_id", ["d1", "d2"])
def test_one_is_tried_again(commands: Commands, delivery_id: str) -> None:
    told = commands.run("retry", delivery_id)
    assert (told.stdout, told.stderr) == (f"Delivery {delivery_id} is tried now.\n", "")
    assert commands.state(delivery_id) == "waiting"
    assert "retried it" in commands.run("show", delivery_id).stdout


def test_one_is_taken_back_with_its_parts(commands: Commands) -> None:
    assert commands.run("cancel", "d1", "many").returncode == 0
    assert [commands.state(one) for one in ("d1", "many", "p1")] == ["cancelled"] * 3


def test_what_cannot_be_done_is_told(commands: Commands) -> None:
    told = commands.run("cancel", "d2")
    assert (told.returncode, told.stderr) == (2, "passback: delivery d2 is not waiting\n")
    assert commands.run("show", "x").stderr == "passback: there is no delivery x\n"
    assert commands.run("retry").stderr == "passback: name a delivery\n"


def test_for_how_long_they_are_tried_is_the_districts_policy(commands: Commands) -> None:
    asked = [
        commands.run("policy", "--district", DISTRICT, *given).stdout
        for given in ((), ("--try-for", "14d"), (), ("--try-for", "default"))
    ]
    hours = [line.split()[-2] for line in asked]
    assert hours == ["72", "336", "336", "72"]
    assert commands.run("policy", "--district", "x").stderr == "passback: there is no district x\n"


def test_a_process_that_only_delivers_needs_a_shared_database(tmp_path: Path) -> None:
    done = running.run("worker", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "PASSBACK_DATABASE_URL" in done.stderr


@pytest.mark.parametrize("command", ["serve", "worker", "sandbox"])
def test_postgresql_needs_a_key_that_others_can_have(command: str, tmp_path: Path) -> None:
    environment = {**running.ENVIRONMENT, "PASSBACK_DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    done = running.run(command, "--data", str(tmp_path), environment=environment)
    assert (done.returncode, "passback key new" in done.stderr, list(tmp_path.iterdir())) == (2, True, [])


def test_a_process_that_only_delivers_stops_when_it_is_told(tmp_path: Path) -> None:
    write_key_file(tmp_path / "secret.key", [new_key()])
    with fresh_database() as url:
        with subprocess.Popen(
            running.command("worker"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PASSBACK_DATABASE_URL": url, "PASSBACK_DATA": str(tmp_path)},
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Passback delivers for the database test_")
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=30)
        assert (process.returncode, "give all processes the same PASSBACK_SECRET_KEY" in errors) == (0, True)
        assert len(errors.splitlines()) == 1
        with contextlib.closing(connect(url, None)) as database:
            assert database.read_now(workers.find_all) == []
