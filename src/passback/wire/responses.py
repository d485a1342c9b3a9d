"""The published objects of answers, with their fields in the published (alphabetical) order.

A field without a value is left out of an answer; 0 and "" are values. The OpenAPI document takes its schemas and
descriptions from here.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Raw, Struct

from passback.wire.values import (
    Count,
    DateTime,
    MongoId,
    Points,
    Uuid,
    one_of,
)


class Attachment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file, a link, or a student's text."""

    description: Annotated[str | None, Meta(description="A description of the attachment.")] = None
    text: Annotated[str | None, Meta(description="The text itself, for type `text`.")] = None
    title: Annotated[str | None, Meta(description="The title of the attachment.")] = None
    type: Annotated[
        str,
        one_of("AttachmentType"),
        Meta(description="Defaults to `file`; `text` is allowed only on submissions."),
    ]
    url: Annotated[
        str | None, Meta(description="Where the attachment is found; starts with http:// or https://.")
    ] = None


class GradingScaleEntry(Struct, frozen=True, kw_only=True):
    """A letter, and the lowest percentage that earns it."""

    name: Annotated[str, Meta(description="The letter.")]
    value: Annotated[str, Meta(description="The lowest percentage that earns the letter.")]


class GradingScale(Struct, frozen=True, kw_only=True):
    """The letters that an assignment is graded with."""

    entries: Annotated[list[GradingScaleEntry], Meta(description="The letters, best first.")]
    name: Annotated[str, Meta(description="The name of the scale.")]


class Assignment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An assignment as it is in the LMS."""

    assignee_ids: Annotated[
        list[str] | None, Meta(description="The assigned students, if `assignee_mode` is `individuals`.")
    ] = None
    assignee_mode: Annotated[str, one_of("AssigneeMode"), Meta(description="Who gets the assignment.")]
    attachments: Annotated[list[Attachment] | None, Meta(description="Material for the assignment.")] = None
    category_id: Annotated[
        str | None, Meta(description="The LMS's id of the grading category the assignment counts toward.")
    ] = None
    created: Annotated[DateTime | None, Meta(description="When the assignment was created.")] = None
    description: Annotated[str, Meta(description="The instructions; may contain HTML.")]
    description_plaintext: Annotated[
        str | None, Meta(description="The instructions as plain text, without markup.")
    ] = None
    display_date: Annotated[DateTime | None, Meta(description="When students can first see it.")] = None
    due_date: Annotated[DateTime | None, Meta(description="When it is due.")] = None
    end_date: Annotated[DateTime | None, Meta(description="Last moment work is accepted.")] = None
    grading_scale: Annotated[
        list[GradingScale] | None, Meta(description="Present if `grading_type` is `letter_grade`.")
    ] = None
    grading_type: Annotated[str, one_of("GradingType"), Meta(description="How the assignment is graded.")]
    id: Annotated[Uuid, Meta(description="The assignment's id.")]
    last_modified: Annotated[DateTime | None, Meta(description="When the assignment last changed.")] = None
    max_attempts: Annotated[int | None, Meta(description="How many times a student may submit.", ge=1)] = None
    points_possible: Annotated[
        Points | None, Meta(description="The number of points the assignment is worth.")
    ] = None
    start_date: Annotated[DateTime | None, Meta(description="When students can start working on it.")] = None
    state: Annotated[
        str, one_of("AssignmentState"), Meta(description="The current state; derived, never set by a client.")
    ]
    submission_types: Annotated[
        list[Annotated[str, one_of("SubmissionType")]] | None, Meta(description="What students can submit.")
    ] = None
    term_id: Annotated[str | None, Meta(description="The term the assignment counts toward.")] = None
    title: Annotated[str, Meta(description="The title of the assignment.")]


class Submission(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A student's submission as it is in the LMS."""

    assignment_id: Annotated[Uuid, Meta(description="The assignment's id.")]
    attachments: Annotated[list[Attachment] | None, Meta(description="The student's work.")] = None
    created: Annotated[DateTime | None, Meta(description="When the submission was created.")] = None
    extra_attempts: Annotated[
        Count | None, Meta(description="Attempts allowed in addition to `max_attempts`.")
    ] = None
    flags: Annotated[
        list[Annotated[str, one_of("SubmissionFlag")]] | None,
        Meta(description="`excused` is set by the client; `late` and `missing` follow from the dates."),
    ] = None
    grade: Annotated[
        str | None, Meta(description="The grade as text: a number, `85%`, `pass` or `fail`, or a letter.")
    ] = None
    grade_comment: Annotated[
        str | None, Meta(description="A comment for the student; answers show the newest.")
    ] = None
    grade_points: Annotated[Points | None, Meta(description="The grade in points.")] = None
    grader_id: Annotated[str | None, Meta(description="The teacher who graded the submission.")] = None
    last_modified: Annotated[DateTime | None, Meta(description="When the submission last changed.")] = None
    override_due_date: Annotated[
        DateTime | None, Meta(description="When the assignment is due for this student only.")
    ] = None
    state: Annotated[
        str,
        one_of("SubmissionState"),
        Meta(description="The current state; `returned` makes the grade visible to the student."),
    ]
    user_id: Annotated[MongoId, Meta(description="The student's id.")]


