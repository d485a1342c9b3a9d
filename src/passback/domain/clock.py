"""Time: milliseconds since 1970-01-01T00:00:00Z, read from a clock that tests can set."""

from __future__ import annotations

import time
from collections.abc import Callable

Instant = int
"""Milliseconds since 1970-01-01T00:00:00Z."""

Clock = Callable[[], Instant]

Seconds = Callable[[], float]
"""A monotonic clock, in seconds."""

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def system_clock() -> Instant:
    """The system's time."""
    return time.time_ns() // 1_000_000
