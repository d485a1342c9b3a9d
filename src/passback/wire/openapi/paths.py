"""The operations of the API as the document describes them: parameters, bodies and answers."""

from __future__ import annotations

from passback.wire.openapi import examples
from passback.wire.openapi.answers import answer_example, answer_name
from passback.wire.openapi.failures import failures
from passback.wire.openapi.headers import RATE_LIMIT, header_references, replayed
from passback.wire.openapi.schemas import Schema, reference
from passback.wire.openapi.texts import DESCRIPTIONS, SUMMARIES, operation_id
from passback.wire.operations import OPERATIONS, Operation
from passback.wire.values import MONGO_ID


def paths(*, sandbox: bool) -> dict[str, Schema]:
    """Every operation, by path and method."""
    found: dict[str, Schema] = {}
    for operation in OPERATIONS:
        described = _operation(operation, sandbox=sandbox)
        if sandbox and "{section_id}" in operation.path:
            described["parameters"].append(_FAULT)
        found.setdefault(operation.path, {})[operation.method.lower()] = described
    return found


def _operation(operation: Operation, *, sandbox: bool) -> Schema:
    name = operation.name
    described: Schema = {
        "operationId": operation_id(operation),
        "summary": SUMMARIES[name],
        "description": DESCRIPTIONS[name],
        "tags": [operation.tag],
        "parameters": _path_parameters(operation) + _query_parameters(operation),
        "responses": {"200": _success(operation), **failures(operation)},
    }
    if name in examples.BODIES:
        schema, example = examples.BODIES[name]
        if sandbox:
            example = examples.SANDBOX_BODIES.get(name, example)
        content = {"schema": reference(schema), "example": example}
        if name in _REQUIRED:
            # Beside the reference, as generators keep the schema's name so; with fields beside it, some do not.
            content["schema"] |= {"required": _REQUIRED[name]}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    if _may_be_delivered_later(operation):
        described["parameters"].append(_PREFER)
        described["responses"]["202"] = _accepted(operation)
    if name == "create_assignment":
        described["parameters"].append(_KEY)
    return described


_REQUIRED = {
    "create_assignment": ["title", "description", "due_date"],
    "create_webhook": ["url"],
    "create_launch_address": ["url"],
    "create_deep_link": ["title"],
}
"""What a create requires beyond the schema that it has in common with updates."""


def _may_be_delivered_later(operation: Operation) -> bool:
    """Whether it changes something in an LMS, and can leave that to the background. A deletion cannot."""
    return operation.tag in ("Assignments", "Submissions") and operation.method in ("POST", "PATCH")


# Parameters

_PATH_PARAMETERS: dict[str, Schema] = {
    "section_id": {
        "schema": {"type": "string", "pattern": MONGO_ID},
        "example": examples.SECTION,
        "description": "The section's id.",
    },
    "assignment_id": {
        "schema": {"type": "string"},
        "example": examples.ASSIGNMENT,
        "description": "The assignment's id, a UUID.",
    },
    "user_id": {
        "schema": {"type": "string", "pattern": MONGO_ID},
        "example": examples.STUDENT,
        "description": "The student's id.",
    },
    "delivery_id": {
        "schema": {"type": "string"},
        "example": examples.DELIVERY,
        "description": "The delivery's id, a UUID.",
    },
    "webhook_id": {
        "schema": {"type": "string"},
        "example": examples.WEBHOOK,
        "description": "The webhook's id, a UUID.",
    },
    "message_id": {
        "schema": {"type": "string"},
        "example": examples.MESSAGE,
        "description": "The message's id, a UUID.",
    },
    "code": {
        "schema": {"type": "string"},
        "example": examples.CODE,
        "description": "The `code` that the person came with to the launch address; valid for two minutes.",
    },
    "id": {"schema": {"type": "string", "pattern": MONGO_ID}, "description": "The object's id."},
}

_PREFER: Schema = {
    "name": "Prefer",
    "in": "header",
    "schema": {"type": "string"},
    "description": "`respond-async`: answer 202 as soon as the change is stored, and deliver it in the background.",
}
_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": '^("[ !#-\\[\\]-~]+"|[!#-~]([ -~]*[!-~])?)$',
    },
    "description": "A value you choose for this request, such as a UUID. Repeating the request with the same key and "
    "body within 24 hours returns the first answer and creates nothing.",
}
_FAULT: Schema = {
    "name": "Sandbox-Fault",
    "in": "header",
    "schema": {"type": "string"},
    "description": "Sandbox only: makes the LMS fail for this request. One of `timeout`, `error-before`, "
    "`error-after`, `throttled`, `slow=500ms`, `expired-credentials`, `deleted`, `not-enrolled`.",
}


