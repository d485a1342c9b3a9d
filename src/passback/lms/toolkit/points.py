"""Grades for LMSs that keep only points: the points that a change gives, and the text that shows points."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, cast

from passback.domain.grading import InvalidGrade, points_of, text_of
from passback.lms.interface import RefusedByLms, Unsupported

if TYPE_CHECKING:
    from passback.domain.assignment import Assignment, GradingType
    from passback.domain.submission import SubmissionFields


def points_given(fields: SubmissionFields, assignment: Assignment) -> Decimal | None:
    """Return the points that a change gives; None if it gives no grade, or removes it (``grade`` is empty).

    If a change gives both, points count more than the text, being exact; but only the text says pass or fail.
    Raises `RefusedByLms` if the text is not a grade of the assignment's grading type.
    """
    kind = cast("GradingType", assignment.grading_type)
    if fields.grade_points is not None and not (fields.grade and kind == "pass_fail"):
        return fields.grade_points
    if not fields.grade:
        return None
    if kind != "points" and assignment.points_possible == 0:
        raise RefusedByLms("INVALID_GRADE", "the assignment has no points to take a share of")
    try:
        worth = points_of(fields.grade, kind, assignment.points_possible)
    except InvalidGrade as error:
        raise RefusedByLms("INVALID_GRADE", str(error)) from None
    if worth is None and fields.grade_points is None:
        raise RefusedByLms("INVALID_GRADE", "without points_possible the grade can only be given in points")
    return worth if fields.grade_points is None else fields.grade_points


def grade_text(points: Decimal | None, assignment: Assignment) -> str | None:
    """Return the grade that points are on an assignment, as text; None for None."""
    if points is None:
        return None
    return text_of(points, cast("GradingType", assignment.grading_type), assignment.points_possible)


def refuse_unsupported(lms: str, fields: SubmissionFields, unsupported: frozenset[str]) -> None:
    """Raise `Unsupported` if a change gives a field or sets a flag that is `unsupported` (both by name).

    `lms` is the LMS's name for the message. What affects a student is refused, never silently dropped (contract: When
    the LMS fails).
    """
    for name in sorted(unsupported & set(fields.__struct_fields__)):
        # A due date of 0 is one (1970); no extra attempts are what every student has anyway.
        given = getattr(fields, name)
        if given or (given is not None and name == "override_due_date"):
            raise Unsupported(lms, name)
    for flag in sorted(unsupported & (fields.flags or frozenset())):
        raise Unsupported(lms, f"flag of {flag}")
