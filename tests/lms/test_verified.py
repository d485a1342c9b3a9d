"""What is made of an LMS that reports one thing and does another, on an LMS that can be made to."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from passback.domain.assignment import AssignmentFields
from passback.domain.submission import SubmissionFields
from passback.lms.interface import Gone, Unavailable
from passback.testing.lms import Lms
from passback.testing.suite.checks import verified
from passback_simulators.reply import json_reply
from support.slate import slate


@pytest.fixture
def lms() -> Iterator[Lms]:
    with slate() as served:
        yield served


def answering(lms: Lms, method: str, answer: Any, times: int | None = None) -> None:
    """Have `answer`, given the real answering and the request, answer the next requests of a method."""
    real, left = lms.served.simulator.answer, [times]

    async def spoilt(request: Any) -> Any:
        if request.method != method or left[0] == 0:
            return await real(request)
        left[0] = None if left[0] is None else left[0] - 1
        return await answer(real, request)

    lms.served.simulator.answer = spoilt  # type: ignore[method-assign]


def limited(lms: Lms, most: str) -> None:
    """Have Slate keep no more points than that."""
    simulator: Any = lms.served.simulator
    real = simulator.answer

    async def answer(request: Any) -> Any:
        reply = await real(request)
        for assignment in simulator.records.all("assignments"):
            for score in assignment["scores"].values():
                if score["score"] is not None and Decimal(score["score"]) > Decimal(most):
                    score["score"] = most
        is_score = request.method == "PUT" and "/scores/" in request.path
        return json_reply(200, {"score": most}) if is_score else reply

    simulator.answer = answer


def test_a_grade_that_the_lms_limits_is_shown_as_it_is_kept_with_a_warning(lms: Lms) -> None:
    assignment, student = lms.create().lms_id, lms.students[0]
    limited(lms, "15")
    with verified(lms) as connector:
        change = SubmissionFields(grade_points=Decimal(17))
        one = lms.run(connector.update_submission(lms.section, assignment, student, change))
        many = lms.run(
            connector.update_submissions(lms.section, assignment, [(it, change) for it in lms.students[:2]])
        )
    for kept in (one, *many):
        assert (getattr(kept, "grade_points", None), getattr(kept, "warnings", None)) == (
            15,
            ("SCORE_CHANGED_BY_LMS",),
        )


def test_a_class_whose_grades_the_lms_limits_is_waited_for_together(lms: Lms) -> None:
    assignment = lms.create().lms_id
    limited(lms, "15")
    assert lms.connection is not None
    timer, took = lms.connection.timer, list[float]()
    change = SubmissionFields(grade_points=Decimal(17))
    with verified(lms) as connector:
        for students in (lms.students[:1], lms.students):
            began = timer.seconds()
            kept = lms.run(
                connector.update_submissions(lms.section, assignment, [(it, change) for it in students])
            )
            took.append(timer.seconds() - began)
            assert {getattr(it, "grade_points", None) for it in kept} == {15}
    assert took[1] == pytest.approx(took[0], abs=1)


async def ignore(real: Any, request: Any) -> Any:
    return json_reply(200, {"score": None})


def test_a_grade_that_the_lms_ignores_once_is_sent_again(lms: Lms) -> None:
    assignment = lms.create().lms_id
    answering(lms, "PUT", ignore, times=1)
    with verified(lms) as connector:
        change = SubmissionFields(grade_points=Decimal(17))
        kept = lms.run(connector.update_submission(lms.section, assignment, lms.students[0], change))
    assert [kept.grade_points, lms.read(assignment).grade_points] == [17, 17]
    assert not kept.warnings


def test_a_grade_that_the_lms_never_keeps_has_not_arrived(lms: Lms) -> None:
    assignment = lms.create().lms_id
    answering(lms, "PUT", ignore)
    change = SubmissionFields(grade_points=Decimal(17))
    with verified(lms) as connector, pytest.raises(Unavailable):
        lms.run(connector.update_submission(lms.section, assignment, lms.students[0], change))


def test_a_title_that_the_lms_changes_is_a_warning(lms: Lms) -> None:
    assignment = lms.create().lms_id

    async def shorten(real: Any, request: Any) -> Any:
        reply = await real(request)
        record = lms.served.simulator.records.get("assignments", assignment)
        assert record is not None
        record["title"] = record["title"][:5]
        return json_reply(reply.status, record)

    answering(lms, "PUT", shorten)
    with verified(lms) as connector:
        change = AssignmentFields(title="A long title")
        kept = lms.run(connector.update_assignment(lms.section, assignment, change))
    assert (kept.title, kept.warnings) == ("A lon", ("CHANGED_BY_LMS:title",))


def test_what_is_deleted_only_by_its_answer_is_not(lms: Lms) -> None:
    assignment = lms.create().lms_id

    async def pretend(real: Any, request: Any) -> Any:
        return json_reply(200, {})

    answering(lms, "DELETE", pretend)
    with verified(lms) as connector, pytest.raises(Unavailable) as caught:
        lms.run(connector.delete_assignment(lms.section, assignment))
    assert caught.value.in_doubt
    assert lms.assignment(assignment).lms_id == assignment


async def deny(real: Any, request: Any) -> Any:
    return json_reply(404, {"error": "not found"})


@pytest.mark.parametrize("times", [1, 2])
def test_what_the_lms_lists_is_not_gone(lms: Lms, times: int) -> None:
    assignment = lms.create().lms_id
    answering(lms, "GET", deny, times=times)
    with verified(lms) as connector, pytest.raises(Unavailable):
        lms.run(connector.read_assignment(lms.section, assignment))


def test_an_assignment_that_the_lms_shows_and_does_not_list_is_not_gone(lms: Lms) -> None:
    assignment = lms.create().lms_id

    async def contradict(real: Any, request: Any) -> Any:
        if "/scores" in request.path:
            return json_reply(404, {"error": "not found"})
        return json_reply(200, []) if request.path.endswith("/assignments") else await real(request)

    answering(lms, "PUT", contradict)
    answering(lms, "GET", contradict)
    change = SubmissionFields(grade_points=Decimal(17))
    with verified(lms) as connector, pytest.raises(Unavailable):
        lms.run(connector.update_submission(lms.section, assignment, lms.students[0], change))


def test_it_is_told_what_is_really_gone(lms: Lms) -> None:
    assignment, student = lms.create().lms_id, lms.students[0]
    gone = []
    change = SubmissionFields(grade_points=Decimal(1))

    def meets(section: str, assignment: str, student: str) -> str:
        with verified(lms) as connector, pytest.raises(Gone) as caught:
            lms.run(connector.update_submission(section, assignment, student, change))
        return caught.value.thing

    gone.append(meets(lms.section, assignment, lms.other_student))
    gone.append(meets(lms.nowhere, "a999", student))
    lms.delete(assignment)
    gone.append(meets(lms.section, assignment, student))
    assert gone == ["student", "section", "assignment"]
