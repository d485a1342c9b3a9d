"""Changes of the simulated Google Classroom's course work: masks, states, time, deletion, and assignees."""

from __future__ import annotations

from typing import Any

import pytest

from passback.domain.clock import DAY
from passback_simulators.google_classroom import seed
from support.classroom import ALGEBRA, ESSAY, ESSAY_DUE, STUDENT_ID, WORKS, Classroom

INVALID, PRECONDITION, DENIED = "INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED"
DUE = {"dueDate": ESSAY["dueDate"], "dueTime": ESSAY["dueTime"]}


def patch(classroom: Classroom, work: str, mask: str, **body: Any) -> Any:
    return classroom.teacher.done("PATCH", f"{work}?updateMask={mask}", body)


def titles(classroom: Classroom, query: str = "") -> list[str]:
    return [one["title"] for one in classroom.teacher.get(f"{WORKS}{query}").get("courseWork", [])]


# Changing.


@pytest.mark.parametrize(
    ("mask", "body", "changed"),
    [
        ("maxPoints", {"maxPoints": 10}, {"maxPoints": 10}),
        ("max_points", {"max_points": 10}, {"maxPoints": 10}),
        ("title", {"title": "New", "description": "not in the mask"}, {"title": "New"}),
        ("title,maxPoints", {"title": "New", "maxPoints": 5}, {"title": "New", "maxPoints": 5}),
        ("description", {}, {"description": None}),
        ("maxPoints", {}, {"maxPoints": None}),
        ("dueDate,dueTime", {}, {"dueDate": None, "dueTime": None}),
        ("due_date,due_time", {}, {"dueDate": None, "dueTime": None}),
        ("dueTime", {"dueTime": {}}, {"dueTime": {}}),
        ("dueDate", {"dueDate": {"year": 2027, "month": 1, "day": 1}}, {"dueDate": {"year": 2027, "month": 1, "day": 1}}),
        ("submissionModificationMode", {"submissionModificationMode": "MODIFIABLE"}, {"submissionModificationMode": "MODIFIABLE"}),
        ("topicId", {"topicId": seed.TOPICS["000007"]}, {"topicId": seed.TOPICS["000007"]}),
        ("gradingPeriodId", {"gradingPeriodId": ""}, {"gradingPeriodId": None}),
        ("learningGoals", {}, {}),
    ],
)  # fmt: skip
def test_masks_name_what_changes(
    classroom: Classroom, mask: str, body: dict[str, Any], changed: dict[str, Any]
) -> None:
    work = classroom.work(description="Do 1-9")
    before = classroom.teacher.get(work)
    del before["assignment"]  # the folder's name follows the title
    expected = {name: value for name, value in {**before, **changed}.items() if value is not None}
    answer = patch(classroom, work, mask, **body)
    assert answer == classroom.teacher.get(work)
    assert {name: value for name, value in answer.items() if name != "assignment"} == expected


@pytest.mark.parametrize(
    ("mask", "body"),
    [
        ("", {"title": "New"}),
        ("colour", {}),
        ("title,colour", {"title": "New"}),
        ("materials", {"materials": []}),
        ("workType", {"workType": "ASSIGNMENT"}),
        ("assigneeMode", {"assigneeMode": "ALL_STUDENTS"}),
        ("id", {"id": "1"}),
        ("title", {}),
        ("title", {"title": ""}),
        ("state", {}),
        ("submissionModificationMode", {}),
        ("dueDate", {}),
        ("dueTime", {}),
        ("maxPoints", {"maxPoints": 0.5}),
        ("topicId", {"topicId": "1"}),
        ("gradingPeriodId", {"gradingPeriodId": "1"}),
        ("state", {"state": "DRAFT"}),
        ("state", {"state": "DELETED"}),
        ("scheduledTime", {"scheduledTime": "2026-01-02T00:00:00Z"}),  # as it is published
        ("dueDate", {"dueDate": {"year": 2025, "month": 1, "day": 1}}),
    ],
)
def test_what_a_patch_cannot_do(classroom: Classroom, mask: str, body: dict[str, Any]) -> None:
    work = classroom.work()
    before = classroom.teacher.get(work)
    assert classroom.teacher.refused("PATCH", f"{work}?updateMask={mask}", body) == INVALID
    assert classroom.teacher.get(work) == before


def test_a_patch_needs_a_mask(classroom: Classroom) -> None:
    assert classroom.teacher.refused("PATCH", classroom.work(), {"title": "New"}) == INVALID


def test_only_times_of_update_move(classroom: Classroom) -> None:
    work = classroom.work()
    classroom.clock.now += 123
    shown = patch(classroom, work, "title", title="New")
    assert (shown["creationTime"], shown["updateTime"]) == (
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.123Z",
    )


def test_drafts_are_published_at_their_time_and_not_before(classroom: Classroom) -> None:
    work = classroom.work(state="DRAFT", scheduledTime="2026-01-02T01:00:00+01:00")
    states = []
    for _ in range(2):
        shown = classroom.teacher.get(work)
        states.append((shown["state"], shown.get("scheduledTime"), shown["updateTime"]))
        classroom.clock.advance(hours=24)
    assert states == [
        ("DRAFT", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), ("PUBLISHED", None, "2026-01-02T00:00:00Z")
    ]  # fmt: skip


