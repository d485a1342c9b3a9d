"""The rows that every roster format is reduced to, and the problems that a file can have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

from msgspec import Struct

Kind = Literal[
    "schools", "terms", "courses", "sections", "users", "roles", "enrollments", "gone", "left_out"
]  # fmt: skip

Value = str | int | None
Row = tuple[Value, ...]

COLUMNS: dict[Kind, tuple[str, ...]] = {
    "schools": ("sis_id", "name", "school_number"),
    "terms": ("sis_id", "name", "start_date", "end_date", "former_sis_id"),
    "courses": ("sis_id", "name", "number", "former_sis_id"),
    "sections": (
        "sis_id", "name", "school_sis_id", "course_sis_id", "term_sis_id", "section_number", "subject", "grade",
        "period", "lms_id",
    ),
    "users": (
        "sis_id", "role", "first_name", "middle_name", "last_name", "email", "school_sis_id", "grade", "lms_id",
        "number", "state_id", "username",
    ),
    "roles": ("user_sis_id", "role", "school_sis_id", "begins", "ends"),
    "enrollments": ("section_sis_id", "user_sis_id", "role", "begins", "ends"),
    "gone": ("kind", "sis_id", "user_sis_id"),
    "left_out": ("kind", "sis_id", "user_sis_id", "role"),
}  # fmt: skip
"""The columns of each kind of row, after the line number.

A user's role is ``student``, ``teacher``, ``other`` (left out), or None if rows of ``roles`` give it; these also give
the school of users who have none. An organisation that is not a school has no name, and an enrollment that is left out
has the role ``other``, or ``ended`` if it has. `begins` is the first day on which a role or enrollment holds, `ends`
the first day on which it no longer does, and a term's `end_date` its last day. A user's number is the student's or
teacher's, by the role. The LMS's id is known only if the roster is read from the LMS. A former SIS id is the one by
which earlier versions knew the object.

``gone`` are the objects that the file itself calls gone, by the same ids as those of ``left_out``. That is what can be
read of each row that has a problem (for enrollments, the SIS id is the section's), so that what exists of it stays as
it is; None stands for any.
"""

BATCH = 5_000
"""How many rows are passed on at a time."""


class Problem(Struct, frozen=True):
    """What is wrong with a file, where, and how to fix it."""

    file: str
    line: int
    """The line in the file, from 1; 0 if it is the whole file. Below 0, a row that came with an earlier import."""
    column: str
    """The column's name; empty if it is the whole line."""
    message: str

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return (
            self.file
            + (
                f", line {self.line}"
                if self.line > 0
                else ", from an earlier import"
                if self.line < 0
                else ""
            )
            + (f", {self.column}" if self.column else "")
        )

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class UnusableFile(Exception):
    """A file cannot be read as a roster at all; the message says why and what to do."""


class Problems:
    """Collects problems: keeps the first ones, and counts all."""

    def __init__(self, most: int = 1000) -> None:
        self.first: list[Problem] = []
        self.count = 0
        self.rows_read = 0
        self.rows_left_out = 0
        self.earlier_rows_left_out = 0
        """How many of them came with an earlier import; `rows_read` does not count such rows."""
        self.files: set[str] = set()
        """The files that have problems."""
        self.cut_short: set[str] = set()
        """The files that could not be read to the end."""
        self._most = most

    def leave_out(self, line: int) -> None:
        """Count a row that is left out."""
        self.rows_left_out += 1
        self.earlier_rows_left_out += line < 0

    def add(self, file: str, line: int, column: str, message: str) -> None:
        """Add a problem."""
        self.count += 1
        self.files.add(file)
        if len(self.first) < self._most:
            self.first.append(Problem(file, line, column, message))

    def stop_file(self, file: str, line: int, column: str, message: str) -> None:
        """Add a problem that makes the rest of the file unreadable."""
        self.add(file, line, column, message)
        self.cut_short.add(file)

    def count_more(self, count: int) -> None:
        """Count more problems without keeping them."""
        self.count += count


def batches(rows: Iterable[tuple[Kind, Row]]) -> Iterator[tuple[Kind, list[Row]]]:
    """Gather rows by kind, some thousand at a time."""
    waiting: dict[Kind, list[Row]] = {}
    for kind, row in rows:
        batch = waiting.setdefault(kind, [])
        batch.append(row)
        if len(batch) >= BATCH:
            yield kind, waiting.pop(kind)
    yield from waiting.items()


class Format(Protocol):
    """One file format of a roster."""

    @property
    def name(self) -> str:
        """The name that users see."""
        ...

    @property
    def size(self) -> int:
        """How many bytes there are to read, for the progress shown."""
        ...

    @property
    def repeats_users(self) -> bool:
        """Whether one person may have a row for each of their schools."""
        ...

    @property
    def ids_by_role(self) -> bool:
        """Whether a student and a teacher with the same id may be two people."""
        ...

    @property
    def one_role(self) -> bool:
        """Whether a user's row has only one role, so that enrollments give any others."""
        ...

    @property
    def sections_name_terms(self) -> bool:
        """Whether terms and courses have no rows of their own, so that there is none without a section."""
        ...

    def rows(self, problems: Problems) -> Iterator[tuple[Kind, list[Row]]]:
        """The rows, in batches, each with its line number before its `COLUMNS`. Problems are added to `problems`."""
        ...

    def read(self) -> int:
        """How many bytes have been read so far."""
        ...

    def locate(self, kind: Kind, column: str, role: str) -> tuple[str, str]:
        """The file and its column that a column of a kind comes from; for users and enrollments, those of a role."""
        ...
