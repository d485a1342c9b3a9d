"""Look-ups that every use case about a section shares: the eighth step of the contract's order of checks."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.delivery import webhook_notify
from passback.lms.interface import Gone, LmsError, NotAllowed, Refused, Unavailable, Unsupported
from passback.store import assignments, roster
from passback.wire import errors

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.domain.roster import Role
    from passback.lms.interface import Connector
    from passback.store.assignments import AssignmentRecord
    from passback.store.engine.database import Connection
    from passback.store.roster import SectionInLms

log = logging.getLogger(__name__)

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


class SectionAtLms(Struct, frozen=True):
    """A section of the caller's district, and the connector that reaches it."""

    id: str
    lms_id: str
    connector: Connector


class NotReached(errors.Refusal):
    """The section's LMS cannot be asked, because something is not set up: a person can mend that."""

    def __init__(self, cause: str) -> None:
        super().__init__(404, "Resource not found")
        self.cause = cause


def section(gateway: Gateway, conn: Connection, district_id: str, section_id: str) -> SectionAtLms:
    """The section, if it is the district's.

    Raises `Refusal`: 404 where it is not, is not matched to one in the LMS, or the LMS has no connector.
    """
    return _at_lms(gateway, conn, district_id, roster.section_in_lms(conn, district_id, section_id))


def assignment(
    gateway: Gateway, conn: Connection, district_id: str, section_id: str, assignment_id: str
) -> tuple[SectionAtLms, AssignmentRecord]:
    """The section as `section` finds it, and the assignment, if it is the section's.

    Raises `Refusal`: as `section`, and then rows 8 and 13.
    """
    valid = _UUID.fullmatch(assignment_id) is not None
    wanted = assignment_id.lower() if valid else ""
    found, record = assignments.find_in_section(conn, district_id, section_id, wanted)
    at_lms = _at_lms(gateway, conn, district_id, found)
    if not valid:
        raise errors.invalid_assignment_id()
    if record is None:
        raise errors.assignment_gone()
    return at_lms, record


def _at_lms(gateway: Gateway, conn: Connection, district_id: str, found: SectionInLms | None) -> SectionAtLms:
    if found is None:
        raise errors.resource_not_found()
    if found.lms_id is None:
        log.warning("section %s is not matched to one of the district's LMS (%s)", found.id, found.lms_type)
        raise NotReached("the section is not matched to one of the LMS")
    connector = gateway.connectors.find(conn, district_id, found.lms_type)
    if connector is None:
        log.warning("district %s is not connected to its LMS (%s)", district_id, found.lms_type)
        raise NotReached("the district is not connected to its LMS")
    return SectionAtLms(found.id, found.lms_id, connector)


def student(conn: Connection, section_id: str, user_id: str) -> str:
    """The LMS's id of a student of the section. Raises `Refusal`: row 14."""
    found = _member(conn, section_id, "student", user_id)
    if found is None:
        raise errors.user_not_found()
    return found


def grader(conn: Connection, section_id: str, grader_id: str) -> str | None:
    """The LMS's id of a teacher of the section; None where there is no such teacher."""
    return _member(conn, section_id, "teacher", grader_id.lower())


def known_grader(conn: Connection, section_id: str, grader_id: str | None) -> None:
    """Raise `Refusal` (row 9) where a grader is named who is no teacher of the section."""
    if grader_id is not None and grader(conn, section_id, grader_id) is None:
        raise errors.grader_not_found(grader_id)


def assignees(conn: Connection, section_id: str, user_ids: tuple[str, ...] | None) -> tuple[str, ...]:
    """The LMS's ids of the students that an assignment is for.

    Raises `Refusal` where there is none, or naming the first who is no student of the section.
    """
    if not user_ids:
        raise errors.bad_request("INVALID_ASSIGNEES: assignee_ids must name at least one student")
    lms_ids = []
    for user_id in user_ids:
        lms_id = _member(conn, section_id, "student", user_id.lower())
        if lms_id is None:
            raise errors.bad_request(f"INVALID_ASSIGNEES: {user_id} is not a student of this section")
        lms_ids.append(lms_id)
    return tuple(dict.fromkeys(lms_ids))


def _member(conn: Connection, section_id: str, role: Role, user_id: str) -> str | None:
    found = roster.matched_member(conn, section_id, role, user_id)
    if found is not None:
        return found.lms_id
    if roster.is_enrolled(conn, section_id, role, user_id):
        log.warning("user %s is not matched to a person of the district's LMS", user_id)
    return None


class lms_errors_as_refusals:  # noqa: N801 - reads as a statement: async with answers_of_the_lms(...)
    """Turns what an LMS says is wrong, inside the ``with``, into the answer the contract has for it: `refusal`.

    What it says of the connection, and of the assignment `about` (section and assignment), is heeded (`heed`).
    """

    __slots__ = ("_about", "_district_id", "_doing", "_gateway")

    def __init__(
        self, gateway: Gateway, district_id: str, doing: str, about: tuple[str, str] | None = None
    ) -> None:
        self._gateway = gateway
        self._district_id = district_id
        self._doing = doing
        self._about = about

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, LmsError):
            await report_lms_error(self._gateway, self._district_id, error, self._about)
            raise refusal(error, self._doing) from error


async def report_lms_error(
    gateway: Gateway, district_id: str, error: LmsError, about: tuple[str, str] | None = None
) -> None:
    """Heed what an LMS says beyond the request: that our credentials are no good, that an assignment is gone.

    The district's connection is marked (``lms_state``), and the applications are told by their webhooks.
    """
    pretended = gateway.connectors.pretending
    now = gateway.clock()
    if isinstance(error, NotAllowed) and error.credentials:
        await gateway.database.write(
            lambda conn: webhook_notify.connection_broken(conn, district_id, now, pretended=pretended)
        )
    elif isinstance(error, Gone) and error.thing == "assignment" and about is not None:
        await gateway.database.write(
            lambda conn: webhook_notify.assignment_gone(conn, district_id, *about, now, pretended=pretended)
        )


def refusal(error: LmsError, doing: str, *, grader_id: str | None = None) -> errors.Refusal:
    """The answer that the contract has for what an LMS said (contract: When the LMS fails).

    `doing` is what was tried, as in ``creating assignment``; `grader_id` is the client's, for row 9. The cause
    goes to the log and never to the client.
    """
    match error:
        case Gone():
            return _refusal_for(error, doing, grader_id)
        case Refused() | Unsupported():
            return errors.bad_request(str(error))
        case Unavailable():
            log.warning("error %s: %s", doing, error)
            return errors.lms_failed(doing, error.retry_after)
        case _:
            log.error("error %s", doing, exc_info=error)
            return errors.lms_failed(doing)


def _refusal_for(error: Gone, doing: str, grader_id: str | None) -> errors.Refusal:
    match error.thing:
        case "section":
            return errors.resource_not_found()
        case "student":
            return errors.user_not_found()
        case "grader":
            return errors.grader_not_found(grader_id or "")
        case "assignment":
            # A section that is gone while its assignment is created has no row of its own.
            return errors.resource_not_found() if doing == "creating assignment" else errors.assignment_gone()
