"""Look-ups that every use case about a section shares: the eighth step of the contract's order of checks."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.clock import SECOND
from passback.domain.delivery import OPEN
from passback.store import assignments, deliveries, destinations, enrollments, gradebook, roster
from passback.store.enrollments import Matched
from passback.wire import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passback.context import Gateway
    from passback.domain.assignment import Assignment
    from passback.domain.roster import Role
    from passback.lms.interface import Connector
    from passback.store.assignments import AssignmentRecord, Members
    from passback.store.engine.database import Connection
    from passback.store.roster import SectionInLms

log = logging.getLogger(__name__)

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


class SectionAtLms(Struct, frozen=True):
    """A section of the caller's district, and the connector that reaches it."""

    id: str
    lms_id: str
    connector: Connector
    in_error: bool = False
    """Whether the connection was marked as broken when the section was looked up."""


class NotMadeYet(Exception):
    """The assignment was accepted, and its create has not ended."""

    def __init__(self, *, soon: bool, retry_after: int) -> None:
        """`soon` if the create is being tried, or is about to be; else it is tried after `retry_after` seconds."""
        super().__init__("its assignment is still to be made")
        self.soon = soon
        self.retry_after = retry_after


class NotReached(errors.Refusal):
    """The section's LMS cannot be asked because something is not set up; a person can fix that."""

    def __init__(self, cause: str) -> None:
        super().__init__(404, "Resource not found")
        self.cause = cause


class NotMatched(errors.Refusal):
    """Who or what is meant is known, but not which one in the LMS that is: a person can match it.

    A client that waits gets the refusal; what was accepted waits for the match.
    """

    def __init__(self, refusal: errors.Refusal, what: str) -> None:
        super().__init__(refusal.status, refusal.message)
        self.cause = f"{what} is not matched to one of the LMS"


def section(gateway: Gateway, conn: Connection, district_id: str, section_id: str) -> SectionAtLms:
    """The section, if it is the district's.

    Raises `Refusal`: 404 if it is not, if it is not matched to one in the LMS, or if the LMS has no connector.
    """
    return _at_lms(gateway, conn, district_id, roster.section_in_lms(conn, district_id, section_id))


def section_and_record(
    gateway: Gateway, conn: Connection, district_id: str, section_id: str, assignment_id: str
) -> tuple[SectionAtLms, AssignmentRecord | None]:
    """The section as `section` finds it, and our record of its assignment, if there is one. Raises as `section`."""
    found, record = assignments.find_in_section(conn, district_id, section_id, _known_id(assignment_id))
    return _at_lms(gateway, conn, district_id, found), record


def required(
    gateway: Gateway,
    conn: Connection,
    section_id: str,
    record: AssignmentRecord | None,
    assignment_id: str,
) -> AssignmentRecord:
    """The record that was found for an assignment's id. Raises `Refusal` (rows 8 and 13) and `NotMadeYet`."""
    if not _is_id(assignment_id):
        raise errors.invalid_assignment_id()
    if record is None:
        record = _made_meanwhile(gateway, conn, section_id, assignment_id.lower())
    if record is None:
        raise errors.assignment_gone()
    return record


def required_or_awaited(
    gateway: Gateway,
    conn: Connection,
    section_id: str,
    record: AssignmentRecord | None,
    assignment_id: str,
    *,
    behind: bool,
) -> AssignmentRecord | None:
    """`required`; but None for one that is still to be made, if the change may wait `behind` its create."""
    try:
        return required(gateway, conn, section_id, record, assignment_id)
    except NotMadeYet:
        if behind:
            return None
        raise


