"""What commands show: as JSON with the documented fields, and as text that fits the terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from passback.cli import output
from passback.cli.output import Column, show_rows
from passback.delivery import ledger
from passback.store.engine.database import Connection
from passback.testing.served import Served
from passback_simulators.identities import CANVAS_UNIFIED
from support import commands as running
from support.delivery import delivery
from support.filled import SLATE_KEY, filled_folder
from support.rosters import CLEVER, changed, zipped
from support.sandbox import DISTRICT, SECTION

CANVAS = CANVAS_UNIFIED.district_id
PAGE = (Path(__file__).parents[2] / "docs/reference/json-output.md").read_text("utf-8")


@dataclass(frozen=True)
class Filled:
    """A sandbox's data folder, with one of each thing that is shown; and the LMS of one of its districts."""

    folder: Path
    lms: Served
    words: dict[str, str]
    """What stands in `COMMANDS` for what is only known now."""

    def shown(self, command: str, *more: str) -> Any:
        """What a command prints as JSON."""
        arguments = () if command in NO_DATA else ("--data", str(self.folder))
        more = tuple(self.words.get(it, it) for it in more)
        done = running.run(*command.split(), *more, "--json", *arguments)
        assert done.returncode in (0, 1), done  # 1: it shows what is wrong
        assert done.stderr == ""
        assert done.stdout.isascii()
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("data")
    with filled_folder(folder, _unmatched_and_waiting) as held:
        words = {
            "ASSIGNMENT": held.assignment, "WEBHOOK": held.webhook,
            "ROSTER": str(zipped(folder / "roster.zip", ONE_WRONG)), "NEW": str(folder / "copy.db"),
            "SLATE": held.slate.url,
        }  # fmt: skip
        found = Filled(folder, held.slate, words)
        token = found.shown("token create", "--district", DISTRICT, "--application", "App")
        found.shown("account create", "ada", "--role", "owner")
        connected = found.shown(*CONNECT)
        words.update(TOKEN=token["id"], CONNECTED=connected["district_id"], BACKUP=str(folder / "earlier.db"))
        roster = str(zipped(folder / "whole.zip", CLEVER))
        found.shown("roster import", roster, "--district", "CONNECTED")
        found.shown("sync run", "--district", "CONNECTED")
        found.shown(
            "backup", "BACKUP"
        )  # the last: what is restored has all of it, in whatever order tests run
        yield found


def _unmatched_and_waiting(conn: Connection) -> None:
    conn.execute("UPDATE users SET lms_id = NULL WHERE id = (SELECT MIN(id) FROM users)")
    ledger.accept(conn, delivery("d1", {"grade_points": "5"}))


ONE_WRONG = changed(CLEVER, "students.csv", 2, "Student_id", "")
NO_DATA = ("key new", "lti addresses")
CONNECT = ("connect", "slate", "--name", "Slate", "--address", "SLATE", "--set", SLATE_KEY)
COMMANDS: list[tuple[str, ...]] = [
    ("account create", "bob", "--role", "owner"),
    ("account list",),
    ("account reset", "ada"),
    ("audit",),
    ("backup", "NEW"),
    CONNECT,
    ("connection check", "--district", "CONNECTED"),
    ("connection list",),
    ("connection show", "--district", "CONNECTED"),
    ("deliveries list",),
    ("deliveries policy", "--district", DISTRICT),
    ("deliveries show", "d1"),
    ("district list",),
    ("doctor",),
    ("gradebook list", SECTION),
    ("gradebook show", "ASSIGNMENT"),
    ("key new",),
    ("lti addresses",),
    ("match status", "--district", "CONNECTED"),
    ("restore", "BACKUP"),
    ("restored", "--backed-up", "2026-01-01T00:00:00Z"),
    ("roster import", "ROSTER", "--district", DISTRICT, "--dry-run"),
    ("roster status",),
    ("status",),
    ("sync run", "--district", "CONNECTED"),
    ("sync status",),
    ("token create", "--district", DISTRICT, "--application", "Other"),
    ("token list",),
    ("token rotate", "TOKEN"),
    ("webhook list",),
    ("webhook show", "WEBHOOK"),
]
"""Every command that prints a JSON document and ends."""
EMPTY = {"deliveries show": {"parts"}, "status": {"processes"}}
"""The lists of objects that are empty here, by the command."""


def page_row(command: str) -> str:
    row = re.search(rf"(?m)^\| `{command}` \| \w+ \| (.*) \|$", PAGE)
    assert row, command
    return row[1].partition("; ")[0]