def test_a_list_shows_drafts_whose_time_has_come(classroom: Classroom) -> None:
    classroom.work(state="DRAFT", scheduledTime="2026-01-02T00:00:00Z")
    before = titles(classroom)
    classroom.clock.advance(days=1)
    assert (before, titles(classroom)) == ([], ["Essay"])


def test_schedules_are_moved_and_dropped(classroom: Classroom) -> None:
    work = classroom.work(state="DRAFT", scheduledTime="2026-01-02T00:00:00Z")
    moved = patch(classroom, work, "scheduledTime", scheduledTime="2026-01-03T00:00:00Z")
    dropped = patch(classroom, work, "scheduledTime")
    classroom.clock.advance(days=9)
    assert (moved["scheduledTime"], "scheduledTime" in dropped) == ("2026-01-03T00:00:00Z", False)
    assert classroom.teacher.get(work)["state"] == "DRAFT"


def test_publishing_ends_a_schedule(classroom: Classroom) -> None:
    work = classroom.work(state="DRAFT", scheduledTime="2026-01-02T00:00:00Z")
    shown = patch(classroom, work, "state", state="PUBLISHED")
    assert (shown["state"], "scheduledTime" in shown) == ("PUBLISHED", False)


# Deleting.


def test_deleted_items_stay_for_teachers_for_a_while(classroom: Classroom) -> None:
    work = classroom.work()
    classroom.teacher.done("DELETE", work)
    assert (classroom.teacher.get(work)["state"], titles(classroom)) == ("DELETED", [])
    assert titles(classroom, "?courseWorkStates=DELETED") == ["Essay"]
    classroom.clock.now += 30 * DAY
    assert classroom.teacher.refused("GET", work) == "NOT_FOUND"


def test_deleted_drafts_are_gone(classroom: Classroom) -> None:
    work = classroom.work(state="DRAFT")
    classroom.teacher.done("DELETE", work)
    assert classroom.teacher.refused("GET", work) == "NOT_FOUND"


@pytest.mark.parametrize(
    ("method", "more", "body", "answer"),
    [
        ("DELETE", "", None, PRECONDITION),
        ("PATCH", "?updateMask=title", {"title": "New"}, PRECONDITION),
        ("POST", ":modifyAssignees", {"assigneeMode": "ALL_STUDENTS"}, PRECONDITION),
        ("GET", "/studentSubmissions", None, "NOT_FOUND"),
    ],
)
def test_deleted_items_cannot_be_changed(
    classroom: Classroom, method: str, more: str, body: Any, answer: str
) -> None:
    work = classroom.work()
    classroom.lms.ui_delete_assignment(work.rpartition("/")[2])
    assert classroom.teacher.refused(method, work + more, body) == answer


# Assignees.


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, INVALID),
        ({"assigneeMode": "INDIVIDUAL_STUDENTS"}, f"{PRECONDITION} @EmptyAssignees"),
        ({"assigneeMode": "ALL_STUDENTS", "modifyIndividualStudentsOptions": {"addStudentIds": [STUDENT_ID]}}, INVALID),
        ({"assigneeMode": "INDIVIDUAL_STUDENTS", "modifyIndividualStudentsOptions": {"addStudentIds": ["1"]}}, INVALID),
        ({"assigneeMode": "INDIVIDUAL_STUDENTS",
          "modifyIndividualStudentsOptions": {"addStudentIds": [STUDENT_ID], "removeStudentIds": [STUDENT_ID]}}, INVALID),
    ],
)  # fmt: skip
def test_bad_assignees(classroom: Classroom, body: dict[str, Any], answer: str) -> None:
    work = classroom.work()
    assert classroom.teacher.refused("POST", f"{work}:modifyAssignees", body) == answer
    assert classroom.teacher.get(work)["assigneeMode"] == "ALL_STUDENTS"


def test_other_projects_may_modify_assignees(classroom: Classroom) -> None:
    body = {
        "assigneeMode": "INDIVIDUAL_STUDENTS",
        "modifyIndividualStudentsOptions": {"addStudentIds": [STUDENT_ID]},
    }
    shown = classroom.stranger.done("POST", f"{classroom.work()}:modifyAssignees", body)
    assert shown["individualStudentsOptions"] == {"studentIds": [STUDENT_ID]}


def test_teachers_work_in_the_web_pages(classroom: Classroom) -> None:
    id_ = classroom.lms.ui_create_assignment(ALGEBRA, "Theirs", due=ESSAY_DUE)
    classroom.lms.ui_change_assignment(id_, title="Changed")
    shown = classroom.teacher.get(f"{WORKS}/{id_}")
    assert (shown["title"], shown["dueTime"], "associatedWithDeveloper" in shown) == (
        "Changed",
        DUE["dueTime"],
        False,
    )
    assert classroom.teacher.refused("DELETE", f"{WORKS}/{id_}") == f"{DENIED} @ProjectPermissionDenied"
