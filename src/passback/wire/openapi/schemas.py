"""The JSON Schemas of what goes in and out, made from the structs themselves.

A struct of an answer (`responses`, `roster`, `events`) gives the type and description of each field. A struct of a
request (`requests`) says which of those fields can be sent.
"""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

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
from passback.wire.values import MONGO_ID

Schema = dict[str, Any]

_NAMED: tuple[type[Struct], ...] = (
    responses.Assignment,
    responses.Attachment,
    responses.GradingScale,
    responses.Submission,
    responses.SubmissionOutcome,
    responses.Delivery,
    responses.DeliveryError,
    responses.Webhook,
    responses.WebhookTest,
    responses.LaunchAddress,
    responses.Launch,
    responses.DeepLink,
    events.DeliveryData,
    events.AssignmentData,
    events.ConnectionData,
    events.MatchData,
    events.TestData,
    roster.District,
    roster.School,
    roster.Term,
    roster.Course,
    roster.Section,
    roster.User,
    roster.RosterEvent,
)
"""The structs with a schema under their own name; others are inlined where they are used."""


def schemas() -> Schema:
    """Every schema, by its name."""
    user_id = {"user_id": {"type": "string", "pattern": MONGO_ID, "description": "The student's id."}}
    submission = _sent_fields(SubmissionRequest, responses.Submission)
    submissions = {
        "type": "array",
        "maxItems": MOST_ITEMS,
        "items": _request(user_id | submission, "user_id"),
    }
    assignment = _sent_fields(AssignmentRequest, responses.Assignment)
    webhook = _sent_fields(WebhookRequest, responses.Webhook)
    return {
        **{struct.__name__: answer(struct) for struct in _NAMED},
        "AssignmentCreate": _request(
            assignment | {"title": assignment["title"] | {"minLength": 1}}, "title", "description", "due_date"
        ),
        "AssignmentUpdate": _request(assignment),
        "AttachmentRequest": _request(_sent_fields(AttachmentRequest, responses.Attachment)),
        "SubmissionUpdate": _request(submission),
        "SubmissionsUpdate": {
            "type": "object",
            "properties": {"submissions": submissions},
            "required": ["submissions"],
        },
        "WebhookCreate": _request(webhook, "url"),
        "WebhookUpdate": _request(webhook),
        "DeepLinkCreate": _request(_sent_fields(DeepLinkRequest, responses.DeepLink), "title"),
        "LaunchAddressCreate": _request(_sent_fields(LaunchAddressRequest, responses.LaunchAddress), "url"),
        "Error": object_of(
            {"message": {"type": "string", "description": "What is wrong."}}, required=("message",)
        ),
        "NextLink": _link({"const": "next"}),
        "RosterLink": _link({"enum": ["self", "next", "prev"]}),
    }


def reference(name: str) -> Schema:
    """A reference to one of `schemas`."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(properties: Schema, *, required: tuple[str, ...] = (), description: str = "") -> Schema:
    """An object with exactly these properties."""
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
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
        return _mapping(*arguments)
    if issubclass(form, Struct):
        return reference(form.__name__) if form in _NAMED else answer(form)
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


def _mapping(key: Any, value: Any) -> Schema:
    if get_origin(key) is Literal:
        return object_of({name: _schema(value) for name in get_args(key)})
    return {"type": "object"} if value is Any else {"type": "object", "additionalProperties": _schema(value)}


def _link(rel: Schema) -> Schema:
    """A link with one of these relations."""
    schema = answer(roster.Link)
    del schema["properties"]["rel"]["type"]
    schema["properties"]["rel"] |= rel
    return schema


# Requests

_SENT_DATE: Schema = {
    "type": "string",
    "description": "RFC 3339, such as 2030-06-01T23:59:00Z; seconds, the zone (then UTC) or the time can be omitted.",
    "examples": ["2030-06-01T23:59:00Z", "2030-06-01T23:59", "2030-06-01"],
}


def _request(properties: Schema, *required: str) -> Schema:
    """The object of a request: null is the same as absent, and unknown fields are ignored."""
    schema: Schema = {
        "type": "object",
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
    nullable = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable
