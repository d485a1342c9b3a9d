"""Schoology's assignments, discussions and grade setup."""

from __future__ import annotations

from typing import Any

import pytest

from passback_simulators.schoology import seed
from support.schoology_client import (
    ALGEBRA,
    ASSIGNMENTS,
    ENROLLMENT,
    STUDENT,
    TEACHER,
    Schoology,
    grade,
    read,
    rows,
    stored,
)

CATEGORIES = f"sections/{ALGEBRA}/grading_categories"
DISCUSSIONS = f"sections/{ALGEBRA}/discussions"
ITEMS = f"sections/{ALGEBRA}/grade_items"


# Assignments.


def test_an_assignment_has_schoologys_defaults_half_of_them_as_text(schoology: Schoology) -> None:
    reply = schoology.teacher("POST", ASSIGNMENTS, {"title": "Essay 1"})
    made = reply.json()
    assert (reply.status_code, made) == (201, {
        "id": made["id"], "title": "Essay 1", "description": "", "due": "", "grading_scale": "0", "grading_period": "0",
        "grading_category": "0", "max_points": "100", "factor": "1", "is_final": "0", "show_comments": "0",
        "grade_stats": "0", "allow_dropbox": "1", "allow_discussion": "1", "published": 1, "type": "assignment",
        "grade_item_id": made["id"], "available": 1, "completed": 0, "dropbox_locked": 0, "grading_scale_type": 0,
        "show_rubric": False, "auto_publish_grades": 1, "num_assignees": 0, "assignees": [], "grading_group_ids": [],
        "completion_status": "", "links": {"self": f"{schoology.url}/v1/{ASSIGNMENTS}/{made['id']}"},
    })  # fmt: skip


def test_what_is_written_is_read(schoology: Schoology) -> None:
    id_ = schoology.assignment(
        description="<p>Read</p>", due="2031-05-01 19:00:00", max_points=12.5, grading_scale=seed.LETTER_SCALE,
        grading_period=seed.PERIOD_YEAR, grading_category=4371001, published=0, allow_dropbox="0", count_in_grade=0,
    )  # fmt: skip
    found = read(schoology, id_)
    assert {name: found[name] for name in ("due", "max_points", "grading_scale", "grading_scale_type", "grading_period", "grading_category", "published", "available", "allow_dropbox", "count_in_grade", "collected_only")} == {
        "due": "2031-05-01 19:00:00", "max_points": "12.5", "grading_scale": str(seed.LETTER_SCALE),
        "grading_scale_type": 1, "grading_period": str(seed.PERIOD_YEAR), "grading_category": "4371001", "published": 0,
        "available": 0, "allow_dropbox": "0", "count_in_grade": 0, "collected_only": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"title": " "}, "title is required"),
        ({"due": "2031-05-01T19:00:00Z"}, "due is not valid"),
        ({"max_points": "many"}, "max_points is not valid"),
        (
            {"grading_scale": seed.BIOLOGY_LETTER_SCALE},
            "The grading scale is not valid for that course section",
        ),
        ({"grading_period": seed.PERIOD_PAST}, "The grading period is not valid for that course section"),
        ({"grading_category": 4371011}, "The grading category is not valid for that course section"),
    ],
)
def test_values_that_are_not_the_sections_are_refused(
    schoology: Schoology, given: dict[str, Any], text: str
) -> None:
    reply = schoology.teacher("POST", ASSIGNMENTS, {"title": "Essay", **given})
    assert (reply.status_code, reply.text) == (400, text)
    assert schoology.teacher.get(ASSIGNMENTS)["assignment"] == []


def test_unknown_keys_are_ignored(schoology: Schoology) -> None:
    id_ = schoology.assignment(grading_category_id=4371001, start="2031-01-01", external_id="x")
    assert read(schoology, id_)["grading_category"] == "0"


def test_an_update_changes_only_what_is_sent(schoology: Schoology) -> None:
    id_ = schoology.assignment(description="Two pages")
    reply = schoology.teacher("PUT", f"{ASSIGNMENTS}/{id_}", {"title": "Essay 2", "due": "2031-05-01"})
    assert (reply.status_code, reply.content) == (204, b"")
    found = read(schoology, id_)
    assert (found["title"], found["description"], found["due"], found["max_points"]) == (
        "Essay 2", "Two pages", "2031-05-01 00:00:00", "20"
    )  # fmt: skip


