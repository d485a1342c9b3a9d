"""The simulated Canvas, in courses that a teacher has set up otherwise: zones, groups, schemes, policies, moderation."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from passback.testing.served import Served
from passback_simulators.canvas.app import CanvasSimulator
from passback_simulators.canvas.seed import ADMIN_TOKEN, person_lms_id
from support.sandbox import SetClock

ONE, TWO, THREE = (person_lms_id(f"00100{number}") for number in (1, 2, 3))
MIDNIGHT = "2026-02-01T05:00:00Z"
"""In New York, where the account is."""


def call(served: Served, method: str, path: str, content: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Accept": "application/json+canvas-string-ids"}
    reply = httpx2.request(method, f"{served.url}/api/v1/{path}", headers=headers, json=content)
    return reply.json() if reply.status_code < 400 else (reply.status_code, reply.json())


def create(served: Served, **fields: Any) -> str:
    given = {"name": "Essay", "published": True, "points_possible": 20, **fields}
    made = call(served, "POST", "courses/107/assignments", {"assignment": given})
    return f"courses/107/assignments/{made['id']}"


def grade(served: Served, path: str, student: str, posted: str) -> Any:
    return call(served, "PUT", f"{path}/submissions/{student}", {"submission": {"posted_grade": posted}})


def grades(served: Served, path: str) -> list[Any]:
    return [call(served, "GET", f"{path}/submissions/{one}")["score"] for one in (ONE, TWO, THREE)]


def canvas_of(served: Served) -> CanvasSimulator:
    assert isinstance(served.simulator, CanvasSimulator)
    return served.simulator


def test_due_at_midnight_means_the_end_of_the_day_that_begins(served: Served) -> None:
    path = create(served, due_at=MIDNIGHT, lock_at=MIDNIGHT, unlock_at="2026-01-01T05:00:00Z")
    shown = call(served, "GET", path)
    assert [shown[name] for name in ("unlock_at", "due_at", "lock_at")] == [
        "2026-01-01T05:00:00Z", "2026-02-02T04:59:59Z", "2026-02-02T04:59:59Z",
    ]  # fmt: skip
    call(served, "PUT", "courses/107", {"course": {"time_zone": "UTC"}})
    assert call(served, "PUT", path, {"assignment": {"due_at": MIDNIGHT}})["due_at"] == MIDNIGHT


def in_a_group(served: Served, **fields: Any) -> str:
    made = call(served, "POST", "group_categories/5/groups", {"course_id": 107})
    for one in (ONE, TWO):
        call(served, "POST", f"groups/{made['id']}/memberships", {"user_id": one})
    assert [it["id"] for it in call(served, "GET", f"groups/{made['id']}/users")] == [ONE, TWO]
    return create(served, group_category_id=5, **fields)


def test_a_grade_of_a_group_fans_out_unless_each_is_graded(served: Served) -> None:
    together = in_a_group(served)
    apart = create(served, group_category_id=5, grade_group_students_individually=True)
    reached = grade(served, together, ONE, "18")["all_submissions"]
    grade(served, apart, ONE, "18")
    assert [it["user_id"] for it in reached] == [ONE, TWO]
    assert (grades(served, together), grades(served, apart)) == ([18, 18, None], [18, None, None])


def test_an_override_of_a_group_gives_it_to_its_members(served: Served) -> None:
    path = in_a_group(served, only_visible_to_overrides=True)
    override = {
        "group_id": call(served, "GET", "courses/107/groups")[0]["id"],
        "due_at": "2026-03-01T12:00:00Z",
    }
    made = call(served, "POST", f"{path}/overrides", {"assignment_override": override})
    assert made["group_id"] == override["group_id"]
    shown = call(served, "GET", f"{path}?include[]=assignment_visibility")
    assert shown["assignment_visibility"] == [ONE, TWO]
    assert call(served, "GET", f"{path}/submissions/{ONE}")["cached_due_date"] == override["due_at"]


def test_an_override_of_the_course_gives_it_to_everyone_and_takes_no_other_target(served: Served) -> None:
    path = create(served, only_visible_to_overrides=True)
    canvas_of(served).ui_add_override(path.rpartition("/")[2], course_id=107, due_at=1_772_366_400_000)
    override = call(served, "GET", f"{path}/overrides")[0]
    assert (override["course_id"], call(served, "GET", f"{path}/submissions/{ONE}")["id"] is not None) == (
        "107",
        True,
    )
    refused = call(served, "PUT", f"{path}/overrides/{override['id']}", {"assignment_override": {}})
    assert refused[0] == 400


@pytest.mark.parametrize(
    ("kind", "posted", "shown"),
    [
        ("pass_fail", "pass", "complete"), ("pass_fail", "fail", "incomplete"), ("letter_grade", "B", "B"),
        ("percent", "85%", "0%"), ("points", "5", "5"),
    ],
)  # fmt: skip
def test_on_no_points_the_word_counts_and_a_share_is_nothing(
    served: Served, kind: str, posted: str, shown: str
) -> None:
    path = create(served, points_possible=0, grading_type=kind)
    assert grade(served, path, ONE, posted)["grade"] == shown


def test_a_scheme_is_the_assignments_the_courses_the_accounts_or_the_default(served: Served) -> None:
    entries = [{"name": "E", "value": 80}, {"name": "N", "value": 0}]
    scheme = call(
        served, "POST", "courses/107/grading_standards", {"title": "EN", "grading_scheme_entry": entries}
    )
    path = create(served, grading_type="letter_grade")
    assert grade(served, path, ONE, "E")["grade"] == "E"  # of the course's own
    call(served, "PUT", "courses/107", {"course": {"grading_standard_id": scheme["id"]}})
    assert [grade(served, path, ONE, posted)["grade"] for posted in ("N", "A")] == ["N", None]
    call(served, "PUT", "courses/107", {"course": {"grading_standard_id": None}})
    assert [grade(served, path, ONE, posted)["grade"] for posted in ("A+", "E")] == ["A+", None]
    canvas_of(served).ui_change_account(grading_standard_id=scheme["id"])
    assert [grade(served, path, ONE, posted)["grade"] for posted in ("E", "A")] == ["E", None]


def test_missing_work_is_graded_by_the_courses_policy(served: Served) -> None:
    path = create(served, due_at="2026-01-02T12:00:00Z", submission_types=["online_text_entry"])
    on_paper = create(served, due_at="2026-01-02T12:00:00Z", submission_types=["on_paper"])
    policy = {"missing_submission_deduction_enabled": True, "missing_submission_deduction": 75}
    call(served, "POST", "courses/107/late_policy", {"late_policy": policy})
    assert call(served, "GET", "courses/107/late_policy")["late_policy"]["missing_submission_deduction"] == 75
    before = call(served, "GET", f"{path}/submissions/{ONE}")
    assert isinstance(served.simulator.clock, SetClock)
    served.simulator.clock.advance(days=3)
    after = call(served, "GET", f"{path}/submissions/{ONE}")
    names = ("missing", "score", "grader_id", "workflow_state")
    assert [before[name] for name in names] == [False, None, None, "unsubmitted"]
    assert [after[name] for name in names] == [True, 5, None, "graded"]
    assert call(served, "GET", f"{on_paper}/submissions/{ONE}")["missing"] is False
    graded = grade(served, path, ONE, "12")
    assert (graded["score"], graded["missing"]) == (12, False)


@pytest.mark.parametrize("how", [{"moderated_grading": True}, {"anonymous_grading": True}])
def test_nobody_grades_by_name_what_is_moderated_or_anonymous(served: Served, how: dict[str, Any]) -> None:
    path = create(served, **how)
    many = {"grade_data": {ONE: {"posted_grade": "5"}}}
    assert grade(served, path, ONE, "5")[0] == 403
    assert call(served, "POST", f"{path}/submissions/update_grades", many)[0] == 403
    listed = call(served, "GET", f"{path}/submissions")
    assert ("user_id" in listed[0], "anonymous_id" in listed[0]) == (
        ("moderated_grading" in how), ("anonymous_grading" in how),
    )  # fmt: skip


def test_nothing_changes_in_a_concluded_course(served: Served) -> None:
    path = create(served)
    call(served, "PUT", "courses/107", {"course": {"event": "conclude"}})
    assert call(served, "GET", "courses/107?include[]=concluded")["concluded"] is True
    assert [
        grade(served, path, ONE, "5")[0], call(served, "PUT", path, {"assignment": {"name": "x"}})[0],
        call(served, "DELETE", path)[0],
    ] == [403] * 3  # fmt: skip
    assert call(served, "GET", "courses/107/permissions?permissions[]=manage_grades") == {
        "manage_grades": False
    }


def test_a_cross_listed_section_moves_with_its_students(served: Served) -> None:
    moved = call(served, "POST", "sections/207/crosslist/108")
    assert (moved["course_id"], moved["nonxlist_course_id"]) == ("108", "107")
    assert call(served, "GET", "courses/107/sections") == []
    people = call(served, "GET", "courses/108/enrollments?per_page=100&type[]=StudentEnrollment")
    assert ONE in {it["user_id"] for it in people}
