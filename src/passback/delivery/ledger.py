"""The rules of the ledger: how a delivery is accepted, begun, tried again and ended.

Each function is (a part of) one transaction. A crash leaves behind a delivery that a dead worker has claimed: it is
requeued and tried again, which is safe because what it did is searched for first, or has the same effect twice as once.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from passback.delivery import attempts, backoff, groups
from passback.delivery.ended import NEVER_MADE, awaits_create, end_batch, ended
from passback.domain.assignment import AssignmentFields
from passback.domain.delivery import (
    INTERRUPTED_KEPT_FOR,
    KEPT_FOR,
    OPEN,
    Delivered,
    Delivery,
    Failed,
    Outcome,
    Refused,
    covers,
    first_to_deliver,
    wait_after,
    without,
)
from passback.store import (
    assignments,
    deliveries,
    delivery_lanes,
    delivery_queue,
    destinations,
    districts,
    looks,
)
from passback.store.deliveries import Claim, Ending
from passback.wire import events

if TYPE_CHECKING:
    from collections.abc import Collection

    from passback.domain.clock import Instant
    from passback.domain.delivery import State
    from passback.store.destinations import Destination
    from passback.store.engine.database import Connection

_MOST_COMPARED = 50
"""How many of a lane's waiting deliveries are compared to find the first."""
_OF_ONE_THING = ("update_assignment", "update_submission")

Lanes = Mapping[str, Sequence[Delivery]]
"""What is unsettled in each lane (`delivery_lanes.unsettled_in`)."""


def keep_until(conn: Connection, district_id: str, now: Instant) -> Instant:
    """The time until which a delivery to a district is tried, by the district's policy."""
    return now + (districts.keep_trying(conn, district_id) or KEPT_FOR)


def accept(conn: Connection, *wanted: Delivery) -> None:
    """Add deliveries that wait for their turn; none is due before those of its lane that it must follow."""
    lanes = delivery_lanes.unsettled_in(conn, {delivery.lane for delivery in wanted})
    accepted = []
    for delivery in wanted:
        accepted.append(_behind([it for it in lanes[delivery.lane] if it.state == "waiting"], delivery))
        lanes[delivery.lane].append(accepted[-1])
    deliveries.add(conn, accepted)


def _behind(waiting: Sequence[Delivery], delivery: Delivery) -> Delivery:
    """A new delivery in its place behind those of its lane that wait."""
    if not waiting:
        return delivery
    before = waiting[:_MOST_COMPARED]
    due = delivery.due
    if due is not None and not (len(before) < _MOST_COMPARED and all(covers(delivery, it) for it in before)):
        due = max(due, *(older.due or 0 for older in before))
    # The clocks of machines differ: what is accepted later still ranks later.
    return replace(delivery, due=due, rank=max(delivery.rank, *(it.rank + 1 for it in waiting)))


def behind_create(conn: Connection, wanted: Sequence[Delivery]) -> Sequence[Delivery]:
    """Deliveries to accept that wait for the create of their assignment, if that has not ended."""
    assignment_id = wanted[0].assignment_id
    assert assignment_id is not None
    return [replace(one, due=None) for one in wanted] if awaits_create(conn, assignment_id) else wanted


def accept_many(conn: Connection, whole: Delivery, parts: Sequence[Delivery]) -> None:
    """Add a delivery that stands for many, and its parts, some of which may already be refused."""
    deliveries.add(conn, [whole, *(part for part in parts if part.state not in OPEN)])
    accept(conn, *(part for part in parts if part.state in OPEN))
    end_batch(conn, whole.id, whole.created)


def begin(conn: Connection, lanes: Lanes, wanted: Sequence[Delivery], worker: str) -> list[Delivery]:
    """Let a worker begin new deliveries at once: those of whose lane no other is in flight."""
    return deliveries.add_unless_under_way(conn, next_of(lanes, wanted, worker))


def next_of(lanes: Lanes, wanted: Sequence[Delivery], worker: str) -> list[Delivery]:
    """The new deliveries that may begin, as a worker begins them: one of each lane, if no other of it is in flight.

    Those of its lane that wait need not come first: they will no longer set what it sets.
    """
    begun: dict[str, Delivery] = {}
    for delivery in wanted:
        lane = lanes[delivery.lane]
        if delivery.lane not in begun and not any(it.state == "delivering" for it in lane):
            begun[delivery.lane] = as_begun(lane, delivery, worker)
    return [*begun.values()]


def as_begun(lane: Sequence[Delivery], delivery: Delivery, worker: str) -> Delivery:
    """A new delivery as a worker begins it, ahead of those of its lane that wait."""
    rank = max([delivery.rank, *(it.rank + 1 for it in lane if it.state == "waiting")])
    return replace(delivery, state="delivering", worker=worker, fence=1, attempts=1, rank=rank)


