"""Rubrics of course work (Classroom API v1: courses.courseWork.rubrics). The API cannot grade with them.

Grading has started once a submission has rubric grades, which only the web page gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, errors, messages, parsing, wire, works
from passback_simulators.google_classroom.call import PAGES, Operation
from passback_simulators.google_classroom.handlers import rubric_criteria
from passback_simulators.google_classroom.paging import page

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call
    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.records import Record

_FIELDS = frozenset({"criteria", "sourceSpreadsheetId"})
_SPREADSHEETS = ("spreadsheets", "spreadsheets.readonly")


def of(lms: ClassroomState, work_id: str) -> Record | None:
    """The rubric of course work, which has at most one."""
    return next((one for one in lms.records.all("rubrics") if one["work_id"] == work_id), None)


def _grading_has_started(lms: ClassroomState, rubric: Record) -> bool:
    return any(
        one.get("draft_rubric") or one.get("assigned_rubric")
        for one in lms.records.all("submissions")
        if one["work_id"] == rubric["work_id"]
    )


def _shown(rubric: Record) -> dict[str, Any]:
    return {
        "courseId": rubric["course_id"], "courseWorkId": rubric["work_id"], "id": rubric["id"],
        "creationTime": wire.timestamp(rubric["created"]), "updateTime": wire.timestamp(rubric["updated"]),
        "criteria": rubric_criteria.shown(rubric["criteria"]),
    }  # fmt: skip


def _visible_work(call: Call, course_id: str, work_id: str) -> Record:
    """Course work that the caller sees; 404 also for students to whom it is not assigned."""
    course = access.readable_course(call, course_id)
    works.require_scope(call, course)
    work = works.find(call, course, work_id)
    if work["state"] == "DELETED" or not works.visible(call, course, work):
        raise errors.not_found()
    return work


def _changeable_work(call: Call, course_id: str, work_id: str) -> Record:
    """Course work whose rubric the caller may change: a licensed teacher, through the work's own project."""
    course = access.readable_course(call, course_id)
    work = works.find(call, course, work_id)
    if work["state"] == "DELETED":
        raise errors.not_found()
    access.require_teacher(call, course)
    access.require_licence(call)
    works.require_project(call, work)
    access.require_modifiable(course)
    return work


def _existing(call: Call, work: Record, id_: str) -> Record:
    rubric = of(call.lms, work["id"])
    if rubric is None or id_ not in ("", rubric["id"]):
        raise errors.not_found()
    return rubric


def _criteria(call: Call, kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The criteria of a request: in its body, or in the spreadsheet that it names."""
    given, sheet_id = call.body.get("criteria", []), call.body.get("sourceSpreadsheetId")
    if given and sheet_id:
        raise errors.invalid(field="rubric.source_spreadsheet_id")
    if sheet_id:
        if not call.may(*_SPREADSHEETS):
            raise errors.internal()
        sheet = call.lms.records.get("spreadsheets", sheet_id)
        if sheet is None or call.user["id"] not in sheet["readers"]:
            raise errors.named("AttachmentNotVisible")
        given, kept = sheet["criteria"], []
    return rubric_criteria.read(call.lms, given, kept)


def _create(call: Call, course_id: str, work_id: str) -> dict[str, Any]:
    """Create the rubric. That a second one is refused with FAILED_PRECONDITION is a guess: Google does not say."""
    work = _changeable_work(call, course_id, work_id)
    criteria = _criteria(call, [])
    if of(call.lms, work["id"]) is not None:
        raise errors.failed_precondition()
    now = call.lms.clock()
    rubric = {
        "id": str(call.lms.records.next_number("rubric", 717_000_000_001)), "course_id": work["course_id"],
        "work_id": work["id"], "created": now, "updated": now, "criteria": criteria,
    }  # fmt: skip
    return _shown(call.lms.records.put("rubrics", rubric["id"], rubric))


def _patch(call: Call, course_id: str, work_id: str, id_: str = "") -> dict[str, Any]:
    """Replace the criteria; without an id, those of the only rubric that there can be."""
    work = _changeable_work(call, course_id, work_id)
    mask = parsing.update_mask(call.param("updateMask"), _FIELDS)
    rubric = _existing(call, work, id_ or call.param("id"))
    if not mask & call.body.keys():
        raise errors.named("RubricCriteriaInvalidFormat")
    criteria = _criteria(call, rubric["criteria"])
    if _grading_has_started(call.lms, rubric) and not rubric_criteria.allowed_while_grading(
        rubric["criteria"], criteria
    ):
        denied = call.lms.settings["rubric_in_use_status"] == 403
        raise errors.denied() if denied else errors.internal()
    changed = rubric | {"criteria": criteria, "updated": call.lms.clock()}
    return _shown(call.lms.records.put("rubrics", rubric["id"], changed))


def _delete(call: Call, course_id: str, work_id: str, id_: str) -> dict[str, Any]:
    work = _changeable_work(call, course_id, work_id)
    rubric = _existing(call, work, id_)
    if _grading_has_started(call.lms, rubric):
        raise errors.invalid()
    call.lms.records.remove("rubrics", rubric["id"])
    return {}


def _get(call: Call, course_id: str, work_id: str, id_: str) -> dict[str, Any]:
    return _shown(_existing(call, _visible_work(call, course_id, work_id), id_))


def _list(call: Call, course_id: str, work_id: str) -> dict[str, Any]:
    rubric = of(call.lms, _visible_work(call, course_id, work_id)["id"])
    return page(call, "rubrics", [] if rubric is None else [_shown(rubric)], most=1)


_READ = (*works.READ_SCOPES_ME, *works.READ_SCOPES_STUDENTS)
_WRITE = ("classroom.coursework.students",)
_WORK = "/v1/courses/{courseId}/courseWork/{courseWorkId}"
_RUBRIC = f"{_WORK}/rubrics/{{id}}"

OPERATIONS = (
    Operation("GET", f"{_WORK}/rubrics", "CourseWorks.ListRubrics", _READ, _list, PAGES, response=messages.RUBRICS),
    Operation("POST", f"{_WORK}/rubrics", "CourseWorks.CreateRubric", _WRITE, _create,
              message=messages.RUBRIC, field="rubric", response=messages.RUBRIC),
    Operation("GET", _RUBRIC, "CourseWorks.GetRubric", _READ, _get, response=messages.RUBRIC),
    Operation("PATCH", _RUBRIC, "CourseWorks.UpdateRubric", _WRITE, _patch, ("updateMask",),
              messages.RUBRIC, "rubric", messages.RUBRIC),
    Operation("PATCH", f"{_WORK}/rubric", "CourseWorks.UpdateRubric", _WRITE, _patch, ("id", "updateMask"),
              messages.RUBRIC, "rubric", messages.RUBRIC),
    Operation("DELETE", _RUBRIC, "CourseWorks.DeleteRubric", _WRITE, _delete),
)  # fmt: skip
