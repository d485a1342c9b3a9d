"""Google's own client against the Google Classroom simulator; all answers are as its discovery document says."""

from __future__ import annotations

from typing import Any

import google.auth.exceptions
import google.auth.transport.requests
import pytest
import requests
from google.oauth2 import service_account
from googleapiclient.errors import HttpError

from classroom_support import (
    ADMIN,
    ALL,
    COURSE,
    OTHER_STUDENT_ID,
    STUDENT,
    STUDENT_ID,
    TEACHER,
    WORK,
    Classroom,
    answer,
)
from google_support import private_key
from passback.domain.clock import DAY, system_clock
from passback.sandbox.identities import ALGEBRA
from passback.sandbox.simulators.google_classroom import seed
from passback.sandbox.simulators.google_classroom.simulator import ClassroomSimulator
from simulator_support import serving
from support import NOW

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:httplib2", "ignore::ResourceWarning:httplib2"
)


@pytest.fixture
def teacher(classroom: Classroom) -> Any:
    return classroom.client(TEACHER).courses()


def all_pages(resource: Any, request: Any, name: str) -> list[Any]:
    """Every item, by the client's own way through the pages."""
    found = []
    while request is not None:
        content = answer(request)
        found += content.get(name, [])
        request = resource.list_next(request, content)
    return found


def refused(request: Any) -> tuple[int, str]:
    """The status and the message with which a request is refused."""
    with pytest.raises(HttpError) as caught:
        request.execute()
    return caught.value.status_code, caught.value.reason


def test_it_signs_in_as_whom_the_domain_delegated() -> None:
    simulator = ClassroomSimulator(system_clock)  # Google's library has no clock but the machine's
    simulator.private_keys[seed.PROJECT] = private_key()
    simulator.start()
    with serving(simulator) as served, requests.Session() as session:
        credentials: Any = service_account.Credentials
        acting = credentials.from_service_account_info(
            simulator.service_account_key(served.url), scopes=ALL, subject=TEACHER
        )
        acting.refresh(google.auth.transport.requests.Request(session))
        assert acting.valid
        wrong = acting.with_subject("nobody@district-6c.example")
        with pytest.raises(google.auth.exceptions.RefreshError, match="invalid_grant"):
            wrong.refresh(google.auth.transport.requests.Request(session))


def test_it_reads_courses_aliases_and_people(classroom: Classroom) -> None:
    courses = classroom.client(ADMIN).courses()
    found = {it["id"]: it for it in all_pages(courses, courses.list(pageSize=2), "courses")}
    assert found[COURSE]["ownerId"] == seed.person_lms_id(ALGEBRA.teacher)
    aliases = answer(courses.aliases().list(courseId=COURSE))["aliases"]
    by_alias = answer(courses.get(id="d:section-7"))
    students = all_pages(courses.students(), courses.students().list(courseId=COURSE, pageSize=7), "students")
    teachers = answer(courses.teachers().list(courseId=COURSE))["teachers"]
    assert ([it["alias"] for it in aliases], by_alias["id"], len(students), len(teachers)) == (
        ["d:section-7"], COURSE, 30, 1,
    )  # fmt: skip
    assert students[0]["profile"]["emailAddress"] == STUDENT


def test_it_reads_topics_grading_periods_guardians_and_invitations(classroom: Classroom) -> None:
    client = classroom.client(ADMIN)
    topics = answer(client.courses().topics().list(courseId=COURSE))["topic"]
    periods = answer(client.courses().getGradingPeriodSettings(courseId=COURSE))["gradingPeriods"]
    guardians = answer(client.userProfiles().guardians().list(studentId=STUDENT_ID))["guardians"]
    invitations = answer(client.invitations().list(courseId=COURSE))["invitations"]
    profile = answer(client.userProfiles().get(userId="me"))
    assert ([it["name"] for it in topics], len(periods), len(guardians), len(invitations), profile["emailAddress"]) == (
        ["Unit 1"], 2, 1, 1, ADMIN,
    )  # fmt: skip


