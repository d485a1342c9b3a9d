"""The messages that webhooks deliver, by the type of the event."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from passback.wire import events
from passback.wire.openapi.examples import ASSIGNMENT, DELIVERY, DISTRICT, SECTION, STUDENT, WEBHOOK
from passback.wire.openapi.schemas import Schema, answer, reference

_DELIVERY: Schema = {
    "assignment_id": ASSIGNMENT,
    "delivery_id": DELIVERY,
    "operation": "update_submission",
    "section_id": SECTION,
    "user_id": STUDENT,
}

_MESSAGES: dict[str, tuple[type[Struct], str, Schema]] = {
    events.DELIVERED: (
        events.DeliveryData,
        "The LMS has the change.",
        _DELIVERY | {"state": "delivered", "status": 200},
    ),
    events.REFUSED: (
        events.DeliveryData,
        "The LMS refused the change; `message` says why.",
        _DELIVERY | {"state": "refused", "status": 404, "message": "User not found"},
    ),
    events.EXPIRED: (
        events.DeliveryData,
        "The LMS was unreachable for so long that Passback gave up.",
        _DELIVERY | {"state": "expired", "status": 500, "message": "Error updating submission"},
    ),
    events.ASSIGNMENT_DELETED: (
        events.AssignmentData,
        "An assignment was deleted in the LMS.",
        {"assignment_id": ASSIGNMENT, "section_id": SECTION},
    ),
    events.ASSIGNMENT_CHANGED: (
        events.AssignmentData,
        "A teacher changed an assignment in the LMS.",
        {"assignment_id": ASSIGNMENT, "section_id": SECTION},
    ),
    events.GRADE_CHANGED: (
        events.GradeData,
        "A teacher graded, commented on or excused a student in the LMS.",
        {"assignment_id": ASSIGNMENT, "section_id": SECTION, "user_id": STUDENT},
    ),
    events.CONNECTION_DOWN: (
        events.ConnectionData,
        "The district's LMS has failed so often that it is left alone for now.",
        {"district_id": DISTRICT},
    ),
    events.CONNECTION_RESTORED: (
        events.ConnectionData,
        "The district's LMS, which was down or refused the gateway's credentials, can be used again.",
        {"district_id": DISTRICT},
    ),
    events.ROSTER_CHANGED: (
        events.RosterData,
        "The district's roster changed: read the events of the roster.",
        {"district_id": DISTRICT, "events": 3, "last_event_id": "6563a1c0a1b2c30000000003"},
    ),
    events.CONNECTION_BROKEN: (
        events.ConnectionData,
        "The district's LMS refuses the gateway's credentials.",
        {"district_id": DISTRICT},
    ),
    events.MATCH_WITHDRAWN: (
        events.MatchData,
        "Sections or users are no longer matched in the LMS: a person must decide.",
        {"district_id": DISTRICT, "section_ids": [SECTION], "user_ids": [STUDENT]},
    ),
    events.TEST: (events.TestData, "A test message, sent on request.", {"webhook_id": WEBHOOK}),
}
"""By the type of the event: what its message holds, what it says, and an example of what it holds."""

_HEADERS = {
    "webhook-id": "The message's id, the same for every try.",
    "webhook-timestamp": "When this try was made, in seconds since 1970.",
    "webhook-signature": "The signature over the id, the timestamp and the body, as in Standard Webhooks.",
}
_ANSWERS: Schema = {
    "2XX": {"description": "Received; any other answer is retried."},
    "410": {"description": "No more messages are wanted: the webhook is disabled."},
}


def webhooks() -> Schema:
    """The messages as requests to the application's endpoint."""
    parameters = [
        {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
        for name, text in _HEADERS.items()
    ]
    found: Schema = {}
    for kind, (_, description, data) in _MESSAGES.items():
        example = {"type": kind, "timestamp": "2026-01-02T00:00:01.000Z", "data": data}
        content: dict[str, Any] = {"schema": reference(_name(kind)), "example": example}
        found[kind] = {
            "post": {
                "operationId": f"receive{_name(kind)}",
                "summary": f"Receive `{kind}`",
                "description": description,
                "tags": ["Webhooks"],
                "security": [],
                "parameters": parameters,
                "requestBody": {"required": True, "content": {"application/json": content}},
                "responses": _ANSWERS,
            }
        }
    return found


def messages() -> Schema:
    """The schemas of the messages, by name."""
    found: Schema = {}
    for kind, (data, description, _) in _MESSAGES.items():
        schema = answer(events.Event[data])  # type: ignore[valid-type]
        schema["properties"]["type"] = {"const": kind, "description": f"Always `{kind}`."}
        found[_name(kind)] = schema | {"description": description}
    return found


def _name(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.replace("_", ".").split(".")) + "Event"
