"""What the codes of warnings mean: the one table that the reference, the OpenAPI document and the console show."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "ASSIGNEES_IGNORED": "`assignee_ids` was given, but the assignment is for all",
        "DATETIME_MISSING_TIMEZONE": "a date named no zone; UTC was taken",
        "UNKNOWN_FIELD:<name>": (
            "the API has no such field (percent-encoded, at most 64 characters of it; the first 16 are named)"
        ),
        "UNKNOWN_PARAMETER:<name>": (
            "the operation has no such query parameter, or it could not be read (`;`, or a `%` that escapes nothing),"
            " so the answer is as if it had not been sent: a list is not filtered by it (percent-encoded, at most 64"
            " bytes of it; the first 16 are named)"
        ),
        "NOT_STORED_BY_LMS:<field>": (
            "the LMS has no place for it, such as `flags.late` in the built-in gradebook, or `grade_comment` beside a"
            " grade in Google Classroom"
        ),
        "SCORE_CHANGED_BY_LMS": (
            "the LMS keeps another grade than was sent, by a rule of its own (such as a largest number of points), or"
            " shows it as no number; the answer shows the one that it keeps"
        ),
        "CHANGED_BY_LMS:<field>": (
            "the LMS keeps another value than was sent, or the words of a comment otherwise (trimmed, without their"
            " HTML, cut)"
        ),
        "GRADE_FROM_POINTS": "`grade` and `grade_points` differed; the points counted",
        "UNGRADED_IN_LMS": (
            "the assignment has no grading category in Schoology, which leaves it out of the course's grade"
        ),
        "GRADE_WAITS_FOR_SUBMISSION": (
            "Schoology has the grade, but shows it only once the student has handed in"
        ),
    }
)
"""By the code, or the form of those that name something."""


def meaning(code: str) -> str:
    """What a code means. Empty if it is none."""
    kind, colon, _ = code.partition(":")
    return next((text for form, text in MEANINGS.items() if form.partition(":")[:2] == (kind, colon)), "")
