"""Executing the change that a client asks for: while the client waits, or in the background.

Either way it is kept as a delivery before the LMS is asked, so that a crash loses nothing: another process finds out
what became of a delivery that was in flight, and finishes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from msgspec import Raw
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.context import Accepted, Answer
from passback.delivery import attempts, builtin, creates, ledger, perform
from passback.delivery.lms_errors import as_refusal
from passback.delivery.outcomes import DOING
from passback.delivery.submissions import HEARD_WITHIN, SubmissionTarget, begun, may_be_heard_of
from passback.delivery.worker import close_later
from passback.domain.clock import SECOND
from passback.domain.delivery import (
    KEPT_FOR,
    Delivered,
    Delivery,
    Failed,
    Outcome,
    content_of,
    lane_of,
)
from passback.domain.submission import SubmissionFields
from passback.lms.registry import BUILTIN
from passback.store import deliveries, delivery_lanes, delivery_queue, idempotency
from passback.store.engine.database import StoreUnavailable
from passback.store.idempotency import KeyedRequest
from passback.wire import errors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from passback.context import Caller, Gateway
    from passback.delivery.lookup import SectionAtLms
    from passback.delivery.perform import Target
    from passback.domain.assignment import AssignmentFields
    from passback.domain.clock import Instant
    from passback.domain.delivery import Operation
    from passback.store.engine.database import Connection

LANE_WAIT_SECONDS = 25.0
"""How long a client waits for another change of the same lane to end."""
_FIRST_LOOK_SECONDS = 0.02
_LONGEST_LOOK_SECONDS = 0.5


def new_delivery(
    caller: Caller,
    operation: Operation,
    now: Instant,
    *,
    section_id: str,
    assignment_id: str | None = None,
    user_id: str | None = None,
    fields: AssignmentFields | SubmissionFields | None = None,
    warnings: tuple[str, ...] = (),
) -> Delivery:
    """A delivery as a caller asks for it."""
    delivery_id = str(uuid7())
    return Delivery(
        id=delivery_id,
        district_id=caller.district_id,
        application=caller.application,
        operation=operation,
        section_id=section_id,
        assignment_id=delivery_id if operation == "create_assignment" else assignment_id,
        user_id=user_id,
        destination=caller.district_id,
        lane=lane_of(operation, delivery_id, assignment_id, user_id),
        rank=now,
        content="{}" if fields is None else content_of(fields),
        background=caller.background,
        state="waiting",
        created=now,
        due=now,
        expires=now + KEPT_FOR,
        unacknowledged=isinstance(fields, SubmissionFields) and bool(fields.grade_comment),
        warnings=warnings,
        fault=caller.fault,
        request_id=caller.request_id,
        trace=caller.trace,
    )


async def execute(
    gateway: Gateway, caller: Caller, delivery: Delivery, target: Target
) -> Answer[Raw] | Accepted:
    """Execute a change of something that exists, or will once its create has ended. Raises `Refusal`."""
    behind = target.record is None
    if caller.background or behind:
        return await _accept(gateway, replace(delivery, background=True), [], behind=behind)
    [outcome] = await execute_now(
        gateway, target.section, [delivery], {delivery.id: target}, alone=True, is_gone=caller.is_gone
    )
    return answer(outcome)


async def accept_many(
    gateway: Gateway, whole: Delivery, parts: Sequence[Delivery], *, behind: bool
) -> Accepted:
    """Accept changes of many, as the parts of one delivery; `behind` the create of their assignment or not."""
    return await _accept(gateway, replace(whole, due=None), parts, behind=behind)


async def execute_now(
    gateway: Gateway,
    section: SectionAtLms,
    wanted: Sequence[Delivery],
    targets: Mapping[str, Target],
    *,
    alone: bool = False,
    is_gone: Callable[[], Awaitable[bool]] | None = None,
) -> list[Outcome]:
    """Execute changes of things that exist while the client waits, each in its lane's order. The outcomes, in order.

    `targets` says what each is about, by its delivery's id.
    """
    came_of: dict[str, Outcome] = {}
    now = gateway.clock

    sure_at = time.monotonic() + HEARD_WITHIN / SECOND if gateway.database.shared else 0.0

    def unsettled(conn: Connection) -> tuple[list[Delivery], ledger.Lanes]:
        left = [delivery for delivery in wanted if delivery.id not in came_of]
        lanes = delivery_lanes.unsettled_in(conn, {delivery.lane for delivery in left})
        if time.monotonic() < sure_at:
            left = [it for it in left if not may_be_heard_of(it, lanes[it.lane], now())]
        return left, lanes

    def begin(conn: Connection) -> tuple[list[Delivery], dict[str, Target]]:
        left, lanes = unsettled(conn)
        started = ledger.begin(conn, lanes, left, gateway.in_flight.worker)
        return started, _begun(conn, started, found, lanes, now())

    def within(conn: Connection) -> tuple[list[Delivery], list[Outcome]]:
        conn.share("claims")  # no worker may begin one of these lanes in between
        builtin.lock(conn, found.values())
        left, lanes = unsettled(conn)
        started = ledger.next_of(lanes, left, gateway.in_flight.worker)
        own = _begun(conn, started, found, lanes, now())
        outcomes = builtin.deliver(conn, gateway, started, own, alone=alone)
        ledger.add_finished(conn, lanes, started, outcomes, now())
        return started, outcomes

    found, lane = targets, LaneWait()
    while len(came_of) < len(wanted):
        if _is_builtin(gateway, section):
            started, outcomes = await gateway.database.write(within)
        else:
            _require_to_act(gateway)
            with gateway.in_flight.for_clients(delivery.id for delivery in wanted):
                started, own = await gateway.database.write(begin)
            outcomes = await _deliver(gateway, started, own, alone=alone, is_gone=is_gone)
        came_of |= {delivery.id: outcome for delivery, outcome in zip(started, outcomes, strict=True)}
        if not started and not await lane.retry():
            late = Failed(
                500, "Error " + DOING[wanted[0].operation], "another change is under way", retry_after=5
            )
            return [came_of.get(delivery.id, late) for delivery in wanted]
        found = perform.NONE_FOUND  # what had to wait is looked up again
    if is_gone is None or not await is_gone():
        _note_told(gateway, [it for it in wanted if isinstance(came_of[it.id], Delivered)])
    return [came_of[delivery.id] for delivery in wanted]


async def execute_create(
    gateway: Gateway, caller: Caller, delivery: Delivery, target: Target, fingerprint: str
) -> Answer[Raw] | Accepted:
    """Create something new, once: also if the request is repeated, with its key or because its answer was lost.

    `fingerprint` tells one request from another. Raises `Refusal`.
    """
    targets = {delivery.id: target}

    def begin(conn: Connection) -> Delivery | Accepted | Answer[Raw] | None:
        return _begin_create(conn, gateway, caller, delivery, fingerprint, creates.begin)

    def within(conn: Connection) -> tuple[Delivery | Accepted | Answer[Raw] | None, list[Outcome]]:
        started = _begin_create(conn, gateway, caller, delivery, fingerprint, creates.next_of)
        if not isinstance(started, Delivery) or started.state == "delivered":
            return started, []
        outcomes = builtin.deliver(conn, gateway, [started], targets)
        if started.id != delivery.id:  # an earlier one is taken up
            return started, _record(conn, gateway, None, [started], outcomes)
        ledger.add_finished(conn, {}, [started], outcomes, gateway.clock())
        return started, outcomes

    lane = LaneWait()
    outcomes: list[Outcome] = []
    while True:
        if _is_builtin(gateway, target.section) and not caller.background:
            started, outcomes = await gateway.database.write(within)
        else:
            if not caller.background:
                _require_to_act(gateway)
            with gateway.in_flight.for_clients([delivery.id]):
                started = await gateway.database.write(begin)
        if started is not None:
            break
        if not await lane.retry():
            raise errors.lms_failed(DOING["create_assignment"], 5)
    if not isinstance(started, Delivery):  # there may be something to do in the background
        gateway.in_flight.wake()
        return started
    if started.state == "delivered":
        return Answer(Raw(started.result or b"null"), started.warnings)
    [outcome] = outcomes or await _deliver(gateway, [started], targets, is_gone=caller.is_gone)
    return answer(outcome)


def answer(outcome: Outcome) -> Answer[Raw]:
    """The answer that an outcome is. Raises `Refusal`."""
    if isinstance(outcome, Delivered):
        return Answer(Raw(outcome.result or b"null"), outcome.warnings)
    raise as_refusal(outcome)


def _begun(
    conn: Connection,
    started: Sequence[Delivery],
    found: Mapping[str, Target],
    lanes: ledger.Lanes,
    now: Instant,
) -> dict[str, Target]:
    """The targets of deliveries that have begun, as far as they are looked up."""
    targets = {delivery.id: found[delivery.id] for delivery in started if delivery.id in found}
    graded = [
        (delivery, target)
        for delivery in started
        if isinstance(target := targets.get(delivery.id), SubmissionTarget)
    ]
    ready = begun(conn, graded, lanes, now)
    return targets | {delivery.id: target for (delivery, _), target in zip(graded, ready, strict=True)}


def _begin_create(
    conn: Connection,
    gateway: Gateway,
    caller: Caller,
    delivery: Delivery,
    fingerprint: str,
    begin: Callable[[Connection, Delivery, str, str | None], Delivery | None],
) -> Delivery | Accepted | Answer[Raw] | None:
    """The delivery to execute now, as `begin` lets it, or one that is delivered. None if that is not known yet."""
    worker = gateway.in_flight.worker
    if caller.key is not None:
        conn.lock(f"key/{caller.district_id}/{caller.application}/{caller.key}")
        found = idempotency.find(conn, caller.district_id, caller.application, caller.key, delivery.created)
        earlier = None if found is None else deliveries.find(conn, found.delivery_id)
        if found is not None and earlier is not None:
            if found.fingerprint != fingerprint:
                raise errors.key_reused()
            return _repeated(conn, earlier, delivery, worker)
    started: Delivery | Accepted | None
    if caller.background:
        expires = ledger.keep_until(conn, delivery.district_id, delivery.created)
        wanted = replace(delivery, expires=expires)
        accepted = creates.accept(conn, wanted, caller.key)
        started = None if accepted is None else Accepted(accepted)
    else:
        started = begin(conn, delivery, worker, caller.key)
    if caller.key is not None and started is not None:
        made = KeyedRequest(
            district_id=caller.district_id,
            application=caller.application,
            key=caller.key,
            fingerprint=fingerprint,
            delivery_id=started.id if isinstance(started, Delivery) else started.delivery_id,
            created=delivery.created,
        )
        idempotency.add(conn, made)
    return started


def _repeated(
    conn: Connection, earlier: Delivery, now: Delivery, worker: str
) -> Delivery | Accepted | Answer[Raw] | None:
    """What becomes of a request that is repeated as `now`, by the outcome of the first; None if that is not known."""
    if earlier.background and not earlier.unacknowledged:
        return Accepted(earlier.id, replayed=True)
    if now.background and earlier.state not in ("delivered", "refused", "delivering"):
        expires = ledger.keep_until(conn, now.district_id, now.created)
        deliveries.leave_to_background(conn, earlier.id, now.created, expires)
        return Accepted(earlier.id)
    match earlier.state:
        case "delivered":
            if earlier.unacknowledged:
                deliveries.mark_acknowledged(conn, earlier.id)
            return Answer(Raw(earlier.result or b"null"), earlier.warnings, replayed=True)
        case "refused":
            raise errors.Refusal(earlier.status or 400, earlier.message or "", replayed=True)
        case "waiting" | "delivering":
            raise errors.key_in_use()
    # It failed, so nothing was answered that could be repeated: it is tried again, after a search for what it made.
    conn.lock("claims")
    return (
        None
        if delivery_lanes.is_under_way(conn, earlier.lane)
        else delivery_queue.retake(conn, earlier.id, worker)
    )


async def _accept(
    gateway: Gateway, delivery: Delivery, parts: Sequence[Delivery], *, behind: bool
) -> Accepted:
    def transaction(conn: Connection) -> None:
        expires = ledger.keep_until(conn, delivery.district_id, delivery.created)
        timed = [replace(one, expires=expires) for one in (delivery, *parts)]
        whole, *of_whole = ledger.behind_create(conn, timed) if behind else timed
        if delivery.operation == "update_submissions":
            ledger.accept_many(conn, whole, of_whole)
        else:
            ledger.accept(conn, whole)

    await gateway.database.write(transaction)
    gateway.in_flight.wake()
    _note_told(gateway, parts or [delivery])
    return Accepted(delivery.id)


def _note_told(gateway: Gateway, told: Sequence[Delivery]) -> None:
    """Record that the clients of comments have their answers, as soon as they do.

    Until then the same words are a repeat: this process may be killed with the answers in its hands.
    """
    comments = [one.id for one in told if one.unacknowledged]
    if not comments:
        return

    async def record() -> None:
        # If it is never recorded, whoever says the same words on purpose is taken to repeat them.
        with contextlib.suppress(StoreUnavailable):
            await gateway.database.write(lambda conn: deliveries.mark_told(conn, comments))

    task = asyncio.create_task(record())
    gateway.in_flight.closing[task] = ()
    task.add_done_callback(gateway.in_flight.closing.pop)


async def _deliver(
    gateway: Gateway,
    started: Sequence[Delivery],
    targets: Mapping[str, Target],
    *,
    alone: bool = True,
    is_gone: Callable[[], Awaitable[bool]] | None = None,
) -> list[Outcome]:
    """Deliver what has begun, and record the outcomes, at once or as soon as the store takes them.

    A client that `is_gone` by then has not got the outcome: its request, when it comes again, does.
    """
    if not started:
        return []
    with gateway.in_flight.for_clients(delivery.id for delivery in started):
        with attempts.trying(gateway.clock) as tried:
            outcomes = await perform.deliver(gateway, started, targets, alone=alone)
        gone = is_gone is not None and await is_gone()
        try:
            return await gateway.database.write(
                lambda conn: _record(conn, gateway, tried, started, outcomes, client_gone=gone)
            )
        except StoreUnavailable:
            close_later(gateway, tried, started, outcomes)
            raise


def _record(
    conn: Connection,
    gateway: Gateway,
    tried: attempts.Tried | None,
    started: Sequence[Delivery],
    outcomes: Sequence[Outcome],
    *,
    client_gone: bool = False,
) -> list[Outcome]:
    """Record the outcomes of deliveries that clients wait for. What the clients get.

    `tried` is the attempt, unless all is in this transaction.
    """
    now = gateway.clock()
    own = ledger.finish(conn, started, outcomes, now, client_waiting=True, client_gone=client_gone)
    if tried is not None:
        attempts.record(conn, tried, started, outcomes, own, now)
    # This process was declared dead, and another finds out the outcome: that is our fault, not the LMS's.
    failed = errors.store_unavailable()
    lost = Failed(
        failed.status, failed.message, "another took it up", doubt=True, retry_after=failed.retry_after
    )
    return [outcome if mine else lost for outcome, mine in zip(outcomes, own, strict=True)]


def _require_to_act(gateway: Gateway) -> None:
    """Raise `StoreUnavailable` if others may take up what this process would begin: it could not finish it."""
    if not gateway.in_flight.may_act():
        raise StoreUnavailable("this process could not show lately that it lives")


def _is_builtin(gateway: Gateway, section: SectionAtLms) -> bool:
    """Whether the LMS is the gateway's own database, so that a change and its delivery can be one commit."""
    return section.connector.capabilities.kind == BUILTIN and not gateway.connectors.pretending


class LaneWait:
    """Waiting for another change of the same lane to end."""

    def __init__(self) -> None:
        self._give_up = time.monotonic() + LANE_WAIT_SECONDS
        self._wait = _FIRST_LOOK_SECONDS

    async def retry(self) -> bool:
        """Wait a little longer. False if it has been long enough."""
        if time.monotonic() > self._give_up:
            return False
        await asyncio.sleep(self._wait)
        self._wait = min(self._wait * 1.5, _LONGEST_LOOK_SECONDS)
        return True
