"""What a function takes: names, types and defaults. Moodle refuses what is missing, mistyped, or not in the list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from passback_simulators.moodle.errors import bad_parameter

REQUIRED: Any = object()
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class Param(Struct, frozen=True):
    """A parameter: ``int``, ``float``, ``bool`` or ``text``; an object of parameters, or a list of one kind."""

    kind: Any
    default: Any = REQUIRED


Spec = Mapping[str, Param]


def whole(default: Any = REQUIRED) -> Param:
    """A whole number."""
    return Param("int", default)


def floating(default: Any = REQUIRED) -> Param:
    """A number with a point."""
    return Param("float", default)


def yes_no(default: Any = REQUIRED) -> Param:
    """0 or 1."""
    return Param("bool", default)


def words(default: Any = REQUIRED) -> Param:
    """A text."""
    return Param("text", default)


def object_of(spec: Spec, default: Any = REQUIRED) -> Param:
    """An object with these parameters."""
    return Param(spec, default)


def list_of(kind: Param, default: Any = REQUIRED) -> Param:
    """A list of one kind."""
    return Param([kind], default)


def validated(spec: Spec, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of all parameters. Raises `Refusal`, without saying which one is wrong."""
    if not given.keys() <= spec.keys():
        raise bad_parameter()
    found = {}
    for name, param in spec.items():
        if name in given:
            found[name] = _value(param.kind, given[name])
        elif param.default is REQUIRED:
            raise bad_parameter()
        else:
            found[name] = param.default
    return found


def _value(kind: Any, given: Any) -> Any:
    if isinstance(kind, list):
        if not isinstance(given, dict) or not all(key.isdecimal() for key in given):
            raise bad_parameter()
        return [_value(kind[0].kind, one) for one in given.values()]
    if isinstance(kind, Mapping):
        if not isinstance(given, dict):
            raise bad_parameter()
        return validated(kind, given)
    if not isinstance(given, str):
        raise bad_parameter()
    if kind == "text":
        return given
    if kind == "bool" and given in ("0", "1"):
        return given == "1"
    if kind == "int" and _WHOLE.fullmatch(given):
        return int(given)
    if kind == "float" and _FLOAT.fullmatch(given):
        return float(given)
    raise bad_parameter()
