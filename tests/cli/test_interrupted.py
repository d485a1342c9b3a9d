"""Ctrl-C: exit code 130, and a line on standard error that says what it leaves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from passback.operations import backups, connections, keys, rosters, syncs, tokens
from passback.operations import districts as district_operations
from passback.sandbox.seed import seed
from passback.settings import Settings
from passback.store import districts
from passback.store.engine import migrate
from passback.store.engine.open import connect
from support import commands
from support.sandbox import DISTRICT, NOW

CANVAS = "4fee004cca2e43cfca000000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with contextlib.closing(connect("", tmp_path / "passback.db")) as database:
        migrate.prepare(database, "sandbox")
        database.write_now(lambda conn: seed(conn, NOW))
        database.write_now(lambda conn: districts.set_lms(conn, CANVAS, "canvas", "success"))
    return tmp_path


def interrupted(*_arguments: Any, **_named: Any) -> Any:
    """Stands for what is interrupted: a real Ctrl-C comes when it likes."""
    raise KeyboardInterrupt


def interrupted_at_the_end(_database: Any, _file: Any, _wanted: Any, _clock: Any, seen: Any) -> Any:
    seen.applied(rosters.Plan(DISTRICT, 1, {}, 0))
    raise KeyboardInterrupt


def copied_and_interrupted(_settings: Any, target: Path, _now: Any) -> Any:
    target.touch()
    raise KeyboardInterrupt


def restored_and_interrupted(settings: Settings, _source: Any, _now: Any) -> Any:
    assert settings.data_file is not None
    fresh = settings.data_file.with_name("fresh")
    fresh.touch()
    fresh.replace(settings.data_file)
    raise KeyboardInterrupt


_CONNECT = ("connect", "canvas", "--address", "http://127.0.0.1:9", "--set", "access_token=x")
_IMPORT = ("roster", "import", "roster.zip", "--district", DISTRICT)


@pytest.mark.parametrize(
    ("where", "happens", "arguments", "told"),
    [
        ((rosters, "import_from_files"), interrupted, _IMPORT, "the roster is as it was"),
        ((rosters, "import_from_files"), interrupted_at_the_end, _IMPORT, "the roster has been imported"),
        ((backups, "back_up"), interrupted, ("backup", "copy.db"), "there is no copy"),
        ((backups, "back_up"), copied_and_interrupted, ("backup", "copy.db"), "{here}/copy.db is complete"),
        ((backups, "restore"), interrupted, ("restore", "copy.db"), "the data file is as it was"),
        (
            (backups, "restore"),
            restored_and_interrupted,
            ("restore", "copy.db"),
            "the backup is in the data file's place",
        ),
        ((connections, "try_out"), interrupted, (*_CONNECT, "--name", "N"), "no district was made"),
        ((connections, "try_out"), interrupted, (*_CONNECT, "--district", CANVAS), "nothing was changed"),
        (
            (keys, "rotate"),
            interrupted,
            ("key", "rotate"),
            "the keys that there are open every secret: give the command again",
        ),
        (
            (district_operations, "delete"),
            interrupted,
            ("district", "delete", "--district", CANVAS, "--yes"),
            "the district is deleted whole or not at all: see passback district list",
        ),
        (
            (syncs, "follow"),
            interrupted,
            ("sync", "run", "--district", CANVAS),
            "what was read of the LMS is kept. A running server goes on with the sync, or the next passback sync run"
            f" --district {CANVAS}",
        ),
    ],
)
def test_ctrl_c_says_what_it_leaves(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: tuple[Any, str],
    happens: Callable[..., Any],
    arguments: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(*where, happens)
    done = commands.run(*arguments, "--data", str(folder))
    assert (done.returncode, done.stderr) == (130, f"passback: interrupted: {told.format(here=folder)}\n")


def test_any_other_command_ends_without_a_trace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "list_all", interrupted)
    done = commands.run("token", "list", "--data", str(folder))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "passback: interrupted\n")
