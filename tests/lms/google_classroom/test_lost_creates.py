"""The connector to Google Classroom: finding what was created although its answer was lost."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from passback.domain.assignment import Assignment, AssignmentFields, Attachment
from passback.domain.clock import DAY, HOUR
from passback.lms.google_classroom import map_assignments
from passback.lms.interface import Unavailable
from passback.lms.toolkit.unsupported_fields import note_key
from passback.testing.lms import ESSAY, Lms, try_of
from support.google import google, record, simulator
from support.sandbox import NOW


@pytest.fixture
def lms() -> Iterator[Lms]:
    with google() as served:
        yield served


def lose(lms: Lms, mark: str, fields: AssignmentFields = ESSAY, method: str = "PATCH") -> None:
    """Create an assignment of which no answer comes back: to the call that makes it, or that makes it visible."""
    lms.served.fail("error-after", method=method, path="courseWork", times=None)
    with lms.another() as losing, pytest.raises(Unavailable) as caught:
        lms.run(losing.create_assignment(lms.section, fields, mark))
    assert caught.value.in_doubt
    lms.served.control("DELETE", "faults")


def find(
    lms: Lms, mark: str, fields: AssignmentFields = ESSAY, since: int = NOW, known: Collection[str] = ()
) -> Assignment | None:
    with lms.another() as fresh:
        return lms.run(fresh.find_assignment(lms.section, fields, try_of(mark, since, known)))


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_of_equal_assignments_each_is_found_by_its_own_mark(lms: Lms, method: str) -> None:
    lose(lms, "one", method=method)
    lose(lms, "two", method=method)
    found = [find(lms, "one"), find(lms, "two"), find(lms, "one")]
    works = [work["id"] for work in simulator(lms).records.all("course_work")]
    assert [it.lms_id for it in found if it is not None] == [works[0], works[1], works[0]]
    assert {record(lms, it)["state"] for it in works} == {"PUBLISHED"}


@pytest.mark.parametrize("told", ["999", "9" * 300, "ours", "theirs", None])
def test_it_is_made_once_whatever_id_the_answer_has(lms: Lms, told: str | None) -> None:
    ids = {it: lms.create(title="Other").lms_id for it in ("ours", "theirs")}
    record(lms, ids["theirs"])["project"] = None
    lms.notes.kept.pop(note_key(ids["theirs"]))
    real = simulator(lms).answer

    async def answer(request: Any) -> Any:
        reply = await real(request)
        if request.method != "POST" or not request.path.endswith("/courseWork"):
            return reply
        return replace(
            reply, body=json.dumps({**json.loads(reply.body), "id": ids.get(told or "", told)}).encode()
        )

    simulator(lms).answer = answer  # type: ignore[method-assign]
    made = lms.create(title="New")
    works = {work["id"]: work for work in simulator(lms).records.all("course_work")}
    assert works.pop(made.lms_id)["title"] == "New"
    assert {(it["title"], it["description"]) for it in works.values()} == {("Other", "Two pages")}
    assert (made.published, lms.assignment(made.lms_id).title) == (True, "New")


def test_what_another_create_made_is_never_taken(lms: Lms) -> None:
    lose(lms, "one")
    assert find(lms, "two") is None
    assert find(lms, "one") is not None
    assert find(lms, "two") is None


def test_it_is_found_though_a_teacher_has_rewritten_it(lms: Lms) -> None:
    lose(lms, "mark")
    (work,) = simulator(lms).records.all("course_work")
    simulator(lms).ui_change_assignment(work["id"], title="Other", description="Other", due=NOW + 9 * DAY)
    found = find(lms, "mark", since=NOW + 9 * HOUR)
    assert found is not None
    assert (found.title, found.lms_id) == ("Other", work["id"])


def test_it_is_not_found_once_a_teacher_has_deleted_it(lms: Lms) -> None:
    lose(lms, "mark")
    (work,) = simulator(lms).records.all("course_work")
    lms.delete(work["id"])
    assert find(lms, "mark") is None


def test_what_is_noted_of_it_goes_with_it(lms: Lms) -> None:
    lose(lms, "mark")
    found = find(lms, "mark")
    assert found is not None
    lms.run(lms.connector.delete_assignment(lms.section, found.lms_id))
    assert set(lms.notes.kept) <= {"project"}


SENT: list[dict[str, Any]] = [
    {"title": "  Essay\u00a01 "},
    {"title": "Caf\u00e9"},
    {"description": "\r\n<p> Read </p>\r\n<ul><li>all</li></ul> "},
    {"description": ""},
    {"description": "", "description_plaintext": "Read\r\nall\t"},
    {"due_date": NOW + DAY + 999},
    {"due_date": NOW + DAY},
    {"points_possible": None},
    {"points_possible": None, "grading_type": "percent"},
    {"points_possible": None, "grading_type": "pass_fail"},
    {"points_possible": Decimal(0)},
    {"display_date": NOW + DAY},
    {"attachments": (Attachment("link", url="https://www.youtube.com/watch?v=dQw4w9WgXcQ"),)},
]


@pytest.mark.parametrize("changes", SENT, ids=str)
@pytest.mark.parametrize("some", [False, True])
def test_what_an_older_version_made_is_found_by_what_classroom_stores(
    lms: Lms, changes: dict[str, Any], some: bool
) -> None:
    assignees = {"assignee_mode": "individuals", "assignee_ids": tuple(lms.students[:3])}
    fields = replace(ESSAY, **changes, **(assignees if some else {}))
    lose(lms, "mark", fields)
    lms.notes.kept.clear()
    found = find(lms, "mark", fields)
    assert found is not None
    assert find(lms, "mark", fields, known=[found.lms_id]) is None
    assert find(lms, "mark", fields, since=NOW + HOUR) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Essay 2"}, {"description": "Three pages"}, {"due_date": NOW + 8 * DAY},
        {"points_possible": Decimal(21)}, {"points_possible": None},
        {"attachments": (Attachment("link", url="https://app.example/a"),)},
        {"assignee_mode": "individuals", "assignee_ids": ("1",)},
    ],
)  # fmt: skip
def test_what_differs_in_anything_is_something_else(lms: Lms, changes: dict[str, Any]) -> None:
    lose(lms, "mark")
    lms.notes.kept.clear()
    (work,) = simulator(lms).records.all("course_work")
    content = lms.run(lms.connector.read_assignment(lms.section, work["id"]))
    assert content.title == "Essay"
    assert find(lms, "mark", replace(ESSAY, **changes)) is None


def test_of_several_without_a_mark_each_takes_one(lms: Lms) -> None:
    lose(lms, "one")
    lose(lms, "two")
    lms.notes.kept.clear()
    first = find(lms, "one")
    assert first is not None
    second = find(lms, "two", known={first.lms_id})
    assert second is not None
    assert second.lms_id != first.lms_id


def test_students_who_have_left_since_make_no_difference() -> None:
    fields = replace(ESSAY, assignee_mode="individuals", assignee_ids=("1", "2"))
    content = {
        **map_assignments.to_lms(fields, new=True),
        "assigneeMode": "INDIVIDUAL_STUDENTS",
        "individualStudentsOptions": {"studentIds": ["2"]},
    }
    assert map_assignments.as_stored(fields).fits(content)
