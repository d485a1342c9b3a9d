"""Answers that are lost, late or useless."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.clock import DAY, HOUR
from passback.lms.interface import LmsError, RefusedByLms, Unavailable, Unsupported
from passback.testing.clock import NOW
from passback.testing.faulty_world import Answer, answering, world_of
from passback.testing.lms import ESSAY, Lms, try_of
from passback.testing.suite.checks import is_for_token, read, writes
from passback_simulators.reply import Reply, text_reply
from passback_simulators.request import Request

_WORDS = st.sampled_from(
    ["Essay", " Essay  1 ", "Caf\u00e9", "5 < 6 & 7", "<b>Bold</b>", "\ufb01ne", "100%", "A"]
)
_FIELDS = st.builds(
    AssignmentFields,
    title=_WORDS,
    description=_WORDS | st.builds("<p onclick='x'>{}<script>{}</script>".format, _WORDS, _WORDS),
    due_date=st.integers(1, 400).map(lambda hour: NOW + DAY + hour * HOUR // 4)
    | st.integers(1, 60).map(lambda day: NOW + day * DAY + 123),
    points_possible=st.none() | st.sampled_from([Decimal(it) for it in ("0", "1", "33.333", "0.5", "100")]),
    grading_type=st.sampled_from([None, "points", "percent", "pass_fail", "letter_grade"]),
)


class LostAnswers:
    """What a connector does if the LMS fails. Needs a simulator that fails on request."""

    @pytest.mark.parametrize("fault", ["error-after", "timeout-after", "dropped-after", "malformed"])
    def test_an_assignment_whose_answer_was_lost_is_found(self, lms: Lms, fault: str) -> None:
        lms.failing.fail(fault, **lms.creates)
        mark = str(uuid7())
        with pytest.raises(Unavailable) as caught:
            lms.run(lms.connector.create_assignment(lms.section, ESSAY, mark))
        assert caught.value.in_doubt
        found = lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of(mark, NOW, ())))
        assert found is not None
        assert lms.run(lms.connector.read_assignment(lms.section, found.lms_id)) == found
        assert (found.title, found.due_date, found.published) == ("Essay", ESSAY.due_date, True)

    def test_whatever_is_created_is_found_if_the_answer_is_lost(self, lms: Lms) -> None:
        served, known = lms.failing, set[str]()

        @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
        @given(_FIELDS)
        def found(fields: AssignmentFields) -> None:
            mark = str(uuid7())
            served.mend()
            served.fail("error-after", **lms.creates)
            with pytest.raises((Unavailable, Unsupported, RefusedByLms)) as caught:
                lms.run(lms.connector.create_assignment(lms.section, fields, mark))
            if not isinstance(caught.value, Unavailable):
                return
            held = lms.run(lms.connector.find_assignment(lms.section, fields, try_of(mark, NOW, known)))
            assert held is not None
            assert held.lms_id not in known
            known.add(held.lms_id)

        found()

    def test_what_was_created_is_found_where_the_rest_of_the_answer_fails(self, lms: Lms) -> None:
        fields = replace(ESSAY, attachments=(Attachment(type="link", url="https://app.example/a"),))
        lms.failing.fail("error-before", method="GET", path=f"{lms.collection}/", times=None)
        lms.failing.fail("error-before", method="PATCH", times=None)
        try:
            lms.run(lms.connector.create_assignment(lms.section, fields, "mark"))
        except Unavailable as error:
            assert error.in_doubt
        lms.failing.mend()
        with lms.another() as fresh:  # the first may be resting now
            assert lms.run(fresh.find_assignment(lms.section, fields, try_of("mark", NOW, ()))) is not None

    @pytest.mark.parametrize("fault", ["error-before", "timeout", "dropped"])
    def test_an_assignment_that_was_not_created_is_not_found(self, lms: Lms, fault: str) -> None:
        lms.create(title="Another")
        known = [lms.create().lms_id]
        lms.clock.advance(hours=1)
        lms.failing.fail(fault, **lms.creates)
        mark, since = str(uuid7()), lms.clock()
        with pytest.raises(Unavailable):
            lms.run(lms.connector.create_assignment(lms.section, ESSAY, mark))
        assert lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of(mark, since, known))) is None

    @pytest.mark.parametrize("fault", ["error-before", "error-after", "dropped", "dropped-after"])
    def test_a_grade_gets_through_a_fault_that_passes(self, lms: Lms, fault: str) -> None:
        assignment, student = lms.create().lms_id, lms.students[0]
        for points in (9, 10):
            lms.calls()
            lms.grade(assignment, student, grade_points=Decimal(points))
        usual = len(lms.calls())
        for method in ("PUT", "PATCH"):
            lms.failing.fail(fault, method=method)
        if lms.grades_at is not None:
            lms.failing.fail(fault, path=lms.grades_at)
        assert lms.grade(assignment, student, grade_points=Decimal(11)).grade_points == Decimal(11)
        assert len(lms.calls()) > usual, (
            "no grade met the fault: `grades_at` must say to which path grades are posted"
        )
        lms.failing.mend()
        assert read(lms, assignment, student) == lms.grade(assignment, student, grade_points=Decimal(11))

    @pytest.mark.parametrize(
        "fault", ["error-before", "malformed", "timeout", "throttled", "expired-credentials"]
    )
    def test_an_lms_that_keeps_failing_is_unavailable(self, lms: Lms, fault: str) -> None:
        assignment = lms.create().lms_id
        lms.failing.fail(fault, times=None)
        with pytest.raises(Unavailable):
            lms.run(lms.connector.read_assignment(lms.section, assignment))

    @pytest.mark.parametrize(
        "body", [b"null", b"[]", b"7", b'"x"', b"{}", b'{"id":null}', b'{"id":{}}', b"<html>", b""]
    )
    def test_an_answer_that_is_not_as_expected_is_a_fault_of_the_lms(self, lms: Lms, body: bytes) -> None:
        assignment = lms.create().lms_id

        async def odd(real: Answer, request: Request) -> Reply:
            reply = await real(request)
            return reply if reply.status >= 300 or is_for_token(request) else replace(reply, body=body)

        with answering(lms.failing, odd):
            with pytest.raises(LmsError):
                lms.assignment(assignment)
            with pytest.raises(LmsError):
                lms.create()

    def test_a_page_of_html_does_not_say_that_a_section_is_gone(self, lms: Lms) -> None:
        async def page(real: Answer, request: Request) -> Reply:
            if is_for_token(request):
                return await real(request)
            return text_reply(404, "<!DOCTYPE html><h1>Not found</h1>", "text/html; charset=utf-8")

        with answering(lms.failing, page), pytest.raises(Unavailable):
            lms.run(lms.connector.read_people(lms.section))

    @pytest.mark.parametrize("fault", ["expired-credentials", "error-before", "dropped"])
    def test_a_connection_that_does_not_work_is_found_bad(self, lms: Lms, fault: str) -> None:
        lms.failing.fail(fault, times=None)
        findings = lms.run(lms.connector.check())
        assert any(not finding.good and finding.remedy for finding in findings)
        assert not any(lms.shows_secrets(f"{it.what} {it.remedy}") for it in findings)

    def test_a_check_changes_nothing(self, lms: Lms) -> None:
        with world_of(lms.failing) as world:
            lms.run(lms.connector.check())
        assert writes(world.requests) == []

    def test_of_several_that_are_in_doubt_each_takes_one(self, lms: Lms) -> None:
        served = lms.failing
        marks = [str(uuid7()) for _ in range(3)]
        for mark in marks:
            served.fail("error-after", **lms.creates)
            with pytest.raises(Unavailable):
                lms.run(lms.connector.create_assignment(lms.section, ESSAY, mark))
            lms.clock.now += HOUR
        served.mend()
        known = set[str]()
        for number, mark in enumerate(marks):
            newer = len(marks) - 1 - number
            found = lms.run(
                lms.connector.find_assignment(
                    lms.section, ESSAY, try_of(mark, NOW + number * HOUR, known, newer)
                )
            )
            assert found is not None
            known.add(found.lms_id)
        assert len(known) == len(marks)
        assert lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of("no", NOW, known))) is None
