"""Schoology's grades."""

from __future__ import annotations

import pytest

from passback_simulators.schoology import seed
from support.schoology_client import (
    ALGEBRA,
    ASSIGNMENTS,
    BIOLOGY,
    ENROLLMENT,
    GRADES,
    OTHER_ENROLLMENT,
    OTHER_STUDENT,
    STUDENT,
    Schoology,
    grade,
    read,
    rows,
    stored,
)

CATEGORIES = f"sections/{ALGEBRA}/grading_categories"
DISCUSSIONS = f"sections/{ALGEBRA}/discussions"
ITEMS = f"sections/{ALGEBRA}/grade_items"


def test_a_grade_is_written_and_read(schoology: Schoology) -> None:
    id_ = schoology.assignment(grading_category=4371001)
    assert rows(schoology, f"?assignment_id={id_}") == []  # no row until it is graded
    answer = grade(schoology, id_, grade=18.5, comment="ok", comment_status=1)
    location = f"{schoology.url}/v1/{ASSIGNMENTS}/{id_}"
    assert answer == {
        "response_code": 200,
        "enrollment_id": ENROLLMENT,
        "assignment_id": id_,
        "location": location,
    }
    assert stored(schoology, id_) == {
        "enrollment_id": int(ENROLLMENT), "assignment_id": id_, "grade": 18.5, "exception": 0, "max_points": 20,
        "is_final": 0, "timestamp": 1767225600, "comment": "ok", "comment_status": 1, "override": None,
        "calculated_grade": None, "pending": None, "type": "assignment", "location": location, "scale_id": 0,
        "scale_type": 0, "category_id": 4371001,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scale", "given", "points"),
    [
        (0, 18.5, 18.5), (0, "18.50", 18.5), (0, 25, 25), (seed.LETTER_SCALE, "B+", 17.4), (seed.LETTER_SCALE, 12, 12),
        (seed.PASS_SCALE, "Pass", 20), (seed.POINT_SCALE, "Meets", 3),
    ],
)  # fmt: skip
def test_grades_are_stored_as_numbers(schoology: Schoology, scale: int, given: object, points: float) -> None:
    id_ = schoology.assignment(grading_scale=scale)
    grade(schoology, id_, grade=given)
    assert stored(schoology, id_)["grade"] == pytest.approx(points)


@pytest.mark.parametrize(
    ("scale", "given"),
    [(0, {"grade": "A"}), (seed.LETTER_SCALE, {"grade": "Z"}), (0, {"grade": -1}), (0, {"exception": 4})],
)
def test_a_bad_grade_is_an_error_inside_a_success(
    schoology: Schoology, scale: int, given: dict[str, object]
) -> None:
    id_ = schoology.assignment(grading_scale=scale)
    answer = grade(schoology, id_, **given)
    assert (answer["response_code"], "not valid" in answer["message"]) == (400, True)
    assert rows(schoology) == []


def test_each_grade_of_many_stands_by_itself(schoology: Schoology) -> None:
    id_ = schoology.assignment()
    former = seed.enrollment_lms_id("000007", seed.FORMER_STUDENT)
    one = {"type": "assignment", "assignment_id": id_, "grade": 10}
    sent = [
        {**one, "enrollment_id": enrollment} for enrollment in (ENROLLMENT, STUDENT, former, OTHER_ENROLLMENT)
    ]
    answers = schoology.teacher("PUT", GRADES, {"grades": {"grade": sent}}).json()["grades"]["grade"]
    assert [answer["response_code"] for answer in answers] == [200, 404, 404, 200]
    assert len(rows(schoology)) == 2


@pytest.mark.parametrize("status", [200, 204])
def test_some_systems_answer_grades_without_a_body(schoology: Schoology, status: int) -> None:
    id_ = schoology.assignment()
    schoology.set(bulk_grades_status=status)
    sent = [{"assignment_id": id_, "enrollment_id": one, "grade": 1} for one in (ENROLLMENT, STUDENT)]
    reply = schoology.teacher("PUT", GRADES, {"grades": {"grade": sent}})
    assert (reply.status_code, reply.content, len(rows(schoology))) == (status, b"", 1)


def test_an_exception_nulls_the_grade_until_it_is_lifted(schoology: Schoology) -> None:
    id_ = schoology.assignment()
    grade(schoology, id_, grade=18)
    states = []
    for given in ({"exception": 1}, {"grade": 15}, {"exception": 0, "grade": 15}, {"exception": 3}):
        grade(schoology, id_, **given)
        states.append((stored(schoology, id_)["exception"], stored(schoology, id_)["grade"]))
    assert states == [(1, None), (1, None), (0, 15), (3, None)]


def test_missing_may_not_be_writable(schoology: Schoology) -> None:
    schoology.set(grade_exception_missing=False)
    assert grade(schoology, schoology.assignment(), exception=3)["response_code"] == 400


@pytest.mark.parametrize("nothing", ["", None])
def test_a_grade_is_cleared(schoology: Schoology, nothing: str | None) -> None:
    id_ = schoology.assignment()
    grade(schoology, id_, grade=18, comment="ok")
    grade(schoology, id_, grade=nothing)
    kept = stored(schoology, id_)
    grade(schoology, id_, comment="")
    assert ((kept["grade"], kept["comment"]), rows(schoology)) == ((None, "ok"), [])


