"""Identifying users and courses, and checking what the caller may do in a course."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.google_classroom import errors

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call
    from passback_simulators.records import Record

TEACHER = "TEACHER"
STUDENT = "STUDENT"

NOT_MODIFIABLE = frozenset({"ARCHIVED", "DECLINED", "SUSPENDED"})
"""The course states in which nothing can be changed."""


def user_of(call: Call, identifier: str) -> Record | None:
    """The user that a request refers to: ``me``, a numeric id or an e-mail address."""
    return call.user if identifier == "me" else call.lms.find_user(identifier)


def existing_user(call: Call, identifier: str) -> Record:
    """The user that a request refers to; 404 if there is none."""
    user = user_of(call, identifier)
    if user is None:
        raise errors.not_found()
    return user


def find_course(call: Call, identifier: str) -> Record:
    """The course with an id or an alias; 404 if there is none."""
    course_id = identifier
    if identifier.startswith(("d:", "p:")):
        alias = call.lms.records.get("aliases", alias_key(call, identifier))
        course_id = alias["course_id"] if alias else ""
    course = call.lms.records.get("courses", course_id)
    if course is None:
        raise errors.not_found()
    return course


def alias_key(call: Call, alias: str) -> str:
    """The id under which an alias is stored: aliases with ``p:`` belong to the project."""
    return f"{call.grant.project}/{alias}" if alias.startswith("p:") else alias


def students(call: Call, course_id: str) -> list[str]:
    """The ids of a course's students; none if the request has the fault ``not-enrolled``."""
    if call.request.fault == "not-enrolled":
        return []
    return [one["user_id"] for one in call.lms.members(course_id, STUDENT)]


def role_in(call: Call, course: Record) -> str | None:
    """TEACHER, STUDENT, or None if the caller is not a member of the course."""
    found = call.lms.member(course["id"], call.user["id"])
    return str(found["role"]) if found else None


def is_admin(call: Call) -> bool:
    """Whether the caller administers the domain."""
    return bool(call.user["admin"])


def readable_course(call: Call, identifier: str) -> Record:
    """A course of which the caller is a member, or whose domain the caller administers."""
    course = find_course(call, identifier)
    if role_in(call, course) is None and not is_admin(call):
        raise errors.denied()
    return course


def sees_all(call: Call, course: Record) -> bool:
    """Whether the caller sees what teachers see: as a teacher of the course or as administrator."""
    return role_in(call, course) == TEACHER or is_admin(call)


def require_teacher(call: Call, course: Record) -> None:
    """Refuse everyone except the course's teachers. Administrators may read, but not teach."""
    if role_in(call, course) != TEACHER:
        raise errors.denied()


def require_licence(call: Call) -> None:
    """Refuse users without the edition of Workspace that rubrics and student groups need."""
    if not call.lms.settings["education_plus"]:
        raise errors.denied()


def require_modifiable(course: Record) -> None:
    """Refuse changes in a course that is archived."""
    if course["state"] in NOT_MODIFIABLE:
        raise errors.named("CourseNotModifiable")
