"""What a simulated LMS knows: its records and its settings. A handler needs no more of a simulator than this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from passback_simulators.clock import Clock
from passback_simulators.records import Change, Records

Keep = Callable[[Sequence[Change]], Awaitable[None]]
"""Saves what a request changed, before the request is answered."""


class State:
    """The state of a simulated LMS. A subclass adds the LMS's own settings and look-ups."""

    def __init__(self, clock: Clock, keep: Keep | None = None) -> None:
        self.clock = clock
        self.records = Records()
        self.settings = self.default_settings()
        """Everything that the control endpoint can set.

        `retry_after` is the header that goes with what is throttled or fails; empty for none.
        """
        self._keep = keep

    def default_settings(self) -> dict[str, Any]:
        """Everything that can be set, as it is at first."""
        return {"latency_ms": 0, "retry_after": "", **self.own_settings()}

    def own_settings(self) -> dict[str, Any]:
        """The LMS's own settings, with their defaults."""
        return {}

    async def save(self) -> None:
        """Save the changed records."""
        changes = self.records.take_changes()
        if changes and self._keep is not None:
            await self._keep(changes)
