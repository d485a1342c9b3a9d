"""How a create is accepted and begun: an equal one whose client never got the outcome is taken up, not made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.delivery import ledger
from passback.store import deliveries, delivery_lanes, delivery_queue, idempotency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.delivery import Delivery
    from passback.store.engine.database import Connection


def begin(conn: Connection, delivery: Delivery, worker: str, key: str | None = None) -> Delivery | None:
    """`ledger.begin` a create, as `next_of` lets it."""
    found = next_of(conn, delivery, worker, key)
    if found is None or found.id != delivery.id:
        return found
    return found if deliveries.add_unless_under_way(conn, [found]) else None


def next_of(conn: Connection, delivery: Delivery, worker: str, key: str | None = None) -> Delivery | None:
    """A new create as a worker begins it, or an equal one taken up whose client has not got the outcome.

    The latter may already be delivered; one that was asked for with another key than `key` is another wish. None if one
    that may look the same is under way or waits in doubt: what is found of it may not be taken for this one's.
    """
    conn.lock(delivery.lane)
    around = delivery_lanes.unsettled_around(conn, delivery)
    found = _unacknowledged(conn, around, delivery, key)
    if found:
        conn.lock("claims")  # no worker may begin one of this lane in between
        around = delivery_lanes.unsettled_around(conn, delivery)
    lane = [it for it in around if it.lane == delivery.lane]
    if any(it.state == "delivering" or (it.state == "waiting" and it.doubt) for it in lane):
        return None
    if not found:
        return ledger.as_begun(lane, delivery, worker)
    if found[0].state == "delivered":
        deliveries.mark_acknowledged(conn, found[0].id)
        return found[0]
    return delivery_queue.retake(conn, found[0].id, worker)


def accept(conn: Connection, delivery: Delivery, key: str | None = None) -> str | None:
    """`ledger.accept` a create; or take up an equal one whose client, which waited for it, has not got the outcome.

    Returns the id of the delivery that will tell. None if that one is under way.
    """
    conn.lock(delivery.lane)
    found = _unacknowledged(conn, delivery_lanes.unsettled_around(conn, delivery), delivery, key)
    if not found:
        ledger.accept(conn, delivery)
        return delivery.id
    left = deliveries.leave_to_background(conn, found[0].id, delivery.created, delivery.expires)
    return found[0].id if left else None


def _unacknowledged(
    conn: Connection, around: Sequence[Delivery], create: Delivery, key: str | None
) -> list[Delivery]:
    """Creates like that one whose clients, of the same application, have not got the outcome; the newest first."""
    found = [
        it
        for it in around
        if it.unacknowledged
        and (it.section_id, it.digest) == (create.section_id, create.digest)
        and it.application in (create.application, "")  # the first version kept no application
    ]
    found.sort(key=lambda it: it.id, reverse=True)
    if key is None or not found:
        return found
    keyed = idempotency.keyed(conn, create.district_id, create.application, [one.id for one in found])
    return [one for one in found if one.id not in keyed]
