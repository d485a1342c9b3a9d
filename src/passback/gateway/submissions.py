"""Reading and changing students' submissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from passback.gateway import lookup, present, rules
from passback.gateway.context import Answer
from passback.lms.connector import Gone, LmsError
from passback.store import roster
from passback.wire import cursor, errors, responses
from passback.wire.params import check_user_id
from passback.wire.validate import validate_submission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.assignment import Assignment
    from passback.domain.submission import Submission, SubmissionFields
    from passback.gateway.context import Gateway
    from passback.gateway.lookup import SectionAtLms
    from passback.lms.connector import Capabilities
    from passback.store.assignments import AssignmentRecord
    from passback.store.database import Connection
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
    async with lookup.answers_of_the_lms(gateway, district_id, "reading submission"):
        held = await _assigned(section, record, student)
    return Answer(present.submission(held, record.id, user_id, await _grader_id(gateway, district_id, held)))


async def update(
    gateway: Gateway,
    district_id: str,
    section_id: str,
    assignment_id: str,
    user_id: str,
    request: SubmissionRequest,
) -> Answer[responses.Submission]:
    """Change the given fields of one student's submission. Raises `Refusal`: rows 8, 9, 13, 14, the LMS."""
    fields = rules.changed_submission(request)

    def look_up(conn: Connection) -> tuple[SectionAtLms, AssignmentRecord, str, str | None]:
        section, record = lookup.assignment(gateway, conn, district_id, section_id, assignment_id)
        student = lookup.student(conn, section_id, user_id)
        grader = None if request.grader_id is None else lookup.grader(conn, section_id, request.grader_id)
        return section, record, student, grader

    section, record, student, grader = await gateway.database.read(look_up)
    async with lookup.answers_of_the_lms(
        gateway, district_id, "updating submission", grader_id=request.grader_id
    ):
        if request.grader_id is not None and grader is None:
            # The assignment and the student come before the grader in the order of checks, and only the LMS
            # knows whether they are still there.
            await _assigned(section, record, student)
            raise errors.grader_not_found(request.grader_id)
        held = await section.connector.update_submission(
            section.lms_id, record.lms_id, student, replace(fields, grader_id=grader)
        )
    return Answer(
        present.submission(held, record.id, user_id, await _grader_id(gateway, district_id, held)),
        _warnings(request, section.connector.capabilities, held),
    )


async def update_many(
    gateway: Gateway, district_id: str, section_id: str, assignment_id: str, items: Sequence[SubmissionItem]
) -> Answer[list[responses.SubmissionOutcome]]:
    """Change many students' submissions, each judged as if sent alone; the outcomes are in the same order.

    Raises `Refusal` for what concerns all: rows 8 and 13, the section.
    """

    def look_up(conn: Connection) -> tuple[SectionAtLms, AssignmentRecord, list[_Change | errors.Refusal]]:
        section, record = lookup.assignment(gateway, conn, district_id, section_id, assignment_id)
        return section, record, [_change_of(conn, section_id, item) for item in items]

    section, record, judged = await gateway.database.read(look_up)
    async with lookup.answers_of_the_lms(gateway, district_id, "updating submissions"):
        outcomes = await _change_all(
            section, record, [one for one in judged if not isinstance(one, errors.Refusal)]
        )
    in_order = iter(outcomes)
    answers, warnings = [], dict[str, None]()
    for item, one in zip(items, judged, strict=True):
        outcome = one if isinstance(one, errors.Refusal) else next(in_order)
        if isinstance(outcome, errors.Refusal):
            answer = responses.SubmissionOutcome(
                user_id=item.user_id, status=outcome.status, message=outcome.message
            )
        else:
            grader_id = await _grader_id(gateway, district_id, outcome)
            data = present.submission(outcome, record.id, item.user_id.lower(), grader_id)
            answer = responses.SubmissionOutcome(user_id=item.user_id, status=200, data=data)
            assert item.request is not None
            warnings |= dict.fromkeys(_warnings(item.request, section.connector.capabilities, outcome))
        answers.append(answer)
    return Answer(answers, tuple(warnings))


