"""What commands show: as JSON with the documented fields, and as text that fits the terminal."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from passback.cli import output
from passback.cli.output import Column, show_rows
from passback.delivery import ledger
from passback.sandbox.seed import seed
from passback.store.engine import migrate
from passback.store.engine.database import Connection
from passback.store.engine.open import connect
from support import commands as running
from support.delivery import delivery
from support.sandbox import DISTRICT, NOW

PAGE = (Path(__file__).parents[2] / "docs/reference/json-output.md").read_text("utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sandbox's data folder, with one of each thing that is listed."""
    folder = tmp_path_factory.mktemp("data")

    def fill(conn: Connection) -> None:
        seed(conn, NOW)
        ledger.accept(conn, delivery("d1", {"grade_points": "5"}))
        conn.execute("UPDATE users SET lms_id = NULL WHERE id = (SELECT MIN(id) FROM users)")

    with contextlib.closing(connect("", folder / "passback.db")) as database:
        migrate.prepare(database, "sandbox")
        database.write_now(fill)
    shown(folder, "token create --district", DISTRICT, "--application", "App")
    shown(folder, "account create ada --role owner")
    return folder


def shown(folder: Path, command: str, *more: str) -> Any:
    arguments = () if command in ("key new", "lti addresses") else ("--data", str(folder))
    done = running.run(*command.split(), *more, "--json", *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.isascii()
    return json.loads(done.stdout)


def documented(command: str) -> list[str]:
    """The fields that the page names for a command, in its order."""
    row = re.search(rf"(?m)^\| `{command}` \| \w+ \| (.*) \|$", PAGE)
    assert row, command
    fields = re.sub(r" \([^()]*(\([^()]*\))?[^()]*\)", "", row[1].partition("; ")[0])
    if same := re.match(r"as `([a-z ]+)`(?:, and )?", fields):
        return [*documented(same[1]), *re.findall(r"`(\w+)`", fields[same.end() :])]
    return re.findall(r"`(\w+)`", fields)


@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("account list", ()),
        ("account reset", ("ada",)),
        ("audit", ()),
        ("connection list", ()),
        ("deliveries list", ()),
        ("deliveries policy", ("--district", DISTRICT)),
        ("deliveries show", ("d1",)),
        ("district list", ()),
        ("key new", ()),
        ("lti addresses", ()),
        ("match status", ("--district", DISTRICT)),
        ("roster status", ()),
        ("sync status", ("--district", DISTRICT)),
        ("token create", ("--district", DISTRICT, "--application", "Other")),
        ("token list", ()),
    ],
)
def test_json_has_the_documented_fields(folder: Path, command: str, more: tuple[str, ...]) -> None:
    found = shown(folder, command, *more)
    rows = found if isinstance(found, list) else [found]
    assert [list(it) for it in rows] == [documented(command)] * len(rows)
    assert rows


def test_names_stand_beside_ids(folder: Path) -> None:
    [one] = shown(folder, "deliveries list")
    assert (one["district_name"], one["section_name"]) == ("Sandbox Unified", "Algebra 1")
    told = running.run("token", "list", "--data", str(folder)).stdout
    assert re.search(rf"{DISTRICT} .* Sandbox Unified$", told, re.MULTILINE)


def test_nothing_is_an_empty_array(folder: Path) -> None:
    assert shown(folder, "webhook list") == []


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
