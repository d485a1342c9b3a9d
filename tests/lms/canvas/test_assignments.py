"""The connector to Canvas: assignments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.clock import DAY, HOUR
from passback.lms.interface import Gone, RefusedByLms, Unavailable, Unsupported
from passback_simulators.canvas.seed import COURSE_STANDARD
from support.canvas import canvas, simulator
from support.lms import ESSAY, Lms
from support.sandbox import NOW


@pytest.fixture
def lms() -> Iterator[Lms]:
    with canvas() as served:
        yield served


# Assignments.


def test_a_section_of_a_course_with_several_is_given_an_override(lms: Lms) -> None:
    created = lms.create(lms.other_section)
    record = simulator(lms).records.get("assignments", created.lms_id) or {}
    section = lms.other_section.partition("/")[2]
    assert (record["only_visible_to_overrides"], [it["course_section_id"] for it in record["overrides"]]) == (
        True, [int(section)],
    )  # fmt: skip
    assert (created.due_date, created.assignee_mode, record["due_at"]) == (NOW + 7 * DAY, "all", None)


def test_a_changed_due_date_does_not_give_it_to_everyone(lms: Lms) -> None:
    created = lms.create(assignee_mode="individuals", assignee_ids=tuple(lms.students[:2]))
    changed = lms.change(created.lms_id, due_date=NOW + 9 * DAY)
    assert (changed.due_date, changed.assignee_mode, changed.assignee_ids) == (
        NOW + 9 * DAY, "individuals", tuple(lms.students[:2]),
    )  # fmt: skip


@pytest.mark.parametrize("section", ["section", "other_section"])
def test_assignees_are_changed_there_and_back(lms: Lms, section: str) -> None:
    where = getattr(lms, section)
    students = lms.students if section == "section" else [lms.other_student]
    created = lms.create(where)
    connector = lms.connector
    one = lms.run(
        connector.update_assignment(
            where, created.lms_id, AssignmentFields(assignee_mode="individuals", assignee_ids=(students[0],))
        )
    )
    back = lms.run(connector.update_assignment(where, created.lms_id, AssignmentFields(assignee_mode="all")))
    assert (one.assignee_ids, one.due_date, back.assignee_mode, back.due_date) == (
        (students[0],), NOW + 7 * DAY, "all", NOW + 7 * DAY,
    )  # fmt: skip


def test_a_due_date_of_ones_own_survives_a_change_of_the_others(lms: Lms) -> None:
    created = lms.create(assignee_mode="individuals", assignee_ids=tuple(lms.students[:2]))
    lms.grade(created.lms_id, override_due_date=NOW + 20 * DAY)
    changed = lms.change(created.lms_id, due_date=NOW + 8 * DAY)
    assert (changed.due_date, set(changed.assignee_ids)) == (NOW + 8 * DAY, set(lms.students[:2]))
    assert [lms.read(created.lms_id, it).override_due_date for it in lms.students[:2]] == [
        NOW + 20 * DAY,
        None,
    ]


def test_the_only_assignee_may_have_a_due_date_of_her_own(lms: Lms) -> None:
    created = lms.create(assignee_mode="individuals", assignee_ids=(lms.students[0],))
    changed = lms.grade(created.lms_id, override_due_date=NOW + 20 * DAY)
    again = lms.run(lms.connector.read_assignment(lms.section, created.lms_id))
    assert (changed.override_due_date, again.due_date, again.assignee_ids) == (
        NOW + 20 * DAY, NOW + 7 * DAY, (lms.students[0],),
    )  # fmt: skip


def test_attachments_stand_behind_the_description_and_come_back(lms: Lms) -> None:
    given = (
        Attachment(
            type="link", url="https://app.example/a?x=1&y=2", title='The "task"', description="Read it"
        ),
        Attachment(type="file", url="https://app.example/b.pdf"),
    )
    created = lms.create(attachments=given)
    record = simulator(lms).records.get("assignments", created.lms_id) or {}
    assert (created.attachments, created.description) == (given, "<p>Two pages</p>")
    assert "https://app.example/b.pdf" in record["description"]
    changed = lms.change(created.lms_id, description="<p>Three</p>")
    assert (changed.attachments, changed.description) == (given, "<p>Three</p>")
    assert lms.change(created.lms_id, attachments=()).attachments == ()


def test_milliseconds_come_back_as_long_as_canvas_has_what_was_sent(lms: Lms) -> None:
    created = lms.create(due_date=NOW + 7 * DAY + 123)
    assert created.due_date == NOW + 7 * DAY + 123
    simulator(lms).ui_change_assignment(created.lms_id, due_at=NOW + 8 * DAY)
    assert lms.run(lms.connector.read_assignment(lms.section, created.lms_id)).due_date == NOW + 8 * DAY


def test_a_scheme_of_the_districts_own_is_shown_and_graded_with(lms: Lms) -> None:
    created = lms.create(grading_type="letter_grade")
    simulator(lms).ui_change_assignment(created.lms_id, grading_standard_id=COURSE_STANDARD)
    held = lms.run(lms.connector.read_assignment(lms.section, created.lms_id))
    assert [(it.name, int(it.value)) for it in held.grading_scale][:2] == [("1", 90), ("2", 75)]
    with pytest.raises(
        RefusedByLms, match=r"INVALID_GRADE: 'A' is not a letter of the grading scale \[1 2 3 4\]"
    ):
        lms.grade(created.lms_id, grade="A")
    assert lms.grade(created.lms_id, grade="2").grade == "2"
    # Points are points, also where the scheme has a level of that name.
    assert lms.grade(created.lms_id, grade_points=Decimal(2)).grade_points == 2


def test_a_discussion_stands_alone(lms: Lms) -> None:
    assert lms.create(submission_types=("discussion",)).submission_types == ("discussion",)
    with pytest.raises(Unsupported, match="submission type of discussion together with others"):
        lms.create(submission_types=("discussion", "file"))


def test_a_teachers_draft_is_one(lms: Lms) -> None:
    created = lms.create()
    simulator(lms).ui_change_assignment(created.lms_id, published=False)
    held = lms.run(lms.connector.read_assignment(lms.section, created.lms_id))
    assert held.published is False
    with pytest.raises(RefusedByLms, match="NOT_GRADABLE"):
        lms.grade(created.lms_id, grade_points=Decimal(1))


def test_a_mark_by_sis_id_finds_what_was_created_whatever_became_of_it() -> None:
    with canvas(sis_mark="yes") as lms:
        mark = str(uuid7())
        lms.served.fail("error-after", method="POST")
        with pytest.raises(Unavailable):
            lms.run(lms.connector.create_assignment(lms.section, ESSAY, mark))
        simulator(lms).ui_change_assignment("501", name="Renamed")
        again = lms.run(lms.connector.create_assignment(lms.section, ESSAY, mark))
        assert (again.lms_id, again.title) == ("501", "Renamed")


def test_what_was_created_is_not_confused_with_what_is_like_it(lms: Lms) -> None:
    alike = lms.create()
    found = lms.run(lms.connector.find_assignment(lms.section, ESSAY, str(uuid7()), NOW, {alike.lms_id}))
    older = lms.run(lms.connector.find_assignment(lms.section, ESSAY, str(uuid7()), NOW + HOUR, ()))
    assert (found, older) == (None, None)


def lost(lms: Lms, fields: AssignmentFields, section: str | None = None) -> None:
    """Create an assignment whose answer is lost."""
    lms.served.fail("error-after", method="POST")
    with pytest.raises(Unavailable):
        lms.run(lms.connector.create_assignment(section or lms.section, fields, str(uuid7())))


def found(lms: Lms, fields: AssignmentFields, section: str | None = None) -> str | None:
    search = lms.connector.find_assignment(section or lms.section, fields, str(uuid7()), NOW, ())
    held = lms.run(search)
    return None if held is None else held.lms_id


@pytest.mark.parametrize("kind", ["points", "percent", "pass_fail", "letter_grade", None])
def test_a_lost_one_without_points_is_found(lms: Lms, kind: str | None) -> None:
    fields = replace(ESSAY, points_possible=None, grading_type=kind)
    lost(lms, fields)
    assert found(lms, fields) == "501"


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Asia/Kathmandu", "Australia/Lord_Howe"])
@pytest.mark.parametrize("day", [(2026, 3, 8), (2026, 4, 5), (2026, 10, 4), (2026, 11, 1), (2027, 1, 31)])
def test_a_lost_one_that_is_due_at_midnight_is_found(lms: Lms, zone: str, day: tuple[int, int, int]) -> None:
    midnight = datetime(*day, tzinfo=ZoneInfo(zone))
    simulator(lms).ui_change_course("107", time_zone=zone)
    fields = replace(ESSAY, due_date=int(midnight.timestamp()) * 1000 + 7)
    lost(lms, fields)
    assert found(lms, fields) == "501"
    due = lms.assignment("501").due_date or 0
    assert datetime.fromtimestamp(due / 1000, ZoneInfo(zone)) == midnight.replace(
        hour=23, minute=59, second=59
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "  Essay  "}, {"title": "A"}, {"title": "5 < 6 & \u2028"}, {"title": "x" * 250 + " " * 5},
        {"description": "<script>x()</script><p>a<!-- b --></p>"}, {"description": ""},
        {"points_possible": Decimal("33.333333333333333333")}, {"points_possible": Decimal("0.005")},
        {"attachments": (Attachment(type="link", url="https://app.example/a"),)},
        {"assignee_mode": "individuals", "assignee_ids": ("3001001", "3001002")},
        {"description": None, "description_plaintext": "One\n\nTwo & three"},
    ],
)  # fmt: skip
def test_a_lost_one_is_found_whatever_canvas_makes_of_it(lms: Lms, changes: dict[str, Any]) -> None:
    fields = replace(ESSAY, **changes)
    lost(lms, fields)
    assert found(lms, fields) == "501"


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Essay 2"}, {"points_possible": Decimal(21)}, {"grading_type": "percent"},
        {"due_date": NOW + 7 * DAY + 60_000}, {"description": "<p>Three pages</p>"},
        {"assignee_mode": "individuals", "assignee_ids": ("3001001",)},
    ],
)  # fmt: skip
def test_one_that_differs_is_not_taken_for_the_lost_one(lms: Lms, changes: dict[str, Any]) -> None:
    lms.create(**changes)
    assert found(lms, ESSAY) is None


def test_of_two_alike_the_one_with_the_same_words_is_the_lost_one(lms: Lms) -> None:
    lms.create(description="<p>Two</p>")
    fields = replace(ESSAY, description="<p>Two pages</p>")
    lost(lms, fields)
    assert found(lms, fields) == "502"


def test_one_for_other_students_of_the_course_is_not_taken_for_the_lost_one(lms: Lms) -> None:
    theirs = replace(ESSAY, assignee_mode="individuals", assignee_ids=(lms.students[0],))
    lost(lms, theirs)
    assert found(lms, replace(theirs, assignee_ids=(lms.students[1],))) is None
    assert found(lms, theirs) == "501"


def test_a_section_that_was_moved_to_another_course_is_gone(lms: Lms) -> None:
    lms.create()
    record = simulator(lms).records.get("sections", lms.section.partition("/")[2]) or {}
    simulator(lms).records.put("sections", record["id"], {**record, "course_id": 108})
    with lms.another() as fresh, pytest.raises(Gone, match="section"):
        lms.run(fresh.create_assignment(lms.section, ESSAY, str(uuid7())))
