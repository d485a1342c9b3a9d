"""Attachments of add-ons, such as quizzes in an iframe (Classroom API v1: courses.courseWork.addOnAttachments)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, add_ons, errors, messages, parsing, wire
from passback_simulators.google_classroom.call import PAGES, Operation
from passback_simulators.google_classroom.handlers import course_work, submissions, work_fields
from passback_simulators.google_classroom.paging import page

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call
    from passback_simulators.records import Record

_MOST_IN_PAGE = 20
_LONGEST_TITLE = 1000
_LONGEST_URI = 1800
_MESSAGE = "add_on_attachment"

_URIS = {
    "teacherViewUri": "teacher_uri",
    "studentViewUri": "student_uri",
    "studentWorkReviewUri": "review_uri",
}
_OPTIONAL = "studentWorkReviewUri"
_DUE = frozenset({"dueDate", "dueTime"})
_PATCHABLE = frozenset({"title", "maxPoints", *_URIS, *_DUE})


def _shown(attachment: Record) -> dict[str, Any]:
    due_date, due_time = work_fields.shown_due(attachment["due"])
    return {
        "courseId": attachment["course_id"],
        "itemId": attachment["work_id"],
        "postId": attachment["work_id"],
        "id": attachment["id"],
        "title": attachment["title"],
        **{name: {"uri": attachment[key]} for name, key in _URIS.items() if attachment[key]},
        "dueDate": due_date,
        "dueTime": due_time,
        "maxPoints": attachment["max_points"],
        "gradeSyncEnabled": attachment["sync"],
    }


# Fields.


def _title(call: Call) -> str:
    title: str = call.body.get("title", "")
    if not 1 <= len(title) <= _LONGEST_TITLE:
        raise errors.invalid(field=f"{_MESSAGE}.title")
    return title


def _uri(call: Call, name: str) -> str | None:
    uri: str = call.body.get(name, {}).get("uri", "")
    if not uri and name == _OPTIONAL and name not in call.body:
        return None
    if not 1 <= len(uri) <= _LONGEST_URI:
        raise errors.invalid(field=f"{_MESSAGE}.{parsing.snake(name)}.uri")
    return uri


def _max_points(call: Call, review_uri: str | None) -> int:
    points = work_fields.max_points(call, _MESSAGE)
    if points and review_uri is None:
        raise errors.invalid(field=f"{_MESSAGE}.max_points")
    return points


def _store(call: Call, work: Record, attachment: Record, points_before: float) -> Record:
    """Store an attachment; the first one with points syncs its grades, and the course work gets its points.

    If that one is removed, none of the others takes over; the next one that gets points does.
    """
    if not attachment["max_points"]:
        attachment["sync"] = False
    elif not points_before:
        attachment["sync"] = add_ons.synced(call.lms, work["id"]) is None
    if attachment["sync"] and work["max_points"] != attachment["max_points"]:
        course_work.change(call.lms, work, {"max_points": attachment["max_points"]}, call.user["id"])
    return call.lms.records.put("add_on_attachments", attachment["id"], attachment)


def submission_id(work_id: str, user_id: str) -> str:
    """The id of a student's work for add-ons: the same for all attachments, and not that of the submission."""
    return wire.id_in_links(submissions.submission_id(work_id, user_id))


# Operations.


def _changeable_work(call: Call, course_id: str, work_id: str) -> Record:
    course = access.readable_course(call, course_id)
    add_ons.require_role_scope(call, course)
    access.require_teacher(call, course)
    work = add_ons.find_work(call, course, work_id)
    access.require_modifiable(course)
    return work


def _create(call: Call, course_id: str, work_id: str) -> dict[str, Any]:
    work = _changeable_work(call, course_id, work_id)
    add_ons.require_permission(call, work)
    uris = {key: _uri(call, name) for name, key in _URIS.items()}
    attachment: Record = {
        "id": str(call.lms.records.next_number("add_on_attachment", 719_000_000_001)),
        "course_id": work["course_id"], "work_id": work["id"], "project": call.grant.project, "title": _title(call),
        **uris, **work_fields.due(call, _MESSAGE), "max_points": _max_points(call, uris["review_uri"]),
        "sync": False,
    }  # fmt: skip
    return _shown(_store(call, work, attachment, points_before=0))