def test_success_codes_differ_between_systems(schoology: Schoology) -> None:
    schoology.set(update_status=200, create_returns_body=False)
    reply = schoology.teacher("POST", ASSIGNMENTS, {"title": "Essay"})
    assert (reply.status_code, reply.content) == (201, b"")
    [made] = schoology.teacher.get(ASSIGNMENTS)["assignment"]
    assert schoology.teacher("PUT", f"{ASSIGNMENTS}/{made['id']}", {"title": "New"}).json()["title"] == "New"


def test_a_deleted_assignment_is_gone_with_its_grades(schoology: Schoology) -> None:
    id_ = schoology.assignment()
    grade(schoology, id_, grade=18)
    answers = [schoology.teacher(method, f"{ASSIGNMENTS}/{id_}") for method in ("DELETE", "DELETE", "GET")]
    assert [(reply.status_code, reply.text) for reply in answers] == [
        (204, ""), (404, "Assignment not found"), (404, "Assignment not found")
    ]  # fmt: skip
    assert rows(schoology) == []
    assert grade(schoology, id_, grade=18)["response_code"] == 404


def test_a_retried_creation_makes_a_second_with_a_higher_id(schoology: Schoology) -> None:
    schoology.fail("error-after", method="POST")
    assert schoology.teacher("POST", ASSIGNMENTS, {"title": "Essay"}).status_code == 500
    second = schoology.assignment(title="Essay")
    ids = [one["id"] for one in schoology.teacher.get(ASSIGNMENTS)["assignment"]]
    assert (len(ids), max(ids)) == (2, second)


def test_dates_are_those_of_the_acting_users_zone(schoology: Schoology) -> None:
    id_ = schoology.assignment(due="2031-05-01 19:00:00")
    schoology.lms.ui_set_time_zone(TEACHER, "America/Los_Angeles")
    found = [schoology.admin.get(f"{ASSIGNMENTS}/{id_}")["due"], read(schoology, id_)["due"]]
    assert found == ["2031-05-01 19:00:00", "2031-05-01 16:00:00"]


@pytest.mark.parametrize(
    ("sent", "read_back"),
    [("2031-03-09 02:30:00", "2031-03-09 03:30:00"), ("2031-11-02 01:30:00", "2031-11-02 01:30:00")],
)
def test_an_hour_that_is_skipped_moves_forward(schoology: Schoology, sent: str, read_back: str) -> None:
    assert read(schoology, schoology.assignment(due=sent))["due"] == read_back


def test_a_due_date_can_be_taken_back(schoology: Schoology) -> None:
    id_ = schoology.assignment(due="2031-05-01 19:00:00")
    schoology.teacher("PUT", f"{ASSIGNMENTS}/{id_}", {"due": ""})
    assert read(schoology, id_)["due"] == ""


def test_assignees_are_enrollment_ids_and_others_are_dropped(schoology: Schoology) -> None:
    former = seed.enrollment_lms_id("000007", seed.FORMER_STUDENT)
    id_ = schoology.assignment(assignees=[ENROLLMENT, STUDENT, former])
    found = read(schoology, id_)
    assert (found["num_assignees"], found["assignees"]) == (1, [int(ENROLLMENT)])
    schoology.teacher("PUT", f"{ASSIGNMENTS}/{id_}", {"assignees": []})
    assert read(schoology, id_)["num_assignees"] == 0


def test_only_those_assigned_see_it_and_get_grades(schoology: Schoology) -> None:
    id_ = schoology.assignment(grading_group_ids=[seed.GRADING_GROUP], published=1)
    outsider = seed.enrollment_lms_id("000007", "001006")
    codes = [
        grade(schoology, id_, enrollment, grade=1)["response_code"] for enrollment in (ENROLLMENT, outsider)
    ]
    seen = [
        schoology.as_user(seed.person_lms_id(digits)).get(ASSIGNMENTS)["total"]
        for digits in ("001001", "001006")
    ]
    assert (codes, seen) == ([200, 400], [1, 0])


def test_students_do_not_see_what_is_not_published(schoology: Schoology) -> None:
    id_ = schoology.assignment(published=0)
    student = schoology.as_user(STUDENT)
    assert student("GET", f"{ASSIGNMENTS}/{id_}").status_code == 404
    schoology.teacher("PUT", f"{ASSIGNMENTS}/{id_}", {"published": 1})
    assert student("GET", f"{ASSIGNMENTS}/{id_}").status_code == 200


