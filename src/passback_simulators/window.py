"""Counting requests for a rate limit."""

from __future__ import annotations

from collections import deque


class MovingWindow:
    """How many requests each client made within the last `length` milliseconds."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._recent: dict[str, deque[int]] = {}

    def has_room(self, client: str, limit: int, now: int) -> bool:
        """Whether one more request is within the limit; 0 means no limit."""
        recent = self._recent.setdefault(client, deque())
        while recent and recent[0] <= now - self._length:
            recent.popleft()
        return not limit or len(recent) < limit

    def count(self, client: str, now: int) -> None:
        """Count a request."""
        self._recent.setdefault(client, deque()).append(now)

    def clear(self) -> None:
        """Forget all requests."""
        self._recent.clear()
