"""Carrying grades, comments and work of students into the LMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from passback.delivery import lookup, present
from passback.domain.clock import MINUTE
from passback.domain.delivery import Delivered
from passback.domain.submission import SubmissionFields
from passback.lms.interface import Gone
from passback.store import deliveries, roster
from passback.wire import errors
from passback.wire.encode import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.context import Gateway
    from passback.delivery.lookup import SectionAtLms
    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery
    from passback.domain.submission import Submission
    from passback.lms.interface import Capabilities
    from passback.store.assignments import AssignmentRecord
    from passback.store.engine.database import Connection


CLOCKS_DIFFER_BY = 2 * MINUTE
"""By how much an LMS's clock may be behind ours."""


class _Change(Struct, frozen=True):
    """One student's part of what is delivered, as far as it can be judged without the LMS."""

    delivery: Delivery
    student: str
    fields: SubmissionFields
    """With the LMS's id of the grader."""
    asked: SubmissionFields
    """With our own."""

    @property
    def sound(self) -> bool:
        """Whether the grader, where one was asked for, is a teacher of the section."""
        return self.asked.grader_id is None or self.fields.grader_id is not None


async def deliver(gateway: Gateway, group: Sequence[Delivery], *, alone: bool) -> list[Delivered | Exception]:
    """Change submissions of one assignment, each judged as if it were alone. What came of each, in order.

    Raises `Refusal` and `LmsError` for what concerns all.
    """
    first = group[0]

    def look_up(conn: Connection) -> tuple[SectionAtLms, AssignmentRecord, list[_Change | errors.Refusal]]:
        assert first.section_id is not None
        assert first.assignment_id is not None
        section, record = lookup.assignment(
            gateway, conn, first.district_id, first.section_id, first.assignment_id
        )
        return section, record, [_change_of(conn, delivery) for delivery in group]

    section, record, judged = await gateway.database.read(look_up)
    changes = [one for one in judged if isinstance(one, _Change)]
    outcomes: Sequence[Submission | Exception]
    if alone:
        outcomes = [await _change(section, record, change) for change in changes]
    else:
        outcomes = await _change_all(section, record, changes)
    in_order = iter(zip(changes, outcomes, strict=True))
    came_of: list[Delivered | Exception] = []
    for one in judged:
        if isinstance(one, errors.Refusal):
            came_of.append(one)
            continue
        change, outcome = next(in_order)
        if isinstance(outcome, Exception):
            came_of.append(outcome)
        else:
            came_of.append(await _delivered(gateway, section, change, outcome))
    return came_of


async def assigned(section: SectionAtLms, record: AssignmentRecord, student: str) -> Submission:
    """The student's submission as the LMS has it. Raises `Gone`."""
    found = await section.connector.read_submissions(section.lms_id, record.lms_id, [student])
    if student not in found:
        raise Gone("student")
    return found[student]


def _change_of(conn: Connection, delivery: Delivery) -> _Change | errors.Refusal:
    assert delivery.section_id is not None
    assert delivery.user_id is not None
    asked = delivery.fields(SubmissionFields)
    try:
        student = lookup.student(conn, delivery.section_id, delivery.user_id)
    except errors.Refusal as refusal:
        return refusal
    if asked.grade_comment:
        asked = replace(asked, comment_since=_comment_since(conn, delivery, asked))
    grader = None if asked.grader_id is None else lookup.grader(conn, delivery.section_id, asked.grader_id)
    return _Change(delivery, student, replace(asked, grader_id=grader), asked)


def _comment_since(conn: Connection, delivery: Delivery, asked: SubmissionFields) -> Instant | None:
    """Since when the comment may be there because of an earlier try: this delivery's, or one of which a client was told
    that it failed.
    """
    tries = [delivery] if delivery.doubt else []
    tries += [
        earlier
        for earlier in deliveries.in_doubt(conn, delivery.lane)
        if earlier.fields(SubmissionFields).grade_comment == asked.grade_comment
    ]
    return min((earlier.created - CLOCKS_DIFFER_BY for earlier in tries), default=None)


async def _change(section: SectionAtLms, record: AssignmentRecord, change: _Change) -> Submission:
    """What the LMS makes of one change. Raises `Refusal` and `LmsError`."""
    if not change.sound:
        # The assignment and the student come before the grader in the order of checks, and only the LMS
        # knows whether they are still there.
        await assigned(section, record, change.student)
        raise errors.grader_not_found(change.asked.grader_id or "")
    return await section.connector.update_submission(
        section.lms_id, record.lms_id, change.student, change.fields
    )


async def _change_all(
    section: SectionAtLms, record: AssignmentRecord, changes: Sequence[_Change]
) -> Sequence[Submission | Exception]:
    """What the LMS makes of `changes`, in order. Raises `LmsError` for what concerns all."""
    await section.connector.read_assignment(section.lms_id, record.lms_id)
    # For the others only the LMS knows whether the student, who comes before the grader, is assigned.
    unsound = [change.student for change in changes if not change.sound]
    known = await section.connector.read_submissions(section.lms_id, record.lms_id, unsound)
    sound = [(change.student, change.fields) for change in changes if change.sound]
    said = iter(await section.connector.update_submissions(section.lms_id, record.lms_id, sound))
    outcomes: list[Submission | Exception] = []
    for change in changes:
        if change.sound:
            outcomes.append(next(said))
        elif change.student in known:
            outcomes.append(errors.grader_not_found(change.asked.grader_id or ""))
        else:
            outcomes.append(errors.user_not_found())
    return outcomes


async def _delivered(gateway: Gateway, section: SectionAtLms, change: _Change, held: Submission) -> Delivered:
    delivery = change.delivery
    assert delivery.assignment_id is not None
    assert delivery.user_id is not None
    grader_id = await grader_id_of(gateway, delivery.district_id, held)
    shown = present.submission(held, delivery.assignment_id, delivery.user_id, grader_id)
    codes = _warnings(change.asked, section.connector.capabilities, held)
    warnings = ", ".join([delivery.warnings, *codes] if delivery.warnings else codes)
    return Delivered(encode(shown).decode(), warnings)


async def grader_id_of(gateway: Gateway, district_id: str, held: Submission) -> str | None:
    """Our id of the teacher who graded a submission."""
    grader = held.grader_id
    if grader is None:
        return None
    return (await gateway.database.read(lambda conn: roster.ids_of(conn, district_id, [grader]))).get(grader)


def _warnings(asked: SubmissionFields, capabilities: Capabilities, held: Submission) -> list[str]:
    codes = [
        f"NOT_STORED_BY_LMS:flags.{flag}"
        for flag in sorted(asked.flags or ())
        if flag in capabilities.not_stored_flags and flag not in held.flags
    ]
    if asked.grade and asked.grade_points is not None and held.grade != asked.grade:
        codes.append("GRADE_FROM_POINTS")
    return codes
