"""A CSV file of a roster, row by row, with values that are safe to keep and to show."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

from passback.sis.archive import Archive
from passback.sis.rows import Problems

LONGEST = 1000
LONGEST_ID = 255

_CONTROLS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_FORMULA = re.compile(r"[=@]|[+-].*[(|!=]")
"""What a spreadsheet would take for a formula, once somebody opens there what we export or show."""


class Line:
    """One row: its values by the names of the columns."""

    __slots__ = ("_columns", "_file", "_problems", "_values", "number", "spoilt")

    def __init__(
        self, file: str, number: int, columns: Mapping[str, int], values: list[str], problems: Problems
    ) -> None:
        self._file = file
        self._columns = columns
        self._values = values
        self._problems = problems
        self.number = number
        self.spoilt = False
        """Whether something about it is wrong, so that it cannot be used."""

    def wrong(self, column: str, message: str) -> None:
        """Tell a problem."""
        self.spoilt = True
        self._problems.add(self._file, self.number, column, message)

    def has(self, column: str) -> bool:
        """Whether the file has that column."""
        return column.lower() in self._columns

    def text(self, column: str) -> str | None:
        """A text without spaces around it; None where it is empty, or there is no such column."""
        index = self._columns.get(column.lower())
        if index is None:
            return None
        value = self._values[index].strip()
        if not value:
            return None
        if len(value) > LONGEST:
            self.wrong(column, f"the value is longer than {LONGEST} characters: shorten it")
        elif not value.isprintable() and _CONTROLS.search(value):
            self.wrong(column, "the value holds a line break or control character: remove it")
        elif value[0] in "=@+-" and _FORMULA.match(value):
            self.wrong(
                column, "the value would be a formula in a spreadsheet: remove the sign it begins with"
            )
        else:
            return value
        return None

    def required(self, column: str) -> str:
        """A text that must be there."""
        before = self.spoilt
        value = self.text(column)
        if value is None and self.spoilt is before:
            self.wrong(column, "it is empty: every row needs one")
        return value or ""

    def id(self, column: str, *, needed: bool = True) -> str | None:
        """A SIS id; None where it is empty and not `needed`."""
        value = self.required(column) if needed else self.text(column)
        if value and len(value) > LONGEST_ID:
            self.wrong(column, f"the id is longer than {LONGEST_ID} characters: shorten it")
        return value or None

    def day(self, column: str) -> str | None:
        """A day as ``YYYY-MM-DD``."""
        value = self.text(column)
        if value is None:
            return None
        for form in ("%Y-%m-%d", "%m/%d/%Y"):
            try:
                return datetime.strptime(value, form).date().isoformat()
            except ValueError:
                continue
        self.wrong(column, "it is no day: write it as 2026-08-31")
        return None

    def one_of(self, column: str, words: Iterable[str]) -> str:
        """A word of a vocabulary, in any case."""
        value = self.required(column)
        for word in words:
            if value.lower() == word.lower():
                return word
        if value:
            self.wrong(column, f"it is none of {', '.join(words)}")
        return ""

    def first_of(self, column: str) -> str | None:
        """The first of a list with commas."""
        value = self.text(column)
        return None if value is None else value.split(",")[0].strip() or None


def lines(archive: Archive, name: str, required: Iterable[str], problems: Problems) -> Iterator[Line]:
    """The rows of a file, which must have the `required` columns (in any order and case). What is wrong is told."""
    reader = csv.reader(archive.lines(name, problems), strict=True)
    told = problems.count
    try:
        header = next(reader, None)
        if header is None:
            if problems.count == told:  # else it cannot be read
                problems.end(
                    name, 0, "", "the file is empty: it needs at least the line with the columns' names"
                )
            return
        columns: dict[str, int] = {}
        for index, title in enumerate(header):
            key = title.strip().lower()
            if key in columns:
                problems.end(name, 1, title.strip(), "the column is there twice: remove one")
                return
            columns[key] = index
        missing = [column for column in required if column.lower() not in columns]
        for column in missing:
            problems.end(name, 1, column, "the column is missing: add it")
        if missing:
            return
        width = len(header)
        for values in reader:
            if len(values) != width:
                if not values:
                    continue  # an empty line
                problems.add(
                    name,
                    reader.line_num,
                    "",
                    f"the row has {len(values)} values for {width} columns: is a quote missing?",
                )
                continue
            yield Line(name, reader.line_num, columns, values, problems)
    except csv.Error as error:
        problems.end(name, reader.line_num, "", f"the line is not CSV ({error}): check its quotes")


def today() -> str:
    """The day, where this machine is."""
    return date.today().isoformat()
