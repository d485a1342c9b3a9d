"""What the API answers. A field that the server may add later is ignored, and a value that it may add is kept as text.

Times are aware, in UTC; ids are text. A field that is None was not in the answer: it has no value.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal, TypedDict

import msgspec
from msgspec import Struct

AssigneeMode = Literal["all", "individuals"]
GradingType = Literal["points", "percent", "pass_fail", "letter_grade"]
SubmissionType = Literal["link", "file", "text", "discussion"]
SubmissionState = Literal["created", "submitted", "returned", "reclaimed"]
Flag = Literal["excused", "late", "missing"]
DeliveryState = Literal["waiting", "delivering", "delivered", "refused", "expired", "failed", "cancelled"]
RecordType = Literal["schools", "terms", "courses", "sections", "users"]
"""The values that exist today, for what is sent. What is read is text, so that a new value breaks no client."""

OPEN: frozenset[str] = frozenset({"waiting", "delivering"})
"""The states of a delivery that has not ended."""


class Model(Struct, frozen=True, kw_only=True):
    """What all have in common: they are compared by value, and `to_dict` gives what JSON can hold."""

    def to_dict(self) -> dict[str, Any]:
        """The fields that have a value, as in the API's JSON."""
        found: dict[str, Any] = _without_none(msgspec.to_builtins(self))
        return found


def _without_none(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_none(one) for name, one in value.items() if one is not None}
        case list() | tuple():
            return [_without_none(one) for one in value]
        case _:
            return value


class Attachment(Model, frozen=True, kw_only=True):
    """Material of an assignment, or a student's work."""

    type: str = "file"
    """``file``, ``link``, or (only of a submission) ``text``."""
    url: str | None = None
    title: str | None = None
    description: str | None = None
    text: str | None = None


class GradingScaleEntry(Model, frozen=True, kw_only=True):
    """A letter, and the lowest percentage that earns it."""

    name: str
    value: str


class GradingScale(Model, frozen=True, kw_only=True):
    """The letters of an assignment that is graded by them, best first."""

    name: str
    entries: tuple[GradingScaleEntry, ...]


class Assignment(Model, frozen=True, kw_only=True):
    """An assignment as the LMS has it now."""

    id: str
    title: str
    description: str
    assignee_mode: str
    grading_type: str
    state: str
    """``draft``, ``scheduled``, ``open`` or ``locked``."""
    due_date: datetime | None = None
    points_possible: float | None = None
    assignee_ids: tuple[str, ...] | None = None
    attachments: tuple[Attachment, ...] | None = None
    category_id: str | None = None
    description_plaintext: str | None = None
    display_date: datetime | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    grading_scale: tuple[GradingScale, ...] | None = None
    max_attempts: int | None = None
    submission_types: tuple[str, ...] | None = None
    term_id: str | None = None
    created: datetime | None = None
    last_modified: datetime | None = None


class Submission(Model, frozen=True, kw_only=True):
    """One student's submission as the LMS has it now: the work, and the grade."""

    assignment_id: str
    user_id: str
    state: str
    """``created``, ``submitted``, ``returned`` (the student sees the grade) or ``reclaimed``."""
    grade: str | None = None
    grade_points: float | None = None
    grade_comment: str | None = None
    grader_id: str | None = None
    flags: tuple[str, ...] | None = None
    """``excused``, which a client sets, ``late`` and ``missing``, which follow from the dates."""
    attachments: tuple[Attachment, ...] | None = None
    extra_attempts: int | None = None
    override_due_date: datetime | None = None
    created: datetime | None = None
    last_modified: datetime | None = None


class SubmissionOutcome(Model, frozen=True, kw_only=True):
    """What became of one student's change among many."""

    user_id: str
    status: int
    """As if it had been sent alone; 202 while it is not known yet."""
    data: Submission | None = None
    message: str | None = None
    """Why it failed."""


class DeliveryError(Model, frozen=True, kw_only=True):
    """Why a delivery failed, as a call that waits would have been told."""

    status: int
    message: str


