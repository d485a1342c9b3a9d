"""Students, teachers, invitations, profiles and guardians (Classroom API v1)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, errors, messages
from passback_simulators.google_classroom.access import STUDENT, TEACHER
from passback_simulators.google_classroom.call import PAGES, Operation
from passback_simulators.google_classroom.paging import page

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call
    from passback_simulators.records import Record

USUAL_PAGE = 30
USUAL_INVITATIONS = 500


def profile(call: Call, user: Record) -> dict[str, Any]:
    """A user's profile; e-mail address and photo only with their scopes."""
    full = f"{user['given']} {user['family']}"
    own = user["id"] == call.user["id"] or access.is_admin(call)
    return {
        "id": user["id"],
        "name": {"givenName": user["given"], "familyName": user["family"], "fullName": full},
        "emailAddress": user["email"] if call.may("classroom.profile.emails") else None,
        "photoUrl": "//lh3.googleusercontent.com/a/default-user"
        if call.may("classroom.profile.photos")
        else None,
        "permissions": [{"permission": "CREATE_COURSE"}] if own and user["creates_courses"] else None,
        "verifiedTeacher": user["creates_courses"] and not user["admin"],
    }


def _shown(call: Call, course: Record, user_id: str, role: str) -> dict[str, Any]:
    user = call.lms.find_user(user_id)
    assert user is not None
    content: dict[str, Any] = {
        "courseId": course["id"],
        "userId": user_id,
        "profile": profile(call, user),
    }
    if role == STUDENT and (user_id == call.user["id"] or access.is_admin(call)):
        folder = f"0B{course['id']}{user_id[-6:]}"
        content["studentWorkFolder"] = {
            "id": folder,
            "title": course["name"],
            "alternateLink": f"https://drive.google.com/drive/folders/{folder}",
        }
    return content


def _ids(call: Call, course: Record, role: str) -> list[str]:
    if role == STUDENT:
        return access.students(call, course["id"])
    return [one["user_id"] for one in call.lms.members(course["id"], TEACHER)]


