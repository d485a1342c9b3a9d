"""Bodies with the exact error or decoded value, made by running the published service's libraries."""

from __future__ import annotations

import base64
import json
import struct
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from passback.wire.dates import show
from passback.wire.decode import assignment_request, submission_request
from passback.wire.errors import Refusal
from passback.wire.requests import AssignmentRequest, AttachmentRequest, SubmissionRequest, WireDate
from passback.wire.validate import validate_assignment, validate_submission

VECTORS = [
    json.loads(line) for line in (Path(__file__).parent / "vectors.jsonl").read_text("utf-8").splitlines()
]


def decode(vector: dict[str, Any]) -> AssignmentRequest | SubmissionRequest:
    body = base64.b64decode(vector["body_b64"])
    if vector["op"] == "updateSubmission":
        submission = submission_request(body)
        validate_submission(submission)
        return submission
    assignment = assignment_request(body)
    validate_assignment(assignment)
    return assignment


def canonical(request: AssignmentRequest | SubmissionRequest | AttachmentRequest) -> dict[str, Any]:
    """The request as the published service marshals it again: in single precision, without its zero values."""
    shown = {}
    for name in request.__struct_fields__[: -1 if hasattr(request, "unknown_fields") else None]:
        value = getattr(request, name)
        match value:
            case Decimal():
                value = single(value)
            case WireDate():
                value = go_date(value)
            case tuple():
                value = [canonical(item) if isinstance(item, AttachmentRequest) else item for item in value]
        pointer = name in {
            "points_possible",
            "title",
            "description",
            "description_plaintext",
            "term_id",
            "text",
            "url",
        }
        pointer |= name in {"grade", "grade_comment", "grader_id"}
        if value is not None and (value or pointer):
            shown[name] = value
    return shown


def go_date(date: WireDate) -> str:
    local = show(date.instant + date.offset * 60_000).removesuffix("Z")
    if not date.offset:
        return local + "Z"
    sign, minutes = "-" if date.offset < 0 else "+", abs(date.offset)
    return f"{local}{sign}{minutes // 60:02}:{minutes % 60:02}"


def single(number: Decimal | float) -> float:
    """The number in single precision."""
    value: float = struct.unpack("f", struct.pack("f", number))[0]
    return value


def in_single_precision(vector: dict[str, Any]) -> dict[str, Any]:
    """A canonical value, its numbers as the floats that they are there."""
    points = ("points_possible", "grade_points")
    return {name: single(value) if name in points else value for name, value in vector.items()}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["tag"])
def test_vector(vector: dict[str, Any]) -> None:
    try:
        request = decode(vector)
    except Refusal as refusal:
        message = refusal.message
        if refusal.envelope == "plain":
            message = message.replace("Invalid", "invalid", 1)
        assert message == vector["error"]
    else:
        assert vector["ok"], f"accepted instead of: {vector['error']}"
        assert canonical(request) == in_single_precision(vector["canonical"])
