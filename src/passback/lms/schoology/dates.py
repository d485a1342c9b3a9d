"""Schoology's due dates: local time without a zone, in the time zone of the key's user."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from passback.lms.interface import RefusedByLms

if TYPE_CHECKING:
    from passback.domain.clock import Instant

_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_zone(name: str) -> bool:
    """Whether there is a time zone of this name."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return False
    return True


def to_lms(when: Instant, zone: str) -> str:
    """Return an instant as Schoology takes it, in whole seconds of `zone` (IANA). Raises `RefusedByLms`."""
    try:
        return f"{datetime.fromtimestamp(when // 1000, ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, OSError, ValueError):  # the last day of the year 9999, somewhere in the east
        raise RefusedByLms("INVALID_DUE_DATE", "Schoology does not accept a date so far away") from None


def from_lms(text: str, zone: str) -> Instant | None:
    """Return the instant that Schoology shows as `text`; None if it is not a date.

    In an hour that occurs twice in autumn, it is the first; in the hour skipped in spring, the time is read as if the
    clock had not been put forward yet.
    """
    own_zone = ZoneInfo(zone)
    for form in _FORMS:
        try:
            moment = datetime.strptime(text.strip(), form).replace(tzinfo=own_zone)
        except ValueError:
            continue
        try:
            return (moment.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
        except OverflowError:
            return None
    return None
