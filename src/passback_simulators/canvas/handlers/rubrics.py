"""Rubrics of a course, and what they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import rubrics
from passback_simulators.canvas.access import require_teacher, visible_course
from passback_simulators.canvas.paging import page
from passback_simulators.canvas.replies import answer, body_of, not_found, object_in, refuse, truthy

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request

_ASSESSMENTS = {"assessments": None, "graded_assessments": "grading", "peer_assessments": "peer_review"}
_ASSOCIATIONS = {"associations": None, "assignment_associations": "Assignment", "course_associations": "Course",
                 "account_associations": "Account"}  # fmt: skip
_STYLES = ("full", "comments_only")
_SWITCHES = ("use_for_grading", "hide_score_total", "hide_points", "hide_outcome_results", "bookmarked")


def list_all(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/rubrics``."""
    course = _course(lms, request, course_id)
    found = [it for it in lms.records.all("rubrics") if it["context_id"] == course]
    return page(lms, request, found, rubrics.shown)


def read(lms: CanvasState, request: Request, course_id: str, rubric_id: str) -> Reply:
    """``GET /courses/:id/rubrics/:id``: only of those that are tied to something."""
    course = _course(lms, request, course_id)
    asked, style = _check_arguments(request)
    ties = [it for it in _ties(lms, course) if str(it["rubric_id"]) == rubric_id and it["bookmarked"]]
    if not ties:
        raise refuse(404, {"message": "Rubric not found"})
    content = rubrics.shown(rubrics.rubric_of(lms, ties[0]))
    if style == "full":
        content["criteria"] = content["data"]
    for name in asked & set(_ASSESSMENTS):
        content["assessments"] = [
            _shown_assessment(it, style)
            for it in lms.records.all("rubric_assessments")
            if str(it["rubric_id"]) == rubric_id and _ASSESSMENTS[name] in (None, it["assessment_type"])
        ]
    for name in asked & set(_ASSOCIATIONS):
        content["associations"] = [
            _shown_tie(it)
            for it in lms.records.all("rubric_associations")
            if str(it["rubric_id"]) == rubric_id and _ASSOCIATIONS[name] in (None, it["association_type"])
        ]
    return answer(request, 200, content)


