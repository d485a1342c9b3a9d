"""Work that is handed to another thread, and whose outcome is awaited in an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class Job:
    """A function to run elsewhere, and the future that its caller awaits. Once it has run, call `resolve` in `loop`."""

    __slots__ = ("error", "fn", "future", "loop", "result")

    def __init__(self, fn: Callable[..., Any], future: asyncio.Future[Any]) -> None:
        self.fn = fn
        self.future: asyncio.Future[Any] | None = future
        self.loop = future.get_loop()
        self.result: Any = None
        self.error: BaseException | None = None

    def resolve(self) -> None:
        """Hand the outcome to the caller; only in the loop."""
        assert self.future is not None
        if not self.future.cancelled():  # else its client has gone; what was done stands
            if self.error is None:
                self.future.set_result(self.result)
            else:
                self.future.set_exception(self.error)
        # An error's traceback refers to this job: the cycle would have to wait for the garbage collector.
        self.future = self.error = None
