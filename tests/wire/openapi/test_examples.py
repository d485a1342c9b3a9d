"""What the document shows as an example is what its schema allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from passback.wire.decode import (
    assignment_request,
    deep_link_request,
    launch_address_request,
    submission_items,
    submission_request,
    webhook_request,
)
from passback.wire.encode import encode
from passback.wire.openapi.examples import BODIES
from support.openapi import DOCUMENT, closed, operations, resolved

CLOSED = closed(DOCUMENT)


def contents(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every schema with an example, and where it is."""
    if isinstance(value, dict):
        if "schema" in value:
            if "example" in value:
                yield place, value["schema"], value["example"]
            for name, example in value.get("examples", {}).items():
                yield f"{place}:{name}", value["schema"], resolved(example)["value"]
        for name, item in value.items():
            yield from contents(item, f"{place}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from contents(item, f"{place}/{index}")


def test_every_example_is_valid() -> None:
    shown = list(contents(CLOSED))
    assert len(shown) > 100
    for place, schema, example in shown:
        whole = {**schema, "components": CLOSED["components"]}
        errors = list(Draft202012Validator(whole).iter_errors(example))
        assert errors == [], place


def test_every_body_and_every_message_has_an_example() -> None:
    posts = [message["post"] for message in CLOSED["webhooks"].values()]
    bodies = [
        (it["operationId"], it["requestBody"]["content"]["application/json"])
        for it in (*posts, *(operation for _, _, operation in operations()))
        if "requestBody" in it
    ]
    assert len(bodies) > len(posts) + len(BODIES)
    assert [name for name, body in bodies if "example" not in body] == ["loadSandbox"]  # it would be too long


@pytest.mark.parametrize(("name", "body"), [(name, body) for name, (_, body) in BODIES.items()])
def test_every_body_is_one_that_is_decoded_whole(name: str, body: dict[str, Any]) -> None:
    sent = encode(body)
    if name == "update_submissions":
        ((item,), _) = submission_items(sent)
        assert item.request is not None
        assert item.request.unknown_fields == ()
        return
    decode: Any = {
        "assignment": assignment_request,
        "submission": submission_request,
        "webhook": webhook_request,
        "launch_address": launch_address_request,
        "deep_link": deep_link_request,
    }[name.partition("_")[2]]
    request = decode(sent)
    assert request.unknown_fields == ()
    assert all(getattr(request, field) is not None for field in body)
