"""What a simulator stores: plain JSON objects in tables, and which of them changed since the last save."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

Record = dict[str, Any]


class Change(Struct, frozen=True):
    """A record that was written, or removed (`record` is None)."""

    table: str
    id: str
    record: Record | None


class Records:
    """Tables of records by id, in the order of their creation.

    A record that `get` or `all` returns may be changed in place; `put` it afterwards, so that the change is saved.
    """

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, Record]] = {}
        self._changed: dict[tuple[str, str], None] = {}

    def get(self, table: str, id: str | int) -> Record | None:  # noqa: A002 - it is one
        """The record with that id."""
        return self._tables.get(table, {}).get(str(id))

    def all(self, table: str) -> list[Record]:
        """All records of a table, oldest first."""
        return list(self._tables.get(table, {}).values())

    def put(self, table: str, id: str | int, record: Record) -> Record:  # noqa: A002
        """Store a new or changed record."""
        self._tables.setdefault(table, {})[str(id)] = record
        self._changed[table, str(id)] = None
        return record

    def remove(self, table: str, id: str | int) -> None:  # noqa: A002
        """Remove a record, if there is one."""
        if self._tables.get(table, {}).pop(str(id), None) is not None:
            self._changed[table, str(id)] = None

    def next_number(self, name: str, first: int = 1) -> int:
        """The next number of a series, for ids that only increase."""
        counter = self.get("_numbers", name) or {"next": first}
        number: int = counter["next"]
        self.put("_numbers", name, {"next": number + 1})
        return number

    def take_changes(self) -> list[Change]:
        """The changes since the last call."""
        changes = [Change(table, id_, self.get(table, id_)) for table, id_ in self._changed]
        self._changed.clear()
        return changes

    def content(self) -> dict[str, dict[str, Record]]:
        """Everything, by table and id."""
        return self._tables

    def replace(self, content: Mapping[str, Mapping[str, Record]]) -> None:
        """Replace everything."""
        for table, records in self._tables.items():
            self._changed |= dict.fromkeys((table, id_) for id_ in records)
        self._tables = {table: dict(records) for table, records in content.items()}
        for table, records in self._tables.items():
            self._changed |= dict.fromkeys((table, id_) for id_ in records)

    def load(self, saved: Iterable[Change]) -> None:
        """Load saved records."""
        for change in saved:
            assert change.record is not None
            self._tables.setdefault(change.table, {})[change.id] = change.record
