"""The simulated Canvas's submissions of several students and assignments, and grading them at once."""

from __future__ import annotations

from typing import Any

import pytest
from canvasapi import Canvas
from canvasapi.exceptions import BadRequest, Forbidden, ResourceDoesNotExist
from canvasapi.requester import Requester

from passback.testing.served import Served
from passback_simulators.canvas.seed import (
    ADMIN_TOKEN,
    CROSS_LISTED_SECTION,
    EXTRA_SECTION,
    FAR_STUDENT,
    MORE_STUDENTS,
)
from support.canvas_client import (
    ALGEBRA,
    ALGEBRA_SECTION,
    BIOLOGY,
    ESSAY,
    OBSERVER,
    OTHER,
    STUDENT,
    TEACHER,
    WARNINGS,
    as_admin,
    as_user,
    assisting,
    canvas_of,
    clock_of,
    graded,
)

pytestmark = WARNINGS


def scores(submissions: Any) -> list[Any]:
    return [(it.user_id, it.score) for it in submissions if it.score is not None]


def test_submissions_of_all_students_are_listed_over_pages(algebra: Any) -> None:
    for number in range(4):
        graded(algebra, {STUDENT: str(number + 1)})
    listed = list(algebra.get_multiple_submissions(student_ids=["all"], per_page=50))
    assert (len(listed), scores(listed)) == (4 * 31, [(STUDENT, it) for it in (1, 2, 3, 4)])


def test_submissions_are_those_of_the_students_and_assignments_that_are_named(algebra: Any) -> None:
    first, second = graded(algebra, {STUDENT: "1", OTHER: "2"}), graded(algebra, {STUDENT: "3"})
    asked = {"student_ids": [f"sis_user_id:student-{1001:06}", OTHER], "assignment_ids": [first.id]}
    assert scores(algebra.get_multiple_submissions(**asked)) == [(STUDENT, 1), (OTHER, 2)]
    with pytest.raises(Forbidden, match="invalid assignment ids requested"):
        list(algebra.get_multiple_submissions(student_ids=[STUDENT], assignment_ids=[second.id, 999]))


