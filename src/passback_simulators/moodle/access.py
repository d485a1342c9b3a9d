"""Who may call what: the token, and the capabilities of its user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.moodle.errors import (
    bad_token,
    no_access,
    no_module,
    no_permission,
    no_record,
    refused,
)

if TYPE_CHECKING:
    from passback_simulators.moodle.state import MoodleState
    from passback_simulators.records import Record


def token(lms: MoodleState, given: str, function: str) -> Record:
    """The token of a call, which must have this function. Raises `Refusal`."""
    found = lms.records.get("tokens", given)
    if found is None:
        raise bad_token()
    if found["expired"] or not lms.may("webservice/rest:use"):
        raise no_access()
    if found["functions"] is not None and function not in found["functions"]:
        raise no_access()
    return found


def need(lms: MoodleState, *capabilities: str) -> None:
    """Refuse whoever lacks one of the capabilities."""
    for capability in capabilities:
        if not lms.may(capability):
            raise no_permission(capability)


def course(lms: MoodleState, id: int) -> Record:  # noqa: A002 - it is one
    """A course that the integration user may see. Raises `Refusal`."""
    found = lms.records.get("courses", id)
    if found is None:
        raise no_record("course")
    if not sees(lms, found):
        raise refused("errorcoursecontextnotvalid", "You cannot execute functions in the course context.")
    return found


def sees(lms: MoodleState, course: Record) -> bool:
    """Whether the integration user may enter a course."""
    if not course["visible"] and not lms.may("moodle/course:viewhiddencourses"):
        return False
    return bool(lms.settings["enrolled_everywhere"]) or lms.may("moodle/course:view")


def module(lms: MoodleState, cmid: int) -> Record:
    """A course module whose course the integration user may see. Raises `Refusal`."""
    found = lms.cm(cmid)
    if found is None:
        raise no_module()
    course(lms, found["course"])
    return found


def assignment(lms: MoodleState, id: int) -> Record:  # noqa: A002
    """An assignment whose course the integration user may see. Raises `Refusal`."""
    found = lms.assign(id)
    if found is None:
        raise no_record("assign")
    course(lms, found["course"])
    return found
