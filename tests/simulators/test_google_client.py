"""The simulated Google Classroom, driven by Google's own client and checked against its discovery document."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.auth.exceptions import RefreshError
from google_auth_httplib2 import Request
from httplib2 import Http  # type: ignore[import-untyped]

from passback_simulators.google_classroom import seed
from passback_simulators.google_classroom.call import Operation
from passback_simulators.identities import ALGEBRA as ALGEBRA_SECTION
from support.classroom import (
    ALGEBRA,
    BIOLOGY,
    OTHER_STUDENT_ID,
    SCOPES,
    STUDENT,
    STUDENT_ID,
    TEACHER,
    TEACHER_ID,
    Clients,
    create,
    document,
    methods,
    read,
    refused,
    submissions,
)

NOT_SIMULATED = {"courseMaterialSets"}
"""Fields of messages that the document has and the simulator does not."""


@pytest.fixture
def admin(clients: Clients) -> Any:
    return clients.as_user(seed.ADMIN)


# The whole.


def operations(clients: Clients) -> Iterator[tuple[Operation, Any]]:
    """Each operation of the simulator, with the method that the discovery document describes."""
    known = {(one["httpMethod"], re.sub(r"\{\w+\}", "{}", f"/{one['path']}")): one for one in methods()}
    for operation in clients.classroom.lms.operations():
        yield operation, known[operation.method, re.sub(r"\{\w+\}", "{}", operation.path)]


def test_operations_are_as_the_discovery_document_has_them(clients: Clients) -> None:
    for operation, method in operations(clients):
        query = {name for name, one in method["parameters"].items() if one["location"] == "query"}
        assert {SCOPES + one for one in operation.scopes} == set(method["scopes"]), operation.path
        assert (set(operation.params), "request" in method) == (query, operation.message is not None)


def test_what_is_sent_is_as_the_discovery_document_has_it(clients: Clients) -> None:
    for operation, method in operations(clients):
        if operation.message is not None:
            properties = document()["schemas"][method["request"]["$ref"]].get("properties", {}).keys()
            assert properties - operation.message.fields.keys() <= NOT_SIMULATED, operation.path
            assert operation.message.fields.keys() <= properties


def test_answers_are_held_against_their_schemas(clients: Clients, teacher: Any) -> None:
    clients.classroom.lms.ui_change_course(ALGEBRA, state="SLEEPING")
    with pytest.raises(Exception, match="'SLEEPING' is not one of"):
        teacher.courses().get(id=ALGEBRA).execute()


# Credentials.


def test_a_service_account_acts_as_a_user(teacher: Any, student: Any) -> None:
    profiles = [one.userProfiles().get(userId="me").execute() for one in (teacher, student)]
    assert [one["id"] for one in profiles] == [TEACHER_ID, STUDENT_ID]


@pytest.mark.parametrize(
    ("email", "settings", "answer"),
    [
        ("nobody@district-6c.example", {}, "invalid_grant: Invalid email or User ID"),
        (seed.person_email(TEACHER), {"delegation": False}, "unauthorized_client"),
        (
            seed.person_email(TEACHER),
            {"delegated_scopes": [f"{SCOPES}clients.classroom.courses"]},
            "unauthorized_client",
        ),
    ],
)
def test_delegation_may_be_missing(
    clients: Clients, email: str, settings: dict[str, Any], answer: str
) -> None:
    clients.classroom.set(**settings)
    with contextlib.closing(Http()) as http, pytest.raises(RefreshError, match=answer):
        clients.credentials(email).refresh(Request(http))


def test_the_client_gets_a_new_token_in_time(clients: Clients, teacher: Any) -> None:
    teacher.courses().list().execute()
    clients.classroom.control("DELETE", "requests")
    for _ in range(2):
        clients.classroom.clock.advance(hours=1)
        teacher.courses().list().execute()
    assert clients.classroom.control("GET", "requests") == ["POST /token", "GET /v1/courses"] * 2


# Courses and people.


@pytest.mark.parametrize(
    ("who", "query", "found"),
    [
        (TEACHER, {}, {ALGEBRA, seed.ARCHIVED_COURSE}),
        (TEACHER, {"courseStates": "ACTIVE"}, {ALGEBRA}),
        (TEACHER, {"courseStates": ["ACTIVE", "ARCHIVED"]}, {ALGEBRA, seed.ARCHIVED_COURSE}),
        (TEACHER, {"studentId": "me"}, set()),
        (STUDENT, {"studentId": "me"}, {ALGEBRA, seed.ARCHIVED_COURSE}),
        (seed.CO_TEACHER, {}, {BIOLOGY}),
        (seed.ADMIN, {}, {ALGEBRA, BIOLOGY, seed.ARCHIVED_COURSE, seed.ORPHAN_COURSE}),
        (seed.ADMIN, {"teacherId": seed.person_email(TEACHER)}, {ALGEBRA, seed.ARCHIVED_COURSE}),
    ],
)
def test_courses(clients: Clients, who: str, query: dict[str, Any], found: set[str]) -> None:
    listed = clients.as_user(who).courses().list(**query).execute()
    assert {one["id"] for one in listed.get("courses", [])} == found


def test_a_course_is_found_by_its_alias(teacher: Any) -> None:
    aliases = teacher.courses().aliases().list(courseId=ALGEBRA).execute()
    assert aliases == {"aliases": [{"alias": "d:section-7"}]}
    assert teacher.courses().get(id="d:section-7").execute()["id"] == ALGEBRA


def test_aliases_of_a_project_are_its_own(clients: Clients, teacher: Any) -> None:
    teacher.courses().aliases().create(courseId=ALGEBRA, body={"alias": "p:a7"}).execute()
    stranger = clients.as_user(TEACHER, project=seed.OTHER_PROJECT)
    assert teacher.courses().get(id="p:a7").execute()["name"] == "Algebra 1"
    assert refused(stranger.courses().get(id="p:a7"))[0] == 404
    assert refused(teacher.courses().aliases().create(courseId=ALGEBRA, body={"alias": "p:a7"}))[0] == 409
    assert teacher.courses().aliases().delete(courseId=ALGEBRA, alias="p:a7").execute() == {}


def test_courses_are_made_and_changed(clients: Clients, admin: Any) -> None:
    body = {"id": "d:new", "name": "Chess", "ownerId": seed.person_email(TEACHER), "courseState": "ACTIVE"}
    course = admin.courses().create(body=body).execute()
    changed = admin.courses().patch(id="d:new", updateMask="name", body={"name": "Go"}).execute()
    assert (changed["id"], changed["name"], changed["ownerId"]) == (course["id"], "Go", TEACHER_ID)


def test_the_roster_in_pages(teacher: Any) -> None:
    pages, request = [], teacher.courses().students().list(courseId=ALGEBRA, pageSize=12)
    while request is not None:
        pages.append(request.execute())
        request = teacher.courses().students().list_next(request, pages[-1])
    assert [len(one["students"]) for one in pages] == [12, 12, 6]
    students = [one["userId"] for page in pages for one in page["students"]]
    assert students == [seed.person_lms_id(one) for one in ALGEBRA_SECTION.students]


def test_a_roster_page_has_30(clients: Clients, teacher: Any) -> None:
    clients.classroom.lms.ui_enroll(ALGEBRA, seed.person_lms_id(seed.INVITED_STUDENT))
    page = teacher.courses().students().list(courseId=ALGEBRA).execute()
    assert (len(page["students"]), "nextPageToken" in page) == (30, True)


@pytest.mark.parametrize(
    ("scopes", "shown"),
    [
        (["classroom.rosters.readonly"], False),
        (["classroom.rosters.readonly", "classroom.profile.emails"], True),
    ],
)
def test_addresses_need_their_scope(clients: Clients, scopes: list[str], shown: bool) -> None:
    person = (
        clients.as_user(TEACHER, *scopes)
        .courses()
        .students()
        .get(courseId=ALGEBRA, userId=STUDENT_ID)
        .execute()
    )
    assert (person["profile"].get("emailAddress") == seed.person_email(STUDENT)) is shown


def test_people_join_and_leave(admin: Any, teacher: Any) -> None:
    teachers, students = admin.courses().teachers(), admin.courses().students()
    co_teacher = seed.person_email(seed.CO_TEACHER)
    teachers.create(courseId=ALGEBRA, body={"userId": co_teacher}).execute()
    students.delete(courseId=ALGEBRA, userId=STUDENT_ID).execute()
    names = [
        one["userId"] for one in teacher.courses().teachers().list(courseId=ALGEBRA).execute()["teachers"]
    ]
    assert names == [TEACHER_ID, seed.person_lms_id(seed.CO_TEACHER)]
    assert refused(teacher.courses().students().get(courseId=ALGEBRA, userId=STUDENT_ID))[0] == 404
    assert refused(teachers.create(courseId=ALGEBRA, body={"userId": co_teacher}))[0] == 409


def test_an_invitation_is_accepted(clients: Clients, teacher: Any) -> None:
    create(teacher)
    listed = teacher.invitations().list(courseId=ALGEBRA).execute()
    assert [one["id"] for one in listed["invitations"]] == [seed.INVITATION]
    invited = clients.as_user(seed.INVITED_STUDENT)
    invited.invitations().accept(id=seed.INVITATION).execute()
    assert (
        len(submissions(invited).list(courseId=ALGEBRA, courseWorkId="-").execute()["studentSubmissions"])
        == 1
    )
    assert teacher.invitations().list(courseId=ALGEBRA).execute() == {}


def test_invitations_are_made_and_taken_back(admin: Any) -> None:
    body = {"courseId": ALGEBRA, "userId": seed.person_email(seed.CO_TEACHER), "role": "TEACHER"}
    made = admin.invitations().create(body=body).execute()
    assert admin.invitations().get(id=made["id"]).execute()["role"] == "TEACHER"
    assert admin.invitations().delete(id=made["id"]).execute() == {}


def test_guardians(teacher: Any) -> None:
    guardians = teacher.userProfiles().guardians()
    [found] = guardians.list(studentId=STUDENT_ID).execute()["guardians"]
    assert guardians.get(studentId=STUDENT_ID, guardianId=found["guardianId"]).execute() == found


def test_a_student_sees_only_their_own_guardians(clients: Clients) -> None:
    guardians = clients.as_user(STUDENT, "classroom.guardianlinks.me.readonly").userProfiles().guardians()
    assert len(guardians.list(studentId="me").execute()["guardians"]) == 1
    assert refused(guardians.list(studentId=OTHER_STUDENT_ID))[0] == 403


# Topics, grading periods, registrations.


def test_topics(teacher: Any, student: Any) -> None:
    topics = teacher.courses().topics()
    topic = topics.create(courseId=ALGEBRA, body={"name": "Unit 2"}).execute()
    work = create(teacher, topicId=topic["topicId"])
    renamed = topics.patch(
        courseId=ALGEBRA, id=topic["topicId"], updateMask="name", body={"name": "Unit 3"}
    ).execute()
    assert student.courses().topics().get(courseId=ALGEBRA, id=topic["topicId"]).execute() == renamed
    assert [one["name"] for one in topics.list(courseId=ALGEBRA).execute()["topic"]] == ["Unit 1", "Unit 3"]
    assert topics.delete(courseId=ALGEBRA, id=topic["topicId"]).execute() == {}
    assert (work["topicId"], "topicId" in read(teacher, work)) == (topic["topicId"], False)


def test_grading_periods(teacher: Any) -> None:
    courses = teacher.courses()
    periods = courses.getGradingPeriodSettings(courseId=ALGEBRA).execute()["gradingPeriods"]
    assert [one["title"] for one in periods] == ["Semester 1", "Semester 2"]
    assert create(teacher)["gradingPeriodId"] == periods[0]["id"]
    days = {
        "startDate": {"year": 2026, "month": 8, "day": 1},
        "endDate": {"year": 2027, "month": 1, "day": 31},
    }
    body = {"gradingPeriods": [*periods, {"title": "Next", **days}]}
    changed = courses.updateGradingPeriodSettings(
        courseId=ALGEBRA, updateMask="gradingPeriods", body=body
    ).execute()
    assert [one["title"] for one in changed["gradingPeriods"]] == ["Semester 1", "Semester 2", "Next"]


def test_registrations_need_a_users_consent(teacher: Any) -> None:
    feed = {"feedType": "COURSE_WORK_CHANGES", "courseWorkChangesInfo": {"courseId": ALGEBRA}}
    body = {"feed": feed, "cloudPubsubTopic": {"topicName": "projects/p/topics/t"}}
    assert refused(teacher.registrations().create(body=body)) == (403, "@MissingGrant")
