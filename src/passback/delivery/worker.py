"""The work in the background: it claims what is due, delivers it, and records the outcome."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from passback.delivery import attempts, backoff, clock_set_back, ledger, perform
from passback.delivery.attempts import Tried
from passback.delivery.groups import most_to, together
from passback.delivery.metrics import DeliveryMetrics
from passback.delivery.presence import Presence
from passback.domain.clock import DAY, MINUTE
from passback.domain.delivery import Delivered, Delivery, Failed, Outcome
from passback.lms.stored_keys import replace_if_due
from passback.observe import request_id, tracing
from passback.store import (
    deep_links,
    deliveries,
    destinations,
    idempotency,
    launches,
    lti_invitations,
    lti_keys,
    not_arrived,
    rate,
    roster_events,
    webhooks,
)
from passback.store.engine.database import StoreError
from passback.store.engine.vault import VaultError

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.store.engine.database import Connection

log = logging.getLogger(__name__)

Deliver = Callable[["Gateway", Sequence[Delivery]], Awaitable[Sequence[Outcome]]]
"""Delivers what may go together (`passback.delivery.groups`). The outcomes, in order; it raises nothing."""

MOST_AT_ONCE = 64
"""How many groups a process delivers at once."""
MOST_PROBES = 256
"""How many more groups, to destinations that were down: they may get no answer, and must not hold up the others."""
_POLL_SECONDS = 1.0
"""How often a process looks for what others have accepted."""
_TIDY_SECONDS = 600.0
_TIDY_ROWS = 1000
_LOOKED_AT = 256
"""How many of those that ended without success are looked at together: it must not take long."""
_EVENTS_KEPT_FOR = 30 * DAY
"""For how long applications can catch up with a roster's changes."""
_STOP_SECONDS = 20.0
"""How long deliveries in flight may take to finish when the process is asked to stop."""


