"""Date-times as the contract's decoder reads them, and as answers show them.

Eleven layouts are tried in order, and the error is always that of the last one, a date alone (wire rule: dates).
Years go from 0000 to 9999, and an offset can take an instant beyond them, so dates outside of the range of `datetime`
are calculated here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from passback.wire.errors import Refusal, bad_request
from passback.wire.quote import quoted_time
from passback.wire.requests import WireDate

_MOST_CACHED = 4096
"""How many parsed dates are cached: every request about an assignment repeats the same ones."""
_LONGEST_CACHED = 40
"""A fraction may have any number of digits; a text with a million of them is not cached."""

_MINUTE_MS = 60_000
_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_HOUR = r"(?P<hour>2[0-3]|[01]?[0-9])"
_MINUTE = r":(?P<minute>[0-5][0-9])"
_SECOND = r":(?P<second>[0-5][0-9])"
_FRACTION = r"(?:[.,](?P<fraction>[0-9]+))?"
# Offsets of 24 hours and of 60 minutes pass, as in Go.
_OFFSET = r"[+-](?:[01][0-9]|2[0-4]){}(?:[0-5][0-9]|60)"

_is_common = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{3})?Z"
).fullmatch
_match_date = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})").match
# With seconds, and any fraction; the zone is optional.
_TIME = f"T{_HOUR}{_MINUTE}{_SECOND}{_FRACTION}(?P<zone>Z|{_OFFSET.format(':')})?"
# The offset's colon may be missing only after 3 or 6 digits. Go reads those digits as a number, sign included.
_DIGITS = r"(?P<fraction>[0-9]{3}|[0-9]{6}|\+[0-9]{2}|\+[0-9]{5}|-00|-00000)"
_TIME_IN_DIGITS = f"T{_HOUR}{_MINUTE}{_SECOND}[.,]{_DIGITS}(?P<zone>Z|{_OFFSET.format(':?')})"
# Without seconds, no offset is allowed.
_TIME_OF_MINUTES = f"T{_HOUR}{_MINUTE}(?P<second>)(?P<fraction>)(?P<zone>Z)?"
# With blanks instead of a T, no zone is allowed, not even Z.
_TIME_AFTER_BLANKS = f" +{_HOUR}{_MINUTE}{_SECOND}{_FRACTION}(?P<zone>)"
_TIMES = tuple(map(re.compile, (_TIME, _TIME_IN_DIGITS, _TIME_OF_MINUTES, _TIME_AFTER_BLANKS)))


def parse(text: str) -> WireDate:
    """Parse `text`; an empty text is 1970-01-01T00:00:00Z.

    Raises `Refusal` with Go's ``parsing time ...`` if no layout matches.
    """
    return _parse_cached(text) if len(text) <= _LONGEST_CACHED else _parse_any(text)


@lru_cache(_MOST_CACHED)
def _parse_cached(text: str) -> WireDate:
    if _is_common(text):
        try:
            instant = (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND
        except ValueError:  # no such day, or the year 0000
            pass
        else:
            return WireDate(text, instant, 0, True)
    return _parse_any(text)


def _parse_any(text: str) -> WireDate:
    if not text:
        return WireDate(text, 0, 0, False)
    date = _match_date(text)
    if date is None:
        raise _refusal(text)
    year, month, day = map(int, date.groups())
    rest = text[date.end() :]
    if not 1 <= month <= 12:
        raise bad_request(f"parsing time {quoted_time(text)}: month out of range")
    day_exists = 1 <= day <= _days_in(year, month)
    midnight = _days_from_civil(year, month, day) * _DAY_MS
    if not rest:
        if not day_exists:
            raise bad_request(f"parsing time {quoted_time(text)}: day out of range")
        return WireDate(text, midnight, 0, False)
    for pattern in _TIMES:
        time = pattern.fullmatch(rest)
        if time is not None and day_exists:
            hour, minute, second, fraction, zone = time.group("hour", "minute", "second", "fraction", "zone")
            offset = _offset(zone)
            seconds = int(hour) * 3600 + int(minute) * 60 + int(second or 0)
            instant = midnight + seconds * 1000 + _milliseconds(fraction) - offset * _MINUTE_MS
            return WireDate(text, instant, offset, bool(zone))
    raise bad_request(f"parsing time {quoted_time(text)}: extra text: {quoted_time(rest)}")


def _offset(zone: str | None) -> int:
    if not zone or zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return -minutes if zone[0] == "-" else minutes


def _milliseconds(fraction: str | None) -> int:
    if not fraction:
        return 0
    return int((fraction.replace("+", "0").replace("-", "0") + "00")[:3])


def _refusal(text: str) -> Refusal:
    """The error for a text that does not start with a date: names the first element of the last layout that fails."""
    at = 0
    for element, pattern in _ELEMENTS:
        match = pattern(text, at)
        if match is None:
            break
        at = match.end()
        if element == "01" and not 1 <= int(match.group()) <= 12:
            return bad_request(f"parsing time {quoted_time(text)}: month out of range")
    return bad_request(
        f'parsing time {quoted_time(text)} as "2006-01-02": cannot parse {quoted_time(text[at:])} as "{element}"'
    )


_match_dash = re.compile("-").match
_match_two = re.compile("[0-9]{2}").match
_ELEMENTS = (
    ("2006", re.compile("[0-9]{4}").match),
    ("-", _match_dash),
    ("01", _match_two),
    ("-", _match_dash),
    ("02", _match_two),
)


@lru_cache(_MOST_CACHED)
def show(instant: int) -> str:
    """Format `instant` (milliseconds since 1970 in UTC) as ``YYYY-MM-DDThh:mm:ss.sssZ``."""
    days, rest = divmod(instant, _DAY_MS)
    year, month, day = _civil_from_days(days)
    seconds, milliseconds = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    sign = "-" if year < 0 else ""
    return f"{sign}{abs(year):04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z"


def _days_in(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _days_from_civil(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01. Years begin in March here, so that the leap day comes last."""
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def _civil_from_days(days: int) -> tuple[int, int, int]:
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * march_month + 2) // 5 + 1
    month = (march_month + 2) % 12 + 1
    return year_of_era + era * 400 + (month <= 2), month, day
