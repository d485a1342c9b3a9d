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
from passback.wire import events, requests, responses, roster, values
from passback.wire.openapi.schemas import answer, schemas

SCHEMAS: dict[str, Any] = schemas()
STRUCTS: list[type[Struct]] = [
    found
    for module in (events, responses, roster)
    for found in vars(module).values()
    if inspect.isclass(found)
    and issubclass(found, Struct)
    and found.__module__ == module.__name__
    and not found.__name__.startswith("_")
    and found is not events.Event
]
ANSWERED = [struct for struct in STRUCTS if struct.__name__ in SCHEMAS]
REQUESTS: list[tuple[str, type[Struct], type[Struct]]] = [
    ("AssignmentCreate", requests.AssignmentRequest, responses.Assignment),
    ("AssignmentUpdate", requests.AssignmentRequest, responses.Assignment),
    ("SubmissionUpdate", requests.SubmissionRequest, responses.Submission),
    ("AttachmentRequest", requests.AttachmentRequest, responses.Attachment),
    ("WebhookCreate", requests.WebhookRequest, responses.Webhook),
    ("WebhookUpdate", requests.WebhookRequest, responses.Webhook),
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
        *((struct.__name__, struct) for struct in ANSWERED),
    ],
)
def test_a_schema_has_the_fields_of_its_object(schema: str, struct: type[Struct]) -> None:
    assert set(SCHEMAS[schema]["properties"]) == set(struct.__struct_fields__) - {"unknown_fields"}


def test_every_object_has_a_schema_or_is_within_one() -> None:
    within = {
        responses.GradingScaleEntry,
        roster.HeldBack,
        roster.LmsSync,
        roster.LmsStatus,
        roster.Name,
        roster.Credentials,
        roster.UserRole,
        roster.RosterEventData,
    }
    assert {*STRUCTS} - {*ANSWERED} == within | {roster.Link}
    inner = [frozenset(place["properties"]) for schema in SCHEMAS.values() for place in places(schema)]
    assert {frozenset(struct.__struct_fields__) for struct in within} <= {*inner}


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
        assert undescribed == (["submissions"] if place is SCHEMAS["SubmissionsUpdate"] else [])


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_an_answer_has_no_other_fields(struct: type[Struct]) -> None:
    assert all(place["additionalProperties"] is False for place in places(answer(struct)))


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
        required = field.name in SCHEMAS[schema].get("required", ())
        assert shown["type"] == (kind if required else [kind, "null"])
        assert shown["description"].startswith(answer(answered)["properties"][field.name]["description"])


def test_required_fields_of_requests_are_those_of_the_published_row() -> None:
    required = {
        name: schema["required"]
        for name, schema in SCHEMAS.items()
        if "additionalProperties" not in schema and "required" in schema
    }
    assert required == {
        "AssignmentCreate": ["title", "description", "due_date"],
        "SubmissionsUpdate": ["submissions"],
        "WebhookCreate": ["url"],
        "LaunchAddressCreate": ["url"],
        "DeepLinkCreate": ["title"],
    }


def test_a_date_is_answered_in_one_form_and_sent_in_several() -> None:
    answered = SCHEMAS["Assignment"]["properties"]["due_date"]
    sent = SCHEMAS["AssignmentUpdate"]["properties"]["due_date"]
    assert (answered["type"], answered["format"]) == ("string", "date-time")
    assert (sent["type"], "format" in sent, len(sent["examples"])) == (["string", "null"], False, 3)


def test_null_is_among_the_values_of_what_need_not_be_sent() -> None:
    assert SCHEMAS["AssignmentUpdate"]["properties"]["assignee_mode"]["enum"] == ["all", "individuals", None]
    attachments = SCHEMAS["SubmissionUpdate"]["properties"]["attachments"]
    assert attachments["items"] == {
        "oneOf": [{"$ref": "#/components/schemas/AttachmentRequest"}, {"type": "null"}]
    }


def test_bounds_are_those_of_the_contract() -> None:
    assert SCHEMAS["AssignmentCreate"]["properties"]["title"]["minLength"] == 1
    assert "minLength" not in SCHEMAS["AssignmentUpdate"]["properties"]["title"]
    assert SCHEMAS["AssignmentUpdate"]["properties"]["max_attempts"]["minimum"] == 1
    assert SCHEMAS["AssignmentUpdate"]["properties"]["points_possible"]["minimum"] == 0
    assert SCHEMAS["SubmissionUpdate"]["properties"]["extra_attempts"]["minimum"] == 0
    assert SCHEMAS["SubmissionUpdate"]["properties"]["grade_points"]["minimum"] == 0
    assert SCHEMAS["WebhookCreate"]["properties"]["events"]["minItems"] == 1
    assert SCHEMAS["SubmissionsUpdate"]["properties"]["submissions"]["maxItems"] == 500


def test_a_part_of_many_is_a_submission_with_its_student() -> None:
    part = SCHEMAS["SubmissionsUpdate"]["properties"]["submissions"]["items"]
    assert part["required"] == ["user_id"]
    assert part["properties"] == {
        "user_id": part["properties"]["user_id"],
        **SCHEMAS["SubmissionUpdate"]["properties"],
    }


@pytest.mark.parametrize(
    ("schema", "name", "allowed"),
    [
        ("Assignment", "assignee_mode", get_args(AssigneeMode)),
        ("Assignment", "grading_type", get_args(GradingType)),
        ("Assignment", "state", get_args(AssignmentState)),
        ("Submission", "state", get_args(SubmissionState)),
    ],
)
def test_a_value_is_one_of_the_domain(schema: str, name: str, allowed: tuple[str, ...]) -> None:
    assert SCHEMAS[schema]["properties"][name]["enum"] == list(allowed)


def test_a_flag_is_one_of_the_domain() -> None:
    assert SCHEMAS["Submission"]["properties"]["flags"]["items"]["enum"] == list(FLAGS)


def test_the_states_and_operations_of_deliveries_are_the_ledgers() -> None:
    assert values.DELIVERY_STATES == STATES
    assert {*values.DELIVERY_OPERATIONS, "send_webhook"} == set(get_args(Operation))
    assert SCHEMAS["Delivery"]["properties"]["state"]["enum"] == list(STATES)
    assert SCHEMAS["Delivery"]["properties"]["operation"]["enum"] == list(values.DELIVERY_OPERATIONS)
