"""The OpenAPI 3.1 document of what is served, made from the operations, the errors and the published objects.

It is served at ``/openapi.json``. Texts of errors come from `errors` and enumerations from `validate`, so that the
document cannot say anything else than the code does; tests hold its fields to those of the objects.
"""

from __future__ import annotations

from typing import Any

from passback.wire import errors, events, validate
from passback.wire.openapi.schemas import (
    DELIVERY_STATES,
    MONGO_ID,
    Schema,
    object_of,
    reference,
    schemas,
)
from passback.wire.operations import OPERATIONS, Operation

_TAGS = {
    "Assignments": "What teachers give to a section, as the LMS holds it.",
    "Submissions": "Each assigned student's work and grade.",
    "Deliveries": "What was accepted in the background (`Prefer: respond-async`), and what became of it.",
    "Roster": "Who is in the district, and who of them is matched in the LMS.",
    "Webhooks": "Messages about events, for the token's application: see docs/how-to/receive-webhooks.md.",
    "Sandbox": "Only in the sandbox, without a token: back to the start, save and load.",
    "Health": "For those who run it.",
}

SECTION = "4fee004cca2e43cf27000007"
STUDENT = "4fee004cca2e43cf27001001"
TEACHER = "4fee004cca2e43cf27000001"
ASSIGNMENT = "019aafe2-4b1c-7d33-9a60-5f0f3d0f8a11"
DELIVERY = "019aafe2-5d21-7c64-8f0e-3a5f1c7b2e90"
WEBHOOK = "019aafe2-4b1c-7d33-9a60-5f0f3d0f8a12"

_INTRODUCTION = """\
One API call puts an assignment or a grade into whichever LMS the school district uses. This is the Grade Passback API \
(LMS Connect v3.1), exactly, and what Passback adds to it.

Every call needs a district-app token. In the sandbox, press *Authorize* and enter `DEMO_TOKEN`; the examples use the \
sandbox's ids."""


def document(version: str, *, sandbox: bool) -> Schema:
    """The document of a gateway of that version, or of a sandbox."""
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        described = _operation(operation)
        if sandbox and "section_id" in operation.path:
            described["parameters"].append(_FAULT)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    tags = [
        {"name": name, "description": text} for name, text in _TAGS.items() if sandbox or name != "Sandbox"
    ]
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
        "tags": tags,
        "webhooks": _messages(),
        "paths": paths | _HEALTH | (_sandbox() if sandbox else {}),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": token}},
            "schemas": schemas(),
            "headers": _HEADERS,
        },
    }


# Operations

