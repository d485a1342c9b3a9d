"""Add-ons in the simulated Google Classroom: attachments and the sync of their grades, by Google's own client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from passback_simulators.google_classroom import seed
from support.classroom import (
    ALGEBRA,
    BIOLOGY_TEACHER,
    OTHER_STUDENT,
    STUDENT,
    STUDENT_ID,
    TEACHER,
    TEACHER_ID,
    Clients,
    read,
    refused,
    submission,
    submissions,
)

QUIZ: Mapping[str, Any] = {
    "title": "Quiz",
    "teacherViewUri": {"uri": "https://app.example/teacher"},
    "studentViewUri": {"uri": "https://app.example/student"},
    "studentWorkReviewUri": {"uri": "https://app.example/review"},
    "maxPoints": 50,
}


@pytest.fixture
def stranger(clients: Clients) -> Any:
    """Algebra's teacher through an add-on that did not make the course work."""
    return clients.as_user(TEACHER, project=seed.OTHER_PROJECT)


def add_ons(client: Any) -> Any:
    return client.courses().courseWork().addOnAttachments()


def place(work: Any, attachment: Any = None) -> dict[str, str]:
    """Where course work, or an attachment, is."""
    own = {} if attachment is None else {"attachmentId": attachment["id"]}
    return {"courseId": ALGEBRA, "itemId": work["id"], **own}


def attach(client: Any, work: Any, token: str | None = None, **fields: Any) -> Any:
    """Create an attachment."""
    return add_ons(client).create(**place(work), addOnToken=token, body={**QUIZ, **fields}).execute()


def context(client: Any, work: Any, **query: Any) -> Any:
    """The request for the context in which an add-on was opened."""
    return client.courses().courseWork().getAddOnContext(**place(work), **query)


def opened_by_student(student: Any, work: Any, attachment: Any) -> str:
    """The id of the student's work, as the add-on learns it."""
    found = context(student, work, attachmentId=attachment["id"]).execute()
    return str(found["studentContext"]["submissionId"])


def give(client: Any, work: Any, attachment: Any, id_: str, points: float | None) -> Any:
    """The request that sets a student's points."""
    return (
        add_ons(client)
        .studentSubmissions()
        .patch(
            **place(work, attachment), submissionId=id_, updateMask="pointsEarned", body={"pointsEarned": points}
        )
    )  # fmt: skip


# Attachments.


def test_an_attachment_is_made_read_and_deleted(teacher: Any, student: Any, work: Any) -> None:
    made = attach(teacher, work, dueDate={"year": 2030, "month": 5, "day": 1}, dueTime={"hours": 9})
    assert {name: made[name] for name in QUIZ} == QUIZ
    assert (made["itemId"], made["dueTime"], made["gradeSyncEnabled"]) == (work["id"], {"hours": 9}, True)
    assert add_ons(student).get(**place(work, made)).execute() == made
    assert add_ons(teacher).list(**place(work)).execute() == {"addOnAttachments": [made]}
    assert add_ons(teacher).delete(**place(work, made)).execute() == {}
    assert add_ons(teacher).list(**place(work)).execute() == {}
    assert refused(add_ons(teacher).get(**place(work, made)))[0] == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"title": "x" * 1001},
        {"teacherViewUri": None},
        {"studentViewUri": {"uri": "x" * 1801}},
        {"studentWorkReviewUri": {}},
        {"studentWorkReviewUri": None},
        {"maxPoints": -1},
        {"maxPoints": 1.5},
        {"dueDate": {"year": 2030, "month": 5, "day": 1}},
    ],
)
def test_its_fields_must_be_valid(teacher: Any, work: Any, fields: dict[str, Any]) -> None:
    request = add_ons(teacher).create(**place(work), body={**QUIZ, **fields})
    assert refused(request)[0] == 400


