"""``passback status``: what is wrong where, worst first."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from passback.delivery import ledger, presence
from passback.domain.clock import DAY, HOUR, system_clock
from passback.domain.delivery import Refused
from passback.in_flight import seconds
from passback.sandbox.seed import seed
from passback.store import districts, restored, workers
from passback.store.engine import migrate
from passback.store.engine.database import Connection
from passback.store.engine.open import connect
from passback.store.workers import RegisteredWorker
from support import commands as running
from support.delivery import delivery
from support.sandbox import DISTRICT

CANVAS = "4fee004cca2e43cfca000000"


class Gateway:
    """A sandbox's data, of which one process delivers, unless it is written otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with contextlib.closing(connect("", folder / "passback.db")) as database:
            migrate.prepare(database, "sandbox")
        self.write(lambda conn: seed(conn, system_clock()))
        self.beat(seconds())

    def write(self, change: Callable[[Connection], Any]) -> None:
        with contextlib.closing(connect("", self.folder / "passback.db")) as database:
            database.write_now(change)

    def beat(self, at: float) -> None:
        """Let a process of this machine have shown at a time that it is alive."""
        worker = RegisteredWorker(f"w{at}", presence.home_here(), os.getppid(), round(at * 1000))
        self.write(lambda conn: conn.execute("DELETE FROM workers"))
        self.write(lambda conn: workers.add(conn, worker, system_clock()))

    def status(self, *more: str) -> subprocess.CompletedProcess[str]:
        return running.run("status", "--data", str(self.folder), *more)

    def json(self, *more: str) -> Any:
        return json.loads(self.status("--json", *more).stdout)

    def wrong(self) -> list[tuple[str, str, str]]:
        return [(it["level"], it["subject"], it["found"]) for it in self.json()["checks"]]


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    return Gateway(tmp_path)


def test_nothing_is_wrong_with_a_new_sandbox_that_is_served(gateway: Gateway) -> None:
    told = gateway.status()
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("Nothing is wrong.\n")
    assert "Sandbox Unified" in told.stdout


@pytest.mark.parametrize("gone", [True, False])
def test_that_nothing_delivers_is_a_problem(gateway: Gateway, gone: bool) -> None:
    if gone:
        gateway.write(lambda conn: conn.execute("DELETE FROM workers"))
    else:
        gateway.beat(seconds() - 60)
    assert gateway.status().returncode == 1
    [(level, subject, _)] = gateway.wrong()
    assert (level, subject) == ("problem", "processes")


def test_what_is_wrong_is_told_worst_first(gateway: Gateway) -> None:
    def fill(conn: Connection) -> None:
        now = system_clock()
        workers.add(conn, RegisteredWorker("w", "", 0, 0), now)
        ledger.accept(conn, delivery("d1", {"grade_points": "5"}, created=now - 2 * HOUR, due=now - HOUR))
        ledger.finish(conn, ledger.claim(conn, "w", now, 1), [Refused(404, "User not found")], now)
        districts.set_lms_state(conn, CANVAS, "error")
        restored.set_last_backup(conn, now - 9 * DAY)

    gateway.write(fill)
    unified = f"Sandbox Unified ({DISTRICT})"
    assert [(level, subject if subject != unified else "") for level, subject, _ in gateway.wrong()] == [
        ("problem", f"Canvas Unified ({CANVAS})"),
        ("warning", ""),
        ("warning", "backup"),
    ]
    assert gateway.wrong()[1][2] == "Something did not arrive."
    assert "-> passback deliveries list" in gateway.status().stdout
    [one] = gateway.json("--district", DISTRICT.upper())["districts"]
    assert (one["not_arrived"], one["not_arrived_in_day"]) == (1, 1)


@pytest.mark.parametrize(("free", "level"), [(0, "problem"), (1024**3, "warning")])
def test_a_disk_that_is_almost_full_is_told(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, free: int, level: str
) -> None:
    usage = shutil.disk_usage(gateway.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage._replace(free=free))
    assert [(found, subject) for found, subject, _ in gateway.wrong()] == [(level, "disk")]


def test_a_backup_is_remembered(gateway: Gateway, tmp_path: Path) -> None:
    assert gateway.json()["last_backup"] is None
    running.run("backup", str(tmp_path / "copy.db"), "--data", str(gateway.folder))
    assert gateway.json()["last_backup"] is not None


def test_an_unknown_district_is_named(gateway: Gateway) -> None:
    told = gateway.status("--district", "x")
    assert (told.returncode, told.stderr) == (2, "passback: there is no district x\n")