def test_submissions_are_grouped_by_student_with_their_scores(algebra: Any) -> None:
    graded(algebra, {STUDENT: "15"})
    graded(algebra, {})
    (one,) = algebra.get_multiple_submissions(student_ids=[STUDENT], grouped=True, include=["total_scores"])
    assert (one.user_id, one.section_id, one.sis_user_id) == (STUDENT, ALGEBRA_SECTION, "student-001001")
    assert [it.score for it in one.submissions] == [15, None]
    assert (one.computed_current_score, one.computed_final_score) == (75, 37.5)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"workflow_state": "graded"}, [3, 1]), ({"workflow_state": "unsubmitted"}, []),
        ({"graded_since": "2026-01-01T00:30:00Z"}, [1]), ({"submitted_since": "2026-01-01T00:30:00Z"}, []),
        ({"order": "graded_at"}, [3, 1]), ({"order": "graded_at", "order_direction": "descending"}, [1, 3]),
        ({"order_direction": "descending"}, [1, 3]), ({"enrollment_state": "concluded"}, []),
    ],
)  # fmt: skip
def test_submissions_are_chosen_and_ordered(
    algebra: Any, served: Served, asked: dict[str, str], expected: list[int]
) -> None:
    graded(algebra, {STUDENT: "3"})
    clock_of(served).advance(hours=1)
    graded(algebra, {STUDENT: "1"})
    listed = scores(algebra.get_multiple_submissions(student_ids=[STUDENT], **asked))
    assert [score for _, score in listed] == expected


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"enrollment_state": "gone"}, "invalid enrollment_state"),
        ({"graded_since": "yesterday"}, "graded_since"),
    ],
)
def test_what_is_no_choice_is_refused(algebra: Any, asked: dict[str, str], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        list(algebra.get_multiple_submissions(student_ids=["all"], **asked))


def test_a_section_lists_its_own_students(canvas: Canvas) -> None:
    course = canvas.get_course(BIOLOGY)
    graded(course, {FAR_STUDENT: "4"})
    listed = list(canvas.get_section(EXTRA_SECTION).get_multiple_submissions(student_ids=["all"]))
    assert ({it.user_id for it in listed}, scores(listed)) == (set(MORE_STUDENTS), [(FAR_STUDENT, 4)])
    assert list(canvas.get_section(CROSS_LISTED_SECTION).get_multiple_submissions(student_ids=["all"])) == []


def test_students_and_their_observers_list_only_theirs(algebra: Any, served: Served) -> None:
    graded(algebra, {STUDENT: "3", OTHER: "4"})
    for user in (STUDENT, OBSERVER):
        course = as_user(served, user).get_course(ALGEBRA)
        assert scores(course.get_multiple_submissions(student_ids=["all"])) == [(STUDENT, 3)]
        with pytest.raises(Forbidden):
            list(course.get_multiple_submissions(student_ids=[STUDENT, OTHER]))
    assert scores(as_user(served, STUDENT).get_course(ALGEBRA).get_multiple_submissions()) == [(STUDENT, 3)]


def test_teachers_and_their_assistants_list_everybodys(algebra: Any, served: Served) -> None:
    graded(algebra, {STUDENT: "3", OTHER: "4"})
    for client in (as_user(served, TEACHER), assisting(served)):
        listed = client.get_course(ALGEBRA).get_multiple_submissions(student_ids=["all"])
        assert scores(listed) == [(STUDENT, 3), (OTHER, 4)]


def test_a_hidden_grade_is_not_shown_to_the_student(algebra: Any, served: Served) -> None:
    served.control("PUT", "settings", {"manual_post_policy": True})
    assignment = graded(algebra, {STUDENT: "3"})
    assignment.get_submission(STUDENT).edit(comment={"text_comment": "Not yet"})
    theirs = as_user(served, STUDENT).get_course(ALGEBRA).get_assignment(assignment.id)
    seen = theirs.get_submission(STUDENT, include=["submission_comments"])
    assert (hasattr(seen, "score"), hasattr(seen, "entered_grade"), seen.submission_comments) == (
        False,
        False,
        [],
    )
    assert assignment.get_submission(STUDENT).score == 3


def test_one_submission_is_read_with_its_history(algebra: Any, served: Served) -> None:
    assignment = algebra.create_assignment(ESSAY)
    theirs = as_user(served, STUDENT).get_course(ALGEBRA).get_assignment(assignment.id)
    for text in ("one", "two"):
        theirs.submit({"submission_type": "online_text_entry", "body": text})
    asked = ["submission_history", "user", "course", "assignment"]
    seen = assignment.get_submission(STUDENT, include=asked)
    assert [(it["attempt"], it["body"]) for it in seen.submission_history] == [(1, "one"), (2, "two")]
    assert (seen.user["id"], seen.course["id"], seen.assignment["id"]) == (STUDENT, ALGEBRA, assignment.id)


def test_a_course_grades_several_assignments_at_once(algebra: Any, served: Served) -> None:
    first, second = algebra.create_assignment(ESSAY), algebra.create_assignment(ESSAY)
    progress = algebra.submissions_bulk_update(
        grade_data={
            str(first.id): {str(STUDENT): {"posted_grade": "7"}},
            str(second.id): {"sis_user_id:student-001002": {"excuse": True, "text_comment": "Ill"}},
        }
    )
    assert progress.workflow_state == "queued"
    assert progress.query().workflow_state == "completed"
    excused = second.get_submission(OTHER, include=["submission_comments"])
    assert first.get_submission(STUDENT).score == 7
    assert (excused.excused, excused.submission_comments[0]["comment"]) == (True, "Ill")


def test_a_bulk_update_has_failed_if_one_is_no_student_though_the_others_are_graded(canvas: Canvas) -> None:
    assignment = canvas.get_course(BIOLOGY).create_assignment(ESSAY)
    data = {str(assignment.id): {str(it): {"posted_grade": "5"} for it in (STUDENT, MORE_STUDENTS[0])}}
    progress = canvas.get_section(EXTRA_SECTION).submissions_bulk_update(grade_data=data).query()
    assert (progress.workflow_state, progress.message) == (
        "failed", f"Couldn't find User(s) with API ids '{STUDENT}'",
    )  # fmt: skip
    assert assignment.get_submission(MORE_STUDENTS[0]).score == 5


@pytest.mark.parametrize(
    ("data", "refusal", "message"),
    [
        ({}, BadRequest, "'grade_data' parameter required"),
        ({"999": {"1": {"posted_grade": "1"}}}, BadRequest, r"could not be found: \( 999 \)"),
    ],
)
def test_a_bulk_update_of_nothing_is_refused(
    algebra: Any, data: dict[str, Any], refusal: type[Exception], message: str
) -> None:
    with pytest.raises(refusal, match=message):
        algebra.submissions_bulk_update(grade_data=data)


def test_nobody_grades_in_bulk_what_is_unpublished_or_over(algebra: Any, served: Served) -> None:
    data = {str(algebra.create_assignment({"name": "Bare"}).id): {str(STUDENT): {"posted_grade": "1"}}}
    with pytest.raises(Forbidden):
        algebra.submissions_bulk_update(grade_data=data)
    assignment = algebra.create_assignment(ESSAY)
    algebra.update(course={"event": "conclude"})
    with pytest.raises(Forbidden):
        algebra.submissions_bulk_update(
            grade_data={str(assignment.id): {str(STUDENT): {"posted_grade": "1"}}}
        )
    assert len(list(algebra.get_multiple_submissions(student_ids=["all"]))) == 31
    with pytest.raises(Forbidden):
        as_user(served, STUDENT).get_course(ALGEBRA).submissions_bulk_update(grade_data=data)


def test_who_can_be_graded(algebra: Any, served: Served) -> None:
    override = {"student_ids": [STUDENT], "title": "one"}
    one = algebra.create_assignment(
        {**ESSAY, "only_visible_to_overrides": True, "assignment_overrides": [override]}
    )
    everyone = algebra.create_assignment(ESSAY)
    (shown,) = one.get_gradeable_students()
    assert (shown.id, shown.display_name) == (STUDENT, "Ada Abbott")
    assert len(list(everyone.get_gradeable_students())) == 31
    with pytest.raises(Forbidden):
        list(
            as_user(served, STUDENT).get_course(ALGEBRA).get_assignment(everyone.id).get_gradeable_students()
        )


def test_a_section_has_the_submissions_of_its_students_only(served: Served) -> None:
    assignment = as_admin(served).get_course(BIOLOGY).create_assignment(ESSAY)
    requester = Requester(served.url, ADMIN_TOKEN)
    path = f"sections/sis_section_id:section-extra/assignments/{assignment.id}/submissions"
    put = requester.request("PUT", f"{path}/{FAR_STUDENT}", **{"submission[posted_grade]": "6"})
    assert put.json()["score"] == 6
    assert requester.request("GET", f"{path}/{FAR_STUDENT}").json()["score"] == 6
    elsewhere = canvas_of(served).students(BIOLOGY)[0]
    with pytest.raises(ResourceDoesNotExist):
        requester.request("GET", f"{path}/{elsewhere}")


def test_a_file_goes_up_in_three_steps_that_end_with_201(algebra: Any, served: Served, tmp_path: Any) -> None:
    assignment = algebra.create_assignment({**ESSAY, "submission_types": ["online_upload"]})
    (tmp_path / "essay.txt").write_text("An essay")
    theirs = as_user(served, STUDENT)
    done, answer = theirs.get_course(ALGEBRA).get_assignment(assignment.id).upload_to_submission(
        str(tmp_path / "essay.txt"), user="self"
    )  # fmt: skip
    assert (done, theirs.get_file(answer["id"]).display_name) == (True, "essay.txt")
    with pytest.raises(Forbidden):
        as_user(served, OTHER).get_file(answer["id"])


def test_a_comment_has_a_file(algebra: Any, served: Served, tmp_path: Any) -> None:
    (tmp_path / "notes.txt").write_text("See page 2")
    submission = algebra.create_assignment(ESSAY).get_submission(STUDENT)
    done, answer = submission.upload_comment(str(tmp_path / "notes.txt"))
    edited = submission.edit(comment={"file_ids": [answer["id"]]})
    assert done
    assert [it["display_name"] for it in edited.submission_comments[-1]["attachments"]] == ["notes.txt"]
