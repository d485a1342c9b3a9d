"""Course work of the simulated Google Classroom, by plain HTTP: fields, limits, and who can see what."""

from __future__ import annotations

from typing import Any

import pytest

from passback_simulators.google_classroom import seed
from support.classroom import (
    ALGEBRA,
    BIOLOGY,
    BIOLOGY_STUDENT,
    BIOLOGY_TEACHER,
    ESSAY,
    OTHER_STUDENT_ID,
    STUDENT,
    STUDENT_ID,
    TEACHER_ID,
    WORKS,
    Classroom,
)

INVALID, PRECONDITION, DENIED = "INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED"
PLAIN = {"title": "Plain", "workType": "ASSIGNMENT"}
DUE = {"dueDate": ESSAY["dueDate"], "dueTime": ESSAY["dueTime"]}
LINK = {"link": {"url": "https://app.example/a/1"}}


def titles(classroom: Classroom, query: str = "") -> list[str]:
    return [one["title"] for one in classroom.teacher.get(f"{WORKS}{query}").get("courseWork", [])]


# Creating.


def test_what_a_create_does_not_say(classroom: Classroom) -> None:
    made = classroom.teacher.done("POST", WORKS, PLAIN)
    assert made == {
        "courseId": ALGEBRA, "id": made["id"], "title": "Plain", "state": "DRAFT",
        "creationTime": "2026-01-01T00:00:00Z", "updateTime": "2026-01-01T00:00:00Z", "workType": "ASSIGNMENT",
        "associatedWithDeveloper": True, "assigneeMode": "ALL_STUDENTS",
        "submissionModificationMode": "MODIFIABLE_UNTIL_TURNED_IN", "creatorUserId": TEACHER_ID,
    }  # fmt: skip


def test_what_only_the_server_says_is_ignored(classroom: Classroom) -> None:
    given = {"id": "1", "courseId": BIOLOGY, "creatorUserId": "1", "alternateLink": "x", "gradeCategory": {"id": "1"},
             "creationTime": "2020-01-01T00:00:00Z", "associatedWithDeveloper": False}  # fmt: skip
    made = classroom.teacher.done("POST", WORKS, PLAIN | given)
    assert not {name for name, value in given.items() if made.get(name) == value}


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ({"title": "x" * 3000}, None),
        ({"title": "x" * 3001}, INVALID),
        ({"title": ""}, INVALID),
        ({"title": None}, INVALID),
        ({"title": 5}, INVALID),
        ({"description": "x" * 30_000}, None),
        ({"description": "x" * 30_001}, INVALID),
        ({"workType": None}, INVALID),
        ({"workType": "QUIZ"}, INVALID),
        ({"workType": "MULTIPLE_CHOICE_QUESTION"}, INVALID),
        ({"workType": "MULTIPLE_CHOICE_QUESTION", "multipleChoiceQuestion": {"choices": ["a", "b"]}}, None),
        ({"multipleChoiceQuestion": {"choices": ["a"]}}, INVALID),
        ({"maxPoints": 10.0}, None),
        ({"maxPoints": 10.5}, INVALID),
        ({"maxPoints": -1}, INVALID),
        ({"maxPoints": "ten"}, INVALID),
        ({"materials": [LINK] * 20}, None),
        ({"materials": [LINK] * 21}, INVALID),
        ({"materials": [{"link": {"url": "https://a.example/" + "x" * 2006}}]}, None),
        ({"materials": [{"link": {"url": "https://a.example/" + "x" * 2007}}]}, INVALID),
        ({"materials": [{"link": {"url": "ftp://a.example/"}}]}, INVALID),
        ({"materials": [{"link": {}}]}, INVALID),
        ({"materials": [{}]}, INVALID),
        ({"materials": [{**LINK, "youtubeVideo": {"id": "abcdefghijk"}}]}, INVALID),
        ({"materials": [{"form": {"formUrl": "https://forms.example"}}]}, INVALID),
        ({"materials": [{"driveFile": {"driveFile": {"id": seed.DRIVE_FILE}, "shareMode": "EDIT"}}]}, None),
        (
            {"materials": [{"driveFile": {"driveFile": {"id": "no-such"}}}]},
            f"{PRECONDITION} @AttachmentNotVisible",
        ),
        ({"topicId": seed.TOPICS["000007"]}, None),
        ({"topicId": seed.TOPICS["000008"]}, INVALID),
        ({"gradingPeriodId": "715000000712"}, INVALID),
        ({"state": "DELETED"}, INVALID),
        ({"state": "HIDDEN"}, INVALID),
        (DUE, None),
        ({"dueDate": DUE["dueDate"]}, INVALID),
        ({"dueTime": DUE["dueTime"]}, INVALID),
        ({**DUE, "dueDate": {"year": 2026, "month": 2, "day": 30}}, INVALID),
        ({**DUE, "dueDate": {"year": 2026, "month": 2}}, INVALID),
        ({**DUE, "dueTime": {"hours": 24}}, INVALID),
        ({**DUE, "dueDate": {"year": 2025, "month": 12, "day": 31}}, INVALID),
        ({"scheduledTime": "2026-01-02T00:00:00Z"}, None),
        ({"scheduledTime": "2026-01-01T00:00:00Z"}, INVALID),
        ({"scheduledTime": "2026-01-02T00:00:00Z", "state": "PUBLISHED"}, INVALID),
        ({"scheduledTime": "tomorrow"}, INVALID),
        ({"assigneeMode": "INDIVIDUAL_STUDENTS"}, INVALID),
        ({"individualStudentsOptions": {"studentIds": [STUDENT_ID]}}, INVALID),
        (
            {"assigneeMode": "INDIVIDUAL_STUDENTS", "individualStudentsOptions": {"studentIds": ["1"]}},
            INVALID,
        ),
        ({"learningGoals": []}, INVALID),
        ({"max_points": 10, "work_type": "ASSIGNMENT"}, None),
    ],
)
def test_limits_of_a_create(classroom: Classroom, given: dict[str, Any], answer: str | None) -> None:
    reply = classroom.teacher("POST", WORKS, PLAIN | given)
    error = None if reply.status_code == 200 else classroom.teacher.refused("POST", WORKS, PLAIN | given)
    assert error == answer, reply.text
    assert len(titles(classroom, "?courseWorkStates=DRAFT")) == (answer is None)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b'{"title":"\\ud800"}', b"[" * 5000])
