"""The OpenAPI document for tests: as a sandbox serves it, and so that it allows nothing that it does not describe."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import passback
from passback.wire.openapi.document import document

DOCUMENT = document(passback.__version__, sandbox=True)


def objects(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object within `value` that is not an example, with its place."""
    if isinstance(value, dict):
        yield place, value
        for name, item in value.items():
            # A component or a field can have one of these names, too.
            if name not in ("example", "examples") or place.endswith(("/components", "/properties")):
                yield from objects(item, f"{place}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from objects(item, f"{place}/{index}")


def operations(described: dict[str, Any] = DOCUMENT) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with its path and method, in capitals."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def resolved(value: dict[str, Any], described: dict[str, Any] = DOCUMENT) -> dict[str, Any]:
    """What `value` refers to, or itself."""
    found: Any = value
    while "$ref" in found:
        place = found["$ref"].removeprefix("#/").split("/")
        found = described
        for part in place:
            found = found[part]
    return found  # type: ignore[no-any-return]


def closed(described: dict[str, Any]) -> dict[str, Any]:
    """The document without leave for answers to have fields that it does not describe: clients are to ignore those."""
    strict = copy.deepcopy(described)
    for name, schema in strict["components"]["schemas"].items():
        if "properties" in schema and not name.endswith("Request"):
            schema["additionalProperties"] = False
    return strict
