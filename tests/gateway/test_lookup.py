"""What an LMS says is wrong, and what the client is told."""

from __future__ import annotations

import logging

import pytest

from passback.gateway.lookup import answers_of_the_lms
from passback.lms.connector import Gone, LmsError, Refused, Unavailable, Unsupported
from passback.wire.errors import Refusal


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (Gone("section"), 404, "Resource not found"),
        (Gone("assignment"), 404, "Assignment does not exist"),
        (Gone("student"), 404, "User not found"),
        (Gone("grader"), 400, "NOT_FOUND: Person with id clever:teacher-1 not found for this integration."),
        (Refused("TITLE_TAKEN", "there is one of that name"), 400, "TITLE_TAKEN: there is one of that name"),
        (
            Unsupported("Schoology", "submission type of link"),
            400,
            "Schoology does not support submission type of link",
        ),
        (Unavailable("502 from https://lms.example"), 500, "Error updating submission"),
        (LmsError("something new"), 500, "Error updating submission"),
    ],
)
def test_answer(error: LmsError, status: int, message: str) -> None:
    with pytest.raises(Refusal) as caught, answers_of_the_lms("updating submission", grader_id="teacher-1"):
        raise error
    assert (caught.value.status, caught.value.message) == (status, message)


def test_a_section_that_is_gone_while_an_assignment_is_created_is_not_found() -> None:
    with pytest.raises(Refusal) as caught, answers_of_the_lms("creating assignment"):
        raise Gone("assignment")
    assert caught.value.message == "Resource not found"


def test_where_waiting_helps_the_client_is_told_how_long() -> None:
    with pytest.raises(Refusal) as caught, answers_of_the_lms("reading assignment"):
        raise Unavailable("throttled", retry_after=30)
    assert caught.value.retry_after == 30


def test_the_cause_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(Refusal), answers_of_the_lms("reading assignment"):
        raise Unavailable("the LMS answered 503")
    assert "the LMS answered 503" in caplog.text


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), answers_of_the_lms("reading assignment"):
        raise KeyError
