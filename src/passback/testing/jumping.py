"""Time that passes only while everybody sleeps, and then at once."""

from __future__ import annotations

import asyncio
import heapq
import math

from passback.domain.clock import Timer

_REAL_SECONDS = 0.005
"""For how long a sleep really sleeps, so that time does not outrun requests that are under way."""


class JumpingTime:
    """The time of one event loop, in seconds: it jumps to when the first of those that sleep wakes.

    A call that tries for thirty seconds is over in no time, and has waited for exactly as long as it would have.
    """

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []
        """How long each sleep was."""
        self._wakes: list[float] = []

    def seconds(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        # However short: a sleep that is too short for the clock to show would never end.
        wake = max(self.now + seconds, math.nextafter(self.now, math.inf))
        self.slept.append(seconds)
        heapq.heappush(self._wakes, wake)
        try:
            await asyncio.sleep(min(seconds, _REAL_SECONDS))
            while self.now < wake:
                await asyncio.sleep(0)  # let everybody else get as far as they can
                if self._wakes[0] >= wake:
                    self.now = max(self.now, wake)
        finally:
            self._wakes.remove(wake)
            heapq.heapify(self._wakes)

    @property
    def timer(self) -> Timer:
        return Timer(self.seconds, self.sleep)
