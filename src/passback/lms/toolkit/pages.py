"""Putting the pages of an LMS's list together: the list is whole, or an error after few requests."""

from __future__ import annotations

from typing import Any

from passback.lms.interface import Unavailable
from passback.lms.toolkit.json_fields import Json, id_of

_MOST_PAGES = 1000
_MOST_IDLE = 3
"""How many pages in a row may bring nothing new, though more follow: LMSs leave out what the reader may not see."""


class Pages:
    """The pages of one list that have been read so far."""

    def __init__(self, name: str, key: str = "id") -> None:
        """`name` is what the list is of, for messages; `key` the field that tells its items apart."""
        self._name = name
        self._key = key
        self._items: dict[str, Json] = {}
        self._cursors = set[str]()
        self._idle = 0

    @property
    def items(self) -> list[Json]:
        """The items, each once, though an LMS that moves items while they are read may show some twice."""
        return list(self._items.values())

    def add(self, items: Any, cursor: str | None) -> None:
        """Add a page, whose next one is at `cursor`, if any. Raises `Unavailable`."""
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise Unavailable(f"a list of its {self._name} is not as expected")
        before = len(self._items)
        self._items |= {id_of(item, self._key): item for item in items}
        if cursor is None:
            return
        self._idle = self._idle + 1 if len(self._items) == before else 0
        if cursor in self._cursors or self._idle > _MOST_IDLE or len(self._cursors) >= _MOST_PAGES:
            raise Unavailable(f"a list of its {self._name} has no end")
        self._cursors.add(cursor)
