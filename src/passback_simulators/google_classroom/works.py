"""Finding course work, as time changes it: scheduled items are published, deleted ones disappear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.google_classroom import access, errors

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call
    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.records import Record

DAY_MS = 86_400_000

READ_SCOPES_STUDENTS = ("classroom.coursework.students", "classroom.coursework.students.readonly")
"""For teachers of the course and administrators."""
READ_SCOPES_ME = ("classroom.coursework.me", "classroom.coursework.me.readonly")
"""For students of the course."""


def current(lms: ClassroomState, work: Record) -> Record | None:
    """Course work in its present state: published once its time has come; None if it was deleted long ago."""
    now = lms.clock()
    if work["state"] == "DRAFT" and work["scheduled"] is not None and work["scheduled"] <= now:
        published = {"state": "PUBLISHED", "scheduled": None, "updated": work["scheduled"]}
        return lms.records.put("course_work", work["id"], work | published)
    kept = lms.settings["deleted_kept_days"] * DAY_MS
    if work["state"] == "DELETED" and work["updated"] + kept <= now:
        return None
    return work


def of_course(lms: ClassroomState, course_id: str) -> list[Record]:
    """The course work of a course, whatever its state, oldest first."""
    works = (current(lms, one) for one in lms.records.all("course_work") if one["course_id"] == course_id)
    return [one for one in works if one is not None]


def find(call: Call, course: Record, work_id: str) -> Record:
    """Course work in any state; 404 if there is none. With the fault ``deleted``, it counts as deleted."""
    work = call.lms.records.get("course_work", work_id)
    work = current(call.lms, work) if work is not None and work["course_id"] == course["id"] else None
    if work is None:
        raise errors.not_found()
    if call.request.fault == "deleted":
        return work | {"state": "DELETED"}
    return work


def assignees(call: Call, work: Record) -> list[str]:
    """The ids of the students who have a submission for course work; none unless it is published."""
    if work["state"] != "PUBLISHED":
        return []
    students = access.students(call, work["course_id"])
    if work["assignee_mode"] == "ALL_STUDENTS":
        return students
    return [one for one in students if one in work["student_ids"]]


def visible(call: Call, course: Record, work: Record) -> bool:
    """Whether the caller may see course work: students see only published items that are assigned to them."""
    return access.sees_all(call, course) or call.user["id"] in assignees(call, work)


def require_scope(call: Call, course: Record, more: tuple[str, ...] = ()) -> None:
    """Refuse a token with only the other role's scopes. `more`: further scopes that suffice, of either role."""
    if access.sees_all(call, course):
        allowed = [*READ_SCOPES_STUDENTS, *(one for one in more if ".students" in one)]
    else:
        allowed = [*READ_SCOPES_ME, *(one for one in more if ".me" in one)]
    if not call.may(*allowed):
        raise errors.denied()


def require_project(call: Call, work: Record) -> None:
    """Refuse changes by any Cloud project except the one that created the item."""
    if work["project"] != call.grant.project:
        raise errors.named("ProjectPermissionDenied")
