"""What an LMS says is wrong, and what the client is told."""

from __future__ import annotations

import asyncio
import logging

import pytest

from passback.delivery import lookup
from passback.delivery.lms_errors import as_refusal, lms_errors_as_refusals, outcome_of
from passback.lms.http.reply import Reply
from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms, Unavailable, Unsupported
from passback.wire.errors import Refusal
from support.sandbox import DISTRICT, SECTION, Sandbox


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (Gone("section"), 404, "Resource not found"),
        (Gone("assignment"), 404, "Assignment does not exist"),
        (Gone("student"), 404, "User not found"),
        (Gone("grader"), 400, "NOT_FOUND: Person with id clever:teacher-1 not found for this integration."),
        (
            RefusedByLms("TITLE_TAKEN", "there is one of that name"),
            400,
            "TITLE_TAKEN: there is one of that name",
        ),
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
    outcome = outcome_of(error, "updating submission", grader_id="teacher-1")
    assert (outcome.status, outcome.message) == (status, message)


def test_a_section_that_is_gone_while_an_assignment_is_created_is_not_found() -> None:
    assert outcome_of(Gone("assignment"), "creating assignment").message == "Resource not found"


def test_where_waiting_helps_the_client_is_told_how_long() -> None:
    outcome = outcome_of(Unavailable("throttled", retry_after=30), "reading assignment")
    assert as_refusal(outcome).retry_after == 30


@pytest.mark.parametrize(
    ("error", "retry_after"),
    [
        (Reply(200, {}, b"<html>", doubtful=True).useless("is not JSON"), 30),
        (Unavailable("its answer has no id"), 30),
        (NotAllowed("it refuses our credentials", credentials=True), None),
    ],
)
def test_an_answer_that_is_none_passes_and_refused_credentials_do_not(
    error: Unavailable, retry_after: int | None
) -> None:
    assert as_refusal(outcome_of(error, "reading assignment")).retry_after == retry_after


def test_the_cause_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        outcome_of(Unavailable("the LMS answered 503"), "reading assignment")
    assert "the LMS answered 503" in caplog.text


async def call(sandbox: Sandbox, error: Exception) -> None:
    section = await sandbox.gateway.database.read(
        lambda conn: lookup.section(sandbox.gateway, conn, DISTRICT, SECTION)
    )
    async with lms_errors_as_refusals(sandbox.gateway, DISTRICT, "reading assignment", section):
        raise error


def test_other_errors_pass(sandbox: Sandbox) -> None:
    with pytest.raises(KeyError):
        asyncio.run(call(sandbox, KeyError()))


@pytest.mark.parametrize(("refused", "state"), [(True, "error"), (False, "success")])
def test_refused_credentials_mark_the_connection(sandbox: Sandbox, refused: bool, state: str) -> None:
    with pytest.raises(Refusal):
        asyncio.run(call(sandbox, NotAllowed("no such token", credentials=refused)))
    assert sandbox.get(f"/v3.1/districts/{DISTRICT}").data["lms_state"] == state
