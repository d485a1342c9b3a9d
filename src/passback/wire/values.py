"""The values that requests and answers hold: enumerations, and the types whose form a plain `str` does not tell.

`extra_json_schema` of a type here is its whole JSON Schema. The fields of `responses`, `roster` and `events` add a
description each; `openapi.schemas` makes the document's schemas of both.
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
SUBMISSION_FLAGS = ("excused", "late", "missing")
SUBMISSION_STATES = ("created", "submitted", "returned", "reclaimed")
SUBMISSION_TYPES = ("link", "file", "text", "discussion")
SYNC_PHASES = ("courses", "sections", "people", "matching")


def one_of(values: tuple[str, ...]) -> Meta:
    """The metadata of a text that is one of `values`."""
    return Meta(extra_json_schema={"type": "string", "enum": list(values)})


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
