"""Backing off from an LMS (or a webhook) that fails: it is left alone, tried with one delivery, then with more.

So an LMS that is down is not asked by thousands of deliveries, and does not get them all at once when it is back. One
that does not answer is tried every few seconds, so that what waits is there soon after its return; one that refuses our
credentials, and a webhook, ever less often. What was refused without asking lengthens nothing.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from passback.domain.clock import MINUTE, SECOND
from passback.domain.delivery import Delivered, Failed, Outcome
from passback.store import delivery_queue, destinations
from passback.store.destinations import Destination

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection

FIRST_BACKOFF = 5 * SECOND
LONGEST_BACKOFF = 5 * MINUTE
PROBE_AFTER = 8 * SECOND
"""After how long a destination that was down is tried with one more, though the last has not ended."""
ENOUGH = 64
"""With how many at once a destination is considered healthy."""


def record(conn: Connection, destination_id: str, outcomes: Sequence[Outcome], now: Instant) -> None:
    """Record how a group that was sent to a destination went."""
    known = destinations.find(conn, destination_id)
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed) and outcome.down]
    asked = [outcome for outcome in failed if not outcome.untried]
    if asked:
        failures = 1 if known is None else known.failures + 1
        longest = FIRST_BACKOFF if all(outcome.outage for outcome in asked) else LONGEST_BACKOFF
        rest = now + _backoff_after(failures, max(outcome.wait or 0 for outcome in asked), longest)
        destinations.save(conn, Destination(destination_id, failures, rest, 1))
    elif failed:
        rest = now + min(max(outcome.wait or 0 for outcome in failed) * SECOND, PROBE_AFTER)
        if known is not None and known.backing_off_until > now:
            rest = min(rest, known.backing_off_until)
        failures = 1 if known is None else known.failures
        destinations.save(conn, Destination(destination_id, failures, rest, 1))
    elif known is not None and any(isinstance(outcome, Delivered) for outcome in outcomes):
        if is_down(known):
            delivery_queue.hasten(conn, destination_id, now)
        if known.allowed * 2 < ENOUGH:
            destinations.save(conn, Destination(destination_id, 0, 0, known.allowed * 2))
        else:
            destinations.remove(conn, destination_id)


def is_down(destination: Destination | None) -> bool:
    """Whether nothing has got through to a destination since it was down."""
    return destination is not None and destination.failures > 0


def begin_probe(conn: Connection, destination: Destination, now: Instant) -> None:
    """Let a destination that was down be tried now; unless that ends earlier, the next may be after a while."""
    destinations.save(
        conn, Destination(destination.id, destination.failures, now + PROBE_AFTER, destination.allowed)
    )


def _backoff_after(failures: int, asked: int, most: int) -> int:
    longest = min(most, FIRST_BACKOFF * 2 ** min(failures - 1, 20))
    wait = random.randint(longest // 2, longest)  # noqa: S311 - jitter
    return max(wait, min(asked * SECOND, LONGEST_BACKOFF))
