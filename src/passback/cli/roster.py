"""``passback roster``: bring in a district's people and sections."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from passback.cli import Data, UsageError, one_line
from passback.cli.data import existing
from passback.domain.clock import system_clock
from passback.store import roster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress

    from passback.gateway.importing import Checked
    from passback.store.staging import Plan

app = App(name="roster", help="Bring in a district's people and sections.")

_MOST_SHOWN = 50


@app.command(name="import")
def import_roster(
    file: Path,
    *,
    district: str,
    dry_run: bool = False,
    allow_removals: bool = False,
    all_problems: bool = False,
    data: Data = None,
) -> int:
    """Make a district's roster what a file says: OneRoster 1.1 or 1.2 (CSV), or the five files of Clever's SFTP sync.

    All is checked first, and shown with file, line and column where it is wrong; then it is applied at once or not at
    all. Ids stay the same across imports: objects are known by their SIS ids.

    Args:
        file: The zip archive, or the folder of the files.
        district: The district's id.
        dry_run: Only show what would change.
        allow_removals: Remove also more than a tenth of what there is.
        all_problems: Show more problems than the first 50.
        data: The folder of the data file [data].
    """
    from passback.gateway import importing
    from passback.sis.archive import Archive
    from passback.sis.formats import format_of
    from passback.sis.rows import UnusableFile
    from passback.store.staging import Overtaken

    district = district.lower()
    with existing(data) as database, contextlib.ExitStack() as ends:
        if database.read_now(lambda conn: roster.find(conn, roster.DISTRICTS, district, district)) is None:
            raise UsageError(f"there is no district {district}")
        try:
            archive = Archive(file)
            ends.callback(archive.close)
            files = format_of(archive)
        except UnusableFile as error:
            raise UsageError(one_line(str(error))) from None
        session = ends.enter_context(database.session())
        with _shown() as shown:
            checked = importing.check(session, files, district, system_clock, shown)
        if checked.plan is None:
            _show_problems(checked, all_problems=all_problems)
            return 1
        print(f"{files.name}:")
        _show_plan(checked.plan)
        if dry_run or checked.plan.nothing:
            return 0
        removed = importing.too_many_removed(checked.plan)
        if removed and not allow_removals:
            print(
                f"passback: this would remove {', '.join(removed)}. If that is right, say --allow-removals. Nothing has"
                " been changed.",
                file=sys.stderr,
            )
            return 1
        try:
            with _shown() as shown:
                importing.apply(session, checked.plan, system_clock, shown)
        except Overtaken:
            raise UsageError("the roster was changed by another import meanwhile: run this again") from None
    print("Done.")
    return 0


def _show_problems(checked: Checked, *, all_problems: bool) -> None:
    shown = checked.problems if all_problems else checked.problems[:_MOST_SHOWN]
    for problem in shown:
        print(one_line(str(problem)), file=sys.stderr)
    more = checked.count - len(shown)
    print(
        f"passback: {checked.count:,} problem{'s' if checked.count > 1 else ''}"
        + (f", {more:,} of them not shown" if more else "")
        + "; nothing has been changed",
        file=sys.stderr,
    )


def _show_plan(plan: Plan) -> None:
    print(f"{'':<12}  {'now':>10}  {'added':>10}  {'changed':>10}  {'removed':>10}")
    for kind, it in plan.kinds.items():
        print(f"{kind:<12}  {it.before:>10,}  {it.created:>10,}  {it.updated:>10,}  {it.removed:>10,}")
    if plan.left_out:
        print(f"{plan.left_out:,} enrollments are left out: not now, or of people in another role")
    if plan.nothing:
        print("Nothing to change.")


class _Shown:
    """A bar on the terminal; where there is none, nothing."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("reading", total=None)

    def read(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)

    def step(self, what: str) -> None:
        self._bar.update(self._task, description=what, total=None)


@contextlib.contextmanager
def _shown() -> Iterator[_Shown]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    ) as bar:  # fmt: skip
        yield _Shown(bar)
