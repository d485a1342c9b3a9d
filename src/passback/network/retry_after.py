"""The ``Retry-After`` header in each of its forms (RFC 9110, 10.2.3)."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST_TEXT = 64
_SECONDS = re.compile(r"\d+(\.\d*)?", re.ASCII)


def parse(text: str, date: str = "") -> float | None:
    """Return for how many seconds to wait, 0 if that is over; None if the header's value is none of its forms.

    `date` is the answer's ``Date``: a wait until a date does not depend on whether the two clocks agree then.
    """
    text = text.strip()
    if len(text) > _LONGEST_TEXT:
        return None
    if _SECONDS.fullmatch(text):  # fractions are not in the standard, but sent
        seconds = float(text)
        return seconds if math.isfinite(seconds) else None
    until = moment(text)
    if until is None:
        return None
    return max(0.0, (until - (moment(date) or datetime.now(UTC))).total_seconds())


def moment(text: str) -> datetime | None:
    """Read a date in one of HTTP's three formats, of which one names no zone; None if it is in none of them."""
    try:
        found = parsedate_to_datetime(text[:_LONGEST_TEXT])
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
