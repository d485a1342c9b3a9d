"""The OpenAPI document as a whole: it has every call, and only those that are served."""

from __future__ import annotations

import json
import re
from typing import Any

from passback.wire import events
from passback.wire.openapi.document import document
from passback.wire.openapi.texts import DESCRIPTIONS, SUMMARIES, operation_id
from passback.wire.operations import OPERATIONS
from support.openapi import DOCUMENT, objects, operations


def test_every_operation_is_in_it() -> None:
    described = {
        (operation["operationId"], method, path)
        for path, method, operation in operations()
        if path.startswith("/v3.1")
    }
    assert described == {(operation_id(it), it.method, it.path) for it in OPERATIONS}
    assert [*SUMMARIES.keys() ^ {it.name for it in OPERATIONS}] == []
    assert [*DESCRIPTIONS.keys() ^ {it.name for it in OPERATIONS}] == []


TEACHER, REGISTRAR = "/sandbox/teacher/sections/{section}", "/sandbox/registrar/sections/{section}"


def test_beside_the_operations_are_health_and_the_sandbox() -> None:
    beside = {(method, path) for path, method, _ in operations() if not path.startswith("/v3.1")}
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
        ("PUT", f"{REGISTRAR}/members/{{user}}/match"),
        ("DELETE", f"{REGISTRAR}/members/{{user}}/match"),
        ("PUT", f"{REGISTRAR}/lms"),
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


def test_every_component_is_used() -> None:
    used = set(re.findall(r'"#/(components/[^"]+)"', json.dumps(DOCUMENT)))
    kinds = DOCUMENT["components"].keys() - {"securitySchemes"}
    assert used == {f"components/{kind}/{name}" for kind in kinds for name in DOCUMENT["components"][kind]}


def test_every_tag_is_described_and_used() -> None:
    used = {tag for _, _, operation in operations() for tag in operation["tags"]}
    assert used == {tag["name"] for tag in DOCUMENT["tags"]}


def test_descriptions_are_sentences_and_summaries_are_titles() -> None:
    texts = [each["description"] for _, each in objects(DOCUMENT) if isinstance(each.get("description"), str)]
    assert [text for text in texts if text != "OK" and not text.endswith(".")] == []
    summaries = [operation["summary"] for _, _, operation in operations()]
    assert [it for it in summaries if not it or it.endswith(".")] == []


def test_every_parameter_has_a_description() -> None:
    parameters = [each for _, each in objects(DOCUMENT) if each.get("in") in ("path", "query", "header")]
    assert parameters
    assert [each["name"] for each in parameters if not each["description"]] == []


def test_everything_has_a_description() -> None:
    components = DOCUMENT["components"]
    named = [
        it
        for kind in ("schemas", "headers", "responses", "securitySchemes")
        for it in components[kind].items()
    ]
    messages = [(kind, message["post"]) for kind, message in DOCUMENT["webhooks"].items()]
    called = [(it["operationId"], it) for _, _, it in operations()]
    servers = [(it["url"], it) for it in DOCUMENT["servers"]]
    described = [*named, *messages, *called, *servers]
    assert [name for name, it in described if not it.get("description")] == []


def test_an_id_names_one_operation() -> None:
    ids = [it["operationId"] for _, _, it in operations()]
    ids += [message["post"]["operationId"] for message in DOCUMENT["webhooks"].values()]
    assert len(ids) == len({*ids})
    assert [it for it in ids if not re.fullmatch("[a-z]+([A-Z][a-z]+)*", it)] == []


def test_an_enumeration_always_has_a_name() -> None:
    places = {place for place, it in objects(DOCUMENT) if "enum" in it}
    assert places == {f"/components/schemas/{place.rpartition('/')[2]}" for place in places}


def test_a_constant_only_tells_one_kind_of_object_from_another() -> None:
    fields = {place.rpartition("/")[2] for place, it in objects(DOCUMENT) if "const" in it}
    assert fields == {"type", "rel", "passback_sandbox"}


def test_later_versions_can_add_fields_to_everything() -> None:
    assert [place for place, it in objects(DOCUMENT) if it.get("additionalProperties") is False] == []


def test_every_event_is_described_as_a_webhook() -> None:
    assert DOCUMENT["webhooks"].keys() == {*events.EVENTS, events.TEST}


def test_every_call_but_those_beside_the_api_needs_the_token() -> None:
    assert DOCUMENT["security"] == [{"token": []}]
    open_to_all = {path for path, _, operation in operations() if "security" in operation}
    assert open_to_all == {path for path in DOCUMENT["paths"] if not path.startswith("/v3.1")}
    assert all(message["post"]["security"] == [] for message in DOCUMENT["webhooks"].values())
