"""The rows that every format of a roster comes down to, and what can be wrong with a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

from msgspec import Struct

Kind = Literal["schools", "terms", "courses", "sections", "users", "roles", "enrollments"]

Value = str | int | None
Row = tuple[Value, ...]

COLUMNS: dict[Kind, tuple[str, ...]] = {
    "schools": ("sis_id", "name", "school_number"),
    "terms": ("sis_id", "name", "start_date", "end_date"),
    "courses": ("sis_id", "name", "number"),
    "sections": (
        "sis_id", "name", "school_sis_id", "course_sis_id", "term_sis_id", "section_number", "subject", "grade",
        "period", "lms_id",
    ),
    "users": (
        "sis_id", "role", "first_name", "middle_name", "last_name", "email", "school_sis_id", "grade", "lms_id",
    ),
    "roles": ("user_sis_id", "role", "school_sis_id"),
    "enrollments": ("section_sis_id", "user_sis_id", "role"),
}  # fmt: skip
"""What a row of each kind holds, behind the line that it is from.

A user's role is ``student``, ``teacher``, ``other`` (who is left out), or None where rows of ``roles`` say it, as they
say the school of whoever has none; an organisation that is no school has no name, and an enrollment that is left out
the role ``other``. The LMS's id is known only where the LMS is what the roster is read from.
"""

BATCH = 5_000
"""How many rows are handed on at a time."""


class Problem(Struct, frozen=True):
    """What is wrong with a file, where, and what to do."""

    file: str
    line: int
    """The line of the file, from 1; 0 where it is the whole file."""
    column: str
    """The column's name; empty where it is the whole line."""
    message: str

    def __str__(self) -> str:
        place = (
            self.file
            + (f", line {self.line}" if self.line else "")
            + (f", {self.column}" if self.column else "")
        )
        return f"{place}: {self.message}"


class UnusableFile(Exception):
    """A file cannot be read as a roster at all; the message says why and what to do."""


class Problems:
    """Collects what is wrong: the first of them, and how many there are."""

    def __init__(self, most: int = 1000) -> None:
        self.first: list[Problem] = []
        self.count = 0
        self.files: set[str] = set()
        """The files in which something is wrong."""
        self.cut_short: set[str] = set()
        """Those that could not be read to their end."""
        self._most = most

    def add(self, file: str, line: int, column: str, message: str) -> None:
        """One more."""
        self.count += 1
        self.files.add(file)
        if len(self.first) < self._most:
            self.first.append(Problem(file, line, column, message))

    def end(self, file: str, line: int, column: str, message: str) -> None:
        """One more, for which the rest of the file cannot be read."""
        self.add(file, line, column, message)
        self.cut_short.add(file)

    def more(self, count: int) -> None:
        """So many more, of which nothing is said."""
        self.count += count


class Format(Protocol):
    """One way to write a roster down."""

    @property
    def name(self) -> str:
        """What to call it."""
        ...

    @property
    def size(self) -> int:
        """How many bytes there are to read."""
        ...

    @property
    def repeats_users(self) -> bool:
        """Whether somebody may have a row for each school."""
        ...

    @property
    def ids_by_role(self) -> bool:
        """Whether a student and a teacher of one id may be two people."""
        ...

    @property
    def one_role(self) -> bool:
        """Whether users have a place for one role alone, so that enrollments say which others they have."""
        ...

    def rows(self, problems: Problems) -> Iterator[tuple[Kind, list[Row]]]:
        """The rows, in batches, each row with its line before its `COLUMNS`. What is wrong goes to `problems`."""
        ...

    def read(self) -> int:
        """How many of the bytes have been read."""
        ...

    def place(self, kind: Kind, column: str, role: str) -> tuple[str, str]:
        """The file and the column that hold a column of a kind; of users and enrollments, those of a role."""
        ...
