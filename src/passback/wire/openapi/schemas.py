"""The JSON Schemas of what goes in and out, made from the structs themselves.

A struct of an answer (`responses`, `roster`, `events`) gives the type and description of each field. A struct of a
request (`requests`) says which of those fields can be sent.
"""

from __future__ import annotations

from inspect import isclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from msgspec import Meta, Raw, Struct
from msgspec.structs import FieldInfo, fields

from passback.wire import events, responses, roster
from passback.wire.decode import MOST_ITEMS
from passback.wire.requests import (
    AssignmentRequest,
    AttachmentRequest,
    DeepLinkRequest,
    LaunchAddressRequest,
    SubmissionRequest,
    WebhookRequest,
    WireDate,
)
from passback.wire.values import ENUMERATIONS, MONGO_ID

Schema = dict[str, Any]


def schemas() -> Schema:
    """Every schema of what is not an answer as a whole, by its name."""
    return {
        **_enumerations(),
        **{struct.__name__: answer(struct) for struct in _structs()},
        **_requests(),
        **dict.fromkeys(ERRORS.values(), _error()),
        "SubmissionsLink": _next_link(),
        "NextLink": _next_link(),
        "RosterLink": answer(roster.Link),
    }


ERRORS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    413: "ContentTooLarge",
    422: "UnprocessableContent",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
}
"""The names of errors' schemas by status: those that are published, and the others after the names of the statuses."""


def _error() -> Schema:
    message = {"type": "string", "description": "What is wrong."}
    return object_of({"message": message}, required=("message",), description="An error.")


def _enumerations() -> Schema:
    found = ENUMERATIONS | {"WebhookEvent": ("An event that a webhook can receive.", events.EVENTS)}
    return {
        name: {"type": "string", "enum": list(values), "description": description}
        for name, (description, values) in found.items()
    }


def _structs() -> list[type[Struct]]:
    """The objects of answers and messages, each of which has a schema under its own name."""
    found = [
        it
        for module in (responses, roster, events)
        for it in vars(module).values()
        if isclass(it) and issubclass(it, Struct) and it.__module__ == module.__name__
    ]
    return [it for it in found if it not in (roster.Link, events.Event) and not it.__name__.startswith("_")]


def _requests() -> Schema:
    submission = _sent_fields(SubmissionRequest, responses.Submission)
    user_id = {"user_id": {"type": "string", "pattern": MONGO_ID, "description": "The student's id."}}
    submissions = {
        "type": "array",
        "description": "The students' parts.",
        "maxItems": MOST_ITEMS,
        "items": reference("SubmissionItemRequest"),
    }
    return {
        "AssignmentRequest": _request(
            "The fields of an assignment that a client can set.",
            _sent_fields(AssignmentRequest, responses.Assignment),
        ),
        "AttachmentRequest": _request(
            "A file or link, or a student's text, to be attached.",
            _sent_fields(AttachmentRequest, responses.Attachment),
        ),
        "SubmissionRequest": _request("The fields of a submission that a client can set.", submission),
        "SubmissionItemRequest": _request(
            "One student's part of a bulk update.", user_id | submission, "user_id"
        ),
        "SubmissionsRequest": _request("A bulk update.", {"submissions": submissions}, "submissions"),
        "WebhookRequest": _request(
            "The fields of a webhook that a client can set.", _sent_fields(WebhookRequest, responses.Webhook)
        ),
        "DeepLinkRequest": _request(
            "The activity that a teacher has chosen.", _sent_fields(DeepLinkRequest, responses.DeepLink)
        ),
        "LaunchAddressRequest": _request(
            "Where the application takes the people whom an LMS starts it for.",
            _sent_fields(LaunchAddressRequest, responses.LaunchAddress),
        ),
    }


def reference(name: str) -> Schema:
    """A reference to one of `schemas`."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(properties: Schema, *, required: tuple[str, ...] = (), description: str = "") -> Schema:
    """An object with these properties, and others that later versions add."""
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    if description:
        schema["description"] = description
    return schema


# Answers


def answer(struct: Any) -> Schema:
    """A struct as an answer holds it: fields without a default are always there, the others if they have a value."""
    found = fields(struct)
    return object_of(
        {field.name: _schema(field.type) for field in found},
        required=tuple(field.name for field in found if field.required),
        description=(struct.__doc__ or "").partition("\n")[0].replace("``", "`"),
    )


_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def _schema(form: Any) -> Schema:
    """The schema of a field's type. None is left out: a field without a value is not in the answer."""
    origin, arguments = get_origin(form), get_args(form)
    if origin is Annotated:
        return _annotated(*arguments)
    if origin in (Union, UnionType):
        # Raw stands for one of the others, already encoded.
        (only,) = (each for each in arguments if each not in (NoneType, Raw))
        return _schema(only)
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0])}
    if origin is dict:
        values = {} if arguments[1] is Any else {"additionalProperties": _schema(arguments[1])}
        return {"type": "object", **values}
    if issubclass(form, Struct):
        return reference(form.__name__)
    return {"type": _TYPES[form]}


def _annotated(form: Any, *metadata: Meta) -> Schema:
    """A type with metadata; `extra_json_schema`, if there is one, is its whole schema."""
    whole: Schema = {}
    noted: Schema = {}
    for meta in metadata:
        whole |= meta.extra_json_schema or {}
        values = {"minimum": meta.ge, "maximum": meta.le, "description": meta.description}
        noted |= {key: value for key, value in values.items() if value is not None}
    return (whole or _schema(form)) | noted


def _next_link() -> Schema:
    """A link that can only lead to the next page."""
    schema = answer(roster.Link)
    schema["properties"]["rel"] = {"const": "next", "description": "Always `next`."}
    return schema


# Requests

_SENT_DATE: Schema = {
    "type": "string",
    "description": "RFC 3339, such as 2030-06-01T23:59:00Z; seconds, the zone (then UTC) or the time can be omitted.",
    "examples": ["2030-06-01T23:59:00Z", "2030-06-01T23:59", "2030-06-01"],
}


def _request(description: str, properties: Schema, *required: str) -> Schema:
    """The object of a request: null is the same as absent, and unknown fields are ignored."""
    schema: Schema = {
        "type": "object",
        "description": description,
        "properties": {
            name: field if name in required else _nullable(field) for name, field in properties.items()
        },
    }
    return schema | {"required": list(required)} if required else schema


def _sent_fields(struct: type[Struct], answered: type[Struct]) -> Schema:
    """The fields of a request's struct; each means what the answer's field of the same name does."""
    meanings = answer(answered)["properties"]
    return {
        field.name: _sent(field, meanings[field.name])
        for field in fields(struct)
        if field.name != "unknown_fields"
    }


def _sent(field: FieldInfo, meaning: Schema) -> Schema:
    form, *metadata = get_args(field.type) if get_origin(field.type) is Annotated else (field.type,)
    own: Schema = {}
    for meta in metadata:
        own |= meta.extra_json_schema or {}
    if form == WireDate | None:
        return {**_SENT_DATE, "description": f"{meaning['description']} {_SENT_DATE['description']}"} | own
    if form == tuple[AttachmentRequest | None, ...] | None:
        own["items"] = {"oneOf": [reference(AttachmentRequest.__name__), {"type": "null"}]}
    return meaning | own


def _nullable(schema: Schema) -> Schema:
    if "$ref" in schema:
        described = {"description": schema["description"]} if "description" in schema else {}
        return {**described, "oneOf": [{"$ref": schema["$ref"]}, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}
