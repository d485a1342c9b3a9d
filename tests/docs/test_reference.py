"""The generated pages are what the code says, and leave nothing out."""

from __future__ import annotations

import re

import msgspec
from cyclopts import App

from docs import generate
from passback.cli import app
from passback.settings import Settings
from passback.wire.warnings import MEANINGS

COMMANDS = (generate.REFERENCE / "commands.md").read_text("utf-8")
SETTINGS = (generate.REFERENCE / "settings.md").read_text("utf-8")


def test_the_files_are_what_the_code_generates() -> None:
    again = "run `make docs`"
    assert generate.commands_page() == COMMANDS, again
    assert generate.settings_page() == SETTINGS, again
    collection = (generate.REFERENCE / generate.COLLECTION).read_text("utf-8")
    assert generate.collection_file() == collection, again


def test_every_command_is_documented_and_no_other() -> None:
    headings = re.findall(r"(?m)^#{2,} (passback .*)$", COMMANDS)
    assert sorted(headings) == sorted(commands_of(app, "passback"))


def test_every_option_is_documented_and_no_other() -> None:
    parts = re.split(r"(?m)^#{2,} (passback .*)$", COMMANDS)[1:]
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        found = app
        for word in name.split()[1:]:
            found = found[word]
        if found.default_command is None:
            continue
        named = {
            it
            for argument in found.assemble_argument_collection(default_parameter=app.default_parameter)
            for it in argument.names
        }
        shown = " ".join(re.findall(r"(?m)^\* `(.*?)`", text))
        assert set(re.findall(r"--[a-z][a-z-]*", shown)) == {it for it in named if it.startswith("--")}, name


def test_every_setting_is_documented_and_no_other() -> None:
    documented = re.findall(r"(?m)^\| `(\w+)` \| `PASSBACK_(\w+)`", SETTINGS)
    names = [it.name for it in msgspec.structs.fields(Settings)]
    assert documented == [(name, name.upper()) for name in names]
    assert list(generate.setting_meanings()) == names


def test_every_warning_is_documented_as_it_is_explained() -> None:
    api = (generate.REFERENCE / "api.md").read_text("utf-8")
    table = api.partition("## Warnings")[2].partition("## ")[0]
    assert dict(re.findall(r"(?m)^\| `([A-Z]\S*)` \| (.*) \|$", table)) == MEANINGS


def commands_of(group: App, name: str) -> list[str]:
    """The full names of all commands below one."""
    found = []
    for word in group:
        if not word.startswith("-"):
            found += [f"{name} {word}", *commands_of(group[word], f"{name} {word}")]
    return found
