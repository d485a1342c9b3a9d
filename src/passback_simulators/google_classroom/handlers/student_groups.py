"""Groups of a course's students and their members (Classroom API v1: courses.studentGroups).

Course work is not assigned to a group, but to individual students: clients read a group's members for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, errors, messages, parsing
from passback_simulators.google_classroom.call import PAGES, Operation
from passback_simulators.google_classroom.handlers.courses import staffed
from passback_simulators.google_classroom.paging import page

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call
    from passback_simulators.records import Record

USUAL_PAGE = 75


def _course(call: Call, course_id: str) -> Record:
    """A course whose groups the caller may change: with a licence, as a teacher or administrator.

    Those who cannot see the course are told that there is none.
    """
    course = access.find_course(call, course_id)
    if access.role_in(call, course) is None and not access.is_admin(call):
        raise errors.not_found()
    staffed(call, course["id"])
    access.require_licence(call)
    access.require_modifiable(course)
    return course


def _groups(call: Call, course: Record) -> list[Record]:
    return [one for one in call.lms.records.all("student_groups") if one["course_id"] == course["id"]]


def _group(call: Call, course: Record, group_id: str) -> Record:
    found = call.lms.records.get("student_groups", group_id)
    if found is None or found["course_id"] != course["id"]:
        raise errors.not_found()
    return found


def _title(call: Call) -> str:
    title: str = call.body.get("title", "").strip()
    if not title:
        raise errors.invalid(field="student_group.title")
    return title


def _shown(group: Record) -> dict[str, Any]:
    return {"courseId": group["course_id"], "id": group["id"], "title": group["title"]}


def _list(call: Call, course_id: str) -> dict[str, Any]:
    """Teachers and administrators read groups without a licence."""
    groups = _groups(call, staffed(call, course_id))
    return page(call, "studentGroups", [_shown(one) for one in groups], most=USUAL_PAGE)


def _create(call: Call, course_id: str) -> dict[str, Any]:
    course = _course(call, course_id)
    title = _title(call)
    if len(_groups(call, course)) >= call.lms.settings["most_student_groups"]:
        raise errors.failed_precondition()
    id_ = str(call.lms.records.next_number("student_group", 718_000_000_001))
    group = {"id": id_, "course_id": course["id"], "title": title}
    return _shown(call.lms.records.put("student_groups", id_, group))


def _patch(call: Call, course_id: str, group_id: str) -> dict[str, Any]:
    group = _group(call, _course(call, course_id), group_id)
    parsing.update_mask(call.param("updateMask"), frozenset({"title"}))
    return _shown(call.lms.records.put("student_groups", group_id, group | {"title": _title(call)}))


def _delete(call: Call, course_id: str, group_id: str) -> dict[str, Any]:
    group = _group(call, _course(call, course_id), group_id)
    for one in _memberships(call, group):
        call.lms.records.remove("student_group_members", _key(group, one["user_id"]))
    call.lms.records.remove("student_groups", group_id)
    return {}


# Members.


def _key(group: Record, user_id: str) -> str:
    return f"{group['id']}/{user_id}"


def _memberships(call: Call, group: Record) -> list[Record]:
    return [one for one in call.lms.records.all("student_group_members") if one["group_id"] == group["id"]]


def _members(call: Call, group: Record) -> list[str]:
    """The ids of a group's members. Who leaves the course leaves its groups."""
    students = access.students(call, group["course_id"])
    return [one["user_id"] for one in _memberships(call, group) if one["user_id"] in students]


def _shown_member(group: Record, user_id: str) -> dict[str, Any]:
    return {"courseId": group["course_id"], "studentGroupId": group["id"], "userId": user_id}


def _list_members(call: Call, course_id: str, group_id: str) -> dict[str, Any]:
    group = _group(call, staffed(call, course_id), group_id)
    members = [_shown_member(group, one) for one in _members(call, group)]
    return page(call, "studentGroupMembers", members)


def _add_member(call: Call, course_id: str, group_id: str) -> dict[str, Any]:
    group = _group(call, _course(call, course_id), group_id)
    user = access.existing_user(call, call.body.get("userId", ""))
    if user["id"] not in access.students(call, group["course_id"]):
        raise errors.not_found()
    members = _members(call, group)
    if user["id"] in members:
        raise errors.already_exists()
    if len(members) >= call.lms.settings["most_in_student_group"]:
        raise errors.failed_precondition()
    row = {"group_id": group["id"], "user_id": user["id"]}
    call.lms.records.put("student_group_members", _key(group, user["id"]), row)
    return _shown_member(group, user["id"])


def _remove_member(call: Call, course_id: str, group_id: str, user_id: str) -> dict[str, Any]:
    group = _group(call, _course(call, course_id), group_id)
    user = access.existing_user(call, user_id)
    if user["id"] not in _members(call, group):
        raise errors.not_found()
    call.lms.records.remove("student_group_members", _key(group, user["id"]))
    return {}


_READ = ("classroom.rosters", "classroom.rosters.readonly")
_WRITE = ("classroom.rosters",)
_GROUPS = "/v1/courses/{courseId}/studentGroups"
_MEMBERS = f"{_GROUPS}/{{studentGroupId}}/studentGroupMembers"

OPERATIONS = (
    Operation("GET", _GROUPS, "StudentGroups.ListStudentGroups", _READ, _list, PAGES,
              response=messages.STUDENT_GROUPS),
    Operation("POST", _GROUPS, "StudentGroups.CreateStudentGroup", _WRITE, _create,
              message=messages.STUDENT_GROUP, field="student_group", response=messages.STUDENT_GROUP),
    Operation("PATCH", f"{_GROUPS}/{{id}}", "StudentGroups.UpdateStudentGroup", _WRITE, _patch, ("updateMask",),
              messages.STUDENT_GROUP, "student_group", messages.STUDENT_GROUP),
    Operation("DELETE", f"{_GROUPS}/{{id}}", "StudentGroups.DeleteStudentGroup", _WRITE, _delete),
    Operation("GET", _MEMBERS, "StudentGroups.ListStudentGroupMembers", _READ, _list_members, PAGES,
              response=messages.STUDENT_GROUP_MEMBERS),
    Operation("POST", _MEMBERS, "StudentGroups.CreateStudentGroupMember", _WRITE, _add_member,
              message=messages.STUDENT_GROUP_MEMBER, field="student_group_member",
              response=messages.STUDENT_GROUP_MEMBER),
    Operation("DELETE", f"{_MEMBERS}/{{userId}}", "StudentGroups.DeleteStudentGroupMember", _WRITE, _remove_member),
)  # fmt: skip
