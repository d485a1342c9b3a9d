"""How Canvas interprets a grade."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from passback_simulators.canvas import grading_periods, late_policy, overrides
from passback_simulators.canvas.replies import number_of, refuse
from passback_simulators.canvas.seed import ACCOUNT, ADMIN, LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.records import Record

_NUMBER = re.compile(r"[+-]?\d*\.?\d+", re.ASCII)
_PASS, _FAIL = ("pass", "complete"), ("fail", "incomplete")
_STATUSES = ("late", "missing", "extended", "none", None)


def graded(
    lms: CanvasState,
    assignment: Record,
    submission: Record,
    given: dict[str, Any],
    *,
    grader: int,
    prefer_points: bool,
) -> Record:
    """Apply a given grade, excuse and late policy to a submission. Raises `Refusal`.

    A JSON false for ``excuse`` is skipped; the text "false" is treated as grading with no grade.
    """
    excuse, posted = given.get("excuse"), given.get("posted_grade")
    excused = excuse in (True, "true", "1", 1)
    if excused and posted not in (None, ""):
        raise refuse(400, {"error": "Cannot simultaneously grade and excuse an assignment"})
    grades = excused or posted is not None or excuse == "false"
    if grades:
        _check_gradable(lms, assignment, submission["user_id"], grader)
    changed = dict(submission)
    now = lms.clock()
    if excused:
        changed |= {
            "excused": True, "score": None, "grade": None, "entered_score": None, "entered_grade": None,
            "workflow_state": "graded", "grader_id": grader, "graded_at": now,
        }  # fmt: skip
    elif grades:
        score, grade = understood(lms, assignment, posted, prefer_points=prefer_points)
        handed_in = submission["submitted_at"] is not None
        changed |= {
            "excused": False, "entered_score": score, "entered_grade": grade, "grader_id": grader,
            "graded_at": now if grade is not None else None, "grade_matches_current_submission": True,
            "workflow_state": "graded" if grade is not None else "submitted" if handed_in else "unsubmitted",
        }  # fmt: skip
    if "late_policy_status" in given:
        if given["late_policy_status"] not in _STATUSES:
            raise refuse(
                400, {"errors": {"late_policy_status": [{"message": "is not included in the list"}]}}
            )
        changed["late_policy_status"] = given["late_policy_status"]
    if changed["late_policy_status"] == "late" and given.get("seconds_late_override") not in (None, ""):
        changed["seconds_late_override"] = int(number_of(given["seconds_late_override"]))
    if grades or {"late_policy_status", "seconds_late_override"} & set(given):
        changed |= after_policy(lms, assignment, changed)
    if grades:
        visible = changed["workflow_state"] == "graded" and not assignment["post_manually"]
        changed["posted_at"] = now if visible else submission["posted_at"]
    return changed


def understood(
    lms: CanvasState, assignment: Record, posted: Any, *, prefer_points: bool
) -> tuple[float | None, str | None]:
    """The score and grade of a posted value; both None if Canvas cannot interpret it, which is not an error."""
    text = str(posted if posted is not None else "").strip()
    possible = assignment["points_possible"] or 0.0
    kind = assignment["grading_type"]
    score: float | None = None
    scheme = None if prefer_points and _NUMBER.fullmatch(text) else _level(lms, assignment, text)
    if kind == "pass_fail":
        if text in _PASS or (_NUMBER.fullmatch(text) and float(text) == possible and possible):
            score = possible
        elif text in _FAIL or (_NUMBER.fullmatch(text) and float(text) == 0):
            score = 0.0
    elif scheme is not None:
        score = scheme * possible
    elif text.endswith("%") and _NUMBER.fullmatch(text[:-1]):
        score = round(float(text[:-1]) / 100 * possible, 10)
    elif _NUMBER.fullmatch(text):
        score = float(text)
    if score is None:
        return None, None
    return score, shown(lms, assignment, score, text)


def shown(lms: CanvasState, assignment: Record, score: float, posted: str | None = None) -> str:
    """A score as text, in the form of the assignment's grading type; on no points, what was posted decides."""
    possible = assignment["points_possible"]
    match assignment["grading_type"]:
        case "pass_fail":
            passed = score > 0 if possible else posted in _PASS
            return "complete" if passed else "incomplete"
        case "percent":
            return f"{_plain(round(score / possible * 100, 2))}%" if possible else "0%"
        case "letter_grade" | "gpa_scale":
            levels = levels_of(lms, assignment)
            if not possible:
                return posted or levels[-1][0]
            given = _level(lms, assignment, posted or "")
            if given is not None and possible and given == score / possible:
                return str(posted)
            share = score / possible if possible else 0.0
            return next((name for name, least in levels if share >= least - 1e-9), levels[-1][0])
        case _:
            return _plain(score)


def after_policy(lms: CanvasState, assignment: Record, submission: Record) -> Record:
    """The score after the course's late policy."""
    entered = submission["entered_score"]
    if entered is None:
        return {"score": None, "grade": None, "points_deducted": None}
    status = submission["late_policy_status"]
    due = overrides.dates_for(lms, assignment, submission["user_id"])["due_at"]
    seconds = late_policy.seconds_late(submission, due, lms.clock())
    late = status == "late" or (status is None and submission["submitted_at"] is not None and seconds > 0)
    if not late:
        return {"score": entered, "grade": submission["entered_grade"], "points_deducted": None}
    policy = late_policy.policy_of(lms, assignment["course_id"])
    deducted = late_policy.points_deducted(policy, assignment, entered, seconds)
    score = max(min(0.0, entered), entered - deducted)
    grade = shown(lms, assignment, score) if deducted else submission["entered_grade"]
    return {"score": score, "grade": grade, "points_deducted": deducted}


def _check_gradable(lms: CanvasState, assignment: Record, user: int, grader: int) -> None:
    why = None
    if not assignment["published"]:
        why = "assignment is unpublished"
    elif lms.settings["closed_grading_period"] or (
        grader != ADMIN and grading_periods.is_closed(lms, _period(lms, assignment, user))
    ):
        why = "it is in a closed grading period"
    if why is not None:
        raise refuse(400, {"error": f"Cannot grade this submission at this time: {why}"})


def _period(lms: CanvasState, assignment: Record, user: int) -> Record | None:
    periods = grading_periods.periods_of(lms, assignment["course_id"])
    return grading_periods.period_for(periods, overrides.dates_for(lms, assignment, user)["due_at"])


def levels_of(lms: CanvasState, assignment: Record) -> Sequence[tuple[str, float]]:
    """The scheme in force: the assignment's, else the course's, else the account's, else Canvas's default."""
    course = lms.records.get("courses", assignment["course_id"]) or {}
    account = lms.records.get("accounts", course.get("account_id", ACCOUNT)) or {}
    for holder in (assignment, course, account):
        chosen = holder.get("grading_standard_id")
        if chosen is not None:
            found = next((it for it in lms.standards() if str(it["id"]) == str(chosen)), None)
            return LETTERS if found is None else [(it["name"], it["value"]) for it in found["grading_scheme"]]
    return LETTERS


def _level(lms: CanvasState, assignment: Record, name: str) -> float | None:
    """The share that a level of the scheme is worth: the top of its range."""
    if assignment["grading_type"] not in ("letter_grade", "gpa_scale"):
        return None
    levels = levels_of(lms, assignment)
    for index, (level, _) in enumerate(levels):
        if level == name:
            return 1.0 if index == 0 else round(levels[index - 1][1] - 0.01, 4)
    return None


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)
