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
    """``file``, ``link`` or ``text``."""
    url: str | None = None
    """Where a file or link is."""
    text: str | None = None
    """The text, with the type ``text``."""
    title: str | None = None
    """What it is called."""
    description: str | None = None
    """What is said about it."""


class ScaleEntry(Struct, frozen=True):
    """A grade of a grading scale, and the lowest percentage that earns it."""

    name: str
    """The grade as it is written, such as ``B+``."""
    value: Decimal
    """A percentage from 0 to 100."""


class AssignmentFields(Struct, frozen=True, omit_defaults=True):
    """The fields of an assignment that a client sets. None leaves a field unchanged, or unset on a new assignment."""

    title: str | None = None
    """Its name in the gradebook."""
    description: str | None = None
    """What students are to do: HTML, cleaned by the LMS."""
    description_plaintext: str | None = None
    """The same as plain text, if the client sends both."""
    points_possible: Decimal | None = None
    """The maximum, in points; exact, as the client wrote it."""
    grading_type: str | None = None
    """How its grades are shown: a `GradingType`."""
    submission_types: tuple[str, ...] | None = None
    """What may be handed in: ``text``, ``link``, ``file``, ``discussion``."""
    due_date: Instant | None = None
    """When work is due, in milliseconds since 1970."""
    start_date: Instant | None = None
    """When students are to begin, in milliseconds since 1970."""
    display_date: Instant | None = None
    """When students see it first, in milliseconds since 1970."""
    end_date: Instant | None = None
    """When nothing is taken any more, in milliseconds since 1970."""
    max_attempts: int | None = None
    """How often work may be handed in."""
    assignee_mode: str | None = None
    """Who has it: ``all`` students of the section, or ``individuals``."""
    assignee_ids: tuple[str, ...] | None = None
    """The students' ids in the LMS; only with the mode ``individuals``."""
    attachments: tuple[Attachment, ...] | None = None
    """Its material."""
    term_id: str | None = None
    """The client's id of the term that it counts for."""
    published: bool | None = None
    """Only a teacher can make an assignment a draft, in the LMS."""


def plain_title(title: str) -> str:
    """A title without what LMSs change of it: blanks, and how accents are encoded."""
    return " ".join(unicodedata.normalize("NFC", title).split())


class Assignment(Struct, frozen=True):
    """An assignment as it is in the LMS now."""

    lms_id: str
    """Its id in the LMS, which the connector chooses: all that it needs to find it again."""
    title: str
    """Its name in the gradebook."""
    description: str
    """What students are to do: HTML; empty if the LMS has none."""
    description_plaintext: str | None
    """The same as plain text, if that was sent."""
    points_possible: Decimal | None
    """The maximum, in points; None if it is not graded by points."""
    grading_type: str
    """How its grades are shown: a `GradingType`."""
    submission_types: tuple[str, ...]
    """What may be handed in: ``text``, ``link``, ``file``, ``discussion``."""
    due_date: Instant | None
    """When work is due, in milliseconds since 1970."""
    start_date: Instant | None
    """When students are to begin, in milliseconds since 1970."""
    display_date: Instant | None
    """When students see it first, in milliseconds since 1970."""
    end_date: Instant | None
    """When nothing is taken any more, in milliseconds since 1970."""
    max_attempts: int | None
    """How often work may be handed in; None if there is no limit."""
    assignee_mode: str
    """Who has it: ``all`` students of the section, or ``individuals``."""
    assignee_ids: tuple[str, ...]
    """The students' ids in the LMS; empty with the mode ``all``."""
    attachments: tuple[Attachment, ...]
    """Its material."""
    term_id: str | None
    """The client's id of the term that it counts for."""
    published: bool
    """Whether students may see it; False makes it a draft."""
    created: Instant | None
    """When it was made, in milliseconds since 1970; None if the LMS does not say."""
    last_modified: Instant | None
    """When it was last changed, in milliseconds since 1970; None if the LMS does not say."""
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
