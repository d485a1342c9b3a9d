"""The OpenAPI document and its page say what the code does."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.resources import files
from typing import Any, get_args

import msgspec
import pytest
from msgspec import Struct

import passback
from passback.domain.assignment import AssigneeMode, AssignmentState, GradingType
from passback.domain.delivery import STATES, Operation
from passback.domain.submission import FLAGS, SubmissionState
from passback.wire import events, requests, responses, roster
from passback.wire.openapi.document import document
from passback.wire.openapi.schemas import DELIVERY_OPERATIONS, DELIVERY_STATES
from passback.wire.operations import OPERATIONS
from support.sandbox import Sandbox

DOCUMENT = document(passback.__version__, sandbox=True)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
REFERENCE = files("passback.web").joinpath("reference")
ANSWERED: list[type[Struct]] = [
    found
    for module in (events, responses, roster)
    for name, found in vars(module).items()
    if name in SCHEMAS and isinstance(found, type) and issubclass(found, Struct)
]
PUBLISHED_ROWS = {
    1: "missing required field(s): title, description, due_date",
    2: "request body is required, but was empty",
    3: "due_date must be in the future",
    4: "Invalid character ' ' in string escape code",
    5: "validation failure list:\nsubmission_types.0 in body should be one of [link file text discussion]",
    6: "invalid character ',' looking for beginning of value",
    7: "invalid character ':' after object key:value pair",
    8: "INVALID_ID",
    9: "NOT_FOUND: Person with id clever:{{grader_id}} not found for this integration.",
    10: 'parsing time "YYYY-MM-DD": day out of range',
    11: "No authorization provided",
    12: "Could not authorize token",
    13: "Assignment does not exist",
    14: "User not found",
}
"""The published texts, written out here so that the document is not held to itself."""


def _json_examples(response: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found: dict[str, dict[str, Any]] = (
        response.get("content", {}).get("application/json", {}).get("examples", {})
    )
    return list(found.items())


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
    }


def test_production_has_no_sandbox_calls() -> None:
    assert "Sandbox-Fault" in json.dumps(DOCUMENT)
    assert "sandbox" not in json.dumps(document("1", sandbox=False)["paths"]).lower()


@pytest.mark.parametrize(
    ("schema", "struct"),
    [
        ("AssignmentCreate", requests.AssignmentRequest),
        ("AssignmentUpdate", requests.AssignmentRequest),
        ("SubmissionUpdate", requests.SubmissionRequest),
        ("AttachmentRequest", requests.AttachmentRequest),
        ("Assignment", responses.Assignment),
        ("Submission", responses.Submission),
        ("SubmissionOutcome", responses.SubmissionOutcome),
        ("Delivery", responses.Delivery),
        ("DeliveryError", responses.DeliveryError),
        ("Attachment", responses.Attachment),
        ("Webhook", responses.Webhook),
        ("WebhookCreate", requests.WebhookRequest),
        ("WebhookUpdate", requests.WebhookRequest),
        ("WebhookTest", responses.WebhookTest),
        ("DeliveryData", events.DeliveryData),
        ("AssignmentData", events.AssignmentData),
        ("ConnectionData", events.ConnectionData),
        ("TestData", events.TestData),
        ("GradingScale", responses.GradingScale),
        *(
            (name, getattr(roster, name))
            for name in ("District", "School", "Term", "Course", "Section", "User", "RosterEvent")
        ),
    ],
)
def test_a_schema_has_the_fields_of_its_object(schema: str, struct: type[Struct]) -> None:
    assert set(SCHEMAS[schema]["properties"]) == set(struct.__struct_fields__) - {"unknown_fields"}


@pytest.mark.parametrize("struct", ANSWERED, ids=lambda struct: struct.__name__)
def test_what_is_required_is_what_has_no_default(struct: type[Struct]) -> None:
    always = {field.name for field in msgspec.structs.fields(struct) if field.required}
    assert set(SCHEMAS[struct.__name__]["required"]) == always


@pytest.mark.parametrize(
    ("schema", "name", "values"),
    [
        ("Assignment", "assignee_mode", get_args(AssigneeMode)),
        ("Assignment", "grading_type", get_args(GradingType)),
        ("Assignment", "state", get_args(AssignmentState)),
        ("Submission", "state", get_args(SubmissionState)),
    ],
)
def test_a_value_is_one_of_the_domain(schema: str, name: str, values: tuple[str, ...]) -> None:
    assert SCHEMAS[schema]["properties"][name]["enum"] == list(values)


def test_a_flag_is_one_of_the_domain() -> None:
    assert SCHEMAS["Submission"]["properties"]["flags"]["items"]["enum"] == list(FLAGS)


@pytest.mark.parametrize(("row", "text"), PUBLISHED_ROWS.items())
def test_every_published_row_is_among_the_examples(row: int, text: str) -> None:
    shown = [
        example["value"]["message"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        for response in operation["responses"].values()
        for name, example in _json_examples(response)
        if name == f"row {row}"
    ]
    assert set(shown) == {text}


def test_row_4_is_shown_without_its_envelope() -> None:
    create = DOCUMENT["paths"]["/v3.1/sections/{section_id}/assignments"]["post"]
    content = create["responses"]["400"]["content"]["text/plain"]
    assert content["examples"]["row 4"]["value"] == PUBLISHED_ROWS[4]


def test_row_15_is_on_every_operation() -> None:
    refused = {
        operation["operationId"]: operation["responses"]["405"]
        for path, methods in DOCUMENT["paths"].items()
        for operation in methods.values()
        if path.startswith("/v3.1")
    }
    assert len(refused) == len(OPERATIONS)
    assert all("content" not in response and "Allow" in response["headers"] for response in refused.values())


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


def test_the_states_and_operations_of_deliveries_are_the_ledgers() -> None:
    assert DELIVERY_STATES == STATES
    assert {*DELIVERY_OPERATIONS, "send_webhook"} == set(get_args(Operation))
