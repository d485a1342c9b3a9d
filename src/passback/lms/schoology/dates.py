"""Due dates without a zone: the time on the wall where the user of the key is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from passback.lms.interface import Refused

if TYPE_CHECKING:
    from passback.domain.clock import Instant

_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


def is_zone(name: str) -> bool:
    """Whether there is a time zone of this name."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return False
    return True


def to_lms(when: Instant, zone: str) -> str:
    """An instant as Schoology takes it, in whole seconds of `zone` (IANA). Raises `Refused`."""
    try:
        return f"{datetime.fromtimestamp(when // 1000, ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, OSError, ValueError):  # the last day of the year 9999, somewhere in the east
        raise Refused("INVALID_DUE_DATE", "Schoology takes no date so far away") from None


def from_lms(text: str, zone: str) -> Instant | None:
    """The instant that Schoology shows as `text`; None where it is no date.

    Of an hour that comes twice in autumn it is the first; in an hour that spring leaves out, the time is as if the
    clock had not been put forward yet.
    """
    for form in _FORMS:
        try:
            moment = datetime.strptime(text.strip(), form)
        except ValueError:
            continue
        try:
            since = moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        except OverflowError:
            return None
        return since // timedelta(milliseconds=1)
    return None
