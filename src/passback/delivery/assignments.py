"""Carrying new, changed and deleted assignments into the LMS."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from msgspec.structs import replace

from passback.delivery import lookup, present
from passback.domain.assignment import AssignmentFields, misordered_dates
from passback.domain.delivery import Delivered
from passback.lms.interface import Gone, LmsError, Unavailable
from passback.store import assignments
from passback.wire import errors
from passback.wire.encode import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.context import Gateway
    from passback.delivery.lookup import SectionAtLms
    from passback.domain.assignment import Assignment
    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery
    from passback.lms.interface import Capabilities
    from passback.store.assignments import AssignmentRecord
    from passback.store.engine.database import Connection

log = logging.getLogger(__name__)


class NotMade(Exception):
    """What a crash left in doubt is not in the LMS, or not yet; its client was told nothing, and may ask again."""


async def create(gateway: Gateway, delivery: Delivery) -> Delivered:
    """Create an assignment, once: what an earlier try may have made is looked for, by the mark that it was given.

    Raises `Refusal`, `LmsError` and `NotMade`.
    """
    fields = delivery.fields(AssignmentFields)

    def look_up(conn: Connection) -> tuple[SectionAtLms, AssignmentFields]:
        return _section_and_fields(gateway, conn, delivery, fields)

    section, resolved = await gateway.database.read(look_up)
    held = await _look(gateway, section, delivery, resolved) if delivery.doubt else None
    if held is None:
        if delivery.unacknowledged and delivery.background:
            raise NotMade("a crash left it in doubt, and it is not to be seen in the LMS")
        held = await _attempt(gateway, section, delivery, resolved)
    return await _delivered(gateway, section, delivery, fields, held)


async def change(gateway: Gateway, delivery: Delivery) -> Delivered:
    """Change the given fields of an assignment. Raises `Refusal` and `LmsError`."""
    fields = delivery.fields(AssignmentFields)

    def look_up(conn: Connection) -> tuple[SectionAtLms, AssignmentRecord, AssignmentFields]:
        section, resolved = _section_and_fields(gateway, conn, delivery, fields)
        _, record = _found(gateway, conn, delivery)
        return section, record, resolved

    section, record, resolved = await gateway.database.read(look_up)
    held = await section.connector.read_assignment(section.lms_id, record.lms_id)
    fitting = await _fitting(gateway, section.id, held, resolved)
    held = await section.connector.update_assignment(section.lms_id, record.lms_id, fitting)
    return await _delivered(gateway, section, delivery, fields, held)


async def remove(gateway: Gateway, delivery: Delivery) -> Delivered:
    """Delete an assignment. Raises `Refusal` and `LmsError`."""
    section, record = await gateway.database.read(lambda conn: _found(gateway, conn, delivery))
    try:
        await section.connector.delete_assignment(section.lms_id, record.lms_id)
    except Gone as gone:
        if gone.thing != "assignment" or not delivery.doubt:
            raise  # an earlier try did not do it
    return Delivered()


def _section_and_fields(
    gateway: Gateway, conn: Connection, delivery: Delivery, fields: AssignmentFields
) -> tuple[SectionAtLms, AssignmentFields]:
    """The section, and the fields with the LMS's ids of the assignees."""
    assert delivery.section_id is not None
    section = lookup.section(gateway, conn, delivery.district_id, delivery.section_id)
    if fields.assignee_mode != "individuals" or (
        fields.assignee_ids is None and delivery.operation == "update_assignment"
    ):
        return section, fields
    ids = lookup.assignees(conn, delivery.section_id, fields.assignee_ids)
    return section, replace(fields, assignee_ids=ids)


def _found(gateway: Gateway, conn: Connection, delivery: Delivery) -> tuple[SectionAtLms, AssignmentRecord]:
    assert delivery.section_id is not None
    assert delivery.assignment_id is not None
    return lookup.assignment(gateway, conn, delivery.district_id, delivery.section_id, delivery.assignment_id)


async def _attempt(
    gateway: Gateway, section: SectionAtLms, delivery: Delivery, fields: AssignmentFields
) -> Assignment:
    """Create it, and look for it where the answer is lost. Raises `LmsError`."""
    assert delivery.assignment_id is not None
    try:
        return await section.connector.create_assignment(section.lms_id, fields, delivery.assignment_id)
    except Unavailable as error:
        if not error.in_doubt:
            raise
        log.warning("it is in doubt whether an assignment was created: %s", error)
        try:
            held = await _look(gateway, section, delivery, fields)
        except LmsError as still:
            log.warning("it cannot be found out now: %s", still)
            held = None
        if held is None:
            raise
        return held


async def _look(
    gateway: Gateway, section: SectionAtLms, delivery: Delivery, fields: AssignmentFields
) -> Assignment | None:
    assert delivery.assignment_id is not None
    known = await gateway.database.read(lambda conn: assignments.lms_ids(conn, section.id))
    return await section.connector.find_assignment(
        section.lms_id, fields, delivery.assignment_id, delivery.created, known
    )


async def _fitting(
    gateway: Gateway, section_id: str, held: Assignment, fields: AssignmentFields
) -> AssignmentFields:
    """`fields` of a change, once they are known to fit what the assignment `held` keeps. Raises `Refusal`."""
    check_date_order(
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


def check_date_order(
    start_date: Instant | None,
    display_date: Instant | None,
    due_date: Instant | None,
    end_date: Instant | None,
) -> None:
    """Raise `Refusal` naming the first pair of dates that is out of order."""
    if pair := misordered_dates(start_date, display_date, due_date, end_date):
        raise errors.bad_request(f"{pair[0]} must not be after {pair[1]}")


async def _delivered(
    gateway: Gateway, section: SectionAtLms, delivery: Delivery, fields: AssignmentFields, held: Assignment
) -> Delivered:
    assert delivery.assignment_id is not None
    shown = await present.assignment_of(
        gateway, delivery.district_id, delivery.assignment_id, held, gateway.clock()
    )
    codes = _warnings(fields, section.connector.capabilities, held.assignee_mode)
    warnings = ", ".join([delivery.warnings, *codes] if delivery.warnings else codes)
    return Delivered(encode(shown).decode(), warnings, held.lms_id)


def _warnings(fields: AssignmentFields, capabilities: Capabilities, mode: str) -> Sequence[str]:
    codes = ["ASSIGNEES_IGNORED"] if fields.assignee_ids and mode == "all" else []
    not_stored = capabilities.not_stored_assignment | capabilities.ignored_assignment
    given = (name for name in sorted(not_stored) if getattr(fields, name, None) is not None)
    return [*codes, *(f"NOT_STORED_BY_LMS:{name}" for name in given)]
