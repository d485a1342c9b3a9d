"""Whom a Canvas assignment is for, and when: the overrides that say so.

Source: the recipes of Canvas's "Assignment Overrides". An assignment has dates of its own only if everyone in the
course has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from passback.lms.canvas.overrides import OWN_DUE_DATE, Override
from passback.lms.interface import RefusedByLms
from passback.lms.toolkit.json_fields import isoformat

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from passback.domain.assignment import AssignmentFields
    from passback.domain.clock import Instant
    from passback.lms.canvas.map_assignments import LmsAssignment

_Dates = Mapping[str, "Instant | None"]
"""Canvas's dates of an assignment or override, by name."""


class Audience(Struct, frozen=True):
    """Whom an assignment is for and its dates, as Canvas is sent them."""

    sent: dict[str, Any]
    """What is sent with the assignment; if it has overrides, they replace all that there are."""
    due_date: Instant | None
    """The assignment's due date, if nothing that is sent holds it."""
    override: Override | None = None
    """The one override to send by itself, so that the others stay as they are."""


def audience_of(
    fields: AssignmentFields, section: str, *, whole_course: bool, before: LmsAssignment | None
) -> Audience:
    """Return whom `fields` make an assignment for, and when; what they leave open stays as `before`.

    `whole_course` says that the section is the course's only one. Raises `RefusedByLms` if the teacher has assigned it
    in a way that we could not restore.
    """
    if before is not None and not all(override.understood for override in before.overrides):
        raise RefusedByLms(
            "INVALID_ASSIGNEES",
            "in Canvas it is assigned to groups, the course or mastery paths: change that there",
        )
    dates = _dates(fields, before)
    kept = [] if before is None else [it for it in before.overrides if it is not before.shared]
    individual = [it for it in kept if it.student_ids]
    others = [it for it in kept if not it.student_ids]
    if (fields.assignee_mode or _mode(before)) == "individuals":
        students = fields.assignee_ids or (before.assignees if before is not None else ())
        individual = [it for it in individual if set(it.student_ids) <= set(students)]
        shared = _for_students(students, individual, dates, before)
        return _by_overrides([*others, *individual], shared, dates, before)
    if whole_course:
        return _for_everyone([*others, *individual], dates, before)
    shared = _override(dates, id=_id_of_shared(before, section=section), section_id=section)
    return _by_overrides([*others, *individual], shared, dates, before)


def assigns_anew(fields: AssignmentFields, before: LmsAssignment) -> bool:
    """Whether `fields` name other assignees than those who have the assignment."""
    if fields.assignee_mode is not None and fields.assignee_mode != _mode(before):
        return True
    return fields.assignee_ids is not None and set(fields.assignee_ids) != set(before.assignees)


def with_dates(fields: AssignmentFields, before: LmsAssignment, *, whole_course: bool) -> Audience:
    """Return an assignment's dates as `fields` change them; whom it is for stays. Raises `RefusedByLms`."""
    dates = _dates(fields, before)
    if not before.by_overrides and whole_course and before.shared is None:
        given = {"due_at": fields.due_date, "unlock_at": fields.display_date, "lock_at": fields.end_date}
        return Audience({name: isoformat(it) for name, it in given.items() if it is not None}, None)
    if not before.by_overrides:
        # Other sections have it, too, and keep their dates.
        own = _override(dates, id=_id_of_shared(before, section=before.section), section_id=before.section)
        return Audience({}, None, own)
    if before.shared is not None:
        # Only these dates: who is assigned is not sent again, as Canvas may refuse those who have left since.
        return Audience({}, None, replace(before.shared, **dates))
    if before.all_understood:
        return audience_of(fields, before.section, whole_course=whole_course, before=before)
    raise RefusedByLms(
        "INVALID_DUE_DATE",
        "in Canvas its dates are those of groups, the course or mastery paths: change them there",
    )


def _mode(before: LmsAssignment | None) -> str:
    return "all" if before is None or before.for_all else "individuals"


