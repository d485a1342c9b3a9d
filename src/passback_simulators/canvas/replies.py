"""Canvas's replies: JSON with ids as numbers or strings, and errors in their four shapes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from passback_simulators.reply import Refusal, Reply, json_reply
from passback_simulators.request import Request

STRING_IDS = "application/json+canvas-string-ids"


def date(milliseconds: int | None) -> str | None:
    """A time as Canvas writes it: whole seconds in UTC."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def answer(request: Request, status: int, content: Any) -> Reply:
    """A reply; the ids are strings if the client asks for that."""
    if STRING_IDS in request.headers.get("accept", ""):
        content = _with_string_ids(content)
    return json_reply(status, content)


def refuse(status: int, content: Any) -> Refusal:
    """A refusal with this body."""
    return Refusal(json_reply(status, content))


def messages(status: int, text: str) -> Refusal:
    """A refusal with a list of one message."""
    return refuse(status, {"errors": [{"message": text}]})


def not_found() -> Refusal:
    """The refusal for anything missing, deleted or hidden."""
    return messages(404, "The specified resource does not exist.")


def truthy(value: Any) -> bool:
    """Whether a parameter means yes, in JSON or in a form."""
    return value is True or str(value).lower() in ("true", "1", "yes", "on", "t")


def number_of(value: Any, default: float = 0.0) -> float:
    """A parameter as a number, as Rails reads it: what is none counts as nothing given."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return default
    return found if math.isfinite(found) else default


def invalid(field: str, kind: str, text: str, status: int = 400) -> Refusal:
    """A refusal for a field of a model."""
    return refuse(status, {"errors": {field: [{"attribute": field, "type": kind, "message": text}]}})


def unauthenticated(text: str) -> Refusal:
    """A refusal for a bad token."""
    reply = json_reply(401, {"errors": [{"message": text}]})
    return Refusal(reply.with_headers(WWW_Authenticate='Bearer realm="canvas-lms"'))


def unauthorized(status: int) -> Refusal:
    """A refusal for lack of a right: 401 in older versions of Canvas, 403 in newer ones."""
    return refuse(
        status,
        {"status": "unauthorized", "errors": [{"message": "user not authorized to perform that action"}]},
    )


def body_of(request: Request) -> dict[str, Any]:
    """Read the content of a request: JSON, or a form with brackets."""
    kind = request.headers.get("content-type", "")
    if "json" in kind:
        try:
            content = json.loads(request.body or b"{}")
        except ValueError:
            raise messages(400, "invalid JSON") from None
        return content if isinstance(content, dict) else {}
    return nested(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def object_in(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A parameter that is an object; whatever else is sent counts as an empty one."""
    found = content.get(name)
    return found if isinstance(found, dict) else {}


def objects_in(content: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A parameter that is an array of objects, without whatever else is in it."""
    found = content.get(name)
    return [it for it in found if isinstance(it, dict)] if isinstance(found, list) else []


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Expand a form's names with brackets as Rails does: ``a[b]=1``, ``a[]=2``, ``a[][b]=3``."""
    content: dict[str, Any] = {}
    for name, value in pairs:
        _put(content, name.replace("]", "").split("["), value)
    return content


def _put(place: dict[str, Any], parts: list[str], value: str) -> None:
    name, *rest = parts
    if not rest:
        place[name] = value
    elif rest[0] == "":
        items = place.setdefault(name, [])
        if not isinstance(items, list):
            raise messages(400, "invalid parameters")
        if len(rest) == 1:
            items.append(value)
            return
        # A name that the list's last object already has starts the next object; a list within it continues.
        more = len(rest) > 2 and rest[2] == ""
        if not items or (rest[1] in items[-1] and not more):
            items.append({})
        _put(items[-1], rest[1:], value)
    else:
        inner = place.setdefault(name, {})
        if not isinstance(inner, dict):
            raise messages(400, "invalid parameters")
        _put(inner, rest, value)


def _with_string_ids(content: Any) -> Any:
    if isinstance(content, list):
        return [_with_string_ids(item) for item in content]
    if not isinstance(content, dict):
        return content
    changed: dict[str, Any] = {}
    for name, value in content.items():
        if (name == "id" or name.endswith("_id")) and isinstance(value, int) and not isinstance(value, bool):
            changed[name] = str(value)
        elif name.endswith("_ids") and isinstance(value, list):
            changed[name] = [str(item) for item in value]
        else:
            changed[name] = _with_string_ids(value)
    return changed