def _list(role: str, call: Call, course_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    name = f"{role.lower()}s"
    content = page(call, name, _ids(call, course, role), USUAL_PAGE)
    return content | {name: [_shown(call, course, one, role) for one in content[name]]}


def _member(role: str, call: Call, course: Record, identifier: str) -> str:
    """The id of a course's student or teacher; 404 if the user is neither."""
    user = access.user_of(call, identifier)
    if user is None or user["id"] not in _ids(call, course, role):
        raise errors.not_found()
    return str(user["id"])


def _get(role: str, call: Call, course_id: str, user_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    return _shown(call, course, _member(role, call, course, user_id), role)


def _create(role: str, call: Call, course_id: str) -> dict[str, Any]:
    """Administrators add anyone; students themselves, with the course's enrollment code."""
    course = access.find_course(call, course_id)
    user = access.existing_user(call, call.body.get("userId", ""))
    by_code = role == STUDENT and user["id"] == call.user["id"] and call.param("enrollmentCode")
    if not access.is_admin(call) and not by_code:
        raise errors.denied()
    if by_code and by_code != f"c{course['id'][-6:]}":
        raise errors.denied()
    access.require_modifiable(course)
    if call.lms.find_user(course["owner_id"]) is None:
        raise errors.named("InactiveCourseOwner")
    if call.lms.member(course["id"], user["id"]):
        raise errors.already_exists()
    call.lms.join(course["id"], user["id"], role)
    for invitation in _invitations(call, course["id"], user["id"]):
        call.lms.records.remove("invitations", invitation["id"])
    return _shown(call, course, user["id"], role)


def _delete(role: str, call: Call, course_id: str, user_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    member = _member(role, call, course, user_id)
    if not access.sees_all(call, course) and member != call.user["id"]:
        raise errors.denied()
    access.require_modifiable(course)
    if member == course["owner_id"]:
        raise errors.failed_precondition()
    call.lms.records.remove("members", f"{course['id']}/{member}")
    return {}


# Invitations.


def _invitations(call: Call, course_id: str, user_id: str) -> list[Record]:
    """The invitations to a course, for a user, or both; an empty id matches any."""
    return [
        one
        for one in call.lms.records.all("invitations")
        if course_id in ("", one["courseId"]) and user_id in ("", one["userId"])
    ]


def _may_see_invitation(call: Call, invitation: Record) -> bool:
    course = call.lms.records.get("courses", invitation["courseId"])
    return invitation["userId"] == call.user["id"] or bool(course and access.sees_all(call, course))


def _invitation(call: Call, invitation_id: str) -> Record:
    found = call.lms.records.get("invitations", invitation_id)
    if found is None:
        raise errors.not_found()
    if not _may_see_invitation(call, found):
        raise errors.denied()
    return found


def _get_invitation(call: Call, invitation_id: str) -> dict[str, Any]:
    return _invitation(call, invitation_id)


def _list_invitations(call: Call) -> dict[str, Any]:
    course, user = call.param("courseId"), call.param("userId")
    if not course and not user:
        raise errors.invalid()
    course_id = access.find_course(call, course)["id"] if course else ""
    user_id = access.existing_user(call, user)["id"] if user else ""
    found = [one for one in _invitations(call, course_id, user_id) if _may_see_invitation(call, one)]
    return page(call, "invitations", found, USUAL_INVITATIONS)


def _create_invitation(call: Call) -> dict[str, Any]:
    role = call.body.get("role")
    if not role:
        raise errors.invalid(field="invitation.role")
    course = access.find_course(call, call.body.get("courseId", ""))
    user = access.existing_user(call, call.body.get("userId", ""))
    if not access.sees_all(call, course):
        raise errors.denied()
    access.require_modifiable(course)
    if call.lms.member(course["id"], user["id"]):
        raise errors.failed_precondition()
    if _invitations(call, course["id"], user["id"]):
        raise errors.already_exists()
    id_ = f"N{call.lms.records.next_number('invitation', 90_000_001)}"
    row = {"id": id_, "userId": user["id"], "courseId": course["id"], "role": role}
    return call.lms.records.put("invitations", id_, row)


def _delete_invitation(call: Call, invitation_id: str) -> dict[str, Any]:
    _invitation(call, invitation_id)
    call.lms.records.remove("invitations", invitation_id)
    return {}


def _accept_invitation(call: Call, invitation_id: str) -> dict[str, Any]:
    invitation = _invitation(call, invitation_id)
    if invitation["userId"] != call.user["id"]:
        raise errors.denied()
    access.require_modifiable(access.find_course(call, invitation["courseId"]))
    call.lms.records.remove("invitations", invitation_id)
    call.lms.join(
        invitation["courseId"],
        invitation["userId"],
        STUDENT if invitation["role"] == STUDENT else TEACHER,
    )
    return {}


# Profiles and guardians.


def _get_profile(call: Call, user_id: str) -> dict[str, Any]:
    """A profile: the caller's own, that of a person in a shared course or, for administrators, any."""
    user = access.user_of(call, user_id)
    if user is None:
        raise errors.denied()
    courses = {one["course_id"] for one in call.lms.records.all("members") if one["user_id"] == user["id"]}
    shared = any(call.lms.member(one, call.user["id"]) for one in courses)
    if user["id"] != call.user["id"] and not shared and not access.is_admin(call):
        raise errors.denied()
    return profile(call, user)


def _guardians(call: Call, student: str) -> list[dict[str, Any]]:
    """A student's guardians, for the student, their teachers and administrators; ``-`` means all students."""
    student_id = ""
    if student == "-":
        if not call.may(*_GUARDIANS_OF_STUDENTS) or not access.is_admin(call):
            raise errors.denied()
    else:
        student_id = access.existing_user(call, student)["id"]
    taught = {
        one["course_id"]
        for one in call.lms.records.all("members")
        if one["user_id"] == call.user["id"] and one["role"] == TEACHER
    }
    may = student_id == call.user["id"]
    if call.may(*_GUARDIANS_OF_STUDENTS):
        may = may or access.is_admin(call) or any(call.lms.member(one, student_id) for one in taught)
    if not may:
        raise errors.denied()
    return [
        {
            "studentId": one["student_id"],
            "guardianId": one["id"],
            "guardianProfile": {
                "id": one["id"],
                "name": {
                    "givenName": one["given"],
                    "familyName": one["family"],
                    "fullName": f"{one['given']} {one['family']}",
                },
                "emailAddress": one["email"] if call.may("classroom.profile.emails") else None,
            },
            "invitedEmailAddress": one["email"] if access.is_admin(call) else None,
        }
        for one in call.lms.records.all("guardians")
        if student_id in ("", one["student_id"])
    ]


def _list_guardians(call: Call, student_id: str) -> dict[str, Any]:
    guardians = _guardians(call, student_id)
    if email := call.param("invitedEmailAddress"):
        if not access.is_admin(call):
            raise errors.denied()
        guardians = [one for one in guardians if one["invitedEmailAddress"] == email]
    return page(call, "guardians", guardians)


def _get_guardian(call: Call, student_id: str, guardian_id: str) -> dict[str, Any]:
    found = [one for one in _guardians(call, student_id) if one["guardianId"] == guardian_id]
    if not found:
        raise errors.not_found()
    return found[0]


_READ = (
    "classroom.profile.emails", "classroom.profile.photos", "classroom.rosters", "classroom.rosters.readonly"
)  # fmt: skip
_CREATE = ("classroom.profile.emails", "classroom.profile.photos", "classroom.rosters")
_WRITE = ("classroom.rosters",)
_READ_INVITATIONS = ("classroom.rosters", "classroom.rosters.readonly")
_GUARDIANS_OF_STUDENTS = (
    "classroom.guardianlinks.students",
    "classroom.guardianlinks.students.readonly",
)
_READ_GUARDIANS = ("classroom.guardianlinks.me.readonly", *_GUARDIANS_OF_STUDENTS)


def _of(role: str) -> tuple[Operation, ...]:
    """The operations on a course's students, or on its teachers."""
    name = role.title()
    path = f"/v1/courses/{{courseId}}/{role.lower()}s"
    message, several = (
        (messages.STUDENT, messages.STUDENTS) if role == STUDENT else (messages.TEACHER, messages.TEACHERS)
    )
    code = ("enrollmentCode",) if role == STUDENT else ()
    return (
        Operation("GET", path, f"Courses.List{name}s", _READ, partial(_list, role), PAGES,
                  response=several),
        Operation("POST", path, f"Courses.Create{name}", _CREATE, partial(_create, role), code,
                  message, role.lower(), message),
        Operation("GET", f"{path}/{{userId}}", f"Courses.Get{name}", _READ, partial(_get, role),
                  response=message),
        Operation("DELETE", f"{path}/{{userId}}", f"Courses.Delete{name}", _WRITE, partial(_delete, role)),
    )  # fmt: skip


_INVITATION = "/v1/invitations/{id}"
_GUARDIANS = "/v1/userProfiles/{studentId}/guardians"

OPERATIONS = (
    *_of(STUDENT),
    *_of(TEACHER),
    Operation("GET", "/v1/invitations", "Invitations.ListInvitations", _READ_INVITATIONS, _list_invitations,
              (*PAGES, "courseId", "userId"), response=messages.INVITATIONS),
    Operation("POST", "/v1/invitations", "Invitations.CreateInvitation", _WRITE, _create_invitation,
              message=messages.INVITATION, field="invitation", response=messages.INVITATION),
    Operation("POST", f"{_INVITATION}:accept", "Invitations.AcceptInvitation", _WRITE, _accept_invitation),
    Operation("GET", _INVITATION, "Invitations.GetInvitation", _READ_INVITATIONS, _get_invitation,
              response=messages.INVITATION),
    Operation("DELETE", _INVITATION, "Invitations.DeleteInvitation", _WRITE, _delete_invitation),
    Operation("GET", "/v1/userProfiles/{userId}", "UserProfiles.GetUserProfile", _READ, _get_profile,
              response=messages.USER_PROFILE),
    Operation("GET", _GUARDIANS, "UserProfiles.ListGuardians", _READ_GUARDIANS, _list_guardians,
              (*PAGES, "invitedEmailAddress"), response=messages.GUARDIANS),
    Operation("GET", f"{_GUARDIANS}/{{guardianId}}", "UserProfiles.GetGuardian", _READ_GUARDIANS, _get_guardian,
              response=messages.GUARDIAN),
)  # fmt: skip
