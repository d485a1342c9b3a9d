"""The schemas say of every object what its struct says."""

from __future__ import annotations

import inspect
from decimal import Decimal
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest
from msgspec import Struct

from passback.domain.assignment import AssigneeMode, AssignmentState, GradingType
from passback.domain.delivery import STATES, Operation
from passback.domain.submission import FLAGS, SubmissionState
from passback.wire import events, requests, responses, roster
from passback.wire.openapi.schemas import answer, schemas
from support.openapi import operations, resolved

SCHEMAS: dict[str, Any] = schemas()
STRUCTS: list[type[Struct]] = [
    found
    for module in (events, responses, roster)
    for found in vars(module).values()
    if inspect.isclass(found)
    and issubclass(found, Struct)
    and found.__module__ == module.__name__
    and not found.__name__.startswith("_")
    and found not in (events.Event, roster.Link)
]
REQUESTS: list[tuple[str, type[Struct], type[Struct]]] = [
    ("AssignmentRequest", requests.AssignmentRequest, responses.Assignment),
    ("SubmissionRequest", requests.SubmissionRequest, responses.Submission),
    ("AttachmentRequest", requests.AttachmentRequest, responses.Attachment),
    ("WebhookRequest", requests.WebhookRequest, responses.Webhook),
    ("DeepLinkRequest", requests.DeepLinkRequest, responses.DeepLink),
    ("LaunchAddressRequest", requests.LaunchAddressRequest, responses.LaunchAddress),
]


def places(schema: Any) -> list[dict[str, Any]]:
    """Every object's schema within one, itself among them."""
    within = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    own = [schema] if isinstance(schema, dict) and isinstance(schema.get("properties"), dict) else []
    return own + [place for item in within for place in places(item)]


@pytest.mark.parametrize(
    ("schema", "struct"),
    [
        *((schema, struct) for schema, struct, _ in REQUESTS),
        *((struct.__name__, struct) for struct in STRUCTS),
    ],
)
def test_a_schema_has_the_fields_of_its_object(schema: str, struct: type[Struct]) -> None:
    assert set(SCHEMAS[schema]["properties"]) == set(struct.__struct_fields__) - {"unknown_fields"}


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_what_is_required_is_what_has_no_default(struct: type[Struct]) -> None:
    always = {field.name for field in msgspec.structs.fields(struct) if field.required}
    assert set(answer(struct).get("required", ())) == always


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_field_has_a_description(struct: type[Struct]) -> None:
    described = answer(struct)
    assert described["description"].endswith(".")
    assert [name for name, field in described["properties"].items() if not field["description"]] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_describes_every_field(name: str) -> None:
    for place in places(SCHEMAS[name]):
        undescribed = [
            field for field, schema in place["properties"].items() if not schema.get("description")
        ]
        assert undescribed == []


@pytest.mark.parametrize(("schema", "struct", "answered"), REQUESTS)
def test_a_field_of_a_request_has_the_type_it_is_decoded_to(
    schema: str, struct: type[Struct], answered: type[Struct]
) -> None:
    kinds = {str: "string", requests.WireDate: "string", int: "integer", Decimal: "number", bool: "boolean"}
    for field in msgspec.structs.fields(struct):
        if field.name == "unknown_fields":
            continue
        form = get_args(field.type)[0] if get_origin(field.type) is Annotated else field.type
        (form,) = (each for each in get_args(form) if each is not type(None))
        kind = "array" if get_origin(form) is tuple else kinds[form]
        shown = SCHEMAS[schema]["properties"][field.name]
        kinds_shown = [each.get("type") or resolved(each)["type"] for each in shown.get("oneOf", ())]
        assert (kinds_shown or shown["type"]) == [kind, "null"]
        assert shown["description"].startswith(answer(answered)["properties"][field.name]["description"])


