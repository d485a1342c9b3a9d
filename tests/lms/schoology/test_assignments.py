"""The connector to Schoology: assignments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from passback.domain.assignment import Attachment
from passback.domain.clock import DAY, HOUR
from passback.lms.interface import Gone, LmsError, RefusedByLms, Unavailable, Unsupported
from passback.lms.schoology import dates
from passback.testing.lms import ESSAY, Lms, try_of
from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology import seed
from support.sandbox import NOW
from support.schoology import item, record, schoology, simulator


@pytest.fixture
def lms() -> Iterator[Lms]:
    with schoology() as served:
        yield served


# Due dates.


@pytest.mark.parametrize(
    ("zone", "when", "text"),
    [
        ("America/New_York", 1_935_457_200_000, "2031-05-01 23:00:00"),
        ("Asia/Kathmandu", 1_935_457_200_000, "2031-05-02 08:45:00"),
        ("UTC", 1_935_457_200_999, "2031-05-02 03:00:00"),
    ],
)
def test_a_due_date_is_the_time_on_the_wall(zone: str, when: int, text: str) -> None:
    assert dates.to_lms(when, zone) == text
    assert dates.from_lms(text, zone) == when // 1000 * 1000


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2031-11-02 01:30:00", 1_951_363_800_000),  # comes twice: the first
        ("2031-03-09 02:30:00", 1_930_807_800_000),  # is left out: 03:30
        ("2031-05-01", 1_935_374_400_000),
        ("2031-05-01 19:00", 1_935_442_800_000),
        ("", None), ("never", None), ("2031-13-01 00:00:00", None),
    ],
)  # fmt: skip
def test_odd_times_on_the_wall(text: str, when: int | None) -> None:
    assert dates.from_lms(text, "America/New_York") == when


@pytest.mark.parametrize("hours", [0, 1])
def test_both_hours_of_autumn_come_back_as_they_were_sent(lms: Lms, hours: int) -> None:
    due = 1_951_363_800_123 + hours * HOUR
    created = lms.create(due_date=due)
    assert (created.due_date, lms.assignment(created.lms_id).due_date) == (due, due)


def test_a_due_date_that_the_teacher_changes_is_read_in_the_users_zone(lms: Lms) -> None:
    created = lms.create()
    simulator(lms).ui_change_assignment(item(created.lms_id), due=(NOW + 8 * DAY) // 1000)
    assert lms.assignment(created.lms_id).due_date == (NOW + 8 * DAY) // 1000 * 1000


def test_the_zone_may_be_set() -> None:
    with schoology(time_zone="Asia/Tokyo") as lms:
        created = lms.create()
        # The simulator reads what it is sent in the zone of the key's user, who is in New York.
        assert record(lms, created.lms_id)["due"] * 1000 - NOW - 7 * DAY == pytest.approx(14 * HOUR, abs=HOUR)
        assert lms.assignment(created.lms_id).due_date == NOW + 7 * DAY


# What a section consists of.


@pytest.mark.parametrize(("option", "category"), [({}, 4371001), ({"category": "Tests"}, 4371002), ({"category": "None such"}, 4371001)])  # fmt: skip
def test_a_new_assignment_is_given_a_category_and_period(option: dict[str, Any], category: int) -> None:
    with schoology(**option) as lms:
        created = lms.create()
        held = record(lms, created.lms_id)
        assert (held["grading_category"], held["grading_period"], created.category_id) == (
            category, seed.PERIOD_SEMESTER, str(category),
        )  # fmt: skip
        later = lms.create(due_date=NOW + 400 * DAY)
        assert record(lms, later.lms_id)["grading_period"] == seed.PERIOD_YEAR


@pytest.mark.parametrize("can_be_created", [True, False])
def test_a_section_without_categories_is_given_one_where_that_can_be_done(
    lms: Lms, can_be_created: bool
) -> None:
    lms.set(categories_can_be_created=can_be_created)
    created = lms.create(seed.STUDY_HALL)
    assert (created.category_id is not None) is can_be_created


@pytest.mark.parametrize(
    ("kind", "scale", "levels"),
    [
        ("points", 0, 0),
        ("percent", 0, 0),
        ("letter_grade", seed.LETTER_SCALE, 13),
        ("pass_fail", seed.PASS_SCALE, 0),
    ],
)
def test_grading_types_have_their_scales(lms: Lms, kind: str, scale: int, levels: int) -> None:
    created = lms.create(grading_type=kind)
    assert (created.grading_type, len(created.grading_scale), record(lms, created.lms_id)["grading_scale"]) == (
        kind, levels, scale,
    )  # fmt: skip
    assert lms.assignment(created.lms_id) == created


def test_letters_need_a_scale_of_the_section(lms: Lms) -> None:
    with pytest.raises(RefusedByLms, match="NO_GRADING_SCALE"):
        lms.create(seed.STUDY_HALL, grading_type="letter_grade")


@pytest.mark.parametrize("what", ["category", "period", "scale"])
def test_what_has_changed_in_the_section_is_read_again(lms: Lms, what: str) -> None:
    kind = "letter_grade" if what == "scale" else "points"
    before = lms.create(grading_type=kind).lms_id
    records = simulator(lms).records
    for table in {"category": ["categories"], "scale": ["scales"]}.get(what, []):
        for it in records.all(table):
            records.remove(table, it["id"])
            records.put(table, int(it["id"]) + 1000, {**it, "id": int(it["id"]) + 1000})
    if what == "period":
        section = records.get("sections", lms.section) or {}
        records.put("sections", lms.section, {**section, "grading_periods": [seed.PERIOD_YEAR]})
    assert lms.create(grading_type=kind).grading_type == kind
    assert lms.change(before, title="Other", grading_type=kind).title == "Other"


def test_a_scale_that_the_teacher_chooses_counts(lms: Lms) -> None:
    created = lms.create(grading_type="percent")
    simulator(lms).ui_change_assignment(item(created.lms_id), grading_scale=seed.LETTER_SCALE)
    assert lms.assignment(created.lms_id).grading_type == "letter_grade"


@pytest.mark.parametrize("settings", [
    {"largest_page": 3}, {"largest_page": 3, "next_in_lists": False}, {"single_as_object": True},
    {"http_links": False}, {"total_in_lists": False},
])  # fmt: skip
def test_lists_are_read_to_their_end_whatever_their_form(lms: Lms, settings: dict[str, Any]) -> None:
    lms.set(**settings)
    people = lms.run(lms.connector.read_people(lms.section))
    places = lms.places()
    created = lms.create(assignee_mode="individuals", assignee_ids=(lms.students[0],))
    graded = lms.grade(created.lms_id, grade_points=Decimal(3))
    assert (len(people), lms.section in {place.id for place in places}, created.assignee_ids, graded.grade_points) == (
        31, True, (lms.students[0],), Decimal(3),
    )  # fmt: skip


@pytest.mark.parametrize("settings", [{}, {"largest_page": 3, "next_in_lists": False}])
def test_a_list_that_ends_before_its_total_is_not_taken_for_complete(
    lms: Lms, settings: dict[str, Any]
) -> None:
    lms.set(**settings)
    served = simulator(lms)
    real = served.answer

    async def answer(request: Request) -> Reply:
        reply = await real(request)
        if not request.path.endswith("/enrollments"):
            return reply
        content = json.loads(reply.body)
        return json_reply(200, content | {"total": int(content["total"]) + 1})

    served.answer = answer  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="ends after 32 of 33 items"):
        lms.run(lms.connector.read_people(lms.section))


def test_people_have_sis_ids_and_addresses_and_who_left_is_none_of_them(lms: Lms) -> None:
    people = {person.id: person for person in lms.run(lms.connector.read_people(lms.section))}
    first = people[lms.students[0]]
    assert (first.sis_id, first.email, seed.person_lms_id(seed.FORMER_STUDENT) in people) == (
        "student-001001", "ada.abbott@district-5c.example", False,
    )  # fmt: skip


# Assignments.


@pytest.mark.parametrize(
    ("types", "dropbox"), [((), 0), (("file",), 1), (("text", "file"), 1), (("link",), 1)]
)
def test_work_is_taken_by_the_dropbox(lms: Lms, types: tuple[str, ...], dropbox: int) -> None:
    created = lms.create(submission_types=types)
    assert (record(lms, created.lms_id)["allow_dropbox"], created.submission_types) == (dropbox, types)


def test_what_schoology_has_no_place_for_is_kept(lms: Lms) -> None:
    created = lms.create(
        start_date=NOW, display_date=NOW + DAY, end_date=NOW + 9 * DAY, max_attempts=2, term_id="t"
    )
    lms.change(created.lms_id, title="Other")
    held = lms.assignment(created.lms_id)
    assert (held.title, held.start_date, held.display_date, held.end_date, held.max_attempts, held.term_id) == (
        "Other", NOW, NOW + DAY, NOW + 9 * DAY, 2, "t",
    )  # fmt: skip


def test_assignees_are_sent_by_their_enrollments(lms: Lms) -> None:
    created = lms.create(assignee_mode="individuals", assignee_ids=tuple(lms.students[:2]))
    wanted = [int(seed.enrollment_lms_id("000007", digits)) for digits in ("001001", "001002")]
    assert record(lms, created.lms_id)["assignees"] == wanted
    assert lms.change(created.lms_id, assignee_mode="all").assignee_mode == "all"


def test_a_group_is_its_members(lms: Lms) -> None:
    created = lms.create()
    simulator(lms).ui_change_assignment(item(created.lms_id), grading_group_ids=[seed.GRADING_GROUP])
    held = lms.assignment(created.lms_id)
    assert (held.assignee_mode, held.assignee_ids) == ("individuals", tuple(lms.students[:5]))


def test_assignees_of_another_section_are_refused_and_nothing_is_made(lms: Lms) -> None:
    with pytest.raises(RefusedByLms, match="INVALID_ASSIGNEES"):
        lms.create(assignee_mode="individuals", assignee_ids=(lms.other_student,))
    assert not [it for it in lms.calls() if it.startswith("POST")]


def test_assignees_that_schoology_drops_silently_do_not_make_it_everyones(lms: Lms) -> None:
    lms.create()  # now the enrollments are remembered
    lms.unenroll(lms.students[0])
    with pytest.raises(RefusedByLms, match="INVALID_ASSIGNEES"):
        lms.create(assignee_mode="individuals", assignee_ids=(lms.students[0],))
    assert len(simulator(lms).records.all("grade_items")) == 1


def test_attachments_that_stay_keep_their_ids(lms: Lms) -> None:
    first = Attachment("link", url="https://app.example/a", title="A", description="Read")
    second = Attachment("file", url="https://app.example/b.pdf", title="B")
    created = lms.create(attachments=(first,))
    ids = [it["id"] for it in record(lms, created.lms_id)["attachments"]]
    changed = lms.change(created.lms_id, attachments=(first, second))
    assert (created.attachments, changed.attachments) == ((first,), (first, second))
    assert record(lms, created.lms_id)["attachments"][0]["id"] == ids[0]
    assert lms.change(created.lms_id, attachments=()).attachments == ()


def test_a_discussion_is_graded_by_its_grade_item(lms: Lms) -> None:
    created = lms.create(submission_types=("discussion",))
    assert (created.lms_id.startswith("discussion/"), created.submission_types) == (True, ("discussion",))
    assert lms.grade(created.lms_id, grade_points=Decimal(9)).grade_points == 9
    changed = lms.change(created.lms_id, title="Talk", description="<p>New</p>", due_date=NOW + 9 * DAY)
    assert (changed.title, changed.description, changed.due_date) == ("Talk", "<p>New</p>", NOW + 9 * DAY)
    assert lms.run(lms.connector.read_assignments(lms.section, [created.lms_id])) == {created.lms_id: changed}
    lms.run(lms.connector.delete_assignment(lms.section, created.lms_id))
    with pytest.raises(Gone, match="assignment"):
        lms.assignment(created.lms_id)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"submission_types": ("discussion", "file")}, RefusedByLms, "INVALID_SUBMISSION_TYPES"),
        ({"submission_types": ("discussion",), "assignee_mode": "individuals", "assignee_ids": ("1",)}, RefusedByLms, "INVALID_ASSIGNEES"),
    ],
)  # fmt: skip
def test_what_a_discussion_cannot_be(
    lms: Lms, changes: dict[str, Any], error: type[LmsError], words: str
) -> None:
    with pytest.raises(error, match=words):
        lms.create(**changes)


def test_an_assignment_does_not_become_a_discussion(lms: Lms) -> None:
    created = lms.create()
    with pytest.raises(Unsupported, match="does not support changing between assignment and discussion"):
        lms.change(created.lms_id, submission_types=("discussion",))


def test_many_are_read_by_lists(lms: Lms) -> None:
    created = [lms.create(title=f"Essay {number}") for number in range(5)]
    created.append(lms.create(submission_types=("discussion",)))
    lms.calls()
    found = lms.run(lms.connector.read_assignments(lms.section, [it.lms_id for it in created]))
    assert (list(found.values()), len(lms.calls())) == (created, 2)


def test_an_id_that_is_none_of_ours_is_gone(lms: Lms) -> None:
    for lms_id in ("", "7", "test/7", "assignment/7/8"):
        with pytest.raises(Gone, match="assignment"):
            lms.assignment(lms_id)
        assert lms.run(lms.connector.read_assignments(lms.section, [lms_id])) == {}


def test_a_creation_without_an_answer_is_in_doubt_and_found(lms: Lms) -> None:
    lms.set(create_returns_body=False)
    with pytest.raises(Unavailable) as caught:
        lms.create(attachments=(Attachment("link", url="https://app.example/a"),))
    fields = replace(ESSAY, attachments=(Attachment("link", url="https://app.example/a"),))
    found = lms.run(lms.connector.find_assignment(lms.section, fields, try_of("mark", NOW, ())))
    assert (caught.value.in_doubt, found is not None and found.attachments) == (True, fields.attachments)


def test_what_was_lost_is_found_also_when_more_was_made_since(lms: Lms) -> None:
    lms.served.fail("dropped-after", method="POST", path="assignments$")
    with pytest.raises(Unavailable):
        lms.create()
    lms.clock.advance(hours=1)
    known = {lms.create(title="Another").lms_id, "107/208", "no id of ours"}
    found = lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of("mark", NOW, known)))
    assert found is not None


def test_what_was_there_before_is_not_taken_for_what_was_created(lms: Lms) -> None:
    older, newer = lms.create(), lms.create(title="Another")
    known = {newer.lms_id}
    assert (
        lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of("mark", NOW + HOUR, known))) is None
    )
    assert (
        lms.run(lms.connector.find_assignment(lms.section, ESSAY, try_of("mark", NOW, {older.lms_id})))
        is None
    )


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ({"grading_scale": seed.POINT_SCALE}, {"grading_type": "points"}),
        ({"grading_group_ids": [seed.GRADING_GROUP]}, {"assignee_mode": "individuals"}),
    ],
)
def test_what_is_sent_back_as_it_was_shown_leaves_what_a_teacher_chose(
    lms: Lms, chosen: dict[str, Any], shown: dict[str, Any]
) -> None:
    assignment = lms.create().lms_id
    simulator(lms).ui_change_assignment(item(assignment), **chosen)
    now = lms.assignment(assignment)
    assert {name: getattr(now, name) for name in shown} == shown
    sent = {name: getattr(now, name) for name in ("grading_type", "assignee_mode", "assignee_ids")}
    lms.change(assignment, title="Other", **sent)
    held = record(lms, assignment)
    assert ({name: held[name] for name in chosen}, held["title"]) == (chosen, "Other")
