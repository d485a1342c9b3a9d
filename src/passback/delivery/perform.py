"""Carrying deliveries into the LMS: one way for those that clients wait for and for those in the background."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING

from passback.delivery import after_restore, assignments, outcomes, submissions, webhook_send
from passback.delivery.assignments import AssignmentTarget
from passback.delivery.lms_errors import report_success
from passback.delivery.submissions import Done, SubmissionTarget
from passback.delivery.webhook_send import Message, Transport
from passback.domain.clock import SECOND
from passback.domain.delivery import Delivered, Failed, Refused
from passback.lms.http.within import guarded
from passback.store import roster
from passback.store.engine.database import StoreUnavailable
from passback.wire import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from passback.context import Gateway
    from passback.delivery.lookup import SectionAtLms
    from passback.domain.delivery import Delivery, Outcome
    from passback.domain.submission import Submission
    from passback.store.engine.database import Connection

Target = AssignmentTarget | SubmissionTarget

NONE_FOUND: Mapping[str, Target] = MappingProxyType({})
"""Of deliveries from the ledger nothing is looked up yet."""

_LOOK_AGAIN_SECONDS = 0.05
WEBHOOK_PATIENCE = 15.0
"""How many seconds an endpoint has to answer."""

_ALONE = {
    "create_assignment": assignments.create,
    "update_assignment": assignments.change,
    "delete_assignment": assignments.remove,
}


async def deliver(
    gateway: Gateway,
    group: Sequence[Delivery],
    targets: Mapping[str, Target] = NONE_FOUND,
    *,
    alone: bool | None = None,
) -> list[Outcome]:
    """Deliver what may go together (one delivery, or grades of one assignment). The outcomes, in order.

    `targets` holds what was looked up for the same request; all else is looked up now. `alone` if it is not one of
    many; unless given, if it is one.
    """
    first = group[0]
    if first.operation == "send_webhook":
        return [await _send(gateway, first)]
    alone = len(group) == 1 if alone is None else alone
    came_of: Sequence[Delivered | Exception]
    try:
        with guarded(gateway.in_flight.may_act):
            if first.operation == "update_submission":
                came_of = await _change_submissions(gateway, group, targets, alone=alone)
            else:
                came_of = [await _change_assignment(gateway, first, targets.get(first.id))]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome of all
        return [await _failed(gateway, first, error, whole=not alone)] * len(group)
    return [
        outcome if isinstance(outcome, Delivered) else await _failed(gateway, delivery, outcome, whole=False)
        for delivery, outcome in zip(group, came_of, strict=True)
    ]


async def _failed(gateway: Gateway, delivery: Delivery, error: Exception, *, whole: bool) -> Outcome:
    consequence = outcomes.consequence_of(gateway, delivery, error)
    if consequence is not None:
        await gateway.database.write(consequence)
    return outcomes.outcome_of(delivery, error, whole=whole)


async def _change_assignment(gateway: Gateway, delivery: Delivery, target: Target | None) -> Delivered:
    if target is None:
        target = await gateway.database.read(lambda conn: assignments.target_of(gateway, conn, delivery))
    assert isinstance(target, AssignmentTarget)
    delivered = await _ALONE[delivery.operation](gateway, delivery, target)
    await report_success(gateway, delivery.district_id, target.section)
    return delivered


async def _change_submissions(
    gateway: Gateway, group: Sequence[Delivery], targets: Mapping[str, Target], *, alone: bool
) -> Sequence[Delivered | Exception]:
    """Change submissions of one assignment. Raises `Refusal` and `LmsError` for what concerns all."""
    section, lms_id, found = await _submission_targets(gateway, group, targets)
    judged = await after_restore.compared(gateway, group, section, lms_id, found)
    sound = [target for target in judged if isinstance(target, SubmissionTarget)]
    changed: Sequence[Submission | Exception]
    if alone:
        changed = [await submissions.change(target) for target in sound]
    else:
        changed = await submissions.change_all(section, lms_id, sound) if sound else []
    answers = iter(changed)
    ended = [_ended(target, answers) for target in judged]
    if any(isinstance(one, Done) for one in ended):
        await report_success(gateway, group[0].district_id, section)
    unknown = submissions.unknown_graders(ended)
    user_ids = {}
    if unknown:
        user_ids = await gateway.database.read(
            lambda conn: roster.ids_of(conn, group[0].district_id, unknown)
        )
    return submissions.delivered(group, ended, user_ids)


def _ended(judged: after_restore.Judged, answers: Iterator[Submission | Exception]) -> Done | Exception:
    """What a change has come to: what is there now, or why not. Takes the next answer for what was sent."""
    if not isinstance(judged, SubmissionTarget):
        return judged
    answer = next(answers)
    return answer if isinstance(answer, Exception) else Done(judged, answer)


async def _submission_targets(
    gateway: Gateway, group: Sequence[Delivery], targets: Mapping[str, Target]
) -> tuple[SectionAtLms, str, list[SubmissionTarget | errors.Refusal]]:
    found = [target for delivery in group if isinstance(target := targets.get(delivery.id), SubmissionTarget)]
    if len(found) == len(group):
        return found[0].section, found[0].lms_id, [*found]
    await _until_heard(gateway, group)
    return await gateway.database.read(lambda conn: submissions.targets_of(gateway, conn, group))


async def _until_heard(gateway: Gateway, group: Sequence[Delivery]) -> None:
    """Wait until it is known whether the words of comments are said again or repeated."""
    if not gateway.database.shared or not any("grade_comment" in it.content for it in group):
        return

    def unknown(conn: Connection) -> bool:
        return submissions.any_may_be_heard_of(conn, group, gateway.clock())

    for _ in range(round(submissions.HEARD_WITHIN / SECOND / _LOOK_AGAIN_SECONDS)):
        if not await gateway.database.read(unknown):
            break
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _send(gateway: Gateway, message: Delivery) -> Outcome:
    """Send a message to a webhook."""
    try:
        sent = await webhook_send.deliver(
            gateway.database,
            gateway.vault,
            gateway.clock,
            message.destination,
            Message(message.id, message.content.encode()),
            Transport(gateway.webhooks_reach, WEBHOOK_PATIENCE, gateway.resolve),
        )
    except StoreUnavailable as error:
        return Failed(503, "", str(error))
    if sent is None:
        return Refused(410, "the webhook no longer exists")
    if sent.outcome == "delivered":
        return Delivered()
    reason = sent.reason or f"status {sent.status}"
    if sent.outcome == "gone":
        return Refused(410, reason)
    return Failed(sent.status or 500, reason, reason, down=True, wait=sent.retry_after)
