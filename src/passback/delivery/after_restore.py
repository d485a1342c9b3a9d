"""After a backup was restored: what it shows as open may have been delivered since, or something newer.

A create is searched for (`passback.delivery.assignments`), and a comment that is there is not added again
(`passback.delivery.submissions`). A grade that is there is not sent again. A grade, or a change of an assignment, is
refused if the LMS has another value that was set after the backup: the one in the backup could be the older one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.delivery.submissions import SubmissionTarget
from passback.domain.clock import SECOND
from passback.domain.submission import Submission, SubmissionFields
from passback.store import restored
from passback.wire import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.context import Gateway
    from passback.delivery.lookup import SectionAtLms
    from passback.domain.assignment import Assignment, AssignmentFields
    from passback.domain.delivery import Delivery
    from passback.store.restored import Restored

_CHANGED = "CHANGED_SINCE_BACKUP: the LMS has another value since the backup that was restored"
_LMS_CLOCKS = 5 * SECOND
"""LMSs tell whole seconds, by clocks of their own, which may be a little behind ours."""
_OVERWRITTEN = (
    "title",
    "description",
    "due_date",
    "start_date",
    "end_date",
    "points_possible",
    "grading_type",
)
"""Fields of an assignment of which an older change must not replace a newer one."""


async def restore_of(gateway: Gateway, group: Sequence[Delivery]) -> Restored | None:
    """The restore that put some of a group's deliveries in doubt; None if there was none."""
    if not any(delivery.doubt for delivery in group):
        return None
    now = gateway.clock()
    found = await gateway.database.read(lambda conn: restored.find(conn, now))
    return found if found and any(_is_from_backup(delivery, found) for delivery in group) else None


class Done(Struct, frozen=True):
    """A change that the LMS has made, now or after the backup."""

    target: SubmissionTarget
    held: Submission
    """The submission as the LMS has it since."""


Judged = SubmissionTarget | Done | errors.Refusal


async def compared(
    gateway: Gateway,
    group: Sequence[Delivery],
    section: SectionAtLms,
    lms_id: str,
    judged: Sequence[SubmissionTarget | errors.Refusal],
) -> list[Judged]:
    """The targets, but for what the LMS has already, and with a refusal for what may be older than what it has.

    Raises `LmsError`.
    """
    restore = await restore_of(gateway, group)
    if restore is None:
        return [*judged]
    doubtful = {
        target.student
        for delivery, target in zip(group, judged, strict=True)
        if isinstance(target, SubmissionTarget) and _is_from_backup(delivery, restore)
    }
    held = await section.connector.read_submissions(section.lms_id, lms_id, sorted(doubtful))
    return [
        _compared(target, held[target.student], restore)
        if isinstance(target, SubmissionTarget)
        and _is_from_backup(delivery, restore)
        and target.student in held
        else target
        for delivery, target in zip(group, judged, strict=True)
    ]


def _compared(target: SubmissionTarget, held: Submission, restore: Restored) -> Judged:
    if not _is_newer(held, restore):
        return target
    if target.grader_is_known and _has_all(held, target.fields):
        return Done(target, held)
    return errors.bad_request(_CHANGED) if _differs(held, target.fields) else target


async def require_not_newer(
    gateway: Gateway, delivery: Delivery, held: Assignment, fields: AssignmentFields
) -> None:
    """Raise `Refusal` for a change of an assignment that may be older than what the LMS has."""
    restore = await restore_of(gateway, [delivery])
    if restore is None or not _is_newer(held, restore):
        return
    given = ((name, getattr(fields, name)) for name in _OVERWRITTEN)
    if any(value is not None and getattr(held, name) != value for name, value in given):
        raise errors.bad_request(_CHANGED)


def _is_from_backup(delivery: Delivery, restore: Restored) -> bool:
    return delivery.doubt and delivery.created <= restore.restored


def _is_newer(held: Submission | Assignment, restore: Restored) -> bool:
    return held.last_modified is not None and held.last_modified > restore.backed_up - _LMS_CLOCKS


def _differs(held: Submission, fields: SubmissionFields) -> bool:
    if fields.grade_points is not None:
        return held.grade_points != fields.grade_points
    if fields.grade is not None:
        return (held.grade or "") != fields.grade
    return fields.flags is not None and ("excused" in fields.flags) != ("excused" in held.flags)


def _has_all(held: Submission, fields: SubmissionFields) -> bool:
    """Whether a submission has all that a change sets; work that is handed in is looked for elsewhere."""
    alike = (
        (fields.grade, held.grade or ""),
        (fields.grade_points, held.grade_points),
        (fields.grade_comment, held.grade_comment),
        (fields.grader_id, held.grader_id),
        (fields.state, held.state),
        (fields.extra_attempts, held.extra_attempts),
        (fields.override_due_date, held.override_due_date),
        (None if fields.flags is None else "excused" in fields.flags, "excused" in held.flags),
    )
    return fields.attachments is None and all(asked in (None, has) for asked, has in alike)
