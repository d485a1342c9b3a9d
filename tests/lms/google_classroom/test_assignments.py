"""The connector to Google Classroom: assignments."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from passback.domain.assignment import AssignmentFields, Attachment
from passback.domain.clock import DAY, HOUR
from passback.lms.google_classroom import dates
from passback.lms.interface import LmsError, RefusedByLms, Unavailable, Unsupported
from passback.testing.lms import ESSAY, Lms, try_of
from passback_simulators.google_classroom import seed
from passback_simulators.identities import ALGEBRA, BIOLOGY
from passback_simulators.reply import Reply as SimulatedReply
from support.google import google, record, said, simulator
from support.sandbox import NOW


@pytest.fixture
def lms() -> Iterator[Lms]:
    with google() as served:
        yield served


# Due dates.


@pytest.mark.parametrize(
    ("content", "when"),
    [
        ({"dueDate": {"year": 2026, "month": 1, "day": 28}, "dueTime": {"hours": 18, "seconds": 24}}, 1_769_623_224_000),
        ({"dueDate": {"year": 2026, "month": 1, "day": 28}, "dueTime": {}}, 1_769_558_400_000),
        ({"dueDate": {"year": 2026, "month": 1, "day": 28}}, 1_769_558_400_000),
        ({}, None), ({"dueDate": {"year": 2026}}, None), ({"dueDate": "x"}, None),
    ],
)  # fmt: skip
def test_a_due_date_is_a_day_and_a_time_in_utc(content: dict[str, Any], when: int | None) -> None:
    assert dates.from_lms(content) == when
    assert when is None or dates.from_lms(dates.to_lms(when)) == when


def test_milliseconds_come_back_as_long_as_google_has_what_was_sent(lms: Lms) -> None:
    created = lms.create(due_date=NOW + 7 * DAY + 123)
    assert created.due_date == NOW + 7 * DAY + 123
    simulator(lms).ui_change_assignment(created.lms_id, due=NOW + 8 * DAY)
    assert lms.assignment(created.lms_id).due_date == NOW + 8 * DAY


# Assignments.


def test_nobody_sees_an_assignment_that_is_half_made(lms: Lms) -> None:
    lms.served.fail("error-before", method="PATCH", times=None)
    with pytest.raises(Unavailable) as caught:
        lms.create()
    (work,) = simulator(lms).records.all("course_work")
    assert (caught.value.in_doubt, work["state"], work["description"].startswith("passback:")) == (
        True,
        "DRAFT",
        True,
    )


def test_a_draft_that_cannot_be_shown_does_not_stay(lms: Lms) -> None:
    real = simulator(lms).answer

    async def refuse(request: Any) -> Any:
        if request.method == "PATCH":
            return SimulatedReply(400, said("INVALID_ARGUMENT", "scheduledTime"))
        return await real(request)

    simulator(lms).answer = refuse  # type: ignore[method-assign]
    with pytest.raises(RefusedByLms, match="INVALID_DISPLAY_DATE"):
        lms.create(display_date=NOW + DAY)
    assert simulator(lms).records.all("course_work") == []


@pytest.mark.parametrize("fault", ["error-before", "error-after", "timeout-after"])
def test_a_draft_that_was_not_shown_is_found_and_shown(lms: Lms, fault: str) -> None:
    lms.served.fail(fault, method="PATCH", times=None)
    creation = lms.connector.create_assignment(lms.section, ESSAY, "mark")
    with pytest.raises(Unavailable):
        lms.run(creation)
    lms.served.control("DELETE", "faults")
    with lms.another() as fresh:  # the first may be resting now
        found = lms.run(fresh.find_assignment(lms.section, ESSAY, try_of("mark", NOW, ())))
    assert found is not None
    assert (found.published, found.description, len(simulator(lms).records.all("course_work"))) == (
        True, "<p>Two pages</p>", 1,
    )  # fmt: skip


def test_what_is_alike_is_not_taken_for_what_was_created(lms: Lms) -> None:
    ours = lms.create()
    simulator(lms).ui_create_assignment(
        lms.section, "Essay", description="Two pages", due=NOW + 7 * DAY, max_points=20
    )
    find = lms.connector.find_assignment
    assert lms.run(find(lms.section, ESSAY, try_of("mark", NOW, {ours.lms_id}))) is None
    assert lms.run(find(lms.section, ESSAY, try_of("mark", NOW + HOUR))) is None


def test_classroom_shows_plain_text_and_the_client_gets_its_html(lms: Lms) -> None:
    created = lms.create(description="<p>Read <b>all</b></p><p>Twice</p>")
    assert (record(lms, created.lms_id)["description"], created.description, created.description_plaintext) == (
        "Read all\n\nTwice", "<p>Read <b>all</b></p><p>Twice</p>", "Read all\n\nTwice",
    )  # fmt: skip
    simulator(lms).ui_change_assignment(created.lms_id, description="Other")
    assert lms.assignment(created.lms_id).description == "Other"


def test_what_classroom_has_no_place_for_is_kept(lms: Lms) -> None:
    given: dict[str, Any] = {"start_date": NOW, "end_date": NOW + 9 * DAY, "max_attempts": 2, "term_id": "t",
                             "submission_types": ("text", "link"), "grading_type": "percent"}  # fmt: skip
    created = lms.create(**given)
    lms.change(created.lms_id, title="Other")
    held = lms.assignment(created.lms_id)
    assert {name: getattr(held, name) for name in given} == given


@pytest.mark.parametrize(("kind", "points"), [("percent", 100), ("pass_fail", 1), ("points", None)])
def test_points_that_are_not_given(lms: Lms, kind: str, points: int | None) -> None:
    fields = AssignmentFields(title="Essay", description="x", due_date=NOW + DAY, grading_type=kind)
    created = lms.run(lms.connector.create_assignment(lms.section, fields, "mark"))
    assert (created.points_possible, created.grading_type) == (points, kind)
    zero = lms.create(points_possible=Decimal(0))
    assert lms.assignment(zero.lms_id).points_possible == 0
    if points is None:
        with pytest.raises(RefusedByLms, match="NOT_GRADED"):
            lms.grade(created.lms_id, grade_points=Decimal(1))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"grading_type": "letter_grade"}, Unsupported, "^Google Classroom does not support grading type of letter_grade$"),
        ({"points_possible": Decimal("10.5")}, RefusedByLms, "INVALID_POINTS"),
        ({"title": "x" * 3001}, RefusedByLms, "INVALID_TITLE"),
        ({"description": "x" * 30_001}, RefusedByLms, "INVALID_DESCRIPTION"),
        ({"attachments": tuple(Attachment("link", url=f"https://a.example/{n}") for n in range(21))}, RefusedByLms, "INVALID_ATTACHMENT"),
        ({"due_date": NOW - DAY}, RefusedByLms, "INVALID_DUE_DATE"),
        ({"assignee_mode": "individuals", "assignee_ids": ("999",)}, RefusedByLms, "INVALID_ASSIGNEES"),
    ],
)  # fmt: skip
def test_what_an_assignment_cannot_be(
    lms: Lms, changes: dict[str, Any], error: type[LmsError], words: str
) -> None:
    with pytest.raises(error, match=words):
        lms.create(**changes)
    assert simulator(lms).records.all("course_work") == []


def test_an_assignment_is_shown_when_it_shall_be(lms: Lms) -> None:
    created = lms.create(display_date=NOW + DAY + 5)
    assert (created.display_date, created.published, record(lms, created.lms_id)["state"]) == (
        NOW + DAY + 5, True, "DRAFT",
    )  # fmt: skip
    later = lms.change(created.lms_id, display_date=NOW + 2 * DAY)
    assert later.display_date == NOW + 2 * DAY
    lms.clock.advance(days=3)
    shown = lms.assignment(created.lms_id)
    assert (shown.display_date, shown.published) == (NOW + 2 * DAY, True)
    with pytest.raises(RefusedByLms, match="ALREADY_PUBLISHED"):
        lms.change(created.lms_id, display_date=NOW + 5 * DAY)


@pytest.mark.parametrize(
    ("topic", "found"), [("Unit 1", seed.TOPICS[ALGEBRA.digits]), ("Unit 9", None), ("", None)]
)
def test_a_new_assignment_stands_under_the_districts_topic(topic: str, found: str | None) -> None:
    with google(topic=topic) as lms:
        assert record(lms, lms.create().lms_id)["topic_id"] == found


def test_assignees_are_changed_there_and_back(lms: Lms) -> None:
    first, second, third = lms.students[:3]
    created = lms.create(assignee_mode="individuals", assignee_ids=(first, second))
    changed = lms.change(created.lms_id, assignee_ids=(second, third), title="Other")
    assert (set(changed.assignee_ids), changed.title) == ({second, third}, "Other")
    assert lms.change(created.lms_id, assignee_mode="all").assignee_mode == "all"
    assert set(
        lms.change(created.lms_id, assignee_mode="individuals", assignee_ids=(first,)).assignee_ids
    ) == {first}


def test_attachments_are_set_once(lms: Lms) -> None:
    given = (
        Attachment("link", url="https://app.example/a", title="A", description="Read"),
        Attachment("file", url="https://app.example/b.pdf"),
    )
    created = lms.create(attachments=given)
    assert (created.attachments, lms.change(created.lms_id, attachments=given).attachments) == (given, given)
    with pytest.raises(Unsupported, match="does not support changing attachments"):
        lms.change(created.lms_id, attachments=given[:1])


def test_many_are_read_by_one_list_and_what_it_lacks_by_itself(lms: Lms) -> None:
    created = [lms.create(title=f"Essay {number}") for number in range(5)]
    lms.delete(created[4].lms_id)
    lms.calls()
    found = lms.run(lms.connector.read_assignments(lms.section, [it.lms_id for it in created]))
    assert (list(found.values()), len(lms.calls())) == (created[:4], 2)


def test_what_another_app_or_a_teacher_made_can_be_read_never_changed(lms: Lms) -> None:
    theirs = simulator(lms).ui_create_assignment(lms.section, "By hand", max_points=10)
    assert lms.assignment(theirs).title == "By hand"
    with pytest.raises(RefusedByLms, match="NOT_OURS"):
        lms.change(theirs, title="Ours")
    with pytest.raises(RefusedByLms, match="NOT_OURS"):
        lms.grade(theirs, grade_points=Decimal(1))


def test_an_archived_course_takes_nothing(lms: Lms) -> None:
    with pytest.raises(RefusedByLms, match="COURSE_ARCHIVED"):
        lms.create(seed.ARCHIVED_COURSE)


def test_where_the_owner_is_gone_another_teacher_acts(lms: Lms) -> None:
    created = lms.create(seed.ORPHAN_COURSE)
    assert record(lms, created.lms_id)["creator"] == seed.person_lms_id(BIOLOGY.teacher)
