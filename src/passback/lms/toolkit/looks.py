"""Looking again at an LMS that may still show what it had a moment ago."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from passback.domain.clock import Timer

T = TypeVar("T")

LOOKS = (0.0, 0.5, 1.0, 2.0)
"""The seconds before each look at what an LMS that does not show it yet may show soon."""


async def looked(read: Callable[[], Awaitable[T]], shows: Callable[[T], bool], timer: Timer) -> T:
    """Return what `read` finds as soon as it `shows` what is expected, or else what it found last.

    Raises what `read` raises.
    """
    for seconds in LOOKS:
        if seconds:
            await timer.sleep(seconds)
        found = await read()
        if shows(found):
            break
    return found
