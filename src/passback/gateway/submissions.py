"""Reading and changing students' submissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Raw
from msgspec.structs import replace

from passback.context import Accepted, Answer
from passback.delivery import lookup, present, submissions
from passback.delivery.lms_errors import as_refusal, lms_errors_as_refusals, refused
from passback.delivery.submissions import SubmissionTarget
from passback.domain.delivery import Delivered, Delivery
from passback.domain.submission import SubmissionFields
from passback.gateway import execute, rules
from passback.gateway.pages import Page, Place
from passback.gateway.still_made import look_up_to_change, look_up_to_read
from passback.lms.builtin.grade import page_of_submissions
from passback.store import enrollments, roster
from passback.wire import errors, responses
from passback.wire.params import check_user_id
from passback.wire.validate import validate_submission

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from passback.context import Caller, Gateway
    from passback.delivery.lookup import SectionAtLms
    from passback.domain.assignment import Assignment
    from passback.domain.clock import Instant
    from passback.domain.delivery import Outcome
    from passback.domain.submission import Submission
    from passback.store.assignments import AssignmentRecord, Members
    from passback.store.engine.database import Connection
    from passback.store.enrollments import Matched
    from passback.wire.requests import SubmissionItem, SubmissionRequest


async def read(
    gateway: Gateway, district_id: str, section_id: str, assignment_id: str, user_id: str
) -> Answer[responses.Submission]:
    """One student's submission. Raises `Refusal`: rows 8, 13 and 14, the LMS."""

    def look_up(conn: Connection) -> tuple[SectionAtLms, AssignmentRecord, str]:
        section, record, members = lookup.assignment_and_members(
            gateway, conn, district_id, section_id, assignment_id, [user_id]
        )
        return section, record, lookup.student(members, user_id)

    doing = "reading submission"
    section, record, student = await look_up_to_read(gateway, doing, look_up)
    async with lms_errors_as_refusals(gateway, district_id, doing, section, record.id):
        held = await submissions.read(section, record.lms_id, student)
    grader_id = await submissions.grader_id_of(gateway, district_id, held)
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

    def look_up(conn: Connection, behind: bool) -> SubmissionTarget:
        section, record, members = lookup.awaited_and_members(
            gateway,
            conn,
            caller.district_id,
            section_id,
            assignment_id,
            [user_id, fields.grader_id],
            behind=behind,
        )
        return _target(caller, section, record, members, user_id, fields)

    target = await look_up_to_change(gateway, caller, look_up)
    delivery = execute.new_delivery(
        caller,
        "update_submission",
        gateway.clock(),
        section_id=section_id,
        assignment_id=assignment_id.lower(),
        user_id=user_id,
        fields=target.asked,
        warnings=(*rules.warnings(request), *submissions.not_stored(target)),
    )
    return await execute.execute(gateway, caller, delivery, target)


def _target(
    caller: Caller,
    section: SectionAtLms,
    record: AssignmentRecord | None,
    members: Members,
    user_id: str,
    fields: SubmissionFields,
) -> SubmissionTarget:
    """What a change is about. Raises `Refusal`: row 14, and if it is accepted now and made later, row 9.

    For a client that waits, the LMS judges the assignment and the student before the grader is judged.
    """
    target = submissions.target(section, record, members, user_id, fields)
    if (caller.background or record is None) and not target.grader_is_known:
        raise submissions.unknown_grader(target)
    return target


