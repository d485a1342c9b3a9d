"""SIGTERM and Ctrl-C while a gateway starts and serves."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    import uvicorn


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[list[int]]:
    """Let SIGTERM end what is inside the ``with`` by way of its clean-up. Yields the signals that have come.

    A service manager sends only one, and Python drops an exception that is raised in a finalizer: so they are noted.
    """
    came: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        sys.exit(0)

    with _handled(stop, signal.SIGTERM):
        yield came


@contextlib.contextmanager
def server_ended_by_signals(server: uvicorn.Server, came: list[int]) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the server, also before and after uvicorn itself handles them; `came` have already.

    An exception out of a handler could hit the event loop instead of what runs in it: then nothing would end.
    """
    with _handled(server.handle_exit, signal.SIGTERM, signal.SIGINT):
        server.should_exit = bool(came)
        yield


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], None], *signals: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in signals}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
