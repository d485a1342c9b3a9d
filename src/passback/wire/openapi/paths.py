"""The operations of the API as the document describes them: parameters, bodies and answers."""

from __future__ import annotations

from passback.wire.errors import user_not_found
from passback.wire.openapi import examples
from passback.wire.openapi.failures import failures
from passback.wire.openapi.headers import RATE_LIMIT, header_references
from passback.wire.openapi.schemas import Schema, object_of, reference
from passback.wire.operations import OPERATIONS, Operation
from passback.wire.values import DELIVERY_STATES, MONGO_ID

_SUMMARIES = {
    "create_assignment": "Create an assignment in the section's LMS course",
    "read_assignment": "Read an assignment as it currently is in the LMS",
    "update_assignment": "Change the given fields of an assignment",
    "delete_assignment": "Delete an assignment from the LMS",
    "list_assignments": "List a section's assignments, oldest first",
    "list_submissions": "List an assignment's submissions, one per assigned student",
    "read_submission": "Read one student's submission",
    "update_submission": "Grade, comment on, flag, return or extend a student's submission",
    "update_submissions": "Update up to 500 students' submissions, each judged as if sent alone",
    "list_deliveries": "List the application's background deliveries, newest first",
    "read_delivery": "Read a delivery: its progress and its result",
    "list_districts": "List the token's district, as the only item",
    "read_district": "Read the token's district",
    "list_schools": "List the district's schools",
    "read_school": "Read a school",
    "list_terms": "List the district's terms",
    "read_term": "Read a term",
    "list_courses": "List the district's courses",
    "read_course": "Read a course",
    "list_sections": "List the district's sections",
    "read_section": "Read a section",
    "list_section_students": "List a section's students",
    "list_section_teachers": "List a section's teachers",
    "list_users": "List the district's users",
    "read_user": "Read a user",
    "list_user_sections": "List the sections that a user is in",
    "list_events": "List changes to the roster, oldest first",
    "read_event": "Read a change to the roster",
    "create_webhook": "Register an endpoint; the answer shows its secret, this once",
    "list_webhooks": "List the application's webhooks, oldest first",
    "read_webhook": "Read a webhook, without its secret",
    "update_webhook": "Change the given fields of a webhook",
    "delete_webhook": "Delete a webhook",
    "rotate_webhook": "Replace the secret, showing the new one this once; both sign for 24 hours",
    "create_launch_address": "Register where people go whom an LMS starts the application for",
    "read_launch_address": "Read the application's launch address",
    "delete_launch_address": "Delete the application's launch address",
    "exchange_launch": "Exchange the code of a launch, this once, for who came and from where",
    "create_deep_link": "Put the activity that a teacher has chosen into the LMS, from where it was asked for",
    "test_webhook": "Send a `webhook.test` message now, and report the result",
}

_SHOWN = {
    "read_delivery": "Delivery",
    "list_deliveries": "Delivery",
    "rotate_webhook": "Webhook",
    "test_webhook": "WebhookTest",
    "create_deep_link": "DeepLink",
    "create_launch_address": "LaunchAddress",
    "read_launch_address": "LaunchAddress",
    "list_section_students": "User",
    "list_section_teachers": "User",
    "list_user_sections": "Section",
    "list_events": "RosterEvent",
    "read_event": "RosterEvent",
}
"""The schema that an answer shows, if the operation's name does not say it."""


def paths(*, sandbox: bool) -> dict[str, Schema]:
    """Every operation, by path and method."""
    found: dict[str, Schema] = {}
    for operation in OPERATIONS:
        described = _operation(operation)
        if sandbox and "{section_id}" in operation.path:
            described["parameters"].append(_FAULT)
        found.setdefault(operation.path, {})[operation.method.lower()] = described
    return found


