"""What holds for all requests to LMSs that are sent inside a ``with``, whoever sends them."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAY_ACT: ContextVar[Callable[[], bool] | None] = ContextVar("may_act", default=None)
SPARES_BREAKER: ContextVar[bool] = ContextVar("spares_breaker", default=False)


@contextlib.contextmanager
def guarded(may_act: Callable[[], bool]) -> Iterator[None]:
    """Block writes to an LMS inside the ``with`` once `may_act` is false: another process may have taken over."""
    token = MAY_ACT.set(may_act)
    try:
        yield
    finally:
        MAY_ACT.reset(token)


@contextlib.contextmanager
def without_tripping_breaker() -> Iterator[None]:
    """Inside the ``with`` no failure counts for the breaker: background reads never stop the grades."""
    token = SPARES_BREAKER.set(True)
    try:
        yield
    finally:
        SPARES_BREAKER.reset(token)


class Writes:
    """What was written inside a ``with`` of `watching_writes`."""

    any = False
    """Whether an LMS has taken a write, or may have."""


WRITES: ContextVar[Writes | None] = ContextVar("writes", default=None)


@contextlib.contextmanager
def watching_writes() -> Iterator[Writes]:
    """Watch whether something is written inside the ``with``."""
    writes = Writes()
    token = WRITES.set(writes)
    try:
        yield writes
    finally:
        WRITES.reset(token)
