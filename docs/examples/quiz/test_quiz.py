"""Tests of the quiz, with Passback's pytest plugin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from quiz import Quiz

from passback_client import Passback
from passback_sandbox.hook import Receiver
from passback_sandbox.sandbox import Sandbox


@pytest.fixture(params=["builtin", "canvas", "google"])
def lms(request: pytest.FixtureRequest) -> str:
    """Each of these tests runs with several LMSs."""
    return str(request.param)


@pytest.fixture
def quiz(passback_sandbox: Sandbox, lms: str) -> Iterator[Quiz]:
    district = passback_sandbox.districts[lms]
    with Passback(district.token, passback_sandbox.url, retries=0) as passback:
        quiz = Quiz(passback, district.section, "Fractions", 20, due=passback_sandbox.now + timedelta(days=7))
        quiz.announce()
        yield quiz


def test_the_teacher_finds_the_points(passback_sandbox: Sandbox, quiz: Quiz, lms: str) -> None:
    district = passback_sandbox.districts[lms]
    ada, ben = district.students[:2]
    assert quiz.report({ada: 18, ben: 9}) == {}
    assert quiz.assignment is not None
    assert passback_sandbox.points(district.section, quiz.assignment) == {ada: 18, ben: 9}


def test_a_quiz_is_announced_once(passback_sandbox: Sandbox, quiz: Quiz) -> None:
    assert quiz.announce() == quiz.assignment
    first, again = (call for call in passback_sandbox.calls(method="POST"))
    assert first.answer == again.answer
    assert again.lms_calls == ()


def test_whoever_has_left_is_reported(passback_sandbox: Sandbox, quiz: Quiz, lms: str) -> None:
    district = passback_sandbox.districts[lms]
    ada, ben = district.students[:2]
    passback_sandbox.unenroll(district.section, ben)
    assert quiz.report({ada: 18, ben: 9}) == {ben: "User not found"}


def test_a_deleted_quiz_is_reported(passback_sandbox: Sandbox, quiz: Quiz, lms: str) -> None:
    district = passback_sandbox.districts[lms]
    assert quiz.assignment is not None
    passback_sandbox.delete_as_teacher(district.section, quiz.assignment)
    assert quiz.report({district.students[0]: 18}) == {
        district.students[0]: "the teacher has deleted the quiz"
    }


@pytest.mark.parametrize("lms", ["canvas"], indirect=True)
@pytest.mark.parametrize("fault", ["error-before", "error-after", "throttled"])
def test_while_the_lms_is_down_nothing_is_lost(
    passback_sandbox: Sandbox, passback_webhooks: Receiver, quiz: Quiz, lms: str, fault: str
) -> None:
    district = passback_sandbox.districts[lms]
    passback_webhooks.register(district.token, ["delivery.delivered"])
    with passback_sandbox.failing(lms, fault):
        assert quiz.report({district.students[0]: 18}) == {}
    passback_sandbox.advance(timedelta(minutes=1))
    assert passback_webhooks.next().data["operation"] == "update_submissions"
    assert quiz.assignment is not None
    assert passback_sandbox.points(district.section, quiz.assignment) == {district.students[0]: 18}
