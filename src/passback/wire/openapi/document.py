"""The OpenAPI 3.1 document, served at ``/openapi.json``: made from the operations, the errors and the structs.

`paths`, `failures` and `schemas` make its large parts; here they are put together with the calls beside the API.
"""

from __future__ import annotations

from msgspec import Struct

from passback.wire import events
from passback.wire.openapi.headers import HEADERS
from passback.wire.openapi.paths import paths
from passback.wire.openapi.sandbox import sandbox_paths, untokened
from passback.wire.openapi.schemas import Schema, answer, schemas

_TAGS = {
    "Assignments": "A section's assignments, as they are in the LMS.",
    "Submissions": "Each assigned student's work and grade.",
    "Deliveries": "Changes accepted in the background (`Prefer: respond-async`), and their progress.",
    "Roster": "The district's schools, sections and people, and whether they are matched in the LMS.",
    "Webhooks": "Endpoints that receive the application's events (docs/how-to/receive-webhooks.md).",
    "Launches": "Who opened the application in an LMS, and from where (docs/reference/launches.md).",
    "Sandbox": "Sandbox only, without a token: its state, clock and requests, and what people do in its LMSs.",
    "Health": "For operators.",
}

_INTRODUCTION = """\
One API call puts an assignment or a grade into whichever LMS the school district uses. This is the Grade Passback API \
(LMS Connect v3.1), exactly as published, with Passback's additions.

Every call needs a district-app token. In the sandbox, press *Authorize* and enter `DEMO_TOKEN`; the examples use the \
sandbox's ids."""


def document(version: str, *, sandbox: bool) -> Schema:
    """The document of a gateway of that version, or of a sandbox."""
    token = "A district-app token." + (" In the sandbox: `DEMO_TOKEN`." if sandbox else "")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Passback",
            "version": version,
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [
            {"name": name, "description": text}
            for name, text in _TAGS.items()
            if sandbox or name != "Sandbox"
        ],
        "webhooks": _messages(),
        "paths": paths(sandbox=sandbox) | _HEALTH | (sandbox_paths() if sandbox else {}),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": token}},
            "schemas": schemas(),
            "headers": HEADERS,
        },
    }


# The messages of webhooks

_MESSAGES: dict[str, tuple[type[Struct], str]] = {
    events.DELIVERED: (events.DeliveryData, "The LMS has the change."),
    events.REFUSED: (events.DeliveryData, "The LMS refused the change; `message` says why."),
    events.EXPIRED: (events.DeliveryData, "The LMS was unreachable for so long that Passback gave up."),
    events.ASSIGNMENT_DELETED: (events.AssignmentData, "An assignment was deleted in the LMS."),
    events.CONNECTION_BROKEN: (
        events.ConnectionData,
        "The district's LMS refuses the gateway's credentials.",
    ),
    events.MATCH_WITHDRAWN: (
        events.MatchData,
        "Sections or users are no longer matched in the LMS: a person must decide.",
    ),
    events.TEST: (events.TestData, "A test message, sent on request."),
}
_MESSAGE_ANSWERS = {
    "2XX": {"description": "Received; any other answer is retried."},
    "410": {"description": "No more messages are wanted: the webhook is disabled."},
}


def _messages() -> Schema:
    """The messages that webhooks deliver, by the type of the event."""
    found: Schema = {}
    for kind, (data, summary) in _MESSAGES.items():
        content = answer(events.Event[data])  # type: ignore[valid-type]
        content["properties"]["type"] = {"const": kind}
        body = {"required": True, "content": {"application/json": {"schema": content}}}
        found[kind] = {
            "post": {
                "summary": summary,
                "security": [],
                "requestBody": body,
                "responses": _MESSAGE_ANSWERS,
            }
        }
    return found


# Beside the API


_NOT_NOW = {"503": {"description": "Not ready.", "content": {"application/json": {}}}}
_HEALTH: dict[str, Schema] = {
    "/health/live": {"get": untokened("live", "Health", "Check that the process is alive")},
    "/health/ready": {
        "get": untokened(
            "ready",
            "Health",
            "Check that the gateway can serve requests, including its database",
            responses=_NOT_NOW,
        )
    },
}
