"""Grades: how the text of a grade and its points belong together for each grading type.

The text form is a number for points, ``NN%`` for percent, ``pass`` or ``fail``, or a letter of the grading scale
(contract: Submissions).
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

from passback.domain.assignment import GradingType

LETTER_SCALE: tuple[tuple[str, int], ...] = (
    ("A", 94), ("A-", 90), ("B+", 87), ("B", 84), ("B-", 80), ("C+", 77), ("C", 74), ("C-", 70),
    ("D+", 67), ("D", 64), ("D-", 61), ("F", 0),
)  # fmt: skip
"""The built-in scale: each letter with the least percentage that earns it, best first."""

_LONGEST_SHOWN = 40
_NUMBER = re.compile(r"\d{1,30}(\.\d{1,30})?", re.ASCII)
_HUNDRED = Decimal(100)
_EXACT = Context(prec=400)
"""Digits enough for every number that the contract takes, multiplied or divided by any other."""


class InvalidGrade(ValueError):
    """The text is no grade of the assignment's grading type; the message says what would be."""


def points_of(grade: str, grading_type: GradingType, points_possible: Decimal | None) -> Decimal | None:
    """The points that the text `grade` stands for; None where they follow from nothing known.

    A letter earns the least points of its range, as teachers' own tables do. Raises `InvalidGrade`.
    """
    match grading_type:
        case "points":
            return _number(grade, "a number of points, such as 8.5")
        case "percent":
            if not grade.endswith("%"):
                raise InvalidGrade(f"{_shown(grade)} is not a percentage, such as 85%")
            share = _number(grade[:-1], "a percentage, such as 85%")
        case "pass_fail":
            if grade not in ("pass", "fail"):
                raise InvalidGrade(f"{_shown(grade)} is neither pass nor fail")
            share = _HUNDRED if grade == "pass" else Decimal(0)
        case "letter_grade":
            least = dict(LETTER_SCALE).get(grade)
            if least is None:
                letters = " ".join(letter for letter, _ in LETTER_SCALE)
                raise InvalidGrade(f"{_shown(grade)} is not a letter of the grading scale [{letters}]")
            share = Decimal(least)
    if points_possible is None:
        return None
    return _EXACT.divide(_EXACT.multiply(share, points_possible), _HUNDRED)


def text_of(points: Decimal, grading_type: GradingType, points_possible: Decimal | None) -> str | None:
    """The text form of `points`; None where it does not follow because `points_possible` is not known.

    With ``pass_fail``, any points are a pass.
    """
    if grading_type == "points":
        return plain(points)
    if grading_type == "pass_fail":
        return "pass" if points > 0 else "fail"
    if not points_possible:
        return None
    share = _EXACT.divide(_EXACT.multiply(points, _HUNDRED), points_possible)
    if grading_type == "percent":
        return plain(share.quantize(Decimal("0.01"), ROUND_HALF_UP, _EXACT)) + "%"
    return next(letter for letter, least in LETTER_SCALE if share >= least)


def plain(number: Decimal) -> str:
    """`number` in digits, without an exponent or superfluous zeros."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _number(text: str, wanted: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise InvalidGrade(f"{_shown(text)} is not {wanted}")
    return Decimal(text)


def _shown(grade: str) -> str:
    """What a message repeats of a grade that is none."""
    return f"'{grade}'" if len(grade) <= _LONGEST_SHOWN else f"'{grade[:_LONGEST_SHOWN]}...'"
