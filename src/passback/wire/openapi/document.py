"""The OpenAPI 3.1 document, served at ``/openapi.json``: made from the operations, the errors and the structs.

`paths`, `answers`, `failures`, `messages` and `schemas` make its large parts; here they are put together with the calls
beside the API.
"""

from __future__ import annotations

from passback.wire.openapi.answers import answers
from passback.wire.openapi.failures import error_examples, shared_failures
from passback.wire.openapi.headers import HEADERS
from passback.wire.openapi.messages import messages, webhooks
from passback.wire.openapi.paths import paths
from passback.wire.openapi.sandbox import sandbox_paths, untokened
from passback.wire.openapi.schemas import Schema, schemas

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
        "servers": [{"url": "/", "description": "The gateway that serves this document."}],
        "security": [{"token": []}],
        "tags": [
            {"name": name, "description": text}
            for name, text in _TAGS.items()
            if sandbox or name != "Sandbox"
        ],
        "webhooks": webhooks(),
        "paths": paths(sandbox=sandbox) | _HEALTH | (sandbox_paths() if sandbox else {}),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": token}},
            "schemas": {**schemas(), **answers(), **messages()},
            "responses": shared_failures(),
            "examples": error_examples(),
            "headers": HEADERS,
        },
    }


# Beside the API


_NOT_NOW = {"503": {"description": "Not ready.", "content": {"application/json": {}}}}
_HEALTH: dict[str, Schema] = {
    "/health/live": {
        "get": untokened(
            "getLiveness",
            "Health",
            "Check that the process is alive",
            "A process that does not answer is to be started again.",
        )
    },
    "/health/ready": {
        "get": untokened(
            "getReadiness",
            "Health",
            "Check that the gateway can serve requests, including its database",
            "A process that is not ready is to get no requests.",
            responses=_NOT_NOW,
        )
    },
}
