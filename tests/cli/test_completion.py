"""``passback completion``: what shells complete, asked of them as the reference says to set it up."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support import commands
from support.programs import program

_ASK_BASH = """
eval "$(cat "$1")"; shift
complete -p passback >/dev/null
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_passback
printf '%s\\n' "${COMPREPLY[@]}"
"""
_ASK_FISH = 'source $argv[1]; complete --do-complete "$argv[2..]" | string split --fields 1 \\t; true'
# Only an interactive zsh completes: one at a terminal of its own, which writes down what is offered.
_ASK_ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell ". ${(q)1} ${(q)1:h}"
zpty -w -n shell "${*:2}"$'\\t'
zpty -r shell screen '*DONE*'
zpty -d shell
sort -u $1:h/offered
"""
_IN_ZSH = """
offered=$1/offered; : > $offered
fpath=($1 $fpath)
autoload -Uz compinit; compinit -u -D
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
  local -a found
  builtin compadd -A found "$@"
  print -rl -- $found >> $offered
  builtin compadd "$@"
}
answer() { zle complete-word; print DONE }
zle -N answer; bindkey '^I' answer
"""


def told(script: Path, *command: str | Path) -> list[str]:
    """What a command says, in a folder without files that could be offered."""
    empty = script.with_name("empty")
    empty.mkdir(exist_ok=True)
    done = subprocess.run(command, cwd=empty, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return sorted(done.stdout.split())


def bash(script: Path, typed: list[str]) -> list[str]:
    return told(script, "bash", "--norc", "-c", _ASK_BASH, "bash", script, *typed)


def fish(script: Path, typed: list[str]) -> list[str]:
    return told(script, program("fish"), "--no-config", "--command", _ASK_FISH, script, *typed)


def zsh(script: Path, typed: list[str]) -> list[str]:
    inside = script.with_name("inside")
    inside.write_text(_IN_ZSH)
    return told(script, program("zsh"), "-f", "-c", _ASK_ZSH, "zsh", inside, *typed)


@pytest.fixture(scope="module", params=[bash, fish, zsh], ids=lambda it: it.__name__)
def offered(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[list[str]], list[str]]:
    """What a shell offers for the words that are typed."""
    shell = request.param
    script = tmp_path_factory.mktemp(shell.__name__) / "_passback"  # as zsh wants it; the others take any
    script.write_text(commands.run("completion", shell.__name__).stdout)
    return lambda typed: shell(script, ["passback", *typed])


@pytest.mark.parametrize(
    ("typed", "found"),
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
def test_shells_complete_commands_options_and_values(
    offered: Callable[[list[str]], list[str]], typed: list[str], found: list[str]
) -> None:
    assert offered(typed) == found


def test_a_shell_that_is_not_known_is_a_usage_error() -> None:
    done = commands.real("completion", "tcsh")
    assert (done.returncode, done.stdout) == (2, ""), done
