"""The simulated Google Classroom's pages, quotas and archived courses, and who can see what."""

from __future__ import annotations

from typing import Any

import pytest

from passback_simulators.google_classroom import seed
from support.classroom import (
    ALGEBRA,
    BIOLOGY,
    BIOLOGY_TEACHER,
    ESSAY,
    OTHER_STUDENT,
    STUDENT,
    STUDENT_ID,
    TEACHER,
    WORKS,
    Classroom,
    error_of,
)

INVALID, PRECONDITION, DENIED = "INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED"
STUDENTS = f"courses/{ALGEBRA}/students"
EXHAUSTED = "RESOURCE_EXHAUSTED"


# Pages.


def sizes(classroom: Classroom, query: str) -> list[int]:
    """The number of students on each page."""
    found, token = [], ""
    while True:
        page = classroom.teacher.get(f"{STUDENTS}?{query}&pageToken={token}")
        found.append(len(page["students"]))
        token = page.get("nextPageToken", "")
        if not token:
            return found


@pytest.mark.parametrize(
    ("query", "settings", "pages"),
    [
        ("", {}, [30]),
        ("pageSize=0", {}, [30]),
        ("pageSize=15", {}, [15, 15]),
        ("page_size=20", {}, [20, 10]),
        ("pageSize=500", {}, [30]),
        ("pageSize=500", {"largest_page": 16}, [16, 14]),
        ("pageSize=20", {"short_pages": True}, [10, 10, 10]),
        ("pageSize=1000&pageSize=25", {}, [25, 5]),
    ],
)
def test_pages(classroom: Classroom, query: str, settings: dict[str, Any], pages: list[int]) -> None:
    classroom.set(**settings)
    assert sizes(classroom, query) == pages


@pytest.mark.parametrize(
    ("path", "who", "good"),
    [
        (f"{STUDENTS}?pageSize=10", TEACHER, True),
        (f"{STUDENTS}?pageSize=11", TEACHER, False),
        (STUDENTS, TEACHER, False),
        (f"courses/{ALGEBRA}/teachers?pageSize=10", TEACHER, False),
        (f"{STUDENTS}?pageSize=10", STUDENT, False),
    ],
)
def test_a_pages_token_is_for_the_same_request(classroom: Classroom, path: str, who: str, good: bool) -> None:
    token = classroom.teacher.get(f"{STUDENTS}?pageSize=10")["nextPageToken"]
    joined = "&" if "?" in path else "?"
    reply = classroom.as_user(who)("GET", f"{path}{joined}pageToken={token}")
    assert (reply.status_code == 200) is good
    assert good or error_of(reply) == INVALID


@pytest.mark.parametrize("token", ["x", "AAAA", "%C3%BC", "A" * 24])
def test_pages_tokens_are_not_made_up(classroom: Classroom, token: str) -> None:
    assert classroom.teacher.refused("GET", f"{STUDENTS}?pageToken={token}") == INVALID


# Quotas.


def statuses(classroom: Classroom, *digits: str, **options: Any) -> list[int]:
    """The status that each of several people gets, one after the other."""
    return [classroom.as_user(one, **options)("GET", "courses").status_code for one in digits]


def test_a_users_quota(classroom: Classroom) -> None:
    classroom.set(per_minute_per_user=2)
    assert statuses(classroom, TEACHER, TEACHER, TEACHER, STUDENT) == [200, 200, 429, 200]
    assert classroom.teacher.refused("GET", "courses") == EXHAUSTED


def test_a_projects_quota(classroom: Classroom) -> None:
    classroom.set(per_minute_per_client=2)
    assert statuses(classroom, TEACHER, STUDENT, OTHER_STUDENT) == [200, 200, 429]
    assert statuses(classroom, TEACHER, client=seed.OTHER_CLIENT_ID) == [200]


def test_the_minute_of_a_quota_moves(classroom: Classroom) -> None:
    classroom.set(per_minute_per_user=2)
    seen = []
    for seconds in (0, 40, 19, 1, 0):
        classroom.clock.now += seconds * 1000
        seen += statuses(classroom, TEACHER)
    assert seen == [200, 200, 429, 200, 429]


def test_a_quota_of_0_means_no_limit(classroom: Classroom) -> None:
    classroom.set(per_minute_per_user=0, per_minute_per_client=0)
    assert set(statuses(classroom, *[TEACHER] * 5)) == {200}


# Courses and users that are closed.


