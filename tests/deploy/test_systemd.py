"""The systemd units: valid, hardened, and starting commands that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.commands import real
from support.programs import program

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
MOST_EXPOSURE = 1.1
"""The score of `systemd-analyze security`, from 0 (locked in) to 10 (free to do anything)."""


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


def test_there_are_units_to_serve_and_to_deliver() -> None:
    assert {it.stem for it in UNITS} == {"passback", "passback-worker"}
