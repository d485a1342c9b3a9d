"""The rows of a CSV file, as lists of values."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator

from passback.sis.rows import Problems

Record = tuple[int, list[str] | None, str]
"""A row: the number of its first line and its values; or None, and what is wrong with it."""

NO_RECORD: Record = (0, None, "")

OLD_LINE_ENDS = "the lines end in CR alone, as on old Macs: save the file with Windows or Unix line endings"

_INVISIBLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff]+"
)
_WITHIN_WORDS = "\u00ad\u200c\u200d"
"""Soft hyphens and joiners, which many scripts need within a name, and which say nothing at its ends."""
_LONGEST_ROW = 128 * 1024
"""In characters, over all its lines; below the csv module's own limit for a value."""
_TOO_LONG = f"the row is longer than {_LONGEST_ROW:,} characters, over several lines: is a quote missing?"


def clean(value: str) -> str:
    """`value` with control and invisible characters as blanks, and without surrounding ones."""
    if value.isprintable():
        return value.strip()
    return _INVISIBLE.sub(" ", value).strip().strip(_WITHIN_WORDS).strip()


def title_key(title: str) -> str:
    """A column's name as it is compared."""
    return clean(title).lower()


def is_for_spreadsheets(values: list[str] | None) -> bool:
    """Whether the first row only tells spreadsheets the separator."""
    return values is not None and title_key(values[0]).startswith("sep=")


class _Lines:
    """Lines that can be read again: those of a row whose quotes do not match may be rows of their own."""

    def __init__(self, blocks: Iterator[str]) -> None:
        self._blocks = blocks
        self.waiting: deque[str] = deque()
        """The lines of the last block that are still to be read."""
        self.row: list[str] = []
        """The lines of the row that is being read."""
        self.too_long = False

    def __iter__(self) -> Iterator[str]:
        """The lines, up to the first that would make a row too long."""
        self.too_long = False
        length = 0
        while (line := self._next()) is not None:
            length = length + len(line) if self.row else len(line)
            self.row.append(line)
            if length > _LONGEST_ROW:
                self.too_long = True
                return
            yield line

    def _next(self) -> str | None:
        if not self.waiting:
            self.add(next(self._blocks, ""))
        return self.waiting.popleft() if self.waiting else None

    def add(self, block: str) -> None:
        """Read the lines of this block after those that wait."""
        self.waiting.extend(io.StringIO(block, newline="\n"))

    def give_back(self, lines: list[str]) -> None:
        """Read these lines next."""
        self.waiting.extendleft(reversed(lines))


def split_records(blocks: Iterator[str], name: str, problems: Problems) -> Iterator[list[Record]]:
    """The rows of a file that are not empty, some at a time. `blocks` are whole lines of it.

    A row whose quotes do not match is taken for its first line alone, since it may have swallowed others. Few lines are
    read again more than once: an open quote swallows no further than the next one, or than a row may be long.
    """
    first = 1
    for block in blocks:
        if (rows := _one_a_line(block)) is not None:
            yield [(number, values, "") for number, values in enumerate(rows, first) if _is_row(values)]
            first += len(rows)
            continue
        lines = _Lines(blocks)
        lines.add(block)
        records, first = _one_by_one(lines, first, name, problems)
        yield records
        if name in problems.cut_short:
            return


def _one_by_one(lines: _Lines, first: int, name: str, problems: Problems) -> tuple[list[Record], int]:
    """The rows of the lines that wait, whatever their quotes, and the number of the line after them."""
    records: list[Record] = []
    reader = csv.reader(lines, strict=True)
    while lines.waiting:
        try:
            values = next(reader)
        except csv.Error as error:
            if name in problems.cut_short:  # already reported
                break
            fault = _TOO_LONG if lines.too_long else _explain(str(error))
            swallowed = lines.row[1:]
            if first == 1:  # nothing is known without the columns' names
                problems.stop_file(name, first, "", fault)
                break
            records.append((first, None, fault))
            lines.give_back(swallowed)
            reader = csv.reader(lines, strict=True)
            first += 1
        else:
            if _is_row(values):
                records.append((first, values, ""))
            first += len(lines.row)
        lines.row.clear()
    return records, first


def _one_a_line(block: str) -> list[list[str]] | None:
    """The rows of some lines if each line is one, which takes a fraction of the time; None otherwise."""
    reader = csv.reader(io.StringIO(block, newline="\n"), strict=True)
    try:
        rows = list(reader)
    except csv.Error:
        return None
    return rows if len(rows) == reader.line_num else None


def _is_row(values: list[str]) -> bool:
    return bool(values) and ((values[0].isprintable() and bool(values[0].strip())) or any(map(clean, values)))


def _explain(error: str) -> str:
    if error.startswith("unexpected end"):
        return "a quote is never closed: close it, or remove it"
    if "expected after" in error:
        return "there is text after a closing quote: double the quotes within a value"
    return f"the line is not valid CSV ({error}): check its quotes"