def test_bodies_that_are_no_messages(classroom: Classroom, body: bytes) -> None:
    assert classroom.teacher("POST", WORKS, content=body).status_code == 400


def test_an_error_tells_which_field_is_wrong(classroom: Classroom) -> None:
    error = classroom.teacher("POST", WORKS, PLAIN | {"state": 5}).json()["error"]
    [detail] = error["details"]
    assert detail["fieldViolations"][0]["field"] == "course_work.state"


def test_due_dates_may_be_in_the_past_if_the_setting_allows_it(classroom: Classroom) -> None:
    classroom.set(past_due_dates=True)
    assert (
        classroom.teacher.get(classroom.work(dueDate={"year": 2020, "month": 1, "day": 1}))["dueDate"]["year"]
        == 2020
    )


@pytest.mark.parametrize(
    ("material", "kind"),
    [
        ("https://app.example/a/1", "link"),
        ("https://www.youtube.com/watch?v=abcdefghijk", "youtubeVideo"),
        (f"https://drive.google.com/file/d/{seed.DRIVE_FILE}/view", "driveFile"),
        ("https://drive.google.com/file/d/not-ours/view", "link"),
    ],
)
def test_links_turn_into_what_they_lead_to(classroom: Classroom, material: str, kind: str) -> None:
    [kept] = classroom.teacher.get(classroom.work(materials=[{"link": {"url": material}}]))["materials"]
    assert list(kept) == [kind]
    assert kind != "link" or kept["link"].keys() == {"url", "title", "thumbnailUrl"}


@pytest.mark.parametrize(
    ("given", "period"),
    [
        ({}, None),
        (DUE, "7150000071"),
        ({**DUE, "dueDate": {"year": 2026, "month": 2, "day": 1}}, "7150000072"),
        ({"scheduledTime": "2026-03-01T00:00:00Z"}, "7150000072"),
        ({**DUE, "gradingPeriodId": ""}, None),
        ({**DUE, "gradingPeriodId": "7150000072"}, "7150000072"),
        ({**DUE, "dueDate": {"year": 2027, "month": 2, "day": 1}}, None),
    ],
)
def test_grading_periods_follow_from_dates(
    classroom: Classroom, given: dict[str, Any], period: str | None
) -> None:
    assert classroom.teacher.done("POST", WORKS, PLAIN | given).get("gradingPeriodId") == period


