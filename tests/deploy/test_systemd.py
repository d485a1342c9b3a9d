"""The systemd units: valid, hardened, and starting commands that exist."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from passback.settings import unknown_variables
from passback.store.engine.vault import new_key
from support.commands import ENVIRONMENT, command, real, started
from support.postgres import fresh_database
from support.programs import program

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
MOST_EXPOSURE = 1.1
"""The score of `systemd-analyze security`, from 0 (locked in) to 10 (free to do anything)."""
_NO_NEW_CODE = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Runs a command under what ``MemoryDenyWriteExecute`` means (PR_SET_MDWE); kernels before 6.3 do not know it."""


@pytest.mark.parametrize("unit", UNITS, ids=lambda it: it.stem)
def test_systemd_takes_the_unit_without_a_warning(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text("utf-8").replace(
        "/opt/passback/bin/passback", f"{Path(sys.executable).parent}/passback"
    )
    (tmp_path / unit.name).write_text(text)
    done = subprocess.run(
        [program("systemd-analyze"), "verify", str(tmp_path / unit.name)], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda it: it.stem)
def test_the_unit_may_do_little(unit: Path) -> None:
    done = subprocess.run(
        [program("systemd-analyze"), "security", "--offline=yes", "--no-pager", str(unit)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    [exposure] = re.findall(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(exposure) <= MOST_EXPOSURE


@pytest.mark.parametrize("unit", UNITS, ids=lambda it: it.stem)
def test_the_unit_starts_a_command_that_there_is(unit: Path) -> None:
    [line] = re.findall(r"^ExecStart=/opt/passback/bin/passback (.+)$", unit.read_text("utf-8"), re.MULTILINE)
    command, *arguments = line.split()
    usage = real(command, "--help")
    assert usage.returncode == 0
    assert all(it in usage.stdout for it in arguments if it.startswith("--"))


@contextlib.contextmanager
def service(name: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """What a unit starts, with its settings and credentials from a folder, until the end."""
    text = (UNITS[0].parent / f"{name}.service").read_text("utf-8")
    settings = dict(re.findall(r"(?m)^Environment=(\w+)=(.+)$", text))
    credentials = dict(re.findall(r"(?m)^LoadCredential=([\w-]+):(.+)$", text))
    assert set(settings.values()) == {f"%d/{it}" for it in credentials}
    assert unknown_variables(settings) == []
    assert "MemoryDenyWriteExecute=yes" in text
    [line] = re.findall(r"(?m)^ExecStart=/opt/passback/bin/passback (.+)$", text)
    arguments = line.replace("/var/lib", str(folder)).split()
    environment = {name: value.replace("%d", str(folder)) for name, value in settings.items()}
    with started(
        [sys.executable, "-c", _NO_NEW_CODE, *command(*arguments)],
        {**ENVIRONMENT, **environment, "PASSBACK_PORT": "0"},
        umask=0o077,
    ) as process:
        yield process


def test_the_units_serve_and_deliver_with_their_credentials(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_text(new_key() + "\n")
    with service("passback", tmp_path) as gateway:
        assert gateway.stdout is not None
        found = re.search(r"Passback serves (http://[\d.:]+)/v3.1", gateway.stdout.readline())
        assert found is not None
        assert httpx2.get(f"{found[1]}/health/ready").status_code == 200
        assert httpx2.get(f"{found[1]}/console/sign-in").status_code == 200
    assert gateway.returncode == 0
    assert (tmp_path / "passback" / "passback.db").exists()
    with fresh_database("production") as url:
        (tmp_path / "database-url").write_text(url + "\n")
        with service("passback-worker", tmp_path) as worker:
            assert worker.stdout is not None
            assert "Passback delivers" in worker.stdout.readline()
        assert worker.returncode == 0


def test_there_are_units_to_serve_and_to_deliver() -> None:
    assert {it.stem for it in UNITS} == {"passback", "passback-worker"}
