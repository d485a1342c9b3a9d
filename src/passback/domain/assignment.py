"""An assignment: work that a teacher gives to a section, as the district's LMS stores it."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from passback.domain.clock import Instant

AssigneeMode = Literal["all", "individuals"]
GradingType = Literal["points", "percent", "pass_fail", "letter_grade"]
AssignmentState = Literal["draft", "scheduled", "open", "locked"]


class Attachment(Struct, frozen=True):
    """Material of an assignment, or a student's work: a file or link with a `url`, or a `text`."""

    type: str
    url: str | None = None
    text: str | None = None
    title: str | None = None
    description: str | None = None


class ScaleEntry(Struct, frozen=True):
    """A grade of a grading scale, and the lowest percentage that earns it."""

    name: str
    value: Decimal


class AssignmentFields(Struct, frozen=True, omit_defaults=True):
    """The fields of an assignment that a client sets. None leaves a field unchanged, or unset on a new assignment."""

    title: str | None = None
    description: str | None = None
    description_plaintext: str | None = None
    points_possible: Decimal | None = None
    grading_type: str | None = None
    submission_types: tuple[str, ...] | None = None
    due_date: Instant | None = None
    start_date: Instant | None = None
    display_date: Instant | None = None
    end_date: Instant | None = None
    max_attempts: int | None = None
    assignee_mode: str | None = None
    assignee_ids: tuple[str, ...] | None = None
    """The students' ids in the LMS; only with the mode ``individuals``."""
    attachments: tuple[Attachment, ...] | None = None
    term_id: str | None = None
    published: bool | None = None
    """Only a teacher can make an assignment a draft, in the LMS."""


def plain_title(title: str) -> str:
    """A title without what LMSs change of it: blanks, and how accents are encoded."""
    return " ".join(unicodedata.normalize("NFC", title).split())


class Assignment(Struct, frozen=True):
    """An assignment as it is in the LMS now."""

    lms_id: str
    title: str
    description: str
    description_plaintext: str | None
    points_possible: Decimal | None
    grading_type: str
    submission_types: tuple[str, ...]
    due_date: Instant | None
    start_date: Instant | None
    display_date: Instant | None
    end_date: Instant | None
    max_attempts: int | None
    assignee_mode: str
    assignee_ids: tuple[str, ...]
    """The students' ids in the LMS; empty with the mode ``all``."""
    attachments: tuple[Attachment, ...]
    term_id: str | None
    published: bool
    created: Instant | None
    last_modified: Instant | None
    category_id: str | None = None
    """The LMS's id of the grading category."""
    grading_scale: tuple[ScaleEntry, ...] = ()
    """The LMS's own scale for letter grades; empty if it is ours (`domain.grading.LETTER_SCALE`)."""
    warnings: tuple[str, ...] = ()
    """Codes of what in the LMS keeps it from being as one would expect, for whoever changes it."""

    def state(self, now: Instant) -> AssignmentState:
        """The assignment's state at `now`; derived, never set (contract: Assignments)."""
        if not self.published:
            return "draft"
        if self.display_date is not None and now < self.display_date:
            return "scheduled"
        if self.end_date is not None and now > self.end_date:
            return "locked"
        return "open"


def misordered_dates(
    start_date: Instant | None,
    display_date: Instant | None,
    due_date: Instant | None,
    end_date: Instant | None,
) -> tuple[str, str] | None:
    """The first pair of fields whose dates are out of order, the one that should be earlier first, or None.

    start_date and display_date must not be after due_date, nor due_date after end_date. Without a due date, the first
    two are compared with end_date.
    """
    pairs = (
        ("start_date", start_date, "due_date", due_date),
        ("display_date", display_date, "due_date", due_date),
        ("due_date", due_date, "end_date", end_date),
        ("start_date", start_date, "end_date", end_date),
        ("display_date", display_date, "end_date", end_date),
    )
    for earlier_name, earlier, later_name, later in pairs:
        if earlier is not None and later is not None and earlier > later:
            return earlier_name, later_name
    return None
