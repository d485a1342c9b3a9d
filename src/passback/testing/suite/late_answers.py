"""An LMS that keeps something else, or does not show at once what it was sent."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from decimal import Decimal

import pytest
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.submission import SubmissionFields
from passback.lms.interface import Unavailable
from passback.testing.clock import NOW
from passback.testing.faulty_world import Answer, answering, world_of
from passback.testing.lms import ESSAY, Lms, try_of
from passback.testing.suite.checks import verified, writes
from passback.testing.suite.operations import OPERATIONS, Operation, essay, refused, warm
from passback_simulators.reply import Reply
from passback_simulators.request import Request


@contextlib.contextmanager
def limiting(lms: Lms) -> Iterator[None]:
    """Have the LMS keep 15 of 17 points."""

    async def answer(real: Answer, request: Request) -> Reply:
        if lms.failing.simulator.named(request)[0] != "GET" and b"grant_type=" not in request.body:
            request = replace(request, body=request.body.replace(b"17", b"15"))
        return await real(request)

    with answering(lms.failing, answer):
        yield


class LateAnswers:
    """How a connector looks at what it has changed. Needs a simulator that fails on request."""

    @pytest.mark.parametrize("before", [None, 3])
    def test_a_grade_that_the_lms_limits_costs_one_write_and_a_few_looks(
        self, lms: Lms, before: int | None
    ) -> None:
        assert lms.connection is not None
        timer, assignment, change = (
            lms.connection.timer,
            essay(lms),
            SubmissionFields(grade_points=Decimal(17)),
        )
        with world_of(lms.failing) as world, verified(lms) as connector:
            for student in lms.students[:3] if before is not None else ():
                lms.grade(assignment, student, grade_points=Decimal(before or 0))
            warm(lms, connector, assignment)
            lms.clock.advance(hours=1)
            with limiting(lms):
                for together in (lms.students[:1], lms.students[1:3]):
                    world.begin()
                    began, changes = timer.seconds(), [(it, change) for it in together]
                    kept = lms.run(connector.update_submissions(lms.section, assignment, changes))
                    assert [
                        (getattr(it, "grade_points", it), getattr(it, "warnings", it)) for it in kept
                    ] == [(15, ("SCORE_CHANGED_BY_LMS",))] * len(together)
                    assert timer.seconds() - began <= 1
                    assert len(writes(world.requests)) <= len(together)
                    assert len(world.requests) <= 8 * len(together)
                    lms.clock.advance(hours=1)

    @pytest.mark.parametrize("behind", [1, 2])
    @pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.name)
    def test_a_change_is_made_once_though_the_lms_shows_what_it_had_before(
        self, lms: Lms, operation: Operation, behind: int
    ) -> None:
        if refused(lms, operation):
            return
        with world_of(lms.failing) as world:
            about = operation.prepare(lms)
            with verified(lms) as connector:
                warm(lms, connector, about)
                world.begin(behind=behind)
                try:
                    returned = operation.act(lms, connector, about)
                except Unavailable as error:
                    assert error.in_doubt
                    world.begin()
                    returned = operation.act(lms, connector, about)
                world.begin()
            assert operation.done(operation.seen(lms, about))
            assert returned is None or operation.done(returned)
            assert operation.once(lms, about)

    @pytest.mark.parametrize("behind", [1, 2])
    @pytest.mark.parametrize("lost", [False, True])
    def test_a_create_is_made_once_though_the_lms_does_not_show_it_yet(
        self, lms: Lms, behind: int, lost: bool
    ) -> None:
        fields, mark = replace(ESSAY, title=f"Essay {uuid7()}"), str(uuid7())
        with world_of(lms.failing) as world, verified(lms) as connector:
            warm(lms, connector, essay(lms))
            if lost:
                lms.failing.fail("dropped-after", **lms.creates)
            world.begin(behind=behind)
            try:
                made = lms.run(connector.create_assignment(lms.section, fields, mark))
            except Unavailable as error:
                assert error.in_doubt
                found = lms.run(connector.find_assignment(lms.section, fields, try_of(mark, NOW)))
                assert found is not None
                made = found
            world.begin()
            read = lms.run(connector.read_assignment(lms.section, made.lms_id))
            assert (read.title, read.published) == (fields.title, True)
            again = lms.run(connector.find_assignment(lms.section, fields, try_of(mark, NOW, [made.lms_id])))
            assert again is None or again.lms_id == made.lms_id
