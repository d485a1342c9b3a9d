"""Dates without a zone: Schoology writes them in the zone of the acting user."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from passback_simulators.records import Record
    from passback_simulators.schoology.state import SchoologyState


def zone_name(lms: SchoologyState, user: Record) -> str:
    """The IANA name of a user's time zone."""
    return str(user["tz_name"] or lms.settings["due_zone"])


def seconds_now(lms: SchoologyState) -> int:
    """The present Unix time."""
    return lms.clock() // 1000


def local(lms: SchoologyState, seconds: int) -> str:
    """An instant as ``YYYY-MM-DD HH:MM:SS`` in the acting user's zone."""
    moment = datetime.fromtimestamp(seconds, ZoneInfo(zone_name(lms, lms.actor.user)))
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def instant(lms: SchoologyState, text: str) -> int | None:
    """The Unix time of a date in the acting user's zone, with or without a time of day; None if it is invalid."""
    zone = ZoneInfo(zone_name(lms, lms.actor.user))
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        try:
            moment = datetime.strptime(text.strip(), form).replace(tzinfo=zone)
        except ValueError:
            continue
        return int(moment.timestamp()) if 1970 <= moment.year < 9999 else None
    return None


def utc_offset(lms: SchoologyState, user: Record) -> float:
    """How many hours a user's zone is ahead of UTC now."""
    moment = datetime.fromtimestamp(seconds_now(lms), ZoneInfo(zone_name(lms, user)))
    offset = moment.utcoffset()
    assert offset is not None
    hours = offset.total_seconds() / 3600
    return int(hours) if hours == int(hours) else hours


def today(lms: SchoologyState) -> str:
    """Today's date in UTC, for comparison with those of grading periods."""
    return f"{datetime.fromtimestamp(seconds_now(lms), UTC):%Y-%m-%d}"
