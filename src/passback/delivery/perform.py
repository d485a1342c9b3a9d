"""Carrying a delivery into the LMS, and what came of it: the one way for what clients wait for and for the rest."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from passback.delivery import assignments, lookup, submissions, webhook_send
from passback.domain.delivery import Delivered, Delivery, Failed, Outcome, Refused
from passback.domain.submission import SubmissionFields
from passback.lms.builtin.connector import BuiltinConnector
from passback.lms.http.client import guarded
from passback.lms.http.gate import Resting
from passback.lms.interface import LmsError, NotAllowed, Unavailable
from passback.lms.registry import BUILTIN
from passback.store.engine.database import StoreUnavailable
from passback.wire import errors

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.domain.delivery import Operation
    from passback.lms.interface import Connector
    from passback.store.engine.database import Connection, Transaction

log = logging.getLogger(__name__)

T = TypeVar("T")

DOING: dict[Operation, str] = {
    "create_assignment": "creating assignment",
    "update_assignment": "updating assignment",
    "delete_assignment": "deleting assignment",
    "update_submission": "updating submission",
    "update_submissions": "updating submissions",
}
"""What is being done, as in ``Error creating assignment``."""


WEBHOOK_PATIENCE = 15.0
"""How many seconds an endpoint has to answer."""

_ALONE = {
    "create_assignment": assignments.create,
    "update_assignment": assignments.change,
    "delete_assignment": assignments.remove,
}


async def deliver(gateway: Gateway, group: Sequence[Delivery], *, alone: bool | None = None) -> list[Outcome]:
    """Deliver what may go together (one delivery, or grades of one assignment). What came of each, in order.

    `alone` where it is not one of many; unless said otherwise, where it is one.
    """
    first = group[0]
    if first.operation == "send_webhook":
        return [await _send(gateway, first)]
    alone = len(group) == 1 if alone is None else alone
    came_of: list[Delivered | Exception]
    try:
        with guarded(gateway.engine.may_act):
            if first.operation == "update_submission":
                came_of = await submissions.deliver(gateway, group, alone=alone)
            else:
                came_of = [await _ALONE[first.operation](gateway, first)]
    except Exception as error:  # it concerns them all
        return [await _outcome(gateway, first, error, whole=not alone)] * len(group)
    return [
        outcome if isinstance(outcome, Delivered) else await _outcome(gateway, delivery, outcome, whole=False)
        for delivery, outcome in zip(group, came_of, strict=True)
    ]


async def _send(gateway: Gateway, message: Delivery) -> Outcome:
    """Send a message to a webhook."""
    try:
        sent = await webhook_send.deliver(
            gateway.database,
            gateway.vault,
            gateway.clock,
            message.destination,
            message.id,
            message.content.encode(),
            private=gateway.private_webhooks,
            patience=WEBHOOK_PATIENCE,
            resolve=gateway.resolve,
        )
    except StoreUnavailable as error:
        return Failed(503, "", str(error))
    if sent is None:
        return Refused(410, "there is nobody to be told any more")
    if sent.outcome == "delivered":
        return Delivered()
    reason = sent.reason or f"status {sent.status}"
    if sent.outcome == "gone":
        return Refused(410, reason)
    return Failed(sent.status or 500, reason, reason, down=True, wait=sent.retry_after)


async def _outcome(gateway: Gateway, delivery: Delivery, error: Exception, *, whole: bool) -> Outcome:
    """What an error means for a delivery."""
    match error:
        case lookup.NotReached():
            return Failed(error.status, error.message, error.cause, down=True, whole=whole)
        case errors.Refusal():
            return Refused(error.status, error.message, whole)
        case LmsError():
            about = None
            if delivery.section_id is not None and delivery.operation != "create_assignment":
                about = delivery.section_id, delivery.assignment_id or ""
            await lookup.report_lms_error(gateway, delivery.district_id, error, about)
            grader_id = (
                delivery.fields(SubmissionFields).grader_id
                if delivery.operation == "update_submission"
                else None
            )
            doing = DOING["update_submissions" if whole else delivery.operation]
            refusal = lookup.refusal(error, doing, grader_id=grader_id)
            if refusal.status < 500:
                return Refused(refusal.status, refusal.message, whole)
            unavailable = error if isinstance(error, Unavailable) else Unavailable(type(error).__name__)
            return Failed(
                refusal.status,
                refusal.message,
                str(unavailable),
                doubt=unavailable.in_doubt,
                retry_after=unavailable.retry_after,
                down=isinstance(error, Resting) or (isinstance(error, NotAllowed) and error.credentials),
                whole=whole,
            )
        case StoreUnavailable():
            log.error("the store is not available: %s", error)
            refusal = errors.store_unavailable()
            return Failed(
                refusal.status,
                refusal.message,
                str(error),
                doubt=True,
                retry_after=refusal.retry_after,
                whole=True,
            )
        case assignments.NotMade():
            return Failed(500, "Error creating assignment", str(error), doubt=True, final=True)
        case _:
            log.error("a fault of ours in delivering %s", delivery.id, exc_info=error)
            refusal = errors.internal_error()
            return Failed(refusal.status, refusal.message, type(error).__name__, doubt=True)


def deliver_within(
    conn: Connection, gateway: Gateway, group: Sequence[Delivery], *, alone: bool = True
) -> list[Outcome]:
    """`perform` for the built-in gradebook, as a part of a transaction: the delivery and its effect are one commit."""
    if not group:
        return []
    within = _WithinTransaction(conn)
    connectors = _BuiltinOnly(BuiltinConnector(within, gateway.clock))
    return _run(deliver(replace(gateway, database=within, connectors=connectors), group, alone=alone))


class _WithinTransaction:
    """A `passback.store.engine.database.Database` whose transactions are parts of one that is under way."""

    name = "a transaction"
    shared = False

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def write(self, fn: Transaction[T]) -> T:
        return fn(self._conn)

    note = read = snapshot = write

    def read_now(self, fn: Transaction[T]) -> T:
        return fn(self._conn)

    write_now = read_now

    def close(self) -> None:
        """It is another's."""


class _BuiltinOnly:
    """See `passback.context.Reach`."""

    pretending = False

    def __init__(self, builtin: BuiltinConnector) -> None:
        self._builtin = builtin

    def find(self, conn: Connection, district_id: str, lms_type: str) -> Connector | None:  # noqa: ARG002
        return self._builtin if lms_type == BUILTIN else None

    def forget(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to close."""


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run what never has to wait: within a transaction there is nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError("it waits within a transaction")