class Delivery(Model, frozen=True, kw_only=True):
    """A change that the gateway brings into the LMS in the background."""

    id: str
    operation: str
    state: str
    """One of `DeliveryState`; see `ended`."""
    attempts: int
    created: datetime
    expires: datetime
    section_id: str | None = None
    assignment_id: str | None = None
    """Of a create, the id that the assignment will have: it can be used at once."""
    user_id: str | None = None
    finished: datetime | None = None
    next_attempt: datetime | None = None
    error: DeliveryError | None = None
    result: Any = None
    """What the answer would have held; see `assignment`, `submission` and `outcomes`."""
    superseded_by: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether it is over, well or not."""
        return self.state not in OPEN

    @property
    def delivered(self) -> bool:
        """Whether the LMS has it."""
        return self.state == "delivered"

    @property
    def assignment(self) -> Assignment | None:
        """The assignment that was created or changed, once it is."""
        ours = self.operation in ("create_assignment", "update_assignment")
        return msgspec.convert(self.result, Assignment) if ours and self.result is not None else None

    @property
    def submission(self) -> Submission | None:
        """The submission that was changed, once it is."""
        ours = self.operation == "update_submission"
        return msgspec.convert(self.result, Submission) if ours and self.result is not None else None

    @property
    def outcomes(self) -> tuple[SubmissionOutcome, ...]:
        """What became of each, if many were changed at once."""
        ours = self.operation == "update_submissions"
        return msgspec.convert(self.result, tuple[SubmissionOutcome, ...]) if ours and self.result else ()


class Accepted(Model, frozen=True, kw_only=True):
    """A change that the gateway has accepted, and carries into the LMS in the background."""

    delivery: Delivery
    warnings: tuple[str, ...] = ()

    @property
    def assignment_id(self) -> str:
        """The id of the assignment: of one that is being created, it can be used at once."""
        return self.delivery.assignment_id or ""


class Webhook(Model, frozen=True, kw_only=True):
    """An endpoint of the application to which the gateway sends messages."""

    id: str
    url: str
    events: tuple[str, ...]
    disabled: bool
    created: datetime
    last_modified: datetime
    secret: str | None = None
    """Only in the answers that make one: to create, and to rotate."""
    secret_before_until: datetime | None = None
    """Until when the secret before this one signs as well."""
    fetch: bool | None = None
    """Whether it has no address, and its messages wait to be fetched."""


class WebhookMessage(Model, frozen=True, kw_only=True):
    """A message to an endpoint, and what became of it."""

    id: str
    webhook_id: str
    state: str
    """One of `DeliveryState`; ``refused`` if the endpoint answered 410 or the webhook was disabled."""
    attempts: int
    created: datetime
    """When the event happened."""
    expires: datetime
    event: dict[str, Any]
    finished: datetime | None = None
    next_attempt: datetime | None = None
    error: DeliveryError | None = None
    """What came of the last try."""


class FetchedMessage(Model, frozen=True, kw_only=True):
    """A message of a webhook without an address, as an endpoint would get it: `webhooks.verify` takes it."""

    id: str
    body: str
    headers: dict[str, str]


class WebhookResend(Model, frozen=True, kw_only=True):
    """How many messages are sent again."""

    resent: int
    more: bool
    """Whether there are more than are sent again at a time."""


class WebhookTest(Model, frozen=True, kw_only=True):
    """What became of a test message."""

    id: str
    delivered: bool
    status: int | None = None
    message: str | None = None


class _AssignmentFields(TypedDict, total=False):
    """The fields of an assignment that may be left out of a new one, too."""

    description_plaintext: str
    points_possible: float
    assignee_mode: AssigneeMode
    assignee_ids: Sequence[str]
    attachments: Sequence[Attachment]
    category_id: str
    display_date: datetime
    start_date: datetime
    end_date: datetime
    grading_scale: Sequence[GradingScale]
    grading_type: GradingType
    max_attempts: int
    submission_types: Sequence[SubmissionType]
    term_id: str


class AssignmentChange(_AssignmentFields, total=False):
    """The fields of an assignment that can be set; what is left out stays as it is."""

    title: str
    description: str
    due_date: datetime


class NewAssignment(_AssignmentFields):
    """The fields of a new assignment, with those that it must have."""

    title: str
    description: str
    due_date: datetime


class SubmissionChange(TypedDict, total=False):
    """The fields of a submission that can be set; what is left out stays as it is."""

    grade: str
    """Empty, it removes the grade."""
    grade_points: float
    grade_comment: str
    grader_id: str
    state: SubmissionState
    flags: Sequence[Flag]
    attachments: Sequence[Attachment]
    extra_attempts: int
    override_due_date: datetime


class LmsStatus(Model, frozen=True, kw_only=True):
    """Whether a section or user is matched to one in the LMS: grades reach only those that are."""

    synced_in_lms: bool


class LmsSync(Model, frozen=True, kw_only=True):
    """How far the reading of a district's LMS is."""

    phase: str
    courses: int
    courses_read: int
    sections: int
    sections_read: int
    began: datetime | None = None


