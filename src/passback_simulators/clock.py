"""The time as a simulator reads it, from a clock that tests can set."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], int]
"""Returns milliseconds since 1970-01-01T00:00:00Z."""
