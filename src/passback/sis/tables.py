"""Reads a roster's CSV file row by row, with values that are safe to store and display."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, product
from operator import itemgetter
from typing import Literal

from msgspec import Struct

from passback.sis.archive import NOT_UTF_8, RosterFiles
from passback.sis.days import read_day
from passback.sis.records import NO_RECORD, Record, clean, is_for_spreadsheets, title_key
from passback.sis.rows import Problems, Row, Value

Field = tuple[Literal["id", "optional id", "required", "text", "day"], str]
"""How a value is read, and its column."""

LONGEST = 1000
LONGEST_ID = 255

_NOTHING = frozenset(
    "".join(letters)
    for word in ("", "NULL", "N/A", "#N/A", "\\N")
    for letters in product(*((it.lower(), it) for it in word))
)
_NO_DAY = re.compile(r"0+[-/]0+[-/]0+(?: 0+:00:00)?", re.ASCII)
"""How databases write that there is no date."""
_NO_VALUE = "the value is empty: every row needs one"
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


class Line:
    """One row, with its values by column name."""

    __slots__ = ("_columns", "_file", "_problems", "_values", "invalid", "number")

    def __init__(
        self, file: str, number: int, columns: Mapping[str, int], values: list[str], problems: Problems
    ) -> None:
        self._file = file
        self._columns = columns
        self._values = values
        self._problems = problems
        self.number = number
        self.invalid = False
        """Whether the row has a problem, so that it cannot be used."""

    def report(self, column: str, message: str) -> None:
        """Report a problem."""
        if not self.invalid:
            self.invalid = True
            self._problems.leave_out(self.number)
        self._problems.add(self._file, self.number, column, message)

    def has(self, column: str) -> bool:
        """Whether the file has this column."""
        return column.lower() in self._columns

    def text(self, column: str) -> str | None:
        """The value; None if it is empty, says that there is none (``NULL``), or there is no such column."""
        value = self._value(column)
        return None if is_nothing(value) else value

    def required(self, column: str) -> str:
        """The value, which must not be empty. It may be ``Null``, which is a surname."""
        before = self.invalid
        value = self._value(column)
        if not value and self.invalid is before:
            self.report(column, _NO_VALUE)
        return value

    def known(self, column: str) -> str | None:
        """An id in a row that has a problem; None if there is none, or it is not one."""
        index = self._columns.get(column.lower())
        value = "" if index is None else clean(self._values[index])
        unusable = is_nothing(value) or len(value) > LONGEST_ID or NOT_UTF_8.search(value)
        return None if unusable else value

    def _value(self, column: str) -> str:
        """The value with control characters as blanks and without surrounding ones; empty if it cannot be used."""
        index = self._columns.get(column.lower())
        if index is None:
            return ""
        value = clean(self._values[index])
        if not value.isprintable() and NOT_UTF_8.search(value):
            self.report(column, "the value is not UTF-8 (it may be Windows-1252): save the file as UTF-8")
            return ""
        if len(value) > LONGEST:
            self.report(column, f"the value is longer than {LONGEST} characters: shorten it")
            return ""
        return value

    def id(self, column: str, *, needed: bool = True) -> str | None:
        """A SIS id; None if it is empty and not `needed`."""
        before = self.invalid
        value = self.text(column)
        if value is None and needed and self.invalid is before:
            self.report(column, _NO_VALUE)
        if value and len(value) > LONGEST_ID:
            self.report(column, f"the id is longer than {LONGEST_ID} characters: shorten it")
        return value

    def day(self, column: str) -> str | None:
        """A date as ``YYYY-MM-DD``."""
        value = self.text(column)
        if value is None or _NO_DAY.fullmatch(value):
            return None
        if (day := read_day(value)) is not None:
            return day.isoformat()
        self.report(column, "the value is not a date: write it as 2026-08-31")
        return None

    def one_of(self, column: str, words: Iterable[str]) -> str:
        """One of the given words, in any case."""
        value = self.required(column)
        for word in words:
            if value.lower() == word.lower():
                return word
        if value:
            self.report(column, f"the value must be one of {', '.join(words)}")
        return ""

    def read(self, fields: Iterable[Field]) -> Row:
        """The line's number, and the values of these fields."""
        return (self.number, *(self._read(sort, column) for sort, column in fields))

    def _read(self, sort: str, column: str) -> Value:
        if sort == "day":
            return self.day(column)
        if sort == "required":
            return self.required(column)
        return self.text(column) if sort == "text" else self.id(column, needed=sort == "id")

    def list_of(self, column: str) -> list[str]:
        """The items of a comma-separated list."""
        words = (word.strip() for word in (self.text(column) or "").split(","))
        return [it for it in words if not is_nothing(it)]

    def first_of(self, column: str) -> str | None:
        """The first item of a comma-separated list."""
        return next(iter(self.list_of(column)), None)


def is_nothing(value: str) -> bool:
    """Whether a value is empty, or what databases and spreadsheets write for nothing."""
    return value in _NOTHING


def lines(archive: RosterFiles, name: str, required: Iterable[str], problems: Problems) -> Iterator[Line]:
    """The rows of a file that has the `required` columns, in any order and case. Problems are added to `problems`.

    Of a row whose columns cannot be told apart nothing can be read; it is `Line.invalid` from the start.
    """
    for some in tables(archive, name, required, problems):
        yield from some.lines()


