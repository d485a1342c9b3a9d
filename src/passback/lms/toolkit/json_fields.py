"""Reading an LMS's JSON tolerantly: what is not as expected is a fault of the LMS, never one of ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from passback.domain.clock import Instant
from passback.lms.interface import Refused, Unavailable

Json = Mapping[str, Any]

_MOST_DIGITS = 30


def as_object(content: Any) -> Json:
    """`content`, which must be an object."""
    if not isinstance(content, dict):
        raise Unavailable("its answer is not as expected")
    return content


def as_objects(content: Any) -> list[Json]:
    """The objects of a list; whatever else is in it, or instead of it, is left out."""
    return [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []


def text(item: Json, name: str) -> str | None:
    """A text, or a number as one; None where there is none."""
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)


def id_of(item: Json, name: str = "id") -> str:
    """An id, which must be there."""
    found = text(item, name)
    if not found:
        raise Unavailable(f"its answer has no {name}")
    return found


def texts(item: Json, name: str) -> list[str]:
    """A list of texts, or of numbers as texts."""
    value = item.get(name)
    return [str(one) for one in value if isinstance(one, str | int)] if isinstance(value, list) else []


def number(item: Json, name: str) -> Decimal | None:
    """A number."""
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    # What is longer is no number that an LMS means, and slow to reckon with.
    return found if found.is_finite() and abs(found.adjusted()) <= _MOST_DIGITS else None


def as_integer(item: Json, name: str) -> int | None:
    """A whole number."""
    found = number(item, name)
    return None if found is None else int(found)


def instant(item: Json, name: str) -> Instant | None:
    """A time (ISO 8601); one without a zone is in UTC."""
    value = item.get(name)
    if not isinstance(value, str) or not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    zoned = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
    return int(zoned.timestamp()) * 1000 + zoned.microsecond // 1000


def isoformat(when: Instant | None) -> str | None:
    """A time as ISO 8601, in whole seconds of UTC."""
    if when is None:
        return None
    return as_datetime(when).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_datetime(when: Instant) -> datetime:
    """An instant in UTC, in whole seconds. Raises `Refused` where no LMS has such a date."""
    try:
        return datetime.fromtimestamp(when // 1000, UTC)
    except (OverflowError, OSError, ValueError):
        raise Refused("INVALID_DATE", "the LMS takes no date so far away") from None