def test_finals_come_last_and_the_limit_counts_for_each_of_the_two(schoology: Schoology) -> None:
    for title, final, due in (
        ("F2", 1, "2031-02-02"),
        ("A2", 0, "2031-02-02"),
        ("A0", 0, ""),
        ("F1", 1, "2031-01-01"),
        ("A1", 0, "2031-01-01"),
    ):
        schoology.assignment(title=title, is_final=final, due=due)
    first = schoology.teacher.get(f"{ASSIGNMENTS}?limit=2")
    second = schoology.teacher.get(first["links"]["next"])
    titles = [[one["title"] for one in page["assignment"]] for page in (first, second)]
    assert (titles, first["total"], "next" in second["links"]) == (
        [["A1", "A2", "F1", "F2"], ["A0"]],
        5,
        False,
    )


def test_dropbox_stats_are_for_teachers_on_demand(schoology: Schoology) -> None:
    id_ = schoology.assignment()
    schoology.lms.ui_submit(id_, STUDENT, "My essay")
    found = read(schoology, id_, "?with_dropbox_stats=TRUE")
    assert (found["dropbox_submissions"], found["dropbox_last_submission"]) == (
        1,
        schoology.clock.now // 1000,
    )
    assert "dropbox_submissions" not in schoology.as_user(STUDENT).get(
        f"{ASSIGNMENTS}/{id_}?with_dropbox_stats=TRUE"
    )


def test_the_fault_deletes_the_assignment_that_is_asked_for(schoology: Schoology) -> None:
    id_ = schoology.assignment()
    grade(schoology, id_, grade=18)
    schoology.fail("deleted", times=4)
    assert schoology.teacher("GET", f"{ASSIGNMENTS}/{id_}").status_code == 404
    assert schoology.teacher("PUT", f"{ASSIGNMENTS}/{id_}", {"title": "New"}).status_code == 404
    assert rows(schoology, f"?assignment_id={id_}") == []
    assert grade(schoology, id_, grade=18)["response_code"] == 404


# Attachments.


def attachments(schoology: Schoology, id_: int) -> Any:
    return read(schoology, id_, "?with_attachments=1")["attachments"]


def test_attachments_are_shown_by_kind(schoology: Schoology) -> None:
    sent = [
        {"url": "https://example.org/a", "title": "A"}, {"url": "https://www.youtube.com/watch?v=1"},
        {"embed": "<iframe></iframe>", "title": "E"},
    ]  # fmt: skip
    found = attachments(schoology, schoology.assignment(attachments=sent))
    assert {kind: sorted(group) for kind, group in found.items()} == {
        "links": ["link"],
        "videos": ["video"],
        "embeds": ["embed"],
    }
    [link] = found["links"]["link"]
    assert (link["title"], link["url"], link["summary"]) == ("A", "https://example.org/a", "")


def test_attachments_without_an_id_are_added_and_those_not_sent_are_deleted(schoology: Schoology) -> None:
    id_ = schoology.assignment(
        attachments=[{"url": "https://example.org/a"}, {"url": "https://example.org/b"}]
    )
    kept, _ = attachments(schoology, id_)["links"]["link"]
    change = {
        "attachments": [
            {"id": kept["id"], "title": "New", "url": "ignored"},
            {"url": "https://example.org/c"},
        ]
    }
    schoology.teacher("PUT", f"{ASSIGNMENTS}/{id_}", change)
    found = [(one["title"], one["url"]) for one in attachments(schoology, id_)["links"]["link"]]
    assert found == [("New", "https://example.org/a"), ("https://example.org/c", "https://example.org/c")]
    schoology.teacher("PUT", f"{ASSIGNMENTS}/{id_}", {"title": "Essay 2"})
    assert len(attachments(schoology, id_)["links"]["link"]) == 2


@pytest.mark.parametrize("attachment", [{"fid": 1}, {"title": "nothing"}, {"resource": 5}, "text"])
def test_attachments_that_cannot_be_made_are_refused(schoology: Schoology, attachment: object) -> None:
    reply = schoology.teacher("POST", ASSIGNMENTS, {"title": "Essay", "attachments": [attachment]})
    assert reply.status_code == 400


# Grade setup.


