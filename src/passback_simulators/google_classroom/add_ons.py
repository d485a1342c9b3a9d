"""Add-ons' attachments to course work: whose they are, which one's grades are synced, and who may work with them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from passback_simulators.google_classroom import access, errors, works

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call
    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.records import Record

TEACHER_SCOPE = "classroom.addons.teacher"
STUDENT_SCOPE = "classroom.addons.student"

_TOKEN_LIFETIME_MS = 3_600_000


def attachments(lms: ClassroomState, work_id: str, project: str | None = None) -> list[Record]:
    """The attachments of course work, oldest first. `project`: only this add-on's."""
    return [
        one
        for one in lms.records.all("add_on_attachments")
        if one["work_id"] == work_id and project in (None, one["project"])
    ]


def synced(lms: ClassroomState, work_id: str) -> Record | None:
    """The attachment whose grades become draft grades of the course work; at most one is."""
    return next((one for one in attachments(lms, work_id) if one["sync"]), None)


def require_project(call: Call, work: Record) -> None:
    """Refuse changes of course work by projects that neither made it nor have an attachment on it."""
    if not attachments(call.lms, work["id"], call.grant.project):
        works.require_project(call, work)


def require_grading_project(call: Call, work: Record) -> None:
    """Refuse grades by projects that neither made the course work nor have the attachment whose grades are synced."""
    one = synced(call.lms, work["id"])
    if one is None or one["project"] != call.grant.project:
        works.require_project(call, work)


def require_role_scope(call: Call, course: Record, *more: str) -> str:
    """The caller's role in the course, for which the token must have the add-ons' scope or one of `more`."""
    role = access.role_in(call, course)
    if role is None or not call.may(TEACHER_SCOPE if role == access.TEACHER else STUDENT_SCOPE, *more):
        raise errors.denied()
    return role


def find_work(call: Call, course: Record, work_id: str) -> Record:
    """Course work that the caller sees and that is not deleted; 404 otherwise."""
    work = works.find(call, course, work_id)
    if work["state"] == "DELETED" or not works.visible(call, course, work):
        raise errors.not_found()
    return work


def find(call: Call, work: Record, attachment_id: str) -> Record:
    """An attachment of the caller's add-on; 403 for another add-on's."""
    found = call.lms.records.get("add_on_attachments", attachment_id)
    if found is None or found["work_id"] != work["id"]:
        raise errors.not_found()
    if found["project"] != call.grant.project:
        raise errors.denied()
    return found


# Tokens, which Classroom gives an add-on that a user opens in it.


def issue_token(lms: ClassroomState, work_id: str, user_id: str, project: str) -> str:
    """The ``addOnToken`` with which Classroom opens an add-on on course work."""
    token = secrets.token_urlsafe(24)
    row = {"work_id": work_id, "user_id": user_id, "project": project}
    lms.records.put("add_on_tokens", token, row | {"expires": lms.clock() + _TOKEN_LIFETIME_MS})
    return token


def require_permission(call: Call, work: Record) -> None:
    """Refuse an add-on that may not attach to course work: by a token, or as the project that made it."""
    token = call.param("addOnToken")
    if not token:
        works.require_project(call, work)
        return
    row = call.lms.records.get("add_on_tokens", token)
    asked = {"work_id": work["id"], "user_id": call.user["id"], "project": call.grant.project}
    if row is None or any(row[name] != value for name, value in asked.items()):
        raise errors.named("InvalidAddOnToken")
    if row["expires"] <= call.lms.clock():
        raise errors.named("ExpiredAddOnToken")
