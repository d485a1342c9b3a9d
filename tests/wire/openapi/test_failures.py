"""The errors in the document are those that are published, byte for byte, and those of the code."""

from __future__ import annotations

from typing import Any

import pytest

from passback.sandbox.published import PUBLISHED
from passback.wire.openapi.failures import failures
from passback.wire.operations import OPERATIONS, Operation
from support.openapi import DOCUMENT, operations, resolved

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


TITLES = {it.number: it.title for it in PUBLISHED}


def _rows(response: dict[str, Any], media: str = "application/json") -> dict[int, Any]:
    """The examples of the published table among those of a response: what each shows, by its row."""
    content = resolved(response).get("content", {}).get(media, {})
    shown = [resolved(example) for example in content.get("examples", {}).values()]
    found = {}
    for example in shown:
        row, _, title = example["summary"].partition(": ")
        if row.startswith("Row "):
            number = int(row.removeprefix("Row "))
            assert title == TITLES[number]
            found[number] = example["value"]
    return found


@pytest.mark.parametrize(("row", "text"), PUBLISHED_ROWS.items())
def test_every_published_row_is_among_the_examples(row: int, text: str) -> None:
    shown = [
        _rows(response)[row]["message"]
        for _, _, operation in operations()
        for response in operation["responses"].values()
        if row in _rows(response)
    ]
    assert set(shown) == {text}


def test_every_published_row_is_an_example_with_a_name_of_its_own() -> None:
    rows = [it["summary"].partition(":")[0] for it in DOCUMENT["components"]["examples"].values()]
    named = [row for row in rows if row.startswith("Row ")]
    assert sorted(named) == sorted(
        [*(f"Row {row}" for row in PUBLISHED_ROWS), "Row 4"]
    )  # in an envelope and without


def test_row_4_is_shown_without_its_envelope() -> None:
    create = DOCUMENT["paths"]["/v3.1/sections/{section_id}/assignments"]["post"]
    assert _rows(create["responses"]["400"], "text/plain") == {4: PUBLISHED_ROWS[4]}


def test_row_15_is_on_every_operation() -> None:
    refused = [
        resolved(operation["responses"]["405"])
        for path, _, operation in operations()
        if path.startswith("/v3.1")
    ]
    assert len(refused) == len(OPERATIONS)
    assert all(it["description"].startswith("Row 15: ") for it in refused)
    assert all("content" not in response and "Allow" in response["headers"] for response in refused)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_has_the_errors_of_the_token_the_limit_and_ours(operation: Operation) -> None:
    found = failures(operation)
    assert {"401", "403", "405", "429", "500", "503"} <= {*found}
    assert ("413" in found) == (operation.method in ("POST", "PATCH"))
    assert ("409" in found, "422" in found) == (operation.name == "create_assignment",) * 2
    for status, response in found.items():
        assert ("X-Ratelimit-Remaining" in resolved(response).get("headers", {})) == (
            status not in ("401", "403")
        )


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("create_assignment", {1, 2, 3, 4, 5, 6, 7, 11, 12}),
        ("read_assignment", {8, 11, 12, 13}),
        ("update_assignment", {2, 4, 5, 6, 7, 8, 10, 11, 12, 13}),
        ("delete_assignment", {8, 11, 12, 13}),
        ("list_submissions", {8, 11, 12, 13}),
        ("read_submission", {8, 11, 12, 13, 14}),
        ("update_submission", {2, 4, 6, 7, 8, 9, 11, 12, 13, 14}),
        ("update_submissions", {2, 4, 6, 7, 8, 11, 12, 13}),
        ("list_users", {11, 12}),
        ("update_webhook", {2, 4, 6, 7, 11, 12}),
    ],
)
def test_each_operation_shows_its_own_rows(name: str, rows: set[int]) -> None:
    (operation,) = (each for each in OPERATIONS if each.name == name)
    assert {row for response in failures(operation).values() for row in _rows(response)} == rows
