"""Which processes deliver, and which of them have died.

Each shows by its beat that it is alive. One whose beat stands still for the lease, by the clock of whoever watches, is
declared dead, and so is one whose process has been gone for half of it; its deliveries are requeued. Nobody need have
watched a process of this machine for that long: its last beat says until when it can have acted. A process that was
declared dead, or could not beat for too long, stops: it must not touch an LMS any more for what others may have taken
up.

The ledger can also say that a process is delivering something that it is not: because it abandoned it, or because the
store failed just when it was claimed or ended. That is requeued, too, once it has been so for half of the lease. Not
sooner: the LMS may still be busy with what it was last sent, and a search that comes too soon does not find it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from uuid_utils import uuid7

from passback.delivery import ledger
from passback.in_flight import InFlight, seconds
from passback.store import delivery_queue, workers
from passback.store.deliveries import Claim
from passback.store.engine.database import StoreUnavailable
from passback.store.workers import RegisteredWorker

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
        in_flight: InFlight,
        *,
        lost: Callable[[], None],
        home: str | None = None,
    ) -> None:
        """`lost` is called when this process may have been declared dead. `home` is where its process number means
        something; found out unless given.
        """
        self._home = home_here() if home is None else home
        self._database = database
        self._clock = clock
        self._in_flight = in_flight
        self._lost = lost
        self._idle: dict[Claim, float] = {}
        """Claims of this process that are not in flight, and since when."""
        self._seen: dict[str, tuple[int, float]] = {}
        """The beat of each other process, and since when it has stood there."""
        self._gone: dict[str, float] = {}
        """The workers whose processes are gone, and since when."""

    async def enter(self) -> None:
        """Become present, before anything is delivered."""
        began = seconds()
        await self._database.write(self._enter)
        self._in_flight.beat(began)

    async def stay(self) -> None:
        """Stay present, and watch the others, until cancelled."""
        while True:
            try:
                await self.beat()
            except StoreUnavailable as error:
                log.warning("cannot record this process's beat: %s", error)
            if not self._in_flight.may_act():
                self._lost()
            await asyncio.sleep(self._in_flight.lease / _BEATS)

    async def leave(self) -> None:
        """No longer be present."""
        await self._database.write(lambda conn: workers.remove(conn, self._in_flight.worker))

    async def beat(self) -> None:
        """Show that this process is alive, and requeue the deliveries of those that are not."""
        began = seconds()
        if await self._database.write(
            lambda conn: workers.beat(conn, self._in_flight.worker, _milliseconds(began))
        ):
            self._in_flight.beat(began)
        else:
            log.warning("this process was declared dead: it abandons its deliveries")
            self._lost()
            self._in_flight.worker = str(uuid7())
            await self.enter()
        requeued = await self._database.write(self._bury)
        if await self._requeue_idle() or requeued:
            self._in_flight.wake()

    async def _requeue_idle(self) -> bool:
        known = self._in_flight.ids()
        if known is None:
            return False
        before, worker, now = self._idle, self._in_flight.worker, seconds()

        def transaction(conn: Connection) -> tuple[dict[Claim, float], bool]:
            idle = {
                Claim(held.id, held.fence): held
                for held in delivery_queue.held_by(conn, worker)
                if held.id not in known
            }
            since = {claim: before.get(claim, now) for claim in idle}
            over = [held for claim, held in idle.items() if self._is_over(since[claim], now)]
            # A list: each is requeued.
            done = [ledger.requeue_unfinished(conn, held, self._clock()) for held in over]
            return since, any(done)

        self._idle, requeued = await self._database.write(transaction)
        return requeued

    def _is_over(self, since: float, now: float) -> bool:
        """Whether an LMS is surely done with what was sent to it before `since`."""
        return now - since >= self._in_flight.lease / 2

    def _enter(self, conn: Connection) -> None:
        beat = _milliseconds(seconds())
        workers.add(
            conn, RegisteredWorker(self._in_flight.worker, self._home, os.getpid(), beat), self._clock()
        )

    def _bury(self, conn: Connection) -> list[Delivery]:
        """Declare dead which processes are, and requeue what they were delivering."""
        now = seconds()
        others = [worker for worker in workers.find_all(conn) if worker.id != self._in_flight.worker]
        self._seen = {
            worker.id: seen
            if (seen := self._seen.get(worker.id)) and seen[0] == worker.beat
            else (worker.beat, now)
            for worker in others
        }
        self._gone = {
            worker.id: self._gone.get(worker.id, now) for worker in others if is_gone(worker, self._home)
        }
        for worker in others:
            stood_still = now - self._seen[worker.id][1] > self._in_flight.lease
            gone = worker.id in self._gone and self._is_over(self._gone[worker.id], now)
            if stood_still or gone or self._is_long_silent(worker, now):
                log.warning("worker %s has died: its deliveries are requeued", worker.id)
                workers.remove(conn, worker.id, worker.beat)
        return ledger.requeue_orphans(conn, self._clock())

    def _is_long_silent(self, worker: RegisteredWorker, now: float) -> bool:
        """Whether a process of this machine last beat so long ago that an LMS is done with whatever it sent since."""
        same_clock = clock_of(worker.home) == clock_of(self._home) != ""
        return same_clock and self._is_over(worker.beat / 1000 + self._in_flight.acts_for, now)


def _milliseconds(since: float) -> int:
    return round(since * 1000)


def is_alive(worker: RegisteredWorker, lease: float) -> bool | None:
    """Whether a process delivers, as far as this machine can tell; None if it is another machine's.

    `lease` is in seconds.
    """
    here = home_here()
    if is_gone(worker, here):
        return False
    if not clock_of(worker.home) == clock_of(here) != "":
        return None
    return seconds() - worker.beat / 1000 <= lease


def is_gone(worker: RegisteredWorker, home: str) -> bool:
    """Whether the process of a worker on this machine is surely gone."""
    if not worker.home or worker.home != home:
        return False
    if worker.pid == os.getpid():
        return True  # an earlier process that had our number
    try:
        os.kill(worker.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def home_here() -> str:
    """What tells apart places in which the same number is another process; empty if that cannot be found out."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        clock = Path("/proc/self/ns/time")  # older kernels have one clock for all
        return (
            f"{boot} {clock.readlink() if clock.is_symlink() else ''} {Path('/proc/self/ns/pid').readlink()}"
        )
    except (OSError, ValueError):
        return ""


def clock_of(home: str) -> str:
    """What tells apart clocks that only go forward: containers of a machine share one. Empty if there is none."""
    return home.rpartition(" ")[0]
