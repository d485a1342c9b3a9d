"""Assignments and their overrides."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from passback_simulators.canvas.access import require_teacher, teaches
from passback_simulators.canvas.replies import answer, body_of, date, invalid, messages, not_found, refuse
from passback_simulators.canvas.sanitize import sanitized

if TYPE_CHECKING:
    from passback_simulators.canvas.app import CanvasSimulator
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_DATES = ("due_at", "unlock_at", "lock_at")
_GRADING = ("points", "percent", "letter_grade", "gpa_scale", "pass_fail", "not_graded")
_ONLINE = {"online_text_entry", "online_url", "online_upload", "media_recording", "student_annotation"}
_PLAIN = ("allowed_extensions", "grading_standard_id", "assignment_group_id", "omit_from_final_grade", "position",
          "post_to_sis")  # fmt: skip
_SIS = ("sis_assignment_id", "integration_id", "integration_data")


def create(simulator: CanvasSimulator, request: Request, course_id: str) -> Reply:
    """``POST /courses/:id/assignments``."""
    course = simulator.course(request, course_id)
    require_teacher(simulator, simulator.caller(request), course["id"])
    given = _given(request)
    now = simulator.clock()
    record: Record = {
        "course_id": course["id"], "name": None, "description": None, "created_at": now, "updated_at": now,
        "due_at": None, "unlock_at": None, "lock_at": None, "points_possible": 0.0, "grading_type": "points",
        "grading_standard_id": None, "assignment_group_id": 300 + course["id"], "position": 1,
        "submission_types": ["none"], "allowed_attempts": -1, "allowed_extensions": [], "published": False,
        "only_visible_to_overrides": False, "omit_from_final_grade": False, "post_to_sis": False,
        "sis_assignment_id": None, "integration_id": None, "integration_data": {}, "overrides": [],
        "post_manually": simulator.settings["manual_post_policy"], "deleted": False,
    }  # fmt: skip
    if not given.get("name"):
        raise invalid("name", "blank", "can't be blank")
    sis_id = given.get("sis_assignment_id")
    if sis_id and simulator.settings["can_manage_sis"]:
        taken = [it for it in simulator.records.all("assignments") if it["sis_assignment_id"] == sis_id]
        if any(not it["deleted"] for it in taken):
            raise refuse(409, {"message": "Assignment with the given sis_source_id already exists"})
    record["id"] = simulator.records.next_number("assignments", 501)
    _apply(simulator, record, given, new=True)
    simulator.records.put("assignments", record["id"], record)
    return answer(request, 201, shown(simulator, request, record))


def read(simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``GET /courses/:id/assignments/:id``."""
    return answer(
        request, 200, shown(simulator, request, visible(simulator, request, course_id, assignment_id))
    )


