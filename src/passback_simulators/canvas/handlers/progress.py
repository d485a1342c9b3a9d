"""Grading many submissions at once, and the Progress objects that report on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import rubrics, works
from passback_simulators.canvas.access import (
    caller_of,
    no_right,
    require_teacher,
    visible_course,
    visible_section,
)
from passback_simulators.canvas.handlers import grading
from passback_simulators.canvas.handlers.assignments import visible
from passback_simulators.canvas.replies import answer, body_of, not_found, refuse
from passback_simulators.reply import Refusal

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

_INNER = ("polls", "data", "section", "grader")


def bulk(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``POST .../submissions/update_grades`` of an assignment: asynchronous, with no result per student."""
    record = visible(lms, request, course_id, assignment_id)
    grading.require_grader(lms, request, record)
    content = body_of(request)
    return _queued(lms, request, record["course_id"], None, {str(record["id"]): _given(content)})


def bulk_of_section_assignment(
    lms: CanvasState, request: Request, section_id: str, assignment_id: str
) -> Reply:
    """``POST /sections/:id/assignments/:id/submissions/update_grades``: of the section's students."""
    section = visible_section(lms, request, section_id)
    record = visible(lms, request, str(section["course_id"]), assignment_id)
    grading.require_grader(lms, request, record)
    content = body_of(request)
    data = {str(record["id"]): _given(content)}
    return _queued(lms, request, section["course_id"], section["id"], data)


def bulk_of_course(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``POST /courses/:id/submissions/update_grades``: the data are by assignment, and then by student."""
    course = visible_course(lms, request, course_id)
    content = body_of(request)
    return _queued(lms, request, course["id"], None, _given(content))


def bulk_of_section(lms: CanvasState, request: Request, section_id: str) -> Reply:
    """``POST /sections/:id/submissions/update_grades``."""
    section = visible_section(lms, request, section_id)
    content = body_of(request)
    return _queued(lms, request, section["course_id"], section["id"], _given(content))


def progress(lms: CanvasState, request: Request, progress_id: str) -> Reply:
    """``GET /progress/:id``: the work proceeds each time it is polled."""
    caller_of(lms, request)
    record = lms.records.get("progress", progress_id)
    if record is None:
        raise not_found()
    if record["workflow_state"] in ("queued", "running"):
        record = {**record, "polls": record["polls"] - 1, "workflow_state": "running"}
        if record["polls"] <= 0:
            record = _finished(lms, record)
        lms.records.put("progress", progress_id, record)
    return answer(request, 200, _shown(request, record))


def _given(content: dict[str, Any]) -> dict[str, Any]:
    data = content.get("grade_data")
    if not isinstance(data, dict) or not data:
        raise refuse(400, {"error": "'grade_data' parameter required"})
    return data


def _queued(
    lms: CanvasState,
    request: Request,
    course: int,
    section: int | None,
    data: dict[str, Any],
) -> Reply:
    """Check what is asked for and put it in the queue. Raises `Refusal`."""
    caller = require_teacher(lms, request, course, "manage_grades")
    found = {str(it["id"]): it for it in lms.assignments_of(course)}
    known = {name: found[name] for name in data if name in found}
    if not all(it["published"] for it in known.values()):
        raise no_right(lms)
    if len(known) < len(data):
        # Canvas names all of them, for it compares numbers with texts.
        raise refuse(400, {"error": f"Some assignments could not be found: ( {', '.join(data)} )"})
    number = lms.records.next_number("progress", 3)
    record: Record = {
        "id": number, "context_id": course, "context_type": "Course", "tag": "submissions_update",
        "completion": None, "workflow_state": "queued", "message": None, "user_id": None,
        "polls": lms.settings["bulk_polls"], "data": data, "section": section, "grader": caller.user,
    }  # fmt: skip
    lms.records.put("progress", number, record)
    return answer(request, 200, _shown(request, record))


def _shown(request: Request, record: Record) -> Record:
    content = {name: value for name, value in record.items() if name not in _INNER}
    return content | {"url": f"{request.base_url}/api/v1/progress/{record['id']}"}


def _finished(lms: CanvasState, record: Record) -> Record:
    """Grade the students of a bulk update as far as possible.

    It has failed if one of them is not a student who has the assignment, though all others are graded; and it stops at
    the first whom Canvas refuses to grade.
    """
    failed = {**record, "workflow_state": "failed"}
    if lms.settings["bulk_fails"]:
        return {**failed, "message": "an error occurred"}
    missing: list[str] = []
    gone: list[str] = []
    for assignment_id, entries in record["data"].items():
        assignment = lms.records.get("assignments", assignment_id)
        if assignment is None or assignment["deleted"] or not assignment["published"]:
            gone.append(assignment_id)
            continue
        students = lms.students(assignment["course_id"], record["section"])
        for user_id, given in (entries if isinstance(entries, dict) else {}).items():
            user = lms.find_user(user_id)
            if (
                user is None
                or user["id"] not in students
                or not works.is_assigned(lms, assignment, user["id"])
            ):
                missing.append(user_id)
                continue
            try:
                _grade(lms, assignment, user["id"], given if isinstance(given, dict) else {}, record)
            except Refusal:
                return {**failed, "message": "Unexpected error, ID: 123"}
    if missing:
        named = ", ".join(f"'{it}'" for it in missing)
        return {**failed, "message": f"Couldn't find User(s) with API ids {named}"}
    if gone:
        named = ", ".join(f"'{it}'" for it in gone)
        text = f"Some assignments are either not published or deleted and can not be graded {named}"
        return {**failed, "message": text}
    return {**record, "workflow_state": "completed", "completion": 100.0}


def _grade(lms: CanvasState, assignment: Record, user: int, given: dict[str, Any], progress: Record) -> None:
    """Grade one student. Raises `Refusal`."""
    grader = progress["grader"]
    wanted: dict[str, Any] = {name: given[name] for name in ("posted_grade", "excuse") if name in given}
    # Only a single grade can prefer points over a scheme's level of that name.
    grading.grade_together(lms, assignment, user, wanted, grader=grader, prefer_points=False)
    association = rubrics.association_of(lms, assignment)
    if isinstance(given.get("rubric_assessment"), dict) and association is not None:
        grading.assess(lms, assignment, user, association, given["rubric_assessment"], grader=grader)
    grading.comment(lms, assignment, user, given, author=grader)
