"""The gate through which every request to an LMS goes: in its turn, at the LMS's pace, and not while it rests.

A process that is alone keeps the count itself. Several keep it together in the database, so that they ask no more of
the LMS than one would.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import math
from collections.abc import Coroutine
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.clock import REAL_TIME, SECOND, Timer
from passback.lms.http.pace import Breaker, Limit, Pace, Room
from passback.lms.interface import Unavailable
from passback.lms.shared import Shared
from passback.store import traffic
from passback.store.engine.database import Connection, StoreError, Transaction

T = TypeVar("T")

log = logging.getLogger(__name__)

_MOST_PACES = 10_000
_LONGEST_REQUEST_SECONDS = 60.0
"""After how long a turn that nobody gave back is free."""
_LOOK_AGAIN_SECONDS = 0.05
_MOST_ROOM = 1000.0
LONGEST_WAIT = 600.0
"""The longest that an LMS can make us wait, in seconds, whatever it says."""


class Resting(Unavailable):
    """The LMS failed several times in a row, and is not asked now."""


class Result(enum.Enum):
    """How a request went."""

    OK = "well"
    """The LMS answered."""
    FAILED = "failed"
    """It did not answer, or returned a server error."""
    NOT_SENT = "not"
    """It was not asked."""


class Turn(Struct, frozen=True):
    """The right to have one request under way."""

    acting: str
    id: str = ""
    tries: bool = False
    """Whether it is the first after a rest."""
    tries_for_all: bool = False
    """Whether it is the first of all processes after a rest."""


class Gate:
    """The gate of a process that is alone. There is a `Pace` for each credential, and one `Breaker`."""

    def __init__(
        self,
        *,
        most_at_once: int,
        at_first: int | None = None,
        limit: Limit | None,
        failures: int,
        rest: float,
        timer: Timer = REAL_TIME,
    ) -> None:
        self.timer = timer
        self.most_at_once = most_at_once
        self.at_first = most_at_once if at_first is None else at_first
        self.limit = limit
        self.failures = failures
        self.rest = rest
        self._paces: dict[str, Pace] = {}
        self._breaker = Breaker(failures, rest, timer.seconds)

    async def enter(self, acting: str, patience: float) -> Turn:
        """Wait for a turn of a credential, for up to so many seconds. Raises `TimeoutError` and `Resting`."""
        self._check()
        pace = self._pace(acting)
        await pace.begin(patience)
        try:
            self._check()  # it may have failed meanwhile
            return Turn(acting, tries=self._breaker.begin())
        except BaseException:
            pace.end()
            raise

    def _check(self) -> None:
        if (wait := self._breaker.wait()) > 0:
            raise resting(wait)

    async def leave(
        self, turn: Turn, went: Result, *, hold_back: float = 0.0, room: float | None = None
    ) -> None:
        """Release a turn, and report the result of the request.

        `hold_back` where the LMS says that it was too much: for so many seconds nothing is sent. `room` is how
        many more requests it takes besides those that are under way. A number that makes no sense is ignored.
        """
        pace = self._pace(turn.acting)
        try:
            if wait := usable(hold_back, LONGEST_WAIT):
                pace.hold_back(wait)
            if (more := usable(room, _MOST_ROOM)) is not None:
                pace.leave_room(more)
            if went is Result.OK:
                self._breaker.succeeded()
            elif went is Result.FAILED:
                self._breaker.failed(tried=turn.tries)
            elif turn.tries:
                self._breaker.not_tried()
        finally:
            pace.end()

    def resting(self) -> bool:
        """Whether the LMS is not asked now."""
        return self._breaker.resting()

    def held_back(self, acting: str) -> float:
        """For how many more seconds nothing is sent."""
        return self._pace(acting).held_back()

    def _pace(self, acting: str) -> Pace:
        pace = self._paces.get(acting)
        if pace is None:
            if len(self._paces) >= _MOST_PACES:
                self._paces = {name: pace for name, pace in self._paces.items() if not pace.idle()}
            pace = self._paces[acting] = Pace(self.most_at_once, self.timer, self.limit, self.at_first)
        return pace


class SharedGate:
    """The gate of processes that reach the same LMS: behind the process's own comes the one that they share."""

    def __init__(self, shared: Shared, own: Gate) -> None:
        self._shared = shared
        self._own = own
        self._timer = own.timer
        self._rules = traffic.Rules(
            at_first=own.at_first,
            requests=None if own.limit is None else own.limit.requests,
            span=0 if own.limit is None else round(own.limit.seconds * SECOND),
            failures=own.failures,
            rest=round(own.rest * SECOND),
            longest=round(_LONGEST_REQUEST_SECONDS * SECOND),
        )
        self._rooms: dict[str, Room] = {}
        self._down = False
        self._owed: list[Transaction[None]] = []
        """How to give back the turns that the store has not taken back yet: along with what it takes next."""
        self._background: set[asyncio.Future[None]] = set()

    async def enter(self, acting: str, patience: float) -> Turn:
        """See `Gate`. Raises `StoreError`, too."""
        give_up = self._timer.seconds() + patience
        own = await self._own.enter(acting, patience)
        try:
            return await self._enter_shared(Turn(acting, str(uuid7()), own.tries), give_up)
        except BaseException:
            await self._own.leave(own, Result.NOT_SENT)
            raise

    async def _enter_shared(self, turn: Turn, give_up: float) -> Turn:

        def begin(conn: Connection) -> traffic.Entry:
            return traffic.enter(
                conn,
                self._shared.name,
                turn.acting,
                turn.id,
                worker=self._shared.worker(),
                rules=self._rules,
                now=self._shared.clock(),
            )

        while True:
            entering = asyncio.ensure_future(self._noted(begin))
            try:
                entry = await asyncio.shield(entering)
            except BaseException:
                # It may be taken all the same, or still be on its way into the database.
                self._in_background(self._give_back(turn, entering))
                raise
            if entry.resting:
                raise resting(entry.wait / SECOND)
            if entry.entered:
                return replace(turn, tries_for_all=entry.tries)
            wait = max(entry.wait / SECOND, _LOOK_AGAIN_SECONDS)
            if self._timer.seconds() + wait > give_up:
                raise TimeoutError
            await self._timer.sleep(wait)

    async def _noted(self, note: Transaction[T]) -> T:
        """Run a transaction on the counts, and give back the turns that the store did not take back before."""
        owed, self._owed = self._owed, []

        def both(conn: Connection) -> T:
            for leave in owed:
                leave(conn)
            return note(conn)

        try:
            return await self._shared.database.note(both)
        except Exception:
            self._owed += owed
            raise

    async def _give_back(self, turn: Turn, entering: asyncio.Future[traffic.Entry]) -> None:
        await asyncio.wait([entering])
        tries = entering.cancelled() or entering.exception() is not None or entering.result().tries
        await self._leave_shared(replace(turn, tries_for_all=tries), Result.NOT_SENT, 0.0, None)

    def _in_background(self, work: Coroutine[None, None, None]) -> asyncio.Future[None]:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def leave(
        self, turn: Turn, went: Result, *, hold_back: float = 0.0, room: float | None = None
    ) -> None:
        """See `Gate`."""
        wait, more = usable(hold_back, LONGEST_WAIT) or 0.0, usable(room, _MOST_ROOM)
        try:
            # Shielded: whoever is cancelled meanwhile would not learn that the store has not taken it.
            await asyncio.shield(self._in_background(self._leave_shared(turn, went, wait, more)))
        finally:
            await self._own.leave(turn, went, hold_back=hold_back, room=room)

    async def _leave_shared(self, turn: Turn, went: Result, hold_back: float, room: float | None) -> None:
        def leave(conn: Connection) -> None:
            self._down = traffic.leave(
                conn,
                self._shared.name,
                turn.acting,
                turn.id,
                rules=self._rules,
                now=self._shared.clock(),
                went=None if went is Result.NOT_SENT else went is Result.OK,
                hold_back=round(hold_back * SECOND),
                room=None if room is None else lambda others: self._room(turn.acting).learn(others, room),
                tries=turn.tries_for_all,
            )

        try:
            await self._noted(leave)
        except StoreError as error:  # what the LMS answered counts
            self._owed.append(leave)
            log.warning("the store does not take back a turn yet: %s", error)

    def _room(self, acting: str) -> Room:
        if acting not in self._rooms and len(self._rooms) >= _MOST_PACES:
            self._rooms.clear()
        return self._rooms.setdefault(acting, Room(self._own.most_at_once))

    def resting(self) -> bool:
        """See `Gate`; as this process last knew it."""
        return self._down or self._own.resting()

    def held_back(self, acting: str) -> float:
        """See `Gate`."""
        return self._own.held_back(acting)


def usable(number: float | None, most: float) -> float | None:
    """Return a number from 0 to `most`, cut to that; None if it is negative or not finite."""
    return min(number, most) if number is not None and math.isfinite(number) and number >= 0 else None


def resting(wait: float) -> Resting:
    """The error while an LMS rests for so many more seconds."""
    return Resting("it failed several times in a row and is not asked now", retry_after=round(wait) + 1)
