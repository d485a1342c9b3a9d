"""What an LMS denies of one object is a refusal for good; what it denies of everything is to be mended."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from passback.domain.assignment import Attachment
from passback.domain.submission import SubmissionFields
from passback.lms.interface import LmsError, NotAllowed, RefusedByLms
from passback.testing.lms import LINK, TEXT, Lms
from passback_simulators.reply import Reply
from support.canvas import canvas
from support.google import google, said
from support.lti_lms import lti, own_refusal
from support.schoology import schoology

LMSS: dict[str, Callable[[], AbstractContextManager[Lms]]] = {
    "canvas": canvas, "schoology": schoology, "google": google, "lti": partial(lti, "other"),
}  # fmt: skip
JSON = (("content-type", "application/json"),)
UNAUTHORIZED = json.dumps(
    {"status": "unauthorized", "errors": [{"message": "user not authorized to perform that action"}]}
).encode()
DENIALS = {
    "canvas 401": ("canvas", Reply(401, UNAUTHORIZED, JSON)),
    "canvas 403": ("canvas", Reply(403, UNAUTHORIZED, JSON)),
    "schoology 401": ("schoology", Reply(401, b"You are not authorized to perform this action")),
    "schoology 403": ("schoology", Reply(403)),
    "google 401": ("google", Reply(401, said("UNAUTHENTICATED", "Request had invalid credentials."), JSON)),
    "lti 401": ("lti", own_refusal(401)),
    "lti 403": ("lti", own_refusal(403)),
    "google 403": ("google", Reply(403, said("PERMISSION_DENIED", "The caller does not have permission"), JSON)),
}  # fmt: skip
"""The LMS, and how it denies something."""


@pytest.fixture(params=DENIALS)
def denial(request: pytest.FixtureRequest) -> Iterator[tuple[Lms, Reply]]:
    kind, reply = DENIALS[request.param]
    with LMSS[kind]() as lms:
        yield lms, reply


@contextlib.contextmanager
def denying(lms: Lms, reply: Reply, wanted: Callable[[str, str], bool]) -> Iterator[list[str]]:
    """Let the LMS deny the requests of which `wanted` says so, by method and by all of address and body."""
    simulator = lms.served.simulator
    real, denied = simulator.answer, list[str]()

    async def answer(request: Any) -> Reply:
        asked = f"{request.path}?{request.query_string} {request.body.decode()}"
        if wanted(request.method, asked):
            denied.append(f"{request.method} {asked}")
            return reply
        return await real(request)

    simulator.answer = answer  # type: ignore[method-assign]
    yield denied
    simulator.answer = real  # type: ignore[method-assign]


def of_object(lms_id: str) -> Callable[[str, str], bool]:
    """Requests that are about an assignment; in a signature its number may be by chance."""
    number = lms_id.rpartition("/")[2]
    named = re.compile(rf"(?<!\d){number}(?!\d)")
    return lambda _, asked: is_call(asked) and named.search(asked) is not None


def writes_of(lms_id: str) -> Callable[[str, str], bool]:
    """Requests that change an assignment, or anything of it."""
    about = of_object(lms_id)
    return lambda method, asked: method != "GET" and about(method, asked)


Act = Callable[[Lms, str], Any]


def bulk(lms: Lms, it: str) -> Any:
    changes = [(student, SubmissionFields(grade_points=Decimal(5))) for student in lms.students[:3]]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, it, changes))
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


def hand_in(lms: Lms, it: str) -> Any:
    work: Attachment = LINK if "text" in lms.unsupported else TEXT
    return lms.grade(it, state="submitted", attachments=(work,))


WRITES: dict[str, Act] = {
    "a change": lambda lms, it: lms.change(it, title="Other"),
    "a deletion": lambda lms, it: lms.run(lms.connector.delete_assignment(lms.section, it)),
    "a grade": lambda lms, it: lms.grade(it, grade_points=Decimal(5)),
    "a grade of a teacher": lambda lms, it: lms.grade(it, grade_points=Decimal(5), grader_id=lms.teacher),
    "a grade taken away": lambda lms, it: lms.grade(it, grade=""),
    "a comment": lambda lms, it: lms.grade(it, grade_comment="Good"),
    "an excuse": lambda lms, it: lms.grade(it, flags=frozenset({"excused"})),
    "an own due date": lambda lms, it: lms.grade(it, override_due_date=lms.clock() + 86_400_000),
    "more attempts": lambda lms, it: lms.grade(it, extra_attempts=2),
    "grades of many": bulk,
    "work": hand_in,
}
READS: dict[str, Act] = {
    "the assignment": lambda lms, it: lms.assignment(it),
    "a submission": lambda lms, it: lms.read(it),
    "all submissions": lambda lms, it: lms.run(lms.connector.read_submissions(lms.section, it, lms.students)),
}
NEEDS = {
    "a comment": "grade_comment", "an excuse": "excused", "an own due date": "override_due_date",
    "more attempts": "extra_attempts",
}  # fmt: skip


def acts(lms: Lms, some: dict[str, Act]) -> dict[str, Act]:
    """Those that the LMS has a place for."""
    takes_work = not {"text", "link"} <= lms.unsupported
    return {
        name: act
        for name, act in some.items()
        if NEEDS.get(name) not in lms.unsupported and (takes_work or name != "work")
    }


def is_call(asked: str) -> bool:
    """Whether it is a call of the API, and not for a token."""
    return not asked.partition("?")[0].endswith("/token")


def made(lms: Lms) -> str:
    return lms.create(submission_types=("text", "link")).lms_id


def outcome_of(act: Act, lms: Lms, assignment: str) -> str:
    """The code of a refusal for good, or what else became of it."""
    try:
        act(lms, assignment)
    except RefusedByLms as error:
        return str(error).partition(":")[0]
    except LmsError as error:
        return repr(error)
    return "done"


def test_a_write_that_is_denied_of_one_assignment_is_refused_after_one_look(
    denial: tuple[Lms, Reply],
) -> None:
    lms, reply = denial
    outcomes, others, tries = {}, {}, {}
    for name, act in acts(lms, WRITES).items():
        assignment, other = made(lms), made(lms)
        if name == "a grade taken away":
            lms.grade(assignment, grade_points=Decimal(3))
        with denying(lms, reply, writes_of(assignment)) as denied:
            outcomes[name] = outcome_of(act, lms, assignment)
            others[name] = outcome_of(act, lms, other)
        tries[name] = len(denied)
    if "work" in outcomes:
        # Work is the student's to hand in: the key of an administrator does it in Canvas alone.
        expected = "NOT_GRADABLE" if "/" in lms.section else "STUDENT_NOT_SIGNED_IN"
        assert outcomes.pop("work") == expected
    assert outcomes == dict.fromkeys(outcomes, "NOT_GRADABLE")
    assert others == dict.fromkeys(others, "done")
    # Each is tried twice, each time a token is renewed, and many may be sent one by one.
    assert {name: count for name, count in tries.items() if not 0 < count <= 12} == {}


def test_an_assignment_of_which_all_is_denied_is_refused(denial: tuple[Lms, Reply]) -> None:
    lms, reply = denial
    outcomes, others = {}, {}
    for name, act in acts(lms, {**READS, **WRITES}).items():
        assignment, other = made(lms), made(lms)
        with denying(lms, reply, of_object(assignment)):
            outcomes[name] = outcome_of(act, lms, assignment)
            others[name] = outcome_of(act, lms, other)
    assert outcomes == dict.fromkeys(outcomes, "NOT_GRADABLE")
    assert others == dict.fromkeys(outcomes, "done")


def test_of_several_assignments_those_that_are_denied_are_left_out(denial: tuple[Lms, Reply]) -> None:
    lms, reply = denial
    if "/" in lms.section:
        pytest.skip("Canvas is asked for a list, which leaves them out itself")
    first, second, third = (made(lms) for _ in range(3))
    with denying(lms, reply, of_object(second)):
        found = lms.run(lms.connector.read_assignments(lms.section, [first, second, third]))
    assert list(found) == [first, third]


def test_a_section_in_which_nothing_may_be_created_refuses_it(denial: tuple[Lms, Reply]) -> None:
    lms, reply = denial
    course = lms.section.partition("/")[0]
    with denying(lms, reply, lambda method, asked: method == "POST" and f"/{course}/" in asked):
        assert outcome_of(lambda lms, _: lms.create(), lms, "") == "NOT_GRADABLE"
        lms.create(lms.other_section)


def test_what_is_denied_of_everything_is_to_be_mended(denial: tuple[Lms, Reply]) -> None:
    lms, reply = denial
    outcomes = {}
    for name, act in acts(lms, {**READS, **WRITES, "a new one": lambda lms, _: lms.create()}).items():
        assignment = made(lms)
        with denying(lms, reply, lambda _, asked: is_call(asked)):
            try:
                act(lms, assignment)
            except NotAllowed:
                outcomes[name] = "to be mended"
            except LmsError as error:
                outcomes[name] = repr(error)
    assert outcomes == dict.fromkeys(outcomes, "to be mended")


def test_what_is_denied_until_a_look_is_done_after_it(denial: tuple[Lms, Reply]) -> None:
    lms, reply = denial
    outcomes = {}
    for name, act in acts(lms, {**READS, **WRITES}).items():
        assignment = made(lms)
        about, looked = of_object(assignment), list[str]()

        def wanted(
            _: str, asked: str, about: Callable[[str, str], bool] = about, looked: list[str] = looked
        ) -> bool:
            if not about("", asked) and is_call(asked) and denied:
                looked.append(asked)
            return about("", asked) and not looked

        with denying(lms, reply, wanted) as denied:
            outcomes[name] = outcome_of(act, lms, assignment)
        assert denied, name
    assert outcomes == dict.fromkeys(outcomes, "done")
