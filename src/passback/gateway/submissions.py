"""Reading and changing students' submissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Raw, Struct
from msgspec.structs import replace

from passback.context import Accepted, Answer
from passback.delivery import lookup, present
from passback.delivery.submissions import assigned, grader_id_of
from passback.domain.delivery import Delivered, Delivery, Refused
from passback.gateway import execute, rules
from passback.store import roster
from passback.wire import cursor, errors, responses
from passback.wire.params import check_user_id
from passback.wire.validate import validate_submission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.context import Caller, Gateway
    from passback.delivery.lookup import SectionAtLms
    from passback.domain.assignment import Assignment
    from passback.domain.clock import Instant
    from passback.store.assignments import AssignmentRecord
    from passback.store.engine.database import Connection
    from passback.store.roster import Matched
    from passback.wire.requests import SubmissionItem, SubmissionRequest


async def read(
    gateway: Gateway, district_id: str, section_id: str, assignment_id: str, user_id: str
) -> Answer[responses.Submission]:
    """One student's submission. Raises `Refusal`: rows 8, 13 and 14, the LMS."""

    def look_up(conn: Connection) -> tuple[SectionAtLms, AssignmentRecord, str]:
        section, record = lookup.assignment(gateway, conn, district_id, section_id, assignment_id)
        return section, record, lookup.student(conn, section_id, user_id)

    section, record, student = await gateway.database.read(look_up)
    async with lookup.lms_errors_as_refusals(
        gateway, district_id, "reading submission", (section.id, record.id)
    ):
        held = await assigned(section, record, student)
    grader_id = await grader_id_of(gateway, district_id, held)
    return Answer(present.submission(held, record.id, user_id, grader_id))


async def update(
    gateway: Gateway,
    caller: Caller,
    section_id: str,
    assignment_id: str,
    user_id: str,
    request: SubmissionRequest,
) -> Answer[Raw] | Accepted:
    """Change the given fields of one student's submission. Raises `Refusal`: rows 8, 9, 13, 14, the LMS."""
    fields = rules.changed_submission(request)

    def look_up(conn: Connection) -> tuple[SectionAtLms, AssignmentRecord]:
        section, record = lookup.assignment(gateway, conn, caller.district_id, section_id, assignment_id)
        lookup.student(conn, section_id, user_id)
        if caller.background:  # what the client waits for is judged by the LMS's word first
            lookup.known_grader(conn, section_id, request.grader_id)
        return section, record

    section, record = await gateway.database.read(look_up)
    delivery = execute.new_delivery(
        caller,
        "update_submission",
        gateway.clock(),
        section_id=section_id,
        assignment_id=record.id,
        user_id=user_id,
        fields=fields,
        warnings=rules.warnings(request),
    )
    return await execute.execute(gateway, caller, section, delivery)


async def update_many(
    gateway: Gateway, caller: Caller, section_id: str, assignment_id: str, items: Sequence[SubmissionItem]
) -> Answer[list[responses.SubmissionOutcome]] | Accepted:
    """Change many students' submissions, each judged as if sent alone; the outcomes are in the same order.

    Raises `Refusal` for what concerns all: rows 8 and 13, the section.
    """
    now = gateway.clock()

    def look_up(conn: Connection) -> tuple[SectionAtLms, AssignmentRecord, list[Delivery | errors.Refusal]]:
        section, record = lookup.assignment(gateway, conn, caller.district_id, section_id, assignment_id)
        return section, record, [_part(conn, caller, section_id, record.id, item, now) for item in items]

    section, record, judged = await gateway.database.read(look_up)
    parts = [one for one in judged if isinstance(one, Delivery)]
    if caller.background:
        return await _accept_many(gateway, caller, section_id, record.id, items, judged)
    came_of = await execute.execute_now(gateway, section, parts)
    for outcome in came_of:
        if not isinstance(outcome, Delivered) and outcome.whole:
            execute.answer(outcome)
    outcomes = dict(zip((part.id for part in parts), came_of, strict=True))
    answers, warnings = [], dict[str, None]()
    for item, one in zip(items, judged, strict=True):
        outcome = Refused(one.status, one.message) if isinstance(one, errors.Refusal) else outcomes[one.id]
        answers.append(present.submission_outcome(item.user_id, outcome))
        if isinstance(outcome, Delivered) and outcome.warnings:
            warnings |= dict.fromkeys(outcome.warnings.split(", "))
    return Answer(answers, tuple(warnings))


