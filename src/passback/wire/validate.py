"""Validate a decoded body: values against their enumerations, numbers against their ranges.

One message names all failing fields, in alphabetical order (wire rule: validation of the body model).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from passback.wire.errors import validation_failure
from passback.wire.requests import AssignmentRequest, AttachmentRequest, SubmissionRequest
from passback.wire.values import (
    ASSIGNEE_MODES,
    ATTACHMENT_TYPES,
    GRADING_TYPES,
    SUBMISSION_FLAGS,
    SUBMISSION_STATES,
    SUBMISSION_TYPES,
)


def validate_assignment(request: AssignmentRequest) -> None:
    """Raise `Refusal` naming every field whose value is not allowed."""
    _raise_any(
        _value("assignee_mode", request.assignee_mode, ASSIGNEE_MODES),
        _attachments(request.attachments),
        _value("grading_type", request.grading_type, GRADING_TYPES),
        _list("submission_types", request.submission_types, SUBMISSION_TYPES),
    )


def validate_submission(request: SubmissionRequest) -> None:
    """Raise `Refusal` naming every field whose value is not allowed."""
    _raise_any(
        _attachments(request.attachments),
        _list("flags", request.flags, SUBMISSION_FLAGS),
        _value("state", request.state, SUBMISSION_STATES),
    )


def check_numbers(request: AssignmentRequest | SubmissionRequest) -> None:
    """Raise `Refusal` naming every number that is out of range (contract: our rules)."""
    if isinstance(request, AssignmentRequest):
        _raise_any(
            _at_least(1, "max_attempts", request.max_attempts),
            _at_least(0, "points_possible", request.points_possible),
        )
    else:
        _raise_any(
            _at_least(0, "extra_attempts", request.extra_attempts),
            _at_least(0, "grade_points", request.grade_points),
        )


def _raise_any(*failures: str | None) -> None:
    if any(failures):
        raise validation_failure([failure for failure in failures if failure])


def _value(name: str, value: str | None, allowed: Sequence[str]) -> str | None:
    # An empty string is Go's zero value, which is never checked.
    return _one_of(name, allowed) if value and value not in allowed else None


def _list(name: str, values: Sequence[str] | None, allowed: Sequence[str]) -> str | None:
    """Only the first invalid element is named; an empty one is invalid."""
    for index, value in enumerate(values or ()):
        if value not in allowed:
            return _one_of(f"{name}.{index}", allowed)
    return None


def _attachments(attachments: Sequence[AttachmentRequest | None] | None) -> str | None:
    """Only the first invalid one is named, without its index but with its own header, as in the published service."""
    for attachment in attachments or ():
        if attachment is not None and (failure := _value("type", attachment.type, ATTACHMENT_TYPES)):
            return f"validation failure list:\n{failure}"
    return None


def _one_of(name: str, allowed: Sequence[str]) -> str:
    return f"{name} in body should be one of [{' '.join(allowed)}]"


def _at_least(least: int, name: str, value: Decimal | int | None) -> str | None:
    # Negative zero counts as zero.
    if value is None or value >= least:
        return None
    return f"{name} in body should be greater than or equal to {least}"
