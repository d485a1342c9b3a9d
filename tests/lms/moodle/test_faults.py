"""The connector to Moodle: errors with status 200, rights, and what checking a connection says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from passback.domain.submission import SubmissionFields
from passback.lms.interface import Gone, LmsError, NotAllowed, RefusedByLms, Unavailable
from passback.lms.moodle.api import SITE_INFO, _flat
from passback.lms.moodle.check import FUNCTIONS
from passback.testing.lms import ESSAY, Lms
from passback_simulators.moodle import errors, seed
from passback_simulators.reply import Reply, json_reply, text_reply
from passback_simulators.request import Request
from support.moodle import moodle, simulator


@pytest.fixture
def lms() -> Iterator[Lms]:
    with moodle() as served:
        yield served


def answering(lms: Lms, function: str, answer: Callable[[Request], Reply], times: int = 1_000) -> None:
    """Answer calls of a function so, the first `times` of them, without doing anything."""
    real, left = simulator(lms).answer, [times]

    async def spoilt(request: Request) -> Reply:
        if function not in simulator(lms).named(request)[1] or not left[0]:
            return await real(request)
        left[0] -= 1
        return answer(request)

    simulator(lms).answer = spoilt  # type: ignore[method-assign]


def error_of(act: Callable[[], Any]) -> LmsError:
    with pytest.raises(LmsError) as caught:
        act()
    return caught.value


CODES: dict[str, type[LmsError]] = {
    "invalidtoken": NotAllowed, "accessexception": NotAllowed, "nopermissions": NotAllowed,
    "nopermissiontoviewgrades": NotAllowed, "errorcoursecontextnotvalid": NotAllowed, "requireloginerror": NotAllowed,
    "invalidrecord": Gone, "invalidcoursemodule": Gone, "invalidrecordunknown": Gone, "unexistingcmid": Gone,
    "dmlwriteexception": Unavailable, "dmlreadexception": Unavailable, "sitemaintenance": Unavailable,
    "": Unavailable, "usernotconfirmed": NotAllowed, "sitepolicynotagreed": NotAllowed, "invalidparameter": RefusedByLms, "codingerror": RefusedByLms,
    "maximumchars": RefusedByLms, "Module assign does not support quick creation": RefusedByLms,
}  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_each_errorcode_is_an_error_of_its_own(lms: Lms, code: str) -> None:
    essay = lms.create().lms_id
    answering(lms, "mod_assign_save_grade", lambda _: errors.refused(code, "Nur auf Deutsch").reply)
    error = error_of(lambda: lms.grade(essay, grade_points=Decimal(1)))
    assert type(error) is CODES[code] or isinstance(error, CODES[code]), error
    refused = ("invalidtoken", "usernotconfirmed", "sitepolicynotagreed")
    assert getattr(error, "credentials", False) is (code in refused)
    assert "Deutsch" not in str(error)


@pytest.mark.parametrize("everything", [True, False])
def test_access_that_is_refused_to_everything_is_the_tokens_fault(lms: Lms, everything: bool) -> None:
    essay = lms.create().lms_id
    answering(lms, "" if everything else "mod_assign_save_grade", lambda _: errors.no_access().reply)
    error = error_of(lambda: lms.grade(essay, grade_points=Decimal(1)))
    assert isinstance(error, NotAllowed)
    assert error.credentials is everything
    assert ("Manage tokens" if everything else "External services") in str(error)


def test_an_error_of_php_is_a_failure(lms: Lms) -> None:
    essay = lms.create().lms_id
    broken = json_reply(200, {"exception": "TypeError", "message": "secret"})
    answering(lms, "mod_assign_save_grade", lambda _: broken)
    error = error_of(lambda: lms.grade(essay, grade_points=Decimal(1)))
    assert type(error) is Unavailable
    assert "secret" not in str(error)


@pytest.mark.parametrize("code", ["invalidparameter", "codingerror", "anything else"])
def test_a_read_is_never_refused(lms: Lms, code: str) -> None:
    essay = lms.create().lms_id
    answering(lms, "mod_assign_get_assignments", lambda _: errors.refused(code, "").reply)
    assert type(error_of(lambda: lms.assignment(essay))) is Unavailable


def test_an_unknown_function_is_no_assignment_that_is_gone(lms: Lms) -> None:
    essay = lms.create().lms_id
    missing = errors.no_record("external_functions").reply
    answering(lms, "mod_assign_save_grade", lambda _: missing)
    error = error_of(lambda: lms.grade(essay, grade_points=Decimal(1)))
    assert isinstance(error, NotAllowed)
    assert "mod_assign_save_grade: this Moodle has no such function" in str(error)


@pytest.mark.parametrize("body", ["[]", "{}", '"done"', "true", "<html>", ""])
def test_something_for_an_answer_of_nothing_is_useless(lms: Lms, body: str) -> None:
    essay = lms.create().lms_id
    answering(lms, "mod_assign_save_grade", lambda _: text_reply(200, body, "application/json"))
    assert isinstance(error_of(lambda: lms.grade(essay, grade_points=Decimal(1))), Unavailable)


@pytest.mark.parametrize("times", [1, 1000])
def test_a_site_in_maintenance_is_asked_again(lms: Lms, times: int) -> None:
    essay = lms.create().lms_id
    page = text_reply(503, "<!DOCTYPE html><h1>Maintenance</h1>", "text/html; charset=utf-8")
    answering(lms, "get_assignments", lambda _: page, times)
    if times == 1:
        assert lms.assignment(essay).title == ESSAY.title
    else:
        error = error_of(lambda: lms.assignment(essay))
        assert isinstance(error, Unavailable)
        assert error.retry_after


def test_a_site_that_redirects_to_another_host_gets_no_token(lms: Lms) -> None:
    elsewhere = Reply(303, b"", (("location", "http://elsewhere.example/"),))
    answering(lms, "", lambda _: elsewhere)
    assert isinstance(error_of(lms.create), Unavailable)


def test_a_course_whose_assignments_are_not_shown_is_not_gone(lms: Lms) -> None:
    empty = json_reply(
        200, {"courses": [], "warnings": [{"item": "course", "itemid": 407, "warningcode": "1"}]}
    )
    answering(lms, "mod_assign_get_assignments", lambda _: empty)
    assert isinstance(error_of(lms.create), NotAllowed)


def test_the_token_is_in_no_address(lms: Lms) -> None:
    seen: list[str] = []
    real = simulator(lms).answer

    async def watching(request: Request) -> Reply:
        seen.append(f"{request.method} {request.path}?{request.query_string}")
        return await real(request)

    simulator(lms).answer = watching  # type: ignore[method-assign]
    lms.create()
    assert {*seen} == {"POST /webservice/rest/server.php?"}


def test_a_grade_that_is_done_though_its_answer_is_lost_is_not_doubled(lms: Lms) -> None:
    essay = lms.create().lms_id
    lms.served.fail("dropped-after", path="mod_assign_save_grade")
    assert lms.grade(essay, grade_points=Decimal(7)).grade_points == 7


def test_an_override_in_a_list_is_told_of_the_one_only(lms: Lms) -> None:
    essay = lms.create().lms_id
    simulator(lms).ui_override(int(essay), int(lms.students[1]), 3.0)
    many = [(student, SubmissionFields(grade_points=Decimal(6))) for student in lms.students[:5]]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, essay, many))
    assert [type(it) is RefusedByLms for it in outcomes] == [False, True, False, False, False]


def test_parameters_are_written_as_php_reads_them() -> None:
    given = {"a": [{"b": True, "c": Decimal("1E+2")}, {"b": False}], "d": "x y"}
    assert [*_flat(given)] == [("a[0][b]", "1"), ("a[0][c]", "100"), ("a[1][b]", "0"), ("d", "x y")]


# Checking a connection.


def findings(lms: Lms) -> dict[bool, list[str]]:
    found: dict[bool, list[str]] = {True: [], False: []}
    for finding in lms.run(lms.connector.check()):
        found[finding.good].append(f"{finding.what} ({finding.remedy})")
    return found


@pytest.mark.parametrize("function", sorted({it for needed in FUNCTIONS.values() for it in needed}))
def test_a_function_that_the_service_lacks_is_named(lms: Lms, function: str) -> None:
    known = lms.run(_functions(lms))
    token = simulator(lms).records.get("tokens", seed.TOKEN)
    assert token is not None
    token["functions"] = [it for it in known if it != function]
    assert any(function in it for it in findings(lms)[False])


async def _functions(lms: Lms) -> list[str]:
    from passback_simulators.moodle.app import FUNCTIONS

    return [*FUNCTIONS]


@pytest.mark.parametrize(
    "capability",
    ["moodle/course:view", "moodle/course:update", "moodle/course:viewparticipants", "moodle/grade:viewall",
     "moodle/course:viewhiddenactivities"],
)  # fmt: skip
def test_a_capability_that_the_role_lacks_is_named(lms: Lms, capability: str) -> None:
    lms.set(capabilities=[it for it in seed.CAPABILITIES if it != capability])
    assert any(capability in it for it in findings(lms)[False])


def test_a_token_that_is_refused_is_said(lms: Lms) -> None:
    with lms.another({"token": "0" * 32}) as other:
        [finding] = lms.run(other.check())
    assert (finding.good, "refuses the token" in finding.what) == (False, True)
    assert SITE_INFO in finding.what


def test_an_address_that_is_no_moodle_is_said(lms: Lms) -> None:
    answering(lms, "", lambda _: text_reply(404, "<!DOCTYPE html>", "text/html"))
    [finding] = lms.run(lms.connector.check())
    assert (finding.good, "cannot be reached" in finding.what) == (False, True)


def test_what_is_checked_is_in_the_answer_as_it_is(lms: Lms) -> None:
    good = findings(lms)[True]
    assert any("4.5.6" in it for it in good)
    assert any("templates to copy in 2 of 3 courses" in it for it in good)
    assert json.dumps(good).count(seed.TOKEN) == 0


# People.


def test_people_are_read_with_their_numbers_and_without_the_suspended(lms: Lms) -> None:
    people = lms.run(lms.connector.read_people(lms.section))
    assert len(people) == 31
    [first] = [it for it in people if it.id == lms.students[0]]
    assert (first.sis_id, first.email, first.name) == (
        "student-001001", "ada.abbott@district-3d.example", "Ada Abbott",
    )  # fmt: skip


def test_courses_are_sections_without_the_front_page(lms: Lms) -> None:
    assert [(it.id, it.name, it.sis_id) for it in lms.places()] == [
        ("407", "Algebra 1", "section-7"), ("408", "Biology", "section-8"), ("409", "Study Hall", None),
    ]  # fmt: skip
    found = lms.run(lms.connector.find_section(lms.section))
    assert found is not None
    assert (found[0], found[1]) == (lms.run(lms.connector.read_courses())[0], lms.places()[0])
    assert lms.run(lms.connector.find_section("999")) is None
