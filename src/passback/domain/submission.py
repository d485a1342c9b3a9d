"""A submission: one student's work on one assignment, with its grade.

Every assigned student has exactly one, from the moment the assignment exists.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import astuple

from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.clock import Instant

SubmissionState = Literal["created", "submitted", "returned", "reclaimed"]
SubmissionFlag = Literal["excused", "late", "missing"]

FLAGS: tuple[SubmissionFlag, ...] = get_args(SubmissionFlag)

TRANSITIONS: dict[str, frozenset[str]] = {
    "created": frozenset({"submitted", "returned"}),
    "submitted": frozenset({"returned", "reclaimed"}),
    "reclaimed": frozenset({"submitted"}),
    "returned": frozenset({"submitted"}),
}
"""The states that each state may change to (contract: Submissions). Staying is always allowed."""


class SubmissionFields(Struct, frozen=True, omit_defaults=True):
    """The fields of a submission that a client sets. None leaves a field unchanged."""

    attachments: tuple[Attachment, ...] | None = None
    """The work that is handed in."""
    extra_attempts: int | None = None
    """How many more attempts than the assignment's the student has."""
    flags: frozenset[str] | None = None
    """The flags to set; all others are cleared."""
    grade: str | None = None
    """The text form; empty removes the grade."""
    grade_comment: str | None = None
    """What the teacher says of the grade."""
    grade_points: Decimal | None = None
    """The grade in points; exact, as the client wrote it."""
    grader_id: str | None = None
    """The teacher's id in the LMS."""
    override_due_date: Instant | None = None
    """When this student's work is due, in milliseconds since 1970."""
    state: str | None = None
    """The state to move to: a `SubmissionState`."""
    comment_replaces: bool | None = None
    """Set by the gateway: whether the LMS keeps one comment only, so that an older one must not arrive later."""
    asked_at: Instant | None = None
    """Set by the gateway: when the client asked for it. A change may wait until the LMS can be reached."""
    comment_since: Instant | None = None
    """Set by the gateway if an earlier try may have left the comment: one posted since then counts as this one.

    A connector that keeps `comment_marks` before it sends a comment goes by them, and by `comment_forgotten`.
    """
    comment_forgotten: Instant | None = None
    """Set by the gateway after a restore: what was kept since then of comments is lost, so one posted since then counts
    as this one unless it is known to be another's."""
    comment_marks: tuple[str, ...] | None = None
    """Set by the gateway: the delivery's id, then those of what it repeats, whose comment counts as its own."""
    comment_others: frozenset[str] | None = None
    """Set by a connector: the LMS's ids of comments with the same words that are not this one."""

    @property
    def gives_grade(self) -> bool:
        """Whether it gives a grade, as text or in points; an empty text removes one."""
        return bool(self.grade) or self.grade_points is not None

    @property
    def gives_grade_or_excuse(self) -> bool:
        """Whether it gives what work is returned with."""
        return self.gives_grade or "excused" in (self.flags or ())


class Submission(Struct, frozen=True):
    """A submission as it is in the LMS now."""

    student_id: str
    """The student's id in the LMS."""
    state: str
    """A `SubmissionState`."""
    flags: tuple[str, ...]
    """Each a `SubmissionFlag`."""
    grade: str | None = None
    """The grade as the LMS shows it, by the grading type; None if there is none."""
    grade_points: Decimal | None = None
    """The grade in points; None if there is none."""
    grade_comment: str | None = None
    """The newest comment on the grade."""
    grader_id: str | None = None
    """The teacher's id in the LMS."""
    extra_attempts: int | None = None
    """How many more attempts than the assignment's the student has."""
    override_due_date: Instant | None = None
    """When this student's work is due, in milliseconds since 1970; None if when the assignment is."""
    attachments: tuple[Attachment, ...] = ()
    """The work that was handed in."""
    created: Instant | None = None
    """When it was made, in milliseconds since 1970; None if the LMS does not say."""
    last_modified: Instant | None = None
    """When it was last changed, in milliseconds since 1970; None if the LMS does not say."""
    warnings: tuple[str, ...] = ()
    """Codes of what in the LMS keeps it from being as one would expect, for whoever changes it."""


def unstorable(fields: AssignmentFields | SubmissionFields) -> str | None:
    """The name of a text that PostgreSQL cannot store, neither ours nor an LMS's; None without one."""
    for part in (fields, *(fields.attachments or ())):
        for name, value in zip(part.__struct_fields__, astuple(part), strict=True):
            if type(value) is str and "\0" in value:
                return name
    return None


def flags_of(
    *,
    excused: bool,
    submitted: Instant | None,
    graded: bool,
    due_date: Instant | None,
    now: Instant,
) -> tuple[SubmissionFlag, ...]:
    """The flags of a submission: the teacher sets `excused`, the others follow from the dates.

    Work is late if it was submitted after it was due, and missing if it is past due without a submission or grade. For
    an excused student it is never missing. `due_date` is the student's own.
    """
    flags: list[SubmissionFlag] = []
    if excused:
        flags.append("excused")
    if due_date is not None:
        if submitted is not None and submitted > due_date:
            flags.append("late")
        if submitted is None and now > due_date and not graded and not excused:
            flags.append("missing")
    return tuple(flags)