def test_a_licence_may_be_without_grading_periods(classroom: Classroom) -> None:
    classroom.set(grading_periods=False)
    path = f"courses/{ALGEBRA}/gradingPeriodSettings"
    assert (classroom.teacher.get(path), "gradingPeriodId" in classroom.teacher.get(classroom.work())) == (
        {},
        False,
    )
    refusal = classroom.teacher.refused("PATCH", f"{path}?updateMask=gradingPeriods", {})
    assert refusal == f"{DENIED} @UserIneligibleToUpdateGradingPeriodSettings"


@pytest.mark.parametrize(
    ("who", "path", "answer"),
    [
        (STUDENT, WORKS, DENIED),
        (BIOLOGY_TEACHER, WORKS, DENIED),
        (seed.ADMIN, WORKS, DENIED),
        (seed.CO_TEACHER, f"courses/{BIOLOGY}/courseWork", None),
        (BIOLOGY_TEACHER, f"courses/{seed.ORPHAN_COURSE}/courseWork", None),
        (seed.CO_TEACHER, "courses/1/courseWork", "NOT_FOUND"),
    ],
)
def test_only_teachers_create(classroom: Classroom, who: str, path: str, answer: str | None) -> None:
    caller = classroom.as_user(who)
    assert (
        caller.refused("POST", path, PLAIN) if answer else caller.done("POST", path, PLAIN) and None
    ) == answer


# Reading.


@pytest.mark.parametrize(
    ("time", "shown"),
    [({}, {}), ({"hours": 0}, {}), ({"hours": 14}, {"hours": 14}), ({"hours": 18, "seconds": 24}, DUE["dueTime"]),
     ({"minutes": 59, "nanos": 5_000_000}, {"minutes": 59, "nanos": 5_000_000})],
)  # fmt: skip
def test_due_times_leave_zeros_out(classroom: Classroom, time: dict[str, int], shown: dict[str, int]) -> None:
    assert classroom.teacher.get(classroom.work(dueTime=time))["dueTime"] == shown


def test_empty_lists_and_zeros_are_left_out(classroom: Classroom) -> None:
    work = classroom.work(maxPoints=0, description="", materials=[], topicId="")
    shown = classroom.teacher.get(work)
    assert not {"maxPoints", "description", "materials", "topicId", "gradeCategory"} & shown.keys()
    assert classroom.as_user(BIOLOGY_STUDENT).get(f"courses/{BIOLOGY}/courseWork") == {}


def test_whether_an_item_is_associated_depends_on_the_callers_project(classroom: Classroom) -> None:
    work = classroom.work()
    answers = [
        one.get(work).get("associatedWithDeveloper") for one in (classroom.teacher, classroom.stranger)
    ]
    assert answers == [True, None]


def test_students_see_only_what_is_published_for_them(classroom: Classroom) -> None:
    options = {"studentIds": [OTHER_STUDENT_ID]}
    others = classroom.work(
        title="others'", assigneeMode="INDIVIDUAL_STUDENTS", individualStudentsOptions=options
    )
    ours, draft = classroom.work(title="ours"), classroom.work(title="draft", state="DRAFT")
    listed = classroom.student.get(f"{WORKS}?courseWorkStates=DRAFT&courseWorkStates=PUBLISHED")["courseWork"]
    assert [one["title"] for one in listed] == ["ours"]
    assert [classroom.student("GET", one).status_code for one in (others, ours, draft)] == [403, 200, 403]


@pytest.mark.parametrize(
    ("query", "answer"),
    [("orderBy=title", INVALID), ("orderBy=dueDate+sideways", INVALID), ("courseWorkStates=ANY", INVALID),
     ("pageSize=-1", INVALID), ("pageSize=x", INVALID), ("colour=red", INVALID), ("pageToken=x", INVALID)],
)  # fmt: skip
def test_bad_queries(classroom: Classroom, query: str, answer: str) -> None:
    assert classroom.teacher.refused("GET", f"{WORKS}?{query}") == answer


def test_only_some_fields(classroom: Classroom) -> None:
    classroom.work()
    shown = classroom.teacher.get(f"{WORKS}?fields=courseWork(title,dueDate/day)&prettyPrint=false")
    assert shown == {"courseWork": [{"title": "Essay", "dueDate": {"day": 28}}]}
    assert classroom.teacher.refused("GET", f"{WORKS}?fields=courseWork(") == INVALID
