"""The rows of OneRoster's files as they are written, for delta files, which have only the rows that have changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from itertools import chain

from msgspec import Struct

from passback.sis.archive import NOT_UTF_8, RosterFiles
from passback.sis.days import read_day
from passback.sis.records import NO_RECORD, Record, clean, is_for_spreadsheets, title_key
from passback.sis.rows import Problems
from passback.sis.tables import LONGEST_ID, is_nothing

KEPT: dict[str, tuple[str, ...]] = {
    "orgs.csv": ("name", "type", "identifier"),
    "academicSessions.csv": ("title", "type", "startDate", "endDate"),
    "courses.csv": ("title", "courseCode"),
    "classes.csv": (
        "title", "grades", "courseSourcedId", "classCode", "schoolSourcedId", "termSourcedIds", "subjects", "periods",
    ),
    "users.csv": (
        "orgSourcedIds", "role", "username", "givenName", "familyName", "middleName", "identifier", "email", "grades",
        "userMasterIdentifier", "primaryOrgSourcedId",
    ),
    "roles.csv": ("userSourcedId", "role", "orgSourcedId", "beginDate", "endDate"),
    "enrollments.csv": ("classSourcedId", "userSourcedId", "role", "beginDate", "endDate"),
}  # fmt: skip
"""The columns of each file that are kept: those that an import reads, and so neither passwords nor phone numbers.

New ones go to the end, since the rows that are stored have the old order.
"""
_COMMON = ("sourcedId", "status", "dateLastModified")
_GONE = frozenset({"tobedeleted", "inactive"})
_NEVER_ENROLLED = frozenset({"parent", "guardian", "relative"})
"""The roles of people of whom nothing is kept."""


class SourceRow(Struct, frozen=True):
    """A row."""

    id: str
    """Its ``sourcedId``; for a row without one, what it is about."""
    modified: int | None
    """Its ``dateLastModified``, in milliseconds since 1970; None if it has none that can be read."""
    gone: bool
    """Whether it says that the object is no longer there."""
    values: list[str]
    """The values of its `KEPT` columns; empty ones at the end are left out."""


class SourceFile:
    """A file with its rows."""

    def __init__(self, files: RosterFiles, name: str, required: Sequence[str]) -> None:
        self.name = name
        self._required = required
        self.titles: list[str] = []
        self.usable = True
        """Whether the file could be read; if not, reading it as a roster reports why."""
        self._files = files
        self._columns: Mapping[str, int] = {}

    def records(self) -> Iterator[Record]:
        """The rows, after that with the columns' names."""
        problems = Problems()
        found = chain.from_iterable(self._files.records(self.name, problems))
        _, titles, _ = next(found, NO_RECORD)
        if is_for_spreadsheets(titles):
            _, titles, _ = next(found, NO_RECORD)
        self.titles = titles or []
        keys = [title_key(title) for title in self.titles]
        self._columns = {key: index for index, key in enumerate(keys) if key}
        self.usable = len(self._columns) == sum(map(bool, keys)) and all(
            column.lower() in self._columns for column in self._required
        )
        if self.usable:
            yield from found
        self.usable = self.usable and not problems.count

    def rows(self) -> Iterator[tuple[int, SourceRow]]:
        """What is kept of the rows, with their line numbers."""
        for line, values, _ in self.records():
            row = None if values is None else self.row(values)
            if row is not None and self._is_needed(row):
                yield line, row

    def row(self, values: Sequence[str]) -> SourceRow | None:
        """What is kept of a row; None if it cannot be known what it is about."""
        if len(values) <= max(self._columns.values(), default=0):
            return None
        kept = [self._value(values, column) for column in KEPT[self.name]]
        id_ = self._value(values, "sourcedId")
        if is_nothing(id_):
            parts = {"roles.csv": (0, 1, 2), "enrollments.csv": (0, 1, 2)}.get(self.name)
            if parts is None or any(is_nothing(kept[part]) for part in parts[:2]):
                return None
            id_ = " ".join(kept[part] for part in parts)
        if len(id_) > LONGEST_ID:
            return None
        while kept and not kept[-1]:
            kept.pop()
        gone = self._value(values, "status").lower() in _GONE
        modified = read_instant(self._value(values, "dateLastModified"))
        return SourceRow(id_, modified, gone, kept)

    def _is_needed(self, row: SourceRow) -> bool:
        """Whether a row may ever count."""
        place = {"users.csv": 1, "roles.csv": 1}.get(self.name, len(row.values))
        return place >= len(row.values) or row.values[place].lower() not in _NEVER_ENROLLED

    def _value(self, values: Sequence[str], column: str) -> str:
        index = self._columns.get(column.lower())
        return "" if index is None else NOT_UTF_8.sub("\ufffd", clean(values[index]))

    def extended(self, values: Sequence[str]) -> list[str]:
        """A row of the file with empty values for the columns that it lacks, in the order of `all_titles`."""
        if len(values) <= max(self._columns.values(), default=0):
            return list(values)  # a problem that is to be reported
        width = len(self.titles)
        own = [*values[:width], *[""] * (width - len(values))]
        return [*own, *[""] * len(self._missing()), *values[width:]]

    def all_titles(self) -> list[str]:
        """The names of the columns, the file's own first."""
        return [*self.titles, *self._missing()]

    def _missing(self) -> list[str]:
        return [it for it in (*_COMMON, *KEPT[self.name]) if it.lower() not in self._columns]


def stored_record(name: str, titles: Sequence[str], row: SourceRow) -> list[str]:
    """A row that was stored, as a row of a file with these columns."""
    known = dict(zip((it.lower() for it in KEPT[name]), row.values, strict=False))
    known |= {"sourcedid": row.id, "status": "tobedeleted" if row.gone else ""}
    return [known.get(title_key(title), "") for title in titles]


def default_titles(name: str) -> list[str]:
    """The columns of a file that was not sent."""
    return [*_COMMON, *KEPT[name]]


def read_instant(text: str) -> int | None:
    """A time in milliseconds since 1970; of a day without a time, its end. None if it is none."""
    try:
        if len(text) > len("2026-08-20"):
            found = datetime.fromisoformat(text)
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
            return round(found.timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    day = read_day(text)
    return None if day is None else round(datetime.combine(day, time.max, UTC).timestamp() * 1000)
