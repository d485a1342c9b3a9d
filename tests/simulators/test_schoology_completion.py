"""Completion of a section in the simulated Schoology. schoolopy has no call for it; its own requests read it."""

from __future__ import annotations

from typing import Any

from support.schoology_client import ALGEBRA, OTHER_STUDENT, STUDENT, TEACHER, Schoology

COMPLETION = f"sections/{ALGEBRA}/completion"


def progress(schoology: Schoology, uid: str = STUDENT) -> Any:
    return schoology.teacher.get(f"{COMPLETION}/user/{uid}/{ALGEBRA}")


def test_without_rules_nobody_completes_anything(schoology: Schoology) -> None:
    assert progress(schoology) == {
        "uid": int(STUDENT), "total_rules": 0, "completed_rules": 0, "percent_complete": 0, "completed": 0,
    }  # fmt: skip


def test_students_progress_is_listed(schoology: Schoology, schoolopy_client: Any) -> None:
    schoology.lms.ui_set_completion_rules(ALGEBRA, 4)
    schoology.lms.ui_meet_completion_rules(ALGEBRA, STUDENT, 3)
    schoolopy_client.limit = 50
    listed = schoolopy_client._get(COMPLETION)  # noqa: SLF001 - it has no call for it
    assert (listed["total"], len(listed["completion"])) == (30, 30)
    first, second, *_ = listed["completion"]
    assert (first["completed_rules"], first["percent_complete"], first["completed"]) == (3, 0.75, 0)
    assert (second["uid"], second["completed_rules"]) == (int(OTHER_STUDENT), 0)


def test_what_is_complete_stays_so(schoology: Schoology) -> None:
    schoology.lms.ui_set_completion_rules(ALGEBRA, 1)
    schoology.lms.ui_meet_completion_rules(ALGEBRA, STUDENT, 1)
    assert (progress(schoology)["percent_complete"], progress(schoology)["completed"]) == (1, 1)
    schoology.lms.ui_set_completion_rules(ALGEBRA, 2)
    assert (progress(schoology)["percent_complete"], progress(schoology)["completed"]) == (0.5, 1)


def test_students_see_their_own(schoology: Schoology) -> None:
    student = schoology.as_user(STUDENT)
    assert [one["uid"] for one in student.get(COMPLETION)["completion"]] == [int(STUDENT)]
    assert student("GET", f"{COMPLETION}/user/{OTHER_STUDENT}/{ALGEBRA}").status_code == 403
    assert schoology.teacher("GET", f"{COMPLETION}/user/{TEACHER}/{ALGEBRA}").status_code == 404


def test_an_event_tells_of_the_last_rule(schoology: Schoology) -> None:
    target = schoology.admin("POST", "triggers/targets", {"target": "http://127.0.0.1:9/"}).json()
    subscription = {
        "target_id": target["id"],
        "trigger": "section_completion",
        "subscribed": 1,
        "include_object": 1,
    }
    schoology.admin("PUT", "triggers/subscriptions", {"subscription": [subscription]})
    schoology.lms.ui_set_completion_rules(ALGEBRA, 2)
    for rules in (1, 2, 2):
        schoology.lms.ui_meet_completion_rules(ALGEBRA, STUDENT, rules)
    [event] = schoology.lms.records.all("events")
    assert (event["body"]["uid"], event["body"]["type"]) == (int(STUDENT), "section_completion.update")
    assert event["body"]["data"]["object"] == progress(schoology)
