"""Grading periods. They are made for an account, in sets, and a term's courses show them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import grading_periods
from passback_simulators.canvas.access import caller_of, require_admin, visible_course
from passback_simulators.canvas.overrides import instant
from passback_simulators.canvas.paging import json_api_page
from passback_simulators.canvas.replies import (
    answer,
    body_of,
    date,
    not_found,
    number_of,
    object_in,
    objects_in,
    refuse,
    truthy,
)
from passback_simulators.canvas.seed import ACCOUNT, TERM
from passback_simulators.reply import Reply

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record
    from passback_simulators.request import Request

_DATES = ("start_date", "end_date", "close_date")


def of_course(lms: CanvasState, request: Request, course_id: str) -> Reply:
    """``GET /courses/:id/grading_periods``: the account's, so nobody changes them here."""
    course = visible_course(lms, request, course_id)
    found = grading_periods.periods_of(lms, course["id"])
    return _listed(lms, request, found, read_only=bool(found))


def in_course(lms: CanvasState, request: Request, course_id: str, period_id: str) -> Reply:
    """``GET /courses/:id/grading_periods/:id``."""
    course = visible_course(lms, request, course_id)
    known = grading_periods.periods_of(lms, course["id"])
    found = next((it for it in known if str(it["id"]) == period_id), None)
    if found is None:
        raise not_found()
    return answer(request, 200, {"grading_periods": [_shown(lms, request, found)]})


def change_in_course(lms: CanvasState, request: Request, course_id: str, period_id: str) -> Reply:
    """``PUT`` and ``DELETE /courses/:id/grading_periods/:id``: only of a course's own, and it has none."""
    visible_course(lms, request, course_id)
    raise not_found()


def of_account(lms: CanvasState, request: Request, account_id: str) -> Reply:
    """``GET /accounts/:id/grading_periods``."""
    require_admin(lms, request)
    found = sorted(lms.records.all("grading_periods"), key=lambda it: it["start_date"])
    return _listed(lms, request, found, read_only=False)


def delete(lms: CanvasState, request: Request, account_id: str, period_id: str) -> Reply:
    """``DELETE /accounts/:id/grading_periods/:id``."""
    require_admin(lms, request)
    if lms.records.get("grading_periods", period_id) is None:
        raise not_found()
    lms.records.remove("grading_periods", period_id)
    return Reply(204)


def create_set(lms: CanvasState, request: Request, account_id: str) -> Reply:
    """``POST /accounts/:id/grading_period_sets``: a set, for the courses of these terms."""
    require_admin(lms, request)
    content = body_of(request)
    given = object_in(content, "grading_period_set")
    number = lms.records.next_number("grading_period_sets", 51)
    terms = content.get("enrollment_term_ids") or [TERM]
    made = {
        "id": number, "title": str(given.get("title") or ""), "account_id": ACCOUNT,
        "weighted": truthy(given.get("weighted")), "term_ids": [int(number_of(it)) for it in terms],
        "display_totals_for_all_grading_periods": truthy(given.get("display_totals_for_all_grading_periods")),
    }  # fmt: skip
    lms.records.put("grading_period_sets", number, made)
    shown = {name: value for name, value in made.items() if name != "term_ids"}
    shown |= {"grading_periods": [], "enrollment_term_ids": made["term_ids"]}
    return answer(request, 201, {"grading_period_set": shown})


def change_set(lms: CanvasState, request: Request, set_id: str) -> Reply:
    """``PATCH /grading_period_sets/:id/grading_periods/batch_update``: makes and changes its periods."""
    require_admin(lms, request)
    found = lms.records.get("grading_period_sets", set_id)
    if found is None:
        raise not_found()
    given = objects_in(body_of(request), "grading_periods")
    before = {it["id"]: it for it in grading_periods.periods_in(lms, found["id"])}
    changed = [_changed(before.get(int(number_of(it.get("id")))), it, found["id"]) for it in given]
    rest = [it for number, it in before.items() if number not in {it["id"] for it in changed}]
    in_order = sorted([*rest, *changed], key=lambda it: it["start_date"])
    for earlier, later in pairwise(in_order):
        if later["start_date"] < earlier["end_date"]:
            raise _invalid("start_date", "Start Date overlaps with another period")
    for it in changed:
        it["id"] = it["id"] or lms.records.next_number("grading_periods", 71)
        lms.records.put("grading_periods", it["id"], it)
    return answer(request, 200, {"grading_periods": [_shown(lms, request, it) for it in changed]})


def _changed(before: Record | None, given: dict[str, Any], set_id: int) -> Record:
    """A period as it is to be, or a new one without an id yet. Raises `Refusal`."""
    period = {"id": None, "grading_period_group_id": set_id, "title": None, "weight": None, **(before or {})}
    period |= {name: instant(given[name], name) for name in _DATES if given.get(name)}
    if given.get("title"):
        period["title"] = str(given["title"])
    if given.get("weight") not in (None, ""):
        period["weight"] = number_of(given["weight"])
    for name in ("title", "start_date", "end_date"):
        if period.get(name) is None:
            raise _invalid(name, "can't be blank")
    period.setdefault("close_date", period["end_date"])
    if period["start_date"] >= period["end_date"]:
        raise _invalid("end_date", "must be after start date")
    return period


def _invalid(field: str, text: str) -> Exception:
    error = {"attribute": field, "type": text, "message": text}
    return refuse(422, {"errors": [{field: [error]}]})


def _listed(lms: CanvasState, request: Request, found: list[Record], *, read_only: bool) -> Reply:
    shown = [_shown(lms, request, it) for it in found]
    rights = {"can_create_grading_periods": not read_only and caller_of(lms, request).admin}
    return json_api_page(
        lms, request, "grading_periods", shown, **rights, grading_periods_read_only=read_only
    )


def _shown(lms: CanvasState, request: Request, period: Record) -> Record:
    admin = caller_of(lms, request).admin
    return {
        **period, **{name: date(period[name]) for name in _DATES},
        "is_closed": grading_periods.is_closed(lms, period),
        "permissions": {"read": True, "create": admin, "update": admin, "delete": admin},
    }  # fmt: skip


ROUTES = (
    ("GET", "/courses/{course_id}/grading_periods", of_course),
    ("GET", "/courses/{course_id}/grading_periods/{period_id}", in_course),
    ("PUT", "/courses/{course_id}/grading_periods/{period_id}", change_in_course),
    ("DELETE", "/courses/{course_id}/grading_periods/{period_id}", change_in_course),
    ("GET", "/accounts/{account_id}/grading_periods", of_account),
    ("DELETE", "/accounts/{account_id}/grading_periods/{period_id}", delete),
    ("POST", "/accounts/{account_id}/grading_period_sets", create_set),
    ("PATCH", "/grading_period_sets/{set_id}/grading_periods/batch_update", change_set),
)
