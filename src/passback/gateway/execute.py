"""How a change that a client asks for is carried out: while the client waits, or in the background.

Either way it is kept as a delivery before the LMS is asked, so that a crash loses nothing: what was under way is found
out and finished by whichever process lives.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from msgspec import Raw
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.context import Accepted, Answer
from passback.delivery import ledger
from passback.delivery.perform import DOING, deliver, deliver_within
from passback.domain.delivery import (
    KEPT_FOR,
    Delivered,
    Delivery,
    Failed,
    Outcome,
    Refused,
    content_of,
    lane_of,
)
from passback.lms.registry import BUILTIN
from passback.store import deliveries, idempotency
from passback.store.engine.database import StoreUnavailable
from passback.store.idempotency import KeyedRequest
from passback.wire import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.context import Caller, Gateway
    from passback.delivery.lookup import SectionAtLms
    from passback.domain.assignment import AssignmentFields
    from passback.domain.clock import Instant
    from passback.domain.delivery import Operation
    from passback.domain.submission import SubmissionFields
    from passback.store.engine.database import Connection

LANE_WAIT_SECONDS = 25.0
"""How long a client waits for another change of the same thing to be through."""
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
    warnings: Sequence[str] = (),
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
        warnings=", ".join(warnings),
        fault=caller.fault,
        request_id=caller.request_id,
        trace=caller.trace,
    )


async def execute(
    gateway: Gateway, caller: Caller, section: SectionAtLms, delivery: Delivery
) -> Answer[Raw] | Accepted:
    """Carry out a change of what there is. Raises `Refusal`."""
    if caller.background:
        return await _accept(gateway, delivery, [])
    [outcome] = await execute_now(gateway, section, [delivery], alone=True)
    return answer(outcome)


async def accept_many(gateway: Gateway, whole: Delivery, parts: Sequence[Delivery]) -> Accepted:
    """Accept changes of many, as the parts of one delivery. Raises `Refusal`."""
    return await _accept(gateway, replace(whole, due=None), parts)


async def execute_now(
    gateway: Gateway, section: SectionAtLms, wanted: Sequence[Delivery], *, alone: bool = False
) -> list[Outcome]:
    """Carry out changes of what there is while the client waits, each in its turn. What came of each, in order."""
    came_of: dict[str, Outcome] = {}

    def begin(conn: Connection) -> list[Delivery]:
        left = (delivery for delivery in wanted if delivery.id not in came_of)
        begun = (ledger.begin(conn, delivery, gateway.engine.name) for delivery in left)
        return [delivery for delivery in begun if delivery is not None]

    def within(conn: Connection) -> tuple[list[Delivery], list[Outcome]]:
        begun = begin(conn)
        return begun, _write_down(conn, gateway, begun, deliver_within(conn, gateway, begun, alone=alone))

    turn = LaneWait()
    while len(came_of) < len(wanted):
        if _is_builtin(gateway, section):
            begun, outcomes = await gateway.database.write(within)
        else:
            _require_to_act(gateway)
            with gateway.engine.at(delivery.id for delivery in wanted):
                begun = await gateway.database.write(begin)
            outcomes = await _perform(gateway, begun, alone=alone)
        came_of |= {delivery.id: outcome for delivery, outcome in zip(begun, outcomes, strict=True)}
        if not begun and not await turn.retry():
            late = Failed(
                500, "Error " + DOING[wanted[0].operation], "another change is under way", retry_after=5
            )
            return [came_of.get(delivery.id, late) for delivery in wanted]
    return [came_of[delivery.id] for delivery in wanted]


async def execute_create(
    gateway: Gateway, caller: Caller, section: SectionAtLms, delivery: Delivery, fingerprint: str
) -> Answer[Raw] | Accepted:
    """Create what is new, once: also where the request is repeated, with its key or because its answer was lost.

    `fingerprint` tells one request from another. Raises `Refusal`.
    """

    def begin(conn: Connection) -> Delivery | Accepted | None:
        return _begin_new(conn, gateway, caller, delivery, fingerprint)

    def within(conn: Connection) -> tuple[Delivery | Accepted | None, list[Outcome]]:
        begun = begin(conn)
        if not isinstance(begun, Delivery) or begun.state == "delivered":
            return begun, []
        return begun, _write_down(conn, gateway, [begun], deliver_within(conn, gateway, [begun]))

    turn = LaneWait()
    outcomes: list[Outcome] = []
    while True:
        if _is_builtin(gateway, section) and not caller.background:
            begun, outcomes = await gateway.database.write(within)
        else:
            if not caller.background:
                _require_to_act(gateway)
            with gateway.engine.at([delivery.id]):
                begun = await gateway.database.write(begin)
        if begun is not None:
            break
        if not await turn.retry():
            raise errors.lms_failed(DOING["create_assignment"], 5)
    if isinstance(begun, Accepted):
        gateway.engine.wake()
        return begun
    if begun.state == "delivered":
        return Answer(Raw((begun.result or "null").encode()), _codes(begun.warnings))
    [outcome] = outcomes or await _perform(gateway, [begun])
    return answer(outcome)


def answer(outcome: Outcome) -> Answer[Raw]:
    """The answer that an outcome is. Raises `Refusal`."""
    match outcome:
        case Delivered(result, warnings):
            return Answer(Raw((result or "null").encode()), _codes(warnings))
        case Refused():
            raise errors.Refusal(outcome.status, outcome.message)
        case Failed():
            raise errors.Refusal(outcome.status, outcome.message, retry_after=outcome.retry_after)


def _begin_new(
    conn: Connection, gateway: Gateway, caller: Caller, delivery: Delivery, fingerprint: str
) -> Delivery | Accepted | None:
    """The delivery to carry out now, or one that is delivered already. None where that is not known yet."""
    worker = gateway.engine.name
    if caller.key is not None:
        conn.lock(f"key/{caller.district_id}/{caller.application}/{caller.key}")
        found = idempotency.find(conn, caller.district_id, caller.application, caller.key, delivery.created)
        earlier = None if found is None else deliveries.find(conn, found.delivery_id)
        if found is not None and earlier is not None:
            if found.fingerprint != fingerprint:
                raise errors.key_reused()
            return _repeated(conn, earlier, worker)
    if caller.background:
        expires = ledger.keep_until(conn, delivery.district_id, delivery.created)
        ledger.accept(conn, replace(delivery, expires=expires))
        begun: Delivery | Accepted | None = Accepted(delivery.id)
    else:
        begun = ledger.begin_create(conn, delivery, worker, gateway.engine.is_closing)
    if caller.key is not None and begun is not None:
        made = KeyedRequest(
            district_id=caller.district_id,
            application=caller.application,
            key=caller.key,
            fingerprint=fingerprint,
            delivery_id=begun.id if isinstance(begun, Delivery) else begun.delivery_id,
            created=delivery.created,
        )
        idempotency.add(conn, made)
    return begun


def _repeated(conn: Connection, earlier: Delivery, worker: str) -> Delivery | Accepted:
    """What a repeated request gets, by what became of the first."""
    if earlier.background and not earlier.unacknowledged:
        return Accepted(earlier.id)
    match earlier.state:
        case "delivered":
            if earlier.unacknowledged:
                deliveries.mark_acknowledged(conn, earlier.id)
            return earlier
        case "refused":
            raise errors.Refusal(earlier.status or 400, earlier.message or "")
        case "waiting" | "delivering":
            raise errors.key_in_use()
    # It failed, so that nothing was answered that could be repeated: it is tried again, after it was looked for.
    again = deliveries.retake(conn, earlier.id, worker)
    if again is None:
        raise errors.key_in_use()
    return again


async def _accept(gateway: Gateway, delivery: Delivery, parts: Sequence[Delivery]) -> Accepted:
    def transaction(conn: Connection) -> None:
        expires = ledger.keep_until(conn, delivery.district_id, delivery.created)
        if delivery.operation == "update_submissions":
            of_whole = [replace(part, expires=expires) for part in parts]
            ledger.accept_many(conn, replace(delivery, expires=expires), of_whole)
        else:
            ledger.accept(conn, replace(delivery, expires=expires))

    await gateway.database.write(transaction)
    gateway.engine.wake()
    return Accepted(delivery.id)


async def _perform(gateway: Gateway, begun: Sequence[Delivery], *, alone: bool = True) -> list[Outcome]:
    """Deliver what was begun, and write down what came of it, at once or as soon as the store takes it."""
    if not begun:
        return []
    with gateway.engine.at(delivery.id for delivery in begun):
        outcomes = await deliver(gateway, begun, alone=alone)
        try:
            return await gateway.database.write(lambda conn: _write_down(conn, gateway, begun, outcomes))
        except StoreUnavailable:
            gateway.engine.close_later(begun, outcomes)
            raise


def _write_down(
    conn: Connection, gateway: Gateway, begun: Sequence[Delivery], outcomes: Sequence[Outcome]
) -> list[Outcome]:
    """Write down what came of deliveries that clients wait for. What they are to be told."""
    own = ledger.finish(conn, begun, outcomes, gateway.clock(), client_waiting=True)
    # This process was taken for dead, and another finds out what came of it: it is ours to say so, not the LMS's.
    told = errors.store_unavailable()
    lost = Failed(told.status, told.message, "another took it up", doubt=True, retry_after=told.retry_after)
    return [outcome if mine else lost for outcome, mine in zip(outcomes, own, strict=True)]


def _require_to_act(gateway: Gateway) -> None:
    """Raise `StoreUnavailable` where others may take up what this process would begin: it could not finish it."""
    if not gateway.engine.may_act():
        raise StoreUnavailable("this process could not show lately that it lives")


def _is_builtin(gateway: Gateway, section: SectionAtLms) -> bool:
    """Whether the LMS is the gateway's own database, so that a change and its delivery can be one commit."""
    return section.connector.capabilities.kind == BUILTIN and not gateway.connectors.pretending


def _codes(warnings: str) -> tuple[str, ...]:
    return tuple(warnings.split(", ")) if warnings else ()


class LaneWait:
    """Waiting for another change of the same thing to be through."""

    def __init__(self) -> None:
        self._give_up = time.monotonic() + LANE_WAIT_SECONDS
        self._wait = _FIRST_LOOK_SECONDS

    async def retry(self) -> bool:
        """Wait a little longer. False where it has been long enough."""
        if time.monotonic() > self._give_up:
            return False
        await asyncio.sleep(self._wait)
        self._wait = min(self._wait * 1.5, _LONGEST_LOOK_SECONDS)
        return True