WRITES = [
    ("POST", "courseWork", dict(ESSAY)),
    ("PATCH", "courseWork/{work}?updateMask=title", {"title": "New"}),
    ("DELETE", "courseWork/{work}", None),
    ("POST", "courseWork/{work}:modifyAssignees", {"assigneeMode": "ALL_STUDENTS"}),
    ("PATCH", "courseWork/{work}/studentSubmissions/{own}?updateMask=draftGrade", {"draftGrade": 1}),
    ("POST", "courseWork/{work}/studentSubmissions/{own}:return", {}),
    ("POST", "topics", {"name": "Unit 9"}),
    ("PATCH", "gradingPeriodSettings?updateMask=gradingPeriods", {}),
    ("PATCH", "?updateMask=name", {"name": "New"}),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_an_archived_course_is_only_read(classroom: Classroom, method: str, path: str, body: Any) -> None:
    work = classroom.work()
    own = classroom.submission(work).rpartition("/")[2]
    classroom.lms.ui_change_course(ALGEBRA, state="ARCHIVED")
    joined = "" if path.startswith("?") else "/"
    path = f"courses/{ALGEBRA}{joined}{path.format(work=work.rpartition('/')[2], own=own)}"
    assert classroom.teacher.refused(method, path, body) == f"{PRECONDITION} @CourseNotModifiable"
    assert classroom.teacher.get(work)["title"] == "Essay"


def test_students_change_nothing_in_an_archived_course(classroom: Classroom) -> None:
    own = classroom.submission(classroom.work())
    classroom.lms.ui_change_course(ALGEBRA, state="ARCHIVED")
    assert classroom.student.refused("POST", f"{own}:turnIn", {}) == f"{PRECONDITION} @CourseNotModifiable"


def test_a_course_is_archived_and_taken_up_again(classroom: Classroom) -> None:
    path = f"courses/{ALGEBRA}?updateMask=courseState"
    states = [
        classroom.teacher.done("PATCH", path, {"courseState": one})["courseState"]
        for one in ("ARCHIVED", "ACTIVE")
    ]
    assert states == ["ARCHIVED", "ACTIVE"]


def test_the_api_may_be_disabled_for_users(classroom: Classroom) -> None:
    classroom.set(api_disabled_for=[seed.person_email(TEACHER)])
    assert classroom.teacher.refused("GET", "courses") == f"{DENIED} @ClassroomApiDisabled"
    assert classroom.student("GET", "courses").status_code == 200


def test_a_course_without_its_owner(classroom: Classroom) -> None:
    course = f"courses/{seed.ORPHAN_COURSE}"
    changes = classroom.admin.refused("PATCH", f"{course}?updateMask=name", {"name": "New"})
    work = classroom.as_user(BIOLOGY_TEACHER).done("POST", f"{course}/courseWork", dict(ESSAY))
    assert (changes, work["title"]) == (f"{PRECONDITION} @InactiveCourseOwner", "Essay")


@pytest.mark.parametrize(
    ("who", "path", "answer"),
    [
        (TEACHER, f"courses/{BIOLOGY}", DENIED),
        (TEACHER, "courses/1", "NOT_FOUND"),
        (TEACHER, "courses/d:none", "NOT_FOUND"),
        (TEACHER, f"{WORKS}/1", "NOT_FOUND"),
        (TEACHER, f"{WORKS}/1/studentSubmissions", "NOT_FOUND"),
        (TEACHER, f"{STUDENTS}/1", "NOT_FOUND"),
        (TEACHER, f"userProfiles/{seed.person_lms_id(BIOLOGY_TEACHER)}", DENIED),
        (STUDENT, f"userProfiles/{STUDENT_ID}/guardians?invitedEmailAddress=x", DENIED),
        (seed.INVITED_STUDENT, f"courses/{ALGEBRA}", DENIED),
    ],
)
def test_what_is_not_there_or_not_theirs(classroom: Classroom, who: str, path: str, answer: str) -> None:
    assert classroom.as_user(who).refused("GET", path) == answer


def test_users_get_other_addresses(classroom: Classroom) -> None:
    classroom.lms.ui_change_email(STUDENT_ID, "ada.new@district-6c.example")
    profile = classroom.teacher.get("userProfiles/Ada.New@district-6c.example")
    assert (profile["id"], profile["emailAddress"]) == (STUDENT_ID, "ada.new@district-6c.example")


def test_new_accounts(classroom: Classroom) -> None:
    user = classroom.lms.ui_create_user("new@district-6c.example", "New", "Comer")
    classroom.lms.ui_enroll(ALGEBRA, user, teacher=True)
    assert (
        classroom.teacher.get(f"courses/{ALGEBRA}/teachers/{user}")["profile"]["name"]["fullName"]
        == "New Comer"
    )


def test_users_may_register_for_notifications(classroom: Classroom) -> None:
    feed = {"feedType": "COURSE_WORK_CHANGES", "courseWorkChangesInfo": {"courseId": ALGEBRA}}
    body = {"feed": feed, "cloudPubsubTopic": {"topicName": "projects/p/topics/t"}}
    first, second = (classroom.teacher.done("POST", "registrations", body) for _ in range(2))
    assert (first, first["expiryTime"]) == (second, "2026-01-08T00:00:00Z")
    assert classroom.teacher.done("DELETE", f"registrations/{first['registrationId']}") == {}


@pytest.mark.parametrize("path", ["v1/nothing", "v2/courses", "", f"v1/courses/{ALGEBRA}/courseWork/1/x"])
def test_no_such_path(classroom: Classroom, path: str) -> None:
    reply = classroom.http.get(f"{classroom.url}/{path}")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "text/html; charset=UTF-8")


@pytest.mark.parametrize(
    ("who", "alias", "answer"),
    [
        (seed.ADMIN, "d:a7", None),
        (TEACHER, "p:a7", None),
        (TEACHER, "d:a7", DENIED),
        (STUDENT, "p:a7", DENIED),
        (TEACHER, "a7", INVALID),
        (TEACHER, "p:" + "x" * 255, INVALID),
        (seed.ADMIN, "d:section-8", "ALREADY_EXISTS"),
    ],
)
def test_aliases(classroom: Classroom, who: str, alias: str, answer: str | None) -> None:
    request = ("POST", f"courses/{ALGEBRA}/aliases", {"alias": alias})
    caller = classroom.as_user(who)
    assert (caller.refused(*request) if answer else caller.done(*request)) == (answer or {"alias": alias})
