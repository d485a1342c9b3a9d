"""Our document has all that the published one has: the operations, their ids, the types and their fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.openapi import DOCUMENT, operations, resolved

PUBLISHED = json.loads((Path(__file__).parent / "published.json").read_text("utf-8"))
OURS = {operation["operationId"]: (path, method, operation) for path, method, operation in operations()}
OPERATIONS = [
    (path, method, operation)
    for path, methods in PUBLISHED["paths"].items()
    for method, operation in methods.items()
]
NEVER_ANSWERED = {
    # A submission is found by its student; the published description calls its id deprecated.
    "Submission": {"id"},
    # Files stay where they are: an attachment is known by its address.
    "Attachment": {"file_external_id", "size", "thumbnail_url"},
}


def test_there_are_seven() -> None:
    assert len(OPERATIONS) == 7


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=lambda it: str(it)[:9])
def test_an_operation_has_its_published_id_and_types(path: str, method: str, operation: Any) -> None:
    our_path, our_method, ours = OURS[operation["operationId"]]
    assert (our_path, our_method) == (f"/v3.1{path}", method.upper())
    named = {it["name"] for it in operation["parameters"] if it["in"] != "body"}
    assert named <= {it["name"] for it in ours["parameters"]}
    bodies = [_name(it["schema"]) for it in operation["parameters"] if it["in"] == "body"]
    assert bodies == ([_name(_json(ours["requestBody"]))] if "requestBody" in ours else [])
    for status, response in operation["responses"].items():
        described = PUBLISHED["responses"][_name(response)] if "$ref" in response else response
        answer = resolved(ours["responses"][status])
        assert ("schema" in described) == ("content" in answer)
        if "schema" in described:
            assert _name(_json(answer)) == _name(described["schema"])


@pytest.mark.parametrize("name", PUBLISHED["definitions"])
def test_a_type_has_its_published_fields_and_values(name: str) -> None:
    published, ours = PUBLISHED["definitions"][name], DOCUMENT["components"]["schemas"][name]
    assert {*published.get("enum", ())} <= {*ours.get("enum", ())}
    lacking = published.get("properties", {}).keys() - ours.get("properties", {}).keys()
    assert lacking == NEVER_ANSWERED.get(name, set())


def _name(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _json(described: dict[str, Any]) -> dict[str, Any]:
    return described["content"]["application/json"]["schema"]  # type: ignore[no-any-return]