def _part(
    conn: Connection, caller: Caller, section_id: str, assignment_id: str, item: SubmissionItem, now: Instant
) -> Delivery | errors.Refusal:
    """One part, judged in the contract's order of checks."""
    if item.request is None:
        return item.refusal or errors.internal_error()
    try:
        check_user_id(item.user_id)
        validate_submission(item.request)
        fields = rules.changed_submission(item.request)
        lookup.student(conn, section_id, item.user_id.lower())
        if caller.background:
            lookup.known_grader(conn, section_id, item.request.grader_id)
    except errors.Refusal as refusal:
        return refusal
    return execute.new_delivery(
        caller,
        "update_submission",
        now,
        section_id=section_id,
        assignment_id=assignment_id,
        user_id=item.user_id.lower(),
        fields=fields,
        warnings=rules.warnings(item.request),
    )


async def _accept_many(
    gateway: Gateway,
    caller: Caller,
    section_id: str,
    assignment_id: str,
    items: Sequence[SubmissionItem],
    judged: Sequence[Delivery | errors.Refusal],
) -> Accepted:
    """Accept all that can be delivered; the others are refused parts of the same delivery."""
    now = gateway.clock()
    whole = execute.new_delivery(
        caller, "update_submissions", now, section_id=section_id, assignment_id=assignment_id
    )
    parts = []
    for position, (item, one) in enumerate(zip(items, judged, strict=True)):
        if isinstance(one, Delivery):
            parts.append(replace(one, batch_id=whole.id, position=position))
            continue
        refused = execute.new_delivery(
            caller,
            "update_submission",
            now,
            section_id=section_id,
            assignment_id=assignment_id,
            user_id=item.user_id.replace("\0", "\ufffd"),
        )
        parts.append(
            replace(
                refused,
                batch_id=whole.id,
                position=position,
                state="refused",
                status=one.status,
                message=one.message,
                finished=now,
            )
        )
    return await execute.accept_many(gateway, whole, parts)


class SubmissionPage(Struct, frozen=True):
    """A page of an assignment's submissions, and the cursor of the next one."""

    items: list[responses.Submission]
    next_cursor: str | None


async def page(
    gateway: Gateway,
    district_id: str,
    section_id: str,
    assignment_id: str,
    *,
    limit: int,
    after_cursor: str | None,
) -> SubmissionPage:
    """A page of the assignment's submissions, one for each assigned student, in the order of their ids.

    Raises `Refusal`: rows 8 and 13, bad cursor, the LMS.
    """
    now = gateway.clock()

    section, record = await gateway.database.read(
        lambda conn: lookup.assignment(gateway, conn, district_id, section_id, assignment_id)
    )
    list_name = f"{district_id}/{section_id}/{record.id}/submissions"
    after = cursor.open_sealed(gateway.cursor_key, list_name, after_cursor, now) if after_cursor else ""
    async with lookup.lms_errors_as_refusals(
        gateway, district_id, "reading submissions", (section.id, record.id)
    ):
        assignment = await section.connector.read_assignment(section.lms_id, record.lms_id)
        students = await gateway.database.read(
            lambda conn: _assigned_students(conn, section_id, assignment, after, limit + 1)
        )
        shown = students[:limit]
        found = await section.connector.read_submissions(
            section.lms_id, record.lms_id, [student.lms_id for student in shown]
        )
    graders = {held.grader_id for held in found.values() if held.grader_id is not None}
    grader_ids = (
        await gateway.database.read(lambda conn: roster.ids_of(conn, district_id, graders)) if graders else {}
    )
    items = [
        present.submission(held, record.id, student.user_id, grader_ids.get(held.grader_id or ""))
        for student in shown
        if (held := found.get(student.lms_id)) is not None
    ]
    more = len(students) > limit
    return SubmissionPage(
        items, cursor.seal(gateway.cursor_key, list_name, shown[-1].user_id, now) if more else None
    )


def _assigned_students(
    conn: Connection, section_id: str, assignment: Assignment, after: str, limit: int
) -> list[Matched]:
    """Up to `limit` students that the assignment is for, behind the user id `after`, in the order of ids."""
    if assignment.assignee_mode == "all":
        return roster.matched_members(conn, section_id, "student", after=after, limit=limit)
    assigned = set(assignment.assignee_ids)
    members = roster.matched_members(conn, section_id, "student", after=after)
    return [member for member in members if member.lms_id in assigned][:limit]
