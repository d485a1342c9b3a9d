"""Schoology's users, sections and enrollments, its lists, and its loose types."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from passback_simulators.identities import ALGEBRA as ALGEBRA_SECTION
from passback_simulators.identities import STUDENTS
from passback_simulators.records import Records
from passback_simulators.schoology import seed
from support.schoology_client import ALGEBRA, BIOLOGY, ENROLLMENT, STUDENT, TEACHER, Schoology


def pages(schoology: Schoology, path: str, key: str) -> list[list[Any]]:
    """All pages of a list, following its links."""
    found, following = [], f"{schoology.url}/v1/{path}"
    while following:
        answer = schoology.admin.get(following)
        found.append(answer[key])
        following = answer["links"].get("next", "")
    return found


# The seed.


def test_the_sandboxs_people_are_there_by_their_sis_ids(schoology: Schoology) -> None:
    users = [user for page in pages(schoology, "users?limit=200", "user") for user in page]
    by_id = {user["uid"]: user for user in users}
    for digits, (first, last) in STUDENTS.items():
        user = by_id[seed.person_lms_id(digits)]
        expected = (f"student-{digits}", f"{first}.{last}@district-5c.example".lower(), seed.STUDENT)
        assert (user["school_uid"], user["primary_email"], user["role_id"]) == expected


def test_ids_of_sections_and_enrollments_exceed_31_bits_and_are_no_uids(schoology: Schoology) -> None:
    people = schoology.admin.get(f"sections/{ALGEBRA}/enrollments?limit=200")["enrollment"]
    assert min(int(ALGEBRA), *(int(person["id"]) for person in people)) > 2**31
    assert all(person["id"] != person["uid"] for person in people)


def test_an_enrollment_says_who_teaches_and_who_has_left(schoology: Schoology) -> None:
    people = schoology.admin.get(f"sections/{ALGEBRA}/enrollments?limit=200")["enrollment"]
    assert [person["uid"] for person in people if person["admin"]] == [TEACHER]
    assert [person["school_uid"] for person in people if person["status"] == "2"] == ["student-001999"]
    assert len(people) == 32


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("enrollment_status=1", 31),
        ("enrollment_status=1,2", 32),
        (f"uid={STUDENT},{TEACHER}", 2),
        ("uid=1", 0),
    ],
)
def test_enrollments_are_filtered(schoology: Schoology, query: str, count: int) -> None:
    assert (
        len(schoology.admin.get(f"sections/{ALGEBRA}/enrollments?limit=200&{query}")["enrollment"]) == count
    )


def test_past_sections_are_listed_only_on_demand(schoology: Schoology) -> None:
    lists = [
        schoology.admin.get(f"users/{TEACHER}/sections{query}")["section"]
        for query in ("", "?include_past=1")
    ]
    assert [{section["id"] for section in sections} for sections in lists] == [
        {ALGEBRA, seed.STUDY_HALL}, {ALGEBRA, seed.STUDY_HALL, seed.PAST_SECTION}
    ]  # fmt: skip


def test_a_past_section_refuses_changes(schoology: Schoology) -> None:
    path = f"sections/{seed.PAST_SECTION}/assignments"
    assert schoology.teacher("POST", path, {"title": "Late"}).status_code == 403
    schoology.set(past_sections_read_only=False)
    assert schoology.teacher("POST", path, {"title": "Late"}).status_code == 201


def test_users_are_those_of_the_callers_building(schoology: Schoology) -> None:
    buildings = {user["building_id"] for user in schoology.teacher.get("users?limit=200")["user"]}
    assert buildings == {seed.HIGH_SCHOOL}


@pytest.mark.parametrize(
    ("query", "count"),
    [("school_uids=student-001001,teacher-000001,none", 2), ("role_ids=1213", 2), (f"building_id={seed.MIDDLE_SCHOOL}", 1)],
)  # fmt: skip
def test_users_are_filtered(schoology: Schoology, query: str, count: int) -> None:
    assert len(schoology.admin.get(f"users?{query}")["user"]) == count


def test_sections_are_found_by_code(schoology: Schoology) -> None:
    found = schoology.admin.get("sections?section_school_codes=section-7,section-8,section-6")["section"]
    assert [section["id"] for section in found] == [ALGEBRA, BIOLOGY]
    assert schoology.admin("GET", "sections").status_code == 400
    codes = ",".join(str(number) for number in range(51))
    assert schoology.admin("GET", f"sections?section_school_codes={codes}").status_code == 400


def test_everyone_is_exported_in_one_call(schoology: Schoology) -> None:
    reply = schoology.admin("GET", "csvexport/users?fields=uid,school_uid,mail,role_name,other")
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert (len(rows), list(rows[0])) == (45, ["uid", "school_uid", "mail", "role_name"])


def test_grading_periods_belong_to_the_section(schoology: Schoology) -> None:
    periods = schoology.admin.get(f"sections/{ALGEBRA}/grading_periods")["grading_period"]
    assert [(period["id"], period["start"], period["end"]) for period in periods] == [
        (seed.PERIOD_SEMESTER, "2025-08-01 00:00:00", "2026-01-31 00:00:00"),
        (seed.PERIOD_YEAR, "2025-08-01 00:00:00", "2035-07-31 00:00:00"),
    ]
    assert schoology.admin.get(f"gradingperiods/{seed.PERIOD_PAST}")["active"] == "0"


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        ("app-user-info", "api_uid", int(seed.ADMIN_UID)),
        ("schools/2344232", "title", "Sandbox Unified"),
        ("roles/1214", "faculty", 0),
        ("courses/1407691", "building_id", "2344233"),
        (f"sections/{ALGEBRA}", "admin", 1),
        (f"sections/{ALGEBRA}/enrollments/{ENROLLMENT}", "uid", STUDENT),
        (f"sections/{ALGEBRA}/grading_categories/4371001", "realm_id", ALGEBRA),
        (f"sections/{ALGEBRA}/grading_groups/{seed.GRADING_GROUP}", "section_id", int(ALGEBRA)),
        (f"sections/{ALGEBRA}/grading_groups", "count", 1),
        (f"sections/{seed.STUDY_HALL}/grading_categories", "grading_category", []),
        ("schools/2344232/buildings", "total", "2"),
        ("schools", "total", "1"),
    ],
)
def test_single_resources(schoology: Schoology, path: str, key: str, expected: object) -> None:
    assert schoology.admin.get(path)[key] == expected


def test_what_is_not_there_is_not_found(schoology: Schoology) -> None:
    paths = (
        "users/student-001001", "users/ext/none", "sections/1", "sections/ext/none", "courses/1", "courses/1/sections",
        "roles/1", "schools/1", "schools/1/buildings", "gradingperiods/1", f"sections/{ALGEBRA}/enrollments/1",
        f"sections/{ALGEBRA}/grading_categories/1", f"sections/{ALGEBRA}/grading_groups/1", "triggers/targets/1",
    )  # fmt: skip
    method = {"triggers/targets/1": "DELETE"}
    assert [schoology.admin(method.get(path, "GET"), path).status_code for path in paths] == [404] * len(
        paths
    )


# Lists.


def test_a_page_has_twenty_items_by_default_and_links_to_the_next(schoology: Schoology) -> None:
    answer = schoology.admin.get(f"sections/{ALGEBRA}/enrollments?enrollment_status=1")
    assert (len(answer["enrollment"]), answer["total"]) == (20, "31")
    address = f"{schoology.url}/v1/sections/{ALGEBRA}/enrollments?enrollment_status=1"
    assert answer["links"] == {"self": f"{address}&start=0&limit=20", "next": f"{address}&start=20&limit=20"}
    assert [len(page) for page in pages(schoology, f"sections/{ALGEBRA}/enrollments", "enrollment")] == [
        20,
        12,
    ]


def test_the_server_silently_lowers_the_limit(schoology: Schoology) -> None:
    schoology.set(largest_page=7)
    found = pages(schoology, f"sections/{BIOLOGY}/enrollments?limit=200", "enrollment")
    assert [len(page) for page in found] == [7, 4]


def test_total_and_next_can_be_absent(schoology: Schoology) -> None:
    schoology.set(total_in_lists=False, next_in_lists=False)
    answer = schoology.admin.get("users")
    assert (sorted(answer), sorted(answer["links"])) == (["links", "user"], ["self"])


def test_links_can_be_http_or_https(schoology: Schoology) -> None:
    schoology.set(http_links=False)
    assert schoology.admin.get("users")["links"]["next"].startswith("https://127.0.0.1:")


def test_a_list_of_one_can_be_the_object(schoology: Schoology) -> None:
    schoology.set(single_as_object=True)
    found = schoology.admin.get(f"sections/{ALGEBRA}/enrollments?uid={STUDENT}")["enrollment"]
    assert found["id"] == ENROLLMENT


def test_types_are_mixed(schoology: Schoology) -> None:
    user = schoology.admin.get(f"users/{STUDENT}")
    assert (user["uid"], user["id"], user["grad_year"], user["position"]) == (STUDENT, int(STUDENT), "", None)
    section = schoology.admin.get(f"sections/{ALGEBRA}")
    assert (section["course_id"], section["synced"], section["active"]) == ("1407691", "1", 1)


def test_users_have_a_time_zone(schoology: Schoology) -> None:
    schoology.lms.ui_set_time_zone(TEACHER, "Asia/Kolkata")
    zones = [schoology.admin.get(f"users/{uid}") for uid in (STUDENT, TEACHER)]
    assert [(user["tz_name"], user["tz_offset"]) for user in zones] == [
        ("America/New_York", -5),
        ("Asia/Kolkata", 5.5),
    ]


# Multiget.


@pytest.mark.parametrize("form", ["xml", "json"])
def test_several_reads_go_in_one_call(schoology: Schoology, form: str) -> None:
    paths = [
        f"/v1/users/{STUDENT}",
        f"/v1/sections/{ALGEBRA}/enrollments?uid={STUDENT}",
        "/v1/users/1",
        "/v1/roles",
    ]
    if form == "json":
        reply = schoology.admin("POST", "multiget", {"request": paths})
    else:
        body = "<requests>" + "".join(f"<request>{path}</request>" for path in paths) + "</requests>"
        reply = schoology.admin(
            "POST", "multiget", headers={"content-type": "text/xml"}, content=body.encode()
        )
    answers = reply.json()["response"]
    assert (reply.status_code, [answer["response_code"] for answer in answers]) == (207, [200, 200, 404, 403])
    assert (answers[0]["body"]["uid"], answers[1]["body"]["enrollment"][0]["id"]) == (STUDENT, ENROLLMENT)


def test_at_most_fifty_reads_go_in_one_call(schoology: Schoology) -> None:
    assert schoology.admin("POST", "multiget", {"request": ["/v1/users/1"] * 51}).status_code == 400


# What people do in the web pages.


def test_people_come_and_go(schoology: Schoology) -> None:
    schoology.lms.ui_unenroll(ALGEBRA, STUDENT)
    gone = schoology.admin.get(f"sections/{ALGEBRA}/enrollments/{ENROLLMENT}")["status"]
    back = schoology.lms.ui_enroll(ALGEBRA, STUDENT)
    schoology.lms.ui_unenroll(ALGEBRA, STUDENT, status=None)
    assert (gone, back) == ("2", ENROLLMENT)
    assert schoology.admin("GET", f"sections/{ALGEBRA}/enrollments/{ENROLLMENT}").status_code == 404
    assert int(schoology.lms.ui_enroll(ALGEBRA, STUDENT)) != int(ENROLLMENT)


def test_a_deleted_user_is_gone_and_so_is_their_token(schoology: Schoology) -> None:
    student = schoology.as_user(STUDENT)
    schoology.lms.ui_delete_user(STUDENT)
    assert [
        student("GET", "users/me").status_code,
        schoology.admin("GET", f"users/{STUDENT}").status_code,
    ] == [401, 404]


def test_a_section_ends(schoology: Schoology) -> None:
    schoology.lms.ui_end_section(ALGEBRA)
    assert schoology.admin.get("courses/1407691/sections")["section"] == []


def test_nobody_is_enrolled_if_the_fault_says_so(schoology: Schoology) -> None:
    schoology.fail("not-enrolled")
    found = schoology.admin.get(f"sections/{ALGEBRA}/enrollments")["enrollment"]
    assert [person["uid"] for person in found] == [TEACHER]
    assert len(ALGEBRA_SECTION.students) == 30


def test_the_whole_state_can_be_taken_and_put_back(schoology: Schoology) -> None:
    id_ = schoology.assignment(due="2031-05-01 19:00:00")
    schoology.lms.ui_submit(id_, STUDENT, "Mine")
    schoology.lms.ui_grade(id_, STUDENT, grade=18.5)
    state = schoology.control("GET", "state")
    schoology.control("POST", "reset")
    schoology.control("PUT", "state", state)
    assert schoology.control("GET", "state") == state
    paths = (
        f"sections/{ALGEBRA}/grades",
        f"sections/{ALGEBRA}/submissions/{id_}",
        f"sections/{ALGEBRA}/grade_items",
    )
    keys = ("grades", "revision", "assignment")
    assert all(schoology.teacher.get(path)[key] for path, key in zip(paths, keys, strict=True))


@pytest.mark.parametrize("month", range(1, 13))
def test_the_sections_periods_contain_today_whenever_the_sandbox_begins(month: int) -> None:
    records = Records()
    seed.seed(records, int(datetime(2027, month, 28, tzinfo=UTC).timestamp() * 1000))
    periods = [
        records.get("periods", id_) for id_ in (seed.PERIOD_SEMESTER, seed.PERIOD_YEAR, seed.PERIOD_PAST)
    ]
    today = f"2027-{month:02}-28"
    assert [period["start"] <= today <= period["end"] for period in periods if period] == [True, True, False]
