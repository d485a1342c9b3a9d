"""Assignment groups: their weights and rules, and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import grading_periods, overrides, works
from passback_simulators.canvas.access import (
    caller_of,
    included,
    require_teacher,
    teaches,
    visible_course,
)
from passback_simulators.canvas.handlers import assignments, submissions
from passback_simulators.canvas.paging import page
from passback_simulators.canvas.replies import answer, body_of, invalid, not_found, number_of

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


def list_all(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/assignment_groups``, by their position."""
    course = visible_course(lms, request, course_id)
    return page(lms, request, lms.groups_of(course["id"]), lambda it: _shown(lms, request, it))


def read(lms: CanvasState, request: Request, course_id: str, group_id: str) -> Reply:
    """``GET /courses/:id/assignment_groups/:id``."""
    return answer(request, 200, _shown(lms, request, _found(lms, request, course_id, group_id)))


def create(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``POST /courses/:id/assignment_groups``."""
    course = visible_course(lms, request, course_id)
    require_teacher(lms, request, course["id"], "manage_assignments_add")
    record: Record = {
        "id": None, "course": course["id"], "name": "Assignments", "group_weight": 0.0,
        "position": 1 + max((it["position"] for it in lms.groups_of(course["id"])), default=0),
        "sis_source_id": None, "integration_data": {}, "rules": {},
    }  # fmt: skip
    _apply(record, body_of(request))
    record["id"] = lms.records.next_number("groups", 601)
    lms.records.put("groups", record["id"], record)
    return answer(request, 200, _shown(lms, request, record))


def update(lms: CanvasState, request: Request, course_id: str, group_id: str) -> Reply:
    """``PUT /courses/:id/assignment_groups/:id``."""
    record = dict(_found(lms, request, course_id, group_id))
    require_teacher(lms, request, record["course"], "manage_assignments_edit")
    _apply(record, body_of(request))
    lms.records.put("groups", record["id"], record)
    return answer(request, 200, _shown(lms, request, record))


def delete(lms: CanvasState, request: Request, course_id: str, group_id: str) -> Reply:
    """``DELETE /courses/:id/assignment_groups/:id``: its assignments move to another group, or go with it."""
    record = _found(lms, request, course_id, group_id)
    require_teacher(lms, request, record["course"], "manage_assignments_delete")
    target = request.param("move_assignments_to") or str(body_of(request).get("move_assignments_to") or "")
    other = _found(lms, request, course_id, target) if target else None
    for it in _assignments(lms, record):
        change = {"deleted": True} if other is None else {"assignment_group_id": other["id"]}
        lms.records.put("assignments", it["id"], it | change)
    lms.records.remove("groups", record["id"])
    return answer(request, 200, _shown(lms, request, record))


def assignments_of(lms: CanvasState, request: Request, course_id: str, group_id: str) -> Reply:
    """``GET /courses/:id/assignment_groups/:id/assignments``."""
    found = _visible(lms, request, _found(lms, request, course_id, group_id))
    return page(lms, request, found, lambda it: assignments.shown(lms, request, it))


def _found(lms: CanvasState, request: Request, course_id: str, group_id: str) -> Record:
    course = visible_course(lms, request, course_id)
    found = lms.records.get("groups", group_id)
    if found is None or found["course"] != course["id"]:
        raise not_found()
    return found


def _apply(record: Record, given: dict[str, Any]) -> None:
    if "name" in given:
        record["name"] = str(given["name"] or "Assignments")
    if "position" in given:
        record["position"] = int(number_of(given["position"], record["position"]))
    if "group_weight" in given:
        record["group_weight"] = number_of(given["group_weight"])
    record |= {name: given[name] for name in ("sis_source_id", "integration_data") if name in given}
    if "rules" in given:
        record["rules"] = _rules(given["rules"])


def _rules(given: Any) -> Record:
    """The rules for dropping scores. Raises `Refusal`."""
    if not isinstance(given, dict):
        return {}
    rules: Record = {}
    for name in ("drop_lowest", "drop_highest"):
        if given.get(name) not in (None, ""):
            number = number_of(given[name], -1)
            if number < 0 or number != int(number):
                raise invalid("rules", "drop_rule_positive", "Drop rules must be a positive number")
            rules[name] = int(number)
    if isinstance(given.get("never_drop"), list):
        rules["never_drop"] = [int(number_of(it)) for it in given["never_drop"]]
    return rules


def _assignments(lms: CanvasState, group: Record) -> list[Record]:
    return [it for it in lms.assignments_of(group["course"]) if it["assignment_group_id"] == group["id"]]


def _visible(lms: CanvasState, request: Request, group: Record) -> list[Record]:
    """The assignments of a group that the caller may see, and that the request names."""
    caller = caller_of(lms, request)
    found = _assignments(lms, group)
    if not teaches(lms, caller, group["course"]):
        students = {caller.user, *lms.observed_by(group["course"], caller.user)}
        found = [it for it in found if it["published"] and students & set(overrides.assigned_to(lms, it))]
    wanted = [it for text in request.params("assignment_ids[]") for it in text.split(",")]
    if wanted:
        found = [it for it in found if str(it["id"]) in wanted]
    unwanted = set(request.params("exclude_assignment_submission_types[]"))
    found = [it for it in found if not unwanted & set(it["submission_types"])]
    if period_id := request.param("grading_period_id"):
        periods = grading_periods.periods_of(lms, group["course"])
        found = [
            it
            for it in found
            if str((grading_periods.period_for(periods, it["due_at"]) or {}).get("id")) == period_id
        ]
    return sorted(found, key=lambda it: (it["position"], it["id"]))


def _shown(lms: CanvasState, request: Request, group: Record) -> Record:
    shown = {name: value for name, value in group.items() if name != "course"}
    shown = {"sis_source_id": None, "integration_data": {}, "rules": {}} | shown
    asked = included(lms, request)
    if "assignments" not in asked:
        return shown
    shown["assignments"] = []
    for record in _visible(lms, request, group):
        content = assignments.shown(lms, request, record)
        if "submission" in asked:
            content["submission"] = _own(lms, request, record, "observed_users" in asked)
        shown["assignments"].append(content)
    shown["any_assignment_in_closed_grading_period"] = any(
        it["in_closed_grading_period"] for it in shown["assignments"]
    )
    return shown


def _own(lms: CanvasState, request: Request, record: Record, observed: bool) -> Any:
    """The caller's submission, or those of whom they observe."""
    user = caller_of(lms, request).user
    if observed:
        users = lms.observed_by(record["course_id"], user)
        return [submissions.shown(lms, request, record, works.submission_of(lms, record, it)) for it in users]
    if not works.is_assigned(lms, record, user):
        return None
    return submissions.shown(lms, request, record, works.submission_of(lms, record, user))


_PATH = "/courses/{course_id}/assignment_groups"
ROUTES = (
    ("GET", _PATH, list_all),
    ("POST", _PATH, create),
    ("GET", f"{_PATH}/{{group_id}}", read),
    ("PUT", f"{_PATH}/{{group_id}}", update),
    ("DELETE", f"{_PATH}/{{group_id}}", delete),
    ("GET", f"{_PATH}/{{group_id}}/assignments", assignments_of),
)
