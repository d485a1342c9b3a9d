"""Time: milliseconds since 1970-01-01T00:00:00Z, read from a clock that tests can set; and waiting, in seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct

Instant = int
"""Milliseconds since 1970-01-01T00:00:00Z."""

Clock = Callable[[], Instant]

Seconds = Callable[[], float]
"""A monotonic clock, in seconds."""


class Timer(Struct, frozen=True):
    """What waiting is measured and done by: a clock that only goes forward, and the sleep that goes with it."""

    seconds: Seconds = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


REAL_TIME = Timer()


SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def system_clock() -> Instant:
    """The system's time."""
    return time.time_ns() // 1_000_000


def first_id_at(instant: Instant) -> str:
    """The beginning of the ids that are made at a time: they begin with it (UUIDv7)."""
    digits = f"{instant:012x}"
    return f"{digits[:8]}-{digits[8:]}"
