"""A progress bar on the terminal."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress


class ProgressBar:
    """Shows the current step and its progress; nothing without a terminal. See `passback.rosters.progress.Progress`."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("reading", total=None)

    def read(self, done: int, total: int) -> None:
        """Show that so much of the step is done."""
        self._bar.update(self._task, completed=done, total=total)

    def step(self, what: str) -> None:
        """Show that the next step begins."""
        self._bar.update(self._task, description=what, total=None)


@contextlib.contextmanager
def progress_bar() -> Iterator[ProgressBar]:
    """Show a bar inside the ``with``."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        console=console, transient=True,
    )  # fmt: skip
    # Without a terminal the bar would end with an empty line.
    with bar if console.is_terminal else contextlib.nullcontext():
        yield ProgressBar(bar)
