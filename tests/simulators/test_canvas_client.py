"""The simulated Canvas, driven by the community's own client."""

from __future__ import annotations

from typing import Any

import pytest
from canvasapi import Canvas
from canvasapi.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidAccessToken,
    RateLimitExceeded,
    ResourceDoesNotExist,
)  # fmt: skip

from passback.domain.clock import DAY, HOUR
from passback.testing.served import Served
from passback_simulators.canvas.seed import EXTRA_SECTION, FAR_STUDENT
from support.canvas_client import (
    ALGEBRA,
    BIOLOGY,
    ESSAY,
    STUDENT,
    TEACHER,
    WARNINGS,
    as_user,
    canvas_of,
)
from support.sandbox import NOW, SetClock

pytestmark = WARNINGS


def test_accounts_courses_and_sections(canvas: Canvas) -> None:
    (account,) = canvas.get_accounts()
    courses = {course.name: course for course in account.get_courses()}
    sections = {section.name: section.sis_section_id for section in courses["Biology"].get_sections()}
    assert (set(courses), sections["Biology"]) == ({"Algebra 1", "Biology"}, "section-8")
    assert len(sections) == 3


def test_all_pages_of_enrollments_are_followed(canvas: Canvas) -> None:
    enrollments = list(canvas.get_course(ALGEBRA).get_enrollments(type=["StudentEnrollment"]))
    assert len(enrollments) == 30
    assert enrollments[0].user["sis_user_id"] == "student-001001"


def test_pages_by_bookmarks_are_followed_too(canvas: Canvas, served: Served) -> None:
    served.control("PUT", "settings", {"bookmark_pages": True, "per_page_cap": 7})
    assert len(list(canvas.get_course(ALGEBRA).get_enrollments(per_page=100))) == 33


def test_people_are_found_by_sis_id_with_their_email(canvas: Canvas) -> None:
    user = canvas.get_user("student-001001", "sis_user_id")
    (listed, *_) = canvas.get_course(ALGEBRA).get_users(enrollment_type=["student"], include=["email"])
    assert (user.id, listed.email) == (STUDENT, "ada.abbott@district-ca.example")


def test_a_section_of_several_has_its_own_people(canvas: Canvas) -> None:
    users = {enrollment.user_id for enrollment in canvas.get_section(EXTRA_SECTION).get_enrollments()}
    assert FAR_STUDENT in users
    assert STUDENT not in users


def test_an_assignment_is_unpublished_and_without_points_by_default(canvas: Canvas) -> None:
    created = canvas.get_course(ALGEBRA).create_assignment({"name": "Bare"})
    assert (created.published, created.points_possible, created.submission_types, created.allowed_attempts) == (
        False, 0, ["none"], -1,
    )  # fmt: skip


def test_an_assignment_is_changed_and_deleted_for_good(canvas: Canvas) -> None:
    course = canvas.get_course(ALGEBRA)
    created = course.create_assignment(ESSAY)
    assert created.edit(assignment={"name": "Essay 2"}).name == "Essay 2"
    created.delete()
    with pytest.raises(ResourceDoesNotExist):
        course.get_assignment(created.id)


def test_a_sis_id_is_taken_once(canvas: Canvas) -> None:
    course = canvas.get_course(ALGEBRA)
    course.create_assignment({**ESSAY, "sis_assignment_id": "m-1"})
    with pytest.raises(Conflict):
        course.create_assignment({**ESSAY, "sis_assignment_id": "m-1"})


