"""The connector to Google Classroom: what it believes of answers that are odd once, and what it asks again."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from passback.domain.assignment import AssignmentFields
from passback.domain.submission import SubmissionFields
from passback.lms.google_classroom import errors
from passback.lms.http.reply import Reply as LmsReply
from passback.lms.interface import Gone, LmsError, RefusedByLms, Unavailable
from passback.lms.verified import Verified
from passback.testing.lms import ESSAY, LINK, Lms, try_of
from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from support.google import google, record, said, simulator
from support.sandbox import NOW

FORBIDDEN = Reply(403, said("PERMISSION_DENIED", "The caller does not have permission"))
UNAUTHENTICATED = Reply(401, said("UNAUTHENTICATED", "Request had invalid authentication credentials."))
NOT_FOUND = Reply(404, said("NOT_FOUND", "Requested entity was not found."))
INVALID = Reply(400, said("INVALID_ARGUMENT", "Request contains an invalid argument."))


@pytest.fixture
def lms() -> Iterator[Lms]:
    with google() as served:
        yield served


@contextlib.contextmanager
def answering(
    lms: Lms,
    pattern: str,
    answer: Reply | Callable[[Any, Request], Any],
    times: int = 1,
) -> Iterator[list[str]]:
    """Have the next requests whose method and path match answered otherwise; yields those that were."""
    served = simulator(lms)
    real, spoilt = served.answer, list[str]()

    async def spoil(request: Request) -> Any:
        asked = f"{request.method} {request.path}"
        if len(spoilt) >= times or not re.search(pattern, asked):
            return await real(request)
        spoilt.append(asked)
        return answer if isinstance(answer, Reply) else await answer(real, request)

    served.answer = spoil  # type: ignore[method-assign]
    try:
        yield spoilt
    finally:
        served.answer = real  # type: ignore[method-assign]


@pytest.fixture
def believed(lms: Lms) -> Verified:
    """The connector as the registry opens it."""
    assert lms.connection is not None
    return Verified(lms.connector, lms.connection.timer)


def grade(lms: Lms, connector: Verified, assignment: str, **fields: Any) -> Any:
    change = SubmissionFields(**fields)
    return lms.run(connector.update_submission(lms.section, assignment, lms.students[0], change))


# Denials and 404s that come once.


@pytest.mark.parametrize("denial", [FORBIDDEN, UNAUTHENTICATED, NOT_FOUND], ids=["403", "401", "404"])
def test_a_grade_that_is_denied_once_is_given(lms: Lms, believed: Verified, denial: Reply) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(1))
    with answering(lms, "^PATCH ", denial, times=2 if denial is UNAUTHENTICATED else 1) as denied:
        assert grade(lms, believed, assignment, grade_points=Decimal(5)).grade_points == 5
    assert denied


@pytest.mark.parametrize("action", ["modifyAttachments", "turnIn"])
@pytest.mark.parametrize("denial", [FORBIDDEN, UNAUTHENTICATED], ids=["403", "401"])
def test_work_that_is_denied_once_is_handed_in(lms: Lms, action: str, denial: Reply) -> None:
    assignment = lms.create().lms_id
    with answering(lms, f":{action}$", denial):
        held = lms.grade(assignment, state="submitted", attachments=(LINK,))
    assert (held.state, [it.url for it in held.attachments]) == ("submitted", [LINK.url])


def test_a_create_that_is_denied_once_is_made_once(lms: Lms) -> None:
    async def deny_after(real: Any, request: Request) -> Reply:
        await real(request)
        return FORBIDDEN

    async def refuse_after(real: Any, request: Request) -> Reply:
        await real(request)
        return UNAUTHENTICATED

    for answer in (FORBIDDEN, deny_after, UNAUTHENTICATED, refuse_after):
        with answering(lms, "^POST .*/courseWork$", answer) as denied:
            made = lms.create().lms_id
        assert (len(denied), record(lms, made)["state"]) == (1, "PUBLISHED")
    assert len(simulator(lms).records.all("course_work")) == 4


def test_one_of_a_few_students_who_is_not_found_once_is_read_all_the_same(lms: Lms) -> None:
    assignment, students = lms.create().lms_id, lms.students[:3]
    for answer in (NOT_FOUND, json_reply(200, {})):
        with answering(lms, "^GET .*/studentSubmissions$", answer) as spoilt:
            found = lms.run(lms.connector.read_submissions(lms.section, assignment, students))
        assert (list(found), len(spoilt)) == (students, 1)


@pytest.mark.parametrize(("count", "answer"), [(1, NOT_FOUND), (5, json_reply(200, {}))], ids=["one", "many"])
def test_assignments_that_are_not_found_once_are_not_gone(lms: Lms, count: int, answer: Reply) -> None:
    made = [lms.create(title=f"Essay {number}").lms_id for number in range(count)]
    with answering(lms, "^GET .*/courseWork", answer) as spoilt:
        assert list(lms.run(lms.connector.read_assignments(lms.section, made))) == made
    assert spoilt


def test_it_is_the_course_that_is_gone_if_it_is(lms: Lms) -> None:
    with pytest.raises(Gone) as caught:
        lms.run(lms.connector.read_assignments(lms.nowhere, ["1"]))
    assert caught.value.thing == "section"


def test_nobody_is_missing_because_a_list_came_empty_once(lms: Lms) -> None:
    before = lms.run(lms.connector.read_people(lms.section))
    for people in ("students", "teachers"):
        with answering(lms, f"/{people}$", json_reply(200, {})):
            assert lms.run(lms.connector.read_people(lms.section)) == before
    courses = lms.run(lms.connector.read_courses())
    with answering(lms, "/courses$", json_reply(200, {})):
        assert lms.run(lms.connector.read_courses()) == courses


@pytest.mark.parametrize(
    ("body", "own"),
    [
        (said("NOT_FOUND", "Requested entity was not found."), True),
        (b'{"error":{"errors":[{"reason":"x"}]}}', True),
        (b'{"message":"Forbidden"}', False),
        (b'{"error":"blocked"}', False),
        (b'{"incident":"8f2"}', False),
        (b"<html>Not found</html>", False),
        (b"", False),
    ],
)
def test_only_what_has_googles_form_is_googles_word(body: bytes, own: bool) -> None:
    assert errors.is_own(LmsReply(404, {}, body)) is own


# Answers that show something else than was done.


@pytest.mark.parametrize(
    "odd", [{}, {"error": "try again later"}, {"id": "1", "userId": "2", "assignedGrade": 5}]
)
@pytest.mark.parametrize("fields", [{"grade_points": Decimal(5)}, {"grade": ""}], ids=["given", "taken"])
def test_a_grade_is_what_the_submission_shows(
    lms: Lms, believed: Verified, odd: dict[str, Any], fields: dict[str, Any]
) -> None:
    assignment = lms.create().lms_id
    lms.grade(assignment, grade_points=Decimal(3))
    with answering(lms, "^PATCH ", json_reply(200, odd)) as spoilt:
        held = grade(lms, believed, assignment, **fields)
    assert len(spoilt) == 1
    assert held.grade_points == lms.read(assignment).grade_points == fields.get("grade_points")


def sending(**fields: Any) -> Callable[[Any, Request], Any]:
    """Have Classroom keep these fields instead of what it is sent."""

    async def change(real: Any, request: Request) -> Any:
        content = json.loads(request.body) | fields
        return await real(replace(request, body=json.dumps(content).encode()))

    return change


def test_another_grade_or_title_than_was_sent_is_shown_with_a_warning(lms: Lms, believed: Verified) -> None:
    assignment = lms.create().lms_id
    with answering(lms, "^PATCH ", sending(draftGrade=15, assignedGrade=15), times=9):
        held = grade(lms, believed, assignment, grade_points=Decimal(17))
    assert (held.grade_points, held.warnings) == (15, ("SCORE_CHANGED_BY_LMS",))
    with answering(lms, "^PATCH ", sending(title="Ess"), times=9):
        change = AssignmentFields(title="Essay 2")
        changed = lms.run(believed.update_assignment(lms.section, assignment, change))
    assert (changed.title, changed.warnings) == ("Ess", ("CHANGED_BY_LMS:title",))


def test_words_that_classroom_has_not_taken_are_not_shown(lms: Lms) -> None:
    assignment = lms.create().lms_id

    with answering(lms, "^PATCH ", sending(description="Two pages")):
        changed = lms.change(assignment, title="Other", description="<b>Three</b> pages")
    assert (changed.title, changed.description) == ("Other", "Two pages")


def test_attachments_that_are_not_attached_are_not_turned_in(lms: Lms) -> None:
    assignment = lms.create().lms_id
    with answering(lms, ":modifyAttachments$", json_reply(200, {})), pytest.raises(Unavailable) as caught:
        lms.grade(assignment, state="submitted", attachments=(LINK,))
    assert (caught.value.in_doubt, lms.read(assignment).state) == (True, "created")
    assert lms.grade(assignment, state="submitted", attachments=(LINK,)).state == "submitted"


def test_what_is_kept_of_an_assignment_stays_until_it_is_deleted(lms: Lms, believed: Verified) -> None:
    assignment = lms.create(max_attempts=3).lms_id
    with answering(lms, "^DELETE ", json_reply(200, {})), pytest.raises(Unavailable):
        lms.run(believed.delete_assignment(lms.section, assignment))
    assert lms.assignment(assignment).max_attempts == 3


# The second step of a create.


@pytest.mark.parametrize(
    ("answer", "times"),
    [(NOT_FOUND, 2), (INVALID, 1), (json_reply(200, {}), 1)],
    ids=["not visible yet", "refused once", "no answer"],
)
def test_what_was_created_becomes_visible_whatever_comes_once(lms: Lms, answer: Reply, times: int) -> None:
    with answering(lms, "^PATCH ", answer, times) as spoilt:
        made = lms.create()
    assert (len(spoilt), made.published, record(lms, made.lms_id)["state"]) == (times, True, "PUBLISHED")
    assert len(simulator(lms).records.all("course_work")) == 1


def test_what_became_visible_though_that_was_refused_is_kept(lms: Lms) -> None:
    async def refuse_after(real: Any, request: Request) -> Reply:
        await real(request)
        return INVALID

    with answering(lms, "^PATCH ", refuse_after) as spoilt:
        made = lms.create()
    assert (len(spoilt), record(lms, made.lms_id)["state"]) == (1, "PUBLISHED")


def test_a_draft_that_cannot_become_visible_is_deleted(lms: Lms) -> None:
    with answering(lms, "^PATCH ", INVALID, times=9), pytest.raises(RefusedByLms):
        lms.create()
    assert not simulator(lms).records.all("course_work")
    assert set(lms.notes.kept) <= {"project"}


def test_what_is_not_visible_yet_is_not_made_again(lms: Lms) -> None:
    with answering(lms, "^PATCH |^GET .*/courseWork", NOT_FOUND, times=99):
        with pytest.raises(Unavailable) as caught:
            lms.run(lms.connector.create_assignment(lms.section, ESSAY, "mark"))
        assert caught.value.in_doubt
        with pytest.raises(Unavailable) as caught:
            lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of("mark", NOW)))
        assert caught.value.in_doubt
    found = lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of("mark", NOW)))
    assert found is not None
    assert record(lms, found.lms_id)["state"] == "PUBLISHED"


# What is remembered.


def test_what_is_refused_by_memory_is_looked_at_again(lms: Lms) -> None:
    assignment = lms.create(points_possible=None).lms_id
    with pytest.raises(RefusedByLms, match="NOT_GRADED"):
        lms.grade(assignment, grade_points=Decimal(5))
    record(lms, assignment)["max_points"] = 20
    assert lms.grade(assignment, grade_points=Decimal(5)).grade_points == 5


# Pages.


@pytest.mark.parametrize("pages", [{"students": []}, {}], ids=["a list", "nothing"])
def test_a_list_of_empty_pages_without_an_end_is_an_error_after_few_requests(
    lms: Lms, pages: dict[str, Any]
) -> None:
    count = iter(range(1000))

    async def endless(real: Any, request: Request) -> Reply:
        return json_reply(200, {**pages, "nextPageToken": f"token {next(count)}"})

    with (
        answering(lms, "/students$", endless, times=1000) as asked,
        pytest.raises(LmsError, match="has no end"),
    ):
        lms.run(lms.connector.read_people(lms.section))
    assert len(asked) <= 5
