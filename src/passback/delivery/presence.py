"""Which processes deliver, and which of them have died.

Each shows by its beat that it lives. One whose beat stands still for the lease, by the clock of whoever watches, is
declared dead, and so is one whose process has been gone for half of it; what it was delivering is given back. One that
was declared dead, or could not beat for too long, stops: it must not touch an LMS any more for what others may have
taken up.

A process can hold what it is not at: where it gave it up, or the store failed just when it was taken up or ended. That,
too, is given back, once it has been seen so for half of the lease. Not sooner: the LMS may still be at what it was last
sent, and who looks too soon does not find it there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from uuid_utils import uuid7

from passback.delivery import ledger
from passback.store import deliveries, workers
from passback.store.deliveries import Claim
from passback.store.engine.database import StoreUnavailable
from passback.store.workers import Worker

if TYPE_CHECKING:
    from passback.domain.clock import Clock
    from passback.domain.delivery import Delivery
    from passback.store.engine.database import Connection, Database

log = logging.getLogger(__name__)

_BEATS = 4
"""How many times a process beats within a lease."""


class Presence:
    """This process among those that deliver on a database."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        lease: float,
        lost: Callable[[], None],
        given_back: Callable[[], None],
        under_way: Callable[[], Collection[str] | None],
        home: str | None = None,
    ) -> None:
        """`lease` in seconds. `lost` is called when this process may have been declared dead, `given_back` when another
        was. `under_way` gives the ids of what it is delivering, or None while it is taking up more. `home` is where its
        number means something; found out unless given.
        """
        self._home = _home() if home is None else home
        self.worker = str(uuid7())
        self._database = database
        self._clock = clock
        self._lease = lease
        self._lost = lost
        self._given_back = given_back
        self._under_way = under_way
        self._forgotten: dict[Claim, float] = {}
        """What it holds without being at it, and since when."""
        self._last_beat = _seconds()
        self._seen: dict[str, tuple[int, float]] = {}
        """The beat of each of the others, and since when it stands there."""
        self._gone: dict[str, float] = {}
        """The others whose processes are gone, and since when."""

    def may_act(self) -> bool:
        """Whether nobody can have declared this process dead."""
        return _seconds() - self._last_beat < self._lease * 0.75

    async def enter(self) -> None:
        """Begin to be there, before anything is delivered."""
        began = _seconds()
        await self._database.write(self._enter)
        self._last_beat = began

    async def stay(self) -> None:
        """Be there, and watch the others, until cancelled."""
        while True:
            try:
                await self.beat()
            except StoreUnavailable as error:
                log.warning("the store does not take this process's beat: %s", error)
            if not self.may_act():
                self._lost()
            await asyncio.sleep(self._lease / _BEATS)

    async def leave(self) -> None:
        """Be there no more."""
        await self._database.write(lambda conn: workers.remove(conn, self.worker))

    async def beat(self) -> None:
        """Show that one lives, and see to those who do not."""
        began = _seconds()
        if await self._database.write(lambda conn: workers.beat(conn, self.worker)):
            self._last_beat = began
        else:
            log.warning("this process was taken for dead: it gives up what it was delivering")
            self._lost()
            self.worker = str(uuid7())
            began = _seconds()
            await self._database.write(self._enter)
            self._last_beat = began
        given_back = await self._database.write(self._bury)
        if await self._give_back_forgotten() or given_back:
            self._given_back()

    async def _give_back_forgotten(self) -> bool:
        known = self._under_way()
        if known is None:
            return False
        before, worker, now = self._forgotten, self.worker, _seconds()

        def transaction(conn: Connection) -> tuple[dict[Claim, float], bool]:
            idle = [held for held in deliveries.held_by(conn, worker) if held.id not in known]
            since = {Claim(held.id, held.fence): before.get(Claim(held.id, held.fence), now) for held in idle}
            over = [held for held in idle if self._is_over(since[Claim(held.id, held.fence)], now)]
            # A list: each is given back.
            done = [ledger.requeue_unfinished(conn, held, self._clock()) for held in over]
            return since, any(done)

        self._forgotten, given_back = await self._database.write(transaction)
        return given_back

    def _is_over(self, since: float, now: float) -> bool:
        """Whether an LMS is surely through with what was sent to it before `since`."""
        return now - since >= self._lease / 2

    def _enter(self, conn: Connection) -> None:
        workers.add(conn, Worker(self.worker, self._home, os.getpid(), 0), self._clock())

    def _bury(self, conn: Connection) -> list[Delivery]:
        """Declare dead who is, and give back what they were delivering."""
        now = _seconds()
        others = [worker for worker in workers.find_all(conn) if worker.id != self.worker]
        self._seen = {
            worker.id: seen
            if (seen := self._seen.get(worker.id)) and seen[0] == worker.beat
            else (worker.beat, now)
            for worker in others
        }
        self._gone = {
            worker.id: self._gone.get(worker.id, now) for worker in others if _is_gone(worker, self._home)
        }
        for worker in others:
            stood_still = now - self._seen[worker.id][1] > self._lease
            if stood_still or (worker.id in self._gone and self._is_over(self._gone[worker.id], now)):
                log.warning("worker %s has died: what it was delivering is given back", worker.id)
                workers.remove(conn, worker.id, worker.beat)
        return ledger.requeue_orphans(conn, self._clock())


def _is_gone(worker: Worker, home: str) -> bool:
    """Whether the process of a worker on this machine is surely gone."""
    if not worker.home or worker.home != home:
        return False
    if worker.pid == os.getpid():
        return True  # an earlier one with the number that is ours now
    try:
        os.kill(worker.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _seconds() -> float:
    """A clock that only goes forward, also while the machine sleeps where that can be told."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


def _home() -> str:
    """What tells apart places in which the same number is another process; empty where it cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except (OSError, ValueError):
        return ""