def create(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``POST /courses/:id/rubrics``: a rubric and, if the request names something, what ties it to that."""
    course = _course(lms, request, course_id, "manage_rubrics")
    content = body_of(request)
    target = _target(lms, course, content.get("rubric_association"))
    number = lms.records.next_number("rubrics", 701)
    rubric: Record = {
        "id": number, "context_id": course, "context_type": "Course", "title": None, "points_possible": 0.0,
        "reusable": False, "public": False, "read_only": False, "free_form_criterion_comments": None,
        "hide_score_total": None, "data": [],
    }  # fmt: skip
    _apply(lms, rubric, object_in(content, "rubric"))
    return _answered(lms, request, rubric, course, content, target=target)


def update(lms: CanvasState, request: Request, course_id: str, rubric_id: str) -> Reply:
    """``PUT /courses/:id/rubrics/:id``."""
    course = _course(lms, request, course_id, "manage_rubrics")
    found = lms.records.get("rubrics", rubric_id)
    if found is None or found["context_id"] != course:
        raise not_found()
    content = body_of(request)
    target = _target(lms, course, content.get("rubric_association"))
    rubric = dict(found)
    _apply(lms, rubric, object_in(content, "rubric"))
    return _answered(lms, request, rubric, course, content, target=target)


def delete(lms: CanvasState, request: Request, course_id: str, rubric_id: str) -> Reply:
    """``DELETE /courses/:id/rubrics/:id``, with everything that ties it."""
    course = _course(lms, request, course_id, "manage_rubrics")
    ties = [it for it in _ties(lms, course) if str(it["rubric_id"]) == rubric_id]
    if not ties:
        raise not_found()
    rubric = rubrics.rubric_of(lms, ties[0])
    for it in ties:
        lms.records.remove("rubric_associations", it["id"])
    lms.records.remove("rubrics", rubric_id)
    return answer(request, 200, rubrics.shown(rubric))


def create_association(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``POST /courses/:id/rubric_associations``."""
    course = _course(lms, request, course_id, "manage_rubrics")
    content = body_of(request)
    given = object_in(content, "rubric_association")
    rubric = lms.records.get("rubrics", str(given.get("rubric_id")))
    target = _target(lms, course, given)
    if rubric is None or rubric["context_id"] != course or target is None:
        raise not_found()
    return _answered(lms, request, rubric, course, content, target=target)


def update_association(lms: CanvasState, request: Request, course_id: str, association_id: str) -> Reply:
    """``PUT /courses/:id/rubric_associations/:id``."""
    course = _course(lms, request, course_id, "manage_rubrics")
    found = association_in(lms, course, association_id)
    content = body_of(request)
    target = found["association_type"], found["association_id"]
    rubric = rubrics.rubric_of(lms, found)
    return _answered(lms, request, rubric, course, content, target=target, tie=found)


def delete_association(lms: CanvasState, request: Request, course_id: str, association_id: str) -> Reply:
    """``DELETE /courses/:id/rubric_associations/:id``: a rubric that is tied to nothing else goes, too."""
    course = _course(lms, request, course_id, "manage_rubrics")
    found = association_in(lms, course, association_id)
    lms.records.remove("rubric_associations", found["id"])
    if not any(it["rubric_id"] == found["rubric_id"] for it in _ties(lms, course)):
        lms.records.remove("rubrics", found["rubric_id"])
    return answer(request, 200, {"rubric_association": _shown_tie(found)})


def association_in(lms: CanvasState, course: int, association_id: str) -> Record:
    """What ties a rubric to something in a course. Raises `Refusal`."""
    found = lms.records.get("rubric_associations", association_id)
    if found is None or found["context_id"] != course:
        raise not_found()
    return found


def _course(lms: CanvasState, request: Request, course_id: str, right: str = "") -> int:
    course = visible_course(lms, request, course_id)
    require_teacher(lms, request, course["id"], right)
    number: int = course["id"]
    return number


def _ties(lms: CanvasState, course: int) -> list[Record]:
    return [it for it in lms.records.all("rubric_associations") if it["context_id"] == course]


def _apply(lms: CanvasState, rubric: Record, given: dict[str, Any]) -> None:
    course = lms.records.get("courses", rubric["context_id"]) or {}
    rubric["title"] = str(given.get("title") or rubric["title"] or f"{course.get('name')} Rubric")
    if "free_form_criterion_comments" in given:
        rubric["free_form_criterion_comments"] = truthy(given["free_form_criterion_comments"])
    if "criteria" in given or not rubric["data"]:
        rubric["data"] = rubrics.criteria_of(rubric["id"], given.get("criteria"))
        rubric["points_possible"] = float(sum(it["points"] for it in rubric["data"]))


def _target(lms: CanvasState, course: int, given: Any) -> tuple[str, int] | None:
    """The assignment or course that a rubric is to be tied to; None if none is named. Raises `Refusal`."""
    if not isinstance(given, dict) or not given.get("association_type"):
        return None
    kind, number = str(given["association_type"]), str(given.get("association_id"))
    if kind == "Assignment":
        found = next((it for it in lms.assignments_of(course) if str(it["id"]) == number), None)
    else:
        found = lms.records.get("courses", number) if kind == "Course" and number == str(course) else None
    if found is None:
        raise not_found()
    return kind, found["id"]


def _answered(
    lms: CanvasState,
    request: Request,
    rubric: Record,
    course: int,
    content: dict[str, Any],
    *,
    target: tuple[str, int] | None,
    tie: Record | None = None,
) -> Reply:
    """Store a rubric and what ties it; the reply has both, side by side."""
    lms.records.put("rubrics", rubric["id"], rubric)
    reply: dict[str, Any] = {"rubric": {**rubrics.shown(rubric), "criteria": rubric["data"]}}
    if target is not None:
        made = _tied(lms, rubric, course, object_in(content, "rubric_association"), target, tie)
        skips = truthy(content.get("skip_updating_points_possible"))
        if made["use_for_grading"] and target[0] == "Assignment" and not skips:
            record = lms.records.get("assignments", target[1]) or {}
            changed = {**record, "points_possible": rubric["points_possible"]}
            lms.records.put("assignments", target[1], changed)
        reply["rubric_association"] = {**_shown_tie(made), "skip_updating_points_possible": skips}
    return answer(request, 200, reply)


def _tied(
    lms: CanvasState,
    rubric: Record,
    course: int,
    given: dict[str, Any],
    target: tuple[str, int],
    tie: Record | None,
) -> Record:
    kind, number = target
    found = tie
    if found is None and given.get("purpose") == "grading":
        same = (kind, number, "grading", rubric["id"])
        found = next(
            (
                it
                for it in _ties(lms, course)
                if (it["association_type"], it["association_id"], it["purpose"], it["rubric_id"]) == same
            ),
            None,
        )
    record: Record = {
        "id": None, "rubric_id": rubric["id"], "context_id": course, "context_type": "Course",
        "association_type": kind, "association_id": number, "title": None, "purpose": "unknown",
        "use_for_grading": False, "hide_score_total": False, "hide_points": False, "hide_outcome_results": False,
        "bookmarked": True, "summary_data": None, **(found or {}),
    }  # fmt: skip
    record |= {name: truthy(given[name]) for name in _SWITCHES if name in given}
    record |= {name: str(given[name]) for name in ("title", "purpose") if given.get(name)}
    record["id"] = record["id"] or lms.records.next_number("rubric_associations", 751)
    return lms.records.put("rubric_associations", record["id"], record)


def _shown_tie(tie: Record) -> Record:
    return dict(tie)


def _shown_assessment(assessment: Record, style: str) -> Record:
    content = {
        name: value for name, value in assessment.items() if name not in ("data", "user_id", "assignment_id")
    }
    if style == "full":
        content["data"] = assessment["data"]
    if style == "comments_only":
        content["comments"] = [it["comments"] for it in assessment["data"]]
    return content


def _check_arguments(request: Request) -> tuple[set[str], str]:
    """What a request includes, and how. Raises `Refusal`."""
    asked = {*request.params("include[]"), *request.params("include")}
    style = request.param("style")
    known = (*_ASSESSMENTS, *_ASSOCIATIONS)
    errors = {}
    if style and style not in _STYLES:
        errors["style"] = f"invalid style requested. Must be one of the following: {', '.join(_STYLES)}"
    elif style and not asked & set(_ASSESSMENTS):
        errors["style"] = "invalid parameters. Style parameter passed without requesting assessments"
    if asked - set(known):
        errors["include"] = (
            f"invalid include value requested. Must be one of the following: {', '.join(known)}"
        )
    for kind, names in (("assessment", _ASSESSMENTS), ("association", _ASSOCIATIONS)):
        if len(asked & set(names)) > 1:
            errors["include"] = (
                f"cannot include multiple {kind} types in a single request. "
                f"Must choose one of the following: {', '.join(names)}"
            )
    if errors:
        raise refuse(400, {"errors": errors})
    return asked, style


_PATH, _TIES = "/courses/{course_id}/rubrics", "/courses/{course_id}/rubric_associations"
ROUTES = (
    ("GET", _PATH, list_all),
    ("POST", _PATH, create),
    ("GET", f"{_PATH}/{{rubric_id}}", read),
    ("PUT", f"{_PATH}/{{rubric_id}}", update),
    ("DELETE", f"{_PATH}/{{rubric_id}}", delete),
    ("POST", _TIES, create_association),
    ("PUT", f"{_TIES}/{{association_id}}", update_association),
    ("DELETE", f"{_TIES}/{{association_id}}", delete_association),
)