def _patch(call: Call, course_id: str, work_id: str, attachment_id: str) -> dict[str, Any]:
    work = _changeable_work(call, course_id, work_id)
    attachment = dict(add_ons.find(call, work, attachment_id))
    mask = parsing.update_mask(call.param("updateMask"), _PATCHABLE)
    points_before = attachment["max_points"]
    if "title" in mask:
        attachment["title"] = _title(call)
    attachment |= {_URIS[name]: _uri(call, name) for name in mask & _URIS.keys()}
    if mask & _DUE:
        attachment |= work_fields.due_of_patch(call, attachment, mask, _MESSAGE)
    if "maxPoints" in mask:
        attachment["max_points"] = _max_points(call, attachment["review_uri"])
    elif attachment["review_uri"] is None:
        attachment["max_points"] = 0
    return _shown(_store(call, work, attachment, points_before))


def _delete(call: Call, course_id: str, work_id: str, attachment_id: str) -> dict[str, Any]:
    work = _changeable_work(call, course_id, work_id)
    call.lms.records.remove("add_on_attachments", add_ons.find(call, work, attachment_id)["id"])
    return {}


def _get(call: Call, course_id: str, work_id: str, attachment_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    add_ons.require_role_scope(call, course)
    return _shown(add_ons.find(call, add_ons.find_work(call, course, work_id), attachment_id))


def _list(call: Call, course_id: str, work_id: str) -> dict[str, Any]:
    """The attachments of the caller's add-on, which has some or may make some."""
    course = access.readable_course(call, course_id)
    add_ons.require_role_scope(call, course)
    work = add_ons.find_work(call, course, work_id)
    own = add_ons.attachments(call.lms, work["id"], call.grant.project)
    if not own and work["project"] != call.grant.project:
        raise errors.denied()
    return page(call, "addOnAttachments", [_shown(one) for one in own], most=_MOST_IN_PAGE)


def _get_context(call: Call, course_id: str, work_id: str) -> dict[str, Any]:
    """What an add-on may know of whoever opened it: the role and, of a student, the id of the work."""
    course = access.readable_course(call, course_id)
    role = add_ons.require_role_scope(call, course)
    work = add_ons.find_work(call, course, work_id)
    if call.param("addOnToken"):
        add_ons.require_permission(call, work)
    elif not call.param("attachmentId"):
        raise errors.invalid("Attachment ID must be specified.")
    if call.param("attachmentId"):
        add_ons.find(call, work, call.param("attachmentId"))
    content: dict[str, Any] = {"courseId": course["id"], "itemId": work["id"], "postId": work["id"]}
    if role == access.TEACHER:
        content["teacherContext"] = {}
    else:
        content["studentContext"] = {"submissionId": submission_id(work["id"], call.user["id"])}
    return content | {"supportsStudentWork": True}


_READ = (add_ons.STUDENT_SCOPE, add_ons.TEACHER_SCOPE)
_WRITE = (add_ons.TEACHER_SCOPE,)
_ITEM = "/v1/courses/{courseId}/courseWork/{itemId}"
_ATTACHMENTS = f"{_ITEM}/addOnAttachments"
ATTACHMENT = f"{_ATTACHMENTS}/{{attachmentId}}"

OPERATIONS = (
    Operation("GET", f"{_ITEM}/addOnContext", "AddOns.GetAddOnContext", _READ, _get_context,
              ("addOnToken", "attachmentId", "postId"), response=messages.ADD_ON_CONTEXT),
    Operation("GET", _ATTACHMENTS, "AddOns.ListAddOnAttachments", _READ, _list, (*PAGES, "postId"),
              response=messages.ADD_ON_ATTACHMENTS),
    Operation("POST", _ATTACHMENTS, "AddOns.CreateAddOnAttachment", _WRITE, _create, ("addOnToken", "postId"),
              messages.ADD_ON_ATTACHMENT, _MESSAGE, messages.ADD_ON_ATTACHMENT),
    Operation("GET", ATTACHMENT, "AddOns.GetAddOnAttachment", _READ, _get, ("postId",),
              response=messages.ADD_ON_ATTACHMENT),
    Operation("PATCH", ATTACHMENT, "AddOns.UpdateAddOnAttachment", _WRITE, _patch, ("postId", "updateMask"),
              messages.ADD_ON_ATTACHMENT, _MESSAGE, messages.ADD_ON_ATTACHMENT),
    Operation("DELETE", ATTACHMENT, "AddOns.DeleteAddOnAttachment", _WRITE, _delete, ("postId",)),
)  # fmt: skip
