"""The errors of each operation: statuses, with an example for every text.

The texts come from `errors`, so that the document cannot say anything else than the code does. Examples named "row"
are those of the published table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from passback.wire import errors, events
from passback.wire.errors import Refusal
from passback.wire.openapi.examples import BODIES
from passback.wire.openapi.headers import RATE_LIMIT, header_references
from passback.wire.openapi.schemas import Schema, reference
from passback.wire.operations import Operation
from passback.wire.values import DELIVERY_STATES, SUBMISSION_TYPES


class _Case(Struct, frozen=True):
    """An error, by the name of its example, and the operations that can answer with it."""

    name: str
    refusal: Refusal
    concerns: Callable[[Operation], bool]


def _is(*names: str) -> Callable[[Operation], bool]:
    return lambda operation: operation.name in names


def _takes_body(operation: Operation) -> bool:
    return operation.name in BODIES


def _takes_body_of(tag: str) -> Callable[[Operation], bool]:
    return lambda operation: _takes_body(operation) and operation.tag == tag


def _in_path(parameter: str) -> Callable[[Operation], bool]:
    return lambda operation: f"{{{parameter}}}" in operation.path


def _is_list(operation: Operation) -> bool:
    return operation.name.startswith("list_")


def _has_cursor(operation: Operation) -> bool:
    return _is_list(operation) and operation.tag != "Roster"


def _names_something(operation: Operation) -> bool:
    """Whether there is an object in the path that may not exist."""
    named = any(_in_path(it)(operation) for it in ("section_id", "id", "code"))
    return named or operation.name.split("_")[0] not in ("create", "list")


_BAD_REQUESTS = (
    _Case("row 1", errors.missing_fields(["title", "description", "due_date"]), _is("create_assignment")),
    _Case("row 2", errors.empty_body(), _takes_body),
    _Case("row 3", errors.due_date_not_in_future(), _is("create_assignment")),
    _Case("row 4", errors.invalid_escape("' '"), _takes_body),
    _Case(
        "row 5",
        errors.validation_failure(
            [f"submission_types.0 in body should be one of [{' '.join(SUBMISSION_TYPES)}]"]
        ),
        _takes_body_of("Assignments"),
    ),
    _Case("row 6", errors.bad_request("invalid character ',' looking for beginning of value"), _takes_body),
    _Case("row 7", errors.bad_request("invalid character ':' after object key:value pair"), _takes_body),
    _Case("row 8", errors.invalid_assignment_id(), _in_path("assignment_id")),
    _Case("row 9", errors.grader_not_found("{{grader_id}}"), _is("update_submission")),
    _Case("row 10", errors.due_date_moved_to_past("YYYY-MM-DD"), _is("update_assignment")),
    _Case(
        "section_id",
        errors.bad_request('section_id in path must be of type mongo-id: "x"'),
        _in_path("section_id"),
    ),
    _Case("key", errors.invalid_idempotency_key(), _is("create_assignment")),
    _Case("limit", errors.bad_request("limit in query should be greater than or equal to 1"), _is_list),
    _Case("altered cursor", errors.bad_request("INVALID_CURSOR"), _has_cursor),
    _Case("old cursor", errors.bad_request("EXPIRED_CURSOR"), _has_cursor),
    _Case(
        "state",
        errors.bad_request(f"state in query should be one of [{' '.join(DELIVERY_STATES)}]"),
        _is("list_deliveries"),
    ),
    _Case(
        "starting_after",
        errors.bad_request("starting_after in query should be the id of an event"),
        _is("list_events"),
    ),
    _Case("role", errors.bad_request("role in query should be one of [student teacher]"), _is("list_users")),
    _Case(
        "url",
        errors.bad_request(
            "INVALID_URL: the endpoint cannot be used: its server is not on the public network"
        ),
        _takes_body_of("Webhooks"),
    ),
    _Case(
        "launch url",
        errors.bad_request("INVALID_URL: people cannot be sent there: its address must begin with https://"),
        _is("create_launch_address"),
    ),
    _Case("no title", errors.missing_fields(["title"]), _is("create_deep_link")),
    _Case("no url", errors.missing_fields(["url"]), _is("create_webhook", "create_launch_address")),
    _Case(
        "events",
        errors.bad_request(f'INVALID_EVENTS: "grade.changed" is not one of [{" ".join(events.EVENTS)}]'),
        _takes_body_of("Webhooks"),
    ),
    _Case(
        "too many",
        errors.too_many_webhooks(events.MOST_WEBHOOKS),
        _is("create_webhook"),
    ),
)

_NOT_FOUND = (
    _Case("unknown", errors.resource_not_found(), _names_something),
    _Case("row 13", errors.assignment_gone(), _in_path("assignment_id")),
    _Case("row 14", errors.user_not_found(), _in_path("user_id")),
)


def failures(operation: Operation) -> Schema:
    """The error responses of an operation, by status."""
    found: Schema = {}
    if bad := _concerning(operation, _BAD_REQUESTS):
        found["400"] = failure("The request is not valid.", bad)
    if missing := _concerning(operation, _NOT_FOUND):
        found["404"] = failure("The token gives access to no such object.", missing)
    found["405"] = {
        "description": "Row 15: the method is not supported; the body is empty.",
        "headers": header_references("Allow"),
    }
    if operation.name == "create_assignment":
        found |= _key_failures()
        for status in ("400", "404"):
            found[status]["headers"] = header_references("Idempotent-Replayed")
    if operation.method in ("POST", "PATCH"):
        found["413"] = failure("The body is too large.", {"too large": errors.body_too_large()})
    found |= _general_failures(operation)
    for response in found.values():
        response["headers"] = RATE_LIMIT | response.get("headers", {})
    return dict(sorted({**found, **_token_failures()}.items()))


def failure(description: str, examples: dict[str, Refusal], *headers: str) -> Schema:
    """An error response, with the texts it can have and the names of its headers."""
    shown = {name: {"value": {"message": refusal.message}} for name, refusal in examples.items()}
    content: Schema = {"application/json": {"schema": reference("Error"), "examples": shown}}
    plain = {
        name: {"value": refusal.message}
        for name, refusal in examples.items()
        if refusal.envelope == "plain"  # no envelope unless the Accept header names application/json
    }
    if plain:
        content["text/plain"] = {"schema": {"type": "string"}, "examples": plain}
    response: Schema = {"description": description, "content": content}
    if headers:
        response["headers"] = header_references(*headers)
    return response


def _concerning(operation: Operation, cases: Iterable[_Case]) -> dict[str, Refusal]:
    return {case.name: case.refusal for case in cases if case.concerns(operation)}


def _token_failures() -> Schema:
    return {
        "401": failure(
            "No token was sent. The text has a space after the colon.", {"row 11": errors.no_authorization()}
        ),
        "403": failure(
            "The token is unknown, revoked or expired. The text has a space after the colon.",
            {"row 12": errors.token_refused()},
        ),
    }


def _key_failures() -> Schema:
    return {
        "409": failure(
            "The first request with this key is still being processed.",
            {"in use": errors.key_in_use()},
            "Retry-After",
        ),
        "422": failure("The key was already used for a different request.", {"reused": errors.key_reused()}),
    }


def _general_failures(operation: Operation) -> Schema:
    because = "The LMS or Passback failed; the log has the cause."
    if _in_path("assignment_id")(operation):
        because += " Or the assignment is still to be made: then `Retry-After` says when to ask again."
    if _in_path("section_id")(operation):
        verb, kind = operation.name.split("_")
        doing = {"list": "reading"}.get(verb, verb.removesuffix("e") + "ing")
        failed = errors.lms_failed(f"{doing} {kind}")
    else:
        failed = errors.internal_error()
    return {
        "429": failure(
            "The token has used up its requests for this minute.",
            {"too many": errors.too_many_requests(60)},
            "Retry-After",
        ),
        "500": failure(because, {"failed": failed}, "Retry-After"),
        "503": failure(
            "The database is unavailable; nothing was changed.",
            {"unavailable": errors.store_unavailable()},
            "Retry-After",
        ),
    }
