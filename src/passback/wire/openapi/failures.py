"""The errors of each operation: statuses, with a named example for every text.

The texts come from `errors`, so that the document cannot say anything else than the code does. The summary of an
example of the published table begins with its row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from passback.wire import errors, events
from passback.wire.errors import Refusal
from passback.wire.openapi.examples import BODIES
from passback.wire.openapi.headers import RATE_LIMIT, header_references, replayed
from passback.wire.openapi.schemas import ERRORS, Schema, reference
from passback.wire.operations import Operation
from passback.wire.values import DELIVERY_STATES, SUBMISSION_TYPES


class _Case(Struct, frozen=True):
    """An error, by the name of its example, and the operations that can answer with it."""

    name: str
    summary: str
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
    """Whether there is an object, in the path or of the application, that may not exist."""
    return "{" in operation.path or operation.name.split("_")[0] not in ("create", "list")


_BAD_REQUESTS = (
    _Case(
        "MissingRequiredFields",
        "Row 1: required fields are missing",
        errors.missing_fields(["title", "description", "due_date"]),
        _is("create_assignment"),
    ),
    _Case("EmptyBody", "Row 2: there is no body", errors.empty_body(), _takes_body),
    _Case(
        "DueDateInPast",
        "Row 3: the due date of a new assignment is in the past",
        errors.due_date_not_in_future(),
        _is("create_assignment"),
    ),
    _Case(
        "InvalidEscape",
        "Row 4: an invalid character after a backslash",
        errors.invalid_escape("' '"),
        _takes_body,
    ),
    _Case(
        "InvalidValue",
        "Row 5: a value is not one of those allowed",
        errors.validation_failure(
            [f"submission_types.0 in body should be one of [{' '.join(SUBMISSION_TYPES)}]"]
        ),
        _takes_body_of("Assignments"),
    ),
    _Case(
        "MissingValue",
        "Row 6: a value is left out before a comma",
        errors.bad_request("invalid character ',' looking for beginning of value"),
        _takes_body,
    ),
    _Case(
        "InvalidJson",
        "Row 7: the JSON is not well formed",
        errors.bad_request("invalid character ':' after object key:value pair"),
        _takes_body,
    ),
    _Case(
        "InvalidAssignmentId",
        "Row 8: the assignment id is not an id",
        errors.invalid_assignment_id(),
        _in_path("assignment_id"),
    ),
    _Case(
        "GraderNotFound",
        "Row 9: the grader does not teach the section",
        errors.grader_not_found("{{grader_id}}"),
        _is("update_submission"),
    ),
    _Case(
        "DueDateMovedToPast",
        "Row 10: the due date is moved into the past",
        errors.due_date_moved_to_past("YYYY-MM-DD"),
        _is("update_assignment"),
    ),
    _Case(
        "InvalidSectionId",
        "The section id is not an id",
        errors.bad_request('section_id in path must be of type mongo-id: "x"'),
        _in_path("section_id"),
    ),
    _Case(
        "InvalidIdempotencyKey",
        "The `Idempotency-Key` is not valid",
        errors.invalid_idempotency_key(),
        _is("create_assignment"),
    ),
    _Case(
        "InvalidLimit",
        "The limit is out of its bounds",
        errors.bad_request("limit in query should be greater than or equal to 1"),
        _is_list,
    ),
    _Case(
        "InvalidCursor",
        "The cursor was altered, or belongs to another list",
        errors.bad_request("INVALID_CURSOR"),
        _has_cursor,
    ),
    _Case(
        "ExpiredCursor",
        "The cursor is older than two hours",
        errors.bad_request("EXPIRED_CURSOR"),
        _has_cursor,
    ),
    _Case(
        "InvalidDeliveryState",
        "The state is not one of a delivery",
        errors.bad_request(f"state in query should be one of [{' '.join(DELIVERY_STATES)}]"),
        _is("list_deliveries"),
    ),
    _Case(
        "InvalidEventId",
        "An event's id is needed",
        errors.bad_request("starting_after in query should be the id of an event"),
        _is("list_events"),
    ),
    _Case(
        "InvalidRole",
        "The role is not one of the roster",
        errors.bad_request("role in query should be one of [student teacher]"),
        _is("list_users"),
    ),
    _Case(
        "InvalidWebhookUrl",
        "The endpoint cannot be used",
        errors.bad_request(
            "INVALID_URL: the endpoint cannot be used: its server is not on the public network"
        ),
        _takes_body_of("Webhooks"),
    ),
    _Case(
        "InvalidLaunchUrl",
        "The launch address cannot be used",
        errors.bad_request("INVALID_URL: people cannot be sent there: its address must begin with https://"),
        _is("create_launch_address"),
    ),
    _Case("MissingTitle", "The title is missing", errors.missing_fields(["title"]), _is("create_deep_link")),
    _Case(
        "MissingUrl",
        "The URL is missing",
        errors.missing_fields(["url"]),
        _is("create_webhook", "create_launch_address"),
    ),
    _Case(
        "InvalidEvents",
        "An event does not exist",
        errors.bad_request(f'INVALID_EVENTS: "grade.changed" is not one of [{" ".join(events.EVENTS)}]'),
        _takes_body_of("Webhooks"),
    ),
    _Case(
        "TooManyWebhooks",
        "The application has as many webhooks as it may have",
        errors.too_many_webhooks(events.MOST_WEBHOOKS),
        _is("create_webhook"),
    ),
    _Case(
        "WebhookDisabled",
        "A webhook that is disabled gets nothing",
        errors.webhook_disabled(),
        _is("resend_webhook_message", "resend_webhook_messages", "fetch_webhook_messages"),
    ),
    _Case(
        "MissingSince",
        "It is not said since when",
        errors.bad_request("since in query is required"),
        _is("resend_webhook_messages"),
    ),
    _Case(
        "NotFetched",
        "The webhook has a URL",
        errors.webhook_not_fetched(),
        _is("fetch_webhook_messages"),
    ),
    _Case(
        "InvalidWait",
        "The wait is too long",
        errors.bad_request("wait in query should be from 0 to 20"),
        _is("fetch_webhook_messages"),
    ),
)

_NOT_FOUND = (
    _Case(
        "ResourceNotFound",
        "There is no such object, or it belongs to another district",
        errors.resource_not_found(),
        _names_something,
    ),
    _Case(
        "AssignmentGone",
        "Row 13: the assignment does not exist, or no longer exists",
        errors.assignment_gone(),
        _in_path("assignment_id"),
    ),
    _Case(
        "UserNotFound",
        "Row 14: the user is not in the section, or not assigned",
        errors.user_not_found(),
        _in_path("user_id"),
    ),
)


class _Status(Struct, frozen=True):
    """A status, what it says, the errors that have it, and its headers."""

    code: int
    description: str
    cases: tuple[_Case, ...]
    headers: tuple[str, ...] = ()


def _everywhere(_: Operation) -> bool:
    return True


def _sends(operation: Operation) -> bool:
    return operation.method in ("POST", "PATCH")


_KEY_IN_USE = _Case(
    "KeyInUse", "The first request is still being processed", errors.key_in_use(), _is("create_assignment")
)
_KEY_REUSED = _Case(
    "KeyReused", "The key belongs to another request", errors.key_reused(), _is("create_assignment")
)
_NO_TOKEN = _Case("NoAuthorization", "Row 11: there is no token", errors.no_authorization(), _everywhere)
_BAD_TOKEN = _Case(
    "TokenRefused", "Row 12: the token is unknown, revoked or expired", errors.token_refused(), _everywhere
)
_TOO_LARGE = _Case("BodyTooLarge", "The body is too large", errors.body_too_large(), _sends)
_TOO_MANY = _Case("RateLimited", "Too many requests this minute", errors.too_many_requests(60), _everywhere)
_NO_STORE = _Case("StoreUnavailable", "The database is unavailable", errors.store_unavailable(), _everywhere)

_OWN = (
    _Status(400, "The request is not valid.", _BAD_REQUESTS),
    _Status(404, "The token gives access to no such object.", _NOT_FOUND),
    _Status(
        409, "The first request with this key is still being processed.", (_KEY_IN_USE,), ("Retry-After",)
    ),
    _Status(422, "The key was already used for a different request.", (_KEY_REUSED,)),
)
"""What depends on the operation."""

_SHARED = (
    _Status(401, "No token was sent. The text has a space after the colon.", (_NO_TOKEN,)),
    _Status(
        403, "The token is unknown, revoked or expired. The text has a space after the colon.", (_BAD_TOKEN,)
    ),
    _Status(413, "The body is too large.", (_TOO_LARGE,), RATE_LIMIT),
    _Status(
        429,
        "The token has used up its requests for this minute.",
        (_TOO_MANY,),
        (*RATE_LIMIT, "Retry-After"),
    ),
    _Status(
        503,
        "The database is unavailable; nothing was changed.",
        (_NO_STORE,),
        (*RATE_LIMIT, "Retry-After"),
    ),
)
"""What is the same wherever it occurs."""

_METHOD = "MethodNotAllowed"


def failures(operation: Operation) -> Schema:
    """The error responses of an operation, by status."""
    found: Schema = {"405": _response(_METHOD), "500": _unexpected(operation)}
    for it in _OWN:
        repeated = replayed(operation) if it.code in (400, 404) else ()
        if concerning := [case for case in it.cases if case.concerns(operation)]:
            headers = (*RATE_LIMIT, *it.headers, *repeated)
            found[str(it.code)] = _refused(it.code, it.description, concerning, headers)
    for it in _SHARED:
        if any(case.concerns(operation) for case in it.cases):
            found[str(it.code)] = _response(ERRORS[it.code])
    return dict(sorted(found.items()))


def shared_failures() -> Schema:
    """The error responses that operations refer to, by name."""
    method = {
        "description": "Row 15: the method is not supported; the body is empty.",
        "headers": header_references(*RATE_LIMIT, "Allow"),
    }
    return {_METHOD: method} | {
        ERRORS[it.code]: _refused(it.code, it.description, it.cases, it.headers) for it in _SHARED
    }


def error_examples() -> Schema:
    """An example for every text, by name."""
    cases = [case for it in (*_OWN, *_SHARED) for case in it.cases]
    found = {it.name: {"summary": it.summary, "value": {"message": it.refusal.message}} for it in cases}
    plain = {
        _plain(it): {"summary": it.summary, "value": it.refusal.message}
        for it in cases
        if it.refusal.envelope == "plain"
    }
    return found | plain


def failure(status: int, description: str, examples: Schema, headers: Iterable[str] = ()) -> Schema:
    """An error response, with examples and the names of its headers."""
    content: Schema = {"schema": reference(ERRORS[status])}
    if examples:
        content["examples"] = examples
    response: Schema = {"description": description, "content": {"application/json": content}}
    if headers:
        response["headers"] = header_references(*headers)
    return response


def _refused(status: int, description: str, cases: Iterable[_Case], headers: Iterable[str]) -> Schema:
    response = failure(status, description, {case.name: _example(case.name) for case in cases}, headers)
    # no envelope unless the Accept header names application/json
    if plain := {_plain(case): _example(_plain(case)) for case in cases if case.refusal.envelope == "plain"}:
        response["content"]["text/plain"] = {"schema": {"type": "string"}, "examples": plain}
    return response


def _unexpected(operation: Operation) -> Schema:
    because = "The LMS or Passback failed; the log has the cause."
    if _in_path("assignment_id")(operation):
        because += " Or the assignment is still to be made: then `Retry-After` says when to ask again."
    if _in_path("section_id")(operation):
        verb, kind = operation.name.split("_")
        doing = {"list": "reading"}.get(verb, verb.removesuffix("e") + "ing")
        failed = errors.lms_failed(f"{doing} {kind}")
    else:
        failed = errors.internal_error()
    examples = {"Failed": {"summary": "It failed", "value": {"message": failed.message}}}
    return failure(500, because, examples, (*RATE_LIMIT, "Retry-After"))


def _plain(case: _Case) -> str:
    return f"{case.name}Text"


def _example(name: str) -> Schema:
    return {"$ref": f"#/components/examples/{name}"}


def _response(name: str) -> Schema:
    return {"$ref": f"#/components/responses/{name}"}
