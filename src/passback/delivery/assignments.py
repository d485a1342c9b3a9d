"""Delivering new, changed and deleted assignments to the LMS."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from passback.delivery import after_restore, lookup, present
from passback.delivery.submissions import CLOCKS_DIFFER_BY
from passback.domain.assignment import AssignmentFields, misordered_dates
from passback.domain.delivery import Delivered
from passback.lms.http.gate import Resting
from passback.lms.interface import Gone, LmsError, LostCreate, NotAllowed, Unavailable, still_in_doubt
from passback.store import assignments, delivery_lanes, restored, roster
from passback.wire import errors
from passback.wire.encode import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.context import Gateway
    from passback.delivery.lookup import SectionAtLms
    from passback.domain.assignment import Assignment
    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery
    from passback.store.assignments import AssignmentRecord
    from passback.store.engine.database import Connection

log = logging.getLogger(__name__)


class NotMade(Exception):
    """A create that a crash left in doubt is not in the LMS, or not yet; its client was told nothing, and may retry."""


class MadeElsewhere(Exception):
    """A create in doubt is in an LMS's section to which its section is no longer matched; a person can mend that."""

    def __init__(self, lms_section_id: str) -> None:
        super().__init__(
            f"it was made in the LMS's section {lms_section_id}, to which its section is no longer matched:"
            " delete it there, or match the section as it was"
        )


class AssignmentTarget(Struct, frozen=True):
    """What a change of an assignment is about, looked up once."""

    section: SectionAtLms
    record: AssignmentRecord | None
    """Our record of it; None for a new one, and while it is still to be made."""
    asked: AssignmentFields
    """With our ids of the assignees."""
    fields: AssignmentFields
    """With the LMS's."""

    @property
    def lms_id(self) -> str:
        """The LMS's id of an assignment that exists."""
        assert self.record is not None
        return self.record.lms_id


def find_target(
    gateway: Gateway,
    conn: Connection,
    district_id: str,
    section_id: str,
    assignment_id: str | None,
    asked: AssignmentFields,
    *,
    behind: bool = False,
) -> AssignmentTarget:
    """Look up what a change is about; the assignment has no id yet if it is new.

    Raises `Refusal`: 404 for the section, the assignees, then rows 8 and 13; and `NotMadeYet`, unless the change may
    wait `behind` the create. Assignees are a rule on values, so they are judged before the assignment's id (order of
    checks).
    """
    record = None
    if assignment_id is None:
        section = lookup.section(gateway, conn, district_id, section_id)
    else:
        section, record = lookup.section_and_record(gateway, conn, district_id, section_id, assignment_id)
    fields = asked
    if asked.assignee_mode == "individuals" and (assignment_id is None or asked.assignee_ids is not None):
        fields = replace(asked, assignee_ids=lookup.assignees(conn, section_id, asked.assignee_ids))
    if assignment_id is not None:
        record = lookup.required_or_awaited(gateway, conn, section.id, record, assignment_id, behind=behind)
    return AssignmentTarget(section, record, asked, fields)


def target_of(gateway: Gateway, conn: Connection, delivery: Delivery) -> AssignmentTarget:
    """`find_target` for a delivery that comes from the ledger."""
    assert delivery.section_id is not None
    return find_target(
        gateway,
        conn,
        delivery.district_id,
        delivery.section_id,
        None if delivery.operation == "create_assignment" else delivery.assignment_id,
        delivery.fields(AssignmentFields),
    )


async def create(gateway: Gateway, delivery: Delivery, target: AssignmentTarget) -> Delivered:
    """Create an assignment, once: if an earlier try may have made it, that is searched for first.

    Raises `Refusal`, `LmsError`, `NotMade` and `MadeElsewhere`.
    """
    since = await _may_exist_since(gateway, delivery)
    held = None if since is None else await _search(gateway, delivery, target, since)
    if held is None:
        if since is not None:
            await _require_not_made_elsewhere(gateway, delivery, target, since)
        require_not_lost(delivery)
        held = await _attempt(gateway, delivery, target)
    return await _delivered(gateway, delivery, target, held)


def require_not_lost(delivery: Delivery) -> None:
    """Raise `NotMade` for a create in doubt that was not found and that no client waits for."""
    if delivery.unacknowledged and delivery.background:
        raise NotMade("a crash left it in doubt, and it is not to be seen in the LMS")


async def change(gateway: Gateway, delivery: Delivery, target: AssignmentTarget) -> Delivered:
    """Change the given fields of an assignment. Raises `Refusal` and `LmsError`."""
    section, lms_id = target.section, target.lms_id
    held = await section.connector.read_assignment(section.lms_id, lms_id)
    fields = fitting(held, target.fields)
    await after_restore.require_not_newer(gateway, delivery, held, fields)
    if lacks_assignees(held, fields):
        ids = await gateway.database.read(
            lambda conn: lookup.assignees(conn, section.id, target.fields.assignee_ids)
        )
        fields = replace(fields, assignee_ids=ids)
    held = await section.connector.update_assignment(section.lms_id, lms_id, fields)
    return await _delivered(gateway, delivery, target, held)


async def remove(gateway: Gateway, delivery: Delivery, target: AssignmentTarget) -> Delivered:  # noqa: ARG001 - as `create`
    """Delete an assignment. Raises `LmsError`."""
    try:
        await target.section.connector.delete_assignment(target.section.lms_id, target.lms_id)
    except Gone as gone:
        if gone.thing != "assignment" or not delivery.doubt:
            raise  # an earlier try did not do it
    except (NotAllowed, Resting):
        raise  # it was not tried
    except Unavailable as error:
        # The request may be repeated, so its connector has no doubt; but whether the assignment is there is unknown.
        raise still_in_doubt(error, str(error)) from error
    return Delivered()


