"""The work in the background: it takes up what is due, delivers it, and writes down what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from passback.delivery import ledger
from passback.delivery.presence import Presence
from passback.domain.clock import DAY, MINUTE
from passback.domain.delivery import Delivered, Delivery, Failed, Outcome
from passback.store import deliveries, idempotency, rate, roster_events
from passback.store.engine.database import StoreError

if TYPE_CHECKING:
    from passback.domain.clock import Clock
    from passback.store.engine.database import Connection, Database

log = logging.getLogger(__name__)

Perform = Callable[[Sequence[Delivery]], Awaitable[Sequence[Outcome]]]
"""Delivers what may go together (`together`), and tells what came of each, in order. It raises nothing."""

MOST_AT_ONCE = 64
"""How many groups a process delivers at once."""
MOST_TO_A_DESTINATION = 32
"""How many of them to one destination, so that a slow one does not hold up the others."""
MOST_TOGETHER = 100
"""How many deliveries go in one group."""
MOST_TAKEN = 500
"""How many are taken up at a time."""

_POLL_SECONDS = 1.0
"""How often a process looks for what others have accepted."""
_TIDY_SECONDS = 600.0
_TIDY_ROWS = 1000
_EVENTS_KEPT_FOR = 30 * DAY
"""For how long applications can catch up with a roster's changes."""
_STOP_SECONDS = 20.0
"""How long what is under way may take to finish when the process is told to stop."""


