"""Long work in a thread of its own, which stops when the process shuts down."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback.context import Gateway
    from passback.rosters.progress import Progress
    from passback.store.engine.database import Session

T = TypeVar("T")

_STOP_SECONDS = 20.0


class _Stop(Exception):
    """The process is shutting down."""


class StoppableProgress:
    """A `passback.rosters.progress.Progress` that stops the work in a thread when the process shuts down."""

    def __init__(self, progress: Progress, check: Callable[[], None]) -> None:
        self._progress = progress
        self._check = check

    def read(self, done: int, total: int) -> None:
        self._check()
        self._progress.read(done, total)

    def step(self, what: str) -> None:
        self._check()
        self._progress.step(what)


async def in_thread(gateway: Gateway, work: Callable[[Session, Callable[[], None]], T]) -> T:
    """Run `work` in a thread, with a database session of its own and a check that it must call now and then."""
    stopped = threading.Event()

    def check() -> None:
        if stopped.is_set():
            raise _Stop

    def run() -> T:
        with gateway.database.session() as session:
            return work(session, check)

    running = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait([running], timeout=_STOP_SECONDS)
        if running.done():
            running.exception()  # whether it stopped or finished, the sync is resumed later
        raise