async def _attempt(gateway: Gateway, delivery: Delivery, target: AssignmentTarget) -> Assignment:
    """Create it, and search for it if the answer is lost. Raises `LmsError`."""
    assert delivery.assignment_id is not None
    section = target.section
    try:
        return await section.connector.create_assignment(
            section.lms_id, target.fields, delivery.assignment_id
        )
    except Unavailable as error:
        if not error.in_doubt:
            raise
        log.warning("it is in doubt whether an assignment was created: %s", error)
        try:
            held = await _search(gateway, delivery, target, delivery.created)
        except NotAllowed as refused:
            raise NotAllowed(str(refused), credentials=refused.credentials, in_doubt=True) from error
        except LmsError as still:
            log.warning("it cannot be found out now: %s", still)
            held = None
        if held is None:
            raise
        return held


async def _may_exist_since(gateway: Gateway, delivery: Delivery) -> Instant | None:
    """Since when the assignment to be created may exist in the LMS; None if it surely does not."""
    since = delivery.created if delivery.doubt else None
    now = gateway.clock()
    restore = await gateway.database.read(lambda conn: restored.find(conn, now))
    if restore is None:
        return since
    # It may have been created after the backup, and the record of it is lost.
    return min(restore.backed_up - CLOCKS_DIFFER_BY, delivery.created)


async def _require_not_made_elsewhere(
    gateway: Gateway, delivery: Delivery, target: AssignmentTarget, since: Instant
) -> None:
    before = delivery.lms_section_id
    if before is None or before == target.section.lms_id:
        return
    elsewhere = replace(target, section=replace(target.section, lms_id=before))
    with contextlib.suppress(Gone):
        if await _search(gateway, delivery, elsewhere, since) is not None:
            raise MadeElsewhere(before)


async def _search(
    gateway: Gateway, delivery: Delivery, target: AssignmentTarget, since: Instant
) -> Assignment | None:
    section = target.section
    lost = await gateway.database.read(lambda conn: _lost(conn, delivery, since))
    return await section.connector.find_assignment(section.lms_id, target.fields, lost)


def _lost(conn: Connection, delivery: Delivery, since: Instant) -> LostCreate:
    assert delivery.section_id is not None
    assert delivery.assignment_id is not None
    wanted = _but_title(delivery)
    newer = [
        other
        for other in delivery_lanes.in_doubt(conn, delivery.lane)
        if (other.rank, other.id) > (delivery.rank, delivery.id) and _but_title(other) == wanted
    ]
    known = assignments.known_in_lms(conn, delivery.section_id)
    forgotten = since < delivery.created
    return LostCreate(delivery.assignment_id, since, known, len(newer), forgotten=forgotten)


def _but_title(delivery: Delivery) -> AssignmentFields:
    return replace(delivery.fields(AssignmentFields), title=None)


def fitting(held: Assignment, fields: AssignmentFields) -> AssignmentFields:
    """The fields of a change, if they fit the assignment that the LMS has. Raises `Refusal`."""
    check_date_order(
        fields.start_date if fields.start_date is not None else held.start_date,
        fields.display_date if fields.display_date is not None else held.display_date,
        fields.due_date if fields.due_date is not None else held.due_date,
        fields.end_date if fields.end_date is not None else held.end_date,
    )
    mode = fields.assignee_mode or held.assignee_mode
    return replace(fields, assignee_ids=None) if mode == "all" else fields


def lacks_assignees(held: Assignment, fields: AssignmentFields) -> bool:
    """Whether a fitting change needs assignees that are not looked up yet."""
    if (fields.assignee_mode or held.assignee_mode) == "all":
        return False
    if fields.assignee_mode is None and fields.assignee_ids is None:
        return False  # whoever has it keeps it
    unresolved = fields.assignee_mode is None and fields.assignee_ids is not None
    return unresolved or not (fields.assignee_ids or held.assignee_ids)


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
    gateway: Gateway, delivery: Delivery, target: AssignmentTarget, held: Assignment
) -> Delivered:
    user_ids: Mapping[str, str] = {}
    if held.assignee_ids:
        user_ids = await gateway.database.read(
            lambda conn: roster.ids_of(conn, delivery.district_id, held.assignee_ids)
        )
    return delivered(delivery, target, held, user_ids, gateway.clock())


def delivered(
    delivery: Delivery,
    target: AssignmentTarget,
    held: Assignment,
    user_ids: Mapping[str, str],
    now: Instant,
) -> Delivered:
    """The outcome of a change whose assignment the LMS now has so; `user_ids` gives our id for each assignee's."""
    assert delivery.assignment_id is not None
    shown = present.assignment(held, delivery.assignment_id, user_ids, now)
    warnings = (*delivery.warnings, *_warnings(target, held.assignee_mode), *held.warnings)
    return Delivered(encode(shown), warnings, held.lms_id, target.section.lms_id)


def _warnings(target: AssignmentTarget, mode: str) -> list[str]:
    asked, capabilities = target.asked, target.section.connector.capabilities
    codes = ["ASSIGNEES_IGNORED"] if asked.assignee_ids and mode == "all" else []
    not_stored = capabilities.not_stored_assignment | capabilities.ignored_assignment
    given = (name for name in sorted(not_stored) if getattr(asked, name, None) is not None)
    return [*codes, *(f"NOT_STORED_BY_LMS:{name}" for name in given)]
