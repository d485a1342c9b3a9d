"""The acting user, and what that user may see and do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.schoology import times
from passback_simulators.schoology.replies import forbidden, missing, refusal
from passback_simulators.schoology.seed import ADMIN, STUDENT
from passback_simulators.schoology.state import Actor

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.request import Request
    from passback_simulators.schoology.state import Credentials, SchoologyState

RUN_AS = "x-schoology-run-as"
ACTIVE = 1
"""The status of a current enrollment."""


def actor(lms: SchoologyState, request: Request, credentials: Credentials) -> Actor:
    """The user with whose rights a request is handled. Raises `Refusal`."""
    token, consumer = credentials.token, credentials.consumer
    uid = token["uid"] if token is not None and token["kind"] == "access" else consumer["uid"]
    user = lms.records.get("users", uid)
    if user is None:
        raise refusal(401)
    personal = token is None and consumer["kind"] == "personal" and user["role_id"] != ADMIN
    own = Actor(user, personal, impersonated=False)
    target = request.headers.get(RUN_AS)
    return own if target is None else _impersonated(lms, own, target.strip())


def _impersonated(lms: SchoologyState, own: Actor, target: str) -> Actor:
    settings = lms.settings
    if not own.is_admin or not settings["run_as_allowed"]:
        raise forbidden()
    user = lms.records.get("users", target)
    if user is None:  # a school_uid is not accepted
        raise missing("User")
    role = lms.records.get("roles", user["role_id"])
    assert role is not None
    student = user["role_id"] == STUDENT
    if not (settings["student_run_as"] if student else role["title"] in settings["run_as_roles"]):
        raise forbidden()
    return Actor(user, personal=False, impersonated=True)


def only_admin(lms: SchoologyState) -> None:
    """Refuse everyone except system administrators."""
    if not lms.actor.is_admin:
        raise forbidden()


def no_personal_key(lms: SchoologyState) -> None:
    """Refuse personal keys, which may not read about others."""
    if lms.actor.personal:
        raise refusal(401)


# Sections.


def is_past(lms: SchoologyState, section: Record) -> bool:
    """Whether all grading periods of a section have ended."""
    periods = [lms.records.get("periods", period) for period in section["grading_periods"]]
    return all(period is not None and period["end"] < times.today(lms) for period in periods)


def enrollments(lms: SchoologyState, request: Request | None, section_id: str) -> list[Record]:
    """Everyone in a section, teachers first; no students if the request has the fault ``not-enrolled``."""
    found = [e for e in lms.records.all("enrollments") if e["section_id"] == section_id]
    if request is not None and request.fault == "not-enrolled":
        found = [enrollment for enrollment in found if enrollment["admin"]]
    return sorted(found, key=lambda enrollment: -int(enrollment["admin"]))


def membership(
    lms: SchoologyState, section_id: str, uid: str, request: Request | None = None
) -> Record | None:
    """The active enrollment of a user in a section."""
    for enrollment in enrollments(lms, request, section_id):
        if enrollment["uid"] == uid and enrollment["status"] == ACTIVE:
            return enrollment
    return None


def member(
    lms: SchoologyState, request: Request | None, section_id: str, enrollment_id: object
) -> Record | None:
    """The active enrollment of a student, by its id (never the uid)."""
    enrollment = lms.records.get("enrollments", str(enrollment_id))
    if enrollment is None or enrollment["section_id"] != section_id or enrollment["status"] != ACTIVE:
        return None
    gone = request is not None and request.fault == "not-enrolled"
    return None if enrollment["admin"] or gone else enrollment


def section(lms: SchoologyState, section_id: str) -> Record:
    """A section that the actor may see. Raises `Refusal`."""
    found = lms.records.get("sections", section_id)
    if found is None:
        raise missing("Section")
    if not lms.actor.is_admin and membership(lms, section_id, lms.actor.uid) is None:
        raise forbidden()
    return found


def teaches(lms: SchoologyState, section_id: str) -> bool:
    """Whether the actor has a teacher's rights in a section."""
    own = membership(lms, section_id, lms.actor.uid)
    return lms.actor.is_admin or bool(own and own["admin"])


def taught(lms: SchoologyState, section_id: str, *, write: bool = True) -> Record:
    """A section in which the actor has a teacher's rights. Raises `Refusal`."""
    found = section(lms, section_id)
    if not teaches(lms, section_id):
        raise forbidden()
    if write:
        writable(lms, found)
    return found


def writable(lms: SchoologyState, found: Record) -> None:
    """Refuse changes in a section whose grading periods have ended."""
    if lms.settings["past_sections_read_only"] and is_past(lms, found):
        raise forbidden()
