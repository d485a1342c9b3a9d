"""Remembering for a few minutes what rarely changes in an LMS: structure, enrollments, rights."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

_LIFE_SECONDS = 300.0
_MOST_CACHED = 20_000


class TtlCache:
    """Values by key, each remembered for a while after it was read."""

    def __init__(self, seconds: float = _LIFE_SECONDS) -> None:
        """Remember each value for so many `seconds`; 0 remembers nothing."""
        self._seconds = seconds
        self._values: dict[str, tuple[float, Any]] = {}

    async def get(self, key: str, read: Callable[[], Awaitable[T]]) -> T:
        """Return the value of `key`; call `read` if it is not remembered. Raises what `read` raises."""
        if (found := self._found(key)) is not None:
            value: T = found[1]
            return value
        return self.put(key, await read())

    def put(self, key: str, value: T) -> T:
        """Remember a value, and return it."""
        if len(self._values) >= _MOST_CACHED:
            self._values.clear()
        self._values[key] = time.monotonic(), value
        return value

    def knows(self, key: str) -> bool:
        """Whether the value of `key` is remembered."""
        return self._found(key) is not None

    def forget(self, key: str) -> bool:
        """Have the value read again next time. Returns whether it was remembered."""
        return self._values.pop(key, None) is not None

    def _found(self, key: str) -> tuple[float, Any] | None:
        found = self._values.get(key)
        return found if found is not None and time.monotonic() - found[0] < self._seconds else None
