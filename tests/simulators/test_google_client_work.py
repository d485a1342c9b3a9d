"""Course work and submissions of the simulated Google Classroom, driven by Google's own client."""

from __future__ import annotations

from typing import Any

import pytest
from googleapiclient.http import BatchHttpRequest

from passback_simulators.google_classroom import seed
from support.classroom import (
    ALGEBRA,
    BIOLOGY,
    ESSAY,
    OTHER_STUDENT,
    OTHER_STUDENT_ID,
    STUDENT,
    STUDENT_ID,
    TEACHER,
    TEACHER_ID,
    Clients,
    create,
    read,
    refused,
    submission,
    submissions,
)

LINK = {"link": {"url": "https://app.example/a/1"}}


def patch(teacher: Any, work: Any, mask: str, **body: Any) -> Any:
    works = teacher.courses().courseWork()
    return works.patch(courseId=ALGEBRA, id=work["id"], updateMask=mask, body=body).execute()


def path(of: Any) -> dict[str, str]:
    """The parameters that identify a submission."""
    return {"courseId": ALGEBRA, "courseWorkId": of["courseWorkId"], "id": of["id"]}


# Course work.


def test_course_work_is_created(teacher: Any) -> None:
    made = create(teacher, description="Do 1-9", materials=[LINK])
    assert {name: made[name] for name in ESSAY} == ESSAY
    assert made == read(teacher, made) | {"materials": made["materials"]}
    assert (made["creatorUserId"], made["associatedWithDeveloper"]) == (TEACHER_ID, True)
    assert made["materials"][0]["link"]["url"] == LINK["link"]["url"]


def test_a_draft_is_published(teacher: Any, student: Any) -> None:
    draft = create(teacher, state="DRAFT")
    seen = [refused(student.courses().courseWork().get(courseId=ALGEBRA, id=draft["id"]))[0]]
    published = patch(teacher, draft, "state,title", state="PUBLISHED", title="Essay 1")
    assert (published["state"], published["title"], seen) == ("PUBLISHED", "Essay 1", [403])
    assert read(student, draft)["alternateLink"] == published["alternateLink"]


def test_a_draft_is_published_at_its_time(clients: Clients, teacher: Any) -> None:
    draft = create(teacher, state="DRAFT", scheduledTime="2026-01-02T00:00:00Z")
    waiting = read(teacher, draft)
    clients.classroom.clock.advance(days=1)
    assert (waiting["state"], read(teacher, draft)["state"]) == ("DRAFT", "PUBLISHED")


def test_a_due_date_is_cleared(teacher: Any) -> None:
    work = create(teacher)
    assert not {"dueDate", "dueTime"} & patch(teacher, work, "dueDate,dueTime").keys()


def test_course_work_is_deleted(teacher: Any, student: Any) -> None:
    work = create(teacher)
    works = teacher.courses().courseWork()
    assert works.delete(courseId=ALGEBRA, id=work["id"]).execute() == {}
    assert read(teacher, work)["state"] == "DELETED"
    assert refused(works.delete(courseId=ALGEBRA, id=work["id"])) == (400, "Precondition check failed.")
    assert refused(student.courses().courseWork().get(courseId=ALGEBRA, id=work["id"]))[0] == 403


def test_course_work_is_listed(clients: Clients, teacher: Any) -> None:
    works = teacher.courses().courseWork()
    assert works.list(courseId=ALGEBRA).execute() == {}
    create(teacher, title="first")
    clients.classroom.clock.now += 1000
    create(teacher, title="second", dueDate={"year": 2026, "month": 1, "day": 20})
    create(teacher, title="draft", state="DRAFT")

    def titles(**query: Any) -> list[str]:
        return [one["title"] for one in works.list(courseId=ALGEBRA, **query).execute()["courseWork"]]

    assert titles() == ["second", "first"]
    assert titles(orderBy="updateTime asc") == ["first", "second"]
    assert titles(orderBy="dueDate", courseWorkStates="PUBLISHED") == ["second", "first"]
    assert sorted(titles(courseWorkStates=["DRAFT", "PUBLISHED"])) == ["draft", "first", "second"]
    assert (titles(pageSize=1), titles(courseWorkStates="DRAFT")) == (["second"], ["draft"])


def test_assignees_are_modified(teacher: Any, student: Any) -> None:
    options = {"studentIds": [STUDENT_ID]}
    work = create(teacher, assigneeMode="INDIVIDUAL_STUDENTS", individualStudentsOptions=options)
    works = teacher.courses().courseWork()

    def modify(mode: str, **delta: list[str]) -> Any:
        body = {"assigneeMode": mode} | ({"modifyIndividualStudentsOptions": delta} if delta else {})
        return works.modifyAssignees(courseId=ALGEBRA, id=work["id"], body=body)

    added = modify("INDIVIDUAL_STUDENTS", addStudentIds=[OTHER_STUDENT_ID]).execute()
    assert added["individualStudentsOptions"] == {"studentIds": [STUDENT_ID, OTHER_STUDENT_ID]}
    one = modify("INDIVIDUAL_STUDENTS", removeStudentIds=[STUDENT_ID]).execute()
    assert one["individualStudentsOptions"] == {"studentIds": [OTHER_STUDENT_ID]}
    assert refused(student.courses().courseWork().get(courseId=ALGEBRA, id=work["id"]))[0] == 403
    assert refused(modify("INDIVIDUAL_STUDENTS", removeStudentIds=[OTHER_STUDENT_ID])) == (
        400,
        "@EmptyAssignees",
    )
    assert "individualStudentsOptions" not in modify("ALL_STUDENTS").execute()


