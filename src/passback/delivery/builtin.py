"""Deliveries to the built-in gradebook: the delivery and its effect are one commit.

The gradebook is in the gateway's own database, so its changes are plain functions of the transaction that also begins
and ends the delivery. Every other LMS is served by `passback.delivery.perform`; the rules are shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from passback.delivery import assignments, lookup, outcomes, submissions
from passback.delivery.assignments import AssignmentTarget
from passback.delivery.submissions import Done, SubmissionTarget
from passback.domain.delivery import Delivered
from passback.lms.builtin.api import read_assignment
from passback.lms.builtin.connector import edit_assignment
from passback.lms.builtin.grade import grade_submissions, lock_submissions, read_submissions
from passback.lms.builtin.map_assignments import new_assignment
from passback.lms.interface import Gone, LmsError
from passback.store import gradebook, roster
from passback.wire import errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from passback.context import Gateway
    from passback.delivery.perform import Target
    from passback.domain.assignment import Assignment
    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery, Outcome
    from passback.domain.submission import Submission
    from passback.store.engine.database import Connection


def lock(conn: Connection, targets: Iterable[Target]) -> None:
    """Let nobody else change submissions of one assignment until the transaction is over.

    `deliver` does so, too; but together with other locks it takes no round trip to the database of its own.
    """
    graded = [target for target in targets if isinstance(target, SubmissionTarget)]
    if graded:
        lock_submissions(conn, graded[0].lms_id, [target.student for target in graded])


def deliver(
    conn: Connection,
    gateway: Gateway,
    group: Sequence[Delivery],
    targets: Mapping[str, Target],
    *,
    alone: bool = True,
) -> list[Outcome]:
    """`passback.delivery.perform.deliver` as a part of a transaction."""
    if not group:
        return []
    first = group[0]
    came_of: Sequence[Delivered | Exception]
    try:
        if first.operation == "update_submission":
            came_of = _change_submissions(conn, gateway, group, targets)
        else:
            came_of = [_change_assignment(conn, gateway, first, targets.get(first.id))]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome of all
        return [_failed(conn, gateway, first, error, whole=not alone)] * len(group)
    return [
        outcome if isinstance(outcome, Delivered) else _failed(conn, gateway, delivery, outcome, whole=False)
        for delivery, outcome in zip(group, came_of, strict=True)
    ]


def _failed(
    conn: Connection, gateway: Gateway, delivery: Delivery, error: Exception, *, whole: bool
) -> Outcome:
    consequence = outcomes.consequence_of(gateway, delivery, error)
    if consequence is not None:
        consequence(conn)
    return outcomes.outcome_of(delivery, error, whole=whole)


def _change_assignment(
    conn: Connection, gateway: Gateway, delivery: Delivery, target: Target | None
) -> Delivered:
    if target is None:
        target = assignments.target_of(gateway, conn, delivery)
    assert isinstance(target, AssignmentTarget)
    now = gateway.clock()
    match delivery.operation:
        case "create_assignment":
            held = _create(conn, delivery, target, now)
        case "update_assignment":
            held = _change(conn, target, now)
        case _:
            deleted = gradebook.delete_assignment(conn, target.section.lms_id, target.lms_id)
            if not (deleted or delivery.doubt):
                raise Gone("assignment")
            return Delivered()
    user_ids = roster.ids_of(conn, delivery.district_id, held.assignee_ids)
    return assignments.delivered(delivery, target, held, user_ids, now)


def _create(conn: Connection, delivery: Delivery, target: AssignmentTarget, now: Instant) -> Assignment:
    assert delivery.assignment_id is not None
    section = target.section.lms_id
    held = None
    if delivery.doubt:
        held = gradebook.find_assignment(conn, section, delivery.assignment_id)
    if held is None:
        assignments.require_not_lost(delivery)
        held = new_assignment(target.fields, delivery.assignment_id, now)
        gradebook.insert_assignment(conn, section, held)
    return held


def _change(conn: Connection, target: AssignmentTarget, now: Instant) -> Assignment:
    section, lms_id = target.section.lms_id, target.lms_id
    held = read_assignment(conn, section, lms_id)
    fields = assignments.fitting(held, target.fields)
    if assignments.lacks_assignees(held, fields):
        ids = lookup.assignees(conn, target.section.id, target.fields.assignee_ids)
        fields = replace(fields, assignee_ids=ids)
    return edit_assignment(conn, section, lms_id, fields, now)


def _change_submissions(
    conn: Connection, gateway: Gateway, group: Sequence[Delivery], targets: Mapping[str, Target]
) -> list[Delivered | Exception]:
    """Change submissions of one assignment. Raises `Refusal` and `LmsError` for what concerns all."""
    now = gateway.clock()
    found = [targets.get(delivery.id) for delivery in group]
    judged: Sequence[SubmissionTarget | errors.Refusal]
    if None in found:
        _, _, judged = submissions.targets_of(gateway, conn, group)
    else:
        judged = [target for target in found if isinstance(target, SubmissionTarget)]
    answers = iter(_answers(conn, [one for one in judged if isinstance(one, SubmissionTarget)], now))
    ended = [one if isinstance(one, errors.Refusal) else next(answers) for one in judged]
    unknown = submissions.unknown_graders(ended)
    user_ids = roster.ids_of(conn, group[0].district_id, unknown)
    return submissions.delivered(group, ended, user_ids)


def _answers(conn: Connection, targets: Sequence[SubmissionTarget], now: Instant) -> list[Done | Exception]:
    """What the gradebook makes of changes of one assignment, in order. Raises `Gone` if it has none."""
    if not targets:
        return []
    section, lms_id = targets[0].section.lms_id, targets[0].lms_id
    doubtful = [target.student for target in targets if not target.grader_is_known]
    known: Mapping[str, Submission] = {}
    if doubtful:  # the assignment and the student come before the grader in the order of checks
        known = read_submissions(conn, section, read_assignment(conn, section, lms_id), doubtful, now)
    changes = [(target.student, target.fields) for target in targets if target.grader_is_known]
    answers = iter(grade_submissions(conn, section, lms_id, changes, now) if changes else [])
    return [
        _ended(target, next(answers)) if target.grader_is_known else submissions.refused(target, known)
        for target in targets
    ]


def _ended(target: SubmissionTarget, answer: Submission | LmsError) -> Done | Exception:
    return answer if isinstance(answer, LmsError) else Done(target, answer)
