"""The published error table, row by row, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from support.sandbox import ASSIGNMENTS, BIOLOGY_STUDENT, BIOLOGY_TEACHER, ESSAY, STUDENT, Sandbox

NO_TOKEN = None
WRONG_TOKEN = "WRONG"


@dataclass(frozen=True)
class Row:
    """A row of the table: a request that brings it about, and its answer."""

    number: int
    method: str
    path: str
    body: str | dict[str, Any] | None
    status: int
    answer: bytes
    token: str | None = "DEMO_TOKEN"
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = "application/json"


# {a} is an assignment that exists, {gone} one that was deleted.
ROWS = [
    Row(
        1, "POST", ASSIGNMENTS, "{}", 400,
        b'{"message":"missing required field(s): title, description, due_date"}',
    ),
    Row(2, "POST", ASSIGNMENTS, "", 400, b'{"message":"request body is required, but was empty"}'),
    Row(
        3, "POST", ASSIGNMENTS, {**ESSAY, "due_date": "2020-01-01T00:00:00Z"}, 400,
        b'{"message":"due_date must be in the future"}',
    ),
    Row(
        4, "POST", ASSIGNMENTS, r'{"title":"a\ b"}', 400,
        b"Invalid character ' ' in string escape code", content_type="text/plain; charset=utf-8",
    ),
    Row(
        4, "POST", ASSIGNMENTS, r'{"title":"a\ b"}', 400,
        b'{"message":"Invalid character \' \' in string escape code"}',
        headers={"Accept": "application/json"},
    ),
    Row(
        5, "POST", ASSIGNMENTS, {**ESSAY, "submission_types": [""]}, 400,
        rb'{"message":"validation failure list:\nsubmission_types.0 in body should be one of [link file text '
        rb'discussion]"}',
    ),
    Row(
        6, "POST", ASSIGNMENTS, '{"assignee_mode": ,}', 400,
        b'{"message":"invalid character \',\' looking for beginning of value"}',
    ),
    Row(
        7, "POST", ASSIGNMENTS, '{"title":"a" : "b"}', 400,
        b'{"message":"invalid character \':\' after object key:value pair"}',
    ),
    Row(8, "GET", f"{ASSIGNMENTS}/not-an-id", None, 400, b'{"message":"INVALID_ID"}'),
    Row(
        9, "PATCH", f"{{a}}/submissions/{STUDENT}", {"grade_points": 9, "grader_id": BIOLOGY_TEACHER}, 400,
        b'{"message":"NOT_FOUND: Person with id clever:4fee004cca2e43cf27000002 not found for this '
        b'integration."}',
    ),
    Row(
        10, "PATCH", "{a}", {"due_date": "2020-02-01"}, 400,
        rb'{"message":"parsing time \"2020-02-01\": day out of range"}',
    ),
    Row(
        10, "PATCH", "{a}", {"due_date": "2030-02-30"}, 400,
        rb'{"message":"parsing time \"2030-02-30\": day out of range"}',
    ),
    Row(11, "GET", "{a}", None, 401, b'{"message": "No authorization provided"}', token=NO_TOKEN),
    Row(12, "GET", "{a}", None, 403, b'{"message": "Could not authorize token"}', token=WRONG_TOKEN),
    Row(13, "GET", "{gone}", None, 404, b'{"message":"Assignment does not exist"}'),
    Row(
        14, "GET", f"{{a}}/submissions/{BIOLOGY_STUDENT}", None, 404, b'{"message":"User not found"}',
    ),
    Row(
        14, "PATCH", f"{{a}}/submissions/{BIOLOGY_STUDENT}", {"grade_points": 1}, 404,
        b'{"message":"User not found"}',
    ),
    Row(15, "PUT", "{a}", None, 405, b"", content_type=None),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row {row.number} {row.method}")
def test_row(sandbox: Sandbox, row: Row) -> None:
    gone = sandbox.create()
    sandbox.delete(gone)
    path = row.path.format(a=sandbox.create(), gone=gone)
    reply = sandbox.client(row.token).call(row.method, path, row.body, row.headers)
    assert (reply.status, reply.body, reply.headers.get("content-type")) == (
        row.status,
        row.answer,
        row.content_type,
    )


def test_every_row_is_tried() -> None:
    assert {row.number for row in ROWS} == set(range(1, 16))


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"title": "a"}, "description, due_date"),
        ({"title": "", "description": ""}, "title, due_date"),
        ({"title": None, "description": None, "due_date": None}, "title, description, due_date"),
        ({"title": "a", "description": "", "due_date": ""}, "due_date"),
        ({"description": "b", "due_date": "2020-01-01"}, "title"),
    ],
)
def test_row_1_names_what_is_missing(sandbox: Sandbox, given: dict[str, Any], missing: str) -> None:
    reply = sandbox.post(ASSIGNMENTS, given)
    assert (reply.status, reply.json) == (400, {"message": f"missing required field(s): {missing}"})


def test_row_3_holds_for_a_due_date_of_this_very_moment(sandbox: Sandbox) -> None:
    reply = sandbox.post(ASSIGNMENTS, {**ESSAY, "due_date": "2026-01-01T00:00:00.000Z"})
    assert (reply.status, reply.json["message"]) == (400, "due_date must be in the future")


@pytest.mark.parametrize("character", ["q", "'", "U", "0", "é", "\n"])
def test_row_4_family_names_the_character(sandbox: Sandbox, character: str) -> None:
    reply = sandbox.post(ASSIGNMENTS, '{"title":"\\' + character + '"}')
    shown = {"'": r"\'", "é": "Ã", "\n": r"\n"}.get(character, character)
    assert reply.body.decode() == f"Invalid character '{shown}' in string escape code"


@pytest.mark.parametrize(
    "sent", ["2020-01-01", "2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"]
)
def test_row_10_repeats_the_date_as_it_was_sent(sandbox: Sandbox, sent: str) -> None:
    reply = sandbox.patch(sandbox.create(), {"due_date": sent})
    assert (reply.status, reply.json["message"]) == (400, f'parsing time "{sent}": day out of range')


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Bearer    ", "Basic abc", "DEMO_TOKEN", "bearer DEMO_TOKEN"]
)
def test_row_11_holds_for_anything_that_is_no_bearer_token(sandbox: Sandbox, value: str) -> None:
    reply = sandbox.client(None).call("GET", ASSIGNMENTS, headers={"Authorization": value})
    assert (reply.status, reply.body) == (401, b'{"message": "No authorization provided"}')


@pytest.mark.parametrize("method", ["PUT", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "get", "BREW", "QUERY"])
def test_row_15_holds_for_any_method(sandbox: Sandbox, method: str) -> None:
    reply = sandbox.call(method, ASSIGNMENTS)
    assert (reply.status, reply.body, reply.headers["allow"]) == (405, b"", "GET, POST")
