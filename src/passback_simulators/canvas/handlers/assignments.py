"""The operations on assignments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import grading_periods, overrides, rubrics
from passback_simulators.canvas.access import caller_of, included, require_teacher, teaches, visible_course
from passback_simulators.canvas.overrides import DATES
from passback_simulators.canvas.paging import page
from passback_simulators.canvas.replies import (
    answer,
    body_of,
    date,
    invalid,
    messages,
    not_found,
    number_of,
    refuse,
    truthy,
)
from passback_simulators.canvas.sanitize import sanitized

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

_GRADING = ("points", "percent", "letter_grade", "gpa_scale", "pass_fail", "not_graded")
_ONLINE = {"online_text_entry", "online_url", "online_upload", "media_recording", "student_annotation"}
_PLAIN = ("allowed_extensions", "grading_standard_id", "position", "post_to_sis", "anonymous_grading",
          "group_category_id", "grade_group_students_individually")  # fmt: skip
_SIS = ("sis_assignment_id", "integration_id", "integration_data")

_UNUSUAL: Record = {"anonymous_grading": False, "moderated_grading": False, "grades_published": True,
                    "group_category_id": None, "grade_group_students_individually": False}  # fmt: skip
"""How assignments are graded unless a teacher chooses otherwise."""


def create(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``POST /courses/:id/assignments``."""
    course = visible_course(lms, request, course_id)
    require_teacher(lms, request, course["id"], "manage_assignments_add")
    given = _given(request)
    now = lms.clock()
    record: Record = {
        "course_id": course["id"], "name": None, "description": None, "created_at": now, "updated_at": now,
        "due_at": None, "unlock_at": None, "lock_at": None, "points_possible": 0.0, "grading_type": "points",
        "grading_standard_id": None, "assignment_group_id": _group(lms, course["id"], None), "position": 1,
        "submission_types": ["none"], "allowed_attempts": -1, "allowed_extensions": [], "published": False,
        "only_visible_to_overrides": False, "omit_from_final_grade": False, "post_to_sis": False,
        "sis_assignment_id": None, "integration_id": None, "integration_data": {}, "overrides": [],
        "post_manually": lms.settings["manual_post_policy"], "deleted": False, **_UNUSUAL,
    }  # fmt: skip
    if not str(given.get("name") or "").strip():
        raise invalid("name", "blank", "can't be blank")
    sis_id = given.get("sis_assignment_id")
    if sis_id and lms.settings["can_manage_sis"]:
        taken = [it for it in lms.records.all("assignments") if it["sis_assignment_id"] == sis_id]
        if any(not it["deleted"] for it in taken):
            raise refuse(409, {"message": "Assignment with the given sis_source_id already exists"})
    record["id"] = lms.records.next_number("assignments", 501)
    _apply(lms, record, given, new=True)
    lms.records.put("assignments", record["id"], record)
    return answer(request, 201, shown(lms, request, record))


