"""Who is whom, and who may do what in a course."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.google_classroom import errors

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call
    from passback_simulators.records import Record

TEACHER = "TEACHER"
STUDENT = "STUDENT"

NOT_MODIFIABLE = frozenset({"ARCHIVED", "DECLINED", "SUSPENDED"})
"""The states of courses in which nothing can be changed."""


def user_of(call: Call, identifier: str) -> Record | None:
    """The user whom a request means: ``me``, a numeric id or an e-mail address."""
    return call.user if identifier == "me" else call.lms.find_user(identifier)


def existing_user(call: Call, identifier: str) -> Record:
    """The same; 404 where there is none."""
    user = user_of(call, identifier)
    if user is None:
        raise errors.not_found()
    return user


def find_course(call: Call, identifier: str) -> Record:
    """The course of an id or an alias; 404 where there is none."""
    course_id = identifier
    if identifier.startswith(("d:", "p:")):
        alias = call.lms.records.get("aliases", alias_key(call, identifier))
        course_id = alias["course_id"] if alias else ""
    course = call.lms.records.get("courses", course_id)
    if course is None:
        raise errors.not_found()
    return course


def alias_key(call: Call, alias: str) -> str:
    """Under which id an alias is kept: those with ``p:`` are the project's own."""
    return f"{call.grant.project}/{alias}" if alias.startswith("p:") else alias


def students(call: Call, course_id: str) -> list[str]:
    """The ids of the students of a course; none with the fault ``not-enrolled``."""
    if call.request.fault == "not-enrolled":
        return []
    return [one["user_id"] for one in call.lms.members(course_id, STUDENT)]


def role_in(call: Call, course: Record) -> str | None:
    """TEACHER, STUDENT, or None where the caller is no member of the course."""
    found = call.lms.member(course["id"], call.user["id"])
    return str(found["role"]) if found else None


def is_admin(call: Call) -> bool:
    """Whether the caller administrates the domain."""
    return bool(call.user["admin"])


def readable_course(call: Call, identifier: str) -> Record:
    """A course of which the caller is a member, or which is in the domain that the caller administrates."""
    course = find_course(call, identifier)
    if role_in(call, course) is None and not is_admin(call):
        raise errors.denied()
    return course


def sees_all(call: Call, course: Record) -> bool:
    """Whether the caller sees what teachers see: as one of them, or as administrator."""
    return role_in(call, course) == TEACHER or is_admin(call)


def require_teacher(call: Call, course: Record) -> None:
    """Refuse all but the course's teachers. Administrators may look, but not teach."""
    if role_in(call, course) != TEACHER:
        raise errors.denied()


def require_modifiable(course: Record) -> None:
    """Refuse changes of what belongs to an archived course."""
    if course["state"] in NOT_MODIFIABLE:
        raise errors.named("CourseNotModifiable")
