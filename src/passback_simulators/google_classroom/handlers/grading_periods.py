"""A course's grading periods, such as semesters (Classroom API v1: courses.getGradingPeriodSettings)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, errors, messages, parsing
from passback_simulators.google_classroom.call import Operation
from passback_simulators.google_classroom.handlers.courses import staffed

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call
    from passback_simulators.records import Record


def of(call: Call, course: Record) -> list[dict[str, Any]]:
    """A course's grading periods, in their order; none if the school's licence does not include them."""
    if not call.lms.settings["grading_periods"]:
        return []
    settings = call.lms.records.get("grading_periods", course["id"])
    return list(settings["gradingPeriods"]) if settings else []


def _shown_periods(call: Call, course: Record) -> dict[str, Any]:
    kept = call.lms.records.get("grading_periods", course["id"]) or {}
    return {
        "gradingPeriods": of(call, course),
        "applyToExistingCoursework": kept.get("applyToExistingCoursework"),
    }


def _get_periods(call: Call, course_id: str) -> dict[str, Any]:
    return _shown_periods(call, access.readable_course(call, course_id))


def _patch_periods(call: Call, course_id: str) -> dict[str, Any]:
    course = staffed(call, course_id)
    mask = parsing.update_mask(
        call.param("updateMask"), frozenset({"gradingPeriods", "applyToExistingCoursework"})
    )
    if not call.lms.settings["grading_periods"]:
        raise errors.named("UserIneligibleToUpdateGradingPeriodSettings")
    access.require_modifiable(course)
    kept = dict(call.lms.records.get("grading_periods", course["id"]) or {"gradingPeriods": []})
    if "applyToExistingCoursework" in mask:
        kept["applyToExistingCoursework"] = call.body.get("applyToExistingCoursework", False)
    if "gradingPeriods" in mask:
        kept["gradingPeriods"] = _checked_periods(call, course)
    call.lms.records.put("grading_periods", course["id"], kept)
    return _shown_periods(call, course)


def _checked_periods(call: Call, course: Record) -> list[dict[str, Any]]:
    """The periods of a request: in order, not overlapping, with unique titles; new ones get ids."""
    known = {one["id"] for one in of(call, course)}
    checked: list[dict[str, Any]] = []
    last = date.min
    for period in call.body.get("gradingPeriods", []):
        start, end = day(period.get("startDate", {})), day(period.get("endDate", {}))
        title = period.get("title", "")
        wrong = start is None or end is None or start <= last or end < start or not title
        if wrong or any(one["title"] == title for one in checked) or period.get("id", "") not in {*known, ""}:
            raise errors.invalid(field="grading_period_settings.grading_periods")
        assert end is not None
        last = end
        id_ = period.get("id") or str(call.lms.records.next_number("grading_period", 715_000_000_101))
        checked.append(period | {"id": id_})
    return checked


def day(parts: dict[str, Any]) -> date | None:
    """A date from Google's parts; None if it is incomplete or invalid."""
    try:
        return date(parts.get("year", 0), parts.get("month", 0), parts.get("day", 0))
    except ValueError:
        return None


_READ = ("classroom.courses", "classroom.courses.readonly")
_WRITE = ("classroom.courses",)
_SETTINGS = "/v1/courses/{courseId}/gradingPeriodSettings"

OPERATIONS = (
    Operation("GET", _SETTINGS, "Courses.GetGradingPeriodSettings", _READ, _get_periods,
              response=messages.GRADING_PERIOD_SETTINGS),
    Operation("PATCH", _SETTINGS, "Courses.UpdateGradingPeriodSettings", _WRITE, _patch_periods,
              ("updateMask",), messages.GRADING_PERIOD_SETTINGS, "grading_period_settings",
              messages.GRADING_PERIOD_SETTINGS),
)  # fmt: skip
