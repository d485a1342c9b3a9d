"""Reading what clients send as proto3 JSON: types are checked, and fields that a message does not have are refused.

Names may come in camelCase or in snake_case; null is the same as absence. Read messages have camelCase names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from passback_simulators.google_classroom import errors
from passback_simulators.reply import Refusal


class Enum(Struct, frozen=True):
    """An enumeration. The value that ends in ``_UNSPECIFIED`` is the same as absence."""

    name: str
    """The type's name within google.classroom.v1."""
    unspecified: str
    values: tuple[str, ...]


class Repeated(Struct, frozen=True):
    """A field with any number of values."""

    kind: Kind


class MapOf(Struct, frozen=True):
    """A field with a value for each of any keys."""

    kind: Kind


class Message(Struct, frozen=True):
    """A message."""

    name: str
    """The type's name within google.classroom.v1."""
    fields: Mapping[str, Kind]
    """By their camelCase names."""


Kind = str | Enum | Repeated | MapOf | Message
"""``string``, ``bool``, ``double``, ``int32``, ``timestamp``, ``fieldmask``, or a composite kind."""

_INT32 = 2**31
_TYPES = "type.googleapis.com/google.classroom.v1."
_PROTO_NAMES = {"string": "TYPE_STRING", "bool": "TYPE_BOOL", "double": "TYPE_DOUBLE", "int32": "TYPE_INT32"}
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def camel(name: str) -> str:
    """A name converted from either case to camelCase."""
    first, *more = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in more)


def snake(name: str) -> str:
    """A name converted from either case to snake_case."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[1].lower()}", name)


def parse(body: bytes, message: Message, at: str = "") -> dict[str, Any]:
    """Read the message in a body; `at`: the request's field that it is. An empty body is an empty message."""
    if not body.strip():
        return {}
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.invalid(f"Invalid JSON payload received. {error}") from error
    if not isinstance(content, dict):
        raise errors.invalid("Invalid JSON payload received. Root element must be a message.")
    return _message(content, message, at)


def _message(content: Mapping[str, Any], message: Message, at: str) -> dict[str, Any]:
    read = {}
    for given, value in content.items():
        name = camel(given)
        if name not in message.fields:
            where = f" at '{at}'" if at else ""
            raise errors.invalid(
                f'Invalid JSON payload received. Unknown name "{given}"{where}: Cannot find field.',
                at or given,
            )
        if value is not None:
            parsed = _value(value, message.fields[name], f"{at}.{snake(name)}".lstrip("."))
            if parsed is not None:
                read[name] = parsed
    return read


def _value(value: Any, kind: Kind, at: str) -> Any:
    """Read a value that is not null; None if it is an unspecified enumeration value."""
    match kind:
        case Enum():
            return enum(value, kind, at)
        case Repeated():
            values = value if isinstance(value, list) else [value]
            parsed = [_value(one, kind.kind, f"{at}[{place}]") for place, one in enumerate(values)]
            return [one for one in parsed if one is not None]
        case "string" if isinstance(value, str):
            return value
        case "bool" if isinstance(value, bool):
            return value
        case "double" | "int32" if not isinstance(value, bool):
            return _number(value, kind, at)
        case "timestamp" if isinstance(value, str):
            return instant(value, at)
        case MapOf() if isinstance(value, dict):
            return {
                key: _value(one, kind.kind, f"{at}[{key}]") for key, one in value.items() if one is not None
            }
        case Message() if isinstance(value, dict):
            return _message(value, kind, at)
    raise _wrong(value, _PROTO_NAMES.get(str(kind), f"{_TYPES}{getattr(kind, 'name', '')}"), at)


def enum(value: Any, kind: Enum, at: str) -> str | None:
    """Read the value of an enumeration."""
    if value == kind.unspecified:
        return None
    if not isinstance(value, str) or value not in kind.values:
        raise _wrong(value, f"{_TYPES}{kind.name}", at)
    return value


def _number(value: Any, kind: str, at: str) -> float | int:
    """Read a number, which may be sent as a string."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if kind == "double" and math.isfinite(number):
            return number
        if kind == "int32" and number.is_integer() and -_INT32 <= number < _INT32:
            return int(number)
    raise _wrong(value, _PROTO_NAMES[kind], at)


def int32(text: str, at: str) -> int:
    """Read an integer query parameter."""
    return int(_number(text, "int32", at))


def instant(text: str, at: str) -> int:
    """Read an RFC 3339 timestamp with any offset, as milliseconds since 1970."""
    found = _TIMESTAMP.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)  # noqa: TRY301 - the same answer
        offset = "+00:00" if found[3] in "Zz" else found[3]
        seconds = datetime.fromisoformat(found[1].upper() + offset).timestamp()
    except (ValueError, OverflowError) as error:
        raise errors.invalid(
            f"Invalid value at '{at}' (type.googleapis.com/google.protobuf.Timestamp), Illegal timestamp format; "
            "timestamps must end with 'Z' or have a valid timezone offset.",
            at,
        ) from error
    return int(seconds) * 1000 + int((found[2] or ".000")[1:4].ljust(3, "0"))


def update_mask(text: str, allowed: frozenset[str]) -> frozenset[str]:
    """The camelCase names in an ``updateMask``. Raises `Refusal` if it is empty or names any other field."""
    names = frozenset(camel(name.strip()) for name in text.split(",") if name.strip())
    if not names:
        raise errors.invalid("Update mask is required")
    if odd := names - allowed:
        raise errors.invalid(f"Invalid update mask: {snake(min(odd))}", "update_mask")
    return names


def _wrong(value: Any, type_name: str, at: str) -> Refusal:
    shown = msgspec.json.encode(value).decode()[:200]
    return errors.invalid(f"Invalid value at '{at}' ({type_name}), {shown}", at)
