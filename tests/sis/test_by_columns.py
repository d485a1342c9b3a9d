"""Rows are read by columns where that shows the same as reading them one by one, and only there."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passback.sis.archive import Archive
from passback.sis.formats import format_of
from passback.sis.records import Record, split_records
from passback.sis.rows import Problems
from passback.sis.tables import Field, Table, lines
from support.rosters import CLEVER, ONEROSTER_11, Files, text

_PLAIN = st.sampled_from(["c1", "p1", "p 2", "Ödön", "é" * 255])
_SPECIAL = st.sampled_from(
    ["", " ", " p1", "p1 ", "NULL", "n/a", "Null", "x" * 256, "x" * 1001, "a\tb", "\udcff", "a\u200bb", "\u00a0p"]
)  # fmt: skip
_DAYS = st.sampled_from(
    ["2026-08-20", "8/20/26", "20-Aug-2026", "0000-00-00", "2026-02-30", "soon", "", "NULL"]
)
_FIELDS: list[Field] = [(sort, "B") for sort in ("id", "optional id", "required", "text", "day")]


@pytest.mark.parametrize("field", _FIELDS, ids=[sort for sort, _ in _FIELDS])
@given(values=st.lists(_PLAIN | _SPECIAL | _DAYS, min_size=1, max_size=4))
def test_a_column_is_read_as_its_values_are(field: Field, values: list[str]) -> None:
    problems = Problems()
    records: list[Record] = [(number, ["x", value], "") for number, value in enumerate(values, 2)]
    table = Table("f.csv", {"a": 0, "b": 1}, 2, records, problems)
    by_columns = table.by_columns([field])
    one_by_one = [line.read([field]) for line in table.lines()]
    assert by_columns in (None, one_by_one)
    if problems.count:
        assert by_columns is None


@given(values=st.lists(_PLAIN, min_size=1, max_size=4))
def test_plain_values_are_read_by_columns(values: list[str]) -> None:
    table = Table("f.csv", {"a": 0}, 1, [(2, [value], "") for value in values], Problems())
    assert table.by_columns([("id", "A"), ("text", "missing")]) == [(2, value, None) for value in values]


class _AsText:
    """CSV files whose contents are at hand. See `passback.sis.archive.RosterFiles`."""

    bytes_read = 0

    def __init__(self, files: Mapping[str, str], most: int = 2**20) -> None:
        self._files = files
        self._most = most
        self.sizes = {name.lower(): len(it) for name, it in files.items()}

    def records(self, name: str, problems: Problems) -> Any:
        rest = self._files[name].splitlines(keepends=True)
        blocks = ("".join(rest[at : at + self._most]) for at in range(0, len(rest), self._most))
        return split_records(blocks, name, problems)


def _read(files: Mapping[str, str]) -> tuple[Any, ...]:
    problems = Problems()
    read: dict[str, list[Any]] = {}
    for kind, rows in format_of(_AsText(files)).rows(problems):
        read.setdefault(kind, []).extend(rows)
    return read, problems.first, problems.rows_read, problems.rows_left_out


_CELLS = (
    _PLAIN
    | _SPECIAL
    | _DAYS
    | st.sampled_from(["student", "Teacher", "proctor", "studnet", "tobedeleted", "active"])
)


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (CLEVER, "students.csv"),
        (CLEVER, "enrollments.csv"),
        (CLEVER, "sections.csv"),
        (ONEROSTER_11, "enrollments.csv"),
    ],
)
@given(data=st.data())
def test_a_format_makes_the_same_of_both(files: Files, name: str, data: st.DataObject) -> None:
    titles, *rows = files[name]
    place = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, len(titles) - 1))
    row = [*rows[place]]
    row[column] = data.draw(_CELLS)
    row += data.draw(st.sampled_from([[], [], [""], ["too many"]]))
    given_files = {it: text(table) for it, table in {**files, name: [titles, *rows, row]}.items()}
    by_columns = _read(given_files)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "by_columns", lambda _self, _fields: None)
        one_by_one = _read(given_files)
    assert by_columns == one_by_one


_LINE = st.sampled_from(
    ["a,b\n", '"a",b\n', '"a,b\n', 'c"\n', '"a""b",c\n', '"a"b,c\n', "\n", " , \n", "a,b\r\n", '"']
)


@given(rows=st.lists(_LINE, max_size=8), most=st.integers(1, 9))
def test_where_blocks_end_makes_no_difference(rows: list[str], most: int) -> None:
    content = "".join(["A,B\n", *rows])

    def records(most: int) -> tuple[list[Record], list[str]]:
        problems = Problems()
        found = [it for some in _AsText({"f.csv": content}, most).records("f.csv", problems) for it in some]
        return found, [str(it) for it in problems.first]

    assert records(most) == records(1)


def test_a_file_of_many_blocks_is_read_whole(tmp_path: Path) -> None:
    rows = [(f"c{it}", f"p{it}", "x" * (it % 300)) for it in range(2_000)]
    content = text([("A", "B", "C"), *rows]).replace("c7,", '"c7",').replace("c900,", '"c\n900",')
    (tmp_path / "f.csv").write_text(content, newline="")
    problems = Problems()
    with contextlib.closing(Archive(tmp_path)) as archive:
        read = [
            (line.number, line.text("A"), line.text("C"))
            for line in lines(archive, "f.csv", ("A",), problems)
        ]
    assert problems.count == 0
    assert read == [
        (it + 2 + (it > 900), "c 900" if it == 900 else f"c{it}", "x" * (it % 300) or None)
        for it in range(2_000)
    ]
