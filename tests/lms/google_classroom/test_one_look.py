"""The connector to Google Classroom: a denial of one object is a refusal, one of the connection is to be mended."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterator
from decimal import Decimal
from typing import Any

import pytest

from passback.domain.assignment import AssignmentFields
from passback.domain.submission import SubmissionFields
from passback.lms.google_classroom.api import AT_ONCE
from passback.lms.interface import LmsError, NotAllowed, RefusedByLms
from passback.testing.lms import Lms
from passback_simulators.google_classroom import seed
from passback_simulators.identities import BIOLOGY
from passback_simulators.reply import Reply
from support.google import google, said, simulator

DENIALS = [
    (403, said("PERMISSION_DENIED", "The caller does not have permission")),
    (401, said("UNAUTHENTICATED", "Request had invalid authentication credentials.")),
]


@pytest.fixture
def lms() -> Iterator[Lms]:
    with google() as served:
        yield served


def deny(lms: Lms, pattern: str, status: int = 403, body: bytes = DENIALS[0][1]) -> list[str]:
    """Let Classroom deny requests whose method and path match; returns those that it has denied."""
    real, denied = simulator(lms).answer, list[str]()

    async def answer(request: Any) -> Any:
        asked = f"{request.method} {request.path}"
        if re.search(pattern, asked):
            denied.append(asked)
            return Reply(status, body)
        return await real(request)

    simulator(lms).answer = answer  # type: ignore[method-assign]
    return denied


Act = Callable[[Lms, str], Coroutine[Any, Any, Any]]
ACTS: dict[str, Act] = {
    "a grade": lambda lms, it: lms.connector.update_submission(
        lms.section, it, lms.students[0], SubmissionFields(grade_points=Decimal(5), grader_id=lms.teacher)
    ),
    "no grade": lambda lms, it: lms.connector.update_submission(
        lms.section, it, lms.students[0], SubmissionFields(grade="")
    ),
    "a change": lambda lms, it: lms.connector.update_assignment(
        lms.section, it, AssignmentFields(title="Other")
    ),
    "other assignees": lambda lms, it: lms.connector.update_assignment(
        lms.section, it, AssignmentFields(assignee_mode="individuals", assignee_ids=(lms.students[0],))
    ),
    "the end": lambda lms, it: lms.connector.delete_assignment(lms.section, it),
}


@pytest.mark.parametrize("act", [*ACTS, "a new one"])
def test_what_is_said_once_to_be_of_another_app_is_done(lms: Lms, act: str) -> None:
    assignment = lms.create().lms_id
    real, said_so = simulator(lms).answer, list[str]()

    async def answer(request: Any) -> Any:
        if said_so or "/courseWork" not in request.path or request.method == "GET":
            return await real(request)
        said_so.append(request.path)
        return Reply(403, said("PERMISSION_DENIED", "@ProjectPermissionDenied The project is not permitted."))

    simulator(lms).answer = answer  # type: ignore[method-assign]
    if act == "a new one":
        assert lms.create().lms_id != assignment
    else:
        lms.run(ACTS[act](lms, assignment))
    assert said_so


@pytest.mark.parametrize(("status", "body"), DENIALS)
@pytest.mark.parametrize("act", ACTS)
def test_what_is_denied_of_one_assignment_is_refused_after_one_look_and_a_second_try(
    lms: Lms, act: str, status: int, body: bytes
) -> None:
    denied_one, other = lms.create().lms_id, lms.create().lms_id
    denied = deny(lms, rf"^(PATCH|POST|DELETE) .*/{denied_one}\b", status, body)
    with pytest.raises(RefusedByLms, match="NOT_GRADABLE: Google Classroom denies this"):
        lms.run(ACTS[act](lms, denied_one))
    assert len(denied) == (4 if status == 401 else 2)
    lms.run(ACTS[act](lms, other))


def test_each_of_many_is_refused_on_its_own(lms: Lms) -> None:
    assignment, students = lms.create().lms_id, lms.students[:3]
    lms.grade(assignment, students[0], grade_points=Decimal(1))
    lms.run(lms.connector.read_submissions(lms.section, assignment, students))
    (first,) = simulator(lms).records.all("submissions")
    deny(lms, f"^PATCH .*/{first['id']}$")
    changes = [(student, SubmissionFields(grade_points=Decimal(5))) for student in students]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert [isinstance(it, RefusedByLms) for it in outcomes] == [True, False, False]
    assert not any(isinstance(it, LmsError) for it in outcomes[1:])


def test_a_class_of_refused_grades_costs_few_looks(lms: Lms) -> None:
    assignment = lms.create().lms_id
    deny(lms, "^PATCH ")
    lms.calls()
    changes = [(student, SubmissionFields(grade_points=Decimal(5))) for student in lms.students]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    assert {str(it).split(":")[0] for it in outcomes} == {"NOT_GRADABLE"}
    looks = [call for call in map(str, lms.calls()) if "/teachers" in call]
    assert 0 < len(looks) <= 2 * AT_ONCE  # as many grades are sent at once


@pytest.mark.parametrize(("status", "body"), DENIALS)
@pytest.mark.parametrize("act", ACTS)
def test_what_is_denied_of_everything_is_to_be_mended(lms: Lms, act: str, status: int, body: bytes) -> None:
    assignment = lms.create().lms_id
    deny(lms, "^[A-Z]+ /v1/", status, body)
    with pytest.raises(NotAllowed) as caught:
        lms.run(ACTS[act](lms, assignment))
    assert caught.value.credentials == (status == 401)


def test_somebody_who_no_longer_teaches_the_course_is_not_taken_for_an_object_that_refuses(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    simulator(lms).ui_unenroll(lms.section, lms.teacher)
    simulator(lms).ui_enroll(lms.section, seed.person_lms_id(BIOLOGY.teacher), teacher=True)
    assert lms.grade(assignment, grade_points=Decimal(2)).grade_points == 2


def test_where_nobody_teaches_any_more_it_is_to_be_mended(lms: Lms) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    simulator(lms).ui_unenroll(lms.section, lms.teacher)
    with pytest.raises(NotAllowed):
        lms.grade(assignment, grade_points=Decimal(2))


def test_a_missing_scope_is_the_districts_to_mend(lms: Lms) -> None:
    assignment = lms.create().lms_id
    deny(lms, "^PATCH", 403, said("PERMISSION_DENIED", "Request had insufficient authentication scopes."))
    with pytest.raises(NotAllowed, match="a scope is missing"):
        lms.grade(assignment, grade_points=Decimal(2))
