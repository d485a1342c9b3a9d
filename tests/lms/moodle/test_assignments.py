"""The connector to Moodle: assignments, which are copies of templates."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from uuid_utils import uuid7

from passback.domain.clock import DAY, HOUR
from passback.lms.interface import Gone, RefusedByLms, Unavailable, Unsupported
from passback.testing.lms import ESSAY, Lms, try_of
from passback_simulators.moodle import seed
from support.moodle import moodle, record, simulator
from support.sandbox import NOW

NOT_STORED_DUE = ("NOT_STORED_BY_LMS:due_date",)


@pytest.fixture
def lms() -> Iterator[Lms]:
    with moodle() as served:
        yield served


def course(lms: Lms) -> int:
    return int(lms.section)


def remove_templates(lms: Lms, but: int | None = None) -> None:
    for assign in simulator(lms).assigns_of(course(lms)):
        if assign["grade"] != but:
            simulator(lms).ui_delete_assignment(assign["id"])


def names(lms: Lms) -> list[str]:
    """The names of the assignments of the course, without the templates'."""
    found = [str(it["name"]) for it in simulator(lms).assigns_of(course(lms))]
    return [name for name in found if name != seed.TEMPLATE]


def refused(lms: Lms, **changes: Any) -> str:
    with pytest.raises((RefusedByLms, Unsupported)) as caught:
        lms.create(**changes)
    assert names(lms) == []
    return str(caught.value)


# Templates.


def test_an_assignment_is_a_copy_of_the_template_with_its_points(lms: Lms) -> None:
    created = lms.create(points_possible=Decimal(5))
    held = record(lms, created.lms_id)
    cm = simulator(lms).cm(held["cmid"])
    assert cm is not None
    assert (held["name"], held["grade"], cm["visible"], names(lms)) == ("Essay", 5, 1, ["Essay"])


def test_without_points_it_has_those_of_the_first_template(lms: Lms) -> None:
    assert lms.create(points_possible=None).points_possible == seed.TEMPLATE_POINTS[0]


def test_other_points_than_the_templates_have_are_refused(lms: Lms) -> None:
    reason = refused(lms, points_possible=Decimal(37))
    assert reason.startswith("INVALID_POINTS: ")
    assert "[1 5 10 20 25 30 50 100]" in reason


def test_a_course_without_template_is_refused(lms: Lms) -> None:
    remove_templates(lms)
    assert "NO_TEMPLATE" in refused(lms)


def test_a_connection_without_template_makes_nothing() -> None:
    with moodle(template="") as lms:
        assert "does not support creating assignments" in refused(lms)
        assert [it.good for it in lms.run(lms.connector.check())].count(False) == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"assignee_mode": "individuals", "assignee_ids": ("201001",)}, "does not support assignee_mode"),
        ({"title": "x" * 256}, "INVALID_TITLE"),
        ({"due_date": -1}, "INVALID_DUE_DATE"),
    ],
)
def test_what_moodle_cannot_do_is_refused_before_anything_is_made(
    lms: Lms, changes: dict[str, Any], reason: str
) -> None:
    assert reason in refused(lms, **changes)


@pytest.mark.parametrize("setting", ["allowsubmissionsfromdate", "cutoffdate"])
def test_a_due_date_outside_the_templates_other_dates_is_refused(lms: Lms, setting: str) -> None:
    date = NOW // 1000 + (8 * 86_400 if setting == "allowsubmissionsfromdate" else 86_400)
    for assign in simulator(lms).assigns_of(course(lms)):
        simulator(lms).ui_change_assignment(assign["id"], **{setting: date})
    assert "INVALID_DUE_DATE" in refused(lms)