def _operation(operation: Operation) -> Schema:
    name = operation.name
    described: Schema = {
        "operationId": name,
        "summary": _SUMMARIES[name],
        "tags": [operation.tag],
        "parameters": _path_parameters(operation) + _query_parameters(operation),
        "responses": {"200": _success(operation), **failures(operation)},
    }
    if name in examples.BODIES:
        schema, example = examples.BODIES[name]
        content = {"schema": reference(schema), "example": example}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    if _may_be_delivered_later(operation):
        described["parameters"].append(_PREFER)
        described["responses"]["202"] = _accepted(new=name == "create_assignment")
    if name == "create_assignment":
        described["parameters"].append(_KEY)
    return described


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
    "role": {"description": "Only users with this role.", "schema": {"enum": ["student", "teacher"]}},
    "sis_id": {
        "description": "Only the one with this SIS id (a user can be there in both roles).",
        "schema": _TEXT,
    },
    "email": {"description": "Only users with this email address, in upper or lower case.", "schema": _TEXT},
    "student_number": {"description": "Only students with this number.", "schema": _TEXT},
    "record_type": {
        "description": "Only these types; repeat it for several.",
        "schema": {"type": "array", "items": {"enum": ["schools", "terms", "courses", "sections", "users"]}},
    },
    "state": {
        "description": "Only deliveries in these states.",
        "schema": {"type": "array", "items": {"enum": list(DELIVERY_STATES)}},
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
    name = operation.name
    verb, kind = name.split("_", 1)
    replayed = header_references("Idempotent-Replayed") if name == "create_assignment" else {}
    headers = RATE_LIMIT | header_references("Passback-Warnings") | replayed
    if verb == "delete":
        return {"description": "Deleted; the body is empty.", "headers": headers}
    shown = _SHOWN.get(name) or kind.removesuffix("s").capitalize()
    if name == "update_submissions":
        content = _outcomes()
    elif verb != "list":
        content = _one(shown)
        if name in ("create_webhook", "rotate_webhook"):
            content["example"] = {"data": examples.NEW_WEBHOOK}
    else:
        content = _roster_page(shown) if operation.tag == "Roster" else _page(shown)
    return {"description": "OK", "headers": headers, "content": {"application/json": content}}


def _one(shown: str) -> Schema:
    schema = object_of({"data": reference(shown)}, required=("data",))
    if shown not in examples.ANSWERS:
        return {"schema": schema}
    return {"schema": schema, "example": {"data": examples.ANSWERS[shown]}}


def _page(shown: str) -> Schema:
    links = {"type": "array", "items": reference("NextLink"), "minItems": 1, "maxItems": 1}
    data = {"type": "array", "items": reference(shown), "maxItems": 100}
    schema = object_of({"data": data, "links": links}, required=("data",))
    return {"schema": schema, "example": {"data": [examples.ANSWERS[shown]]}}


def _roster_page(shown: str) -> Schema:
    data = {"type": "array", "items": object_of({"data": reference(shown)}, required=("data",))}
    links = {"type": "array", "items": reference("RosterLink")}
    page: Schema = {"schema": object_of({"data": data, "links": links}, required=("data", "links"))}
    if shown in examples.ANSWERS:
        page["example"] = {"data": [{"data": examples.ANSWERS[shown]}], "links": []}
    return page


def _outcomes() -> Schema:
    data = {"type": "array", "items": reference("SubmissionOutcome")}
    example = {"user_id": examples.STUDENT, "status": 404, "message": user_not_found().message}
    return {"schema": object_of({"data": data}, required=("data",)), "example": {"data": [example]}}


def _accepted(*, new: bool) -> Schema:
    unasked = (
        "" if new else " Also without `Prefer`, if the assignment's create was accepted and still waits."
    )
    content = {
        "schema": object_of({"data": reference("Delivery")}, required=("data",)),
        "example": {"data": examples.WAITING_DELIVERY},
    }
    own = header_references("Preference-Applied", "Location", "Passback-Warnings")
    replayed = header_references("Idempotent-Replayed") if new else {}
    return {
        "description": "Accepted: the change is stored, and is delivered in the background until it succeeds, is "
        f"refused or expires.{unasked}",
        "headers": RATE_LIMIT | own | replayed,
        "content": {"application/json": content},
    }
