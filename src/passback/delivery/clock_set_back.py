"""What follows when the clock is set back: nothing waits for a time that it showed before, as no wait is so long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.delivery import backoff
from passback.domain.delivery import LONGEST_WAIT
from passback.store import delivery_queue, destinations, looks, syncs

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


def pull_in(conn: Connection, now: Instant) -> None:
    """Bring forward whatever is due, or held by a process, until later than it can be since `now`."""
    delivery_queue.pull_in(conn, now, now + LONGEST_WAIT)
    destinations.pull_in(conn, now + backoff.LONGEST_BACKOFF)
    looks.pull_in(conn, now)
    syncs.pull_in(conn, now)