class Worker:
    """This process's loop. What it is at is in `Gateway.in_flight`, where clients that wait add theirs."""

    def __init__(self, gateway: Gateway, deliver: Deliver | None = None, *, home: str | None = None) -> None:
        """`home` is for `Presence`."""
        self._gateway = gateway
        self.in_flight = gateway.in_flight
        self._metrics = DeliveryMetrics(gateway.metrics, gateway.database, gateway.clock)
        self._attempt = deliver or self._deliver_counted
        self._last_look = sys.maxsize
        """The time by the clock; before the first look, later than any: a process may start after it was set back."""
        self._probes: set[asyncio.Task[None]] = set()
        """What is being tried at destinations that were down."""
        self.presence = Presence(
            gateway.database,
            gateway.clock,
            gateway.in_flight,
            lost=self._abandon,
            home=home,
        )

    async def run(self) -> None:
        """Deliver until cancelled; then finish what is in flight.

        What takes too long is abandoned: another process takes it up once this one is gone.
        """
        beats = asyncio.create_task(self.presence.stay())
        tidying = asyncio.create_task(self._tidy())
        try:
            while True:
                self.in_flight.sleep()
                try:
                    taken = await self.step()
                except StoreError as error:
                    log.warning("cannot read which deliveries are due: %s", error)
                    taken = 0
                if not taken:
                    await self.in_flight.woken(_POLL_SECONDS)
        finally:
            through = await self._stop()
            for task in (beats, tidying):
                task.cancel()
            if through:
                with contextlib.suppress(StoreError):
                    await self.presence.leave()

    async def step(self) -> int:
        """End what has expired, and claim what is due. How many deliveries were claimed."""
        probes = len(self._probes)
        others = len(self.in_flight.groups) - probes
        full_up = others >= MOST_AT_ONCE
        if (full_up and probes >= MOST_PROBES) or not self.in_flight.may_act():
            return 0
        now = self._gateway.clock()
        if now < self._last_look:
            await self._gateway.database.write(lambda conn: clock_set_back.pull_in(conn, now))
        self._last_look = now
        firsts = [group[0] for group in self.in_flight.groups.values()]
        under_way = Counter(first.destination for first in firsts)
        full = {it.destination for it in firsts if under_way[it.destination] >= most_to(it.operation)}

        def transaction(conn: Connection) -> tuple[list[Delivery], set[str]]:
            ledger.end_expired(conn, now)
            down = {one.id for one in destinations.find_all(conn).values() if backoff.is_down(one)}
            most = MOST_PROBES - probes if full_up else MOST_AT_ONCE - others
            but = {*full, *down} if probes >= MOST_PROBES else full
            taken = ledger.claim(
                conn, self.in_flight.worker, now, most, but, under_way=under_way, only_probes=full_up
            )
            return taken, down

        if not await self._gateway.database.read(lambda conn: ledger.anything_due(conn, now, full)):
            return 0
        self.in_flight.claiming = True
        try:
            taken, down = await self._gateway.database.write(transaction)
            for group in together(taken):
                task = asyncio.create_task(self._deliver(group))
                self.in_flight.groups[task] = group
                if group[0].destination in down:
                    self._probes.add(task)
                task.add_done_callback(self._done)
        finally:
            self.in_flight.claiming = False
        return len(taken)

    async def _deliver(self, group: Sequence[Delivery]) -> None:
        with attempts.trying(self._gateway.clock) as tried:
            try:
                outcomes = await self._attempt(self._gateway, group)
            except Exception:  # we know of none; but nothing may stay in flight for ever
                log.exception("an internal error while delivering")
                outcomes = [Failed(500, "Internal error", "internal error", doubt=True)] * len(group)
        await _record(self._gateway, tried, group, outcomes)

    async def _deliver_counted(self, gateway: Gateway, group: Sequence[Delivery]) -> Sequence[Outcome]:
        first = group[0]
        with (
            request_id.continued(first.request_id),
            tracing.continued(first.trace, f"deliver {first.operation}"),
        ):
            if first.fault and first.attempts == 1 and gateway.faults is not None:
                async with gateway.faults(gateway, [first.fault.encode()]) as faulty:
                    outcomes = await perform.deliver(faulty, group)
            else:
                outcomes = await perform.deliver(gateway, group)
        await self._metrics.tried(group, outcomes)
        return outcomes

    def _done(self, task: asyncio.Task[None]) -> None:
        del self.in_flight.groups[task]
        self._probes.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an internal error while delivering", exc_info=error)
        self.in_flight.wake()

    def _abandon(self) -> None:
        """Stop what is in flight: others may have taken it up."""
        for task in self.in_flight.groups:
            task.cancel()

    async def _stop(self) -> bool:
        """Finish what is in flight, within bounds. Whether nothing had to be abandoned."""
        if self.in_flight.groups:
            await asyncio.wait(list(self.in_flight.groups), timeout=_STOP_SECONDS)
        abandoned = [*self.in_flight.groups]
        self._abandon()
        await asyncio.gather(*abandoned, return_exceptions=True)
        if self.in_flight.closing:
            await asyncio.wait(list(self.in_flight.closing), timeout=_STOP_SECONDS)
        return not abandoned and not self.in_flight.closing

    async def _tidy(self) -> None:
        while True:
            more = False
            with contextlib.suppress(StoreError):
                more = await self._gateway.database.write(self._remove_old)
                await self._mark_made_up()
                await self._replace_key()
            await asyncio.sleep(0.1 if more else _TIDY_SECONDS)

    async def _mark_made_up(self) -> None:
        """Mark what later changes made up for."""
        database = self._gateway.database
        place: not_arrived.Place | None = not_arrived.FIRST
        while place is not None:
            ids, place = await database.snapshot(partial(not_arrived.made_up, after=place, limit=_LOOKED_AT))
            if ids:
                await database.write(partial(not_arrived.mark_made_up, ids=ids))
            await asyncio.sleep(0.02)  # so that others get their turns

    async def _replace_key(self) -> None:
        gateway = self._gateway
        try:
            signs = await replace_if_due(gateway.database, gateway.vault, gateway.clock)
        except VaultError as error:
            log.warning("the key that signs for LMSs cannot be replaced: %s", error)
        else:
            if signs is not None:
                log.info("key %s signs for LMSs from now on", signs)

    def _remove_old(self, conn: Connection) -> bool:
        now = self._gateway.clock()
        rate.remove_old(conn, now // MINUTE - 1)
        for table in (launches, deep_links, lti_invitations):
            table.remove_expired(conn, now)
        webhooks.remove_abandoned(conn, now)
        lti_keys.remove_retired(conn, now - lti_keys.PUBLISHED_AFTER)
        removed = deliveries.remove_finished(conn, now - self._gateway.keep_ended, _TIDY_ROWS)
        removed += roster_events.remove_old(conn, now - _EVENTS_KEPT_FOR, _TIDY_ROWS)
        return removed + idempotency.remove_old(conn, now, _TIDY_ROWS) >= _TIDY_ROWS


def close_later(
    gateway: Gateway, tried: Tried, group: Sequence[Delivery], outcomes: Sequence[Outcome]
) -> None:
    """Record outcomes once the store takes them again; their clients were told nothing."""
    ended = [replace(one, final=True) if isinstance(one, Failed) else one for one in outcomes]
    task = asyncio.create_task(_record(gateway, tried, group, ended))
    gateway.in_flight.closing[task] = group
    task.add_done_callback(gateway.in_flight.closing.pop)


async def _record(
    gateway: Gateway, tried: Tried, group: Sequence[Delivery], outcomes: Sequence[Outcome]
) -> None:
    """Record the outcomes of a group as soon as the store takes them."""
    wait = 0.1
    while True:
        try:
            await gateway.database.write(lambda conn: _finish(conn, gateway, tried, group, outcomes))
            break
        except StoreError as error:
            log.warning("cannot record the outcomes of deliveries yet: %s", error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 5.0)
    gateway.in_flight.wake()


def _finish(
    conn: Connection,
    gateway: Gateway,
    tried: Tried,
    group: Sequence[Delivery],
    outcomes: Sequence[Outcome],
) -> None:
    now = gateway.clock()
    own = ledger.finish(conn, group, outcomes, now)
    attempts.record(conn, tried, group, outcomes, own, now)
    for delivery, outcome, mine in zip(group, outcomes, own, strict=True):
        if not mine and isinstance(outcome, Delivered):
            ledger.redeliver_newest(conn, delivery, now)
