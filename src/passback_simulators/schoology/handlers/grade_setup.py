"""A section's grade setup: periods, categories, scales, grading groups (Schoology REST API: Grading ...)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback_simulators.reply import Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology.access import only_admin, section, taught
from passback_simulators.schoology.replies import (
    content,
    integer,
    link,
    missing,
    refusal,
    several,
    whole,
    wrapped,
)
from passback_simulators.schoology.times import today

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState


def of_section(lms: SchoologyState, table: str, section_id: str, id_: object) -> Record | None:
    """A category, scale or group, if it belongs to the section."""
    found = lms.records.get(table, str(id_))
    return found if found is not None and found["section_id"] == section_id else None


def _all(lms: SchoologyState, table: str, section_id: str) -> list[Record]:
    return [one for one in lms.records.all(table) if one["section_id"] == section_id]


# Grading periods.


def _period(lms: SchoologyState, period: Record) -> Record:
    return period | {"active": str(int(period["start"] <= today(lms) <= period["end"]))}


def list_periods(lms: SchoologyState, request: Request) -> Reply:
    """GET /gradingperiods, for administrators."""
    only_admin(lms)
    periods = [
        _period(lms, period) | {"links": {"self": link(lms, request, f"gradingperiods/{period['id']}")}}
        for period in lms.records.all("periods")
    ]
    return json_reply(200, {"total": len(periods), "gradingperiods": several(lms, periods)})


def show_period(lms: SchoologyState, request: Request, period_id: str) -> Reply:
    """GET /gradingperiods/{id}: here the id is a string."""
    only_admin(lms)
    period = lms.records.get("periods", period_id)
    if period is None:
        raise missing("Grading period")
    return json_reply(200, _period(lms, period) | {"id": period_id})


def list_section_periods(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}/grading_periods: here the dates include a time."""
    ids = section(lms, section_id)["grading_periods"]
    periods = []
    for id_ in ids:
        period = lms.records.get("periods", id_)
        assert period is not None
        periods.append(
            {
                "id": id_, "title": period["title"], "weight": round(100 / len(ids)),
                "start": f"{period['start']} 00:00:00", "end": f"{period['end']} 00:00:00",
            }
        )  # fmt: skip
    return whole(lms, request, "grading_period", periods)


# Grading categories.

_CATEGORY_DEFAULTS = {
    "calculation_type": 2, "default_max_points": 100, "default_grading_scale_id": 0, "drop_lowest": 0, "weight": 100,
}  # fmt: skip


def _category(category: Record) -> Record:
    return {name: value for name, value in category.items() if name != "section_id"}


def list_categories(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}/grading_categories, in the order of their ``delta``."""
    section(lms, section_id)
    found = sorted(_all(lms, "categories", section_id), key=lambda category: int(category["delta"]))
    return whole(lms, request, "grading_category", [_category(one) for one in found], links=False)


def show_category(lms: SchoologyState, request: Request, section_id: str, category_id: str) -> Reply:
    """GET /sections/{id}/grading_categories/{id}."""
    section(lms, section_id)
    category = of_section(lms, "categories", section_id, category_id)
    if category is None:
        raise missing("Grading category")
    return json_reply(200, _category(category) | {"realm": "course", "realm_id": section_id})


def create_categories(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """POST /sections/{id}/grading_categories; 400 in some districts, which do not support it."""
    taught(lms, section_id)
    items = wrapped(content(request), "grading_categories", "grading_category")
    if not lms.settings["categories_can_be_created"]:
        raise refusal(400)
    results = []
    for item in items:
        title = str(item.get("title") or "").strip()
        taken = any(one["title"] == title for one in _all(lms, "categories", section_id))
        if not title or taken:
            message = "A category with this title exists" if taken else "title is required"
            results.append({"title": title, "response_code": 409 if taken else 400, "message": message})
            continue
        category = add_category(lms, section_id, title, _category_fields(item))
        shown = _category(category)
        shown["default_grading_scale"] = shown.pop("default_grading_scale_id")
        results.append(shown | {"id": str(category["id"]), "response_code": 200})
    return json_reply(207, {"grading_category": several(lms, results)})


def _category_fields(item: Record) -> Record:
    numbers = {name: integer(item[name]) for name in _CATEGORY_DEFAULTS if name in item}
    return {name: value for name, value in numbers.items() if value is not None}


def add_category(lms: SchoologyState, section_id: str, title: str, fields: Record) -> Record:
    """Create a category."""
    id_ = lms.records.next_number("category", 4_390_001)
    category = {
        "id": id_, "section_id": section_id, "title": title, "delta": len(_all(lms, "categories", section_id)),
        **_CATEGORY_DEFAULTS, **fields,
    }  # fmt: skip
    return lms.records.put("categories", id_, category)


def update_category(lms: SchoologyState, request: Request, section_id: str, category_id: str) -> Reply:
    """PUT /sections/{id}/grading_categories/{id}: returns the category, with its numbers as text."""
    taught(lms, section_id)
    category = of_section(lms, "categories", section_id, category_id)
    if category is None:
        raise missing("Grading category")
    given = content(request)
    category.update(_category_fields(given))
    if title := str(given.get("title") or "").strip():
        category["title"] = title
    lms.records.put("categories", category_id, category)
    shown = {name: str(value) for name, value in _category(category).items()}
    return json_reply(200, shown | {"realm": "course", "realm_id": section_id, "uid": lms.actor.uid})


# Grading scales.


def _scale(scale: Record) -> Record:
    return {
        "id": scale["id"], "title": scale["title"], "type": scale["type"], "auto_averaging": 0, "hide_numeric": 0,
        "scale": {"level": scale["levels"]},
    }  # fmt: skip


def list_scales(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}/grading_scales."""
    section(lms, section_id)
    return whole(lms, request, "grading_scale", [_scale(one) for one in _all(lms, "scales", section_id)])


# Grading groups.


def list_groups(lms: SchoologyState, request: Request, section_id: str) -> Reply:
    """GET /sections/{id}/grading_groups: under the key ``grading_groups``, with a ``count``."""
    section(lms, section_id)
    found = _all(lms, "groups", section_id)
    return json_reply(
        200,
        {
            "grading_groups": several(lms, [_group(one) for one in found]),
            "count": len(found),
            "links": {"self": link(lms, request, f"sections/{section_id}/grading_groups")},
        },
    )


def _group(group: Record) -> Record:
    return group | {"section_id": int(group["section_id"])}


def show_group(lms: SchoologyState, request: Request, section_id: str, group_id: str) -> Reply:
    """GET /sections/{id}/grading_groups/{id}."""
    section(lms, section_id)
    group = of_section(lms, "groups", section_id, group_id)
    if group is None:
        raise missing("Grading group")
    return json_reply(200, _group(group))


ROUTES = (
    ("GET", "/gradingperiods", list_periods),
    ("GET", "/gradingperiods/{period_id}", show_period),
    ("GET", "/sections/{section_id}/grading_periods", list_section_periods),
    ("GET", "/sections/{section_id}/grading_categories", list_categories),
    ("POST", "/sections/{section_id}/grading_categories", create_categories),
    ("GET", "/sections/{section_id}/grading_categories/{category_id}", show_category),
    ("PUT", "/sections/{section_id}/grading_categories/{category_id}", update_category),
    ("GET", "/sections/{section_id}/grading_scales", list_scales),
    ("GET", "/sections/{section_id}/grading_groups", list_groups),
    ("GET", "/sections/{section_id}/grading_groups/{group_id}", show_group),
)
