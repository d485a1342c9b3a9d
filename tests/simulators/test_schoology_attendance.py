"""Attendance in the simulated Schoology. schoolopy has no call for it, so its own requests are made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from passback_simulators.schoology import seed
from support.schoology_client import ALGEBRA, ENROLLMENT, OTHER_ENROLLMENT, STUDENT, Schoology

ATTENDANCE = f"sections/{ALGEBRA}/attendance"
TEACHERS_ENROLLMENT = seed.enrollment_lms_id("000007", "000001")


def status(enrollment: str, day: str, code: int, comment: str = "") -> dict[str, Any]:
    """A status as it is sent."""
    return {"enrollment_id": enrollment, "date": day, "status": str(code), "comment": comment}


def shown(sent: dict[str, Any]) -> dict[str, Any]:
    """A status as it is read."""
    return {**sent, "enrollment_id": int(sent["enrollment_id"]), "status": int(sent["status"])}


def put(schoology: Schoology, *statuses: dict[str, Any]) -> list[Any]:
    """Save statuses; returns the results."""
    reply = schoology.teacher("PUT", ATTENDANCE, {"attendances": {"attendance": list(statuses)}})
    assert reply.status_code == 207, (reply.status_code, reply.text)
    return list(reply.json()["attendance"])


ABSENT = status(ENROLLMENT, "2026-01-13", 2, "ill")
LATE = status(ENROLLMENT, "2026-01-14", 3)
EXCUSED = status(OTHER_ENROLLMENT, "2026-01-14", 4)


def test_it_is_listed_by_day_and_status(schoology: Schoology, schoolopy_client: Any) -> None:
    results = put(schoology, LATE, ABSENT, EXCUSED)
    assert [one["response_code"] for one in results] == [200, 200, 200]
    listed = schoolopy_client._get(ATTENDANCE)  # noqa: SLF001 - it has no call for it
    days = [
        (day["date"], one["status_code"], one["attendances"]["attendance"])
        for day in listed["date"]
        for one in day["statuses"]["status"]
    ]
    assert days == [
        ("2026-01-13", 2, [shown(ABSENT)]),
        ("2026-01-14", 3, [shown(LATE)]),
        ("2026-01-14", 4, [shown(EXCUSED)]),
    ]
    assert listed["totals"]["total"] == [{"status": code, "count": 1} for code in (2, 3, 4)]


def test_who_is_present_is_not_listed(schoology: Schoology) -> None:
    [absent] = put(schoology, ABSENT)
    [present] = put(schoology, {**ABSENT, "status": 1})
    assert absent["id"] == present["id"]
    assert schoology.teacher.get(ATTENDANCE) == {"date": [], "totals": {"total": []}}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("start=2026-01-14&end=2026-01-14", [3, 4]),
        ("end=2026-01-13", [2]),
        (f"enrollment_id={ENROLLMENT}", [2, 3]),
    ],
)
def test_the_query_narrows_the_list(schoology: Schoology, query: str, found: list[int]) -> None:
    put(schoology, ABSENT, LATE, EXCUSED)
    totals = schoology.teacher.get(f"{ATTENDANCE}?{query}")["totals"]["total"]
    assert [one["status"] for one in totals] == found


@pytest.mark.parametrize(
    "wrong",
    [
        {"enrollment_id": TEACHERS_ENROLLMENT},
        {"enrollment_id": STUDENT},
        {"status": 5},
        {"date": "13.1.2026"},
    ],
)
def test_one_that_is_wrong_does_not_stop_the_others(schoology: Schoology, wrong: dict[str, Any]) -> None:
    results = put(schoology, {**ABSENT, **wrong}, LATE)
    assert [one["response_code"] for one in results] == [400, 200]


def test_teachers_write_and_students_see_their_own(schoology: Schoology) -> None:
    put(schoology, ABSENT, EXCUSED)
    student = schoology.as_user(STUDENT)
    assert student.get(ATTENDANCE)["totals"]["total"] == [{"status": 2, "count": 1}]
    body = {"attendances": {"attendance": [ABSENT]}}
    assert student("PUT", ATTENDANCE, body).status_code == 403


def test_a_district_may_take_attendance_elsewhere(schoology: Schoology) -> None:
    schoology.set(sis_attendance_app=True)
    body = {"attendances": {"attendance": [ABSENT]}}
    replies = schoology.teacher("GET", ATTENDANCE), schoology.teacher("PUT", ATTENDANCE, body)
    assert [one.status_code for one in replies] == [410, 410]


def test_one_event_tells_of_all_that_were_saved(schoology: Schoology) -> None:
    target = schoology.admin("POST", "triggers/targets", {"target": "http://127.0.0.1:9/"}).json()
    subscription = {"target_id": target["id"], "trigger": "attendance", "subscribed": 1, "include_object": 1}
    schoology.admin("PUT", "triggers/subscriptions", {"subscription": [subscription]})
    put(schoology, ABSENT, {**LATE, "status": 9}, EXCUSED)
    [event] = schoology.lms.records.all("events")
    data = [
        {"realm": "section", "section_id": int(ALGEBRA), "object": shown(one)} for one in (ABSENT, EXCUSED)
    ]
    assert (event["body"]["type"], event["body"]["data"]) == ("attendance.update", data)
