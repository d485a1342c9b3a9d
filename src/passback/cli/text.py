"""How values are printed and read."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from passback.cli import UsageError
from passback.domain.clock import DAY, HOUR, MINUTE, SECOND, Instant

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


def one_line(text: str) -> str:
    """`text` without line breaks and control characters, which would disturb the table or the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def show_time(instant: Instant | None) -> str:
    """An instant to the second; nothing for None."""
    if instant is None:
        return ""
    return datetime.fromtimestamp(instant / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso(instant: Instant | None) -> str | None:
    """An instant to the second, for JSON."""
    return None if instant is None else show_time(instant)


def duration(text: str) -> int:
    """Milliseconds of a duration such as 90d, 12h, 30m or 0s. Raises `UsageError`."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text, re.ASCII)
    if match is None:
        raise UsageError(f"'{text}' is not a duration such as 90d, 12h, 30m or 0s")
    return int(match[1]) * _UNITS[match[2]]