def test_a_patch_changes_what_its_mask_names(teacher: Any, work: Any) -> None:
    made = attach(teacher, work)
    body = {"title": "Test", "maxPoints": 5}
    request = add_ons(teacher).patch(**place(work, made), updateMask="title", body=body)
    assert request.execute() == {**made, "title": "Test"}
    for mask in (None, "id", "gradeSyncEnabled"):
        assert refused(add_ons(teacher).patch(**place(work, made), updateMask=mask, body=body))[0] == 400


def test_a_patch_without_a_due_date_clears_it(teacher: Any, work: Any) -> None:
    due: dict[str, Any] = {"dueDate": {"year": 2030, "month": 5, "day": 1}, "dueTime": {"hours": 9}}
    made = attach(teacher, work, **due)
    cleared = add_ons(teacher).patch(**place(work, made), updateMask="dueDate,dueTime", body={}).execute()
    assert cleared == {name: value for name, value in made.items() if name not in due}


def test_a_page_has_twenty_at_most(teacher: Any, work: Any) -> None:
    made = [attach(teacher, work)["id"] for _ in range(21)]
    first = add_ons(teacher).list(**place(work), pageSize=50).execute()
    rest = add_ons(teacher).list(**place(work), pageSize=50, pageToken=first["nextPageToken"]).execute()
    assert [one["id"] for page in (first, rest) for one in page["addOnAttachments"]] == made
    assert len(first["addOnAttachments"]) == 20


def test_an_add_on_sees_only_its_own(clients: Clients, teacher: Any, stranger: Any, work: Any) -> None:
    own = attach(teacher, work)
    assert refused(add_ons(stranger).list(**place(work)))[0] == 403
    token = clients.classroom.lms.ui_open_add_on(work["id"], TEACHER_ID, seed.OTHER_PROJECT)
    other = attach(stranger, work, token)
    assert add_ons(stranger).list(**place(work)).execute() == {"addOnAttachments": [other]}
    for request in (
        add_ons(stranger).get(**place(work, own)),
        add_ons(stranger).patch(**place(work, own), updateMask="title", body={"title": "Mine"}),
        add_ons(stranger).delete(**place(work, own)),
    ):
        assert refused(request)[0] == 403


def test_only_teachers_attach(clients: Clients, student: Any, work: Any) -> None:
    for who in (student, clients.as_user(BIOLOGY_TEACHER), clients.as_user(seed.ADMIN)):
        assert refused(add_ons(who).create(**place(work), body=dict(QUIZ)))[0] == 403


# Tokens.


def test_work_of_others_needs_a_token(clients: Clients, stranger: Any, work: Any) -> None:
    request = add_ons(stranger).create(**place(work), body=dict(QUIZ))
    assert refused(request) == (403, "@ProjectPermissionDenied")
    for user, project in ((STUDENT_ID, seed.OTHER_PROJECT), (TEACHER_ID, seed.PROJECT)):
        token = clients.classroom.lms.ui_open_add_on(work["id"], user, project)
        request = add_ons(stranger).create(**place(work), addOnToken=token, body=dict(QUIZ))
        assert refused(request) == (403, "@InvalidAddOnToken")


def test_a_token_expires(clients: Clients, stranger: Any, work: Any) -> None:
    token = clients.classroom.lms.ui_open_add_on(work["id"], TEACHER_ID, seed.OTHER_PROJECT)
    assert context(stranger, work, addOnToken=token).execute()["teacherContext"] == {}
    clients.classroom.clock.advance(hours=1)
    request = add_ons(stranger).create(**place(work), addOnToken=token, body=dict(QUIZ))
    assert refused(request) == (403, "@ExpiredAddOnToken")


def test_a_token_is_also_had_from_the_control_endpoint(clients: Clients, stranger: Any, work: Any) -> None:
    query = f"work={work['id']}&user={TEACHER_ID}&project={seed.OTHER_PROJECT}"
    token = clients.classroom.control("POST", f"add-on-token?{query}")["addOnToken"]
    assert attach(stranger, work, token)["gradeSyncEnabled"] is True


# The context.


