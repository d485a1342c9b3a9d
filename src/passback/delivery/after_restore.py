"""After a backup was restored: what it shows as open may have been delivered since, or something newer.

A create is searched for (`passback.delivery.assignments`), and a comment that is there is not added again
(`passback.delivery.submissions`). A grade that is there is not sent again. A grade, or a change of an assignment, is
refused if the LMS has another value that was set after the backup: the one in the backup could be the older one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.delivery.submissions import CLOCKS_DIFFER_BY, Done, SubmissionTarget
from passback.domain.clock import SECOND
from passback.domain.submission import Submission, SubmissionFields
from passback.store import delivery_lanes, restored
from passback.wire import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.context import Gateway
    from passback.delivery.lookup import SectionAtLms
    from passback.domain.assignment import Assignment, AssignmentFields
    from passback.domain.delivery import Delivery
    from passback.store.restored import Restored

_CHANGED = "CHANGED_SINCE_BACKUP: the LMS has another value since the backup that was restored"
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
        delivery.id: target
        for delivery, target in zip(group, judged, strict=True)
        if isinstance(target, SubmissionTarget) and _is_from_backup(delivery, restore)
    }
    students = sorted({target.student for target in doubtful.values()})
    held = await section.connector.read_submissions(section.lms_id, lms_id, students)
    known = await gateway.database.read(
        lambda conn: {
            one.id: delivery_lanes.newest_delivered(conn, one.lane) for one in group if one.id in doubtful
        }
    )
    return [
        _compared(target, held[target.student], restore, known[delivery.id])
        if isinstance(target, SubmissionTarget) and delivery.id in doubtful and target.student in held
        else target
        for delivery, target in zip(group, judged, strict=True)
    ]


def _compared(
    target: SubmissionTarget, held: Submission, restore: Restored, known: Delivery | None
) -> Judged:
    changed = held.last_modified
    # By its clock the LMS may have changed it before the backup; what the backup does not know came after it.
    if changed is None or changed <= restore.backed_up - CLOCKS_DIFFER_BY:
        return target
    if changed <= restore.backed_up and _is_as_delivered(held, known):
        return target
    if target.grader_is_known and _has_all(held, target.fields):
        return Done(target, held)
    return errors.bad_request(_CHANGED) if _differs(held, target.fields) else target


def _is_as_delivered(held: Submission, known: Delivery | None) -> bool:
    """Whether a grade is as the backup knows that it was delivered last."""
    if known is None:
        return not held.grade and held.grade_points is None and "excused" not in held.flags
    fields = known.fields(SubmissionFields)
    graded = any(it is not None for it in (fields.grade_points, fields.grade, fields.flags))
    return graded and not _differs(held, fields)


async def require_not_newer(
    gateway: Gateway, delivery: Delivery, held: Assignment, fields: AssignmentFields
) -> None:
    """Raise `Refusal` for a change of an assignment that may be older than what the LMS has."""
    restore = await restore_of(gateway, [delivery])
    # LMSs tell whole seconds.
    if restore is None or held.last_modified is None or held.last_modified <= restore.backed_up - SECOND:
        return
    given = ((name, getattr(fields, name)) for name in _OVERWRITTEN)
    if any(value is not None and getattr(held, name) != value for name, value in given):
        raise errors.bad_request(_CHANGED)


def _is_from_backup(delivery: Delivery, restore: Restored) -> bool:
    return delivery.doubt and delivery.created <= restore.restored


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
