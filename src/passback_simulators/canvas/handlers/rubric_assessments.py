"""Assessments of students' work by a rubric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.canvas import rubrics, works
from passback_simulators.canvas.access import visible_course
from passback_simulators.canvas.handlers import grading, submissions
from passback_simulators.canvas.handlers.rubrics import association_in
from passback_simulators.canvas.replies import answer, body_of, not_found, object_in

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


def create(lms: CanvasState, request: Request, course_id: str, association_id: str) -> Reply:
    """``POST .../rubric_assessments``."""
    return _assessed(lms, request, course_id, association_id, None)


def update(
    lms: CanvasState, request: Request, course_id: str, association_id: str, assessment_id: str
) -> Reply:
    """``PUT .../rubric_assessments/:id``; Canvas makes one if there is none."""
    return _assessed(
        lms, request, course_id, association_id, lms.records.get("rubric_assessments", assessment_id)
    )


def delete(
    lms: CanvasState, request: Request, course_id: str, association_id: str, assessment_id: str
) -> Reply:
    """``DELETE .../rubric_assessments/:id``: the grade stays."""
    course = visible_course(lms, request, course_id)
    association = association_in(lms, course["id"], association_id)
    grading.require_grader(lms, request, _assignment(lms, association))
    found = lms.records.get("rubric_assessments", assessment_id)
    if found is None or found["rubric_association_id"] != association["id"]:
        raise not_found()
    lms.records.remove("rubric_assessments", found["id"])
    return answer(request, 200, {"rubric_assessment": found})


def _assessed(
    lms: CanvasState, request: Request, course_id: str, association_id: str, existing: Record | None
) -> Reply:
    course = visible_course(lms, request, course_id)
    association = association_in(lms, course["id"], association_id)
    record = _assignment(lms, association)
    caller = grading.require_grader(lms, request, record)
    given = object_in(body_of(request), "rubric_assessment")
    user = existing["user_id"] if existing is not None else _user(given)
    if user is None or not works.is_assigned(lms, record, user):
        raise not_found()
    rows = {
        name.removeprefix("criterion_"): value
        for name, value in given.items()
        if name.startswith("criterion_")
    }
    kind = str(given.get("assessment_type") or "grading")
    submission = works.submission_of(lms, record, user)
    if kind == "grading":
        made = grading.assess(lms, record, user, association, rows, grader=caller.user)
    else:
        made = rubrics.assess(lms, record, association, submission, rows, assessor=caller.user, kind=kind)
    shown = submissions.shown(lms, request, record, works.submission_of(lms, record, user), comments=True)
    return answer(request, 200, {**made, "artifact": shown, "rubric_association": association})


def _assignment(lms: CanvasState, association: Record) -> Record:
    """The assignment whose work is assessed. Raises `Refusal` if it is something else, or gone."""
    found = lms.records.get("assignments", association["association_id"])
    if association["association_type"] != "Assignment" or found is None or found["deleted"]:
        raise not_found()
    return found


def _user(given: Record) -> int | None:
    """The user who is named; SIS ids are not taken here."""
    text = str(given.get("user_id"))
    return int(text) if text.isdecimal() else None


_PATH = "/courses/{course_id}/rubric_associations/{association_id}/rubric_assessments"
ROUTES = (
    ("POST", _PATH, create),
    ("PUT", f"{_PATH}/{{assessment_id}}", update),
    ("DELETE", f"{_PATH}/{{assessment_id}}", delete),
)
