"""What Moodle 4.5 itself says that its functions take and answer, from pymoodle, which is made from Moodle's source."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import moodle.ws.types
from moodle.ws.methods import WebserviceMethods

from passback_simulators.moodle.params import REQUIRED, Spec

_SCALARS: Mapping[Any, Any] = {int: int, float: (int, float), str: str, bool: bool, None: type(None)}
_KINDS = {"int": int, "float": float, "bool": bool, "text": str}


def misfits(function: str, answer: Any) -> list[str]:
    """What of an answer Moodle would not answer: what is missing, of another type, or unknown."""
    return list(_misfits(answer, _hint(_method(function).__annotations__["return"]), ""))


def differences(function: str, spec: Spec) -> list[str]:
    """In what parameters Moodle's function differs from `spec`."""
    params = [it for it in inspect.signature(_method(function)).parameters.values() if it.name != "self"]
    hints = {it.name: _hint(it.annotation) for it in params}
    required = {it.name for it in params if it.default is inspect.Parameter.empty}
    return list(_differences(spec, hints, required, ""))


def _method(function: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(WebserviceMethods, function)
    return found


def _hint(annotation: Any) -> Any:
    """A type that is written as text there."""
    names = {"_types": moodle.ws.types, "Any": Any}
    return eval(annotation, names) if isinstance(annotation, str) else annotation


def _choices(hint: Any) -> tuple[Any, ...]:
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return tuple(None if it is type(None) else it for it in typing.get_args(hint)) if is_union else (hint,)


def _misfits(value: Any, hint: Any, where: str) -> Iterator[str]:
    choices = _choices(hint)
    if value is None and None in choices:
        return
    hint = choices[0]
    if typing.is_typeddict(hint):
        if not isinstance(value, dict):
            yield f"{where} is no object"
            return
        hints = typing.get_type_hints(hint)
        yield from (f"{where} lacks {name}" for name in hint.__required_keys__ - value.keys())
        yield from (f"{where} has an unknown {name}" for name in value.keys() - hints.keys())
        for name in value.keys() & hints.keys():
            yield from _misfits(value[name], hints[name], f"{where}.{name}")
    elif typing.get_origin(hint) is list:
        if not isinstance(value, list):
            yield f"{where} is no list"
            return
        for one in value:
            yield from _misfits(one, typing.get_args(hint)[0], f"{where}[]")
    elif not isinstance(value, _SCALARS[hint]) or (isinstance(value, bool) and hint is not bool):
        yield f"{where} is {value!r}"


def _differences(spec: Spec, hints: Mapping[str, Any], required: set[str], where: str) -> Iterator[str]:
    yield from (f"{where}.{name} is only in one" for name in spec.keys() ^ hints.keys())
    for name in spec.keys() & hints.keys():
        here = f"{where}.{name}"
        if (spec[name].default is REQUIRED) != (name in required):
            yield f"{here} is required in only one"
        yield from _kind_differs(spec[name].kind, hints[name], here)


def _kind_differs(kind: Any, hint: Any, where: str) -> Iterator[str]:
    hint = _choices(hint)[0]
    if isinstance(kind, list):
        if typing.get_origin(hint) is not list:
            yield f"{where} is no list"
        else:
            yield from _kind_differs(kind[0].kind, typing.get_args(hint)[0], f"{where}[]")
    elif isinstance(kind, str):
        if _KINDS[kind] is not hint:
            yield f"{where} is {hint}"
    elif not typing.is_typeddict(hint):
        yield f"{where} is no object"
    else:
        yield from _differences(kind, typing.get_type_hints(hint), set(hint.__required_keys__), where)