def documented(command: str) -> list[str]:
    """The fields that the page names for a command, in its order."""
    fields = re.sub(r" \([^()]*(\([^()]*\))?[^()]*\)", "", page_row(command))
    if same := re.match(r"as `([a-z ]+)`(?:, and )?", fields):
        return [*documented(same[1]), *re.findall(r"`(\w+)`", fields[same.end() :])]
    return re.findall(r"`(\w+)`", fields)


def documented_inside(command: str) -> dict[str, list[str]]:
    """The fields that the page names for each object in a list, by the list's field."""
    row = page_row(command)
    found = {
        field: documented(same) for field, same in re.findall(r"`(\w+)` \([^()]*?each as `([a-z ]+)`\)", row)
    }
    for field, inside, _ in re.findall(r"`(\w+)` \([^()]*?each with ([^()]*(\([^()]*\))?[^()]*)\)", row):
        found[field] = re.findall(r"`(\w+)`", re.sub(r" as `[a-z ]+`", "", inside))
    if same := re.match(r"as `([a-z ]+)`", row):
        found |= documented_inside(same[1])
    return found


def test_every_command_that_prints_json_and_ends_is_in_the_table() -> None:
    named = set(re.findall(r"(?m)^\| `([a-z -]+)` \| (?:array|object) \| ", PAGE))
    assert {command for command, *_ in COMMANDS} == named - {"listen"}


@pytest.mark.parametrize("given", COMMANDS, ids=lambda it: it[0])
def test_json_has_the_documented_fields(filled: Filled, given: tuple[str, ...]) -> None:
    command = given[0]
    found = filled.shown(*given)
    rows = found if isinstance(found, list) else [found]
    assert [list(it) for it in rows] == [documented(command)] * len(rows)
    assert rows
    lists = {
        field: [it for row in rows for it in row[field]]
        for field in rows[0]
        if isinstance(rows[0][field], list)
    }
    objects = {field: [it for it in value if isinstance(it, dict)] for field, value in lists.items()}
    inside = documented_inside(command)
    assert {field for field, value in objects.items() if value} == inside.keys() - EMPTY.get(command, set())
    for field, fields in inside.items():
        assert [list(it) for it in objects[field]] == [fields] * len(objects[field])


def test_names_stand_beside_ids(filled: Filled) -> None:
    [one, *_] = filled.shown("deliveries list")
    assert (one["district_name"], one["section_name"]) == ("Sandbox Unified", "Algebra 1")
    told = running.run("token", "list", "--data", str(filled.folder)).stdout
    assert re.search(rf"{DISTRICT} .* Sandbox Unified$", told, re.MULTILINE)


def test_nothing_is_an_empty_array(filled: Filled) -> None:
    assert filled.shown("webhook list", "--district", CANVAS) == []


_ROWS = [
    {"id": 7, "name": "Zoë 日本", "why": "a long story of many words"},
    {"id": 12, "name": "", "why": None},
]
_COLUMNS = (Column("id", "id"), Column("name", "name"), Column("why", "why"))


def table(width: int | None, capsys: pytest.CaptureFixture[str]) -> str:
    with mock.patch.object(output, "_terminal_width", return_value=width):
        show_rows(_ROWS, _COLUMNS, json=False)
    return capsys.readouterr().out


def test_columns_are_aligned_also_below_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    assert table(None, capsys) == (
        "id  name      why\n 7  Zoë 日本  a long story of many words\n12  -         -\n"
    )


def test_the_last_column_is_wrapped_where_the_terminal_is_narrow(capsys: pytest.CaptureFixture[str]) -> None:
    assert table(39, capsys) == (
        "id  name      why\n 7  Zoë 日本  a long story of many\n              words\n12  -         -\n"
    )


def test_rows_stand_below_each_other_where_no_table_fits(capsys: pytest.CaptureFixture[str]) -> None:
    assert table(30, capsys) == (
        "id    7\nname  Zoë 日本\nwhy   a long story of many words\n\nid    12\nname  -\nwhy   -\n"
    )


def test_what_would_disturb_the_terminal_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([{"id": "a\x1b[2J\nb"}], [Column("id", "id")], json=False)
    show_rows([{"id": "a\x1b[2J\u202eb"}], [Column("id", "id")], json=True)
    assert capsys.readouterr().out == 'id\na [2J b\n[\n{"id": "a\\u001b[2J\\u202eb"}\n]\n'