async def update_many(
    gateway: Gateway, caller: Caller, section_id: str, assignment_id: str, items: Sequence[SubmissionItem]
) -> Answer[list[responses.SubmissionOutcome]] | Accepted:
    """Change many students' submissions, each judged as if sent alone; the outcomes are in the same order.

    Raises `Refusal` for what concerns all: rows 8 and 13, the section.
    """
    now = gateway.clock()
    assignment_id = assignment_id.lower()
    asked = [_fields(item) for item in items]

    def look_up(
        conn: Connection, behind: bool
    ) -> tuple[SectionAtLms, AssignmentRecord | None, list[SubmissionTarget | errors.Refusal]]:
        section, record, members = lookup.awaited_and_members(
            gateway,
            conn,
            caller.district_id,
            section_id,
            assignment_id,
            _named(items, asked),
            behind=behind,
        )
        judged = [
            _judge(caller, section, record, members, item, fields)
            for item, fields in zip(items, asked, strict=True)
        ]
        return section, record, judged

    section, record, judged = await look_up_to_change(gateway, caller, look_up)
    if record is None:
        caller = replace(caller, background=True)
    parts = [
        one
        if isinstance(one, errors.Refusal)
        else execute.new_delivery(
            caller,
            "update_submission",
            now,
            section_id=section_id,
            assignment_id=assignment_id,
            user_id=item.user_id.lower(),
            fields=one.asked,
            warnings=_part_warnings(item, one),
        )
        for item, one in zip(items, judged, strict=True)
    ]
    if caller.background:
        whole, of_whole = _whole(caller, section_id, assignment_id, now, items, parts)
        return await execute.accept_many(gateway, whole, of_whole, behind=record is None)
    targets = {
        part.id: target
        for part, target in zip(parts, judged, strict=True)
        if isinstance(part, Delivery) and isinstance(target, SubmissionTarget)
    }
    wanted = [part for part in parts if isinstance(part, Delivery)]
    came_of = iter(await execute.execute_now(gateway, section, wanted, targets, is_gone=caller.is_gone))
    outcomes = [refused(part) if isinstance(part, errors.Refusal) else next(came_of) for part in parts]
    return _answer_many(items, outcomes)


def _answer_many(
    items: Sequence[SubmissionItem], outcomes: Sequence[Outcome]
) -> Answer[list[responses.SubmissionOutcome]]:
    """The answer to a change of many. Raises `Refusal` for an outcome that concerns all."""
    warnings = dict[str, None]()
    for outcome in outcomes:
        if isinstance(outcome, Delivered):
            warnings |= dict.fromkeys(outcome.warnings)
        elif outcome.whole:
            raise as_refusal(outcome)
    shown = [
        present.submission_outcome(item.user_id, outcome)
        for item, outcome in zip(items, outcomes, strict=True)
    ]
    return Answer(shown, tuple(warnings))


def _part_warnings(item: SubmissionItem, target: SubmissionTarget) -> tuple[str, ...]:
    own = () if item.request is None else rules.warnings(item.request)
    return (*own, *submissions.not_stored(target))


def _fields(item: SubmissionItem) -> SubmissionFields | errors.Refusal:
    """What one part asks for, judged by its form."""
    if item.request is None:
        return item.refusal or errors.internal_error()
    try:
        check_user_id(item.user_id)
        validate_submission(item.request)
        return rules.changed_submission(item.request)
    except errors.Refusal as refusal:
        return refusal


def _named(
    items: Sequence[SubmissionItem], asked: Sequence[SubmissionFields | errors.Refusal]
) -> Iterator[str | None]:
    """The users that the parts name that have a form."""
    for item, fields in zip(items, asked, strict=True):
        if isinstance(fields, SubmissionFields):
            yield item.user_id
            yield fields.grader_id


def _judge(
    caller: Caller,
    section: SectionAtLms,
    record: AssignmentRecord | None,
    members: Members,
    item: SubmissionItem,
    fields: SubmissionFields | errors.Refusal,
) -> SubmissionTarget | errors.Refusal:
    """One part, judged in the contract's order of checks."""
    if isinstance(fields, errors.Refusal):
        return fields
    try:
        return _target(caller, section, record, members, item.user_id.lower(), fields)
    except errors.Refusal as refusal:
        return refusal


