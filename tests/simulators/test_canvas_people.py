"""The simulated Canvas's people, by themselves and in courses, as each role sees them."""

from __future__ import annotations

from typing import Any

import pytest
from canvasapi import Canvas
from canvasapi.exceptions import BadRequest, Forbidden, ResourceDoesNotExist

from passback.testing.served import Served
from passback_simulators.canvas.seed import EXTRA_SECTION, TEST_STUDENT
from support.canvas_client import (
    ALGEBRA,
    ALGEBRA_SECTION,
    ASSISTANT,
    BIOLOGY,
    OBSERVER,
    OTHER,
    STUDENT,
    TEACHER,
    WARNINGS,
    as_user,
    canvas_of,
)

pytestmark = WARNINGS


@pytest.mark.parametrize(
    ("user", "kind"),
    [
        (STUDENT, None), ("student-001001", "sis_user_id"), ("ada.abbott@district-ca.example", "sis_login_id"),
        (b"student-001001".hex(), "hex:sis_user_id"),
    ],
)  # fmt: skip
def test_a_user_of_a_course_is_found_by_any_id(canvas: Canvas, user: Any, kind: str | None) -> None:
    found = canvas.get_course(ALGEBRA).get_user(user, kind)
    assert (found.id, found.login_id) == (STUDENT, "ada.abbott@district-ca.example")


def test_who_is_not_in_a_course_is_not_found_there(canvas: Canvas) -> None:
    for stranger in (ASSISTANT, 999_999):
        with pytest.raises(ResourceDoesNotExist):
            canvas.get_course(ALGEBRA).get_user(stranger)


def test_a_course_and_its_section_are_found_by_sis_id(canvas: Canvas) -> None:
    course = canvas.get_course("course-7", use_sis_id=True)
    assert course.get_section(ALGEBRA_SECTION).sis_section_id == "section-7"
    assert canvas.get_section("section-7", use_sis_id=True).id == ALGEBRA_SECTION
    with pytest.raises(ResourceDoesNotExist):
        course.get_section(EXTRA_SECTION)


def test_students_see_each_other_without_sis_ids_and_observers_see_no_list(served: Served) -> None:
    seen = as_user(served, STUDENT).get_course(ALGEBRA).get_user(OTHER, include=["email"])
    assert [hasattr(seen, it) for it in ("name", "sis_user_id", "login_id", "email")] == [
        True,
        False,
        False,
        False,
    ]
    with pytest.raises(Forbidden):
        as_user(served, OBSERVER).get_course(ALGEBRA).get_user(STUDENT)


def test_the_test_student_is_listed_on_request(canvas: Canvas) -> None:
    course = canvas.get_course(ALGEBRA)
    listed = [{it.id for it in course.get_users(**asked)} for asked in ({}, {"include": ["test_student"]})]
    assert [TEST_STUDENT in it for it in listed] == [False, True]
    assert [it.id for it in course.get_users(enrollment_type=["student_view"])] == [TEST_STUDENT]


def test_a_profile_is_for_oneself_ones_teachers_and_administrators(canvas: Canvas, served: Served) -> None:
    shown = canvas.get_user(STUDENT).get_profile()
    assert (shown["primary_email"], shown["sis_user_id"], shown["time_zone"]) == (
        "ada.abbott@district-ca.example", "student-001001", "America/New_York",
    )  # fmt: skip
    assert "calendar" in as_user(served, STUDENT).get_current_user().get_profile()
    assert as_user(served, TEACHER).get_user(STUDENT).get_profile()["name"] == "Ada Abbott"
    for stranger in (OTHER, ASSISTANT):
        with pytest.raises(Forbidden):
            as_user(served, stranger).get_user(STUDENT).get_profile()


def test_a_users_enrollments_are_for_themselves_and_administrators(canvas: Canvas, served: Served) -> None:
    listed = canvas.get_user(ASSISTANT).get_enrollments()
    assert {(it.course_id, it.type) for it in listed} == {(BIOLOGY, "TeacherEnrollment")}
    own = as_user(served, STUDENT).get_current_user()
    assert [it.course_id for it in own.get_enrollments()] == [ALGEBRA]
    with pytest.raises(BadRequest, match="Invalid state gone"):
        list(own.get_enrollments(state=["gone"]))
    with pytest.raises(Forbidden):
        list(as_user(served, TEACHER).get_user(STUDENT).get_enrollments())


def test_enrollments_that_are_over_are_listed_on_request(canvas: Canvas, served: Served) -> None:
    canvas_of(served).ui_end_enrollment(str(STUDENT))
    user = canvas.get_user(STUDENT)
    listed = [list(user.get_enrollments(**it)) for it in ({}, {"state": ["current_and_concluded"]})]
    assert [[it.enrollment_state for it in found] for found in listed] == [[], ["completed"]]


def test_enrollments_are_chosen_by_role_and_sis_id(canvas: Canvas, served: Served) -> None:
    course = canvas.get_course(ALGEBRA)
    assert [it.user_id for it in course.get_enrollments(role=["TeacherEnrollment"])] == [TEACHER]
    (observing,) = course.get_enrollments(type=["ObserverEnrollment"])
    assert (observing.user_id, observing.associated_user_id) == (OBSERVER, STUDENT)
    assert [it.user_id for it in course.get_enrollments(sis_user_id=["student-001002"])] == [OTHER]
    served.control("PUT", "settings", {"can_read_sis": False})
    with pytest.raises(BadRequest, match="SIS fields"):
        list(course.get_enrollments(sis_user_id=["student-001002"]))


def test_a_users_courses_are_for_themselves_their_observers_and_administrators(
    canvas: Canvas, served: Served
) -> None:
    for client in (canvas, as_user(served, OBSERVER), as_user(served, STUDENT)):
        (course,) = client.get_user(STUDENT).get_courses()
        assert (course.id, [it["type"] for it in course.enrollments]) == (ALGEBRA, ["student"])
    with pytest.raises(Forbidden):
        list(as_user(served, TEACHER).get_user(STUDENT).get_courses())