_SUMMARIES = {
    "create_assignment": "Create an assignment in the section's LMS course",
    "read_assignment": "Read an assignment from the LMS, as it is there now",
    "update_assignment": "Change the fields that are present",
    "delete_assignment": "Delete an assignment in the LMS",
    "list_assignments": "List a section's assignments, oldest first",
    "list_submissions": "One page of submissions, one for each assigned student",
    "read_submission": "One student's submission",
    "update_submissions": "Change up to 500 students' submissions, each judged as if sent alone",
    "create_webhook": "Register an endpoint; its secret is shown this once",
    "list_webhooks": "List the application's webhooks, oldest first",
    "read_webhook": "One webhook, without its secret",
    "update_webhook": "Change the fields that are present",
    "delete_webhook": "Forget a webhook",
    "rotate_webhook": "Make a new secret, shown this once; for 24 hours the old one signs beside it",
    "test_webhook": "Send a `webhook.test` message at once, and say what came of it",
    "update_submission": "Grade, comment, flag, move on or extend a student's submission",
    "list_deliveries": "The application's deliveries in the background, the newest first",
    "read_delivery": "What became of what was accepted",
}
_BODIES = {
    "create_assignment": (
        "AssignmentCreate",
        {
            "title": "Essay 1",
            "description": "Two pages",
            "due_date": "2030-06-01T23:59:00Z",
            "points_possible": 20,
        },
    ),
    "update_assignment": ("AssignmentUpdate", {"title": "Essay 1, second try"}),
    "create_webhook": (
        "WebhookCreate",
        {"url": "https://app.example/passback", "events": [events.DELIVERED, events.REFUSED]},
    ),
    "update_webhook": ("WebhookUpdate", {"disabled": True}),
    "update_submissions": (
        "SubmissionsUpdate",
        {"submissions": [{"user_id": STUDENT, "grade_points": 18, "grade_comment": "Well argued"}]},
    ),
    "update_submission": (
        "SubmissionUpdate",
        {"grade_points": 18, "grade_comment": "Well argued", "grader_id": TEACHER, "state": "returned"},
    ),
}
_EXAMPLES: Schema = {
    "Webhook": {
        "created": "2026-01-01T00:00:00.000Z",
        "disabled": False,
        "events": list(events.EVENTS),
        "id": WEBHOOK,
        "last_modified": "2026-01-01T00:00:00.000Z",
        "url": "https://app.example/passback",
    },
    "WebhookTest": {"delivered": True, "id": "019aafe2-4b1c-7d33-9a60-5f0f3d0f8a13", "status": 204},
    "Assignment": {
        "assignee_mode": "all",
        "created": "2026-01-01T00:00:00.000Z",
        "description": "Two pages",
        "due_date": "2030-06-01T23:59:00.000Z",
        "grading_type": "points",
        "id": ASSIGNMENT,
        "last_modified": "2026-01-01T00:00:00.000Z",
        "points_possible": 20,
        "state": "open",
        "title": "Essay 1",
    },
    "Submission": {
        "assignment_id": ASSIGNMENT,
        "created": "2026-01-01T00:00:00.000Z",
        "grade": "18",
        "grade_comment": "Well argued",
        "grade_points": 18,
        "grader_id": TEACHER,
        "last_modified": "2026-01-02T00:00:00.000Z",
        "state": "returned",
        "user_id": STUDENT,
    },
}
_EXAMPLES["Delivery"] = {
    "assignment_id": ASSIGNMENT,
    "attempts": 1,
    "created": "2026-01-02T00:00:00.000Z",
    "expires": "2026-01-05T00:00:00.000Z",
    "finished": "2026-01-02T00:00:01.000Z",
    "id": DELIVERY,
    "operation": "update_submission",
    "result": _EXAMPLES["Submission"],
    "section_id": SECTION,
    "state": "delivered",
    "user_id": STUDENT,
}

_HEADERS: Schema = {
    "X-Ratelimit-Bucket": {"schema": {"const": "all"}, "description": "What is counted together."},
    "X-Ratelimit-Limit": {"schema": {"type": "integer"}, "description": "Requests a minute."},
    "X-Ratelimit-Remaining": {"schema": {"type": "integer"}, "description": "What is left of this minute's."},
    "X-Ratelimit-Reset": {
        "schema": {"type": "integer"},
        "description": "When the next minute begins, in seconds since 1970.",
    },
    "Passback-Warnings": {
        "schema": {"type": "string"},
        "description": "What was ignored or changed, separated by commas: `ASSIGNEES_IGNORED`, "
        "`DATETIME_MISSING_TIMEZONE`, `UNKNOWN_FIELD:<name>`, `NOT_STORED_BY_LMS:<field>`, `GRADE_FROM_POINTS`.",
    },
    "Retry-After": {"schema": {"type": "integer"}, "description": "After how many seconds to try again."},
    "Preference-Applied": {
        "schema": {"const": "respond-async"},
        "description": "That it is delivered in the background, as was asked for.",
    },
    "Location": {"schema": {"type": "string"}, "description": "Where to see what becomes of it."},
    "Allow": {"schema": {"type": "string"}, "description": "The methods that are supported."},
}

