"""The generated pages are what the code says, and leave nothing out."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
from cyclopts import App

from docs import generate
from passback.cli import app
from passback.settings import Settings
from passback.wire.warnings import MEANINGS

ROOT = Path(__file__).parents[2]
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


_CODE = r"[A-Z]{3,}(?:_[A-Z]+)+"
NO_CODES = {
    "words of Google's": {
        "ALL_STUDENTS", "DRAFT_GRADE_POINTS_EARNED_CHANGE", "INDIVIDUAL_STUDENTS", "RECLAIMED_BY_STUDENT",
        "RESOURCE_EXHAUSTED", "TURNED_IN",
    },
    "words of the machine's": {"CERTIFICATE_VERIFY_FAILED", "CLOCK_BOOTTIME", "SUDO_USER"},
    "a part of a setting's name": {"API_TOKEN", "SECRET_KEY"},
}  # fmt: skip
"""What looks like a code of an error or a warning, and is none."""


def test_every_code_of_an_error_is_documented() -> None:
    sources = [it.read_text("utf-8") for it in (ROOT / "src" / "passback").rglob("*.py")]
    codes = {code for text in sources for code in re.findall(rf'"({_CODE})(?::|")', text)}
    pages = "".join(it.read_text("utf-8") for it in generate.REFERENCE.rglob("*.md"))
    documented = set(re.findall(rf"`(?:[^`]*\b)?({_CODE})\b", pages))
    assert codes - set().union(*NO_CODES.values()) - documented == set()
    assert set().union(*NO_CODES.values()) <= codes


def test_every_status_and_text_of_an_error_is_documented() -> None:
    page = (generate.REFERENCE / "errors.md").read_text("utf-8")
    source = (ROOT / "src/passback/wire/errors.py").read_text("utf-8")
    made = re.findall(r'Refusal\(\s*(\d+),\s*f?["\']((?:[A-Z_]+:|[^"\'{]+))', source)
    assert len(made) > 20
    assert [text for _, text in made if text.strip() not in page and "validation" not in text] == []
    assert {status for status, _ in made} <= set(re.findall(r"\b\d{3}\b", page))


def commands_of(group: App, name: str) -> list[str]:
    """The full names of all commands below one."""
    found = []
    for word in group:
        if not word.startswith("-"):
            found += [f"{name} {word}", *commands_of(group[word], f"{name} {word}")]
    return found
