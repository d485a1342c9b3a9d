"""Backing off from an LMS (or a webhook) that fails: it is left alone, tried with one delivery, then with more.

So an LMS that is down is not asked by thousands of deliveries, and does not get them all at once when it is back.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from passback.domain.clock import MINUTE, SECOND
from passback.domain.delivery import Delivered, Failed, Outcome
from passback.store import destinations
from passback.store.destinations import Destination

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection

FIRST_BACKOFF = 5 * SECOND
LONGEST_BACKOFF = 5 * MINUTE
ENOUGH = 64
"""With how many at once a destination is considered healthy."""


def record(conn: Connection, destination_id: str, outcomes: Sequence[Outcome], now: Instant) -> None:
    """Record how a group that was sent to a destination went."""
    known = destinations.find(conn, destination_id)
    down = [outcome for outcome in outcomes if isinstance(outcome, Failed) and outcome.down]
    if down:
        failures = 1 if known is None else known.failures + 1
        rest = now + _backoff_after(failures, max(outcome.wait or 0 for outcome in down))
        destinations.save(conn, Destination(destination_id, failures, rest, 1))
    elif known is not None and any(isinstance(outcome, Delivered) for outcome in outcomes):
        if known.allowed * 2 < ENOUGH:
            destinations.save(conn, Destination(destination_id, 0, 0, known.allowed * 2))
        else:
            destinations.remove(conn, destination_id)


def _backoff_after(failures: int, asked: int) -> int:
    longest = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(failures - 1, 20))
    wait = random.randint(longest // 2, longest)  # noqa: S311 - jitter
    return max(wait, min(asked * SECOND, LONGEST_BACKOFF))
