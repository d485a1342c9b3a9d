"""Creating, reading, changing, deleting and listing assignments."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw
from msgspec.structs import asdict, replace

from passback.context import Accepted, Answer
from passback.delivery import ledger, looks, lookup, present
from passback.delivery.assignments import find_target
from passback.delivery.lms_errors import lms_errors_as_refusals
from passback.delivery.outcomes import DOING
from passback.domain.assignment import AssignmentFields
from passback.domain.delivery import lane_of_alike
from passback.gateway import execute, rules
from passback.gateway.pages import Page, Place
from passback.gateway.still_made import look_up_to_change, look_up_to_read
from passback.store import assignments, roster
from passback.wire import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.context import Caller, Gateway
    from passback.delivery.lookup import SectionAtLms
    from passback.domain.assignment import Assignment
    from passback.domain.clock import Instant
    from passback.store.assignments import AssignmentRecord
    from passback.store.engine.database import Connection
    from passback.wire import responses
    from passback.wire.requests import AssignmentRequest

_ASK_AGAIN_SECONDS = 5


async def create(
    gateway: Gateway, caller: Caller, section_id: str, request: AssignmentRequest, fingerprint: str
) -> Answer[Raw] | Accepted:
    """Create an assignment in the section's LMS. Raises `Refusal`: rows 1 and 3, unknown section, the LMS.

    `fingerprint` tells one request from another.
    """
    now = gateway.clock()
    fields = rules.new_assignment(request, now)
    if fields.assignee_mode != "individuals":
        fields = replace(fields, assignee_ids=None)
    ignored = ("ASSIGNEES_IGNORED",) if request.assignee_ids and fields.assignee_ids is None else ()
    target = await gateway.database.read(
        lambda conn: find_target(gateway, conn, caller.district_id, section_id, None, fields)
    )
    delivery = execute.new_delivery(
        caller,
        "create_assignment",
        now,
        section_id=section_id,
        fields=fields,
        warnings=(*rules.warnings(request), *ignored),
    )
    digest = hashlib.sha256(msgspec.json.encode(asdict(fields))).hexdigest()
    lane = lane_of_alike(section_id, fields.title or "")
    delivery = replace(
        delivery,
        lms_section_id=target.section.lms_id,
        digest=digest,
        lane=lane,
        unacknowledged=not caller.background,
    )
    return await execute.execute_create(gateway, caller, delivery, target, fingerprint)


async def read(
    gateway: Gateway, district_id: str, section_id: str, assignment_id: str
) -> Answer[responses.Assignment]:
    """Read an assignment from the LMS, as it is there now. Raises `Refusal`: rows 8 and 13, the LMS."""
    doing = "reading assignment"
    section, record, held = await look_up_to_read(
        gateway,
        doing,
        lambda conn: lookup.assignment_and_content(gateway, conn, district_id, section_id, assignment_id),
    )
    if held is None:
        async with lms_errors_as_refusals(gateway, district_id, doing, section, record.id):
            held = await section.connector.read_assignment(section.lms_id, record.lms_id)
    [shown] = await _present(gateway, district_id, {record.id: held}, gateway.clock())
    return Answer(shown)


async def update(
    gateway: Gateway, caller: Caller, section_id: str, assignment_id: str, request: AssignmentRequest
) -> Answer[Raw] | Accepted:
    """Change the given fields in the LMS. Raises `Refusal`: rows 8, 10 and 13, the LMS."""
    now = gateway.clock()
    fields = rules.changed_assignment(request, now)
    target = await look_up_to_change(
        gateway,
        caller,
        lambda conn, behind: find_target(
            gateway, conn, caller.district_id, section_id, assignment_id, fields, behind=behind
        ),
    )
    delivery = execute.new_delivery(
        caller,
        "update_assignment",
        now,
        section_id=section_id,
        assignment_id=assignment_id.lower(),
        fields=fields,
        warnings=rules.warnings(request),
    )
    return await execute.execute(gateway, caller, delivery, target)


async def delete(gateway: Gateway, caller: Caller, section_id: str, assignment_id: str) -> None:
    """Delete an assignment in the LMS, or cancel its create if that waits. Raises `Refusal`: rows 8 and 13, the LMS."""
    nothing = AssignmentFields()
    target = await look_up_to_change(
        gateway,
        caller,
        lambda conn, behind: find_target(
            gateway, conn, caller.district_id, section_id, assignment_id, nothing, behind=behind
        ),
    )
    if target.record is None:
        now = gateway.clock()
        if not await gateway.database.write(lambda conn: ledger.withdraw(conn, assignment_id.lower(), now)):
            raise errors.lms_failed(DOING["delete_assignment"], _ASK_AGAIN_SECONDS)
        return
    delivery = execute.new_delivery(
        caller,
        "delete_assignment",
        gateway.clock(),
        section_id=section_id,
        assignment_id=assignment_id.lower(),
    )
    await execute.execute(gateway, caller, delivery, target)


async def page(
    gateway: Gateway, district_id: str, section_id: str, *, limit: int, after_cursor: str | None
) -> Page[responses.Assignment]:
    """A page of the section's assignments, oldest first; those that the LMS no longer has are left out.

    Raises `Refusal`: unknown section, bad cursor, the LMS.
    """
    now = gateway.clock()
    place = Place(gateway, f"{district_id}/{section_id}/assignments", now)

    def look_up(conn: Connection) -> tuple[SectionAtLms, list[AssignmentRecord]]:
        section = lookup.section(gateway, conn, district_id, section_id)
        after = place.opened(after_cursor)
        return section, assignments.page(conn, section_id, after=after, limit=limit + 1)

    section, records = await gateway.database.read(look_up)
    shown = records[:limit]
    asked = section if shown else replace(section, in_error=False)  # of none, the LMS need not be asked
    async with lms_errors_as_refusals(gateway, district_id, "reading assignments", asked):
        held = await section.connector.read_assignments(section.lms_id, [record.lms_id for record in shown])
    known = {record.id: held[record.lms_id] for record in shown if record.lms_id in held}
    if missing := [record.id for record in shown if record.id not in known]:
        await looks.notice_missing(gateway, district_id, section.id, missing)
    items = await _present(gateway, district_id, known, now)
    return Page(items, place.sealed(shown[-1].id if len(records) > limit else None))


async def _present(
    gateway: Gateway, district_id: str, held: Mapping[str, Assignment], now: Instant
) -> list[responses.Assignment]:
    """The published form of assignments, by our ids, with their assignees looked up together."""
    assignees = {lms_id for assignment in held.values() for lms_id in assignment.assignee_ids}
    user_ids = {}
    if assignees:
        user_ids = await gateway.database.read(lambda conn: roster.ids_of(conn, district_id, assignees))
    return [present.assignment(assignment, id_, user_ids, now) for id_, assignment in held.items()]
