"""Assignments: from the gateway's fields to what the gradebook stores, which is the gateway's own form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from passback.domain.assignment import Assignment, AssignmentFields
from passback.domain.submission import unstorable
from passback.lms.interface import RefusedByLms

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.domain.submission import SubmissionFields

_SETTABLE = AssignmentFields.__struct_fields__


def new_assignment(fields: AssignmentFields, assignment_id: str, now: Instant) -> Assignment:
    """Return the assignment that `fields` make. Raises `RefusedByLms`."""
    check_texts(fields)
    individuals = fields.assignee_mode == "individuals"
    return Assignment(
        lms_id=assignment_id,
        title=fields.title or "",
        description=fields.description or "",
        description_plaintext=fields.description_plaintext,
        points_possible=fields.points_possible,
        grading_type=fields.grading_type or "points",
        submission_types=fields.submission_types or (),
        due_date=fields.due_date,
        start_date=fields.start_date,
        display_date=fields.display_date,
        end_date=fields.end_date,
        max_attempts=fields.max_attempts,
        assignee_mode="individuals" if individuals else "all",
        assignee_ids=(fields.assignee_ids or ()) if individuals else (),
        attachments=fields.attachments or (),
        term_id=fields.term_id,
        published=fields.published is not False,
        created=now,
        last_modified=now,
    )


def edited(before: Assignment, fields: AssignmentFields, now: Instant) -> Assignment:
    """Return the assignment with the given fields changed."""
    given = {name: value for name in _SETTABLE if (value := getattr(fields, name)) is not None}
    after = replace(before, **given, last_modified=now)
    return replace(after, assignee_ids=()) if after.assignee_mode == "all" else after


def check_texts(fields: AssignmentFields | SubmissionFields) -> None:
    """Refuse texts that PostgreSQL cannot store, whoever writes them. Raises `RefusedByLms`."""
    if (name := unstorable(fields)) is not None:
        raise RefusedByLms("INVALID_TEXT", f"{name} must not hold the character U+0000")
