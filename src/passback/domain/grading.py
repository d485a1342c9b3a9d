"""Grades: how the text of a grade corresponds to points, for each grading type.

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
"""The built-in scale: each letter with the lowest percentage that earns it, best first."""

_LONGEST_SHOWN = 40
_NUMBER = re.compile(r"\d{1,30}(\.\d{1,30})?", re.ASCII)
_HUNDRED = Decimal(100)
_EXACT = Context(prec=400)
"""Enough digits for the product or quotient of any two numbers that the contract accepts."""


class InvalidGrade(ValueError):
    """The text is not a grade of the assignment's grading type; the message says what would be."""


def points_of(grade: str, grading_type: GradingType, points_possible: Decimal | None) -> Decimal | None:
    """The points that the text `grade` is worth; None if that depends on `points_possible`, which is unknown.

    A letter is worth the lowest points of its range, as in teachers' own tables. Raises `InvalidGrade`.
    """
    match grading_type:
        case "points":
            return _number(grade, "a number of points, such as 8.5")
        case "percent":
            if not grade.endswith("%"):
                raise InvalidGrade(f"{_quoted(grade)} is not a percentage, such as 85%")
            share = _number(grade[:-1], "a percentage, such as 85%")
        case "pass_fail":
            if grade not in ("pass", "fail"):
                raise InvalidGrade(f"{_quoted(grade)} is neither pass nor fail")
            share = _HUNDRED if grade == "pass" else Decimal(0)
        case "letter_grade":
            least = dict(LETTER_SCALE).get(grade)
            if least is None:
                letters = " ".join(letter for letter, _ in LETTER_SCALE)
                raise InvalidGrade(f"{_quoted(grade)} is not a letter of the grading scale [{letters}]")
            share = Decimal(least)
    if points_possible is None:
        return None
    return _EXACT.divide(_EXACT.multiply(share, points_possible), _HUNDRED)


def text_of(points: Decimal, grading_type: GradingType, points_possible: Decimal | None) -> str | None:
    """The text form of `points`; None if that depends on `points_possible`, which is unknown.

    With ``pass_fail``, any points above 0 are a pass.
    """
    if grading_type == "points":
        return plain(points)
    if grading_type == "pass_fail":
        return "pass" if points > 0 else "fail"
    if not points_possible:
        return None
    share = _EXACT.divide(_EXACT.multiply(points, _HUNDRED), points_possible)
    if grading_type == "percent":
        return plain(rounded(share, Decimal("0.01"))) + "%"
    return next(letter for letter, least in LETTER_SCALE if share >= least)


def rounded(number: Decimal, step: Decimal) -> Decimal:
    """`number` to the digits of `step`, halves up, however large it is: decimal's own context ends at 28 digits."""
    return number.quantize(step, ROUND_HALF_UP, _EXACT)


def plain(number: Decimal) -> str:
    """`number` in digits, without an exponent or trailing zeros."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _number(text: str, wanted: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise InvalidGrade(f"{_quoted(text)} is not {wanted}")
    return Decimal(text)


def _quoted(grade: str) -> str:
    """An invalid grade as a message quotes it."""
    return f"'{grade}'" if len(grade) <= _LONGEST_SHOWN else f"'{grade[:_LONGEST_SHOWN]}...'"