def test_the_context_tells_the_role(teacher: Any, student: Any, work: Any) -> None:
    made = attach(teacher, work)
    of_teacher = context(teacher, work, attachmentId=made["id"]).execute()
    of_student = context(student, work, attachmentId=made["id"]).execute()
    assert (of_teacher["teacherContext"], of_teacher["supportsStudentWork"]) == ({}, True)
    assert ("teacherContext" in of_student, "studentContext" in of_teacher) == (False, False)


def test_the_context_needs_an_attachment_or_a_token(teacher: Any, work: Any) -> None:
    assert refused(context(teacher, work)) == (400, "Attachment ID must be specified.")


def test_a_student_has_one_id_for_all_attachments(clients: Clients, teacher: Any, work: Any) -> None:
    first, second = attach(teacher, work), attach(teacher, work)
    student, other = clients.as_user(STUDENT), clients.as_user(OTHER_STUDENT)
    ids = {opened_by_student(student, work, one) for one in (first, second)}
    assert len(ids) == 1
    assert ids.isdisjoint({opened_by_student(other, work, first), submission(student, work)["id"]})


@pytest.mark.parametrize(("who", "scope"), [(TEACHER, "student"), (STUDENT, "teacher")])
def test_a_role_needs_its_own_scope(clients: Clients, teacher: Any, work: Any, who: str, scope: str) -> None:
    made = attach(teacher, work)
    client = clients.as_user(who, f"classroom.addons.{scope}")
    assert refused(add_ons(client).get(**place(work, made)))[0] == 403


# Grades.


def test_the_first_with_points_is_synced(teacher: Any, work: Any) -> None:
    shown = attach(teacher, work, title="Reading", studentWorkReviewUri=None, maxPoints=None)
    first, second = attach(teacher, work), attach(teacher, work, maxPoints=30)
    synced = [one.get("gradeSyncEnabled", False) for one in (shown, first, second)]
    assert (synced, read(teacher, work)["maxPoints"]) == ([False, True, False], 50)


def test_no_other_takes_over_but_a_new_one_does(teacher: Any, work: Any) -> None:
    first, second = attach(teacher, work), attach(teacher, work, maxPoints=30)
    add_ons(teacher).delete(**place(work, first)).execute()
    assert "gradeSyncEnabled" not in add_ons(teacher).get(**place(work, second)).execute()
    third = attach(teacher, work, maxPoints=7)
    assert (third["gradeSyncEnabled"], read(teacher, work)["maxPoints"]) == (True, 7)


def test_without_a_page_for_review_there_are_no_points(teacher: Any, work: Any) -> None:
    made = attach(teacher, work)
    request = add_ons(teacher).patch(**place(work, made), updateMask="studentWorkReviewUri", body={})
    changed = request.execute()
    assert {"maxPoints", "gradeSyncEnabled", "studentWorkReviewUri"}.isdisjoint(changed)


def test_points_become_the_draft_grade(teacher: Any, student: Any, work: Any) -> None:
    made = attach(teacher, work)
    id_ = opened_by_student(student, work, made)
    given = give(teacher, work, made, id_, 33.456).execute()
    graded = submission(teacher, work)
    assert (given["pointsEarned"], given["courseWorkSubmissionId"]) == (33.46, graded["id"])
    assert (graded["draftGrade"], "assignedGrade" in graded) == (33.46, False)
    [entry] = graded["submissionHistory"]
    assert entry["gradeHistory"]["gradeChangeType"] == "DRAFT_GRADE_POINTS_EARNED_CHANGE"


def test_no_points_are_a_grade_and_none_clear_it(teacher: Any, student: Any, work: Any) -> None:
    made = attach(teacher, work)
    id_ = opened_by_student(student, work, made)
    assert give(teacher, work, made, id_, 0).execute()["pointsEarned"] == 0
    assert submission(teacher, work)["draftGrade"] == 0
    assert "pointsEarned" not in give(teacher, work, made, id_, None).execute()
    assert "draftGrade" not in submission(teacher, work)


