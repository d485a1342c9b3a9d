"""A clock that tests set."""

from __future__ import annotations

from dataclasses import dataclass

NOW = 1_767_225_600_000
"""2026-01-01T00:00:00Z, where the tests' clock starts."""


@dataclass
class SetClock:
    """A clock that stands still until it is set."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now

    def advance(self, *, hours: float = 0, days: float = 0) -> None:
        """Set it forward."""
        self.now += int((hours + 24 * days) * 3_600_000)