def _whole(
    caller: Caller,
    section_id: str,
    assignment_id: str,
    now: Instant,
    items: Sequence[SubmissionItem],
    judged: Sequence[Delivery | errors.Refusal],
) -> tuple[Delivery, list[Delivery]]:
    """The delivery that stands for many, and its parts: what cannot be delivered is refused already."""
    whole = execute.new_delivery(
        caller, "update_submissions", now, section_id=section_id, assignment_id=assignment_id
    )
    parts = []
    for position, (item, one) in enumerate(zip(items, judged, strict=True)):
        if isinstance(one, Delivery):
            parts.append(replace(one, batch_id=whole.id, position=position))
            continue
        part = execute.new_delivery(
            caller,
            "update_submission",
            now,
            section_id=section_id,
            assignment_id=assignment_id,
            user_id=item.user_id.replace("\0", "\ufffd"),
        )
        parts.append(
            replace(
                part,
                batch_id=whole.id,
                position=position,
                state="refused",
                status=one.status,
                message=one.message,
                finished=now,
            )
        )
    return whole, parts


async def page(
    gateway: Gateway,
    district_id: str,
    section_id: str,
    assignment_id: str,
    *,
    limit: int,
    after_cursor: str | None,
) -> Page[responses.Submission]:
    """A page of the assignment's submissions, one for each assigned student, in the order of their ids.

    Raises `Refusal`: rows 8 and 13, bad cursor, the LMS.
    """
    now = gateway.clock()

    doing = "reading submissions"
    section, record, content = await look_up_to_read(
        gateway,
        doing,
        lambda conn: lookup.assignment_and_content(gateway, conn, district_id, section_id, assignment_id),
    )
    place = Place(gateway, f"{district_id}/{section_id}/{record.id}/submissions", now)
    after = place.opened(after_cursor)
    found: list[tuple[str, Submission]]
    if content is not None:
        found = await gateway.database.read(
            lambda conn: page_of_submissions(
                conn, section.lms_id, content, after=after, limit=limit + 1, now=now
            )
        )
        last = found[limit - 1][0] if len(found) > limit else None
        found = found[:limit]
    else:
        async with lms_errors_as_refusals(gateway, district_id, doing, section, record.id):
            found, last = await _read_page(gateway, section, record.lms_id, after, limit)
    graders = {held.grader_id for _, held in found if held.grader_id is not None}
    grader_ids = (
        await gateway.database.read(lambda conn: roster.ids_of(conn, district_id, graders)) if graders else {}
    )
    items = [
        present.submission(held, record.id, user_id, grader_ids.get(held.grader_id or ""))
        for user_id, held in found
    ]
    return Page(items, place.sealed(last))


async def _read_page(
    gateway: Gateway, section: SectionAtLms, lms_id: str, after: str, limit: int
) -> tuple[list[tuple[str, Submission]], str | None]:
    """A page of submissions that the LMS has, by our ids of the students; and the last id, if there are more."""
    assignment = await section.connector.read_assignment(section.lms_id, lms_id)
    students = await gateway.database.read(
        lambda conn: _assigned_students(conn, section.id, assignment, after, limit + 1)
    )
    shown = students[:limit]
    held = await section.connector.read_submissions(
        section.lms_id, lms_id, [student.lms_id for student in shown]
    )
    found = [(student.user_id, held[student.lms_id]) for student in shown if student.lms_id in held]
    return found, shown[-1].user_id if len(students) > limit else None


def _assigned_students(
    conn: Connection, section_id: str, assignment: Assignment, after: str, limit: int
) -> list[Matched]:
    """Up to `limit` students that the assignment is for, behind the user id `after`, in the order of ids."""
    if assignment.assignee_mode == "all":
        return enrollments.matched_members(conn, section_id, "student", after=after, limit=limit)
    assigned = set(assignment.assignee_ids)
    members = enrollments.matched_members(conn, section_id, "student", after=after)
    return [member for member in members if member.lms_id in assigned][:limit]
