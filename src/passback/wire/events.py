"""The messages that webhooks bring: ``{"type": ..., "timestamp": ..., "data": {...}}``, as Standard Webhooks has them.

Their data are ids and outcomes, never names, grades or comments: whoever may see those reads them from the API.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from passback.wire.dates import show

DELIVERED = "delivery.delivered"
REFUSED = "delivery.refused"
EXPIRED = "delivery.expired"
ASSIGNMENT_DELETED = "assignment.deleted_in_lms"
CONNECTION_BROKEN = "connection.broken"

EVENTS = (DELIVERED, REFUSED, EXPIRED, ASSIGNMENT_DELETED, CONNECTION_BROKEN)
"""What a webhook can be registered for."""

MOST_WEBHOOKS = 20
"""Of one application in one district."""

TEST = "webhook.test"
"""The type of the message that is sent when a developer asks for one."""


class DeliveryData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a delivery to the LMS ended. The fields are in alphabetical order, as in all our answers."""

    assignment_id: str | None = None
    delivery_id: str
    message: str | None = None
    """The text of the contract's error, where it did not go well."""
    operation: str
    """Which one, by its name in the OpenAPI document."""
    section_id: str
    state: str
    status: int | None = None
    """The HTTP status that the call would have been answered with."""
    user_id: str | None = None


class AssignmentData(Struct, frozen=True, kw_only=True):
    """An assignment that is no longer in the LMS."""

    assignment_id: str
    section_id: str


class ConnectionData(Struct, frozen=True, kw_only=True):
    """A district whose LMS refuses the gateway's credentials."""

    district_id: str


class TestData(Struct, frozen=True, kw_only=True):
    """The webhook that a test message belongs to."""

    __test__ = False  # it is no test of pytest's

    webhook_id: str


Data = DeliveryData | AssignmentData | ConnectionData | TestData
D = TypeVar("D")


class Event(Struct, Generic[D], frozen=True):
    """A message."""

    type: str
    timestamp: str
    """When it happened, however much later it arrives."""
    data: D


def payload(kind: str, happened: int, data: Data) -> bytes:
    """The body of a message about what `happened` then (milliseconds since 1970)."""
    return msgspec.json.encode(Event(kind, show(happened), data))
