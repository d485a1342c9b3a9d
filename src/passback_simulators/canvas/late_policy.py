"""A course's policy for late and missing work, and the points that it takes away."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from passback_simulators.canvas.replies import refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record

_SECONDS = {"hour": 3600, "day": 86_400}
_PERCENTAGES = (
    "missing_submission_deduction",
    "late_submission_deduction",
    "late_submission_minimum_percent",
)
_SWITCHES = ("missing_submission_deduction_enabled", "late_submission_deduction_enabled",
             "late_submission_minimum_percent_enabled")  # fmt: skip
_TAKES_AWAY = ("points", "percent", "letter_grade", "gpa_scale")


def policy_of(lms: CanvasState, course: int) -> Record | None:
    """The policy of a course, if it has one."""
    return lms.records.get("late_policies", course)


def keep(lms: CanvasState, course: int, given: Mapping[str, Any]) -> Record:
    """Create a course's policy, or change it. Raises `Refusal`."""
    before = policy_of(lms, course)
    policy = before or {
        "id": 0, "course_id": course, **dict.fromkeys(_SWITCHES, False), **dict.fromkeys(_PERCENTAGES, 0.0),
        "late_submission_interval": "day",
    }  # fmt: skip
    changed = policy | {name: given[name] in (True, "true", "1", 1) for name in _SWITCHES if name in given}
    errors: dict[str, Any] = {}
    for name in _PERCENTAGES:
        if name in given:
            changed[name] = _percentage(given[name])
            if changed[name] is None:
                errors[name] = [_error(name, "is not a number from 0 to 100")]
    if "late_submission_interval" in given:
        changed["late_submission_interval"] = given["late_submission_interval"]
        if changed["late_submission_interval"] not in _SECONDS:
            errors["late_submission_interval"] = [
                _error("late_submission_interval", "is not included in the list")
            ]
    if errors:
        raise refuse(422, {"errors": errors})
    if before is None:
        changed["id"] = lms.records.next_number("late_policies", 61)
    return lms.records.put("late_policies", course, changed)


def seconds_late(submission: Record, due: int | None, now: int) -> int:
    """By how much a submission is late: what is not handed in yet, until now."""
    if submission["late_policy_status"] == "late":
        return int(submission.get("seconds_late_override") or 0)
    handed_in = submission["submitted_at"]
    return 0 if due is None else max(0, ((now if handed_in is None else handed_in) - due) // 1000)


def points_deducted(policy: Record | None, assignment: Record, score: float, seconds_late: int) -> float:
    """The points that late work loses, for each interval that has begun."""
    possible = assignment["points_possible"] or 0.0
    if (
        policy is None
        or not policy["late_submission_deduction_enabled"]
        or possible <= 0
        or seconds_late <= 0
    ):
        return 0.0
    if assignment["grading_type"] not in _TAKES_AWAY:
        return 0.0
    intervals = math.ceil(seconds_late / _SECONDS[policy["late_submission_interval"]])
    least = (
        policy["late_submission_minimum_percent"]
        if policy["late_submission_minimum_percent_enabled"]
        else 0.0
    )
    most = max(score * 100 / possible - least, 0.0)
    return float(possible * min(policy["late_submission_deduction"] * intervals, most) / 100)


def points_for_missing(policy: Record | None, assignment: Record) -> float | None:
    """The points that missing work is given by itself; None if the policy gives it none."""
    if policy is None or not policy["missing_submission_deduction_enabled"]:
        return None
    possible = float(assignment["points_possible"] or 0.0)
    if assignment["grading_type"] == "pass_fail":
        return 0.0
    return possible - possible * float(policy["missing_submission_deduction"]) / 100


def _percentage(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number <= 100 else None


def _error(name: str, text: str) -> dict[str, str]:
    return {"attribute": name, "type": text, "message": text}
