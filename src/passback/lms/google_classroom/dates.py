"""Google's due dates: day and time of day separately, both in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from passback.lms.toolkit.json_fields import as_datetime, integer

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.lms.toolkit.json_fields import Json


def to_lms(when: Instant) -> dict[str, Any]:
    """Return ``dueDate`` and ``dueTime`` of an instant, in whole seconds. Raises `RefusedByLms`."""
    moment = as_datetime(when)
    return {
        "dueDate": {"year": moment.year, "month": moment.month, "day": moment.day},
        "dueTime": {"hours": moment.hour, "minutes": moment.minute, "seconds": moment.second},
    }


def from_lms(content: Json) -> Instant | None:
    """Return when an item is due; None if it has no due date, or an invalid one."""
    day, time = content.get("dueDate"), content.get("dueTime")
    if not isinstance(day, dict):
        return None
    # Zeros are left out: midnight comes as an empty object, or not at all.
    clock = time if isinstance(time, dict) else {}
    try:
        moment = datetime(
            integer(day, "year") or 0, integer(day, "month") or 0, integer(day, "day") or 0,
            integer(clock, "hours") or 0, integer(clock, "minutes") or 0, integer(clock, "seconds") or 0,
            tzinfo=UTC,
        )  # fmt: skip
    except (ValueError, OverflowError):
        return None
    nanos = min(max(0, integer(clock, "nanos") or 0), 999_999_999)
    return int(moment.timestamp()) * 1000 + nanos // 1_000_000
