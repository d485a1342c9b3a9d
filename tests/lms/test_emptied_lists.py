"""What no list shows, because something before the LMS empties them all, is neither gone nor unmatched nor made again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine, Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from uuid_utils import uuid7

from lms.conftest import LMSS
from passback.domain.roster import Role
from passback.domain.submission import SubmissionFields
from passback.lms.interface import Connector, Gone, ListsDecide, Unavailable
from passback.lms.verified import Verified
from passback.testing.lms import ESSAY, Lms, try_of
from support.canvas import simulator
from support.lists import changed_lists, emptied, with_items
from support.sandbox import NOW


@pytest.fixture(params=["canvas", "google", "lti", "moodle"])
def lms(request: pytest.FixtureRequest) -> Iterator[Lms]:
    with LMSS[request.param]() as served:
        yield served


@pytest.fixture(params=["canvas", "google"])
def asked(request: pytest.FixtureRequest) -> Iterator[Lms]:
    """An LMS that shows persons and sections without lists."""
    with LMSS[request.param]() as served:
        yield served


@contextlib.contextmanager
def changed(lms: Lms, change: Callable[[Any], Any] = emptied) -> Iterator[Verified]:
    """A new connector to an LMS whose lists are changed on the way."""
    assert lms.connection is not None
    with lms.another() as connector, changed_lists(lms.served, change):
        yield Verified(connector, lms.connection.timer)


Act = Callable[[Lms, Connector, str], Coroutine[Any, Any, Any]]

ACTS: dict[str, Act] = {
    "create": lambda lms, it, _: it.create_assignment(lms.section, ESSAY, str(uuid7())),
    "read": lambda lms, it, essay: it.read_assignment(lms.section, essay),
    "change": lambda lms, it, essay: it.update_assignment(lms.section, essay, replace(ESSAY, title="Other")),
    "delete": lambda lms, it, essay: it.delete_assignment(lms.section, essay),
    "grade": lambda lms, it, essay: it.update_submission(
        lms.section, essay, lms.students[0], SubmissionFields(grade_points=Decimal(3), grader_id=lms.teacher)
    ),
    "bulk": lambda lms, it, essay: it.update_submissions(
        lms.section,
        essay,
        [(student, SubmissionFields(grade_points=Decimal(3))) for student in lms.students],
    ),
    "people": lambda lms, it, _: it.read_people(lms.section),
}


@pytest.mark.parametrize("act", ACTS)
def test_nothing_is_gone(lms: Lms, act: str) -> None:
    essay = lms.create().lms_id
    if act == "people" and isinstance(lms.connector, ListsDecide):
        return  # a new course has nobody; `has_person` says what is to be thought of it
    with changed(lms) as connector:
        try:
            outcome: Any = lms.run(ACTS[act](lms, connector, essay))
        except Unavailable:
            return
    assert act != "people"
    assert not [it for it in (outcome if act == "bulk" else []) if isinstance(it, Gone)]


def test_a_class_is_not_without_work(lms: Lms) -> None:
    essay = lms.create().lms_id
    with changed(lms) as connector, pytest.raises(Unavailable):
        lms.run(connector.read_submissions(lms.section, essay, lms.students))


def test_a_lost_create_is_not_found_missing(lms: Lms) -> None:
    known, mark = [lms.create().lms_id for _ in range(4)], str(uuid7())
    lms.served.fail("dropped-after", **lms.creates)
    fields = replace(ESSAY, title="Lost")
    with pytest.raises(Unavailable):
        lms.run(lms.connector.create_assignment(lms.section, fields, mark))
    with changed(lms) as connector, pytest.raises(Unavailable):
        lms.run(connector.find_assignment(lms.section, fields, try_of(mark, NOW, known)))


def test_a_list_of_sections_that_is_cut_gives_an_assignment_to_no_other_section() -> None:
    with LMSS["canvas"]() as canvas:
        own, other = (it.partition("/")[2] for it in (canvas.section, canvas.other_section))

        def without_other(content: Any) -> Any:
            return [it for it in content if it["id"] == own] if isinstance(content, list) else content

        simulator(canvas).ui_cross_list(other, "107")
        with changed(canvas, without_other) as connector:
            made = canvas.run(connector.create_assignment(canvas.section, ESSAY, str(uuid7())))
        record = simulator(canvas).records.get("assignments", made.lms_id) or {}
        assert record["only_visible_to_overrides"] is True


def test_who_is_in_a_section_is_there_without_a_list(asked: Lms) -> None:
    lms = asked
    student = lms.students[0]
    people: list[tuple[str, Role, str]] = [
        (lms.section, "student", student),
        (lms.section, "teacher", lms.teacher),
        (lms.section, "teacher", student),
        (lms.section, "student", lms.other_student),
        (lms.nowhere, "student", student),
    ]
    with changed(lms) as connector:
        found = [lms.run(connector.has_person(*it)) for it in people]
        lms.unenroll(student)
        left = lms.run(connector.has_person(lms.section, "student", student))
    assert (found, left) == ([True, True, False, False, False], False)


@pytest.mark.parametrize("name", ["lti", "moodle"])
def test_nobody_is_found_missing_if_a_list_has_nobody(name: str) -> None:
    with LMSS[name]() as lms:
        student = lms.students[0]
        with changed(lms) as connector, pytest.raises(Unavailable):
            lms.run(connector.has_person(lms.section, "student", student))
        assert lms.run(lms.connector.has_person(lms.section, "student", student))
        assert not lms.run(lms.connector.has_person(lms.section, "teacher", student))
        lms.unenroll(student)
        assert not lms.run(lms.connector.has_person(lms.section, "student", student))


def test_a_section_is_there_without_a_list(asked: Lms) -> None:
    lms = asked
    with changed(lms) as connector:
        found = lms.run(connector.find_section(lms.section))
        assert lms.run(connector.find_section(lms.nowhere)) is None
    assert found is not None
    course, section = found
    assert course in lms.run(lms.connector.read_courses())
    assert (section.id, section.name) in {(it.id, it.name) for it in lms.places()}


@pytest.mark.parametrize("name", ["canvas", "schoology"])
def test_addresses_that_a_list_of_users_lacks_are_asked_for(name: str) -> None:
    with LMSS[name]() as lms:
        users = lms.served.simulator.records
        for user in users.all("users") if name == "canvas" else ():
            users.put("users", user["id"], {**user, "login_id": f"login-{user['id']}"})

        def without_first(content: Any) -> Any:
            return with_items(
                content, lambda items: [it for it in items if str(it.get("id")) != lms.students[0]]
            )

        before = {it.id: it.email for it in lms.run(lms.connector.read_people(lms.section))}
        with changed(lms, without_first) as connector:
            after = {it.id: it.email for it in lms.run(connector.read_people(lms.section))}
    assert after == before
