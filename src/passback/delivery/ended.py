"""What follows from the end of a delivery: for what it is a part of, for what waited for it, for webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.delivery import webhook_notify
from passback.domain.delivery import OPEN, Delivery
from passback.store import deliveries
from passback.wire import errors

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.domain.delivery import State
    from passback.store.engine.database import Connection

NEVER_MADE = "its assignment was never made: the create has ended as "
"""Why a change was refused that waited for a create; the create's last state follows."""

_WORST_FIRST: tuple[State, ...] = ("refused", "expired", "failed", "cancelled", "delivered")


def ended(
    conn: Connection, delivery: Delivery, state: State, now: Instant, *, client_waiting: bool = False
) -> None:
    """Apply what follows from a delivery's end. `client_waiting` if its client gets the outcome as the answer."""
    if delivery.operation == "create_assignment" and delivery.background:
        _end_wait_for(conn, delivery, state, now)
    if delivery.batch_id is not None:
        end_batch(conn, delivery.batch_id, now)
    elif not client_waiting:
        webhook_notify.delivery_ended(conn, delivery, state, now)


def end_batch(conn: Connection, batch_id: str, now: Instant) -> None:
    """End a delivery that stands for many once all its parts have ended, as the worst of them."""
    conn.lock(f"batch/{batch_id}")
    states = deliveries.states_of_parts(conn, batch_id)
    if states & set(OPEN):
        return
    state: State = next((one for one in _WORST_FIRST if one in states), "delivered")
    if deliveries.end_waiting(conn, batch_id, state, now):
        whole = deliveries.find(conn, batch_id)
        assert whole is not None
        webhook_notify.delivery_ended(conn, whole, state, now)


def awaits_create(conn: Connection, assignment_id: str) -> bool:
    """Whether an assignment is still to be made. Until the transaction is over, its create does not end."""
    conn.lock(f"assignment/{assignment_id}")
    create = deliveries.find(conn, assignment_id)
    return create is not None and create.operation == "create_assignment" and create.state in OPEN


def _end_wait_for(conn: Connection, create: Delivery, state: State, now: Instant) -> None:
    """Let the changes that waited for a create be made; or refuse them, if there is nothing to change (row 13)."""
    assert create.assignment_id is not None
    conn.lock(f"assignment/{create.assignment_id}")
    if state == "delivered":
        deliveries.release(conn, create.assignment_id, now)
        return
    gone = errors.assignment_gone()
    for held in deliveries.held_for(conn, create.assignment_id):
        if deliveries.refuse_waiting(conn, held.id, gone.status, gone.message, NEVER_MADE + state, now):
            ended(conn, held, "refused", now)
