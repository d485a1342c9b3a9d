"""Sparing an LMS (or a webhook) that fails: it rests, is tried with one delivery, and gets more as they go well.

So neither thousands of deliveries ask an LMS that is down, nor do they all come at once when it is back.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from passback.domain.clock import MINUTE, SECOND
from passback.domain.delivery import Delivered, Failed, Outcome
from passback.store import parties
from passback.store.parties import Party

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery
    from passback.store.database import Connection

FAILURES = 3
"""After how many failures in a row a party rests."""
FIRST_REST = 5 * SECOND
LONGEST_REST = 5 * MINUTE
ENOUGH = 64
"""With how many at once a party is taken to be well."""


def heed(conn: Connection, delivery: Delivery, outcome: Outcome, now: Instant) -> None:
    """Remember how it went with the delivery's party."""
    known = parties.find(conn, delivery.party)
    if isinstance(outcome, Failed):
        failures = 1 if known is None else known.failures + 1
        rests_until = 0 if known is None else known.rests_until
        if failures >= FAILURES or outcome.retry_after:
            rests_until = max(rests_until, now + _rest_after(failures, outcome.retry_after))
        allowed = None if known is None else known.allowed
        if failures >= FAILURES:
            allowed = 1
        parties.save(conn, Party(delivery.party, failures, rests_until, allowed))
    elif known is not None:
        if isinstance(outcome, Delivered) and known.allowed is not None and known.allowed * 2 < ENOUGH:
            parties.save(conn, Party(known.id, 0, 0, known.allowed * 2))
        elif isinstance(outcome, Delivered):
            parties.remove(conn, known.id)


def most_at_once(party: Party) -> int:
    """How many deliveries to a party that failed lately may be under way."""
    return ENOUGH if party.allowed is None else party.allowed


def _rest_after(failures: int, retry_after: int | None) -> int:
    longest = min(LONGEST_REST, FIRST_REST * 2 ** min(max(failures - FAILURES, 0), 20))
    wait = random.randint(longest // 2, longest)  # noqa: S311 - jitter
    return max(wait, min((retry_after or 0) * SECOND, LONGEST_REST))
