"""Telling how far something is that takes long."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is told how far it is."""

    def read(self, done: int, total: int) -> None:
        """So much of the step is done."""
        ...

    def step(self, what: str) -> None:
        """What is done next."""
        ...


class Quiet:
    """Tells nobody. See `Progress`."""

    def read(self, done: int, total: int) -> None:
        """Nobody looks."""

    def step(self, what: str) -> None:
        """Nobody looks."""