class Webhook(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An endpoint at which an application receives events."""

    created: Annotated[DateTime, Meta(description="When the webhook was created.")]
    disabled: Annotated[bool, Meta(description="Whether sending to the endpoint is switched off.")]
    events: Annotated[
        list[Annotated[str, one_of("WebhookEvent")]],
        Meta(
            description="The events the endpoint receives; by default all, but for `assignment.changed_in_lms` and"
            " `grade.changed_in_lms`."
        ),
    ]
    fetch: Annotated[
        bool,
        Meta(description="Whether its messages are kept to be fetched, instead of being sent to a URL."),
    ] = False
    id: Annotated[Uuid, Meta(description="The webhook's id.")]
    last_modified: Annotated[DateTime, Meta(description="When the webhook last changed.")]
    secret: Annotated[
        str | None, Meta(description="The secret that signs messages; shown once, when it is created.")
    ] = None
    secret_before_until: Annotated[
        DateTime | None, Meta(description="Until this time, the previous secret signs messages as well.")
    ] = None
    url: Annotated[
        str,
        Meta(description="The endpoint's URL; starts with https://. Empty if the messages are fetched."),
    ]


class WebhookMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message to a webhook, and what became of it."""

    attempts: Annotated[Count, Meta(description="How many times sending it was tried.")]
    created: Annotated[DateTime, Meta(description="When the event happened.")]
    error: Annotated[
        DeliveryError | None,
        Meta(description="How the endpoint answered the last try, or why it could not be reached."),
    ] = None
    event: Annotated[
        Raw, Meta(description="The event, as the message says it.", extra_json_schema={"type": "object"})
    ]
    expires: Annotated[DateTime, Meta(description="Until when it is tried.")]
    finished: Annotated[
        DateTime | None, Meta(description="When it was delivered, or given up; absent until then.")
    ] = None
    id: Annotated[Uuid, Meta(description="The message's id, as in its `webhook-id` header.")]
    next_attempt: Annotated[DateTime | None, Meta(description="When it is next tried.")] = None
    state: Annotated[
        str,
        one_of("DeliveryState"),
        Meta(
            description="`refused` if the endpoint answered 410 or the webhook was disabled; `expired` if it"
            " did not take it in 72 hours."
        ),
    ]
    webhook_id: Annotated[Uuid, Meta(description="The webhook's id.")]


class WebhookResend(Struct, frozen=True, kw_only=True):
    """How many messages are sent again."""

    more: Annotated[bool, Meta(description="Whether there are more: ask again.")]
    resent: Annotated[Count, Meta(description="How many messages are sent again.")]


class FetchedMessage(Struct, frozen=True, kw_only=True):
    """A message as an endpoint would get it, signed now."""

    body: Annotated[str, Meta(description="The body, which the signature covers as it is.")]
    headers: Annotated[
        dict[str, str],
        Meta(description="The headers: `webhook-id`, `webhook-timestamp` and `webhook-signature`."),
    ]
    id: Annotated[Uuid, Meta(description="The message's id.")]


class WebhookTest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of sending a test message."""

    delivered: Annotated[bool, Meta(description="Whether the endpoint answered with a 2xx status.")]
    id: Annotated[Uuid, Meta(description="The message's id, as in its `webhook-id` header.")]
    message: Annotated[str | None, Meta(description="Why the message was not delivered.")] = None
    status: Annotated[
        int | None, Meta(description="The HTTP status of the endpoint's answer, if it answered.")
    ] = None


class LaunchAddress(Struct, frozen=True, kw_only=True):
    """Where the application takes the people whom an LMS starts it for."""

    created: Annotated[DateTime, Meta(description="When the first address was registered.")]
    last_modified: Annotated[DateTime, Meta(description="When the address last changed.")]
    url: Annotated[str, Meta(description="The address; starts with https://.")]


class Launch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who opened the application in an LMS, and from where."""

    assignment_id: Annotated[
        Uuid | None, Meta(description="The assignment, if it was opened from one of the application's.")
    ] = None
    choosing: Annotated[
        bool,
        Meta(
            description="Whether a teacher is to choose an activity, which is then sent to `.../deep_link`."
        ),
    ] = False
    choosing_several: Annotated[
        bool,
        Meta(
            description="Whether the teacher may choose several activities, each of which is sent by itself."
        ),
    ] = False
    custom: Annotated[
        dict[str, Any] | None, Meta(description="The link's own parameters, as the LMS sends them.")
    ] = None
    district_id: Annotated[MongoId, Meta(description="The district's id.")]
    for_user_id: Annotated[
        MongoId | None,
        Meta(
            description="The student whose work is to be reviewed; absent if nobody is matched, or nothing is."
        ),
    ] = None
    launched: Annotated[DateTime, Meta(description="When it was opened.")]
    link_id: Annotated[str | None, Meta(description="The id of the link in the LMS.")] = None
    link_title: Annotated[str | None, Meta(description="The title of the link in the LMS.")] = None
    lms_for_user_id: Annotated[
        str | None, Meta(description="The id, in the LMS, of the student whose work is to be reviewed.")
    ] = None
    lms_section_id: Annotated[str | None, Meta(description="The id of the course in the LMS.")] = None
    lms_user_id: Annotated[
        str | None, Meta(description="The id of the person in the LMS; absent if the LMS keeps it to itself.")
    ] = None
    role: Annotated[str, one_of("LaunchRole"), Meta(description="What the person is in the course.")]
    section_id: Annotated[
        MongoId | None, Meta(description="The section that is matched to the course; absent if none is.")
    ] = None
    target: Annotated[str | None, Meta(description="The address that the link in the LMS points to.")] = None
    user_id: Annotated[
        MongoId | None, Meta(description="The user who is matched to the person; absent if none is.")
    ] = None


class DeepLink(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An activity that a teacher has chosen in an LMS."""

    activity: Annotated[
        str | None,
        Meta(description="The application's own id of it, which launches bring as `custom.activity`."),
    ] = None
    assignment_id: Annotated[
        Uuid | None,
        Meta(description="The assignment that it becomes once it is in the LMS; absent if it has no points."),
    ] = None
    description: Annotated[str | None, Meta(description="The description, as plain text.")] = None
    points_possible: Annotated[
        Points | None, Meta(description="The points; without any it has no column in the gradebook.")
    ] = None
    title: Annotated[str, Meta(description="The title.")]
    url: Annotated[str, Meta(description="Where to send the browser now; good once.")]


class SubmissionOutcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of one student's part of a bulk update, as if it had been sent alone."""

    user_id: Annotated[str, Meta(description="The student's id, as sent.")]
    status: Annotated[int, Meta(description="The HTTP status this part would have had if sent alone.")]
    data: Annotated[Submission | Raw | None, Meta(description="The submission, if the status is 200.")] = None
    message: Annotated[str | None, Meta(description="The error, if the status is not 200.")] = None


class DeliveryError(Struct, frozen=True, kw_only=True):
    """Why a delivery was refused, or why the last attempt failed."""

    status: Annotated[int, Meta(description="The HTTP status a synchronous call would have had.")]
    message: Annotated[str, Meta(description="What went wrong.")]


class Delivery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change that was accepted, and its progress into the LMS."""

    assignment_id: Annotated[
        str | None, Meta(description="The assignment's id, also while it is still to be made.")
    ] = None
    attempts: Annotated[Count, Meta(description="The number of attempts so far.")]
    created: Annotated[DateTime, Meta(description="When the change was accepted.")]
    error: Annotated[
        DeliveryError | None, Meta(description="Why it was refused, or why the last attempt failed.")
    ] = None
    expires: Annotated[DateTime, Meta(description="When Passback stops trying.")]
    finished: Annotated[DateTime | None, Meta(description="When the delivery reached its final state.")] = (
        None
    )
    id: Annotated[str, Meta(description="The delivery's id.")]
    next_attempt: Annotated[DateTime | None, Meta(description="When the next attempt is due.")] = None
    operation: Annotated[
        str,
        one_of("DeliveryOperation"),
        Meta(description="The requested operation; `update_submissions` is a bulk update."),
    ]
    result: Annotated[
        Raw | list[SubmissionOutcome] | None,
        Meta(
            description="What a synchronous call would have returned; for a bulk update, one outcome per student.",
            extra_json_schema={
                "anyOf": [
                    {"$ref": "#/components/schemas/Assignment"},
                    {"$ref": "#/components/schemas/Submission"},
                    {"type": "array", "items": {"$ref": "#/components/schemas/SubmissionOutcome"}},
                ]
            },
        ),
    ] = None
    section_id: Annotated[str | None, Meta(description="The section.")] = None
    state: Annotated[
        str,
        one_of("DeliveryState"),
        Meta(
            description="`waiting` for its turn or the next attempt, `delivering` now; finally `delivered`, `refused`, "
            "`expired`, `failed` (a synchronous call received the error), or `cancelled` by the operator."
        ),
    ]
    superseded_by: Annotated[
        str | None, Meta(description="A newer delivery that sets everything this one was going to set.")
    ] = None
    user_id: Annotated[str | None, Meta(description="The student.")] = None
    warnings: Annotated[list[str] | None, Meta(description="What was ignored or adjusted.")] = None