class HeldBack(Model, frozen=True, kw_only=True):
    """What of a new roster waits for a person, because it would remove or unmatch much."""

    since: datetime
    removals: dict[str, int] = {}
    unmatched: dict[str, int] = {}


class LmsCapabilities(Model, frozen=True, kw_only=True):
    """What a district's LMS can do. What can be ``yes`` or ``no`` can be ``sometimes``, too."""

    name: str
    """What people call the LMS."""
    create_assignments: str
    individual_assignees: str
    excused: str
    override_due_date: str
    extra_attempts: str
    points_above_maximum: str
    comments: str
    """``added`` to those before, ``replaced``, or ``none``."""
    grading_types: tuple[str, ...]
    hand_in: tuple[str, ...]
    """The types of attachments that work can be handed in as."""
    kept_by_passback: tuple[str, ...]
    """Fields of an assignment that come back, but that nobody sees in the LMS."""
    ignored: tuple[str, ...]
    """Fields of an assignment that do not come back."""
    not_stored_flags: tuple[str, ...]


class District(Model, frozen=True, kw_only=True):
    """The district of the token."""

    id: str
    name: str
    lms_type: str
    lms_state: str
    lms_matched_percentage: dict[str, float]
    lms_capabilities: LmsCapabilities | None = None
    last_lms_sync: datetime | None = None
    lms_sync: LmsSync | None = None
    held_back: HeldBack | None = None


class School(Model, frozen=True, kw_only=True):
    """A school."""

    id: str
    district: str
    name: str
    created: datetime
    last_modified: datetime
    sis_id: str | None = None
    school_number: str | None = None


class Term(Model, frozen=True, kw_only=True):
    """A term of the school year."""

    id: str
    district: str
    name: str
    start_date: date | None = None
    end_date: date | None = None


class Course(Model, frozen=True, kw_only=True):
    """A course, which has sections."""

    id: str
    district: str
    name: str
    number: str | None = None


class Section(Model, frozen=True, kw_only=True):
    """A class, with the ids of its people."""

    id: str
    district: str
    name: str
    students: tuple[str, ...]
    teachers: tuple[str, ...]
    lms_status: LmsStatus
    created: datetime
    last_modified: datetime
    course: str | None = None
    grade: str | None = None
    period: str | None = None
    school: str | None = None
    section_number: str | None = None
    sis_id: str | None = None
    subject: str | None = None
    teacher: str | None = None
    """The first of the teachers."""
    term_id: str | None = None


class Name(Model, frozen=True, kw_only=True):
    """A person's name."""

    first: str
    last: str
    middle: str | None = None


class Credentials(Model, frozen=True, kw_only=True):
    """How a person signs in."""

    district_username: str


class RoleDetails(Model, frozen=True, kw_only=True):
    """What is known of a person in one role."""

    sis_id: str | None = None
    school: str | None = None
    grade: str | None = None
    student_number: str | None = None
    teacher_number: str | None = None
    state_id: str | None = None
    credentials: Credentials | None = None


class Roles(Model, frozen=True, kw_only=True):
    """A person's roles."""

    student: RoleDetails | None = None
    teacher: RoleDetails | None = None


class User(Model, frozen=True, kw_only=True):
    """A student or teacher."""

    id: str
    district: str
    name: Name
    roles: Roles
    lms_status: LmsStatus
    created: datetime
    last_modified: datetime
    email: str | None = None


class RosterEventData(Model, frozen=True, kw_only=True):
    """What has changed."""

    object: dict[str, Any]
    """The roster object as it is now, or as it was before it was deleted."""
    previous_attributes: dict[str, Any] | None = None


class RosterEvent(Model, frozen=True, kw_only=True):
    """A change of the roster."""

    id: str
    type: str
    """Such as ``users.updated``."""
    created: datetime
    data: RosterEventData
