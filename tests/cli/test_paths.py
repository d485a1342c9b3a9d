"""Files and folders in messages: with their whole path, however they were given. A table of all that name one."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from docs import generate
from passback.sandbox.seed import seed
from passback.settings import CONFIG, FROM_FILES, PREFIX, Settings
from passback.store.engine import migrate
from passback.store.engine.open import connect
from support import commands
from support.sandbox import DISTRICT, NOW

LISTEN = ("--forward-to", "http://127.0.0.1:9/hook")
COMMANDS = [
    ("backup", "missing/copy.db"),
    ("backup", "here/passback.db"),
    ("backup", "copy.db"),
    ("restore", "missing.db"),
    ("restore", "here/passback.db"),
    ("roster import", "missing.zip", "--district", DISTRICT),
    ("roster import", "here/passback.db", "--district", DISTRICT),
    ("connector new", "slate", "--folder", "here"),
    ("connector new", "slate", "--folder", "made"),
    ("connector new", "slate"),
    ("connect", "canvas", "--name", "N", "--address", "http://127.0.0.1:9", "--set", "access_token=@missing"),
    ("listen", *LISTEN, "--token", "@missing"),
    ("trigger", "webhook.test", "--token", "@missing"),
]
"""Each command that takes a file or folder, with some that are there, are not, or are no such file."""
SETTINGS = [
    ("token list", "DATA", "missing"),
    ("doctor", "DATA", "missing"),
    ("doctor", "DATA", "here/passback.db"),
    ("doctor", "DATA", "here"),
    ("token list", "CONFIG", "missing.toml"),
    ("token list", "CONFIG", "here/passback.db"),
    ("token list", "CA_FILE", "missing.pem"),
    ("doctor", "CA_FILE", "missing.pem"),
    ("doctor", "SECRET_KEY_FILE", "missing.key"),
    ("doctor", "SECRET_KEY_FILE", "here/passback.db"),
    *[("token list", f"{name.upper()}_FILE", "./missing") for name in FROM_FILES],
]
"""Each setting that names a file or folder, with a command that looks at it."""
NAMES = re.compile(r"(\S*?)\b(missing|here|made|copy\.db|slate-connector)\b")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, in which a gateway has the data folder ``here``."""
    (tmp_path / "here").mkdir(mode=0o700)
    with contextlib.closing(connect("", tmp_path / "here" / "passback.db")) as database:
        migrate.prepare(database, "sandbox")
        database.write_now(lambda conn: seed(conn, NOW))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(folder: Path, words: tuple[str, ...], settings: Mapping[str, str]) -> list[str]:
    """What stands before each file and folder of `NAMES` that a command says something of."""
    done = commands.run(*words, environment={**commands.ENVIRONMENT, f"{PREFIX}DATA": "here", **settings})
    assert "Traceback" not in done.stderr
    return [before.lstrip("('\"") for before, _ in NAMES.findall(done.stdout + done.stderr)]


@pytest.mark.parametrize("given", COMMANDS, ids=" ".join)
def test_a_file_that_a_command_is_given_is_named_with_its_path(given: tuple[str, ...], folder: Path) -> None:
    command, *more = given
    found = said(folder, (*command.split(), *more), {})
    assert set(found) == {f"{folder}/"}


@pytest.mark.parametrize(("command", "variable", "file"), SETTINGS)
def test_a_file_that_a_setting_names_is_named_with_its_path(
    command: str, variable: str, file: str, folder: Path
) -> None:
    found = said(folder, tuple(command.split()), {PREFIX + variable: file})
    assert set(found) == {f"{folder}/"}


def test_every_command_that_takes_a_file_is_in_the_table() -> None:
    taking = set()
    for section in re.split(r"(?m)^##+ passback ", (generate.REFERENCE / "commands.md").read_text("utf-8"))[
        1:
    ]:
        if re.search(r"(?m)^\* .*(\bFILE\b|\bPATH\b)", section):
            taking.add(section.partition("\n")[0])
    assert taking == {command for command, *_ in COMMANDS}


def test_every_setting_that_names_a_file_is_in_the_table() -> None:
    of_files = {f"{name.upper()}_FILE" for name in FROM_FILES}
    own = {name.upper() for name in Settings.__struct_fields__ if name.endswith("_file")}
    assert {variable for _, variable, _ in SETTINGS} == {
        "DATA", CONFIG.removeprefix(PREFIX), *of_files, *own,
    }  # fmt: skip