def list_all(simulator: CanvasSimulator, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/assignments``."""
    course = simulator.course(request, course_id)
    found = [
        it
        for it in simulator.records.all("assignments")
        if it["course_id"] == course["id"] and not it["deleted"]
    ]
    if request.fault == "deleted":
        found = []
    if not teaches(simulator, simulator.caller(request), course["id"]):
        found = [it for it in found if it["published"]]
    if term := request.param("search_term").lower():
        found = [it for it in found if term in it["name"].lower()]
    if ids := request.params("assignment_ids[]"):
        found = [it for it in found if str(it["id"]) in ids]
    return simulator.page(request, [shown(simulator, request, it) for it in found])


def update(simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``PUT /courses/:id/assignments/:id``."""
    record = visible(simulator, request, course_id, assignment_id)
    require_teacher(simulator, simulator.caller(request), record["course_id"])
    given = _given(request)
    if simulator.settings["closed_grading_period"] and set(given) & {
        *_DATES,
        "points_possible",
        "grading_type",
    }:
        text = "cannot be changed because this assignment is due in a closed grading period"
        raise invalid("due_at", "due_at", text)
    if given.get("published") is False and _has_submissions(simulator, record):
        raise invalid("published", "published", "Can't unpublish if there are student submissions")
    changed = json.loads(json.dumps(record))
    _apply(simulator, changed, given, new=False)
    changed["updated_at"] = simulator.clock()
    simulator.records.put("assignments", record["id"], changed)
    return answer(request, 200, shown(simulator, request, changed))


def delete(simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``DELETE /courses/:id/assignments/:id``: afterwards it is 404 for every call."""
    record = visible(simulator, request, course_id, assignment_id)
    require_teacher(simulator, simulator.caller(request), record["course_id"])
    simulator.records.put("assignments", record["id"], {**record, "deleted": True})
    return answer(request, 200, shown(simulator, request, record))


def visible(simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str) -> Record:
    """An assignment that is there, and that the caller may see. Raises `Refusal`: 404 for both."""
    course = simulator.course(request, course_id)
    if assignment_id.startswith("sis_assignment_id:"):
        sis_id = assignment_id.partition(":")[2]
        named = (it for it in simulator.records.all("assignments") if it["sis_assignment_id"] == sis_id)
        record = next((it for it in named if not it["deleted"]), None)
    else:
        record = simulator.records.get("assignments", assignment_id)
    gone = (
        record is None
        or record["deleted"]
        or record["course_id"] != course["id"]
        or request.fault == "deleted"
    )
    if gone:
        raise not_found()
    assert record is not None
    if not record["published"] and not teaches(simulator, simulator.caller(request), course["id"]):
        raise not_found()
    return record


def shown(simulator: CanvasSimulator, request: Request, record: Record) -> Record:
    """An assignment as the API shows it."""
    hidden = {"deleted", "overrides", *(() if simulator.settings["can_read_sis"] else _SIS)}
    content = {name: value for name, value in record.items() if name not in hidden}
    base = request.param("override_assignment_dates", "true") == "false"
    dates = record if base else dates_for(record, simulator, simulator.caller(request).user)
    content |= {name: date(dates[name]) for name in _DATES}
    submissions = simulator.submissions_of(record)
    return content | {
        "created_at": date(record["created_at"]),
        "updated_at": date(record["updated_at"]),
        "workflow_state": "published" if record["published"] else "unpublished",
        "unpublishable": not _has_submissions(simulator, record),
        "visible_to_everyone": not record["only_visible_to_overrides"],
        "has_overrides": bool(record["overrides"]),
        "has_submitted_submissions": _has_submissions(simulator, record),
        "graded_submissions_exist": any(it["score"] is not None for it in submissions),
        "needs_grading_count": sum(it["workflow_state"] == "submitted" for it in submissions),
        "anonymous_grading": False,
        "moderated_grading": False,
        "in_closed_grading_period": simulator.settings["closed_grading_period"],
        "locked_for_user": False,
        "html_url": f"{request.base_url}/courses/{record['course_id']}/assignments/{record['id']}",
        **(
            {"overrides": [shown_override(it) for it in record["overrides"]]}
            if _includes(simulator, request)
            else {}
        ),
    }


def overrides(simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``GET .../overrides``."""
    record = visible(simulator, request, course_id, assignment_id)
    return simulator.page(request, [shown_override(it) for it in record["overrides"]])


def create_override(
    simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str
) -> Reply:
    """``POST .../overrides``."""
    record = visible(simulator, request, course_id, assignment_id)
    require_teacher(simulator, simulator.caller(request), record["course_id"])
    made = _override(
        simulator, record, body_of(request).get("assignment_override") or {}, record["overrides"]
    )
    simulator.records.put("assignments", record["id"], {**record, "overrides": [*record["overrides"], made]})
    return answer(request, 201, shown_override(made))


def update_override(
    simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str, override_id: str
) -> Reply:
    """``PUT .../overrides/:id``: a date that is left out is cleared."""
    record = visible(simulator, request, course_id, assignment_id)
    require_teacher(simulator, simulator.caller(request), record["course_id"])
    before = _find_override(record, override_id)
    others = [it for it in record["overrides"] if it is not before]
    given = body_of(request).get("assignment_override") or {}
    kept = {name: before[name] for name in ("student_ids", "course_section_id", "title") if before.get(name)}
    made = {**_override(simulator, record, {**kept, **given}, others), "id": before["id"]}
    simulator.records.put("assignments", record["id"], {**record, "overrides": [*others, made]})
    return answer(request, 200, shown_override(made))


def read_override(
    simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str, override_id: str
) -> Reply:
    """``GET .../overrides/:id``."""
    record = visible(simulator, request, course_id, assignment_id)
    return answer(request, 200, shown_override(_find_override(record, override_id)))


def delete_override(
    simulator: CanvasSimulator, request: Request, course_id: str, assignment_id: str, override_id: str
) -> Reply:
    """``DELETE .../overrides/:id``."""
    record = visible(simulator, request, course_id, assignment_id)
    require_teacher(simulator, simulator.caller(request), record["course_id"])
    found = _find_override(record, override_id)
    left = [it for it in record["overrides"] if it is not found]
    simulator.records.put("assignments", record["id"], {**record, "overrides": left})
    return answer(request, 200, shown_override(found))


def shown_override(override: Record) -> Record:
    """An override as the API shows it."""
    content = {name: value for name, value in override.items() if value is not None}
    return content | {name: date(override[name]) for name in _DATES} | {"all_day": False}


def dates_for(record: Record, simulator: CanvasSimulator, user: int) -> Record:
    """The dates that apply to a user: those of their own override, else of their section's, else the assignment's."""
    sections = {it["course_section_id"] for it in simulator.enrollments(record["course_id"], user=user)}
    mine = [it for it in record["overrides"] if user in it["student_ids"]]
    mine += [it for it in record["overrides"] if it["course_section_id"] in sections]
    return mine[0] if mine else record


def is_assigned(record: Record, simulator: CanvasSimulator, user: int) -> bool:
    """Whether a student of the course has the assignment."""
    return not record["only_visible_to_overrides"] or dates_for(record, simulator, user) is not record


def instant(text: Any, field: str) -> int | None:
    """A date that was sent. Raises `Refusal` for one without seconds or zone."""
    if text in (None, ""):
        return None
    if not isinstance(text, str) or not _ISO.fullmatch(text):
        raise messages(400, f"Invalid datetime for {field}")
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 1000


def _given(request: Request) -> dict[str, Any]:
    given = body_of(request).get("assignment")
    if not isinstance(given, dict):
        raise messages(400, "assignment is missing")
    return given


def _apply(simulator: CanvasSimulator, record: Record, given: dict[str, Any], *, new: bool) -> None:
    """Change a record as Canvas does; unknown keys are dropped silently."""
    if "name" in given:
        name = str(given["name"] or "")
        if len(name) > 255:
            raise invalid("name", "too_long", "is too long (maximum is 255 characters)")
        record["name"] = name
    if "description" in given:
        record["description"] = sanitized(given["description"])
    if "points_possible" in given:
        record["points_possible"] = float(given["points_possible"] or 0)
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
    if "allowed_attempts" in given:
        record["allowed_attempts"] = int(given["allowed_attempts"] or -1)
    record |= {name: given[name] for name in _PLAIN if name in given}
    if simulator.settings["can_manage_sis"]:
        record |= {name: given[name] for name in _SIS if name in given}
    if "published" in given:
        record["published"] = given["published"] is True or str(given["published"]) in ("true", "1")
    if "only_visible_to_overrides" in given:
        record["only_visible_to_overrides"] = bool(given["only_visible_to_overrides"])
    for name in _DATES:
        if name in given:
            record[name] = instant(given[name], name)
    if not new and given.get("due_at"):
        record["only_visible_to_overrides"] = False
    _check_order(record)
    if "assignment_overrides" in given:
        record["overrides"] = []
        for override in given["assignment_overrides"] or []:
            record["overrides"].append(_override(simulator, record, override, record["overrides"]))


def _check_order(dated: Record) -> None:
    in_order = [dated[name] for name in ("unlock_at", "due_at", "lock_at") if dated[name] is not None]
    if in_order != sorted(in_order):
        raise invalid("due_at", "due_at", "must be between availability dates")


def _override(simulator: CanvasSimulator, record: Record, given: Record, others: list[Record]) -> Record:
    """A new override. Raises `Refusal`, with a list of texts."""
    made: Record = {
        "id": simulator.records.next_number("overrides", 90), "assignment_id": record.get("id"), "title": None,
        "student_ids": [], "course_section_id": None, "group_id": None,
        **{name: instant(given.get(name), name) for name in _DATES},
    }  # fmt: skip
    if given.get("student_ids"):
        students = {
            it["user_id"] for it in simulator.enrollments(record["course_id"], kinds=("StudentEnrollment",))
        }
        found = [simulator.find_user(str(it)) for it in given["student_ids"]]
        unknown = [
            str(sent)
            for sent, it in zip(given["student_ids"], found, strict=True)
            if it is None or it["id"] not in students
        ]
        if unknown:
            raise refuse(400, {"errors": [f"unknown student ids: {json.dumps(unknown)}"]})
        made["student_ids"] = [it["id"] for it in found if it is not None]
        if any(set(made["student_ids"]) & set(other["student_ids"]) for other in others):
            raise refuse(400, {"errors": ["invalid student_ids: already in another override"]})
        made["title"] = given.get("title") or f"{len(made['student_ids'])} students"
    elif given.get("course_section_id"):
        section = simulator.records.get("sections", given["course_section_id"])
        if section is None or section["course_id"] != record["course_id"]:
            raise refuse(400, {"errors": [f"unknown section id {given['course_section_id']}"]})
        made |= {"course_section_id": section["id"], "title": section["name"]}
    else:
        raise refuse(400, {"errors": ["one of student_ids, group_id, or course_section_id is required"]})
    _check_order(made)
    return made


def _find_override(record: Record, override_id: str) -> Record:
    found = next((it for it in record["overrides"] if str(it["id"]) == override_id), None)
    if found is None:
        raise not_found()
    return found  # type: ignore[no-any-return]


def _has_submissions(simulator: CanvasSimulator, record: Record) -> bool:
    return any(it["submitted_at"] is not None for it in simulator.submissions_of(record))


def _includes(simulator: CanvasSimulator, request: Request) -> bool:
    return "overrides" in simulator.included(request)