def test_a_copy_is_deleted_if_moodle_refuses_its_due_date(lms: Lms) -> None:
    # Another date than the connector saw: changed meanwhile.
    real = simulator(lms).answer

    async def closing(request: Any) -> Any:
        reply = await real(request)
        if simulator(lms).named(request)[1].endswith("cm_duplicate"):
            copy = simulator(lms).assigns_of(course(lms))[-1]
            simulator(lms).ui_change_assignment(copy["id"], cutoffdate=NOW // 1000 + 8 * 86_400)
        return reply

    simulator(lms).answer = closing  # type: ignore[method-assign]
    assert "INVALID_DUE_DATE" in refused(lms, due_date=NOW + 30 * DAY)
    assert not [key for key in lms.notes.kept if key.startswith(("made/", "assignment/"))]


# Due dates.


@pytest.mark.parametrize(
    ("later", "warnings"), [(9 * DAY, ()), (9 * DAY + 123, ()), (9 * DAY + HOUR, NOT_STORED_DUE)]
)
def test_a_due_date_comes_back_as_it_was_sent(lms: Lms, later: int, warnings: tuple[str, ...]) -> None:
    simulator(lms).ui_change_assignment(5032, duedate=NOW // 1000)  # the template with 20 points
    [event] = [it for it in simulator(lms).records.all("events") if it["assign"] == 5032]
    event["timestart"] = NOW // 1000
    created = lms.create(due_date=NOW + later)
    read = lms.assignment(created.lms_id)
    assert (read, created.due_date, created.warnings) == (created, NOW + later, warnings)
    assert record(lms, created.lms_id)["duedate"] == NOW // 1000 + 9 * 86_400


def test_a_due_date_is_set_even_if_the_calendar_has_nothing_hidden(lms: Lms) -> None:
    lms.set(events_of_hidden=False)
    created = lms.create(due_date=NOW + 30 * DAY)
    assert abs(record(lms, created.lms_id)["duedate"] * 1000 - NOW - 30 * DAY) < DAY


def test_what_is_never_due_stays_so_in_moodle(lms: Lms) -> None:
    remove_templates(lms)
    simulator(lms).ui_create_assignment(course(lms), seed.TEMPLATE, grade=20, visible=0)
    created = lms.create()
    assert (created.due_date, created.warnings) == (ESSAY.due_date, NOT_STORED_DUE)
    assert record(lms, created.lms_id)["duedate"] == 0


def test_a_due_date_that_the_teacher_changes_is_read(lms: Lms) -> None:
    created = lms.create()
    simulator(lms).ui_change_assignment(int(created.lms_id), duedate=NOW // 1000 + 99)
    read = lms.assignment(created.lms_id)
    assert (read.due_date, read.warnings) == (NOW + 99_000, ())


# Changes.


def test_what_the_web_services_cannot_set_is_kept(lms: Lms) -> None:
    created = lms.create()
    changed = lms.change(created.lms_id, title="Second", description="New", max_attempts=2, display_date=NOW)
    assert (changed.title, changed.description, changed.max_attempts, changed.display_date) == (
        "Second", "New", 2, NOW,
    )  # fmt: skip
    held = record(lms, created.lms_id)
    assert (held["name"], held["intro"], held["maxattempts"]) == ("Second", "", -1)


def test_the_points_that_there_are_may_be_said_again(lms: Lms) -> None:
    created = lms.create()
    assert lms.change(created.lms_id, points_possible=Decimal(20)).points_possible == 20


def test_a_hidden_assignment_is_a_draft(lms: Lms) -> None:
    created = lms.create()
    simulator(lms).ui_change_assignment(int(created.lms_id), visible=0)
    assert lms.assignment(created.lms_id).published is False
    several = [created.lms_id, *(lms.create().lms_id for _ in range(3))]
    found = lms.run(lms.connector.read_assignments(lms.section, several))
    assert [found[it].published for it in several] == [False, True, True, True]


def test_an_assignment_that_the_teacher_made_is_read(lms: Lms) -> None:
    plugins = {"onlinetext": True, "file": False, "comments": True}
    made = simulator(lms).ui_create_assignment(
        course(lms), "Quiz", grade=0, intro="<p>Read</p>", maxattempts=2, plugins=plugins
    )
    read = lms.assignment(str(made))
    assert (read.title, read.description_plaintext, read.points_possible, read.max_attempts, read.due_date) == (
        "Quiz", "Read", Decimal(0), 2, None,
    )  # fmt: skip
    assert read.submission_types == ("text",)


def test_a_deletion_leaves_nothing_to_look_for(lms: Lms) -> None:
    mark = str(uuid7())
    made = lms.run(lms.connector.create_assignment(lms.section, ESSAY, mark))
    lms.run(lms.connector.delete_assignment(lms.section, made.lms_id))
    assert lms.notes.kept == {}
    assert lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of(mark, NOW))) is None


# Creates whose answers are lost.


@pytest.mark.parametrize(
    "step", ["cm_duplicate", "mod_assign_get_assignments", "inplace_editable", "start_day", "cm_show"]
)
@pytest.mark.parametrize("fault", ["error-before", "error-after"])
def test_a_create_that_stops_at_any_step_is_made_once(lms: Lms, step: str, fault: str) -> None:
    fields, mark = ESSAY, str(uuid7())
    lms.served.fail(fault, path=step, times=None)
    with pytest.raises(Unavailable):
        lms.run(lms.connector.create_assignment(lms.section, fields, mark))
    lms.served.control("DELETE", "faults")
    with lms.another() as fresh:  # the first may be resting now
        found = lms.run(fresh.find_assignment(lms.section, fields, try_of(mark, NOW)))
        if found is None:
            lms.run(fresh.create_assignment(lms.section, fields, mark))
    assert names(lms) == ["Essay"]


def test_creates_at_the_same_time_take_a_copy_each(lms: Lms) -> None:
    async def create() -> list[Any]:
        made = [lms.connector.create_assignment(lms.section, ESSAY, str(uuid7())) for _ in range(5)]
        return await asyncio.gather(*made)

    made = lms.run(create())
    assert len({it.lms_id for it in made}) == 5
    assert names(lms) == ["Essay"] * 5


def test_creates_of_two_processes_never_take_the_same_copy(lms: Lms) -> None:
    marks = [str(uuid7()) for _ in range(6)]

    async def create(connectors: list[Any]) -> list[Any]:
        made = [
            connectors[at % 2].create_assignment(lms.section, ESSAY, mark) for at, mark in enumerate(marks)
        ]
        return await asyncio.gather(*made, return_exceptions=True)

    with lms.another() as other:
        made = lms.run(create([lms.connector, other]))
        assert all(not isinstance(it, Unavailable) or it.in_doubt for it in made)
        for mark, one in zip(marks, made, strict=True):
            if isinstance(one, BaseException):
                assert lms.run(other.find_assignment(lms.section, ESSAY, try_of(mark, NOW))) is not None
    ids = [it["assignment"] for key, it in lms.notes.kept.items() if key.startswith("made/")]
    assert len({*ids}) == len(marks)
    assert names(lms) == ["Essay"] * len(marks)


def test_lost_creates_that_are_looked_for_at_once_never_take_the_same_copy(
    lms: Lms, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = [str(uuid7()), str(uuid7())]
    lms.served.fail("error-after", path="cm_duplicate", times=None)
    for mark in marks:
        with pytest.raises(Unavailable):
            lms.run(lms.connector.create_assignment(lms.section, ESSAY, mark))
    lms.served.control("DELETE", "faults")
    read = lms.notes.read

    async def look(connectors: list[Any]) -> list[Any]:
        both = asyncio.Barrier(2)

        async def read_together(keys: Sequence[str]) -> Any:
            """Let neither claim a copy before both have seen which are unclaimed."""
            found = await read(keys)
            if len(keys) > 1 and not any(key.startswith("made/") for key in keys):
                await both.wait()
            return found

        monkeypatch.setattr(lms.notes, "read", read_together)
        looks = [
            connector.find_assignment(lms.section, ESSAY, try_of(mark, NOW))
            for connector, mark in zip(connectors, marks, strict=True)
        ]
        found = await asyncio.gather(*looks, return_exceptions=True)
        monkeypatch.setattr(lms.notes, "read", read)
        return found

    with lms.another() as one, lms.another() as other:
        found = lms.run(look([one, other]))
        assert sum(isinstance(it, Unavailable) and it.in_doubt for it in found) == 1
        for mark, it in zip(marks, found, strict=True):
            if isinstance(it, Unavailable):
                assert lms.run(other.find_assignment(lms.section, ESSAY, try_of(mark, NOW))) is not None
    assert len({it["assignment"] for key, it in lms.notes.kept.items() if key.startswith("made/")}) == 2


def test_a_copy_in_another_language_is_found(lms: Lms) -> None:
    lms.served.fail("error-after", **lms.creates)
    mark = str(uuid7())
    with pytest.raises(Unavailable):
        lms.run(lms.connector.create_assignment(lms.section, ESSAY, mark))
    copy = simulator(lms).assigns_of(course(lms))[-1]
    simulator(lms).ui_change_assignment(copy["id"], name=f"{seed.TEMPLATE} (Kopie)")
    found = lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of(mark, NOW)))
    assert found is not None
    assert found.lms_id == str(copy["id"])


def test_a_course_that_the_user_may_not_see_is_no_course_that_is_gone(lms: Lms) -> None:
    lms.set(capabilities=[it for it in seed.CAPABILITIES if it != "moodle/course:view"])
    with pytest.raises((Gone, Unavailable)) as caught:
        lms.create()
    assert isinstance(caught.value, Gone)  # Moodle does not tell it from one that there is not
