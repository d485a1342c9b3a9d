"""What this process is delivering now, and whether it may still touch an LMS."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence

from uuid_utils import uuid7

from passback.domain.delivery import Delivery


def seconds() -> float:
    """A clock that only goes forward, also while the machine sleeps if the system can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class InFlight:
    """This process's deliveries in flight. Presence keeps it alive, the worker and the clients that wait fill it."""

    def __init__(self, lease: float = 20.0) -> None:
        """`lease`: after how many seconds without a beat other processes take over."""
        self.lease = lease
        self.worker = str(uuid7())
        """This process's name in the ledger. It takes a new one after it was declared dead."""
        self.groups: dict[asyncio.Task[None], Sequence[Delivery]] = {}
        """What the worker is delivering in the background."""
        self.closing: dict[asyncio.Task[None], Sequence[Delivery]] = {}
        """What was delivered, but not recorded yet because the store could not take it."""
        self.claiming = False
        """Whether the worker is claiming more, so that what is in flight is not known for sure."""
        self._clients: set[str] = set()
        self._last_beat = seconds()
        self._wake = asyncio.Event()

    def beat(self, began: float) -> None:
        """Note a beat that the store has taken; `began` (of `seconds`) is when it was sent."""
        self._last_beat = began

    def may_act(self) -> bool:
        """Whether no other process can have declared this one dead and taken over its deliveries."""
        return seconds() - self._last_beat < self.acts_for

    @property
    def acts_for(self) -> float:
        """For how many seconds after a beat a process may act."""
        return self.lease * 0.75

    def wake(self) -> None:
        """Let the worker look for what is due: something was accepted, or can continue."""
        self._wake.set()

    async def woken(self, within: float) -> None:
        """Wait for `wake`, for at most `within` seconds."""
        # Not `wait_for`: up to Python 3.11 it may swallow a cancellation.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._wake.wait()

    def sleep(self) -> None:
        """Forget earlier calls of `wake`, before looking for what is due."""
        self._wake.clear()

    @contextlib.contextmanager
    def for_clients(self, delivery_ids: Iterable[str]) -> Iterator[None]:
        """Inside the ``with`` these are being delivered for clients that wait, and so are not requeued."""
        ids = set(delivery_ids)
        self._clients |= ids
        try:
            yield
        finally:
            self._clients -= ids

    def ids(self) -> set[str] | None:
        """The ids of all that is in flight; None while the worker is claiming more."""
        if self.claiming:
            return None
        groups = (*self.groups.values(), *self.closing.values())
        return {*self._clients, *(delivery.id for group in groups for delivery in group)}

    async def settled(self) -> None:
        """Wait until nothing is in flight in the background."""
        while tasks := {*self.groups, *self.closing}:
            await asyncio.wait(tasks)
