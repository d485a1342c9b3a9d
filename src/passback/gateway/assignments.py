"""Creating, reading, changing, deleting and listing assignments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from passback.gateway import creation, lookup, present, rules
from passback.gateway.context import Answer
from passback.store import assignments, roster
from passback.wire import cursor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.assignment import Assignment, AssignmentFields
    from passback.gateway.context import Gateway
    from passback.gateway.lookup import SectionAtLms
    from passback.lms.connector import Capabilities
    from passback.store.assignments import AssignmentRecord
    from passback.store.database import Connection
    from passback.wire import responses
    from passback.wire.requests import AssignmentRequest


async def create(
    gateway: Gateway, district_id: str, section_id: str, request: AssignmentRequest
) -> Answer[responses.Assignment]:
    """Create an assignment in the section's LMS. Raises `Refusal`: rows 1 and 3, unknown section, the LMS."""
    now = gateway.clock()
    fields = rules.new_assignment(request, now)

    def look_up(conn: Connection) -> tuple[SectionAtLms, AssignmentFields]:
        section = lookup.section(gateway, conn, district_id, section_id)
        if fields.assignee_mode != "individuals":
            return section, replace(fields, assignee_ids=None)
        return section, replace(fields, assignee_ids=lookup.assignees(conn, section_id, fields.assignee_ids))

    section, fields = await gateway.database.read(look_up)
    async with lookup.answers_of_the_lms(gateway, district_id, "creating assignment"):
        assignment_id, held = await creation.create_once(gateway, section, fields, now)
    return Answer(
        await _present(gateway, district_id, assignment_id, held, now),
        _warnings(request, section.connector.capabilities, held.assignee_mode),
    )


async def read(
    gateway: Gateway, district_id: str, section_id: str, assignment_id: str
) -> Answer[responses.Assignment]:
    """Read an assignment from the LMS, as it is there now. Raises `Refusal`: rows 8 and 13, the LMS."""
    section, record = await _find(gateway, district_id, section_id, assignment_id)
    async with lookup.answers_of_the_lms(gateway, district_id, "reading assignment"):
        held = await section.connector.read_assignment(section.lms_id, record.lms_id)
    return Answer(await _present(gateway, district_id, record.id, held, gateway.clock()))


async def update(
    gateway: Gateway, district_id: str, section_id: str, assignment_id: str, request: AssignmentRequest
) -> Answer[responses.Assignment]:
    """Change the given fields in the LMS. Raises `Refusal`: rows 8, 10 and 13, the LMS."""
    now = gateway.clock()
    fields = rules.changed_assignment(request, now)

    def look_up(conn: Connection) -> tuple[SectionAtLms, AssignmentRecord, AssignmentFields]:
        resolved = fields
        # Assignees are a rule on values, so they are judged before the assignment's id (order of checks).
        if fields.assignee_mode == "individuals" and fields.assignee_ids is not None:
            lookup.section(gateway, conn, district_id, section_id)
            ids = lookup.assignees(conn, section_id, fields.assignee_ids)
            resolved = replace(fields, assignee_ids=ids)
        return *lookup.assignment(gateway, conn, district_id, section_id, assignment_id), resolved

    section, record, fields = await gateway.database.read(look_up)
    async with lookup.answers_of_the_lms(gateway, district_id, "updating assignment"):
        held = await section.connector.read_assignment(section.lms_id, record.lms_id)
    fields = await _fitting(gateway, section_id, held, fields)
    async with lookup.answers_of_the_lms(gateway, district_id, "updating assignment"):
        held = await section.connector.update_assignment(section.lms_id, record.lms_id, fields)
    return Answer(
        await _present(gateway, district_id, record.id, held, now),
        _warnings(request, section.connector.capabilities, held.assignee_mode),
    )