class _Change(Struct, frozen=True):
    """One student's part of a change of many, as far as it can be judged without the LMS."""

    student: str
    fields: SubmissionFields
    grader_id: str | None
    """The grader that was asked for, as sent."""

    @property
    def sound(self) -> bool:
        """Whether the grader, where one was asked for, is a teacher of the section."""
        return self.grader_id is None or self.fields.grader_id is not None


def _change_of(conn: Connection, section_id: str, item: SubmissionItem) -> _Change | errors.Refusal:
    """One part, judged in the contract's order of checks."""
    if item.request is None:
        return item.refusal or errors.internal_error()
    try:
        check_user_id(item.user_id)
        validate_submission(item.request)
        fields = rules.changed_submission(item.request)
        student = lookup.student(conn, section_id, item.user_id.lower())
    except errors.Refusal as refusal:
        return refusal
    asked = item.request.grader_id
    grader = None if asked is None else lookup.grader(conn, section_id, asked)
    return _Change(student, replace(fields, grader_id=grader), asked)


async def _change_all(
    section: SectionAtLms, record: AssignmentRecord, changes: Sequence[_Change]
) -> list[Submission | errors.Refusal]:
    """What the LMS makes of `changes`, in order. Raises `LmsError` for what concerns all."""
    await section.connector.read_assignment(section.lms_id, record.lms_id)
    # For the others only the LMS knows whether the student, who comes before the grader, is assigned.
    unsound = [change.student for change in changes if not change.sound]
    assigned = await section.connector.read_submissions(section.lms_id, record.lms_id, unsound)
    said = iter(
        await section.connector.update_submissions(
            section.lms_id,
            record.lms_id,
            [(change.student, change.fields) for change in changes if change.sound],
        )
    )
    outcomes: list[Submission | errors.Refusal] = []
    for change in changes:
        if change.sound:
            outcome = next(said)
            if isinstance(outcome, LmsError):
                outcomes.append(lookup.refusal(outcome, "updating submission", grader_id=change.grader_id))
            else:
                outcomes.append(outcome)
        elif change.student in assigned:
            outcomes.append(errors.grader_not_found(change.grader_id or ""))
        else:
            outcomes.append(errors.user_not_found())
    return outcomes


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
    async with lookup.answers_of_the_lms(gateway, district_id, "reading submissions"):
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


async def _assigned(section: SectionAtLms, record: AssignmentRecord, student: str) -> Submission:
    """The student's submission as the LMS has it. Raises `Gone`."""
    found = await section.connector.read_submissions(section.lms_id, record.lms_id, [student])
    if student not in found:
        raise Gone("student")
    return found[student]


def _assigned_students(
    conn: Connection, section_id: str, assignment: Assignment, after: str, limit: int
) -> list[Matched]:
    """Up to `limit` students that the assignment is for, behind the user id `after`, in the order of ids."""
    if assignment.assignee_mode == "all":
        return roster.matched_members(conn, section_id, "student", after=after, limit=limit)
    assigned = set(assignment.assignee_ids)
    members = roster.matched_members(conn, section_id, "student", after=after)
    return [member for member in members if member.lms_id in assigned][:limit]


async def _grader_id(gateway: Gateway, district_id: str, held: Submission) -> str | None:
    """Our id of the teacher who graded a submission."""
    grader = held.grader_id
    if grader is None:
        return None
    return (await gateway.database.read(lambda conn: roster.ids_of(conn, district_id, [grader]))).get(grader)


def _warnings(request: SubmissionRequest, capabilities: Capabilities, held: Submission) -> tuple[str, ...]:
    codes = list(rules.warnings(request))
    codes += [
        f"NOT_STORED_BY_LMS:flags.{flag}"
        for flag in request.flags or ()
        if flag in capabilities.not_stored_flags and flag not in held.flags
    ]
    if request.grade and request.grade_points is not None and held.grade != request.grade:
        codes.append("GRADE_FROM_POINTS")
    return tuple(codes)