class Worker:
    """This process's part in delivering."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        perform: Perform,
        *,
        lease: float = 20.0,
        keep_days: int = 30,
        home: str | None = None,
    ) -> None:
        """`lease` in seconds; what ended is kept for `keep_days`."""
        self._database = database
        self._clock = clock
        self._perform = perform
        self._keep = keep_days * DAY
        self.presence = Presence(
            database,
            clock,
            lease=lease,
            lost=self._abandon,
            given_back=self.wake,
            under_way=self._under_way,
            home=home,
        )
        self._wake = asyncio.Event()
        self._groups: dict[asyncio.Task[None], Sequence[Delivery]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._closing_ids: set[str] = set()
        self._held: set[str] = set()
        """What others of this process are delivering, whose clients wait."""
        self._taking = False

    @property
    def name(self) -> str:
        """As which worker this process delivers."""
        return self.presence.worker

    def may_act(self) -> bool:
        """Whether nobody can have taken up what this process is delivering."""
        return self.presence.may_act()

    def wake(self) -> None:
        """Look for what is due now: something was accepted, or can go on."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled; then finish what is under way.

        What takes too long is given up: another takes it up once this process is gone.
        """
        beats = asyncio.create_task(self.presence.stay())
        tidying = asyncio.create_task(self._tidy())
        try:
            while True:
                self._wake.clear()
                try:
                    taken = await self.step()
                except StoreError as error:
                    log.warning("the store does not say what is due: %s", error)
                    taken = 0
                if not taken:
                    # Not `wait_for`: up to Python 3.11 it may swallow that one is told to stop.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_POLL_SECONDS):
                            await self._wake.wait()
        finally:
            through = await self._stop()
            for task in (beats, tidying):
                task.cancel()
            if through:
                with contextlib.suppress(StoreError):
                    await self.presence.leave()

    async def step(self) -> int:
        """End what is over, and take up what is due. How many deliveries were taken up."""
        room = MOST_AT_ONCE - len(self._groups)
        if room <= 0 or not self.presence.may_act():
            return 0
        now = self._clock()
        full = self._full_destinations()

        def transaction(conn: Connection) -> list[Delivery]:
            ledger.end_expired(conn, now)
            return ledger.claim(conn, self.presence.worker, now, MOST_TAKEN, full)

        if not await self._database.read(lambda conn: ledger.anything_due(conn, now, full)):
            return 0
        self._taking = True
        try:
            taken = await self._database.write(transaction)
            for group in together(taken):
                task = asyncio.create_task(self._deliver(group))
                self._groups[task] = group
                task.add_done_callback(self._done)
        finally:
            self._taking = False
        return len(taken)

    @contextlib.contextmanager
    def at(self, delivery_ids: Iterable[str]) -> Iterator[None]:
        """While these are delivered for clients that wait: else they would be given back to be delivered later."""
        held = set(delivery_ids)
        self._held |= held
        try:
            yield
        finally:
            self._held -= held

    def _under_way(self) -> set[str] | None:
        if self._taking:
            return None
        of_groups = (delivery.id for group in self._groups.values() for delivery in group)
        return {*of_groups, *self._closing_ids, *self._held}

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while tasks := {*self._groups, *self._closing}:
            await asyncio.wait(tasks)

    def close_later(self, group: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        """Write down what came of deliveries once the store takes it again; their clients were told nothing."""
        ended = [replace(one, final=True) if isinstance(one, Failed) else one for one in outcomes]
        ids = {delivery.id for delivery in group}
        self._closing_ids |= ids

        async def close() -> None:
            await self._close(group, ended)
            self._closing_ids -= ids

        task = asyncio.create_task(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def is_closing(self, delivery_id: str) -> bool:
        """Whether what came of a delivery is still to be written down."""
        return delivery_id in self._closing_ids

    async def _deliver(self, group: Sequence[Delivery]) -> None:
        try:
            outcomes = await self._perform(group)
        except Exception:  # there is none that we know of; but nothing may stay under way for ever
            log.exception("a fault of ours in delivering")
            outcomes = [Failed(500, "Internal error", "a fault of ours", doubt=True)] * len(group)
        await self._close(group, outcomes)

    async def _close(self, group: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        """Write down what came of a group, as soon as the store takes it."""
        wait = 0.1
        while True:
            try:
                await self._database.write(lambda conn: self._finish(conn, group, outcomes))
                break
            except StoreError as error:
                log.warning("the store does not take what was delivered: %s", error)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5.0)
        self.wake()

    def _finish(self, conn: Connection, group: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        now = self._clock()
        own = ledger.finish(conn, group, outcomes, now)
        for delivery, outcome, mine in zip(group, outcomes, own, strict=True):
            if not mine and isinstance(outcome, Delivered):
                ledger.redeliver_newest(conn, delivery, now)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._groups[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a fault of ours in delivering", exc_info=error)
        self.wake()

    def _full_destinations(self) -> list[str]:
        under_way: dict[str, int] = {}
        for group in self._groups.values():
            under_way[group[0].destination] = under_way.get(group[0].destination, 0) + 1
        return [destination for destination, groups in under_way.items() if groups >= MOST_TO_A_DESTINATION]

    def _abandon(self) -> None:
        """Stop what is under way: others may have taken it up."""
        for task in self._groups:
            task.cancel()

    async def _stop(self) -> bool:
        """Finish what is under way, within bounds. Whether nothing had to be given up."""
        if self._groups:
            await asyncio.wait(list(self._groups), timeout=_STOP_SECONDS)
        given_up = [*self._groups]
        self._abandon()
        await asyncio.gather(*given_up, return_exceptions=True)
        if self._closing:
            await asyncio.wait(self._closing, timeout=_STOP_SECONDS)
        return not given_up and not self._closing

    async def _tidy(self) -> None:
        while True:
            more = False
            with contextlib.suppress(StoreError):
                more = await self._database.write(self._remove_old)
            await asyncio.sleep(0.1 if more else _TIDY_SECONDS)

    def _remove_old(self, conn: Connection) -> bool:
        now = self._clock()
        rate.remove_old(conn, now // MINUTE - 1)
        removed = deliveries.remove_finished(conn, now - self._keep, _TIDY_ROWS)
        removed += roster_events.remove_old(conn, now - _EVENTS_KEPT_FOR, _TIDY_ROWS)
        return removed + idempotency.remove_old(conn, now, _TIDY_ROWS) >= _TIDY_ROWS


def together(taken: Sequence[Delivery]) -> list[list[Delivery]]:
    """The groups in which deliveries go: grades of one assignment may share a call, all else goes alone."""
    groups: dict[str, list[list[Delivery]]] = {}
    for delivery in taken:
        shares = delivery.operation == "update_submission" and delivery.fault is None
        of_key = groups.setdefault(f"grades of {delivery.assignment_id}" if shares else delivery.id, [[]])
        if len(of_key[-1]) >= MOST_TOGETHER:
            of_key.append([])
        of_key[-1].append(delivery)
    return [group for of_key in groups.values() for group in of_key]
