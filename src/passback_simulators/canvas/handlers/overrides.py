"""The operations on an assignment's overrides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.canvas import overrides
from passback_simulators.canvas.access import require_teacher
from passback_simulators.canvas.handlers.assignments import visible
from passback_simulators.canvas.paging import page
from passback_simulators.canvas.replies import answer, body_of, not_found, object_in, refuse

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


_TARGETS = ("student_ids", "course_section_id", "group_id")


def list_all(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``GET .../overrides``."""
    record = visible(lms, request, course_id, assignment_id)
    return page(lms, request, [overrides.shown(it) for it in record["overrides"]])


def create(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Reply:
    """``POST .../overrides``."""
    record = _changeable(lms, request, course_id, assignment_id)
    made = overrides.new(lms, record, _given(request), record["overrides"])
    _keep(lms, record, [*record["overrides"], made])
    return answer(request, 201, overrides.shown(made))


def read(lms: CanvasState, request: Request, course_id: str, assignment_id: str, override_id: str) -> Reply:
    """``GET .../overrides/:id``."""
    record = visible(lms, request, course_id, assignment_id)
    return answer(request, 200, overrides.shown(_find(record, override_id)))


def update(lms: CanvasState, request: Request, course_id: str, assignment_id: str, override_id: str) -> Reply:
    """``PUT .../overrides/:id``: a date that is left out is cleared; only those who are named are looked at."""
    record = _changeable(lms, request, course_id, assignment_id)
    before = _find(record, override_id)
    others = [it for it in record["overrides"] if it is not before]
    if before.get("course_id") is not None or before.get("noop_id") is not None:
        raise refuse(400, {"errors": ["cannot change the target of this override"]})
    given = _given(request)
    if any(given.get(name) for name in _TARGETS):
        kept = {name: before[name] for name in (*_TARGETS, "title") if before.get(name)}
        made = {**overrides.new(lms, record, {**kept, **given}, others), "id": before["id"]}
    else:
        made = overrides.with_dates(lms, record, before, given)
    _keep(lms, record, [*others, made])
    return answer(request, 200, overrides.shown(made))


def delete(lms: CanvasState, request: Request, course_id: str, assignment_id: str, override_id: str) -> Reply:
    """``DELETE .../overrides/:id``."""
    record = _changeable(lms, request, course_id, assignment_id)
    found = _find(record, override_id)
    _keep(lms, record, [it for it in record["overrides"] if it is not found])
    return answer(request, 200, overrides.shown(found))


def _changeable(lms: CanvasState, request: Request, course_id: str, assignment_id: str) -> Record:
    """The assignment, which the caller may change. Raises `Refusal`."""
    record = visible(lms, request, course_id, assignment_id)
    require_teacher(lms, request, record["course_id"])
    return record


def _given(request: Request) -> Record:
    return object_in(body_of(request), "assignment_override")


def _find(record: Record, override_id: str) -> Record:
    found: Record | None = next((it for it in record["overrides"] if str(it["id"]) == override_id), None)
    if found is None:
        raise not_found()
    return found


def _keep(lms: CanvasState, record: Record, changed: list[Record]) -> None:
    lms.records.put("assignments", record["id"], {**record, "overrides": changed})
