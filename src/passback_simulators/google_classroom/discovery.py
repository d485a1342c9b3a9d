"""The API's description in Google's discovery format, made from the operations and messages that the simulator has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import errors, messages
from passback_simulators.google_classroom.call import SCOPE_PREFIX
from passback_simulators.google_classroom.parsing import Enum, Kind, MapOf, Message, Repeated
from passback_simulators.reply import Refusal, json_reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from passback_simulators.google_classroom.call import Operation
    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

_API, _VERSION = "classroom", "v1"
_PREVIEW_LABEL = "DEVELOPER_PREVIEW"
"""The label with which clients of the Developer Preview Program ask for the description."""

_SCALARS = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "double": {"type": "number", "format": "double"},
    "int32": {"type": "integer", "format": "int32"},
    "timestamp": {"type": "string", "format": "google-datetime"},
    "fieldmask": {"type": "string", "format": "google-fieldmask"},
}

_COMMON_PARAMETERS: dict[str, dict[str, Any]] = {
    name: {"type": "string", "location": "query"}
    for name in (
        "access_token", "alt", "callback", "fields", "key", "oauth_token", "quotaUser", "uploadType",
        "upload_protocol",
    )
} | {
    "$.xgafv": {"type": "string", "location": "query", "enum": ["1", "2"]},
    "prettyPrint": {"type": "boolean", "location": "query", "default": "true"},
}  # fmt: skip
_COMMON_PARAMETERS["alt"] |= {"default": "json", "enum": ["json", "media", "proto"]}


def describe(operations: Sequence[Operation], lms: ClassroomState, request: Request) -> Reply:
    """``GET /$discovery/rest``, where Google's clients look for the API that a host serves."""
    version = request.param("version") or _VERSION
    if version != _VERSION:
        host = f"{_API}.googleapis.com"
        message = f"Discovery document not found for API service: {host} format: rest version: {version}"
        raise Refusal(errors.reply("NOT_FOUND", message))
    preview = _PREVIEW_LABEL in request.params("labels")
    return json_reply(200, document(operations, request.base_url, preview=preview), errors.JSON_TYPE)


def describe_centrally(
    operations: Sequence[Operation], lms: ClassroomState, request: Request, api: str, version: str
) -> Reply:
    """``GET /discovery/v1/apis/{api}/{version}/rest``, which www.googleapis.com answers for all APIs."""
    if (api, version) != (_API, _VERSION):
        raise errors.not_found()
    return describe(operations, lms, request)


def document(operations: Sequence[Operation], url: str, *, preview: bool) -> dict[str, Any]:
    """The description of an API that is served at `url`. `preview`: with the parameter that selects a preview."""
    root = f"{url}/"
    content: dict[str, Any] = {
        "kind": "discovery#restDescription", "discoveryVersion": "v1", "id": f"{_API}:{_VERSION}", "name": _API,
        "canonicalName": "Classroom", "version": _VERSION, "title": "Google Classroom API",
        "description": "The part of the Google Classroom API that this simulator has.",
        "ownerName": "Google", "ownerDomain": "google.com", "protocol": "rest", "rootUrl": root, "baseUrl": root,
        "basePath": "", "servicePath": "", "batchPath": "batch", "fullyEncodeReservedExpansion": True,
        "parameters": _COMMON_PARAMETERS,
    }  # fmt: skip
    scopes = sorted({SCOPE_PREFIX + scope for one in operations for scope in one.scopes})
    content["auth"] = {"oauth2": {"scopes": {scope: {"description": scope} for scope in scopes}}}
    content["resources"] = _resources(operations, preview=preview)
    used = (message for one in operations for message in (one.message, one.response) if message is not None)
    content["schemas"] = dict(sorted(_schemas(used).items()))
    return content


# Methods.


def method_id(operation: Operation) -> tuple[str, ...]:
    """The resources and the name of an operation as clients know it, such as ``courses``, ``topics``, ``list``."""
    path, _, action = operation.path.removeprefix(f"/{_VERSION}/").partition(":")
    segments = path.split("/")
    resources = [one for one in segments if not one.startswith("{")]
    rpc = operation.name.partition(".")[2]
    if action:
        return *resources, action
    if segments[-1].startswith("{"):
        return *resources, operation.method.lower()
    if operation.method == "POST":
        return *resources, "create"
    if rpc.startswith("List"):
        return *resources, "list"
    # There is one for each parent: it has no resource of its own.
    *resources, only = resources
    verb = "get" if operation.method == "GET" else "update"
    return *resources, f"{verb}{only[0].upper()}{only[1:]}"


def _resources(operations: Iterable[Operation], *, preview: bool) -> dict[str, Any]:
    root: dict[str, Any] = {"resources": {}}
    for operation in operations:
        *resources, name = method_id(operation)
        place = root
        for one in resources:
            place = place.setdefault("resources", {}).setdefault(one, {})
        place.setdefault("methods", {})[name] = _method(operation, preview=preview)
    return dict(root["resources"])


def _method(operation: Operation, *, preview: bool) -> dict[str, Any]:
    path = operation.path.removeprefix("/")
    order = [part.partition("}")[0] for part in path.split("{")[1:]]
    query = dict.fromkeys(operation.params) | ({"previewVersion": None} if preview else {})
    kinds = {**messages.PARAMETERS, "previewVersion": messages.PREVIEW_VERSION}
    content: dict[str, Any] = {
        "id": ".".join((_API, *method_id(operation))),
        "path": path,
        "flatPath": path,
        "httpMethod": operation.method,
        "parameterOrder": order,
        "parameters": {name: {"type": "string", "location": "path", "required": True} for name in order}
        | {name: _parameter(kinds[name]) for name in query},
        "response": {"$ref": operation.response.name},
        "scopes": [SCOPE_PREFIX + scope for scope in operation.scopes],
    }
    if operation.message is not None:
        content["request"] = {"$ref": operation.message.name}
    return content


def _parameter(kind: Kind) -> dict[str, Any]:
    if isinstance(kind, Repeated):
        return _parameter(kind.kind) | {"repeated": True}
    return _schema(kind) | {"location": "query"}


# Schemas.


def _schemas(used: Iterable[Message]) -> dict[str, Any]:
    """The schemas of messages, and of the messages in their fields."""
    found: dict[str, Any] = {}
    waiting = list(used)
    while waiting:
        message = waiting.pop()
        if message.name not in found:
            properties = {name: _schema(kind) for name, kind in message.fields.items()}
            found[message.name] = {"id": message.name, "type": "object", "properties": properties}
            waiting += [one for kind in message.fields.values() for one in _within(kind)]
    return found


def _within(kind: Kind) -> list[Message]:
    if isinstance(kind, Repeated | MapOf):
        return _within(kind.kind)
    return [kind] if isinstance(kind, Message) else []


def _schema(kind: Kind) -> dict[str, Any]:
    match kind:
        case Enum():
            return {"type": "string", "enum": [kind.unspecified, *kind.values]}
        case Repeated():
            return {"type": "array", "items": _schema(kind.kind)}
        case MapOf():
            return {"type": "object", "additionalProperties": _schema(kind.kind)}
        case Message():
            return {"$ref": kind.name}
    return dict(_SCALARS[kind])
