"""Roles as LTI names them: URIs of several vocabularies, short names, and sub-roles."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

LtiRole = Literal["teacher", "student", "administrator", "mentor", "other"]

_CONTEXT = "http://purl.imsglobal.org/vocab/lis/v2/membership"
_VOCABULARIES = (f"{_CONTEXT}#", f"{_CONTEXT}/", "urn:lti:role:ims/lis/")
"""What comes before the roles in a course: that of LTI 1.3, and the one of LTI 1.1, which some still send."""
_BY_NAME: dict[str, LtiRole] = {
    "instructor": "teacher",
    "teachingassistant": "teacher",
    "learner": "student",
    "student": "student",
    "mentor": "mentor",
    "administrator": "administrator",
}
_PRECEDENCE: tuple[LtiRole, ...] = ("teacher", "student", "mentor", "administrator")


def role_in_course(roles: Iterable[str]) -> LtiRole:
    """What somebody is in a course, by all roles that a launch or a class list gives.

    Roles in an institution or a system count for nothing if there is one in the course: whoever teaches elsewhere may
    be a student here. A sub-role, such as ``.../membership/Instructor#TeachingAssistant``, is what its principal role
    is.
    """
    given = [it for it in roles if it]
    here = {role for it in given if (role := _in_course(it)) is not None}
    if not here:
        here = {role for it in given if (role := _elsewhere(it)) is not None}
    return next((role for role in _PRECEDENCE if role in here), "other")


def _in_course(role: str) -> LtiRole | None:
    """By the principal role, which is all that a role says that has another below it."""
    name = role
    for vocabulary in _VOCABULARIES:
        name = name.removeprefix(vocabulary)
    return _BY_NAME.get(re.split("[#/]", name)[0].lower())


def _elsewhere(role: str) -> LtiRole | None:
    """Only an administrator is one everywhere."""
    return "administrator" if role.rpartition("#")[2].lower() in ("administrator", "sysadmin") else None