def _dates(fields: AssignmentFields, before: LmsAssignment | None) -> _Dates:
    """Return the dates that `fields` give, or else those of `before`."""
    names = {"due_at": "due_date", "unlock_at": "display_date", "lock_at": "end_date"}
    given = {theirs: getattr(fields, ours) for theirs, ours in names.items()}
    return {
        theirs: getattr(before, ours) if given[theirs] is None and before is not None else given[theirs]
        for theirs, ours in names.items()
    }


def _for_students(
    students: Collection[str], individual: Sequence[Override], dates: _Dates, before: LmsAssignment | None
) -> Override | None:
    """Return the override for those of the students who have none of their own; None if there are none."""
    apart = {student for override in individual for student in override.student_ids}
    together = tuple(student for student in students if student not in apart)
    if not together:
        return None
    title = f"{len(together)} students"
    return _override(dates, id=_id_of_shared(before, section=None), title=title, student_ids=together)


def _override(
    dates: _Dates,
    *,
    id: str | None,  # noqa: A002 - as Canvas calls it
    title: str = "",
    student_ids: tuple[str, ...] = (),
    section_id: str | None = None,
) -> Override:
    return Override(id, title, student_ids, section_id, dates["due_at"], dates["unlock_at"], dates["lock_at"])


def _for_everyone(kept: Sequence[Override], dates: _Dates, before: LmsAssignment | None) -> Audience:
    """Return the audience of an assignment that everyone in the course has, with dates of its own."""
    sent: dict[str, Any] = {name: isoformat(value) for name, value in dates.items()}
    sent["only_visible_to_overrides"] = False
    if before is not None and (before.by_overrides or before.shared is not None):
        sent["assignment_overrides"] = [override.to_lms() for override in kept]
    return Audience(sent, None)


def _by_overrides(
    kept: Sequence[Override],
    shared: Override | None,
    dates: _Dates,
    before: LmsAssignment | None,
) -> Audience:
    """Return the audience of an assignment that has its dates only in overrides."""
    overrides = [*kept, shared] if shared is not None else kept
    # A due date of the assignment's own would give it to everyone.
    sent: dict[str, Any] = dict.fromkeys(dates) if before is not None else {}
    sent["only_visible_to_overrides"] = True
    sent["assignment_overrides"] = [override.to_lms() for override in overrides]
    return Audience(sent, None if shared is not None else dates["due_at"])


def with_own_due_date(
    item: LmsAssignment, student: str, due: Instant, without: Collection[str] = ()
) -> Audience:
    """Return the assignment's overrides after giving a student a due date of their own. Raises `RefusedByLms`.

    Students to leave `without` are no longer named.
    """
    earlier = next((it for it in item.overrides if it.own_due_date and it.student_ids == (student,)), None)
    own = Override(
        id=earlier.id if earlier else None,
        title=OWN_DUE_DATE,
        student_ids=(student,),
        section_id=None,
        due_at=due,
        unlock_at=item.display_date,
        # The work must not be locked before it is due.
        lock_at=None if item.end_date is None else max(item.end_date, due),
    )
    if not item.all_understood:
        if any(student in it.student_ids for it in item.overrides if it is not earlier):
            raise RefusedByLms(
                "INVALID_DUE_DATE", "in Canvas the student shares dates with others: change them there"
            )
        return Audience({}, None, own)
    others = [
        _without(override, {student, *without}) for override in item.overrides if override is not earlier
    ]
    others = [it for it in others if it.section_id or it.student_ids]
    dated = item.shared is None or any(it.id == item.shared.id for it in others)
    return Audience(
        {"assignment_overrides": [override.to_lms() for override in [*others, own]]},
        None if dated else item.due_date,
    )


def _id_of_shared(before: LmsAssignment | None, *, section: str | None) -> str | None:
    """Return the id of the override that is replaced by one of the same kind."""
    if before is None or before.shared is None or before.shared.section_id != section:
        return None
    return before.shared.id


def _without(override: Override, students: Collection[str]) -> Override:
    kept = tuple(one for one in override.student_ids if one not in students)
    if kept == override.student_ids:
        return override
    return replace(override, student_ids=kept)
