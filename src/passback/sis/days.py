"""Reads a day as databases and spreadsheets write it."""

from __future__ import annotations

import re
from datetime import date

_TIME = re.compile(r"[T ]\d\d?:\d\d(:\d\d(\.\d+)?)?( ?[AP]M)?(Z|[+-]\d\d:?\d\d)?$", re.IGNORECASE)
"""A time of day after a date, which is ignored."""
_YEAR = r"(?P<year>\d{4}|\d\d)"
_FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        r"(?P<year>\d{4})(?P<sign>[-/])(?P<month>\d\d?)(?P=sign)(?P<day>\d\d?)",
        r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)",
        # Never day before month: where 20/8 shows that a file writes days first, its 5/8 would be read as May.
        rf"(?P<month>\d\d?)(?P<sign>[-/])(?P<day>\d\d?)(?P=sign){_YEAR}",
        rf"(?P<day>\d\d?)(?P<sign>[- ])(?P<name>[A-Za-z]{{3,9}})\.?(?P=sign){_YEAR}",
        r"(?:[A-Za-z]{3,9}, )?(?P<name>[A-Za-z]{3,9})\.? (?P<day>\d\d?),? (?P<year>\d{4})",
    )
)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_CENTURY = 2000


def read_day(text: str) -> date | None:
    """The day in a text such as ``2026-08-31``, ``8/31/2026``, ``8/31/26`` or ``31-Aug-2026``; None if it is none.

    The month comes before the day, as in the US, unless it is a name. Years of two digits are in this century.
    """
    text = _TIME.sub("", text)
    for form in _FORMS:
        if (found := form.fullmatch(text)) is None:
            continue
        parts = found.groupdict()
        month = _month(parts["name"]) if "name" in parts else int(parts["month"])
        year = int(parts["year"]) + (_CENTURY if len(parts["year"]) == 2 else 0)
        try:
            return date(year, month, int(parts["day"]))
        except ValueError:
            return None
    return None


def _month(name: str) -> int:
    """The number of a month, whose name may be shortened; 0 if there is none."""
    name = "sep" if name.lower() == "sept" else name.lower()
    return next((n for n, month in enumerate(_MONTHS, 1) if name in (month, month[:3])), 0)
