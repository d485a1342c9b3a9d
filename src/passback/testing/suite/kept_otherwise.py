"""What an LMS keeps otherwise than it was sent is not acknowledged silently."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus

import pytest
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.submission import Submission, SubmissionFields
from passback.lms.interface import SCORE_CHANGED, LmsError, Unavailable
from passback.lms.toolkit.html import html_to_text
from passback.lms.verified import Verified
from passback.testing.faulty_world import Answer, answering
from passback.testing.lms import ESSAY, Lms
from passback.testing.suite.checks import verified
from passback_simulators.reply import Reply
from passback_simulators.request import Request

SENT = " <b>Well done</b>, all of it "


@contextlib.contextmanager
def between(
    lms: Lms,
    sent: Callable[[bytes], bytes] = lambda body: body,
    answered: Callable[[str, bytes], bytes] = lambda method, body: body,
) -> Iterator[None]:
    """Change what reaches the LMS, and what it answers to a method, inside the ``with``."""

    async def answer(real: Answer, request: Request) -> Reply:
        reply = await real(replace(request, body=sent(request.body)))
        return replace(reply, body=answered(lms.failing.simulator.named(request)[0], reply.body))

    with answering(lms.failing, answer):
        yield


def change(lms: Lms, assignment: str, students: list[str], **fields: Any) -> list[Submission]:
    """Change submissions as the registry's connector does: each waited for alone, or all at once."""
    assert lms.connection is not None
    given = SubmissionFields(**fields)
    with lms.another() as connector:
        checked = Verified(connector, lms.connection.timer)
        if len(students) == 1:
            return [lms.run(checked.update_submission(lms.section, assignment, students[0], given))]
        changes = [(student, given) for student in students]
        outcomes = lms.run(checked.update_submissions(lms.section, assignment, changes))
    for outcome in outcomes:
        if isinstance(outcome, LmsError):
            raise outcome
    return [outcome for outcome in outcomes if isinstance(outcome, Submission)]


def huge(method: str, body: bytes) -> bytes:
    return body.replace(b"17.25", b"1" + b"0" * 400)


class KeptOtherwise:
    """What an LMS keeps otherwise than it was sent is shown so. Needs a simulator that fails on request."""

    @pytest.mark.parametrize("way", ["create", "change"])
    def test_a_title_that_is_kept_otherwise_is_shown_as_it_is_kept(self, lms: Lms, way: str) -> None:
        made = lms.create() if way == "change" else None
        fields = replace(ESSAY, title="Beekeeping")
        with between(lms, lambda body: body.replace(b"Beekeeping", b"Beekeepin")), verified(lms) as connector:
            try:
                if made is None:
                    shown = lms.run(connector.create_assignment(lms.section, fields, str(uuid7())))
                else:
                    shown = lms.run(connector.update_assignment(lms.section, made.lms_id, fields))
            except Unavailable as error:
                assert error.in_doubt
                return
        assert shown.title == lms.assignment(shown.lms_id).title

    @pytest.mark.parametrize("kept", ["Well done, all of it", "<b>Well done</b>, all of it", " <b>We"])
    @pytest.mark.parametrize("students", [1, 3])
    def test_a_comment_that_is_kept_in_other_words_is_shown_so_with_a_warning(
        self, lms: Lms, kept: str, students: int
    ) -> None:
        if "grade_comment" in lms.unsupported or not lms.connector.capabilities.comments:
            return
        assignment = lms.create().lms_id

        def other_words(body: bytes) -> bytes:
            as_form = body.replace(quote_plus(SENT).encode(), quote_plus(kept).encode())
            return as_form.replace(SENT.encode(), kept.encode()).replace(
                html_to_text(SENT).encode(), kept.encode()
            )

        with between(lms, other_words):
            changed = change(
                lms, assignment, lms.students[:students], grade_points=Decimal(17), grade_comment=SENT
            )
        for it in changed:
            assert (it.grade_points, it.grade_comment) == (Decimal(17), kept)
            assert it.warnings == ("CHANGED_BY_LMS:grade_comment",)

    @pytest.mark.parametrize("students", [1, 3])
    def test_a_comment_that_is_kept_is_no_warning(self, lms: Lms, students: int) -> None:
        if not lms.connector.capabilities.comments:
            return
        assignment = lms.create().lms_id
        changed = change(
            lms, assignment, lms.students[:students], grade_points=Decimal(17), grade_comment="Two\nlines"
        )
        assert [(it.grade_comment, it.warnings) for it in changed] == [("Two\nlines", ())] * students

    @pytest.mark.parametrize("students", [1, 3])
    def test_points_that_are_not_shown_as_such_are_not_acknowledged_silently(
        self, lms: Lms, students: int
    ) -> None:
        assignment = lms.create().lms_id
        with between(lms, answered=huge):
            try:
                changed = change(lms, assignment, lms.students[:students], grade_points=Decimal("17.25"))
            except Unavailable:
                return
        assert [it.warnings for it in changed] == [("SCORE_CHANGED_BY_LMS",)] * students

    @pytest.mark.parametrize("students", [1, 3])
    def test_points_that_only_the_answer_does_not_show_are_there(self, lms: Lms, students: int) -> None:
        assignment = lms.create().lms_id
        with between(lms, answered=lambda method, body: body if method == "GET" else huge(method, body)):
            changed = change(lms, assignment, lms.students[:students], grade_points=Decimal("17.25"))
        assert [(it.grade_points, it.warnings) for it in changed] == [(Decimal("17.25"), ())] * students

    @pytest.mark.parametrize("points", ["0", "0.1", "7.25", "13.333", "19.99999"])
    @pytest.mark.parametrize("students", [1, 3])
    def test_points_are_kept_exactly_or_shown_as_they_are_kept_with_a_warning(
        self, lms: Lms, points: str, students: int
    ) -> None:
        assignment, whom = lms.create().lms_id, lms.students[:students]
        for it in change(lms, assignment, whom, grade_points=Decimal(points)):
            kept = lms.read(assignment, it.student_id).grade_points
            assert it.grade_points == kept
            assert it.warnings == (() if kept == Decimal(points) else (SCORE_CHANGED,))
