"""The rows of a CSV file, as lists of values."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from passback.sis.rows import Problems

Record = tuple[int, list[str] | None, str]
"""A row: the number of its first line and its values; or None, and what is wrong with it."""

NO_RECORD: Record = (0, None, "")

OLD_LINE_ENDS = "the lines end in CR alone, as on old Macs: save the file with Windows or Unix line endings"

_LONGEST_ROW = 128 * 1024
"""In characters, over all its lines; below the csv module's own limit for a value."""
_TOO_LONG = f"the row is longer than {_LONGEST_ROW:,} characters, over several lines: is a quote missing?"


class _Lines:
    """Lines that can be read again: those of a row whose quotes do not match may be rows of their own."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again: deque[str] = deque()
        self.row: list[str] = []
        """The lines of the row that is being read."""
        self.too_long = False

    def __iter__(self) -> Iterator[str]:
        """The lines, up to the first that would make a row too long."""
        self.too_long = False
        length = 0
        while (line := self._again.popleft() if self._again else next(self._lines, None)) is not None:
            length = length + len(line) if self.row else len(line)
            self.row.append(line)
            if length > _LONGEST_ROW:
                self.too_long = True
                return
            yield line

    def give_back(self, lines: list[str]) -> None:
        """Read these lines next."""
        self._again.extendleft(reversed(lines))


def split_records(lines: Iterable[str], name: str, problems: Problems) -> Iterator[Record]:
    """The rows of a file that are not empty.

    A row whose quotes do not match is taken for its first line alone, since it may have swallowed others. Few lines are
    read again more than once: an open quote swallows no further than the next one, or than a row may be long.
    """
    source = _Lines(lines)
    reader = csv.reader(source, strict=True)
    first = 1
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if name in problems.cut_short:  # already reported
                return
            fault = _TOO_LONG if source.too_long else _explain(str(error))
            swallowed = source.row[1:]
            if first == 1:  # nothing is known without the columns' names
                problems.stop_file(name, first, "", fault)
                return
            yield first, None, fault
            source.give_back(swallowed)
            reader = csv.reader(source, strict=True)
            first += 1
        else:
            if any(map(str.strip, values)):
                yield first, values, ""
            first += len(source.row)
        source.row.clear()


def _explain(error: str) -> str:
    if error.startswith("unexpected end"):
        return "a quote is never closed: close it, or remove it"
    if "expected after" in error:
        return "there is text after a closing quote: double the quotes within a value"
    return f"the line is not valid CSV ({error}): check its quotes"
