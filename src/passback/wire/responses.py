"""The published objects of answers, with their fields in the published (alphabetical) order.

A field without a value is left out of an answer; 0 and "" are values.
"""

from __future__ import annotations

from msgspec import Raw, Struct


class Attachment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file, a link, or a student's text."""

    description: str | None = None
    text: str | None = None
    title: str | None = None
    type: str
    url: str | None = None


class GradingScaleEntry(Struct, frozen=True, kw_only=True):
    """A letter, and the least percentage that earns it."""

    name: str
    value: str


class GradingScale(Struct, frozen=True, kw_only=True):
    """The letters that an assignment is graded with."""

    entries: list[GradingScaleEntry]
    name: str


class Assignment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An assignment as it is in the LMS."""

    assignee_ids: list[str] | None = None
    assignee_mode: str
    attachments: list[Attachment] | None = None
    category_id: str | None = None
    created: str | None = None
    description: str
    description_plaintext: str | None = None
    display_date: str | None = None
    due_date: str | None = None
    end_date: str | None = None
    grading_scale: list[GradingScale] | None = None
    grading_type: str
    id: str
    last_modified: str | None = None
    max_attempts: int | None = None
    points_possible: Raw | None = None
    start_date: str | None = None
    state: str
    submission_types: list[str] | None = None
    term_id: str | None = None
    title: str


class Submission(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A student's submission as it is in the LMS."""

    assignment_id: str
    attachments: list[Attachment] | None = None
    created: str | None = None
    extra_attempts: int | None = None
    flags: list[str] | None = None
    grade: str | None = None
    grade_comment: str | None = None
    grade_points: Raw | None = None
    grader_id: str | None = None
    last_modified: str | None = None
    override_due_date: str | None = None
    state: str
    user_id: str


class Webhook(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an application wants to be told of events."""

    created: str
    disabled: bool
    events: list[str]
    id: str
    last_modified: str
    secret: str | None = None
    """Shown once, when it is made."""
    secret_before_until: str | None = None
    """Until when messages are also signed with the secret before."""
    url: str


class WebhookTest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a test message."""

    delivered: bool
    id: str
    """The message's, as in its ``webhook-id`` header."""
    message: str | None = None
    """Why it was not delivered."""
    status: int | None = None
    """The HTTP status of the endpoint's answer, where there was one."""


class SubmissionOutcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one student's part of a change of many: as if it had been sent alone."""

    user_id: str
    status: int
    data: Submission | Raw | None = None
    message: str | None = None


class DeliveryError(Struct, frozen=True, kw_only=True):
    """Why a delivery was refused, or what its last try met."""

    status: int
    message: str


class Delivery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change that was accepted, and what became of it."""

    assignment_id: str | None = None
    attempts: int
    created: str
    error: DeliveryError | None = None
    expires: str
    finished: str | None = None
    id: str
    next_attempt: str | None = None
    operation: str
    result: Raw | list[SubmissionOutcome] | None = None
    section_id: str | None = None
    state: str
    superseded_by: str | None = None
    user_id: str | None = None
    warnings: list[str] | None = None
