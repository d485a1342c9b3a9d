"""How fast an LMS may be asked: at the pace that it allows, and not at all for a while if it keeps failing.

There is one `Pace` for each credential, because LMSs count by credential, and one `Breaker` for each connection.
"""

from __future__ import annotations

import asyncio
from collections import deque

from msgspec import Struct

from passback.domain.clock import Seconds, Timer


class Limit(Struct, frozen=True):
    """How many requests an LMS accepts in a sliding window."""

    requests: int
    seconds: float


_ANSWERS = 50
"""How many answers tell how many requests an LMS takes at once."""


class Room:
    """How many requests may be under way at once, by what the answers of an LMS say."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._said: deque[int] = deque(maxlen=_ANSWERS)

    def learn(self, others: int, more: float) -> int:
        """Return how many may be, after an answer that had room for so many `more` beside the `others` under way.

        The least that the last answers say counts: of those under way some are new since an answer was written, so
        most say too much.
        """
        self._said.append(others + int(more))
        return max(1, min(self._most, *self._said))


class Pace:
    """Bounds how many requests are under way, and holds them back when the LMS says that it is too much."""

    def __init__(
        self, most_at_once: int, timer: Timer, limit: Limit | None = None, at_first: int | None = None
    ) -> None:
        """`at_first` says how many may be under way until `leave_room` is told; unless given, `most_at_once`."""
        self._room = Room(most_at_once)
        self._allowed = most_at_once if at_first is None else at_first
        self._under_way = 0
        self._not_before = 0.0
        self._timer = timer
        self._seconds = timer.seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._limit = limit
        self._begun: deque[float] = deque()
        """When the requests that count against the limit were begun."""

    async def begin(self, patience: float) -> None:
        """Wait for a turn, for up to so many seconds, and take it. Raises `TimeoutError` where it does not come."""
        give_up = self._seconds() + patience
        async with asyncio.timeout(patience):
            await self._take()
        try:
            await self._while_held_back(give_up)
            if self._limit is not None:
                self._begun.append(self._seconds())
        except BaseException:
            self.end()
            raise

    async def _take(self) -> None:
        if self._under_way < self._allowed and not self._waiting:
            self._under_way += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.end()  # it was given while its taker gave up
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    async def _while_held_back(self, give_up: float) -> None:
        while wait := self.held_back():  # it may be held back further meanwhile
            if self._seconds() + wait > give_up:
                raise TimeoutError
            await self._timer.sleep(wait)

    def end(self) -> None:
        """Release the turn. Nothing is awaited, so that nothing can come between."""
        self._under_way -= 1
        while self._waiting and self._under_way < self._allowed:
            turn = self._waiting.popleft()
            if not turn.done():  # else its taker gives up
                self._under_way += 1
                turn.set_result(None)

    def idle(self) -> bool:
        """Whether it can be discarded."""
        return not self._under_way and not self.held_back()

    def held_back(self) -> float:
        """For how many more seconds nothing is sent."""
        return max(0.0, self._not_before - self._seconds(), self._until_limit_allows())

    def _until_limit_allows(self) -> float:
        if self._limit is None:
            return 0.0
        now = self._seconds()
        while self._begun and self._begun[0] <= now - self._limit.seconds:
            self._begun.popleft()
        if len(self._begun) < self._limit.requests:
            return 0.0
        return self._begun[0] + self._limit.seconds - now

    def hold_back(self, seconds: float) -> None:
        """Send nothing for so long."""
        self._not_before = max(self._not_before, self._seconds() + seconds)

    def leave_room(self, more: float) -> None:
        """Adapt to what an answer says, before its turn ends: how many more the LMS takes."""
        self._allowed = self._room.learn(self._under_way - 1, more)


class Breaker:
    """Stops asking an LMS that failed several times in a row, and lets one request try again after a while."""

    def __init__(self, failures: int, rest: float, seconds: Seconds) -> None:
        self._most = failures
        self._rest = rest
        self._seconds = seconds
        self._failures = 0
        self._closed_until = 0.0

    def wait(self) -> float:
        """For how many more seconds it rests; 0 where a request may be sent."""
        return max(0.0, self._closed_until - self._seconds()) if self._failures >= self._most else 0.0

    def begin(self) -> bool:
        """A request is sent. Whether it is the probe, for which the others wait."""
        tries = self._failures >= self._most
        if tries:
            self._closed_until = self._seconds() + self._rest
        return tries

    def not_tried(self) -> None:
        """The probe was not sent after all: another may be."""
        self._closed_until = self._seconds()

    def resting(self) -> bool:
        """Whether it rests."""
        return self.wait() > 0

    def succeeded(self) -> None:
        """The LMS answered."""
        self._failures = 0

    def failed(self, *, tried: bool = False) -> None:
        """The LMS did not answer, or with a fault of its own; `tried` if that was the probe.

        The rest is counted from when the LMS was last asked. What was under way before, and ends while it rests, does
        not lengthen it: an answer that never came says nothing of what the LMS does now.
        """
        self._failures += 1
        if not tried and self._failures <= self._most:
            self._closed_until = self._seconds() + self._rest
