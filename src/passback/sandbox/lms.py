"""The simulated LMSs of the sandbox's districts, each started on first use and stored in the data file."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import partial
from typing import TYPE_CHECKING

from passback.lms.interface import LmsConnection
from passback.sandbox.journal import Caused
from passback.store import simulators
from passback_simulators import address_of, hand_of, simulator_of
from passback_simulators.identities import SIMULATED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from passback.domain.clock import Clock
    from passback.lms.registry import Given
    from passback.sandbox.journal import Journal
    from passback.store.engine.database import Database
    from passback_simulators.hands import Hand
    from passback_simulators.records import Change
    from passback_simulators.simulator import Simulator

PATIENCE = 10.0
"""How many seconds a call to a simulator may take; short, because a developer is waiting."""


class SimulatedLmss:
    """One simulator for each kind of LMS, each on its own loopback port."""

    def __init__(self, database: Database, clock: Clock, journal: Journal) -> None:
        """What the simulators are asked goes into the journal."""
        self._journal = journal
        self._database = database
        self._clock = clock
        self._running: dict[str, Simulator] = {}
        self._listeners = {
            district.lms_type: socket.create_server(("127.0.0.1", 0), backlog=128) for district in SIMULATED
        }
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def urls(self) -> dict[str, str]:
        """The URL of each simulator, by kind of LMS."""
        return {kind: f"http://127.0.0.1:{it.getsockname()[1]}" for kind, it in self._listeners.items()}

    def given(self) -> Given:
        """The connections of the sandbox's districts to their LMSs."""
        return {
            district.district_id: lambda kind=district.lms_type: self._connection(kind)  # type: ignore[misc]
            for district in SIMULATED
        }

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve the simulators inside the ``with``, starting each on its first connection."""
        loop = asyncio.get_running_loop()
        for kind, listener in self._listeners.items():
            listener.setblocking(False)
            loop.add_reader(listener, self._begin, kind)
        try:
            yield
        finally:
            for kind, listener in self._listeners.items():
                if kind not in self._running:
                    loop.remove_reader(listener)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def reload(self) -> None:
        """Reload the simulators from the database, after a reset or load of the whole state."""
        self.clock_was_set()
        for kind, simulator in self._running.items():
            simulator.start(self._saved(kind))
            await simulator.save()

    def hand(self, kind: str) -> Hand:
        """What people do in one of them; `save` it afterwards."""
        return hand_of(kind, self._simulator(kind))

    async def save(self, kind: str) -> None:
        """Store what was done in one of them."""
        await self._simulator(kind).save()

    def clock_was_set(self) -> None:
        """Let the simulators go by the clock as it is now."""
        for simulator in self._running.values():
            simulator.forget_times()

    def close(self) -> None:
        """Stop listening."""
        for listener in self._listeners.values():
            listener.close()

    def _connection(self, kind: str) -> LmsConnection:
        url = self.urls[kind]
        simulator = self._simulator(kind)
        return LmsConnection(
            address_of(kind, url),
            simulator.connection_credentials(url),
            simulator.connection_options(url),
            patience=PATIENCE,
            headers=Caused(),
        )

    def _simulator(self, kind: str) -> Simulator:
        if kind not in self._running:

            async def keep(changes: Sequence[Change]) -> None:
                rows = [(change.table, change.id, change.record) for change in changes]
                await self._database.write(lambda conn: simulators.save(conn, kind, rows))

            simulator = simulator_of(kind, self._clock, keep)
            simulator.listener = partial(self._journal.heard, kind)
            simulator.start(self._saved(kind))
            self._running[kind] = simulator
        return self._running[kind]

    def _saved(self, kind: str) -> list[Change]:
        from passback_simulators.records import Change

        rows = self._database.read_now(lambda conn: simulators.load(conn, kind))
        return [Change(table, id_, record) for table, id_, record in rows]

    def _begin(self, kind: str) -> None:
        """Start a simulator, on its first connection."""
        asyncio.get_running_loop().remove_reader(self._listeners[kind])
        self._tasks.add(asyncio.get_running_loop().create_task(self._serve(kind)))

    async def _serve(self, kind: str) -> None:
        from passback_simulators.server import serving

        async with serving(self._simulator(kind), self._listeners[kind]):
            await asyncio.Event().wait()