def rows(
    archive: RosterFiles, name: str, required: Iterable[str], fields: Sequence[Field], problems: Problems
) -> Iterator[tuple[list[Row], list[Line]]]:
    """`lines` some at a time: the values of these fields, and the lines that have a problem."""
    for some in tables(archive, name, required, problems):
        if (read := some.by_columns(fields)) is not None:
            yield read, []
            continue
        both = [(line, line.read(fields)) if not line.invalid else (line, ()) for line in some.lines()]
        yield [row for line, row in both if not line.invalid], [line for line, _ in both if line.invalid]


def tables(archive: RosterFiles, name: str, required: Iterable[str], problems: Problems) -> Iterator[Table]:
    """See `lines`: the rows of a file, some at a time."""
    batches = archive.records(name, problems)
    records: list[Record] = []

    def first() -> Record:
        while not records and (batch := next(batches, None)) is not None:
            records.extend(batch)
        return records.pop(0) if records else NO_RECORD

    number, titles, fault = first()
    if is_for_spreadsheets(titles):
        number, titles, fault = first()
    if titles is None:
        if name not in problems.cut_short:
            problems.stop_file(
                name,
                number,
                "",
                fault or "the file is empty: it needs at least the line with the column names",
            )
        return
    if (columns := _columns(titles, name, number, required, problems)) is not None:
        for batch in chain([records], batches):
            numbers = [number for number, _, _ in batch]
            problems.rows_read += (
                len(numbers) if min(numbers, default=1) > 0 else sum(it > 0 for it in numbers)
            )
            yield Table(name, columns, len(titles), batch, problems)


class Table(Struct):
    """Some rows of a file."""

    name: str
    columns: Mapping[str, int]
    width: int
    """How many titles there are."""
    records: list[Record]
    problems: Problems

    def lines(self) -> Iterator[Line]:
        """See `lines`."""
        least = max(self.columns.values()) + 1
        for number, values, fault in self.records:
            if values is not None and (
                len(values) == self.width
                or (len(values) >= least and not any(map(str.strip, values[self.width :])))
            ):
                yield Line(self.name, number, self.columns, values, self.problems)
                continue
            line = Line(self.name, number, {}, [], self.problems)
            if values is not None:
                count = "1 value" if len(values) == 1 else f"{len(values)} values"
                fault = f"the row has {count} for {least} columns: is a quote missing?"
            line.report("", fault)
            yield line

    def by_columns(self, fields: Iterable[Field]) -> list[Row] | None:
        """What `Line.read` returns for each row; None if any of them needs a closer look.

        It takes a fraction of the time, since each step is one call for a whole column.
        """
        given = [values for _, values, _ in self.records if values is not None]
        if len(given) < len(self.records) or set(map(len, given)) != {self.width}:
            return None
        numbers = [number for number, _, _ in self.records]
        read: list[Sequence[Value]] = [numbers]
        for sort, column in fields:
            index = self.columns.get(column.lower())
            values = [""] * len(given) if index is None else list(map(itemgetter(index), given))
            if (plain := _plain(sort, values)) is None:
                return None
            read.append(plain)
        return list(zip(*read, strict=True))


def _plain(sort: str, values: list[str]) -> Sequence[Value] | None:
    """What `Line` reads of a column's values; None if one has a problem, or control characters."""
    needed = sort in ("id", "required")
    if not any(values):
        return None if needed else [None] * len(values)
    longest = LONGEST_ID if sort in ("id", "optional id") else LONGEST
    if len(max(values, key=len)) > longest or not "".join(values).isprintable():
        return None
    stripped = list(map(str.strip, values))
    if sort == "required":
        return stripped if all(stripped) else None
    if _NOTHING.isdisjoint(stripped):
        found: list[str | None] = [*stripped]
    elif needed:
        return None
    else:
        found = [None if is_nothing(it) else it for it in stripped]
    return _days(found) if sort == "day" else found


def _days(values: list[str | None]) -> list[str | None] | None:
    """What `Line.day` reads of values that are no problem in themselves; None if one may be no date."""
    days = {it: read_day(it) for it in set(values) if it is not None}
    if None in days.values():
        return None
    written = {it: day.isoformat() for it, day in days.items() if day is not None}
    return [it and written[it] for it in values]


def _columns(
    titles: list[str], name: str, number: int, required: Iterable[str], problems: Problems
) -> dict[str, int] | None:
    """The index of each column by its title in lower case; None if the header has problems."""
    columns: dict[str, int] = {}
    for index, title in enumerate(titles):
        key = title_key(title)
        if key in columns:
            problems.stop_file(name, number, clean(title), "the column appears twice: remove one")
            return None
        if key:  # a spreadsheet may leave columns without a title at the end
            columns[key] = index
    missing = [column for column in required if column.lower() not in columns]
    if not missing:
        return columns
    for separator, word in _OTHER_SEPARATORS.items():
        if any(separator in title for title in titles):
            problems.stop_file(
                name, number, "", f"the columns are separated by {word}: separate them by commas"
            )
            return None
    for column in missing:
        problems.stop_file(name, number, column, "the column is missing: add it")
    return None
