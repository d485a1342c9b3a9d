"""What an LMS shows, compared with what was sent to it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from passback.domain.clock import DAY
from passback.domain.grading import plain
from passback.lms.interface import CHANGED, SCORE_CHANGED, Unavailable

if TYPE_CHECKING:
    from passback.domain.assignment import Assignment, AssignmentFields
    from passback.domain.submission import Submission, SubmissionFields

_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
_EXACT = ("title", "points_possible", "grading_type", "max_attempts", "assignee_mode", "published")
_MOMENTS = ("due_date", "display_date", "end_date")


def differing(fields: AssignmentFields, held: Assignment) -> list[str]:
    """Return the names of the given fields of which the LMS shows another value."""
    given = {name: value for name in fields.__struct_fields__ if (value := getattr(fields, name)) is not None}
    names = [name for name in _EXACT if name in given and not _alike(given[name], getattr(held, name))]
    # An LMS may keep dates by the minute, or the end of a day for its beginning.
    names += [
        name
        for name in _MOMENTS
        if name in given and (getattr(held, name) is None or abs(getattr(held, name) - given[name]) >= DAY)
    ]
    if "assignee_ids" in given and held.assignee_mode == "individuals":
        names += [] if set(given["assignee_ids"]) == set(held.assignee_ids) else ["assignee_ids"]
    return names


def with_warnings(fields: AssignmentFields, held: Assignment) -> Assignment:
    """Return an assignment with a warning for each of the given fields of which the LMS shows another value."""
    changed = tuple(CHANGED + name for name in differing(fields, held))
    return replace(held, warnings=tuple(dict.fromkeys((*held.warnings, *changed)))) if changed else held


def has(fields: SubmissionFields, held: Submission) -> bool:
    """Whether a submission shows what a change gives."""
    return keeps(fields, held) and not _score_differs(fields, held)


def judged(fields: SubmissionFields, held: Submission) -> Submission:
    """Return what the LMS keeps of a change, with warnings if it is not what was sent. Raises `Unavailable`."""
    if not keeps(fields, held):
        raise Unavailable("it says that it made the change, and does not show it", in_doubt=True)
    if _score_differs(fields, held):
        held = replace(held, warnings=(*held.warnings, SCORE_CHANGED))
    return with_comment_warning(fields, held)


def with_comment_warning(fields: SubmissionFields, held: Submission) -> Submission:
    """Return a submission with a warning if its comment has other words. They are not sent again: both would stay."""
    warning = f"{CHANGED}grade_comment"
    kept = not fields.grade_comment or held.grade_comment in (None, fields.grade_comment)
    return held if kept or warning in held.warnings else replace(held, warnings=(*held.warnings, warning))


def keeps(fields: SubmissionFields, held: Submission) -> bool:
    """Whether a submission has something of all that a change gives, if perhaps another grade."""
    graded = held.grade is not None or held.grade_points is not None
    gives = fields.gives_grade
    removes = fields.grade == "" and not gives
    # Without the grade, or the excuse, that returned it, work is not returned any more.
    ungraded = not gives and not graded and "excused" not in held.flags
    leaves = ungraded and (removes or fields.flags is not None)
    return (
        (not removes or not graded)
        and (not gives or graded)
        and (fields.flags is None or ("excused" in fields.flags) == ("excused" in held.flags))
        and (not (fields.grade_comment or "").strip() or bool(held.grade_comment))
        and (leaves or _is_in(fields.state, held, gives=gives))
        and (not fields.attachments or len(held.attachments) >= len(fields.attachments))
        and (fields.extra_attempts is None or fields.extra_attempts == (held.extra_attempts or 0))
        and (fields.override_due_date is None or held.override_due_date is not None)
    )


def _is_in(state: str | None, held: Submission, *, gives: bool) -> bool:
    """Whether work is in a state, or in one to which it goes on; `gives` if a grade came with it."""
    if state in (None, "created", held.state):
        return True  # nothing leads back to the first
    return held.state == "returned" and (state == "submitted" or (state == "reclaimed" and gives))


def _score_differs(fields: SubmissionFields, held: Submission) -> bool:
    if SCORE_CHANGED in held.warnings:
        return False  # the connector has made sure of it
    if fields.grade_points is not None:
        return not _alike(fields.grade_points, held.grade_points)
    return bool(fields.grade) and (held.grade is None or not same_grade(fields.grade or "", held.grade))


def same_grade(one: str, other: str) -> bool:
    """Whether two texts are the same grade: an LMS writes numbers its own way, such as 7.50 for 07.5."""
    return _digits(one) == _digits(other)


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return abs(one - other) <= abs(one) / 10_000_000  # an LMS's numbers may be of single precision
    if isinstance(one, str) and isinstance(other, str):
        return _words(one) == _words(other)
    return bool(one == other)


def _words(text: str) -> str:
    """Return a text as it is compared: without what LMSs trim."""
    return " ".join(text.split()).casefold()


def _digits(grade: str) -> str:
    """Return a grade as it is compared: numbers without the zeros that change nothing."""
    words = _words(grade)
    number = words.removesuffix("%")
    return plain(Decimal(number)) + words[len(number) :] if _NUMBER.fullmatch(number) else words
