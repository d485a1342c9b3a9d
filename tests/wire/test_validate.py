from __future__ import annotations

from decimal import Decimal

import pytest

from passback.wire.errors import Refusal
from passback.wire.requests import AssignmentRequest, AttachmentRequest, SubmissionRequest
from passback.wire.validate import check_numbers, validate_assignment, validate_submission

BAD = AttachmentRequest(type="video")
HEAD = "validation failure list:"
TYPES = "in body should be one of [link file text discussion]"


@pytest.mark.parametrize(
    ("request_", "lines"),
    [
        (
            AssignmentRequest(assignee_mode="ALL"),
            ["assignee_mode in body should be one of [all individuals]"],
        ),
        (
            AssignmentRequest(grading_type="stars"),
            ["grading_type in body should be one of [points percent pass_fail letter_grade]"],
        ),
        (AssignmentRequest(submission_types=("file", "", "x")), [f"submission_types.1 {TYPES}"]),
        (
            AssignmentRequest(attachments=(None, BAD, BAD)),
            [HEAD, "type in body should be one of [file link text]"],
        ),
        (
            AssignmentRequest(
                assignee_mode="x", attachments=(BAD,), grading_type="y", submission_types=("",)
            ),
            [
                "assignee_mode in body should be one of [all individuals]",
                HEAD,
                "type in body should be one of [file link text]",
                "grading_type in body should be one of [points percent pass_fail letter_grade]",
                f"submission_types.0 {TYPES}",
            ],
        ),
    ],
)
def test_an_assignments_failures_come_in_one_message(request_: AssignmentRequest, lines: list[str]) -> None:
    with pytest.raises(Refusal) as caught:
        validate_assignment(request_)
    assert caught.value.message.split("\n") == [HEAD, *lines]


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (
            SubmissionRequest(flags=("late", "early")),
            "flags.1 in body should be one of [excused late missing]",
        ),
        (
            SubmissionRequest(state="lost"),
            "state in body should be one of [created submitted returned reclaimed]",
        ),
    ],
)
def test_a_submissions_failures(request_: SubmissionRequest, line: str) -> None:
    with pytest.raises(Refusal) as caught:
        validate_submission(request_)
    assert caught.value.message == f"{HEAD}\n{line}"


def test_empty_texts_of_single_fields_are_not_checked() -> None:
    validate_assignment(
        AssignmentRequest(assignee_mode="", grading_type="", attachments=(AttachmentRequest(type=""),))
    )
    validate_submission(SubmissionRequest(state=""))


@pytest.mark.parametrize(
    ("request_", "lines"),
    [
        (AssignmentRequest(max_attempts=0), ["max_attempts in body should be greater than or equal to 1"]),
        (
            AssignmentRequest(points_possible=Decimal("-0.1")),
            ["points_possible in body should be greater than or equal to 0"],
        ),
        (
            SubmissionRequest(extra_attempts=-1, grade_points=Decimal(-1)),
            [
                "extra_attempts in body should be greater than or equal to 0",
                "grade_points in body should be greater than or equal to 0",
            ],
        ),
    ],
)
def test_numbers_out_of_their_domain(
    request_: AssignmentRequest | SubmissionRequest, lines: list[str]
) -> None:
    with pytest.raises(Refusal) as caught:
        check_numbers(request_)
    assert caught.value.message.split("\n") == [HEAD, *lines]


@pytest.mark.parametrize(
    "request_",
    [
        AssignmentRequest(points_possible=Decimal("-0"), max_attempts=1),
        SubmissionRequest(grade_points=Decimal(0), extra_attempts=0),
    ],
)
def test_numbers_within_it(request_: AssignmentRequest | SubmissionRequest) -> None:
    check_numbers(request_)
