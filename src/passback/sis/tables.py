"""A CSV file of a roster, row by row, with values that are safe to keep and to show."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

from passback.sis.archive import OLD_LINE_ENDS, Archive
from passback.sis.rows import Problems

LONGEST = 1000
LONGEST_ID = 255

_CONTROLS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_LONGEST_ROW = 128 * 1024
"""In characters, over all its lines; the csv module's own limit, of a value, is not reached."""
_SIGNS = "=@+-\uff1d\uff20\uff0b\uff0d"
"""What a formula begins with, also in full width, once somebody opens in a spreadsheet what we export or show."""
_HARMLESS = re.compile(
    r"[+\-\uff0b\uff0d](?:[\w\s.,:/#&@'\u2019-]|\((?:[^\W\d_](?!\d)|[\d\s.,'\u2019-])*\))*"
)
"""What may begin with a sign nevertheless: words and numbers, and in parentheses nothing that a function could use,
such as a cell's name."""
_TIME = re.compile(r"[T ]\d\d?:\d\d(:\d\d(\.\d+)?)?( ?[AP]M)?(Z|[+-]\d\d:?\d\d)?$", re.IGNORECASE)
"""What may come behind a day, and is not looked at."""
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs"}


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
        elif value[0] in _SIGNS and not _HARMLESS.fullmatch(value):
            self.wrong(
                column,
                f"the value {value[:80]!r} would be a formula in a spreadsheet: remove the {value[0]} it begins with",
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
        day = _TIME.sub("", value)
        for form in ("%Y-%m-%d", "%m/%d/%Y"):
            try:
                return datetime.strptime(day, form).date().isoformat()
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

    def list_of(self, column: str) -> list[str]:
        """What a list with commas holds."""
        return [it for word in (self.text(column) or "").split(",") if (it := word.strip())]

    def first_of(self, column: str) -> str | None:
        """The first of a list with commas."""
        return next(iter(self.list_of(column)), None)


def lines(archive: Archive, name: str, required: Iterable[str], problems: Problems) -> Iterator[Line]:
    """The rows of a file, which must have the `required` columns (in any order and case). What is wrong is told."""
    rows = _rows(archive, name, problems)
    number, header = next(rows, (0, None))
    if header is not None and header[0].startswith("sep="):  # a note to spreadsheets
        number, header = next(rows, (0, None))
    if header is None:
        if name not in problems.cut_short:
            problems.end(name, 0, "", "the file is empty: it needs at least the line with the columns' names")
        return
    columns: dict[str, int] = {}
    for index, title in enumerate(header):
        key = title.strip().lower()
        if key in columns:
            problems.end(name, number, title.strip(), "the column is there twice: remove one")
            return
        if key:  # a spreadsheet may leave some without a name at the end
            columns[key] = index
    if missing := [column for column in required if column.lower() not in columns]:
        for separator, word in _OTHER_SEPARATORS.items():
            if any(separator in title for title in header):
                problems.end(
                    name, number, "", f"the columns are separated by {word}: separate them by commas"
                )
                return
        for column in missing:
            problems.end(name, number, column, "the column is missing: add it")
        return
    width, most = max(columns.values()) + 1, len(header)
    for number, values in rows:
        if len(values) != most and (len(values) < width or any(map(str.strip, values[most:]))):
            there = "1 value" if len(values) == 1 else f"{len(values)} values"
            problems.add(name, number, "", f"the row has {there} for {width} columns: is a quote missing?")
            continue
        yield Line(name, number, columns, values, problems)


def _rows(archive: Archive, name: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold anything, each with the number of its first line."""
    first, length = 1, 0
    too_long = f"the row is longer than {_LONGEST_ROW:,} characters, over several lines: is a quote missing?"

    def bounded() -> Iterator[str]:
        nonlocal length
        for line in archive.lines(name, problems):
            length += len(line)
            if length > _LONGEST_ROW:
                problems.end(name, first, "", too_long)
                return
            yield line

    reader = csv.reader(bounded(), strict=True)
    try:
        for values in reader:
            if any(map(str.strip, values)):
                yield first, values
            first, length = reader.line_num + 1, 0
    except csv.Error as error:
        if name not in problems.cut_short:  # else it is for that
            problems.end(name, first, "", _in_words(str(error)))


def _in_words(error: str) -> str:
    if error.startswith("new-line"):
        return f"{OLD_LINE_ENDS}: save it with those of Windows or Unix"
    if error.startswith("unexpected end"):
        return "a quote is opened and never closed: close it, or remove it"
    if "expected after" in error:
        return "there is something behind a closing quote: write quotes within a value twice"
    return f"the line is not CSV ({error}): check its quotes"


def today() -> str:
    """The day, where this machine is."""
    return date.today().isoformat()