def test_points_of_another_attachment_are_not_synced(teacher: Any, student: Any, work: Any) -> None:
    attach(teacher, work)
    second = attach(teacher, work)
    id_ = opened_by_student(student, work, second)
    assert give(teacher, work, second, id_, 5).execute()["pointsEarned"] == 5
    assert "draftGrade" not in submission(teacher, work)


def test_nothing_is_synced_back(clients: Clients, teacher: Any, student: Any, work: Any) -> None:
    made = attach(teacher, work)
    id_ = opened_by_student(student, work, made)
    give(teacher, work, made, id_, 5).execute()
    clients.classroom.lms.ui_grade(work["id"], STUDENT_ID, 9)
    own = add_ons(teacher).studentSubmissions().get(**place(work, made), submissionId=id_).execute()
    assert (own["pointsEarned"], submission(teacher, work)["draftGrade"]) == (5, 9)


def test_an_attachment_without_points_takes_none(teacher: Any, student: Any, work: Any) -> None:
    made = attach(teacher, work, maxPoints=0)
    id_ = opened_by_student(student, work, made)
    assert refused(give(teacher, work, made, id_, 5))[0] == 400
    assert refused(give(teacher, work, attach(teacher, work), id_, -1))[0] == 400


def test_students_do_not_grade_and_see_only_their_own(clients: Clients, teacher: Any, work: Any) -> None:
    made = attach(teacher, work)
    student, other = clients.as_user(STUDENT), clients.as_user(OTHER_STUDENT)
    id_ = opened_by_student(student, work, made)
    works = add_ons(student).studentSubmissions()
    assert refused(give(student, work, made, id_, 50))[0] == 403
    own = works.get(**place(work, made), submissionId=id_).execute()
    assert works.list(**place(work, made)).execute() == {"addOnAttachmentStudentSubmissions": [own]}
    assert ("userId" in own, own["postSubmissionState"]) == (False, "NEW")
    theirs = add_ons(other).studentSubmissions().get(**place(work, made), submissionId=id_)
    assert refused(theirs)[0] == 403


def test_teachers_see_everyones(clients: Clients, teacher: Any, work: Any) -> None:
    made = attach(teacher, work)
    listed = add_ons(teacher).studentSubmissions().list(**place(work, made)).execute()
    first, *others = listed["addOnAttachmentStudentSubmissions"]
    assert (first["userId"], len(others)) == (STUDENT_ID, 29)
    alone = clients.as_user(TEACHER, "classroom.addons.teacher")
    named = add_ons(alone).studentSubmissions().get(**place(work, made), submissionId=first["id"])
    assert "userId" not in named.execute()


# What an attachment allows its add-on to do with the course work.


def test_an_attachment_opens_the_work_to_its_add_on(
    clients: Clients, teacher: Any, stranger: Any, work: Any
) -> None:
    there = submission(teacher, work)
    rename = {"courseId": ALGEBRA, "id": work["id"], "updateMask": "title", "body": {"title": "Renamed"}}
    grade = {
        "courseId": ALGEBRA, "courseWorkId": work["id"], "id": there["id"], "updateMask": "draftGrade",
        "body": {"draftGrade": 4},
    }  # fmt: skip
    works = stranger.courses().courseWork()
    assert refused(works.patch(**rename)) == (403, "@ProjectPermissionDenied")
    token = clients.classroom.lms.ui_open_add_on(work["id"], TEACHER_ID, seed.OTHER_PROJECT)
    attach(stranger, work, token, title="Reading", studentWorkReviewUri=None, maxPoints=None)
    assert works.patch(**rename).execute()["title"] == "Renamed"
    assert refused(submissions(stranger).patch(**grade)) == (403, "@ProjectPermissionDenied")
    attach(stranger, work, token)
    assert submissions(stranger).patch(**grade).execute()["draftGrade"] == 4
    assert refused(works.delete(courseId=ALGEBRA, id=work["id"])) == (403, "@ProjectPermissionDenied")
