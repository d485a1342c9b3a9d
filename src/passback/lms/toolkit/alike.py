"""Comparing what an LMS stores with what it was sent: LMSs trim, clean and round.

For finding what was created although its answer was lost: a difference that no LMS makes says that it is something
else.
"""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from passback.domain.assignment import plain_title
from passback.lms.toolkit.html import html_to_text

T = TypeVar("T")

_ROUNDING = 0.01
"""By how much points may differ because an LMS keeps two digits."""


def same_title(stored: str, sent: str) -> bool:
    """Whether two titles differ at most in blanks and in how accents are encoded."""
    return plain_title(stored) == plain_title(sent)


def same_points(stored: Decimal | None, sent: Decimal | float | None) -> bool:
    """Whether two numbers of points differ at most by rounding."""
    if stored is None or sent is None:
        return stored is None and sent is None
    return math.isclose(stored, sent, rel_tol=1e-6, abs_tol=_ROUNDING)


def may_be_left_of(stored: str, sent: str) -> bool:
    """Whether the markup `stored` may be what an LMS left of `sent`: it removes tags and words, and adds none."""
    rest = iter(_letters(html.unescape(sent)))
    return all(letter in rest for letter in _letters(html_to_text(stored)))


def same_words(stored: str, sent: str) -> bool:
    """Whether a reader sees the same words in two pieces of markup."""
    return _letters(html_to_text(stored)) == _letters(html_to_text(sent))


def likeliest(candidates: Sequence[T], likely: Callable[[T], bool]) -> list[T]:
    """Return those of several candidates that are `likely`, if any is; else all."""
    return [one for one in candidates if len(candidates) > 1 and likely(one)] or [*candidates]


def _letters(text: str) -> str:
    """Return the letters and digits of a text: LMSs change blanks, quotes and symbols."""
    return "".join(one for one in unicodedata.normalize("NFKC", text) if one.isalnum())
