"""The rows of a CSV file, as lists of values."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from passback.sis.rows import Problems

Record = tuple[int, list[str] | None, str]
"""A row: the number of its first line and its values; or None, and what is wrong with it."""

NO_RECORD: Record = (0, None, "")

OLD_LINE_ENDS = "the lines end in CR alone, as on old Macs: save the file with Windows or Unix line endings"

_LONGEST_ROW = 128 * 1024
"""In characters, over all its lines; below the csv module's own limit for a value."""


def split_records(lines: Iterable[str], name: str, problems: Problems) -> Iterator[Record]:
    """The rows of a file that are not empty. Stops at the first that cannot be told from the next, and reports it."""
    first, length = 1, 0
    too_long = f"the row is longer than {_LONGEST_ROW:,} characters, over several lines: is a quote missing?"

    def bounded() -> Iterator[str]:
        nonlocal length
        for line in lines:
            length += len(line)
            if length > _LONGEST_ROW:
                problems.stop_file(name, first, "", too_long)
                return
            yield line

    reader = csv.reader(bounded(), strict=True)
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if name in problems.cut_short:  # already reported
                return
            if "expected after" not in str(error):  # the rows after it cannot be told apart
                problems.stop_file(name, first, "", _explain(str(error)))
                return
            problems.rows_left_out += reader.line_num - first  # the lines that the row has swallowed
            yield first, None, _explain(str(error))
        else:
            if any(map(str.strip, values)):
                yield first, values, ""
        first, length = reader.line_num + 1, 0


def _explain(error: str) -> str:
    if error.startswith("new-line"):
        return OLD_LINE_ENDS
    if error.startswith("unexpected end"):
        return "a quote is never closed: close it, or remove it"
    if "expected after" in error:
        return "there is text after a closing quote: double the quotes within a value"
    return f"the line is not valid CSV ({error}): check its quotes"
