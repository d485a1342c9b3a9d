"""What a connector has read a short while ago, of what rarely changes: structure, enrollments, rights."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

_LIFE_SECONDS = 300.0
_MOST_REMEMBERED = 20_000


class Remembered:
    """What was read a short while ago."""

    def __init__(self, seconds: float = _LIFE_SECONDS) -> None:
        self._seconds = seconds
        self._values: dict[str, tuple[float, Any]] = {}

    async def get(self, key: str, read: Callable[[], Awaitable[T]]) -> T:
        """The value of `key`, read where it is not remembered."""
        now = time.monotonic()
        found = self._values.get(key)
        if found is not None and now - found[0] < self._seconds:
            value: T = found[1]
            return value
        fresh = await read()
        if len(self._values) >= _MOST_REMEMBERED:
            self._values.clear()
        self._values[key] = now, fresh
        return fresh

    def forget(self, key: str) -> bool:
        """Read it again the next time. False where it was not remembered."""
        return self._values.pop(key, None) is not None
