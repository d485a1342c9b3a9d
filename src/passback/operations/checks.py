"""What a look at something found, one check a line: how bad, what, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Level = Literal["problem", "warning", "ok"]
LEVELS: tuple[Level, ...] = ("problem", "warning", "ok")
"""Worst first."""


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
