"""The simulated Canvas's scores of students: groups, weights, policies and grading periods."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from canvasapi import Canvas
from canvasapi.exceptions import BadRequest, Forbidden, ResourceDoesNotExist, UnprocessableEntity
from requests.exceptions import JSONDecodeError

from passback.testing.served import Served
from passback_simulators.canvas.seed import ADMIN_TOKEN
from support.canvas_client import (
    ALGEBRA,
    ESSAY,
    OBSERVER,
    OTHER,
    STUDENT,
    TEACHER,
    WARNINGS,
    as_user,
    assisting,
    clock_of,
    graded,
)

pytestmark = WARNINGS


def grades(course: Any, student: int = STUDENT, **asked: Any) -> Any:
    (enrollment,) = course.get_enrollments(user_id=student, **asked)
    return enrollment.grades


def totals(course: Any) -> tuple[Any, Any]:
    shown = grades(course)
    return shown["current_score"], shown["final_score"]


def periods(served: Served, *, weights: tuple[int, int] | None = None) -> list[int]:
    """The school year's two grading periods, as the administrators' pages make them; returns their ids."""
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    made = httpx2.post(
        f"{served.url}/api/v1/accounts/1/grading_period_sets", headers=headers,
        json={"grading_period_set": {"title": "Year", "weighted": weights is not None}},
    ).json()["grading_period_set"]["id"]  # fmt: skip
    given = [
        {"title": "First", "start_date": "2025-09-01T00:00:00Z", "end_date": "2026-01-31T00:00:00Z",
         "close_date": "2026-02-15T00:00:00Z", "weight": weights and weights[0]},
        {"title": "Second", "start_date": "2026-01-31T00:00:00Z", "end_date": "2026-06-30T00:00:00Z",
         "weight": weights and weights[1]},
    ]  # fmt: skip
    path = f"{served.url}/api/v1/grading_period_sets/{made}/grading_periods/batch_update"
    answer = httpx2.patch(path, headers=headers, json={"grading_periods": given})
    return [it["id"] for it in answer.json()["grading_periods"]]


FIRST, SECOND = {"due_at": "2026-01-15T12:00:00Z"}, {"due_at": "2026-03-01T12:00:00Z"}
"""Due in the first and in the second grading period."""


def test_the_current_score_is_of_what_is_graded_and_the_final_one_of_everything(algebra: Any) -> None:
    assert totals(algebra) == (None, None)
    graded(algebra, {STUDENT: "15"})
    graded(algebra, {}, points_possible=10)
    graded(algebra, {STUDENT: "0"}, omit_from_final_grade=True)
    graded(
        algebra, {STUDENT: "1"}, published=True, submission_types=["not_graded"], grading_type="not_graded"
    )
    assert totals(algebra) == (75, 50)


def test_excused_work_does_not_count(algebra: Any) -> None:
    graded(algebra, {STUDENT: "15"})
    graded(algebra, {}).get_submission(STUDENT).edit(submission={"excuse": True})
    assert totals(algebra) == (75, 75)


def test_hidden_grades_count_only_where_it_says_so(algebra: Any, served: Served) -> None:
    graded(algebra, {STUDENT: "20"})
    served.control("PUT", "settings", {"manual_post_policy": True})
    graded(algebra, {STUDENT: "10"})
    seen = grades(algebra, include=["current_points"])
    assert [seen[f"{kind}current_score"] for kind in ("", "unposted_")] == [100, 75]
    assert [seen[f"{kind}current_points"] for kind in ("", "unposted_")] == [20, 30]
    assert seen["final_score"] == 50


def test_groups_count_by_their_weights_scaled_to_those_that_have_points(algebra: Any) -> None:
    homework = algebra.create_assignment_group(name="Homework", group_weight=30)
    exams = algebra.create_assignment_group(name="Exams", group_weight=30)
    algebra.create_assignment_group(name="Projects", group_weight=40)
    graded(algebra, {STUDENT: "10"}, assignment_group_id=homework.id)
    graded(algebra, {STUDENT: "20"}, assignment_group_id=exams.id)
    graded(algebra, {STUDENT: "20"}, assignment_group_id=exams.id)
    assert totals(algebra)[0] == 83.33
    assert algebra.update(course={"apply_assignment_group_weights": True}) == "Algebra 1"
    assert totals(algebra)[0] == 75


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"drop_lowest": 1}, 90), ({"drop_highest": 1}, 50), ({"drop_lowest": 1, "drop_highest": 1}, 80),
        ({"drop_lowest": 5}, 100), ({}, 66.67),
    ],
)  # fmt: skip
def test_a_group_drops_scores(algebra: Any, rules: dict[str, int], expected: float) -> None:
    group = algebra.create_assignment_group(name="Homework", rules=rules)
    for posted in ("4", "16", "20"):
        graded(algebra, {STUDENT: posted}, assignment_group_id=group.id)
    assert totals(algebra)[0] == expected


def test_what_is_dropped_is_what_makes_the_total_best(algebra: Any) -> None:
    # Not the lowest percentage: the one with many points weighs more.
    group = algebra.create_assignment_group(name="Homework", rules={"drop_lowest": 1})
    for posted, possible in (("0", 1), ("50", 100), ("9", 10)):
        graded(algebra, {STUDENT: posted}, points_possible=possible, assignment_group_id=group.id)
    assert totals(algebra)[0] == 81.82


def test_some_work_is_never_dropped(algebra: Any) -> None:
    group = algebra.create_assignment_group(name="Homework")
    kept, *_ = [graded(algebra, {STUDENT: it}, assignment_group_id=group.id) for it in ("4", "10", "20")]
    group.edit(rules={"drop_lowest": 1})
    assert totals(algebra)[0] == 75
    group.edit(rules={"drop_lowest": 1, "never_drop": [kept.id]})
    assert totals(algebra)[0] == 60


def test_the_score_is_in_words_if_the_course_has_a_scheme(algebra: Any) -> None:
    graded(algebra, {STUDENT: "15"})
    algebra.update(course={"grading_standard_id": ""})
    assert grades(algebra)["current_grade"] is None
    algebra.update(course={"grading_standard_id": 31})
    assert (grades(algebra)["current_grade"], grades(algebra)["final_grade"]) == ("Good", "Good")


def test_missing_work_counts_as_the_policy_says(algebra: Any, served: Served) -> None:
    algebra.create_late_policy(
        late_policy={"missing_submission_deduction_enabled": True, "missing_submission_deduction": 75}
    )
    graded(algebra, {STUDENT: "20"}, due_at="2026-01-10T12:00:00Z")
    assert totals(algebra) == (100, 100)
    graded(algebra, {}, due_at="2026-01-02T12:00:00Z")
    clock_of(served).advance(days=2)
    assert totals(algebra) == (62.5, 62.5)


def test_everybody_sees_the_scores_that_are_theirs(algebra: Any, served: Served) -> None:
    graded(algebra, {STUDENT: "15", OTHER: "5"})
    for client in (as_user(served, TEACHER), assisting(served)):
        assert "unposted_final_score" in grades(client.get_course(ALGEBRA))
    for user in (STUDENT, OBSERVER):
        course = as_user(served, user).get_course(ALGEBRA)
        seen = grades(course)
        assert (seen["current_score"], "unposted_final_score" in seen) == (75, False)
    others = {it.user_id: it.grades for it in as_user(served, STUDENT).get_course(ALGEBRA).get_enrollments()
              if it.type == "StudentEnrollment"}  # fmt: skip
    assert (len(others), set(others[OTHER])) == (30, {"html_url"})
    seen_by_observer = as_user(served, OBSERVER).get_course(ALGEBRA).get_enrollments()
    assert {it.user_id for it in seen_by_observer} == {STUDENT, OBSERVER}


def test_a_course_may_hide_its_totals_from_students(algebra: Any, served: Served) -> None:
    graded(algebra, {STUDENT: "15"})
    algebra.update(course={"hide_final_grades": True})
    assert set(grades(as_user(served, STUDENT).get_course(ALGEBRA))) == {"html_url"}
    assert grades(algebra)["current_score"] == 75


def test_late_work_loses_points_for_each_interval_down_to_a_least(algebra: Any, served: Served) -> None:
    policy = {"late_submission_deduction_enabled": True, "late_submission_deduction": 20,
              "late_submission_interval": "hour"}  # fmt: skip
    created = algebra.create_late_policy(late_policy=policy)
    assert (created.late_submission_interval, created.missing_submission_deduction_enabled) == ("hour", False)
    assignment = algebra.create_assignment({**ESSAY, "due_at": "2026-01-01T12:00:00Z"})
    clock_of(served).advance(hours=14)
    theirs = as_user(served, STUDENT).get_course(ALGEBRA).get_assignment(assignment.id)
    theirs.submit({"submission_type": "online_text_entry", "body": "late"})
    submission = assignment.get_submission(STUDENT).edit(submission={"posted_grade": "20"})
    assert (submission.score, submission.points_deducted, submission.seconds_late) == (12, 8, 7200)
    least = {"late_submission_minimum_percent_enabled": True, "late_submission_minimum_percent": 90}
    assert algebra.edit_late_policy(late_policy=least) is True
    assert assignment.get_submission(STUDENT).score == 18


def test_a_teacher_says_how_late_work_is(algebra: Any) -> None:
    algebra.create_late_policy(
        late_policy={"late_submission_deduction_enabled": True, "late_submission_deduction": 10}
    )
    submission = graded(algebra, {STUDENT: "20"}).get_submission(STUDENT)
    late = submission.edit(submission={"late_policy_status": "late"})
    assert (late.score, late.points_deducted) == (20, 0)
    day = submission.edit(submission={"late_policy_status": "late", "seconds_late_override": 86_400})
    assert (day.score, day.points_deducted, day.seconds_late) == (18, 2, 86_400)
    assert submission.edit(submission={"late_policy_status": "none"}).score == 20


def test_a_course_has_one_late_policy(algebra: Any, served: Served) -> None:
    with pytest.raises(ResourceDoesNotExist):
        algebra.get_late_policy()
    with pytest.raises(ResourceDoesNotExist):
        algebra.edit_late_policy(late_policy={"late_submission_deduction": 1})
    with pytest.raises(UnprocessableEntity):
        algebra.create_late_policy(late_policy={"late_submission_deduction": 101})
    algebra.create_late_policy(late_policy={"late_submission_deduction": 12.5})
    assert algebra.get_late_policy().late_submission_deduction == 12.5
    with pytest.raises(BadRequest, match="only one late policy per course"):
        algebra.create_late_policy(late_policy={"late_submission_deduction": 1})
    with pytest.raises(Forbidden):
        as_user(served, STUDENT).get_course(ALGEBRA).get_late_policy()


def test_a_course_shows_the_grading_periods_of_its_term(canvas: Canvas, algebra: Any, served: Served) -> None:
    assert list(algebra.get_grading_periods()) == []
    first, second = periods(served)
    listed = list(algebra.get_grading_periods(per_page=1))
    assert [(it.id, it.title, it.is_closed) for it in listed] == [
        (first, "First", False),
        (second, "Second", False),
    ]
    assert algebra.get_grading_period(second).end_date == "2026-06-30T00:00:00Z"
    # They are the account's: a course cannot change them.
    with pytest.raises(ResourceDoesNotExist):
        listed[0].delete()
    with pytest.raises(JSONDecodeError):  # Canvas answers with 204, which the client's method does not expect
        canvas.get_account(1).delete_grading_period(first)
    assert [it.id for it in algebra.get_grading_periods()] == [second]


def test_scores_are_of_a_grading_period(algebra: Any, served: Served) -> None:
    first, second = periods(served)
    one, two = graded(algebra, {STUDENT: "10"}, **FIRST), graded(algebra, {STUDENT: "20"}, **SECOND)
    undated = graded(algebra, {STUDENT: "20"}, due_at="")
    assert [grades(algebra, grading_period_id=it)["current_score"] for it in (first, second)] == [50, 100]
    assert grades(algebra)["current_score"] == 83.33
    asked = {"student_ids": [STUDENT], "grading_period_id": first}
    assert [it.assignment_id for it in algebra.get_multiple_submissions(**asked)] == [one.id]
    shown = [it.get_submission(STUDENT).grading_period_id for it in (one, two, undated)]
    assert shown == [first, second, second]
    with pytest.raises(BadRequest, match="invalid grading_period_id"):
        grades(algebra, grading_period_id=999)


def test_work_that_is_due_when_a_period_ends_counts_in_it(algebra: Any, served: Served) -> None:
    first, second = periods(served)
    due = ("2026-01-31T00:00:00Z", "2026-01-31T00:00:30Z", "2026-01-31T00:01:00Z")
    made = [algebra.create_assignment({**ESSAY, "due_at": it}) for it in due]
    assert [it.get_submission(STUDENT).grading_period_id for it in made] == [first, first, second]


def test_weighted_periods_make_the_score_of_the_course(algebra: Any, served: Served) -> None:
    periods(served, weights=(20, 60))
    graded(algebra, {STUDENT: "10"}, **FIRST)
    assert totals(algebra) == (50, 12.5)
    graded(algebra, {STUDENT: "20"}, **SECOND)
    assert totals(algebra) == (87.5, 87.5)


def test_the_current_periods_scores_are_included(algebra: Any, served: Served) -> None:
    first, _ = periods(served)
    graded(algebra, {STUDENT: "10"}, **FIRST)
    graded(algebra, {STUDENT: "20"}, **SECOND)
    shown = algebra.get_user(STUDENT, include=["enrollments", "current_grading_period_scores"]).enrollments
    assert [(it["grades"]["grading_period_id"], it["grades"]["current_score"]) for it in shown] == [
        (first, 50)
    ]
    include = ["total_scores", "current_grading_period_scores"]
    (course,) = as_user(served, STUDENT).get_courses(include=include)
    (mine,) = course.enrollments
    assert (mine["computed_current_score"], mine["current_period_computed_current_score"]) == (75, 50)
    assert (mine["current_grading_period_id"], course.has_grading_periods) == (first, True)


def test_only_administrators_grade_in_a_closed_period(algebra: Any, served: Served) -> None:
    periods(served)
    assignment = graded(algebra, {}, **FIRST)
    clock_of(served).advance(days=60)
    theirs = as_user(served, TEACHER).get_course(ALGEBRA).get_assignment(assignment.id)
    assert theirs.in_closed_grading_period is True
    with pytest.raises(BadRequest, match="closed grading period"):
        theirs.get_submission(STUDENT).edit(submission={"posted_grade": "1"})
    assert assignment.get_submission(STUDENT).edit(submission={"posted_grade": "1"}).score == 1