def _made_meanwhile(
    gateway: Gateway, conn: Connection, section_id: str, assignment_id: str
) -> AssignmentRecord | None:
    """The record of an assignment that was made since it was looked for: each statement may see a newer state.

    Raises `NotMadeYet` if it is still to be made.
    """
    create = deliveries.find(conn, assignment_id)
    if create is None or create.operation != "create_assignment" or create.section_id != section_id:
        return None
    if create.state == "delivered":
        return assignments.find_in_section(conn, create.district_id, section_id, assignment_id)[1]
    if create.state not in OPEN:
        return None
    now = gateway.clock()
    destination = destinations.find(conn, create.destination)
    begins = max(create.due or 0, 0 if destination is None else destination.backing_off_until)
    soon = create.state == "delivering" or begins <= now
    raise NotMadeYet(soon=soon, retry_after=max(1, -(-(begins - now) // SECOND)))


def assignment_and_members(
    gateway: Gateway,
    conn: Connection,
    district_id: str,
    section_id: str,
    assignment_id: str,
    user_ids: Iterable[str | None],
) -> tuple[SectionAtLms, AssignmentRecord, Members]:
    """The section, its assignment, and those of some users who are its members.

    Raises `Refusal`: as `section`, and then rows 8 and 13; and `NotMadeYet`.
    """
    at_lms, record, members = _with_members(gateway, conn, district_id, section_id, assignment_id, user_ids)
    return at_lms, required(gateway, conn, at_lms.id, record, assignment_id), members


def assignment_and_content(
    gateway: Gateway, conn: Connection, district_id: str, section_id: str, assignment_id: str
) -> tuple[SectionAtLms, AssignmentRecord, Assignment | None]:
    """The section, its assignment, and what that is, if the gateway's own database tells without asking an LMS.

    Raises as `assignment_and_members`.
    """
    found, held = gradebook.find_in_section(conn, district_id, section_id, _known_id(assignment_id))
    at_lms = _at_lms(gateway, conn, district_id, found[0])
    record = required(gateway, conn, at_lms.id, found[1], assignment_id)
    return at_lms, record, None if gateway.connectors.pretending else held


def awaited_and_members(
    gateway: Gateway,
    conn: Connection,
    district_id: str,
    section_id: str,
    assignment_id: str,
    user_ids: Iterable[str | None],
    *,
    behind: bool,
) -> tuple[SectionAtLms, AssignmentRecord | None, Members]:
    """As `assignment_and_members`, but the assignment as `required_or_awaited` finds it."""
    at_lms, record, members = _with_members(gateway, conn, district_id, section_id, assignment_id, user_ids)
    record = required_or_awaited(gateway, conn, at_lms.id, record, assignment_id, behind=behind)
    return at_lms, record, members


def _with_members(
    gateway: Gateway,
    conn: Connection,
    district_id: str,
    section_id: str,
    assignment_id: str,
    user_ids: Iterable[str | None],
) -> tuple[SectionAtLms, AssignmentRecord | None, Members]:
    among = {it.lower() for it in user_ids if it is not None}
    if not among:
        return *section_and_record(gateway, conn, district_id, section_id, assignment_id), {}
    known_id = _known_id(assignment_id)
    found, members = assignments.find_with_members(conn, district_id, section_id, known_id, among)
    return _at_lms(gateway, conn, district_id, found[0]), found[1], members


def _known_id(assignment_id: str) -> str:
    return assignment_id.lower() if _is_id(assignment_id) else ""


def _is_id(assignment_id: str) -> bool:
    return _UUID.fullmatch(assignment_id) is not None


def _at_lms(gateway: Gateway, conn: Connection, district_id: str, found: SectionInLms | None) -> SectionAtLms:
    if found is None:
        raise errors.resource_not_found()
    if found.lms_id is None:
        log.warning("section %s is not matched to one of the district's LMS (%s)", found.id, found.lms_type)
        raise NotMatched(errors.resource_not_found(), "the section")
    connector = gateway.connectors.find(conn, district_id, found.lms_type)
    if connector is None:
        log.warning("district %s is not connected to its LMS (%s)", district_id, found.lms_type)
        raise NotReached("the district is not connected to its LMS")
    return SectionAtLms(found.id, found.lms_id, connector, bool(found.in_error))


def student(found: Members, user_id: str) -> str:
    """The LMS's id of a student of the section. Raises `Refusal`: row 14."""
    lms_id = _matched(found, "student", user_id)
    if lms_id is None:
        raise _not_found(found, "student", user_id, errors.user_not_found())
    return lms_id


def grader(found: Members, grader_id: str | None) -> Matched | None:
    """The teacher of the section whose id is given; None if no id is given or no such teacher exists."""
    if grader_id is None:
        return None
    lms_id = _matched(found, "teacher", grader_id.lower())
    return None if lms_id is None else Matched(grader_id.lower(), lms_id)


def require_grader_matched(found: Members, grader_id: str | None) -> None:
    """Raise `NotMatched` (row 9) if the teacher of the section whose id is given is not matched."""
    if grader_id is None:
        return
    who: tuple[Role, str] = ("teacher", grader_id.lower())
    if who in found and found[who] is None:
        raise NotMatched(errors.grader_not_found(grader_id), "the grader")


def assignees(conn: Connection, section_id: str, user_ids: tuple[str, ...] | None) -> tuple[str, ...]:
    """The LMS's ids of the students that an assignment is for.

    Raises `Refusal` if there are none, or naming the first one who is not a student of the section.
    """
    if not user_ids:
        raise errors.bad_request("INVALID_ASSIGNEES: assignee_ids must name at least one student")
    found = enrollments.members_among(conn, section_id, {it.lower() for it in user_ids})
    lms_ids = []
    for user_id in user_ids:
        lms_id = _matched(found, "student", user_id.lower())
        if lms_id is None:
            refusal = errors.bad_request(f"INVALID_ASSIGNEES: {user_id} is not a student of this section")
            raise _not_found(found, "student", user_id.lower(), refusal)
        lms_ids.append(lms_id)
    return tuple(dict.fromkeys(lms_ids))


def _matched(found: Members, role: Role, user_id: str) -> str | None:
    lms_id = found.get((role, user_id))
    if lms_id is None and (role, user_id) in found:
        log.warning("user %s is not matched to a person of the district's LMS", user_id)
    return lms_id


def _not_found(found: Members, role: Role, user_id: str, refusal: errors.Refusal) -> errors.Refusal:
    """Why a member is not found: `refusal`, which `NotMatched` repeats for one who is only not matched."""
    return NotMatched(refusal, f"the {role}") if (role, user_id) in found else refusal