def test_categories_are_made_with_an_answer_for_each(schoology: Schoology) -> None:
    sent = [{"title": "Labs", "weight": 10}, {"title": "Tests"}, {"weight": 5}]
    reply = schoology.teacher("POST", CATEGORIES, {"grading_categories": {"grading_category": sent}})
    answers = reply.json()["grading_category"]
    assert (reply.status_code, [answer["response_code"] for answer in answers]) == (207, [200, 409, 400])
    listed = schoology.teacher.get(CATEGORIES)["grading_category"][-1]
    assert (str(listed["id"]), listed["title"], listed["weight"]) == (answers[0]["id"], "Labs", 10)
    changed = schoology.teacher("PUT", f"{CATEGORIES}/{listed['id']}", {"weight": 20, "title": "Lab work"})
    assert (changed.status_code, changed.json()["weight"], changed.json()["title"]) == (200, "20", "Lab work")


def test_some_districts_cannot_make_categories(schoology: Schoology) -> None:
    schoology.set(categories_can_be_created=False)
    body = {"grading_categories": {"grading_category": {"title": "Labs"}}}
    assert schoology.teacher("POST", CATEGORIES, body).status_code == 400
    id_ = schoology.lms.ui_create_category(ALGEBRA, "Labs")
    assert read(schoology, schoology.assignment(grading_category=id_))["grading_category"] == str(id_)


def test_scales_have_levels(schoology: Schoology) -> None:
    scales = schoology.teacher.get(f"sections/{ALGEBRA}/grading_scales")["grading_scale"]
    assert [(scale["id"], scale["type"]) for scale in scales] == [(2001, 1), (2002, 1), (2003, 3)]
    assert scales[0]["scale"]["level"][-1] == {"grade": "A+", "cutoff": 97, "average": 97}
    assert scales[2]["scale"]["level"][0] == {"points": 4, "description": "Exceeds"}


# Discussions and tests.


def test_a_graded_discussion_has_two_ids(schoology: Schoology) -> None:
    body = {
        "title": "Talk",
        "body": "What do you think?",
        "graded": 1,
        "max_points": 10,
        "due": "2031-05-01 19:00:00",
    }
    made = schoology.teacher("POST", DISCUSSIONS, body).json()
    [item] = schoology.teacher.get(ITEMS)["assignment"]
    assert (item["type"], item["id"], item["grade_item_id"]) == (
        "discussion",
        made["grade_item_id"],
        made["id"],
    )
    assert schoology.teacher("GET", f"{ASSIGNMENTS}/{item['id']}").status_code == 404
    answers = [
        grade(schoology, id_, type="discussion", grade=7)["response_code"] for id_ in (made["id"], item["id"])
    ]
    assert (answers, stored(schoology, item["id"])["type"]) == ([404, 200], "discussion")
    assert grade(schoology, item["id"], grade=7)["response_code"] == 404  # it is not an assignment


def test_a_discussion_is_changed_and_deleted_with_its_grade_item(schoology: Schoology) -> None:
    made = schoology.teacher("POST", DISCUSSIONS, {"title": "Talk", "graded": "1"}).json()
    path = f"{DISCUSSIONS}/{made['id']}"
    assert (
        schoology.teacher("PUT", path, {"title": "Speak", "max_points": 5, "published": 0}).status_code == 204
    )
    found = schoology.teacher.get(path)
    assert (found["title"], found["max_points"], found["published"]) == ("Speak", "5", 0)
    assert schoology.as_user(STUDENT)("GET", path).status_code == 404
    assert [schoology.teacher(method, path).status_code for method in ("DELETE", "GET")] == [204, 404]
    assert schoology.teacher.get(ITEMS)["assignment"] == []


def test_an_ungraded_discussion_is_no_grade_item(schoology: Schoology) -> None:
    made = schoology.teacher("POST", DISCUSSIONS, {"title": "Talk"}).json()
    assert (made["graded"], schoology.teacher.get(ITEMS)["total"]) == (0, 0)
    assert schoology.teacher.get(DISCUSSIONS)["total"] == 1


def test_tests_are_grade_items_but_no_assignments(schoology: Schoology) -> None:
    id_ = schoology.lms.ui_create_test(ALGEBRA, "Unit 1")
    [item] = schoology.teacher.get(ITEMS)["assignment"]
    assert (item["id"], item["type"], schoology.teacher.get(ASSIGNMENTS)["assignment"]) == (
        id_,
        "assessment",
        [],
    )
    assert schoology.teacher("GET", f"{ASSIGNMENTS}/{id_}").status_code == 404