# Submissions.


def test_each_student_has_a_submission(teacher: Any, student: Any) -> None:
    work = create(teacher)
    listed = submissions(teacher).list(courseId=ALGEBRA, courseWorkId=work["id"]).execute()
    assert {one["state"] for one in listed["studentSubmissions"]} == {"NEW"}
    assert len(listed["studentSubmissions"]) == 30
    assert submission(student, work)["id"] == submission(teacher, work, seed.person_email(STUDENT))["id"]
    mine = submissions(student).list(courseId=ALGEBRA, courseWorkId="-").execute()["studentSubmissions"]
    assert [one["userId"] for one in mine] == [STUDENT_ID]


def test_a_grade_is_given_and_returned(teacher: Any, student: Any) -> None:
    own = submission(student, create(teacher))
    submissions(student).modifyAttachments(**path(own), body={"addAttachments": [LINK]}).execute()
    submissions(student).turnIn(**path(own), body={}).execute()
    grades = {"draftGrade": 18.5, "assignedGrade": 18.5}
    submissions(teacher).patch(**path(own), updateMask="draftGrade,assignedGrade", body=grades).execute()
    assert submissions(teacher).return_(**path(own), body={}).execute() == {}
    seen = submissions(teacher).get(**path(own)).execute()
    assert (seen["state"], seen["draftGrade"], seen["assignedGrade"]) == ("RETURNED", 18.5, 18.5)
    assert seen["assignmentSubmission"]["attachments"][0]["link"]["url"] == LINK["link"]["url"]
    history = [next(iter(one.values())) for one in seen["submissionHistory"]]
    assert [one.get("state") or one["gradeChangeType"] for one in history] == [
        "CREATED", "TURNED_IN", "DRAFT_GRADE_POINTS_EARNED_CHANGE", "ASSIGNED_GRADE_POINTS_EARNED_CHANGE", "RETURNED"
    ]  # fmt: skip
    shown = submissions(student).get(**path(own)).execute()
    assert ("draftGrade" in shown, shown["assignedGrade"]) == (False, 18.5)


def test_a_student_takes_work_back(teacher: Any, student: Any) -> None:
    own = submission(student, create(teacher))
    submissions(student).turnIn(**path(own), body={}).execute()
    assert submissions(student).reclaim(**path(own), body={}).execute() == {}
    assert submissions(student).get(**path(own)).execute()["state"] == "RECLAIMED_BY_STUDENT"


def test_others_cannot_see_or_hand_in_a_students_work(clients: Clients, teacher: Any) -> None:
    own, other = submission(teacher, create(teacher)), clients.as_user(OTHER_STUDENT)
    assert refused(submissions(other).get(**path(own)))[0] == 403
    assert refused(submissions(teacher).turnIn(**path(own), body={}))[0] == 403


# The rule of the project.


def test_what_another_project_made_can_be_read(clients: Clients, teacher: Any) -> None:
    work = create(teacher)
    stranger = clients.as_user(TEACHER, project=seed.OTHER_PROJECT)
    assert "associatedWithDeveloper" not in read(stranger, work)
    assert "associatedWithDeveloper" not in submission(stranger, work)


@pytest.mark.parametrize("operation", ["patch", "delete", "grade", "return", "attach", "turnIn", "reclaim"])
def test_what_another_project_made_cannot_be_changed(clients: Clients, teacher: Any, operation: str) -> None:
    work = create(teacher)
    own = submission(teacher, work)
    student = submissions(clients.as_user(STUDENT, project=seed.OTHER_PROJECT))
    stranger = clients.as_user(TEACHER, project=seed.OTHER_PROJECT)
    works, item = stranger.courses().courseWork(), {"courseId": ALGEBRA, "id": work["id"]}
    requests = {
        "patch": lambda: works.patch(**item, updateMask="title", body={"title": "Mine"}),
        "delete": lambda: works.delete(**item),
        "grade": lambda: submissions(stranger).patch(
            **path(own), updateMask="draftGrade", body={"draftGrade": 1}
        ),
        "return": lambda: submissions(stranger).return_(**path(own), body={}),
        "attach": lambda: student.modifyAttachments(**path(own), body={"addAttachments": [LINK]}),
        "turnIn": lambda: student.turnIn(**path(own), body={}),
        "reclaim": lambda: student.reclaim(**path(own), body={}),
    }
    assert refused(requests[operation]()) == (403, "@ProjectPermissionDenied")


# Batches.


@pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning"
)  # from a connection that the client opens
def test_a_batch(clients: Clients, teacher: Any) -> None:
    answers: dict[str, Any] = {}

    def keep(request_id: str, answer: Any, error: Any) -> None:
        answers[request_id] = answer["title"] if error is None else error.status_code

    batch = BatchHttpRequest(callback=keep, batch_uri=f"{clients.classroom.url}/batch")
    works = teacher.courses().courseWork()
    batch.add(works.create(courseId=ALGEBRA, body={**ESSAY, "title": "Übung"}), request_id="ours")
    batch.add(works.get(courseId=ALGEBRA, id="1"), request_id="no such work")
    batch.add(works.create(courseId=BIOLOGY, body=ESSAY), request_id="not ours")
    batch.execute()
    assert answers == {"ours": "Übung", "no such work": 404, "not ours": 403}
    assert len(works.list(courseId=ALGEBRA).execute()["courseWork"]) == 1