def test_course_work_goes_from_draft_to_deleted(classroom: Classroom, teacher: Any) -> None:
    works = teacher.courseWork()
    body = WORK | {
        "state": "DRAFT", "description": "Do 1-9", "topicId": seed.TOPICS[ALGEBRA.digits],
        "dueDate": {"year": 2026, "month": 1, "day": 28}, "dueTime": {"hours": 18, "seconds": 24},
        "materials": [{"link": {"url": "https://app.example/a/1"}}],
    }  # fmt: skip
    made = answer(works.create(courseId=COURSE, body=body))
    id_ = made["id"]
    assert (made["state"], "alternateLink" in made, made["dueTime"], made["associatedWithDeveloper"]) == (
        "DRAFT", False, {"hours": 18, "seconds": 24}, True,
    )  # fmt: skip
    shown = answer(
        works.patch(
            courseId=COURSE, id=id_, updateMask="state,title", body={"state": "PUBLISHED", "title": "W"}
        )
    )
    assert (shown["state"], shown["title"], shown["description"], "alternateLink" in shown) == (
        "PUBLISHED",
        "W",
        "Do 1-9",
        True,
    )
    cleared = answer(works.patch(courseId=COURSE, id=id_, updateMask="dueDate,dueTime", body={}))
    assert "dueDate" not in cleared
    assert answer(works.delete(courseId=COURSE, id=id_)) == {}
    assert answer(works.get(courseId=COURSE, id=id_))["state"] == "DELETED"
    assert refused(works.delete(courseId=COURSE, id=id_))[0] == 400
    assert answer(works.list(courseId=COURSE)) == {}


def test_assignees_change_by_differences(teacher: Any) -> None:
    works = teacher.courseWork()
    options = {
        "assigneeMode": "INDIVIDUAL_STUDENTS",
        "individualStudentsOptions": {"studentIds": [STUDENT_ID]},
    }
    id_ = answer(works.create(courseId=COURSE, body=WORK | options))["id"]
    change = {"addStudentIds": [OTHER_STUDENT_ID], "removeStudentIds": [STUDENT_ID]}
    body = {"assigneeMode": "INDIVIDUAL_STUDENTS", "modifyIndividualStudentsOptions": change}
    changed = answer(works.modifyAssignees(courseId=COURSE, id=id_, body=body))
    assert changed["individualStudentsOptions"] == {"studentIds": [OTHER_STUDENT_ID]}
    nobody = {
        "assigneeMode": "INDIVIDUAL_STUDENTS",
        "modifyIndividualStudentsOptions": {"removeStudentIds": [OTHER_STUDENT_ID]},
    }
    assert refused(works.modifyAssignees(courseId=COURSE, id=id_, body=nobody))[1].startswith(
        "@EmptyAssignees "
    )
    everyone = answer(works.modifyAssignees(courseId=COURSE, id=id_, body={"assigneeMode": "ALL_STUDENTS"}))
    assert everyone["assigneeMode"] == "ALL_STUDENTS"


def test_work_is_turned_in_graded_returned_and_reclaimed(classroom: Classroom, teacher: Any) -> None:
    works = teacher.courseWork()
    id_ = answer(works.create(courseId=COURSE, body=WORK))["id"]
    where = {"courseId": COURSE, "courseWorkId": id_}
    (new,) = answer(works.studentSubmissions().list(**where, userId=STUDENT))["studentSubmissions"]
    assert (new["state"], "creationTime" in new) == ("NEW", False)
    this = {**where, "id": new["id"]}
    own = classroom.client(STUDENT).courses().courseWork().studentSubmissions()
    link = {"addAttachments": [{"link": {"url": "https://app.example/w"}}]}
    attached = answer(own.modifyAttachments(**this, body=link))
    assert [it["link"]["url"] for it in attached["assignmentSubmission"]["attachments"]] == [
        "https://app.example/w"
    ]
    assert answer(own.turnIn(**this, body={})) == {}
    submissions = works.studentSubmissions()
    mask = "draftGrade,assignedGrade"
    graded = answer(
        submissions.patch(**this, updateMask=mask, body={"draftGrade": 8.456, "assignedGrade": 8.456})
    )
    assert (graded["state"], graded["assignedGrade"]) == ("TURNED_IN", 8.46)
    assert answer(submissions.return_(**this, body={})) == {}
    assert answer(own.get(**this))["state"] == "RETURNED"
    answer(own.turnIn(**this, body={}))
    answer(own.reclaim(**this, body={}))
    assert answer(own.get(**this))["state"] == "RECLAIMED_BY_STUDENT"
    history = answer(submissions.get(**this))["submissionHistory"]
    assert {next(iter(it)) for it in history} == {"stateHistory", "gradeHistory"}


