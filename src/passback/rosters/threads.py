"""Long pieces of work in a thread, which stop where the process is to stop."""

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


class _Stopped(Exception):
    """This process is to stop."""


class Checking:
    """Stops the work in a thread where the process is to stop. See `passback.rosters.progress.Progress`."""

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
    """Do a long piece of work on a session of its own, beside all else. It is given what it must call now and then."""
    stopped = threading.Event()

    def check() -> None:
        if stopped.is_set():
            raise _Stopped

    def run() -> T:
        with gateway.database.session() as session:
            return work(session, check)

    doing = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait([doing], timeout=_STOP_SECONDS)
        if doing.done():
            doing.exception()  # it has stopped, or is done with: either way it is gone on with later
        raise
