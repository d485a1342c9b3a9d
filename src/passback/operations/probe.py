"""A probe of a connection: an assignment is created in a section, a student gets a grade there, and it is deleted.

It goes straight to the LMS, past the ledger: nothing of it is tried again, and no application hears of it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from uuid_utils import uuid7

from passback.domain.assignment import AssignmentFields
from passback.domain.clock import DAY
from passback.domain.submission import SubmissionFields
from passback.lms.interface import Finding, LmsError
from passback.operations import audit
from passback.operations.errors import NotFound, OperationError
from passback.rosters.failures import describe_error
from passback.rosters.read_lms import NotConnected, connector_of
from passback.store import enrollments, roster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.context import Gateway
    from passback.domain.roster import Section
    from passback.lms.interface import Connector
    from passback.store.engine.database import Connection

TITLE = "Passback probe"
_POINTS = Decimal(1)


async def sections(gateway: Gateway, district_id: str, limit: int) -> list[Section]:
    """Some sections of a district that are matched to one of the LMS, in which a probe can be made."""

    def read(conn: Connection) -> list[Section]:
        found = roster.page(conn, roster.SECTIONS, district_id, limit=limit).items
        return [it for it in found if it.lms_id is not None]

    return await gateway.database.read(read)


async def run(gateway: Gateway, district_id: str, section_id: str, *, actor: str = "") -> Sequence[Finding]:
    """Create, grade, read and delete in a section; returns what worked. Raises `OperationError` and `NotFound`."""

    def begin(conn: Connection) -> tuple[str, str]:
        section = roster.find(conn, roster.SECTIONS, district_id, section_id)
        if section is None:
            raise NotFound(f"there is no section {section_id}")
        if section.lms_id is None:
            raise OperationError(f"{section.name} is not matched to a section of the LMS")
        students = enrollments.matched_members(conn, section_id, "student", limit=1)
        if not students:
            raise OperationError(f"{section.name} has no student who is matched to one of the LMS")
        audit.record(conn, "connection.probed", district_id, district_id, section.name, actor=actor)
        return section.lms_id, students[0].lms_id

    try:
        connector = await connector_of(gateway, district_id)
    except NotConnected as error:
        raise OperationError(str(error)) from None
    section, student = await gateway.database.write(begin)
    fields = AssignmentFields(
        title=TITLE,
        description="A test of the connection to Passback. It is deleted again at once.",
        points_possible=_POINTS,
        due_date=gateway.clock() + DAY,
    )
    try:
        created = await connector.create_assignment(section, fields, str(uuid7()))
    except LmsError as error:
        return [Finding(good=False, what="an assignment cannot be created", remedy=describe_error(error))]
    findings = [Finding(good=True, what="an assignment was created")]
    try:
        findings += await _graded(connector, section, created.lms_id, student)
    finally:
        findings.append(await _deleted(connector, section, created.lms_id))
    return findings


async def _graded(connector: Connector, section: str, assignment: str, student: str) -> list[Finding]:
    try:
        await connector.update_submission(
            section, assignment, student, SubmissionFields(grade_points=_POINTS)
        )
        held = (await connector.read_submissions(section, assignment, [student])).get(student)
    except LmsError as error:
        return [Finding(good=False, what="a grade cannot be given", remedy=describe_error(error))]
    if held is None or held.grade_points != _POINTS:
        return [Finding(good=False, what="the grade that was given is not what the LMS shows")]
    return [Finding(good=True, what="a grade was given, and read back")]


async def _deleted(connector: Connector, section: str, assignment: str) -> Finding:
    try:
        await connector.delete_assignment(section, assignment)
    except LmsError as error:
        remedy = f"delete “{TITLE}” by hand: {describe_error(error)}"
        return Finding(good=False, what="the assignment cannot be deleted", remedy=remedy)
    return Finding(good=True, what="the assignment was deleted")
