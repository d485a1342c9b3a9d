"""What applications are told of by their webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery, State
    from passback.store.database import Connection


def delivery_ended(conn: Connection, delivery: Delivery, state: State, now: Instant) -> None:
    """A delivery in the background has ended."""
