"""From the domain's objects to the published ones."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Raw

from passback.domain.assignment import ScaleEntry
from passback.domain.delivery import Delivered
from passback.domain.grading import LETTER_SCALE, plain
from passback.wire import responses
from passback.wire.dates import show
from passback.wire.encode import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.domain.assignment import Assignment, Attachment
    from passback.domain.clock import Instant
    from passback.domain.delivery import Delivery, Outcome
    from passback.domain.submission import Submission

_LETTERS = tuple(ScaleEntry(letter, Decimal(least)) for letter, least in LETTER_SCALE)


def assignment(
    held: Assignment, assignment_id: str, user_ids: Mapping[str, str], now: Instant
) -> responses.Assignment:
    """The published form of an assignment; `user_ids` gives our id for each assignee's in the LMS."""
    individuals = held.assignee_mode == "individuals"
    return responses.Assignment(
        assignee_ids=(
            [user_ids[lms_id] for lms_id in held.assignee_ids if lms_id in user_ids] if individuals else None
        ),
        assignee_mode=held.assignee_mode,
        attachments=_attachments(held.attachments),
        category_id=held.category_id,
        created=date_or_none(held.created),
        description=held.description,
        description_plaintext=held.description_plaintext,
        display_date=date_or_none(held.display_date),
        due_date=date_or_none(held.due_date),
        end_date=date_or_none(held.end_date),
        grading_scale=_scale(held.grading_scale or _LETTERS) if held.grading_type == "letter_grade" else None,
        grading_type=held.grading_type,
        id=assignment_id,
        last_modified=date_or_none(held.last_modified),
        max_attempts=held.max_attempts,
        points_possible=None if held.points_possible is None else number(held.points_possible),
        start_date=date_or_none(held.start_date),
        state=held.state(now),
        submission_types=list(held.submission_types) or None,
        term_id=held.term_id,
        title=held.title,
    )


def submission(
    held: Submission, assignment_id: str, user_id: str, grader_id: str | None
) -> responses.Submission:
    """The published form of a submission. `grader_id` is our id of the teacher who graded it."""
    return responses.Submission(
        assignment_id=assignment_id,
        attachments=_attachments(held.attachments),
        created=date_or_none(held.created),
        extra_attempts=held.extra_attempts,
        flags=list(held.flags) or None,
        grade=held.grade,
        grade_comment=held.grade_comment,
        grade_points=None if held.grade_points is None else number(held.grade_points),
        grader_id=grader_id,
        last_modified=date_or_none(held.last_modified),
        override_due_date=date_or_none(held.override_due_date),
        state=held.state,
        user_id=user_id,
    )


def submission_outcome(user_id: str, outcome: Outcome) -> responses.SubmissionOutcome:
    """The outcome of one student's part of a change of many."""
    if isinstance(outcome, Delivered):
        data = None if outcome.result is None else Raw(outcome.result)
        return responses.SubmissionOutcome(user_id=user_id, status=200, data=data)
    return responses.SubmissionOutcome(user_id=user_id, status=outcome.status, message=outcome.message)


def delivery(held: Delivery, outcomes: list[responses.SubmissionOutcome] | None = None) -> responses.Delivery:
    """The form of a delivery that clients get; `outcomes` are those of its parts, if it stands for many."""
    result: Raw | list[responses.SubmissionOutcome] | None = outcomes
    if held.result is not None:
        result = Raw(held.result)
    failed = held.message is not None and held.state != "delivered"
    return responses.Delivery(
        assignment_id=held.assignment_id,
        attempts=held.attempts,
        created=show(held.created),
        error=responses.DeliveryError(status=held.status or 500, message=held.message or "")
        if failed
        else None,
        expires=show(held.expires),
        finished=date_or_none(held.finished),
        id=held.id,
        next_attempt=date_or_none(held.due) if held.state == "waiting" else None,
        operation=held.operation,
        result=result,
        section_id=held.section_id,
        state=held.state,
        superseded_by=held.superseded_by,
        user_id=held.user_id,
        warnings=list(held.warnings) or None,
    )


def _attachments(held: tuple[Attachment, ...]) -> list[responses.Attachment] | None:
    return [
        responses.Attachment(
            description=item.description, text=item.text, title=item.title, type=item.type, url=item.url
        )
        for item in held
    ] or None


def _scale(entries: Sequence[ScaleEntry]) -> list[responses.GradingScale]:
    shown = [responses.GradingScaleEntry(name=entry.name, value=plain(entry.value)) for entry in entries]
    return [responses.GradingScale(name="Letter grade", entries=shown)]


def date_or_none(instant: Instant | None) -> str | None:
    """A time as answers show it, if there is one."""
    return None if instant is None else show(instant)