def read(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``GET /courses/:id/assignments/:id``."""
    return answer(request, 200, shown(lms, request, visible(lms, request, course_id, assignment_id)))


def list_all(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/assignments``."""
    course = visible_course(lms, request, course_id)
    found = [
        it for it in lms.records.all("assignments") if it["course_id"] == course["id"] and not it["deleted"]
    ]
    if request.fault == "deleted":
        found = []
    if not teaches(lms, caller_of(lms, request), course["id"]):
        found = [it for it in found if it["published"]]
    if term := request.param("search_term").lower():
        found = [it for it in found if term in it["name"].lower()]
    if ids := request.params("assignment_ids[]"):
        found = [it for it in found if str(it["id"]) in ids]
    return page(lms, request, [shown(lms, request, it) for it in found])


def update(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``PUT /courses/:id/assignments/:id``."""
    record = visible(lms, request, course_id, assignment_id)
    require_teacher(lms, request, record["course_id"], "manage_assignments_edit")
    given = _given(request)
    if lms.settings["closed_grading_period"] and set(given) & {
        *DATES,
        "points_possible",
        "grading_type",
    }:
        text = "cannot be changed because this assignment is due in a closed grading period"
        raise invalid("due_at", "due_at", text)
    if given.get("published") is False and _has_submissions(lms, record):
        raise invalid("published", "published", "Can't unpublish if there are student submissions")
    changed = json.loads(json.dumps(record))
    _apply(lms, changed, given, new=False)
    changed["updated_at"] = lms.clock()
    lms.records.put("assignments", record["id"], changed)
    return answer(request, 200, shown(lms, request, changed))


def delete(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``DELETE /courses/:id/assignments/:id``: afterwards every call returns 404."""
    record = visible(lms, request, course_id, assignment_id)
    require_teacher(lms, request, record["course_id"], "manage_assignments_delete")
    lms.records.put("assignments", record["id"], {**record, "deleted": True})
    return answer(request, 200, shown(lms, request, record))


def visible(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Record:
    """An assignment that the caller may see. Raises `Refusal`: 404 if it does not exist or is hidden."""
    course = visible_course(lms, request, course_id)
    if assignment_id.startswith("sis_assignment_id:"):
        sis_id = assignment_id.partition(":")[2]
        named = (it for it in lms.records.all("assignments") if it["sis_assignment_id"] == sis_id)
        record = next((it for it in named if not it["deleted"]), None)
    else:
        record = lms.records.get("assignments", assignment_id)
    gone = (
        record is None
        or record["deleted"]
        or record["course_id"] != course["id"]
        or request.fault == "deleted"
    )
    if gone:
        raise not_found()
    assert record is not None
    if not record["published"] and not teaches(lms, caller_of(lms, request), course["id"]):
        raise not_found()
    return record


def shown(lms: CanvasState, request: Request, record: Record) -> Record:
    """An assignment as the API shows it."""
    hidden = {"deleted", "overrides", *(() if lms.settings["can_read_sis"] else _SIS)}
    content = {name: value for name, value in {**_UNUSUAL, **record}.items() if name not in hidden}
    base = request.param("override_assignment_dates", "true") == "false"
    dates = record if base else overrides.dates_for(lms, record, caller_of(lms, request).user)
    content |= {name: date(dates[name]) for name in DATES}
    submissions = lms.submissions_of(record)
    content |= {
        "created_at": date(record["created_at"]),
        "updated_at": date(record["updated_at"]),
        "workflow_state": "published" if record["published"] else "unpublished",
        "unpublishable": not _has_submissions(lms, record),
        "visible_to_everyone": not record["only_visible_to_overrides"],
        "has_overrides": bool(record["overrides"]),
        "has_submitted_submissions": _has_submissions(lms, record),
        "graded_submissions_exist": any(it["score"] is not None for it in submissions),
        "needs_grading_count": sum(it["workflow_state"] == "submitted" for it in submissions),
        "in_closed_grading_period": lms.settings["closed_grading_period"] or _in_closed_period(lms, record),
        "locked_for_user": False,
        "html_url": f"{request.base_url}/courses/{record['course_id']}/assignments/{record['id']}",
    }
    content |= rubrics.of_assignment(lms, record)
    if "overrides" in included(lms, request):
        content["overrides"] = [overrides.shown(it) for it in record["overrides"]]
    if "assignment_visibility" in included(lms, request):
        content["assignment_visibility"] = [str(it) for it in overrides.assigned_to(lms, record)]
    return content


def _in_closed_period(lms: CanvasState, record: Record) -> bool:
    """Whether the assignment is due in a grading period that is closed, for anybody."""
    periods = grading_periods.periods_of(lms, record["course_id"])
    if not any(grading_periods.is_closed(lms, it) for it in periods):
        return False
    dues = {overrides.dates_for(lms, record, it)["due_at"] for it in overrides.assigned_to(lms, record)}
    return any(grading_periods.is_closed(lms, grading_periods.period_for(periods, it)) for it in dues)


def _given(request: Request) -> dict[str, Any]:
    given = body_of(request).get("assignment")
    if not isinstance(given, dict):
        raise messages(400, "assignment is missing")
    return given


def _apply(lms: CanvasState, record: Record, given: dict[str, Any], *, new: bool) -> None:
    """Change a record as Canvas does; unknown keys are dropped silently."""
    _apply_content(record, given)
    _apply_grading(record, given)
    if "allowed_attempts" in given:
        record["allowed_attempts"] = int(number_of(given["allowed_attempts"])) or -1
    record |= {name: given[name] for name in _PLAIN if name in given}
    if "assignment_group_id" in given:
        record["assignment_group_id"] = _group(lms, record["course_id"], given["assignment_group_id"])
    if "omit_from_final_grade" in given:
        record["omit_from_final_grade"] = truthy(given["omit_from_final_grade"])
    if lms.settings["can_manage_sis"]:
        record |= {name: given[name] for name in _SIS if name in given}
    if "moderated_grading" in given:
        record |= {
            "moderated_grading": given["moderated_grading"] is True,
            "grades_published": not given["moderated_grading"],
        }
    if "published" in given:
        record["published"] = given["published"] is True or str(given["published"]) in ("true", "1")
    _apply_dates(lms, record, given, new=new)


def _group(lms: CanvasState, course: int, wanted: Any) -> int:
    """The assignment group of that id, or else the course's first; Canvas makes one for a course that has none."""
    groups = lms.groups_of(course)
    found = next((it for it in groups if str(it["id"]) == str(wanted)), groups[0] if groups else None)
    if found is None:
        found = {"id": lms.records.next_number("groups", 601), "course": course, "name": "Assignments", "position": 1,
                 "group_weight": 0.0}  # fmt: skip
        lms.records.put("groups", found["id"], found)
    number: int = found["id"]
    return number


def _apply_content(record: Record, given: dict[str, Any]) -> None:
    if "name" in given:
        name = str(given["name"] or "").strip()
        if len(name) > 255:
            raise invalid("name", "too_long", "is too long (maximum is 255 characters)")
        record["name"] = name
    if "description" in given:
        record["description"] = sanitized(given["description"])


def _apply_grading(record: Record, given: dict[str, Any]) -> None:
    if "points_possible" in given:
        record["points_possible"] = number_of(given["points_possible"])
    if given.get("grading_type"):
        if given["grading_type"] not in _GRADING:
            raise invalid("grading_type", "inclusion", "is not included in the list")
        record["grading_type"] = given["grading_type"]
    if "submission_types" in given:
        types = given["submission_types"] or []
        types = [types] if isinstance(types, str) else list(types)
        if len(types) > 1 and not set(types) <= _ONLINE:
            raise invalid("submission_types", "inclusion", "is not included in the list")
        record["submission_types"] = types
    if record["grading_type"] == "not_graded":
        record["submission_types"] = ["not_graded"]


def _apply_dates(lms: CanvasState, record: Record, given: dict[str, Any], *, new: bool) -> None:
    """Change dates, and who they apply to."""
    if "only_visible_to_overrides" in given:
        record["only_visible_to_overrides"] = bool(given["only_visible_to_overrides"])
    for name in DATES:
        if name in given:
            record[name] = overrides.stored_date(lms, record["course_id"], given[name], name)
    if not new and given.get("due_at"):
        record["only_visible_to_overrides"] = False
    overrides.check_order(record)
    if "assignment_overrides" in given:
        record["overrides"] = []
        for override in given["assignment_overrides"] or []:
            record["overrides"].append(overrides.new(lms, record, override, record["overrides"]))


def _has_submissions(lms: CanvasState, record: Record) -> bool:
    return any(it["submitted_at"] is not None for it in lms.submissions_of(record))
