"""The OpenAPI document as a whole: it has every call, and only those that are served."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import passback
from passback.wire.openapi.document import document
from passback.wire.operations import OPERATIONS

DOCUMENT = document(passback.__version__, sandbox=True)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object within `value` that is not an example."""
    if isinstance(value, dict):
        yield value
        for name, item in value.items():
            if name not in ("example", "examples"):
                yield from objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item)


def test_every_operation_is_in_it() -> None:
    described = {
        (operation["operationId"], method.upper(), path)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v3.1")
    }
    assert described == {(operation.name, operation.method, operation.path) for operation in OPERATIONS}


TEACHER, REGISTRAR = "/sandbox/teacher/sections/{section}", "/sandbox/registrar/sections/{section}"


def test_beside_the_operations_are_health_and_the_sandbox() -> None:
    beside = {
        (method.upper(), path)
        for path, methods in DOCUMENT["paths"].items()
        for method in methods
        if not path.startswith("/v3.1")
    }
    assert beside == {
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("POST", "/sandbox/reset"),
        ("GET", "/sandbox/state"),
        ("PUT", "/sandbox/state"),
        ("GET", "/sandbox/clock"),
        ("PUT", "/sandbox/clock"),
        ("DELETE", "/sandbox/clock"),
        ("GET", "/sandbox/requests"),
        ("DELETE", "/sandbox/requests"),
        ("GET", "/sandbox/requests/{id}"),
        ("GET", f"{TEACHER}"),
        ("PATCH", f"{TEACHER}/assignments/{{assignment}}"),
        ("DELETE", f"{TEACHER}/assignments/{{assignment}}"),
        ("PATCH", f"{TEACHER}/assignments/{{assignment}}/submissions/{{user}}"),
        ("POST", f"{TEACHER}/assignments/{{assignment}}/submissions/{{user}}"),
        ("PUT", f"{REGISTRAR}/members/{{user}}"),
        ("DELETE", f"{REGISTRAR}/members/{{user}}"),
        ("POST", f"{REGISTRAR}/students"),
    }


def test_production_has_no_sandbox_calls() -> None:
    assert "Sandbox-Fault" in json.dumps(DOCUMENT)
    assert "sandbox" not in json.dumps(document("1", sandbox=False)["paths"]).lower()


def test_every_reference_leads_somewhere() -> None:
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT))):
        place: Any = DOCUMENT
        for part in reference.split("/"):
            place = place[part]


def test_every_schema_and_header_is_used() -> None:
    used = set(re.findall(r'"#/components/(?:schemas|headers)/([^"]+)"', json.dumps(DOCUMENT)))
    assert used == {*DOCUMENT["components"]["schemas"], *DOCUMENT["components"]["headers"]}


def test_every_tag_is_described_and_used() -> None:
    used = {tag for methods in DOCUMENT["paths"].values() for it in methods.values() for tag in it["tags"]}
    assert used == {tag["name"] for tag in DOCUMENT["tags"]}


def test_descriptions_are_sentences_and_summaries_are_titles() -> None:
    texts = [each["description"] for each in objects(DOCUMENT) if isinstance(each.get("description"), str)]
    assert [text for text in texts if text != "OK" and not text.endswith(".")] == []
    operations = [it for methods in DOCUMENT["paths"].values() for it in methods.values()]
    assert [it["summary"] for it in operations if not it["summary"] or it["summary"].endswith(".")] == []


def test_every_parameter_has_a_description() -> None:
    parameters = [each for each in objects(DOCUMENT) if each.get("in") in ("path", "query", "header")]
    assert parameters
    assert [each["name"] for each in parameters if not each["description"]] == []