_EXAMPLES_OF_ID = {"sections": examples.SECTION, "users": examples.STUDENT}
"""By the segment before it."""


def _path_parameters(operation: Operation) -> list[Schema]:
    found = []
    kind = ""
    for part in operation.path.split("/"):
        if part.startswith("{"):
            name = part[1:-1]
            described = {"name": name, "in": "path", "required": True, **_PATH_PARAMETERS[name]}
            if name == "id" and kind in _EXAMPLES_OF_ID:
                described["example"] = _EXAMPLES_OF_ID[kind]
            found.append(described)
        kind = part
    return found


_TEXT: Schema = {"type": "string"}
_QUERY_PARAMETERS: dict[str, Schema] = {
    "cursor": {
        "description": "Taken from the link to the next page; valid for two hours.",
        "schema": _TEXT,
    },
    "starting_after": {"description": "Start after this id.", "schema": _TEXT},
    "ending_before": {"description": "End before this id.", "schema": _TEXT},
    "role": {"description": "Only users with this role.", "schema": reference("RosterRole")},
    "sis_id": {
        "description": "Only the one with this SIS id (a user can be there in both roles).",
        "schema": _TEXT,
    },
    "email": {"description": "Only users with this email address, in upper or lower case.", "schema": _TEXT},
    "student_number": {"description": "Only students with this number.", "schema": _TEXT},
    "record_type": {
        "description": "Only these types; repeat it for several.",
        "schema": {"type": "array", "items": reference("RecordType")},
    },
    "since": {
        "description": "Only messages of events from then on.",
        "schema": {"type": "string", "format": "date-time"},
        "required": True,
        "example": "2026-01-01T00:00:00Z",
    },
    "done": {
        "description": "The ids of messages that are not to be handed out again, separated by commas.",
        "schema": _TEXT,
    },
    "wait": {
        "description": "For how many seconds to wait if there are no messages.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 20, "default": 0},
    },
    "state": {
        "description": "Only those in these states.",
        "schema": {"type": "array", "items": reference("DeliveryState")},
        "style": "form",
        "explode": False,
    },
}
_QUERY_EXAMPLES = {
    "list_sections": {"sis_id": examples.SECTION_SIS_ID},
    "list_users": {
        "email": examples.STUDENT_EMAIL,
        "sis_id": examples.STUDENT_SIS_ID,
        "student_number": examples.STUDENT_NUMBER,
    },
}


def _query_parameters(operation: Operation) -> list[Schema]:
    limit: Schema = {
        "type": "integer",
        "minimum": 1,
        "maximum": 1000 if operation.tag == "Roster" else 100,
        "default": 100,
    }
    known = {
        **_QUERY_PARAMETERS,
        "limit": {"description": "The maximum number of items per page.", "schema": limit},
    }
    shown = _QUERY_EXAMPLES.get(operation.name, {})
    return [
        {"name": name, "in": "query", **known[name], **({"example": shown[name]} if name in shown else {})}
        for name in operation.query
    ]


# Answers


def _success(operation: Operation) -> Schema:
    headers = header_references(*RATE_LIMIT, "Passback-Warnings", *replayed(operation))
    if operation.name.startswith("delete_"):
        return {"description": "Deleted; the body is empty.", "headers": headers}
    content = {"schema": reference(answer_name(operation))}
    if (example := answer_example(operation)) is not None:
        content["example"] = example
    return {"description": "OK", "headers": headers, "content": {"application/json": content}}


def _accepted(operation: Operation) -> Schema:
    unasked = (
        ""
        if operation.name == "create_assignment"
        else " Also without `Prefer`, if the assignment's create was accepted and still waits."
    )
    content = {
        "schema": reference("DeliveryResponse"),
        "example": {"data": examples.WAITING_DELIVERY},
    }
    own = ("Preference-Applied", "Location", "Passback-Warnings", *replayed(operation))
    return {
        "description": "Accepted: the change is stored, and is delivered in the background until it succeeds, is "
        f"refused or expires.{unasked}",
        "headers": header_references(*RATE_LIMIT, *own),
        "content": {"application/json": content},
    }