def test_required_fields_of_requests_are_those_of_the_published_row() -> None:
    required = {}
    for _, _, operation in operations():
        schema = (
            operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        )
        if "$ref" in schema:
            own = resolved(schema).get("required", [])
            required[operation["operationId"]] = [*own, *schema.get("required", [])]
    assert required == {
        "createAssignmentForSection": ["title", "description", "due_date"],
        "updateAssignmentForSection": [],
        "updateSubmissionForAssignment": [],
        "updateSubmissionsForAssignment": ["submissions"],
        "createWebhook": ["url"],
        "updateWebhook": [],
        "createLaunchAddress": ["url"],
        "createDeepLink": ["title"],
    }


def test_a_date_is_answered_in_one_form_and_sent_in_several() -> None:
    answered = SCHEMAS["Assignment"]["properties"]["due_date"]
    sent = SCHEMAS["AssignmentRequest"]["properties"]["due_date"]
    assert (answered["type"], answered["format"]) == ("string", "date-time")
    assert (sent["type"], "format" in sent, len(sent["examples"])) == (["string", "null"], False, 3)


def test_null_is_among_the_values_of_what_need_not_be_sent() -> None:
    properties = SCHEMAS["AssignmentRequest"]["properties"]
    assert properties["title"]["type"] == ["string", "null"]
    assert properties["assignee_mode"]["oneOf"] == [
        {"$ref": "#/components/schemas/AssigneeMode"}, {"type": "null"}
    ]  # fmt: skip
    attachments = SCHEMAS["SubmissionRequest"]["properties"]["attachments"]
    assert attachments["items"] == {
        "oneOf": [{"$ref": "#/components/schemas/AttachmentRequest"}, {"type": "null"}]
    }


def test_bounds_are_those_of_the_contract() -> None:
    assert SCHEMAS["AssignmentRequest"]["properties"]["max_attempts"]["minimum"] == 1
    assert SCHEMAS["AssignmentRequest"]["properties"]["points_possible"]["minimum"] == 0
    assert SCHEMAS["SubmissionRequest"]["properties"]["extra_attempts"]["minimum"] == 0
    assert SCHEMAS["SubmissionRequest"]["properties"]["grade_points"]["minimum"] == 0
    assert SCHEMAS["WebhookRequest"]["properties"]["events"]["minItems"] == 1
    assert SCHEMAS["SubmissionsRequest"]["properties"]["submissions"]["maxItems"] == 500


def test_a_part_of_many_is_a_submission_with_its_student() -> None:
    part = SCHEMAS["SubmissionItemRequest"]
    assert part["required"] == ["user_id"]
    assert part["properties"] == {
        "user_id": part["properties"]["user_id"],
        **SCHEMAS["SubmissionRequest"]["properties"],
    }


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("AssigneeMode", get_args(AssigneeMode)),
        ("AssignmentState", get_args(AssignmentState)),
        ("DeliveryState", STATES),
        ("GradingType", get_args(GradingType)),
        ("SubmissionFlag", FLAGS),
        ("SubmissionState", get_args(SubmissionState)),
        ("WebhookEvent", events.EVENTS),
    ],
)
def test_a_value_is_one_of_the_domain(name: str, allowed: tuple[str, ...]) -> None:
    assert SCHEMAS[name]["enum"] == list(allowed)


def test_the_operations_of_deliveries_are_the_ledgers() -> None:
    assert {*SCHEMAS["DeliveryOperation"]["enum"], "send_webhook"} == set(get_args(Operation))


@pytest.mark.parametrize(
    ("schema", "field", "name"),
    [
        ("Assignment", "assignee_mode", "AssigneeMode"),
        ("Assignment", "grading_type", "GradingType"),
        ("Assignment", "state", "AssignmentState"),
        ("Attachment", "type", "AttachmentType"),
        ("Delivery", "operation", "DeliveryOperation"),
        ("Delivery", "state", "DeliveryState"),
        ("District", "lms_state", "LmsState"),
        ("Launch", "role", "LaunchRole"),
        ("LmsSync", "phase", "SyncPhase"),
        ("RosterLink", "rel", "LinkRelation"),
        ("Submission", "state", "SubmissionState"),
    ],
)
def test_a_field_names_its_enumeration(schema: str, field: str, name: str) -> None:
    assert SCHEMAS[schema]["properties"][field]["$ref"] == f"#/components/schemas/{name}"
