"""The messages that webhooks deliver: ``{"type": ..., "timestamp": ..., "data": {...}}``, as in Standard Webhooks.

They carry ids and outcomes, never names, grades or comments: a client that may see those reads them from the API.
Fields are in alphabetical order, as in all our answers.
The OpenAPI document takes its schemas and descriptions from here, as from `responses`.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from passback.wire.dates import show
from passback.wire.values import DateTime, MongoId, Uuid

DELIVERED = "delivery.delivered"
REFUSED = "delivery.refused"
EXPIRED = "delivery.expired"
ASSIGNMENT_DELETED = "assignment.deleted_in_lms"
ASSIGNMENT_CHANGED = "assignment.changed_in_lms"
GRADE_CHANGED = "grade.changed_in_lms"
CONNECTION_BROKEN = "connection.broken"
CONNECTION_DOWN = "connection.down"
CONNECTION_RESTORED = "connection.restored"
MATCH_WITHDRAWN = "match.withdrawn"
ROSTER_CHANGED = "roster.changed"

EVENTS = (
    DELIVERED,
    REFUSED,
    EXPIRED,
    ASSIGNMENT_CHANGED,
    ASSIGNMENT_DELETED,
    GRADE_CHANGED,
    CONNECTION_BROKEN,
    CONNECTION_DOWN,
    CONNECTION_RESTORED,
    MATCH_WITHDRAWN,
    ROSTER_CHANGED,
)
"""The events that a webhook can be registered for."""

ASKED_FOR = frozenset({ASSIGNMENT_CHANGED, GRADE_CHANGED})
"""Those that are sent only to a webhook that names them, because to notice them costs calls to the LMS."""
USUAL = tuple(event for event in EVENTS if event not in ASKED_FOR)
"""Those of a webhook that names none."""

MOST_WEBHOOKS = 20
"""The most webhooks that one application can have in one district."""

TEST = "webhook.test"
"""The type of the message that is sent on request, to try an endpoint."""


class DeliveryData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a delivery to the LMS ended."""

    assignment_id: Annotated[Uuid | None, Meta(description="The assignment's id.")] = None
    delivery_id: Annotated[str, Meta(description="The delivery's id.")]
    message: Annotated[str | None, Meta(description="The error, if the delivery failed.")] = None
    operation: Annotated[str, Meta(description="The operation, as in the delivery.")]
    section_id: Annotated[MongoId, Meta(description="The section's id.")]
    state: Annotated[str, Meta(description="The final state: `delivered`, `refused` or `expired`.")]
    status: Annotated[int | None, Meta(description="The HTTP status a synchronous call would have had.")] = (
        None
    )
    user_id: Annotated[MongoId | None, Meta(description="The student's id.")] = None


class AssignmentData(Struct, frozen=True, kw_only=True):
    """An assignment that was changed in the LMS, or no longer exists there."""

    assignment_id: Annotated[Uuid, Meta(description="The assignment's id.")]
    section_id: Annotated[MongoId, Meta(description="The section's id.")]


class GradeData(Struct, frozen=True, kw_only=True):
    """A student's grade, comment or excuse that was changed in the LMS."""

    assignment_id: Annotated[Uuid, Meta(description="The assignment's id.")]
    section_id: Annotated[MongoId, Meta(description="The section's id.")]
    user_id: Annotated[MongoId, Meta(description="The student's id.")]


class RosterData(Struct, frozen=True, kw_only=True):
    """Changes of a district's roster."""

    district_id: Annotated[MongoId, Meta(description="The district's id.")]
    events: Annotated[int, Meta(ge=1, description="How many there are since the last message.")]
    last_event_id: Annotated[MongoId, Meta(description="The id of the last of them, as in `/v3.1/events`.")]


class ConnectionData(Struct, frozen=True, kw_only=True):
    """A district whose LMS can no longer be used, or can be again."""

    district_id: Annotated[MongoId, Meta(description="The district's id.")]


class MatchData(Struct, frozen=True, kw_only=True):
    """Sections and users that are no longer matched in the LMS, until a sync or a person matches them again."""

    district_id: Annotated[MongoId, Meta(description="The district's id.")]
    section_ids: Annotated[list[MongoId], Meta(description="The sections' ids.")]
    user_ids: Annotated[list[MongoId], Meta(description="The students' and teachers' ids.")]


class TestData(Struct, frozen=True, kw_only=True):
    """The webhook that a test message was requested for."""

    __test__ = False  # not a test class for pytest

    webhook_id: Annotated[Uuid, Meta(description="The webhook's id.")]


Data = DeliveryData | AssignmentData | GradeData | ConnectionData | RosterData | MatchData | TestData
D = TypeVar("D")


class Event(Struct, Generic[D], frozen=True):
    """A message."""

    type: Annotated[str, Meta(description="The type of the event.")]
    timestamp: Annotated[DateTime, Meta(description="When the event happened, however late it arrives.")]
    data: Annotated[D, Meta(description="The ids and outcome of the event.")]


def payload(kind: str, happened: int, data: Data) -> bytes:
    """The body of a message about an event that happened at `happened` (milliseconds since 1970)."""
    return msgspec.json.encode(Event(kind, show(happened), data))
