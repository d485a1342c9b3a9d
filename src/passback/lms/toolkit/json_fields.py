"""Reading an LMS's JSON tolerantly: anything unexpected is the LMS's fault, never an exception of our own.

Readers of one field return None if the field is missing or holds something else. Only `as_object`, `id_of`,
`number_or_none` and `require_readable` raise: `Unavailable`, because without an object or id nothing can be done, and
what cannot be read must not be taken for none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from passback.domain.clock import SECOND, Instant
from passback.lms.interface import RefusedByLms, Unavailable

Json = Mapping[str, Any]

_MOST_DIGITS = 30
_LONGEST_ID = 255
_LATEST_SECOND = 253_402_300_799
"""The end of the year 9999, in seconds since 1970."""


def as_object(content: Any) -> Json:
    """Return `content` if it is an object. Raises `Unavailable`."""
    if not isinstance(content, dict):
        raise Unavailable("its answer is not as expected")
    return content


def as_objects(content: Any) -> list[Json]:
    """Return the objects of a list, without anything else that is in it; empty if it is no list."""
    return [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []


def text(item: Json, name: str) -> str | None:
    """Return the text of a field; a number as text."""
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value)


def id_of(item: Json, name: str = "id") -> str:
    """Return an id, which must be there. Raises `Unavailable`, also if it is a fraction or far too long."""
    found = text(item, name)
    if found is None or not is_id(item, name):
        raise Unavailable(f"its answer has no {name}")
    return found


def check_id(item: Json, asked: str, name: str = "id") -> None:
    """Raise `Unavailable` if an object is not the one that was asked for."""
    if id_of(item, name) != asked:
        raise Unavailable("it shows something else than was asked for")


def is_id(item: Json, name: str = "id") -> bool:
    """Whether a field has an id."""
    return 0 < len(text(item, name) or "") <= _LONGEST_ID and not isinstance(item.get(name), float)


def texts(item: Json, name: str) -> list[str]:
    """Return a list of texts, numbers as texts; empty if the field is no list."""
    value = item.get(name)
    items = value if isinstance(value, list) else []
    return [str(one) for one in items if isinstance(one, str | int) and not isinstance(one, bool)]


def number(item: Json, name: str) -> Decimal | None:
    """Return a number, also one written as text."""
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    # No LMS means a longer number, and arithmetic with it would be slow.
    return found if found.is_finite() and abs(found.adjusted()) <= _MOST_DIGITS else None


def number_or_none(item: Json, name: str) -> Decimal | None:
    """Return a number, or None if there is none. Raises `Unavailable` if it is something else, never taken for none."""
    found = number(item, name)
    if found is None and item.get(name) is not None:
        raise Unavailable(f"its answer has a {name} that is no number", in_doubt=True)
    return found


def require_readable(item: Json, read: Callable[[Json, str], object], *names: str) -> None:
    """Raise `Unavailable` if one of the fields is there, and not empty, and `read` finds nothing in it."""
    for name in names:
        if item.get(name) not in (None, "") and read(item, name) is None:
            raise Unavailable(f"its {name} cannot be read", in_doubt=True)


def integer(item: Json, name: str) -> int | None:
    """Return a number without its fraction."""
    found = number(item, name)
    return None if found is None else int(found)


def flag(item: Json, name: str) -> bool | None:
    """Return a boolean, also one written as 0 or 1."""
    value = item.get(name)
    return value if isinstance(value, bool) else {"0": False, "1": True}.get(text(item, name) or "")


def unix_instant(item: Json, name: str) -> Instant | None:
    """Return a time in seconds since 1970."""
    seconds = integer(item, name)
    return seconds * SECOND if seconds is not None and 0 <= seconds <= _LATEST_SECOND else None


def instant(item: Json, name: str) -> Instant | None:
    """Return a time (ISO 8601); without a zone it is in UTC."""
    value = item.get(name)
    if not isinstance(value, str) or not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    try:
        utc = parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)
    except OverflowError:  # in UTC it is before the first year, or after the last
        return None
    return int(utc.timestamp()) * 1000 + utc.microsecond // 1000


def isoformat(when: Instant | None) -> str | None:
    """Return a time as ISO 8601, in whole seconds of UTC; None for None. Raises `RefusedByLms` if it is too far."""
    if when is None:
        return None
    return as_datetime(when).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_datetime(when: Instant) -> datetime:
    """Return a time in UTC, in whole seconds. Raises `RefusedByLms` if it is too far away."""
    try:
        return datetime.fromtimestamp(when // 1000, UTC)
    except (OverflowError, OSError, ValueError):
        raise RefusedByLms("INVALID_DATE", "the LMS does not accept a date so far away") from None