@pytest.mark.parametrize(
    "fields",
    [{"name": "x" * 256}, {"due_at": "2026-02-01"}, {"due_at": "2026-02-01T12:00Z"}, {"grading_type": "stars"},
     {"unlock_at": "2026-03-01T12:00:00Z"}, {"submission_types": ["discussion_topic", "online_url"]}],
)  # fmt: skip
def test_what_is_no_value_is_refused(canvas: Canvas, fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        canvas.get_course(ALGEBRA).create_assignment({**ESSAY, **fields})


def test_a_due_date_of_its_own_gives_an_assignment_to_everyone(canvas: Canvas) -> None:
    override = {"student_ids": [STUDENT], "title": "one"}
    created = canvas.get_course(ALGEBRA).create_assignment(
        {**ESSAY, "only_visible_to_overrides": True, "assignment_overrides": [override]}
    )
    assert created.only_visible_to_overrides is True
    assert created.edit(assignment={"due_at": "2026-02-02T12:00:00Z"}).only_visible_to_overrides is False


def test_overrides_are_replaced_as_a_whole_and_one_student_has_one(canvas: Canvas) -> None:
    created = canvas.get_course(ALGEBRA).create_assignment(ESSAY)
    override = created.create_override(
        assignment_override={"student_ids": [STUDENT], "due_at": ESSAY["due_at"]}
    )
    with pytest.raises(BadRequest, match="another override"):
        created.create_override(assignment_override={"student_ids": [STUDENT]})
    with pytest.raises(BadRequest, match="unknown student ids"):
        created.create_override(assignment_override={"student_ids": [TEACHER]})
    assert override.edit(assignment_override={"student_ids": [STUDENT]}).due_at is None
    created.edit(assignment={"assignment_overrides": ""})
    assert list(created.get_overrides()) == []


def test_only_assigned_students_have_a_submission(canvas: Canvas) -> None:
    override = {"student_ids": [STUDENT], "title": "one"}
    created = canvas.get_course(ALGEBRA).create_assignment(
        {**ESSAY, "only_visible_to_overrides": True, "assignment_overrides": [override]}
    )
    assert [it.user_id for it in created.get_submissions()] == [STUDENT]
    assert created.get_submission(STUDENT + 1).id is None


@pytest.mark.parametrize(
    ("kind", "posted", "score", "grade"),
    [
        ("points", "13.5", 13.5, "13.5"), ("points", "40%", 8.0, "8"), ("points", "lots", None, None),
        ("points", "25", 25.0, "25"), ("percent", "85%", 17.0, "85%"), ("pass_fail", "pass", 20.0, "complete"),
        ("pass_fail", "fail", 0.0, "incomplete"), ("pass_fail", "7", None, None), ("letter_grade", "A-", 18.6, "A-"),
        ("letter_grade", "17", 17.0, "B"),
    ],
)  # fmt: skip
def test_grades_are_understood_or_silently_dropped(
    canvas: Canvas, kind: str, posted: str, score: float | None, grade: str | None
) -> None:
    created = canvas.get_course(ALGEBRA).create_assignment({**ESSAY, "grading_type": kind})
    graded = created.get_submission(STUDENT).edit(submission={"posted_grade": posted})
    assert (graded.score, graded.grade, graded.workflow_state) == (
        score, grade, "graded" if grade else "unsubmitted",
    )  # fmt: skip


def test_an_excuse_and_a_grade_exclude_each_other(canvas: Canvas) -> None:
    submission = canvas.get_course(ALGEBRA).create_assignment(ESSAY).get_submission(STUDENT)
    with pytest.raises(BadRequest):
        submission.edit(submission={"posted_grade": "3", "excuse": True})
    excused = submission.edit(submission={"excuse": True})
    assert (excused.excused, excused.grade, excused.workflow_state) == (True, None, "graded")
    assert submission.edit(submission={"posted_grade": "3"}).excused is False


def test_comments_append(canvas: Canvas) -> None:
    created = canvas.get_course(ALGEBRA).create_assignment(ESSAY)
    for _ in range(2):
        created.get_submission(STUDENT).edit(comment={"text_comment": "Good"})
    comments = created.get_submission(STUDENT, include=["submission_comments"]).submission_comments
    assert [comment["comment"] for comment in comments] == ["Good", "Good"]


def test_late_work_loses_points(canvas: Canvas, served: Served) -> None:
    canvas_of(served).ui_set_late_policy(
        str(ALGEBRA), late_submission_deduction_enabled=True, late_submission_deduction=10
    )
    created = canvas.get_course(ALGEBRA).create_assignment(ESSAY)
    clock = served.simulator.clock
    assert isinstance(clock, SetClock)
    clock.now = NOW + 31 * DAY + 20 * HOUR
    theirs = as_user(served, STUDENT).get_course(ALGEBRA).get_assignment(created.id)
    theirs.submit({"submission_type": "online_text_entry", "body": "<p>late</p>"})
    graded = created.get_submission(STUDENT).edit(submission={"posted_grade": "20"})
    assert (graded.entered_score, graded.score, graded.points_deducted, graded.late) == (20, 18, 2, True)


def test_many_are_graded_in_the_background(canvas: Canvas, served: Served) -> None:
    served.control("PUT", "settings", {"bulk_polls": 2})
    created = canvas.get_course(ALGEBRA).create_assignment(ESSAY)
    progress = created.submissions_bulk_update(
        grade_data={str(STUDENT): {"posted_grade": "18"}, str(STUDENT + 1): {"posted_grade": "nonsense"}}
    )
    states = [progress.workflow_state, progress.query().workflow_state, progress.query().workflow_state]
    assert states == ["queued", "running", "completed"]
    assert [created.get_submission(STUDENT + it).score for it in (0, 1)] == [18, None]


def test_more_attempts_are_set_and_strangers_dropped(canvas: Canvas) -> None:
    created = canvas.get_course(ALGEBRA).create_assignment({**ESSAY, "allowed_attempts": 1})
    given = created.set_extensions(
        [{"user_id": STUDENT, "extra_attempts": 2}, {"user_id": 900, "extra_attempts": 2}]
    )
    assert [(it.user_id, it.extra_attempts) for it in given] == [(STUDENT, 2)]


def test_a_student_hands_in_until_the_attempts_are_used_up(canvas: Canvas, served: Served) -> None:
    created = canvas.get_course(ALGEBRA).create_assignment({**ESSAY, "allowed_attempts": 1})
    theirs = as_user(served, STUDENT).get_course(ALGEBRA).get_assignment(created.id)
    work = {"submission_type": "online_text_entry", "body": "<p>x</p><script>bad()</script>"}
    first = theirs.submit(work)
    assert (first.attempt, first.workflow_state, first.body) == (1, "submitted", "<p>x</p>")
    with pytest.raises(Forbidden):
        theirs.submit(work)


def test_a_file_is_uploaded_in_three_steps(canvas: Canvas, served: Served, tmp_path: Any) -> None:
    path = tmp_path / "essay.txt"
    path.write_text("An essay")
    created = canvas.get_course(ALGEBRA).create_assignment({**ESSAY, "submission_types": ["online_upload"]})
    theirs = as_user(served, STUDENT).get_course(ALGEBRA).get_assignment(created.id)
    served.control("PUT", "settings", {"upload_redirects": False})
    done, answer = theirs.upload_to_submission(str(path), user=STUDENT)
    assert done
    submitted = theirs.submit({"submission_type": "online_upload", "file_ids": [answer["id"]]})
    assert [it.display_name for it in submitted.attachments] == ["essay.txt"]


def test_teachers_grade_only_in_their_own_courses(canvas: Canvas, served: Served) -> None:
    created = canvas.get_course(BIOLOGY).create_assignment(ESSAY)
    with pytest.raises(Forbidden):
        as_user(served, TEACHER).get_course(BIOLOGY, use_sis_id=False).get_assignment(created.id)


def test_an_administrator_acts_as_a_teacher(canvas: Canvas) -> None:
    created = canvas.get_course(ALGEBRA).create_assignment(ESSAY)
    graded = created.get_submission(STUDENT).edit(submission={"posted_grade": "3"}, as_user_id=TEACHER)
    assert graded.grader_id == TEACHER


@pytest.mark.parametrize("token", ["nonsense", "expired", "revoked"])
def test_tokens_that_do_not_count(served: Served, token: str) -> None:
    simulator = canvas_of(served)
    text = token
    if token != "nonsense":
        text = simulator.issue_token("900", expires=NOW if token == "expired" else None)
    if token == "revoked":
        simulator.ui_revoke_token(text)
    with pytest.raises(InvalidAccessToken):
        Canvas(served.url, text).get_current_user()


def test_the_limit_is_met(canvas: Canvas, served: Served) -> None:
    served.control("PUT", "settings", {"throttle": True, "cost": 300.0})
    for _ in range(2):
        canvas.get_current_user()
    with pytest.raises(RateLimitExceeded):
        canvas.get_current_user()


def test_a_concluded_enrollment_is_no_longer_listed(canvas: Canvas, served: Served) -> None:
    canvas_of(served).ui_end_enrollment(str(STUDENT))
    created = canvas.get_course(ALGEBRA).create_assignment(ESSAY)
    with pytest.raises(ResourceDoesNotExist):
        created.get_submission(STUDENT)