_PARAMETERS: dict[str, Schema] = {
    "section_id": {
        "schema": {"type": "string", "pattern": MONGO_ID},
        "example": SECTION,
        "description": "The section.",
    },
    "assignment_id": {
        "schema": {"type": "string"},
        "example": ASSIGNMENT,
        "description": "The assignment: a UUID.",
    },
    "user_id": {
        "schema": {"type": "string", "pattern": MONGO_ID},
        "example": STUDENT,
        "description": "The student.",
    },
    "delivery_id": {
        "schema": {"type": "string"},
        "example": DELIVERY,
        "description": "The delivery: a UUID.",
    },
    "webhook_id": {
        "schema": {"type": "string"},
        "example": WEBHOOK,
        "description": "The webhook: a UUID.",
    },
    "id": {"schema": {"type": "string", "pattern": MONGO_ID}, "description": "The object's id."},
}


_PREFER: Schema = {
    "name": "Prefer",
    "in": "header",
    "schema": {"type": "string"},
    "description": "`respond-async`: answer 202 as soon as it is kept, and deliver it in the background.",
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
    "description": "A text of your own for this request, such as a UUID: a repeat with the same key and body, within "
    "24 hours, gets the first answer and creates nothing.",
}
_WEBHOOK_REFUSALS = {
    "url": errors.bad_request(
        "INVALID_URL: the endpoint cannot be used: its server is not on the public network"
    ),
    "events": errors.bad_request(
        f'INVALID_EVENTS: "grade.changed" is not one of [{" ".join(events.EVENTS)}]'
    ),
}

_FAULT: Schema = {
    "name": "Sandbox-Fault",
    "in": "header",
    "schema": {"type": "string"},
    "description": "Only in the sandbox: make the LMS fail for this request: `timeout`, `error-before`, `error-after`, "
    "`throttled`, `slow=500ms`, `expired-credentials`, `deleted`, `not-enrolled`.",
}


def _operation(operation: Operation) -> Schema:
    name = operation.name
    kind = name.split("_", 1)[1]
    in_path = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    tag = _tag(operation)
    described: Schema = {
        "operationId": name,
        "summary": _SUMMARIES.get(name) or _roster_summary(name),
        "tags": [tag],
        "parameters": [
            {"name": each, "in": "path", "required": True, **_PARAMETERS[each]} for each in in_path
        ],
        "responses": {
            "200": _success(name, tag),
            **_failures(operation, tag),
        },
    }
    if name.startswith("list_"):
        described["parameters"] += _list_parameters(kind, is_roster=tag == "Roster")
    if name == "list_deliveries":
        described["parameters"].append(
            {
                "name": "state",
                "in": "query",
                "description": "Only those in these states.",
                "schema": {"type": "array", "items": {"enum": list(DELIVERY_STATES)}},
                "style": "form",
                "explode": False,
            }
        )
    if name in _BODIES:
        described["parameters"].append(_PREFER)
        described["responses"]["202"] = _accepted()
        if name == "create_assignment":
            described["parameters"].append(_KEY)
        schema, example = _BODIES[name]
        content = {"schema": reference(schema), "example": example}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    return described


def _tag(operation: Operation) -> str:
    if "webhook" in operation.name:
        return "Webhooks"
    if "deliver" in operation.name:
        return "Deliveries"
    if "{section_id}" not in operation.path:
        return "Roster"
    return "Submissions" if "submission" in operation.name else "Assignments"


def _roster_summary(name: str) -> str:
    verb, kind = name.split("_", 1)
    if kind.removesuffix("s") == "district":
        return "The token's district" + (", as a list of one" if verb == "list" else "")
    return f"The district's {kind}" if verb == "list" else f"One {kind} of the district"


