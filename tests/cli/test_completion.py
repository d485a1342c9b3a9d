"""``passback completion``: what shells complete."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support import commands

_ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_passback
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bash") / "passback"
    path.write_text(commands.run("completion", "bash").stdout)
    return path


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["dis"], ["district"]),
        (["doc"], ["doctor"]),
        (["deliveries", "re"], ["retry"]),
        (["match", "by", "s"], ["sis_id", "state_id"]),
        (["match", "status", "--a"], ["--all"]),
        (["token", "list", "--js"], ["--json"]),
        (["deliveries", "list", "--state", "ref"], ["refused"]),
        (["nothing-like", "x"], []),
    ],
)
def test_bash_completes_commands_options_and_values(
    script: Path, typed: list[str], offered: list[str]
) -> None:
    done = subprocess.run(
        ["bash", "--norc", "-c", _ASK, "bash", str(script), "passback", *typed],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert (sorted(done.stdout.split()), done.stderr) == (offered, "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_given_all_commands(shell: str) -> None:
    told = commands.run("completion", shell)
    assert (told.returncode, told.stderr) == (0, "")
    assert all(word in told.stdout for word in ("doctor", "sign-in-student", "all-problems"))


def test_a_shell_that_is_not_known_is_a_usage_error() -> None:
    told = commands.real("completion", "tcsh")
    assert (told.returncode, told.stdout) == (2, ""), told
