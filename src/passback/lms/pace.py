"""How fast an LMS may be asked: as it tells us, and not at all for a while when it keeps failing.

There is one `Pace` for each credential, because LMSs count by credential, and one `Breaker` for each connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from passback.lms.connector import Unavailable

Seconds = Callable[[], float]
"""A clock that only goes forward."""


class Pace:
    """Bounds how many requests are under way, and holds them back when the LMS says that it is too much."""

    def __init__(self, most_at_once: int, seconds: Seconds) -> None:
        self._most = most_at_once
        self._allowed = most_at_once
        self._under_way = 0
        self._not_before = 0.0
        self._seconds = seconds
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> None:
        """Wait for a turn."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._under_way < self._allowed)
            self._under_way += 1
        while self.held_back():  # noqa: ASYNC110 - it may be held back further meanwhile
            await asyncio.sleep(self.held_back())

    async def __aexit__(self, *_: object) -> None:
        async with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def idle(self) -> bool:
        """Whether nothing would be lost by forgetting it."""
        return not self._under_way and not self.held_back()

    def held_back(self) -> float:
        """For how many more seconds nothing is sent."""
        return max(0.0, self._not_before - self._seconds())

    def hold_back(self, seconds: float) -> None:
        """Send nothing for so long."""
        self._not_before = max(self._not_before, self._seconds() + seconds)

    def leave_room(self, remaining: float) -> None:
        """Heed what the LMS says remains of its limit, from 0 (nothing) to 1 (all): below a half, ask for less."""
        self._allowed = max(1, min(self._most, round(self._most * remaining * 2)))


class Breaker:
    """Stops asking an LMS that failed several times in a row, and lets one request try again after a while."""

    def __init__(self, failures: int, rest: float, seconds: Seconds) -> None:
        self._most = failures
        self._rest = rest
        self._seconds = seconds
        self._failures = 0
        self._closed_until = 0.0

    def check(self) -> None:
        """Raise `Unavailable` while it rests."""
        if self._failures < self._most:
            return
        wait = self._closed_until - self._seconds()
        if wait > 0:
            raise Unavailable(
                "it failed several times in a row and is not asked now", retry_after=round(wait) + 1
            )
        self._closed_until = self._seconds() + self._rest  # the others wait for how this one goes

    def succeeded(self) -> None:
        """The LMS answered."""
        self._failures = 0

    def failed(self) -> None:
        """The LMS did not answer, or with a fault of its own."""
        self._failures += 1
        self._closed_until = self._seconds() + self._rest
