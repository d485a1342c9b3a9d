"""Course work: assignments and questions (Classroom API v1: courses.courseWork)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, add_ons, errors, messages, parsing, wire, works
from passback_simulators.google_classroom.call import PAGES, Operation
from passback_simulators.google_classroom.handlers import submissions, work_fields
from passback_simulators.google_classroom.paging import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback_simulators.google_classroom.call import Call
    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.records import Record


def add(
    lms: ClassroomState, course: Record, creator: str, project: str | None, fields: dict[str, Any]
) -> Record:
    """Store new course work. `project`: the Cloud project that creates it; None if a teacher does, in the web pages."""
    work_id = str(lms.records.next_number("course_work", 712_000_000_001))
    now = lms.clock()
    work = {
        "id": work_id, "course_id": course["id"], "creator": creator, "project": project, "created": now,
        "updated": now, **fields,
    }  # fmt: skip
    return lms.records.put("course_work", work_id, work)


def shown(call: Call, course: Record, work: Record) -> dict[str, Any]:
    """Course work as the caller sees it."""
    staff = access.sees_all(call, course)
    published = work["state"] == "PUBLISHED"
    due_date, due_time = work_fields.shown_due(work["due"])
    individual = work["assignee_mode"] == "INDIVIDUAL_STUDENTS"
    content = {
        "courseId": course["id"],
        "id": work["id"],
        "title": work["title"],
        "description": work["description"],
        "materials": work["materials"],
        "state": work["state"],
        "alternateLink": f"{submissions.link(work)}/details" if published else None,
        "creationTime": wire.timestamp(work["created"]),
        "updateTime": wire.timestamp(work["updated"]),
        "dueDate": due_date,
        "dueTime": due_time,
        "scheduledTime": wire.timestamp(work["scheduled"]),
        "maxPoints": work["max_points"],
        "workType": work["work_type"],
        "associatedWithDeveloper": work["project"] == call.grant.project,
        "assigneeMode": work["assignee_mode"],
        "submissionModificationMode": work["modification_mode"],
        "creatorUserId": work["creator"],
        "topicId": work["topic_id"],
        "gradeCategory": work["grade_category"],
        "gradingPeriodId": work["grading_period_id"],
    }
    if individual and staff:
        content["individualStudentsOptions"] = {"studentIds": work["student_ids"]}
    if work["choices"]:
        content["multipleChoiceQuestion"] = {"choices": work["choices"]}
    if work["work_type"] == "ASSIGNMENT" and staff and published:
        folder = f"0B{work['id']}"
        content["assignment"] = {
            "studentWorkFolder": {
                "id": folder,
                "title": work["title"],
                "alternateLink": f"https://drive.google.com/drive/folders/{folder}",
            }
        }
    return content


def _create(call: Call, course_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    access.require_teacher(call, course)
    access.require_modifiable(course)
    fields = work_fields.created(call, course)
    return shown(call, course, add(call.lms, course, call.user["id"], call.grant.project, fields))


def _get(call: Call, course_id: str, work_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    works.require_scope(call, course)
    work = works.find(call, course, work_id)
    if not works.visible(call, course, work):
        raise errors.denied()
    return shown(call, course, work)


def _list(call: Call, course_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    works.require_scope(call, course)
    states = call.choices("courseWorkStates", messages.WORK_STATE) or ["PUBLISHED"]
    found = [one for one in works.of_course(call.lms, course["id"]) if one["state"] in states]
    found = [one for one in found if works.visible(call, course, one)]
    for name, descending in reversed(_order(call.param("orderBy"))):
        found.sort(key=partial(_sort_key, name), reverse=descending)
    content = page(call, "courseWork", found)
    return content | {"courseWork": [shown(call, course, one) for one in content["courseWork"]]}


def _sort_key(name: str, work: Record) -> tuple[int, int]:
    """Items without a due date come last; equal times keep the order of creation."""
    value = work["updated" if name == "updateTime" else "due"]
    return (1 if value is None else 0, value or 0)


def _order(text: str) -> list[tuple[str, bool]]:
    """The fields of an ``orderBy``, and whether each is descending."""
    order = []
    for part in (text or "updateTime desc").split(","):
        words = part.split()
        name = parsing.camel(words[0]) if words else ""
        direction = words[1].lower() if len(words) == 2 else "asc"
        if (
            name not in ("updateTime", "dueDate")
            or direction not in ("asc", "desc")
            or len(words) not in (1, 2)
        ):
            raise errors.invalid(field="order_by")
        order.append((name, direction == "desc"))
    return order


def _writable(
    call: Call,
    course: Record,
    work_id: str,
    project: Callable[[Call, Record], None] | None = works.require_project,
) -> Record:
    """Course work that the caller may change: as a teacher, unless it is deleted. `project`: refuses other projects."""
    work = works.find(call, course, work_id)
    access.require_teacher(call, course)
    if project is not None:
        project(call, work)
    if work["state"] == "DELETED":
        raise errors.failed_precondition()
    access.require_modifiable(course)
    return work


def _patch(call: Call, course_id: str, work_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    mask = parsing.update_mask(call.param("updateMask"), work_fields.PATCHABLE)
    work = _writable(call, course, work_id, add_ons.require_project)
    changed = change(call.lms, work, work_fields.patched(call, course, work, mask), call.user["id"])
    return shown(call, course, changed)


def change(lms: ClassroomState, work: Record, fields: dict[str, Any], actor: str) -> Record:
    """Store changed fields. Existing grades stay as they are, but their histories record a new maximum."""
    changed = lms.records.put("course_work", work["id"], work | fields | {"updated": lms.clock()})
    if changed["max_points"] != work["max_points"]:
        submissions.note_max_points(lms, changed, actor)
    return changed


def _delete(call: Call, course_id: str, work_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    delete(call.lms, _writable(call, course, work_id))
    return {}


def delete(lms: ClassroomState, work: Record) -> None:
    """Delete course work: a published item stays readable for a while, a draft disappears."""
    if work["state"] == "DRAFT":
        lms.records.remove("course_work", work["id"])
    else:
        lms.records.put("course_work", work["id"], work | {"state": "DELETED", "updated": lms.clock()})


def _modify_assignees(call: Call, course_id: str, work_id: str) -> dict[str, Any]:
    """Change the assignees: all students, or additions to and removals from individual ones."""
    course = access.readable_course(call, course_id)
    work = _writable(call, course, work_id, project=None)
    mode = call.body.get("assigneeMode")
    options = call.body.get("modifyIndividualStudentsOptions")
    if mode is None or (mode == "ALL_STUDENTS" and options is not None):
        raise errors.invalid(field="assignee_mode")
    student_ids: list[str] = []
    if mode == "INDIVIDUAL_STUDENTS":
        student_ids = _changed_students(call, course, work, options or {})
    fields = {"assignee_mode": mode, "student_ids": student_ids}
    return shown(call, course, change(call.lms, work, fields, call.user["id"]))


def _changed_students(call: Call, course: Record, work: Record, options: dict[str, list[str]]) -> list[str]:
    added, removed = options.get("addStudentIds", []), options.get("removeStudentIds", [])
    if set(added) & set(removed) or not set(added) <= set(access.students(call, course["id"])):
        raise errors.invalid(field="modify_individual_students_options")
    student_ids = [one for one in dict.fromkeys([*work["student_ids"], *added]) if one not in removed]
    if not student_ids:
        raise errors.named("EmptyAssignees")
    return student_ids


_READ = (*works.READ_SCOPES_ME, *works.READ_SCOPES_STUDENTS)
_WRITE = ("classroom.coursework.students",)
_WORKS = "/v1/courses/{courseId}/courseWork"
_WORK = f"{_WORKS}/{{id}}"

OPERATIONS = (
    Operation("GET", _WORKS, "CourseWorks.ListCourseWork", _READ, _list,
              (*PAGES, "courseWorkStates", "orderBy"), response=messages.COURSE_WORKS),
    Operation("POST", _WORKS, "CourseWorks.CreateCourseWork", _WRITE, _create,
              message=messages.COURSE_WORK, field="course_work", response=messages.COURSE_WORK),
    Operation("GET", _WORK, "CourseWorks.GetCourseWork", _READ, _get, response=messages.COURSE_WORK),
    Operation("PATCH", _WORK, "CourseWorks.UpdateCourseWork", _WRITE, _patch, ("updateMask",),
              messages.COURSE_WORK, "course_work", messages.COURSE_WORK),
    Operation("DELETE", _WORK, "CourseWorks.DeleteCourseWork", _WRITE, _delete),
    Operation("POST", f"{_WORK}:modifyAssignees", "CourseWorks.ModifyCourseWorkAssignees", _WRITE, _modify_assignees,
              message=messages.MODIFY_ASSIGNEES, response=messages.COURSE_WORK),
)  # fmt: skip
