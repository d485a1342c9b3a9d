"""The values that requests and answers hold: enumerations, and the types whose form a plain `str` does not tell.

`extra_json_schema` of a type here is its whole JSON Schema, or a reference to that of an enumeration. The fields of
`responses`, `roster` and `events` add a description each; `openapi.schemas` makes the document's schemas of both.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw

ASSIGNEE_MODES = ("all", "individuals")
ASSIGNMENT_STATES = ("draft", "scheduled", "open", "locked")
ATTACHMENT_TYPES = ("file", "link", "text")
DELIVERY_OPERATIONS = (
    "create_assignment",
    "update_assignment",
    "delete_assignment",
    "update_submission",
    "update_submissions",
)
DELIVERY_STATES = ("waiting", "delivering", "delivered", "refused", "expired", "failed", "cancelled")
GRADING_TYPES = ("points", "percent", "pass_fail", "letter_grade")
LAUNCH_ROLES = ("teacher", "student", "mentor", "administrator", "other")
LINK_RELATIONS = ("self", "next", "prev")
LMS_CAN = ("yes", "no", "sometimes")
LMS_COMMENTS = ("added", "replaced", "none")
LMS_STATES = (
    "initial_sync_processing",
    "pending_authorization",
    "matching_in_progress",
    "error",
    "disconnected",
    "",
    "success",
)
"""Of a district's connection; the empty one belongs to a district that has none."""
RECORD_TYPES = ("schools", "terms", "courses", "sections", "users")
ROSTER_ROLES = ("student", "teacher")
SUBMISSION_FLAGS = ("excused", "late", "missing")
SUBMISSION_STATES = ("created", "submitted", "returned", "reclaimed")
SUBMISSION_TYPES = ("link", "file", "text", "discussion")
SYNC_PHASES = ("courses", "sections", "people", "matching")


ENUMERATIONS = {
    "AssigneeMode": ("Who gets an assignment.", ASSIGNEE_MODES),
    "AssignmentState": ("The state of an assignment.", ASSIGNMENT_STATES),
    "AttachmentType": ("What an attachment is.", ATTACHMENT_TYPES),
    "DeliveryOperation": ("What a delivery does in the LMS.", DELIVERY_OPERATIONS),
    "DeliveryState": ("How far a delivery is.", DELIVERY_STATES),
    "GradingType": ("How an assignment is graded.", GRADING_TYPES),
    "LaunchRole": ("What a person is in a course of the LMS.", LAUNCH_ROLES),
    "LinkRelation": ("Which page of a list a link leads to.", LINK_RELATIONS),
    "LmsAbility": (
        "Whether an LMS can do something; `sometimes`: not in every course or with every assignment.",
        LMS_CAN,
    ),
    "LmsComments": ("What becomes of a comment on a grade in an LMS.", LMS_COMMENTS),
    "LmsState": ("The state of a district's connection to its LMS; empty if it has none.", LMS_STATES),
    "RecordType": ("A type of roster object.", RECORD_TYPES),
    "RosterRole": ("What a user is in the roster.", ROSTER_ROLES),
    "SubmissionFlag": ("A mark on a submission.", SUBMISSION_FLAGS),
    "SubmissionState": ("The state of a submission.", SUBMISSION_STATES),
    "SubmissionType": ("What a student can submit.", SUBMISSION_TYPES),
    "SyncPhase": ("What is being done while an LMS is read.", SYNC_PHASES),
}
"""The enumerations by their names in the OpenAPI document, after which made clients name their types; each with its
description and values."""


def one_of(name: str) -> Meta:
    """The metadata of a text that is one of the values of that name in `ENUMERATIONS`, or of the events."""
    return Meta(extra_json_schema={"$ref": f"#/components/schemas/{name}"})


DateTime = Annotated[str, Meta(extra_json_schema={"type": "string", "format": "date-time"})]
"""As `dates.show` writes it."""

Day = Annotated[str, Meta(extra_json_schema={"type": "string", "format": "date"})]

MONGO_ID = "^[0-9a-fA-F]{24}$"
MongoId = Annotated[str, Meta(extra_json_schema={"type": "string", "pattern": MONGO_ID})]
"""The id of a district, school, term, course, section, user or roster event."""

Uuid = Annotated[str, Meta(extra_json_schema={"type": "string", "format": "uuid"})]

Count = Annotated[int, Meta(ge=0)]
Percent = Annotated[float, Meta(ge=0, le=100)]

Points = Annotated[Raw, Meta(extra_json_schema={"type": "number", "minimum": 0})]
"""As `encode.number` writes it."""
