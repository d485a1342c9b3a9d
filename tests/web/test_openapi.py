"""The OpenAPI document and its page say what the code does."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.resources import files
from typing import Any

import pytest
from msgspec import Struct

import passback
from passback.wire import requests, responses, roster
from passback.wire.openapi import document
from passback.wire.operations import OPERATIONS
from support import Sandbox

DOCUMENT = document(passback.__version__, sandbox=True)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
REFERENCE = files("passback.web").joinpath("reference")


def test_it_is_served_without_a_token(sandbox: Sandbox) -> None:
    assert sandbox.client(None).get("/openapi.json").json == DOCUMENT


def test_every_operation_is_in_it() -> None:
    described = {
        (operation["operationId"], method.upper(), path)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v3.1")
    }
    assert described == {(operation.name, operation.method, operation.path) for operation in OPERATIONS}


def test_production_has_no_sandbox_calls() -> None:
    assert not [path for path in document("1", sandbox=False)["paths"] if "sandbox" in path]


@pytest.mark.parametrize(
    ("schema", "struct"),
    [
        ("AssignmentCreate", requests.AssignmentRequest),
        ("AssignmentUpdate", requests.AssignmentRequest),
        ("SubmissionUpdate", requests.SubmissionRequest),
        ("AttachmentRequest", requests.AttachmentRequest),
        ("Assignment", responses.Assignment),
        ("Submission", responses.Submission),
        ("Attachment", responses.Attachment),
        ("GradingScale", responses.GradingScale),
        *(
            (name, getattr(roster, name))
            for name in ("District", "School", "Term", "Course", "Section", "User")
        ),
    ],
)
def test_a_schema_has_the_fields_of_its_object(schema: str, struct: type[Struct]) -> None:
    assert set(SCHEMAS[schema]["properties"]) == set(struct.__struct_fields__) - {"unknown_fields"}


@pytest.mark.parametrize("struct", [responses.Assignment, responses.Submission, roster.Section, roster.User])
def test_what_is_required_is_what_has_no_default(struct: type[Struct]) -> None:
    fields = struct.__struct_fields__
    required = [name for name in SCHEMAS[struct.__name__]["required"] if name in fields]
    optional = set(fields) - set(required)
    assert all(
        name in optional for name in fields if struct.__struct_config__.omit_defaults and name not in required
    )
    with pytest.raises(TypeError, match="Missing required"):
        struct(**dict.fromkeys(required[1:], "x"))


def test_every_published_row_is_among_the_examples() -> None:
    shown = set(re.findall(r'"row (\d+)"', json.dumps(DOCUMENT)))
    assert shown == {str(row) for row in range(1, 15)}
    assert "Row 15" in json.dumps(DOCUMENT)


def test_every_reference_leads_somewhere() -> None:
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT))):
        place: Any = DOCUMENT
        for part in reference.split("/"):
            place = place[part]


def test_the_page_and_all_it_loads_are_served(sandbox: Sandbox) -> None:
    anyone = sandbox.client(None)
    page = anyone.get("/docs")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.body.decode())
    loaded = [address for address in addresses if not address.startswith("data:")]
    assert {anyone.get("/" + address).status for address in loaded} == {200}
    assert len(loaded) == 5


def test_the_page_may_load_nothing_from_elsewhere(sandbox: Sandbox) -> None:
    reply = sandbox.client(None).get("/docs")
    assert reply.headers["content-security-policy"].startswith("default-src 'self';")
    assert b"//" not in reply.body.replace(b"<!doctype", b"")


def test_the_vendored_files_are_those_of_the_manifest() -> None:
    vendor = REFERENCE.joinpath("vendor")
    manifest = json.loads(vendor.joinpath("manifest.json").read_text("utf-8"))
    for name, digest in manifest["files"].items():
        assert hashlib.sha256(vendor.joinpath(name).read_bytes()).hexdigest() == digest
