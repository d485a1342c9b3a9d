"""Parameters as PHP reads them: ``grades[0][userid]=6`` is a member of an object in a list."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

_KEYS = re.compile(r"\[([^\]]*)\]")


def pairs(encoded: str) -> list[tuple[str, str]]:
    """The decoded parameters of a query or a form, in order."""
    return parse_qsl(encoded, keep_blank_values=True)


def nested(given: list[tuple[str, str]], most: int) -> dict[str, Any]:
    """The values by name, lists as objects by number. What is beyond `most` variables is cut off, as PHP does."""
    found: dict[str, Any] = {}
    for name, value in given[:most]:
        first, bracket, _ = name.partition("[")
        keys = [first, *_KEYS.findall(name[len(first) :])] if bracket else [name]
        _put(found, keys, value)
    return found


def _put(place: dict[str, Any], keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        inner = place.setdefault(key or str(len(place)), {})
        if not isinstance(inner, dict):
            inner = place[key] = {}
        place = inner
    place[keys[-1] or str(len(place))] = value
