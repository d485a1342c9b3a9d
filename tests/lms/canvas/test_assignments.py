"""The connector to Canvas: assignments."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from uuid_utils import uuid7

from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.clock import DAY, HOUR
from passback.domain.submission import Submission, SubmissionFields
from passback.lms.interface import Gone, RefusedByLms, Unavailable, Unsupported
from passback.testing.lms import ESSAY, Lms, try_of
from passback_simulators.canvas.seed import COURSE_STANDARD
from support.canvas import canvas, simulator
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


def test_dates_are_changed_though_somebody_has_left_who_had_the_assignment(lms: Lms) -> None:
    assignment = lms.create(assignee_mode="individuals", assignee_ids=tuple(lms.students[:2])).lms_id
    simulator(lms).ui_end_enrollment(lms.students[1])
    assert lms.change(assignment, due_date=NOW + 9 * DAY).due_date == NOW + 9 * DAY
    own = lms.grade(assignment, override_due_date=NOW + 10 * DAY)
    assert own.override_due_date == NOW + 10 * DAY
    assert lms.assignment(assignment).due_date == NOW + 9 * DAY


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
    found = lms.run(
        lms.connector.find_assignment(lms.section, ESSAY, try_of(str(uuid7()), NOW, {alike.lms_id}))
    )
    older = lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of(str(uuid7()), NOW + HOUR, ())))
    assert (found, older) == (None, None)


def lost(lms: Lms, fields: AssignmentFields, section: str | None = None) -> None:
    """Create an assignment whose answer is lost."""
    lms.served.fail("error-after", method="POST")
    with pytest.raises(Unavailable):
        lms.run(lms.connector.create_assignment(section or lms.section, fields, str(uuid7())))


def found(lms: Lms, fields: AssignmentFields, section: str | None = None) -> str | None:
    search = lms.connector.find_assignment(section or lms.section, fields, try_of(str(uuid7()), NOW, ()))
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


def test_of_two_equal_ones_each_is_found_once(lms: Lms) -> None:
    for _ in range(2):
        lost(lms, ESSAY)
    older = lms.connector.find_assignment(lms.section, ESSAY, try_of(str(uuid7()), NOW, newer=1))
    newer = lms.connector.find_assignment(lms.section, ESSAY, try_of(str(uuid7()), NOW, {"501"}))
    held = [lms.run(older), lms.run(newer)]
    assert [it and it.lms_id for it in held] == ["501", "502"]


def test_one_with_anothers_mark_is_the_others() -> None:
    with canvas(sis_mark="yes") as lms:
        lms.create()
        search = try_of(str(uuid7()), NOW)
        assert lms.run(lms.connector.find_assignment(lms.section, ESSAY, search)) is None
        of_a_backup = replace(search, forgotten=True)  # which knows no mark of what was made since
        found = lms.run(lms.connector.find_assignment(lms.section, ESSAY, of_a_backup))
        assert found is not None


def test_one_for_other_students_of_the_course_is_not_taken_for_the_lost_one(lms: Lms) -> None:
    theirs = replace(ESSAY, assignee_mode="individuals", assignee_ids=(lms.students[0],))
    lost(lms, theirs)
    assert found(lms, replace(theirs, assignee_ids=(lms.students[1],))) is None
    assert found(lms, theirs) == "501"


def test_a_section_that_was_moved_to_another_course_is_gone(lms: Lms) -> None:
    lms.create()
    simulator(lms).ui_cross_list(lms.section.partition("/")[2], "108")
    with pytest.raises(Gone, match="section"):
        lms.create()


@pytest.mark.parametrize("left", ["everybody", "nobody"])
def test_nobody_is_read_of_a_section_that_was_moved_to_another_course(lms: Lms, left: str) -> None:
    if left == "nobody":
        for student in lms.students:
            simulator(lms).ui_end_enrollment(student)
    simulator(lms).ui_cross_list(lms.section.partition("/")[2], "108")
    with pytest.raises(Gone, match="section"):
        lms.run(lms.connector.read_people(lms.section))


def test_a_section_that_was_moved_into_the_course_does_not_get_the_assignment(lms: Lms) -> None:
    lms.create()
    simulator(lms).ui_cross_list(lms.other_section.partition("/")[2], "107")
    created = lms.create()
    record = simulator(lms).records.get("assignments", created.lms_id) or {}
    assert (record["only_visible_to_overrides"], [it["course_section_id"] for it in record["overrides"]]) == (
        True, [207],
    )  # fmt: skip
    found = lms.run(lms.connector.read_submissions(lms.section, created.lms_id, [lms.other_student]))
    assert found == {}


# What a teacher has assigned in ways that we do not make.


def group(lms: Lms, assignment: str) -> dict[str, Any]:
    made = simulator(lms).ui_add_group("107", 5, lms.students[:2])
    simulator(lms).ui_change_assignment(
        assignment, group_category_id=5, grade_group_students_individually=True
    )
    return {"group_id": made, "due_at": NOW + 9 * DAY}


def whole_course(lms: Lms, assignment: str) -> dict[str, Any]:
    return {"course_id": 107, "due_at": NOW + 9 * DAY}


def mastery_path(lms: Lms, assignment: str) -> dict[str, Any]:
    return {"noop_id": 1, "reached_by": [int(it) for it in lms.students[:2]]}


def taken_away(lms: Lms, assignment: str) -> dict[str, Any]:
    return {"student_ids": [int(lms.students[2])], "unassign_item": True}


Assign = Callable[[Lms, str], dict[str, Any]]
WAYS: list[Assign] = [group, whole_course, mastery_path, taken_away]


def assigned(lms: Lms, way: Assign, **changes: Any) -> str:
    """An assignment that a teacher has assigned in some way."""
    assignment = lms.create(**changes).lms_id
    override = way(lms, assignment)
    if way is not taken_away:
        simulator(lms).ui_change_assignment(assignment, only_visible_to_overrides=True, due_at=None)
    simulator(lms).ui_add_override(assignment, **override)
    return assignment


def kept(lms: Lms, assignment: str) -> list[Any]:
    record = simulator(lms).records.get("assignments", assignment) or {}
    return list(record["overrides"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "change",
    [
        {"title": "Other"}, {"description": "<p>x</p>"}, {"points_possible": Decimal(30)},
        {"due_date": NOW + 8 * DAY}, {"display_date": NOW + DAY, "end_date": NOW + 30 * DAY},
    ],
)  # fmt: skip
def test_a_change_that_names_no_assignees_leaves_them_alone(
    lms: Lms, way: Assign, change: dict[str, Any]
) -> None:
    assignment = assigned(lms, way)
    before, who = kept(lms, assignment), having(lms, assignment)
    dated = any(name.endswith("_date") for name in change)
    with contextlib.suppress(RefusedByLms) if dated else contextlib.nullcontext():
        lms.change(assignment, **change)
    assert (kept(lms, assignment), having(lms, assignment)) == (before, who)


@pytest.mark.parametrize("way", WAYS)
def test_dates_of_the_section_are_changed_beside_them(lms: Lms, way: Assign) -> None:
    assignment = assigned(lms, way)
    simulator(lms).ui_add_override(assignment, course_section_id=207, due_at=NOW + 5 * DAY)
    before = kept(lms, assignment)
    assert lms.change(assignment, due_date=NOW + 8 * DAY).due_date == NOW + 8 * DAY
    assert (kept(lms, assignment)[0], kept(lms, assignment)[-1]["due_at"]) == (before[0], NOW + 8 * DAY)


@pytest.mark.parametrize("way", WAYS)
def test_assignees_are_not_named_over_them(lms: Lms, way: Assign) -> None:
    assignment = assigned(lms, way)
    before = kept(lms, assignment)
    with pytest.raises(RefusedByLms, match="INVALID_ASSIGNEES"):
        lms.change(assignment, assignee_mode="individuals", assignee_ids=(lms.students[0],))
    assert kept(lms, assignment) == before


@pytest.mark.parametrize("way", WAYS)
def test_naming_those_who_have_it_changes_nothing(lms: Lms, way: Assign) -> None:
    assignment = assigned(lms, way)
    before, held = kept(lms, assignment), lms.assignment(assignment)
    ids = held.assignee_ids if held.assignee_mode == "individuals" else None
    lms.change(assignment, title="Other", assignee_mode=held.assignee_mode, assignee_ids=ids)
    assert kept(lms, assignment) == before


@pytest.mark.parametrize("way", WAYS)
def test_a_due_date_of_ones_own_is_given_beside_them(lms: Lms, way: Assign) -> None:
    assignment = assigned(lms, way)
    before = kept(lms, assignment)
    assert lms.grade(assignment, override_due_date=NOW + 20 * DAY).override_due_date == NOW + 20 * DAY
    again = lms.grade(assignment, override_due_date=NOW + 21 * DAY)
    assert (again.override_due_date, len(kept(lms, assignment))) == (NOW + 21 * DAY, len(before) + 1)
    assert kept(lms, assignment)[: len(before)] == before


@pytest.mark.parametrize("way", [group, whole_course])
def test_a_due_date_that_is_sent_back_with_a_grade_stays_that_of_many(lms: Lms, way: Assign) -> None:
    assignment = lms.create().lms_id
    simulator(lms).ui_add_override(assignment, **way(lms, assignment))
    before, shown = kept(lms, assignment), lms.read(assignment).override_due_date
    assert shown == NOW + 9 * DAY
    graded = lms.grade(assignment, grade_points=Decimal(5), override_due_date=shown)
    assert (graded.grade_points, graded.override_due_date) == (Decimal(5), shown)
    assert kept(lms, assignment) == before


def having(lms: Lms, assignment: str) -> list[str]:
    return list(lms.run(lms.connector.read_submissions(lms.section, assignment, lms.students)))


@pytest.mark.parametrize("way", WAYS)
def test_who_has_an_assignment_is_asked(lms: Lms, way: Assign) -> None:
    assignment = assigned(lms, way)
    who = lms.students[:2] if way in (group, mastery_path) else lms.students
    if way is taken_away:
        who = [it for it in who if it != lms.students[2]]
    shown = lms.assignment(assignment)
    assert having(lms, assignment) == who
    if shown.assignee_mode == "individuals":
        assert list(shown.assignee_ids) == who
    changes = [(student, SubmissionFields(grade_points=Decimal(5))) for student in lms.students[:4]]
    outcomes = lms.run(lms.connector.update_submissions(lms.section, assignment, changes))
    graded = [
        student for (student, _), it in zip(changes, outcomes, strict=True) if isinstance(it, Submission)
    ]
    assert graded == [it for it in lms.students[:4] if it in who]
    assert lms.grade(assignment, lms.students[1], grade_points=Decimal(6)).grade_points == 6
    if lms.students[2] not in who:
        with pytest.raises(Gone, match="student"):
            lms.grade(assignment, lms.students[2], grade_points=Decimal(6))


def test_a_due_date_for_one_of_several_sections_leaves_the_others_theirs(lms: Lms) -> None:
    assignment = lms.create().lms_id
    simulator(lms).ui_cross_list(lms.other_section.partition("/")[2], "107")
    changed = lms.change(assignment, due_date=NOW + 8 * DAY)
    record = simulator(lms).records.get("assignments", assignment) or {}
    assert (changed.due_date, changed.assignee_mode) == (NOW + 8 * DAY, "all")
    assert (record["due_at"], record["only_visible_to_overrides"]) == (NOW + 7 * DAY, False)
    assert lms.change(assignment, due_date=NOW + 9 * DAY).due_date == NOW + 9 * DAY
    assert len(kept(lms, assignment)) == 1


def test_a_grade_that_would_reach_the_whole_group_is_refused(lms: Lms) -> None:
    assignment = lms.create().lms_id
    simulator(lms).ui_add_group("107", 5, lms.students[:2])
    simulator(lms).ui_change_assignment(assignment, group_category_id=5)
    lms.clock.advance(hours=1)
    change = SubmissionFields(grade_points=Decimal(5))
    with (
        lms.another() as fresh,
        pytest.raises(RefusedByLms, match="NOT_GRADABLE: Canvas would grade the whole"),
    ):
        lms.run(fresh.update_submission(lms.section, assignment, lms.students[0], change))
    assert lms.grade(assignment, grade_comment="Good").grade_comment == "Good"
    assert lms.read(assignment, lms.students[1]).grade_comment is None
    simulator(lms).ui_change_assignment(assignment, grade_group_students_individually=True)
    with lms.another() as fresh:
        lms.run(fresh.update_submission(lms.section, assignment, lms.students[0], change))
    grades = [lms.read(assignment, student).grade_points for student in lms.students[:2]]
    assert grades == [Decimal(5), None]


def test_an_own_due_date_at_midnight_is_shown_as_canvas_has_it(lms: Lms) -> None:
    simulator(lms).ui_change_course("107", time_zone="UTC")
    assignment = lms.create().lms_id
    changed = lms.grade(assignment, override_due_date=NOW + 20 * DAY)
    assert changed.override_due_date == NOW + 21 * DAY - 1000
    assert lms.read(assignment).override_due_date == NOW + 21 * DAY - 1000


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ({"submission_types": ["online_upload", "media_recording"]}, {"submission_types": ("file",)}),
        ({"submission_types": ["external_tool"]}, {"submission_types": ()}),
        ({"grading_type": "gpa_scale"}, {"grading_type": "letter_grade"}),
        ({"grading_type": "not_graded"}, {"grading_type": "points"}),
        ({"description": "<p>a</p><iframe></iframe>"}, {"description": "<p>a</p><iframe></iframe>"}),
    ],
)
def test_what_is_sent_back_as_it_was_shown_leaves_what_a_teacher_chose(
    lms: Lms, chosen: dict[str, Any], shown: dict[str, Any]
) -> None:
    assignment = lms.create(submission_types=("text",)).lms_id
    simulator(lms).ui_change_assignment(assignment, **chosen)
    now = lms.assignment(assignment)
    assert {name: getattr(now, name) for name in shown} == shown
    lms.change(
        assignment, title="Other", description_plaintext="a" if "description" in shown else None, **shown
    )
    held = simulator(lms).records.get("assignments", assignment) or {}
    assert ({name: held[name] for name in chosen}, held["name"]) == (chosen, "Other")
