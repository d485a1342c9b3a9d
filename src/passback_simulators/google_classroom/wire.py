"""How Google writes JSON: proto3's mapping, which omits default values.

Empty lists, empty strings, 0 and false are never sent; a message that is set always is, even if nothing is
in it (a due time of midnight is ``{}``). Grades and a rubric's points are the exception: a grade of 0 is a grade.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

from passback_simulators.google_classroom.errors import JSON_TYPE
from passback_simulators.reply import Reply


class Present(float):
    """A number whose field tells whether it is set, so that it is sent even if it is 0."""


def present(number: float | None) -> Present | None:
    """A number that is sent even if it is 0; None if it is not set."""
    return None if number is None else Present(number)


def compact(content: Any) -> Any:
    """A message without its default values; None stands for an unset field."""
    if isinstance(content, dict):
        sent = {name: compact(value) for name, value in content.items()}
        return {
            name: value
            for name, value in sent.items()
            if isinstance(value, dict) or value or isinstance(content[name], Present)
        }
    if isinstance(content, list):
        return [compact(item) for item in content]
    if isinstance(content, float) and content.is_integer():
        return int(content)
    return content


def message_reply(content: Any, *, pretty: bool = True) -> Reply:
    """200 with a message, indented unless the client asks otherwise."""
    indent, separators = (2, (",", ": ")) if pretty else (None, (",", ":"))
    body = json.dumps(compact(content), ensure_ascii=False, indent=indent, separators=separators).encode()
    return Reply(200, body, (("content-type", JSON_TYPE),))


def timestamp(milliseconds: int | None) -> str | None:
    """A timestamp in RFC 3339 and UTC, with milliseconds only if there are any."""
    if milliseconds is None:
        return None
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    decimals = f".{milliseconds % 1000:03}" if milliseconds % 1000 else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{decimals}Z"


def id_in_links(id_: str) -> str:
    """An id as it appears in the web pages' addresses."""
    return urlsafe_b64encode(id_.encode()).decode().rstrip("=")