def test_a_comment_replaces_the_one_before(schoology: Schoology) -> None:
    id_ = schoology.assignment()
    for text in ("first", "second"):
        grade(schoology, id_, comment=text)
    assert stored(schoology, id_)["comment"] == "second"


def test_grades_since_a_time(schoology: Schoology) -> None:
    first, second = schoology.assignment(), schoology.assignment()
    grade(schoology, first, grade=1)
    schoology.clock.now += 60_000
    grade(schoology, second, grade=2)
    since = schoology.clock.now // 1000
    assert [row["assignment_id"] for row in rows(schoology, f"?timestamp={since}")] == [second]


def test_grades_are_paged(schoology: Schoology) -> None:
    for number in range(3):
        grade(schoology, schoology.assignment(), grade=number)
    first = schoology.teacher.get(f"{GRADES}?limit=2")
    second = schoology.teacher.get(first["links"]["next"])
    assert [len(page["grades"]["grade"]) for page in (first, second)] == [2, 1]


def test_students_see_their_own_published_grades(schoology: Schoology) -> None:
    shown, hidden = schoology.assignment(show_comments=1), schoology.assignment(auto_publish_grades=0)
    for id_ in (shown, hidden):
        grade(schoology, id_, grade=18, comment="ok", comment_status=1)
        grade(schoology, id_, OTHER_ENROLLMENT, grade=10)
    [row] = schoology.as_user(STUDENT).get(GRADES)["grades"]["grade"]
    assert (row["assignment_id"], row["grade"], row["comment"], row["comment_status"]) == (
        shown,
        18,
        "ok",
        None,
    )
    assert schoology.as_user(STUDENT)("GET", f"users/{OTHER_STUDENT}/grades").status_code == 403


def test_the_course_grade_counts_weighted_categories(schoology: Schoology) -> None:
    essay = schoology.assignment(grading_category=4371001, grading_period=seed.PERIOD_YEAR)
    test = schoology.assignment(grading_category=4371002, grading_period=seed.PERIOD_YEAR)
    ungraded = schoology.assignment()
    for id_, points in ((essay, 20), (test, 10), (ungraded, 0)):
        grade(schoology, id_, grade=points)
    [final] = schoology.teacher.get(GRADES)["final_grade"]
    assert {row["period_id"]: row["grade"] for row in final["period"]} == {
        f"p{seed.PERIOD_SEMESTER}": None, f"p{seed.PERIOD_YEAR}": 80, "other": None, "final": 80
    }  # fmt: skip
    for category in (4371001, 4371002):
        schoology.teacher("PUT", f"{CATEGORIES}/{category}", {"weight": 0})
    [final] = schoology.teacher.get(GRADES)["final_grade"]
    assert final["period"][-1]["grade"] is None  # although the grades are stored


def test_comments_on_a_period_are_another_operation_of_the_path(schoology: Schoology) -> None:
    grade(schoology, schoology.assignment(), grade=1)
    comments = [
        {"enrollment_id": one, "period_id": "final", "comment": "Well done"} for one in (ENROLLMENT, "1")
    ]
    reply = schoology.teacher("PUT", GRADES, {"final_comments": {"final_comment": comments}})
    codes = [answer["response_code"] for answer in reply.json()["final_comments"]["final_comment"]]
    [final] = schoology.teacher.get(GRADES)["final_grade"]
    assert (codes, final["period"][-1]["comment"]) == ([200, 404], "Well done")


def test_a_users_grades_are_grouped(schoology: Schoology) -> None:
    id_ = schoology.assignment(grading_period=seed.PERIOD_YEAR)
    grade(schoology, id_, grade=18)
    [section] = schoology.teacher.get(f"users/{STUDENT}/grades?section_id={ALGEBRA}")["section"]
    [period] = section["period"]
    assert (section["section_id"], period["period_id"]) == (ALGEBRA, f"p{seed.PERIOD_YEAR}")
    assert [row["assignment_id"] for row in period["assignment"]] == [id_]
    schoology.set(user_grades_need_section=True)
    assert schoology.teacher("GET", f"users/{STUDENT}/grades").status_code == 403


def test_those_who_left_take_their_grades_with_them(schoology: Schoology) -> None:
    id_ = schoology.assignment()
    grade(schoology, id_, grade=18)
    schoology.lms.ui_unenroll(ALGEBRA, STUDENT)
    assert rows(schoology) == []


def test_nobody_is_graded_if_the_fault_says_that_nobody_is_enrolled(schoology: Schoology) -> None:
    id_ = schoology.assignment(assignees=[ENROLLMENT])
    schoology.fail("not-enrolled", times=2)
    assert grade(schoology, id_, grade=18)["response_code"] == 404
    assert read(schoology, id_)["assignees"] == []


def test_teachers_grade_and_delete_in_the_web_pages(schoology: Schoology) -> None:
    id_ = schoology.assignment(grading_scale=seed.LETTER_SCALE)
    schoology.lms.ui_grade(id_, STUDENT, grade="A", comment="Fine")
    schoology.lms.ui_change_assignment(id_, dropbox_locked=1)
    assert (stored(schoology, id_)["grade"], read(schoology, id_)["dropbox_locked"]) == (18.6, 1)
    schoology.lms.ui_delete_assignment(id_)
    assert schoology.teacher("GET", f"{ASSIGNMENTS}/{id_}").status_code == 404
    assert schoology.admin.get(f"sections/{BIOLOGY}/grades")["grades"]["grade"] == []
