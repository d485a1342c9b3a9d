"""How far a long piece of work has got."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Shows how far the work has got."""

    def read(self, done: int, total: int) -> None:
        """`done` of `total` items of the current step are done."""
        ...

    def step(self, what: str) -> None:
        """A new step begins."""
        ...


class Quiet:
    """A `Progress` that shows nothing."""

    def read(self, done: int, total: int) -> None:
        """Show nothing."""

    def step(self, what: str) -> None:
        """Show nothing."""
