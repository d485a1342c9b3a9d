"""What the bodies of requests decode to.

A field that was not given is None, and so is one given as ``null``: the published service cannot tell the two
apart (wire rule: null means "not given"). Values are as sent, except for what the contract's decoder itself changes
(invalid UTF-8, duplicate keys).

A field means what the field of the same name in `responses` means; the OpenAPI document takes its description from
there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from passback.wire.errors import Refusal


class WireDate(Struct, frozen=True):
    """A date-time as a client sent it."""

    sent: str
    """The text exactly as sent; row 10 repeats it."""
    instant: int
    """Milliseconds since 1970-01-01T00:00:00Z; fractions of a millisecond are cut off."""
    offset: int
    """Minutes east of UTC, as given in the text; 0 if it gave none."""
    zoned: bool
    """Whether the text named a time zone."""


class AttachmentRequest(Struct, frozen=True):
    """A file or link, or a student's text, sent with an assignment or a submission."""

    description: str | None = None
    text: str | None = None
    title: str | None = None
    type: str | None = None
    url: str | None = None


class AssignmentRequest(Struct, frozen=True):
    """The body of POST and PATCH of an assignment."""

    assignee_ids: tuple[str, ...] | None = None
    assignee_mode: str | None = None
    attachments: tuple[AttachmentRequest | None, ...] | None = None
    description: str | None = None
    description_plaintext: str | None = None
    display_date: WireDate | None = None
    due_date: WireDate | None = None
    end_date: WireDate | None = None
    grading_type: str | None = None
    max_attempts: int | None = None
    points_possible: Decimal | None = None
    start_date: WireDate | None = None
    submission_types: tuple[str, ...] | None = None
    term_id: str | None = None
    title: str | None = None
    unknown_fields: tuple[str, ...] = ()
    """Keys that are not in the contract, as sent, in order and without repeats."""


class SubmissionRequest(Struct, frozen=True):
    """The body of PATCH of a submission."""

    attachments: tuple[AttachmentRequest | None, ...] | None = None
    extra_attempts: int | None = None
    flags: tuple[str, ...] | None = None
    grade: str | None = None
    grade_comment: str | None = None
    grade_points: Decimal | None = None
    grader_id: str | None = None
    override_due_date: WireDate | None = None
    state: str | None = None
    unknown_fields: tuple[str, ...] = ()
    """Keys that are not in the contract, as sent, in order and without repeats."""


class WebhookRequest(Struct, frozen=True):
    """The body of POST and PATCH of a webhook (not part of the published API)."""

    disabled: bool | None = None
    events: Annotated[tuple[str, ...] | None, Meta(extra_json_schema={"minItems": 1})] = None
    fetch: bool | None = None
    url: str | None = None
    unknown_fields: tuple[str, ...] = ()
    """Keys that are not in the contract, as sent, in order and without repeats."""


class LaunchAddressRequest(Struct, frozen=True):
    """The body of POST of a launch address (not part of the published API)."""

    url: str | None = None
    unknown_fields: tuple[str, ...] = ()
    """Keys that are not in the contract, as sent, in order and without repeats."""


class DeepLinkRequest(Struct, frozen=True):
    """The body of POST of a deep link (not part of the published API)."""

    activity: str | None = None
    description: str | None = None
    points_possible: Decimal | None = None
    title: str | None = None
    unknown_fields: tuple[str, ...] = ()
    """Keys that are not in the contract, as sent, in order and without repeats."""


class SubmissionItem(Struct, frozen=True):
    """One student's part of a body that changes many submissions."""

    user_id: str
    request: SubmissionRequest | None
    """None if the part is not a valid request."""
    refusal: Refusal | None = None
    """Why it is not valid: the error that the same fields would get if sent alone."""