def _list_parameters(kind: str, *, is_roster: bool) -> list[Schema]:
    def parameter(name: str, description: str, schema: Schema) -> Schema:
        return {"name": name, "in": "query", "description": description, "schema": schema}

    limit: Schema = {"type": "integer", "minimum": 1, "maximum": 1000 if is_roster else 100, "default": 100}
    found = [parameter("limit", "The most items of a page.", limit)]
    if is_roster:
        found.append(parameter("starting_after", "Go on after this id.", {"type": "string"}))
        found.append(parameter("ending_before", "End before this id.", {"type": "string"}))
        if kind == "users":
            found.append(parameter("role", "Only these.", {"enum": ["student", "teacher"]}))
        if kind == "events":
            types: Schema = {
                "type": "array",
                "items": {"enum": ["schools", "terms", "courses", "sections", "users"]},
            }
            found.append(parameter("record_type", "Only of these; it may be there several times.", types))
    else:
        found.append(
            parameter("cursor", "From the link to the next page; good for two hours.", {"type": "string"})
        )
    return found


def _success(name: str, tag: str) -> Schema:
    verb, kind = name.split("_", 1)
    headers = _rate_limit_headers()
    if verb == "delete":
        return {"description": "It is deleted; the body is empty.", "headers": headers}
    if verb in ("create", "update"):
        headers |= _header_references("Passback-Warnings")
    plural = {"deliveries": "delivery", "test": "webhook"}
    special = {"test_webhook": "WebhookTest", "list_events": "RosterEvent", "read_event": "RosterEvent"}
    shown = special.get(name) or plural.get(kind, kind.removesuffix("s")).capitalize()
    example: Schema | None
    if name == "update_submissions":
        schema = object_of(
            {"data": {"type": "array", "items": reference("SubmissionOutcome")}}, required=("data",)
        )
        example = {"data": [{"user_id": STUDENT, "status": 404, "message": errors.user_not_found().message}]}
    elif verb != "list":
        schema = object_of({"data": reference(shown)}, required=("data",))
        example = {"data": _EXAMPLES[shown]} if shown in _EXAMPLES else None
        if name in ("create_webhook", "rotate_webhook"):
            example = {"data": {**_EXAMPLES[shown], "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}}
    elif tag == "Roster":
        item = object_of({"data": reference(shown)}, required=("data",))
        links: Schema = {"type": "array", "items": reference("RosterLink")}
        schema = object_of(
            {"data": {"type": "array", "items": item}, "links": links}, required=("data", "links")
        )
        example = None
    else:
        links = {"type": "array", "items": reference("NextLink"), "minItems": 1, "maxItems": 1}
        data = {"type": "array", "items": reference(shown), "maxItems": 100}
        schema = object_of({"data": data, "links": links}, required=("data",))
        example = {"data": [_EXAMPLES[shown]]}
    content = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return {"description": "OK", "headers": headers, "content": {"application/json": content}}


def _accepted() -> Schema:
    delivery = {**_EXAMPLES["Delivery"], "attempts": 0, "state": "waiting"}
    del delivery["result"], delivery["finished"]
    content = {
        "schema": object_of({"data": reference("Delivery")}, required=("data",)),
        "example": {"data": delivery},
    }
    return {
        "description": "Accepted: it is kept, and delivered in the background until it succeeds or is refused.",
        "headers": _rate_limit_headers() | _header_references("Preference-Applied", "Location"),
        "content": {"application/json": content},
    }


def _failures(operation: Operation, tag: str) -> Schema:
    """What may go wrong, with an example for each published row (the numbers are those of the error table)."""
    path, name = operation.path, operation.name
    has_section, is_roster = "{section_id}" in path, tag == "Roster"
    writes = name in _BODIES
    one_assignment = "{assignment_id}" in path
    bad: dict[str, errors.Refusal] = {}
    if name == "create_assignment":
        bad["row 1"] = errors.missing_fields(["title", "description", "due_date"])
        bad["row 3"] = errors.due_date_not_in_future()
    if writes:
        bad["row 2"] = errors.empty_body()
        bad["row 4"] = errors.invalid_escape("' '")
        bad["row 6"] = errors.bad_request("invalid character ',' looking for beginning of value")
        bad["row 7"] = errors.bad_request("invalid character ':' after object key:value pair")
    if writes and tag == "Assignments":
        allowed = " ".join(validate.SUBMISSION_TYPES)
        bad["row 5"] = errors.validation_failure([f"submission_types.0 in body should be one of [{allowed}]"])
    if one_assignment:
        bad["row 8"] = errors.invalid_assignment_id()
    if writes and tag == "Webhooks":
        bad |= _WEBHOOK_REFUSALS
        if name == "create_webhook":
            bad["no url"] = errors.missing_fields(["url"])
            bad["too many"] = errors.bad_request(
                f"TOO_MANY_WEBHOOKS: an application may have {events.MOST_WEBHOOKS} webhooks in a district"
            )
    if name == "update_submission":
        bad["row 9"] = errors.grader_not_found("{{grader_id}}")
    if name == "update_assignment":
        bad["row 10"] = errors.due_date_moved_to_past("YYYY-MM-DD")
    if name.startswith("list_"):
        bad["limit"] = errors.bad_request("limit in query should be greater than or equal to 1")
        if not is_roster:
            bad["altered cursor"] = errors.bad_request("INVALID_CURSOR")
            bad["old cursor"] = errors.bad_request("EXPIRED_CURSOR")
        if name == "list_deliveries":
            bad["state"] = errors.bad_request(
                f"state in query should be one of [{' '.join(DELIVERY_STATES)}]"
            )
        if name == "list_events":
            bad["starting_after"] = errors.bad_request("starting_after in query should be the id of an event")
        if name == "list_users":
            bad["role"] = errors.bad_request("role in query should be one of [student teacher]")
    nothing_named = not has_section and name.split("_")[0] in ("create", "list")
    missing = {} if nothing_named else {"unknown": errors.resource_not_found()}
    if one_assignment:
        missing["row 13"] = errors.assignment_gone()
    if "{user_id}" in path:
        missing["row 14"] = errors.user_not_found()
    if has_section:
        bad["section_id"] = errors.bad_request('section_id in path must be of type mongo-id: "x"')
    found: Schema = {}
    if bad:
        found["400"] = _failure("The request is not as it must be.", bad, plain="row 4" in bad)
    found["401"] = _failure(
        "There is no token; the text has a space after the colon.", {"row 11": errors.no_authorization()}
    )
    found["403"] = _failure(
        "The token is unknown, revoked or expired; the text has a space after the colon.",
        {"row 12": errors.token_refused()},
    )
    if name == "create_assignment":
        bad["key"] = errors.bad_request(
            "INVALID_IDEMPOTENCY_KEY: it must be one text of 1 to 255 printable ASCII characters"
        )
        found["400"] = _failure("The request is not as it must be.", bad, plain=True)
        found["409"] = _failure(
            "The first request with this key is still being carried out.",
            {"in use": errors.key_in_use()},
            headers=_header_references("Retry-After"),
        )
        found["422"] = _failure("The key came with another request before.", {"reused": errors.key_reused()})
    if missing:
        found["404"] = _failure("There is no such thing, for this token.", missing)
    found["405"] = {
        "description": "Row 15: the method is not supported; the body is empty.",
        "headers": _header_references("Allow"),
    }
    if operation.method in ("POST", "PATCH"):
        found["413"] = _failure("The body is too long.", {"too large": errors.body_too_large()})
    found["429"] = _failure(
        "The token has used its requests of this minute.",
        {"too many": errors.too_many_requests(60)},
        headers=_header_references("Retry-After"),
    )
    doing = f"{name.split('_')[0].removesuffix('e')}ing {name.split('_')[1]}".replace("listing", "reading")
    failed = errors.lms_failed(doing) if has_section else errors.internal_error()
    found["500"] = _failure("The LMS failed, or we did; the cause is in the log.", {"failed": failed})
    found["503"] = _failure(
        "The data file cannot be used now; nothing was changed.",
        {"unavailable": errors.store_unavailable()},
        headers=_header_references("Retry-After"),
    )
    for status, response in found.items():
        if status not in ("401", "403"):
            response["headers"] = _rate_limit_headers() | response.get("headers", {})
    return found


def _messages() -> Schema:
    """What webhooks bring, by the type of the event."""
    data = {
        events.DELIVERED: ("DeliveryData", "The LMS has it."),
        events.REFUSED: ("DeliveryData", "The LMS will not take it; `message` says why."),
        events.EXPIRED: ("DeliveryData", "The LMS could not be reached for so long that it was given up."),
        events.ASSIGNMENT_DELETED: ("AssignmentData", "Somebody deleted an assignment in the LMS."),
        events.CONNECTION_BROKEN: ("ConnectionData", "The district's LMS refuses the gateway's credentials."),
        events.TEST: ("TestData", "Somebody asked for a test message."),
    }
    found: Schema = {}
    for kind, (schema, summary) in data.items():
        content = object_of(
            {
                "type": {"const": kind},
                "timestamp": {"type": "string", "format": "date-time"},
                "data": reference(schema),
            },
            required=("type", "timestamp", "data"),
        )
        found[kind] = {
            "post": {
                "summary": summary,
                "security": [],
                "requestBody": {"required": True, "content": {"application/json": {"schema": content}}},
                "responses": {
                    "2XX": {"description": "It has arrived; anything else is tried again."},
                    "410": {"description": "No more messages are wanted: the webhook is disabled."},
                },
            }
        }
    return found


def _failure(
    description: str,
    examples: dict[str, errors.Refusal],
    *,
    plain: bool = False,
    headers: Schema | None = None,
) -> Schema:
    shown = {name: {"value": {"message": refusal.message}} for name, refusal in examples.items()}
    content: Schema = {"application/json": {"schema": reference("Error"), "examples": shown}}
    if plain:
        # Row 4 has no envelope, unless the Accept header names application/json.
        content["text/plain"] = {
            "schema": {"type": "string"},
            "examples": {"row 4": {"value": examples["row 4"].message}},
        }
    response: Schema = {"description": description, "content": content}
    if headers is not None:
        response["headers"] = headers
    return response


def _header_references(*names: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _rate_limit_headers() -> Schema:
    """What every authorized answer has."""
    return _header_references(*(header for header in _HEADERS if header.startswith("X-Ratelimit-")))


def _untokened(name: str, tag: str, summary: str, content: Schema | None = None, **more: Any) -> Schema:
    """An operation beside the API, which needs no token."""
    ok = {"description": "OK", "content": {"application/json": {"schema": content or {"type": "object"}}}}
    responses = {"200": ok, **more.pop("responses", {})}
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "security": [],
        "responses": responses,
        **more,
    }


_NOT_NOW = {"503": {"description": "Not now.", "content": {"application/json": {}}}}
_HEALTH: dict[str, Schema] = {
    "/health/live": {"get": _untokened("live", "Health", "Whether the process lives")},
    "/health/ready": {
        "get": _untokened(
            "ready", "Health", "Whether it can serve, its data file included", responses=_NOT_NOW
        )
    },
}


def _sandbox() -> dict[str, Schema]:
    state = object_of(
        {"passback_sandbox": {"const": 1}, "tables": {"type": "object"}},
        required=("passback_sandbox", "tables"),
    )
    refused = errors.bad_request("INVALID_SANDBOX_STATE: there is no table 'recipes'")
    load = _untokened(
        "load_sandbox",
        "Sandbox",
        "Replace the sandbox's state by a saved one",
        requestBody={"required": True, "content": {"application/json": {"schema": state}}},
        responses={"400": _failure("It is no such state; nothing was changed.", {"refused": refused})},
    )
    return {
        "/sandbox/reset": {
            "post": _untokened("reset_sandbox", "Sandbox", "Put the sandbox back to its start")
        },
        "/sandbox/state": {
            "get": _untokened("save_sandbox", "Sandbox", "Save the sandbox's whole state", state),
            "put": load,
        },
    }