def claim(
    conn: Connection,
    worker: str,
    now: Instant,
    limit: int,
    but: Collection[str] = (),
    *,
    under_way: Mapping[str, int] = MappingProxyType({}),
    only_probes: bool = False,
) -> list[Delivery]:
    """Let a worker begin up to `limit` groups of deliveries that are due, one of a lane at a time.

    `under_way` says how many groups are in flight to each destination; each has a limit.

    A destination in `but`, or one that is backing off, is left alone; one that failed recently gets only as many as it
    may be sent now. `only_probes` leaves out all that are not down.
    """
    conn.lock("claims")
    failed = destinations.find_all(conn)
    waiting = [
        destination_id
        for destination_id in delivery_queue.waiting_destinations(conn)
        if destination_id not in but and (not only_probes or backoff.is_down(failed.get(destination_id)))
    ]
    random.shuffle(waiting)  # there may be more than can be served at once
    lanes: list[str] = []
    begun = 0
    for destination_id in waiting:
        if begun >= limit or len(lanes) >= groups.MOST_TAKEN:
            break
        most = max(1, limit // len(waiting))
        room = groups.MOST_TAKEN
        if (destination := failed.get(destination_id)) is not None:
            room = min(room, _room(conn, destination, now))
        if room > 0:
            found = groups.due(conn, destination_id, now, most, room, under_way.get(destination_id, 0))
            if found and destination is not None and backoff.is_down(destination):
                backoff.begin_probe(conn, destination, now)
            begun += len(found)
            lanes += [lane for group in found for lane in group]
    in_each = delivery_lanes.waiting_in_each(conn, lanes, _MOST_COMPARED)
    return delivery_queue.take(conn, [first_to_deliver(lane).id for lane in in_each.values() if lane], worker)


def anything_due(conn: Connection, now: Instant, but: Collection[str] = ()) -> bool:
    """Whether `claim` may find something, or something has expired."""
    resting = {
        destination.id
        for destination in destinations.find_all(conn).values()
        if destination.backing_off_until > now
    }
    return any(
        delivery_queue.is_due(conn, destination_id, now)
        for destination_id in delivery_queue.waiting_destinations(conn)
        if destination_id not in resting and destination_id not in but
    ) or bool(delivery_queue.expired(conn, now, 1))


def _room(conn: Connection, destination: Destination, now: Instant) -> int:
    """How many more deliveries to a destination that failed recently may begin.

    One that was down is tried by one at a time, but not only by one that gets no answer: see `backoff.begin_probe`.
    """
    if destination.backing_off_until > now:
        return 0
    if backoff.is_down(destination):
        return 1
    return destination.allowed - delivery_queue.under_way_to(conn, destination.id)


def finish(
    conn: Connection,
    group: Sequence[Delivery],
    outcomes: Sequence[Outcome],
    now: Instant,
    *,
    client_waiting: bool = False,
    client_gone: bool = False,
) -> list[bool]:
    """Record the outcomes of what was sent together.

    For each, whether it was still the worker's own; of what was not, nothing changes. `client_waiting` if a client
    waits for the answer: then a failure ends the delivery; otherwise it is tried again until it expires. What was
    delivered need not be set by those before it. `client_gone` if the client no longer waits: then it has not got the
    outcome of a create.
    """
    if not group:
        return []
    backoff.record(conn, group[0].destination, outcomes, now)
    own = set()
    endings = []
    for delivery, outcome in zip(group, outcomes, strict=True):
        claim = Claim(delivery.id, delivery.fence)
        over = delivery.expires <= now
        ending = _ending(delivery, outcome, over=over, client_waiting=client_waiting, client_gone=client_gone)
        if ending is not None:
            endings.append((claim, ending))
            continue
        assert isinstance(outcome, Failed)
        if _postpone(conn, delivery, claim, outcome, now):
            own.add(delivery.id)
    closed = deliveries.close(conn, endings, now)
    over_now = [
        (delivery, outcome)
        for delivery, outcome in zip(group, outcomes, strict=True)
        if delivery.id in closed
    ]
    done = [delivery for delivery, outcome in over_now if isinstance(outcome, Delivered)]
    lanes = delivery_lanes.unsettled_in(conn, {it.lane for it in done if it.operation in _OF_ONE_THING})
    ends = {claim.id: ending.state for claim, ending in endings}
    _after(conn, lanes, [(*one, ends[one[0].id]) for one in over_now], now, client_waiting=client_waiting)
    return [delivery.id in own or delivery.id in closed for delivery in group]


def add_finished(
    conn: Connection, lanes: Lanes, group: Sequence[Delivery], outcomes: Sequence[Outcome], now: Instant
) -> None:
    """Add deliveries that have begun and ended in this transaction, while their clients wait (see `finish`).

    No other of their lanes may begin until the transaction is over, nor have begun since `lanes` was read. Their
    destination is the gateway's own database, so it is not down.
    """
    over = []
    for delivery, outcome in zip(group, outcomes, strict=True):
        ending = _ending(delivery, outcome, over=False, client_waiting=True, client_gone=False)
        assert ending is not None
        over.append((deliveries.ended(delivery, ending, now), outcome, ending.state))
    deliveries.add(conn, [delivery for delivery, _, _ in over])
    _after(conn, lanes, over, now, client_waiting=True)


def _after(
    conn: Connection,
    lanes: Lanes,
    over: Sequence[tuple[Delivery, Outcome, State]],
    now: Instant,
    *,
    client_waiting: bool,
) -> None:
    """Apply what follows from the ends of deliveries, given what was unsettled in their lanes."""
    for delivery, outcome, _ in over:
        if isinstance(outcome, Delivered):
            _delivered(conn, lanes.get(delivery.lane, ()), delivery, outcome, now)
    for delivery, _, state in over:
        ended(conn, delivery, state, now, client_waiting=client_waiting)


def _ending(
    delivery: Delivery, outcome: Outcome, *, over: bool, client_waiting: bool, client_gone: bool
) -> Ending | None:
    """How a delivery ends with an outcome; None if it is to be tried again.

    One whose time is `over` expires with a try that failed, never without one: the clock may just have been set.
    """
    match outcome:
        case Delivered():
            # What a client was told of a student need not be kept.
            kept = not client_waiting or delivery.operation == "create_assignment"
            return Ending(
                "delivered",
                200,
                result=outcome.result if kept else None,
                warnings=outcome.warnings,
                # A create is known by its answer; of a comment it is recorded when the answer has gone.
                unacknowledged=delivery.unacknowledged
                and (client_gone or not client_waiting or delivery.operation == "update_submission"),
            )
        case Refused():
            return Ending("refused", outcome.status, outcome.message)
        case Failed() if client_waiting or outcome.final:
            doubt = outcome.doubt or delivery.doubt
            return Ending(
                "failed",
                outcome.status,
                outcome.message,
                outcome.cause,
                doubt=doubt,
                unacknowledged=delivery.unacknowledged and doubt,
            )
        case Failed() if over and not outcome.untried:
            return Ending(
                "expired",
                outcome.status,
                outcome.message,
                outcome.cause,
                doubt=outcome.doubt or delivery.doubt,
                unacknowledged=delivery.unacknowledged,
            )
        case Failed():
            return None


def _postpone(conn: Connection, delivery: Delivery, claim: Claim, failed: Failed, now: Instant) -> bool:
    # While an LMS does not answer, its own backoff says when it is tried, by whichever delivery.
    wait = 0 if failed.outage else wait_after(delivery.attempts, failed.wait)
    due = max(now, min(now + wait, delivery.expires))
    postponed = deliveries.postpone(conn, claim, due, failed)
    if postponed:
        delivery_lanes.delay_lane(conn, delivery.lane, due)
    return postponed


def _delivered(
    conn: Connection, lane: Sequence[Delivery], delivery: Delivery, outcome: Delivered, now: Instant
) -> None:
    """Apply what follows from success: a record of the assignment, and less to deliver for older deliveries."""
    if delivery.operation == "create_assignment":
        assert delivery.assignment_id is not None
        assert delivery.section_id is not None
        assert outcome.lms_id is not None
        assignments.add(
            conn,
            assignment_id=delivery.assignment_id,
            section_id=delivery.section_id,
            lms_id=outcome.lms_id,
            lms_section_id=outcome.lms_section_id,
            title=delivery.fields(AssignmentFields).title,
        )
        # If somebody asks for it, what a teacher changes from now on is a change.
        looks.schedule_new(conn, delivery.section_id, now, events.ASKED_FOR)
    elif delivery.operation == "delete_assignment":
        assert delivery.assignment_id is not None
        assignments.mark_deleted(conn, delivery.assignment_id, now)
    elif delivery.operation in _OF_ONE_THING:
        if delivery.operation == "update_assignment" and delivery.assignment_id is not None:
            title = delivery.fields(AssignmentFields).title
            if title is not None:
                assignments.set_title(conn, delivery.assignment_id, title)
        if any(it.state not in OPEN and it.id != delivery.id for it in lane):
            delivery_lanes.settle_doubt(conn, delivery)
        for older in lane:
            if older.state != "waiting" or (older.rank, older.id) >= (delivery.rank, delivery.id):
                continue
            left = without(older, delivery)
            if left is not None:
                deliveries.set_content(conn, older.id, left)
            elif deliveries.supersede(conn, older.id, delivery, now):
                ended(conn, older, "delivered", now)


def end_expired(conn: Connection, now: Instant, limit: int = 500) -> int:
    """End what has expired and waits for no try: the create of its assignment has ended. How many there were."""
    over = delivery_queue.expired(conn, now, limit)
    # Creates first: what waits for one is refused, and locks are always taken in the same order.
    for delivery in sorted(over, key=lambda it: it.operation != "create_assignment"):
        if deliveries.end_waiting(conn, delivery.id, "expired", now):
            ended(conn, delivery, "expired", now)
    return len(over)


def cancel(conn: Connection, delivery: Delivery, now: Instant) -> bool:
    """End a waiting delivery (or the parts of one that stands for many). False if there was nothing to end."""
    waiting = (
        deliveries.parts(conn, delivery.id) if delivery.operation == "update_submissions" else [delivery]
    )
    cancelled = [one for one in waiting if deliveries.end_waiting(conn, one.id, "cancelled", now)]
    for one in cancelled:
        ended(conn, one, "cancelled", now)
    return bool(cancelled)


def withdraw(conn: Connection, assignment_id: str, now: Instant) -> bool:
    """Cancel the create of an assignment that is surely not in the LMS. False if it may be there."""
    conn.lock(f"assignment/{assignment_id}")
    create = deliveries.find(conn, assignment_id)
    return create is not None and not create.doubt and cancel(conn, create, now)


def retry(conn: Connection, delivery: Delivery, now: Instant) -> bool:
    """Try a delivery (or the parts of one that stands for many) now, also if it had ended. False if nothing can be.

    What a newer delivery has set since is not set again. With a create, the changes are tried that were refused
    because it had ended.
    """
    parts = deliveries.parts(conn, delivery.id) if delivery.operation == "update_submissions" else [delivery]
    expires = keep_until(conn, delivery.district_id, now)
    tried = [
        one
        for one in parts
        if deliveries.retry_now(conn, one.id, now) or _retry_ended(conn, one, now, expires)
    ]
    for create in [one for one in tried if one.operation == "create_assignment"]:
        refused = deliveries.refused_because(conn, create, NEVER_MADE)
        tried += [one for one in refused if _retry_ended(conn, one, now, expires)]
    for batch_id in {one.batch_id for one in tried if one.batch_id is not None}:
        deliveries.reopen_batch(conn, batch_id)
    if tried:
        destinations.remove(conn, delivery.destination)
    return bool(tried)


def _retry_ended(conn: Connection, delivery: Delivery, now: Instant, expires: Instant) -> bool:
    content = delivery.content
    for newer in delivery_lanes.newer_delivered(conn, delivery):
        left = without(replace(delivery, content=content), newer)
        if left is None:
            return False
        content = left
    held = delivery.assignment_id is not None and awaits_create(conn, delivery.assignment_id)
    if not deliveries.retry(conn, delivery.id, None if held else now, expires):
        return False
    deliveries.set_content(conn, delivery.id, content)
    return True


def requeue_orphans(conn: Connection, now: Instant, limit: int = 500) -> list[Delivery]:
    """Let what dead workers were delivering wait again. Each is in doubt, and its client has no answer."""
    conn.lock("claims")
    return [
        delivery
        for delivery in delivery_queue.orphans(conn, limit)
        if requeue_unfinished(conn, delivery, now)
    ]


def requeue_unfinished(conn: Connection, delivery: Delivery, now: Instant) -> bool:
    """Let one that is no longer being delivered wait again. False if it has been claimed or ended since."""
    expires = delivery.expires if delivery.background else now + INTERRUPTED_KEPT_FOR
    requeued = delivery_queue.requeue(conn, delivery, now, expires)
    if requeued:
        attempts.record_interrupted(conn, delivery, now)
    return requeued


def redeliver_newest(conn: Connection, late: Delivery, now: Instant) -> bool:
    """Deliver again what a worker that was wrongly declared dead may have overwritten with an older value.

    `late` is what it delivered after it had lost its claim. True if there is something newer, which is now redelivered.
    """
    if late.operation == "create_assignment":
        return False  # it overwrites nothing, and an equal one in its lane must not be made again
    newest = delivery_lanes.newest_delivered(conn, late.lane)
    if newest is None or (newest.rank, newest.id) <= (late.rank, late.id):
        return False
    return deliveries.reopen(conn, newest.id, now)
