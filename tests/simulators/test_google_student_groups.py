"""Student groups in the simulated Google Classroom, driven by Google's own client."""

from __future__ import annotations

from typing import Any

import pytest

from passback_simulators.google_classroom import seed
from support.classroom import (
    ALGEBRA,
    BIOLOGY,
    BIOLOGY_STUDENT,
    BIOLOGY_TEACHER,
    OTHER_STUDENT_ID,
    STUDENT,
    STUDENT_ID,
    TEACHER,
    Clients,
    create,
    refused,
    submissions,
)


@pytest.fixture
def teacher(clients: Clients) -> Any:
    return clients.as_user(TEACHER)


def groups(client: Any) -> Any:
    return client.courses().studentGroups()


def members(client: Any) -> Any:
    return groups(client).studentGroupMembers()


def make(client: Any, *students: str, title: str = "Red table") -> Any:
    """Create a group with members."""
    group = groups(client).create(courseId=ALGEBRA, body={"title": title}).execute()
    for one in students:
        members(client).create(courseId=ALGEBRA, studentGroupId=group["id"], body={"userId": one}).execute()
    return group


def member_ids(client: Any, group: Any) -> list[str]:
    listed = members(client).list(courseId=ALGEBRA, studentGroupId=group["id"]).execute()
    return [one["userId"] for one in listed.get("studentGroupMembers", [])]


def test_a_group_is_made_renamed_and_deleted(teacher: Any) -> None:
    group = make(teacher)
    place = {"courseId": ALGEBRA, "id": group["id"]}
    renamed = groups(teacher).patch(**place, updateMask="title", body={"title": "Blue table"}).execute()
    assert (group["title"], renamed) == ("Red table", {**place, "title": "Blue table"})
    assert groups(teacher).list(courseId=ALGEBRA).execute() == {"studentGroups": [renamed]}
    assert groups(teacher).delete(**place).execute() == {}
    assert groups(teacher).list(courseId=ALGEBRA).execute() == {}
    assert refused(groups(teacher).delete(**place))[0] == 404


def test_students_join_and_leave(teacher: Any) -> None:
    group = make(teacher, seed.person_email(STUDENT), OTHER_STUDENT_ID)
    place = {"courseId": ALGEBRA, "studentGroupId": group["id"]}
    assert member_ids(teacher, group) == [STUDENT_ID, OTHER_STUDENT_ID]
    assert refused(members(teacher).create(**place, body={"userId": STUDENT_ID}))[0] == 409
    assert members(teacher).delete(**place, userId=STUDENT_ID).execute() == {}
    assert member_ids(teacher, group) == [OTHER_STUDENT_ID]
    assert refused(members(teacher).delete(**place, userId=STUDENT_ID))[0] == 404


def test_only_students_of_the_course_join(teacher: Any) -> None:
    place = {"courseId": ALGEBRA, "studentGroupId": make(teacher)["id"]}
    for one in (seed.person_lms_id(BIOLOGY_STUDENT), seed.person_lms_id(TEACHER), "999"):
        assert refused(members(teacher).create(**place, body={"userId": one}))[0] == 404


def test_who_leaves_the_course_leaves_its_groups(clients: Clients, teacher: Any) -> None:
    group = make(teacher, STUDENT_ID, OTHER_STUDENT_ID)
    clients.classroom.lms.ui_unenroll(ALGEBRA, STUDENT_ID)
    assert member_ids(teacher, group) == [OTHER_STUDENT_ID]


def test_lists_come_in_pages(teacher: Any) -> None:
    made = [make(teacher, title=title)["id"] for title in ("A", "B", "C")]
    listed, request = [], groups(teacher).list(courseId=ALGEBRA, pageSize=2)
    while request is not None:
        page = request.execute()
        listed += [one["id"] for one in page["studentGroups"]]
        request = groups(teacher).list_next(request, page)
    assert listed == made


def test_there_are_limits(clients: Clients, teacher: Any) -> None:
    clients.classroom.set(most_student_groups=1, most_in_student_group=1)
    group = make(teacher, STUDENT_ID)
    place = {"courseId": ALGEBRA, "studentGroupId": group["id"]}
    for request in (
        groups(teacher).create(courseId=ALGEBRA, body={"title": "One too many"}),
        members(teacher).create(**place, body={"userId": OTHER_STUDENT_ID}),
    ):
        assert refused(request) == (400, "Precondition check failed.")


def test_a_group_has_a_title(teacher: Any) -> None:
    assert refused(groups(teacher).create(courseId=ALGEBRA, body={}))[0] == 400
    place = {"courseId": ALGEBRA, "id": make(teacher)["id"]}
    for mask in (None, "id"):
        assert refused(groups(teacher).patch(**place, updateMask=mask, body={"title": "Any"}))[0] == 400


def test_who_may(clients: Clients, teacher: Any) -> None:
    group = make(teacher, STUDENT_ID)
    student, stranger = clients.as_user(STUDENT), clients.as_user(BIOLOGY_TEACHER)
    admin = clients.as_user(seed.ADMIN)
    assert refused(groups(student).list(courseId=ALGEBRA))[0] == 403
    assert refused(groups(student).create(courseId=ALGEBRA, body={"title": "Mine"}))[0] == 403
    assert refused(groups(stranger).create(courseId=ALGEBRA, body={"title": "Mine"}))[0] == 404
    assert refused(groups(teacher).delete(courseId=BIOLOGY, id=group["id"]))[0] == 404
    assert member_ids(admin, make(admin, STUDENT_ID)) == [STUDENT_ID]


def test_only_reading_needs_no_licence(clients: Clients, teacher: Any) -> None:
    group = make(teacher, STUDENT_ID)
    clients.classroom.set(education_plus=False)
    assert member_ids(teacher, group) == [STUDENT_ID]
    assert refused(groups(teacher).create(courseId=ALGEBRA, body={"title": "Late"}))[0] == 403


def test_work_is_assigned_to_the_members_of_a_group(teacher: Any) -> None:
    group = make(teacher, STUDENT_ID, OTHER_STUDENT_ID)
    assigned = {"studentIds": member_ids(teacher, group)}
    work = create(teacher, assigneeMode="INDIVIDUAL_STUDENTS", individualStudentsOptions=assigned)
    listed = submissions(teacher).list(courseId=ALGEBRA, courseWorkId=work["id"]).execute()
    assert [one["userId"] for one in listed["studentSubmissions"]] == [STUDENT_ID, OTHER_STUDENT_ID]
    groups(teacher).delete(courseId=ALGEBRA, id=group["id"]).execute()
    listed = submissions(teacher).list(courseId=ALGEBRA, courseWorkId=work["id"]).execute()
    assert len(listed["studentSubmissions"]) == 2