async def delete(gateway: Gateway, district_id: str, section_id: str, assignment_id: str) -> None:
    """Delete an assignment in the LMS. Raises `Refusal`: rows 8 and 13, the LMS."""
    section, record = await _find(gateway, district_id, section_id, assignment_id)
    async with lookup.answers_of_the_lms(gateway, district_id, "deleting assignment"):
        await section.connector.delete_assignment(section.lms_id, record.lms_id)
    await gateway.database.write(lambda conn: assignments.mark_deleted(conn, record.id, gateway.clock()))


class AssignmentPage(Struct, frozen=True):
    """A page of a section's assignments, and the cursor of the next one."""

    items: list[responses.Assignment]
    next_cursor: str | None


async def page(
    gateway: Gateway, district_id: str, section_id: str, *, limit: int, after_cursor: str | None
) -> AssignmentPage:
    """A page of the section's assignments, oldest first; those that the LMS no longer has are left out.

    Raises `Refusal`: unknown section, bad cursor, the LMS.
    """
    now = gateway.clock()
    list_name = f"{district_id}/{section_id}/assignments"

    def look_up(conn: Connection) -> tuple[SectionAtLms, list[AssignmentRecord]]:
        section = lookup.section(gateway, conn, district_id, section_id)
        after = cursor.open_sealed(gateway.cursor_key, list_name, after_cursor, now) if after_cursor else ""
        return section, assignments.page(conn, section_id, after=after, limit=limit + 1)

    section, records = await gateway.database.read(look_up)
    shown = records[:limit]
    async with lookup.answers_of_the_lms(gateway, district_id, "reading assignments"):
        held = await section.connector.read_assignments(section.lms_id, [record.lms_id for record in shown])
    items = [
        await _present(gateway, district_id, record.id, held[record.lms_id], now)
        for record in shown
        if record.lms_id in held
    ]
    more = len(records) > limit
    return AssignmentPage(
        items, cursor.seal(gateway.cursor_key, list_name, shown[-1].id, now) if more else None
    )


async def _find(
    gateway: Gateway, district_id: str, section_id: str, assignment_id: str
) -> tuple[SectionAtLms, AssignmentRecord]:
    return await gateway.database.read(
        lambda conn: lookup.assignment(gateway, conn, district_id, section_id, assignment_id)
    )


async def _fitting(
    gateway: Gateway, section_id: str, held: Assignment, fields: AssignmentFields
) -> AssignmentFields:
    """`fields` of a change, once they are known to fit what the assignment `held` keeps."""
    rules.check_date_order(
        fields.start_date if fields.start_date is not None else held.start_date,
        fields.display_date if fields.display_date is not None else held.display_date,
        fields.due_date if fields.due_date is not None else held.due_date,
        fields.end_date if fields.end_date is not None else held.end_date,
    )
    mode = fields.assignee_mode or held.assignee_mode
    if mode == "all":
        return replace(fields, assignee_ids=None)
    unresolved = fields.assignee_mode is None and fields.assignee_ids is not None
    if unresolved or not (fields.assignee_ids or held.assignee_ids):
        given = fields.assignee_ids
        ids = await gateway.database.read(lambda conn: lookup.assignees(conn, section_id, given))
        return replace(fields, assignee_ids=ids)
    return fields


async def _present(
    gateway: Gateway, district_id: str, assignment_id: str, held: Assignment, now: int
) -> responses.Assignment:
    user_ids: Mapping[str, str] = {}
    if held.assignee_ids:
        user_ids = await gateway.database.read(
            lambda conn: roster.ids_of(conn, district_id, held.assignee_ids)
        )
    return present.assignment(held, assignment_id, user_ids, now)


def _warnings(request: AssignmentRequest, capabilities: Capabilities, mode: str) -> tuple[str, ...]:
    codes = rules.warnings(request)
    if request.assignee_ids and mode == "all":
        codes = (*codes, "ASSIGNEES_IGNORED")
    not_stored = capabilities.not_stored_assignment | capabilities.ignored_assignment
    given = (name for name in sorted(not_stored) if getattr(request, name, None) is not None)
    return (*codes, *(f"NOT_STORED_BY_LMS:{name}" for name in given))
