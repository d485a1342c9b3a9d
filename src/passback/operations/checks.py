"""What a look at something found, one check a line: how bad, what, and what to do."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Level = Literal["problem", "warning", "ok"]
LEVELS: tuple[Level, ...] = ("problem", "warning", "ok")
"""Worst first."""
_GIB = 1024**3
_LITTLE_ROOM = 2 * _GIB
_TOO_LITTLE_ROOM = _GIB // 5


class Check(Struct, frozen=True):
    """What was looked at, and what was found."""

    level: Level
    subject: str
    found: str
    todo: str | None = None
    """What to do about it."""


def worst_first(found: Iterable[Check]) -> list[Check]:
    """Checks in the order in which to look at them; those of a level stay in theirs."""
    return sorted(found, key=lambda it: LEVELS.index(it.level))


def room(folder: Path) -> Check:
    """How much room there is for data in a folder."""
    free = shutil.disk_usage(folder).free
    found = f"{free / _GIB:,.1f} GiB are free where the data is ({folder})"
    if free < _LITTLE_ROOM:
        level: Level = "problem" if free < _TOO_LITTLE_ROOM else "warning"
        return Check(level, "disk", found, "make room, or move the data folder")
    return Check("ok", "disk", found)
