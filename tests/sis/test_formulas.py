"""Names may look like formulas, so a spreadsheet must never get them from us as they are."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

import passback
from passback.console import csv_file

_WRITES_CSV = re.compile(r"csv\.(?:writer|DictWriter)|text/csv|from csv import")


def test_csv_is_written_in_one_place() -> None:
    sources = Path(passback.__file__).parent.rglob("*.py")
    found = [it for it in sources if _WRITES_CSV.search(it.read_text("utf-8"))]
    assert found == [Path(csv_file.__file__)]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_what_could_be_a_formula_is_disarmed(begin: str) -> None:
    value = begin + '1+cmd|"x"'
    response = csv_file.csv_file("file", [value], [["plain", value]])
    rows = [*csv.reader(io.StringIO(bytes(response.body).decode(), newline=""))]
    assert rows == [["'" + value], ["plain", "'" + value]]
