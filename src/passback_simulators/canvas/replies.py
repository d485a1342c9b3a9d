"""Canvas's answers: JSON with ids as numbers or texts, and its refusals in their four shapes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from passback_simulators.reply import Refusal, Reply, json_reply
from passback_simulators.request import Request

STRING_IDS = "application/json+canvas-string-ids"


def date(milliseconds: int | None) -> str | None:
    """A time as Canvas shows it: whole seconds in UTC."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def answer(request: Request, status: int, content: Any) -> Reply:
    """An answer; the ids are texts for a client that asks for that."""
    if STRING_IDS in request.headers.get("accept", ""):
        content = _with_string_ids(content)
    return json_reply(status, content)


def refuse(status: int, content: Any) -> Refusal:
    """A refusal with this body."""
    return Refusal(json_reply(status, content))


def messages(status: int, text: str) -> Refusal:
    """A refusal in the shape of a list of messages."""
    return refuse(status, {"errors": [{"message": text}]})


def not_found() -> Refusal:
    """The answer for what is missing, deleted or hidden."""
    return messages(404, "The specified resource does not exist.")


def invalid(field: str, kind: str, text: str, status: int = 400) -> Refusal:
    """A refusal of a model's field."""
    return refuse(status, {"errors": {field: [{"attribute": field, "type": kind, "message": text}]}})


def unauthenticated(text: str) -> Refusal:
    """A refusal of the token."""
    reply = json_reply(401, {"errors": [{"message": text}]})
    return Refusal(reply.with_headers(WWW_Authenticate='Bearer realm="canvas-lms"'))


def unauthorized(status: int) -> Refusal:
    """A refusal for want of a right: 401 of older Canvases, 403 of newer ones."""
    return refuse(
        status,
        {"status": "unauthorized", "errors": [{"message": "user not authorized to perform that action"}]},
    )


def body_of(request: Request) -> dict[str, Any]:
    """The content of a request: JSON, or a form with brackets."""
    kind = request.headers.get("content-type", "")
    if "json" in kind:
        try:
            content = json.loads(request.body or b"{}")
        except ValueError:
            raise messages(400, "invalid JSON") from None
        return content if isinstance(content, dict) else {}
    return nested(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """What a form's names with brackets mean, as Rails reads them: ``a[b]=1``, ``a[]=2``, ``a[][b]=3``."""
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
        # A name that the last object of the list has already begins the next one; a list in it goes on.
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