def test_a_zero_is_a_grade_and_nothing_is_none(teacher: Any) -> None:
    works = teacher.courseWork()
    id_ = answer(works.create(courseId=COURSE, body=WORK))["id"]
    submissions, where = works.studentSubmissions(), {"courseId": COURSE, "courseWorkId": id_}
    (new,) = answer(submissions.list(**where, userId=STUDENT_ID))["studentSubmissions"]
    assert "draftGrade" not in new
    graded = answer(submissions.patch(**where, id=new["id"], updateMask="draftGrade", body={"draftGrade": 0}))
    assert graded["draftGrade"] == 0
    assert "draftGrade" not in answer(
        submissions.patch(**where, id=new["id"], updateMask="draftGrade", body={})
    )


def test_all_submissions_of_a_course_in_pages(teacher: Any) -> None:
    works = teacher.courseWork()
    for number in range(2):
        answer(works.create(courseId=COURSE, body=WORK | {"title": f"Week {number}"}))
    submissions = works.studentSubmissions()
    request = submissions.list(courseId=COURSE, courseWorkId="-", pageSize=25)
    assert len(all_pages(submissions, request, "studentSubmissions")) == 60


def test_what_one_project_made_no_other_can_change(classroom: Classroom, teacher: Any) -> None:
    id_ = answer(teacher.courseWork().create(courseId=COURSE, body=WORK))["id"]
    other = classroom.client(TEACHER, seed.OTHER_PROJECT).courses().courseWork()
    assert "associatedWithDeveloper" not in answer(other.get(courseId=COURSE, id=id_))
    status, reason = refused(other.patch(courseId=COURSE, id=id_, updateMask="title", body={"title": "x"}))
    assert (status, reason.startswith("@ProjectPermissionDenied ")) == (403, True)


def test_several_calls_go_in_one_batch(classroom: Classroom) -> None:
    client = classroom.client(TEACHER)
    answers: dict[str, Any] = {}

    def keep(id_: str, content: Any, error: Any) -> None:
        answers[id_] = error.status_code if error else content["id"]

    batch = client.new_batch_http_request(callback=keep)
    batch.add(client.courses().get(id=COURSE), request_id="good")
    batch.add(client.courses().get(id="999"), request_id="bad")
    batch._batch_uri = f"{classroom.url}/batch"
    batch.execute()
    assert answers == {"good": COURSE, "bad": 404}


def test_only_members_look_into_a_course_and_only_teachers_write(classroom: Classroom) -> None:
    student = classroom.client(STUDENT).courses().courseWork()
    assert refused(student.create(courseId=COURSE, body=WORK))[0] == 403
    biology = seed.SECTION_LMS_ID["000008"]
    assert refused(classroom.client(TEACHER).courses().get(id=biology))[0] == 403
    assert (
        refused(classroom.client(ADMIN).courses().courseWork().create(courseId=COURSE, body=WORK))[0] == 403
    )


def test_an_archived_course_is_not_changed(teacher: Any) -> None:
    status, reason = refused(teacher.courseWork().create(courseId=seed.ARCHIVED_COURSE, body=WORK))
    assert (status, reason.startswith("@CourseNotModifiable ")) == (400, True)


def test_whose_api_is_turned_off(classroom: Classroom) -> None:
    client = classroom.client(TEACHER)
    classroom.set(api_disabled_for=[TEACHER])
    assert refused(client.courses().list())[1].startswith("@ClassroomApiDisabled ")


def test_a_token_that_has_expired_makes_the_client_ask_for_another(
    classroom: Classroom, teacher: Any
) -> None:
    classroom.clock.now = NOW + DAY
    with pytest.raises(google.auth.exceptions.RefreshError):
        teacher.list().execute()
