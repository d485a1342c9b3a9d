"""``passback roster``: bring in a district's people and sections."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from passback.cli import Data, UsageError, one_line
from passback.cli.data import existing, gateway_on
from passback.domain.clock import system_clock
from passback.store import roster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress

    from passback.gateway.importing import Checked
    from passback.gateway.lms_roster import LmsRoster
    from passback.sis.rows import Format
    from passback.store.database import Database
    from passback.store.staging import Plan

app = App(name="roster", help="Bring in a district's people and sections.")

_MOST_SHOWN = 50


@app.command(name="import")
def import_roster(
    file: Path | None = None,
    *,
    district: str,
    from_lms: bool = False,
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
        from_lms: Read the roster from the connected LMS instead, where there is nothing else.
        dry_run: Only show what would change.
        allow_removals: Remove also more than a tenth of what there is.
        all_problems: Show more problems than the first 50.
        data: The folder of the data file [data].
    """
    from passback.gateway import importing, lms_roster
    from passback.store.staging import Overtaken

    if (file is None) is not from_lms:
        raise UsageError("name a file, or say --from-lms")
    district = district.lower()
    with existing(data) as database, contextlib.ExitStack() as ends:
        if database.read_now(lambda conn: roster.find(conn, roster.DISTRICTS, district, district)) is None:
            raise UsageError(f"there is no district {district}")
        files = _read_lms(database, data, district) if file is None else _open(file, ends)
        session = ends.enter_context(database.session())
        with _shown() as shown:
            checked = importing.check(session, files, district, system_clock, shown)
        if checked.plan is None:
            _show_problems(checked, all_problems=all_problems)
            return 1
        print(f"{files.name}:")
        _show_plan(checked.plan)
        removed = importing.too_many_removed(checked.plan)
        if dry_run:
            return 0
        if removed and not allow_removals:
            print(
                f"passback: this would remove {', '.join(removed)}. If that is right, say --allow-removals. Nothing has"
                " been changed.",
                file=sys.stderr,
            )
            return 1
        if not checked.plan.nothing:
            try:
                with _shown() as shown:
                    importing.apply(session, checked.plan, system_clock, shown)
            except Overtaken:
                raise UsageError(
                    "the roster was changed by another import meanwhile: run this again"
                ) from None
            print("Done.")
        if isinstance(files, lms_roster.LmsRoster):
            database.write_now(lambda conn: lms_roster.match(conn, district, files, system_clock()))
    return 0


def _open(file: Path, ends: contextlib.ExitStack) -> Format:
    from passback.sis.archive import Archive
    from passback.sis.formats import format_of
    from passback.sis.rows import UnusableFile

    try:
        archive = Archive(file)
        ends.callback(archive.close)
        return format_of(archive)
    except UnusableFile as error:
        raise UsageError(one_line(str(error))) from None


def _read_lms(database: Database, data: str | None, district: str) -> LmsRoster:
    from passback.gateway.lms_roster import read_lms
    from passback.gateway.matching import NotConnected
    from passback.lms.connector import LmsError

    async def read() -> LmsRoster:
        async with gateway_on(database, data) as gateway:
            with _shown() as shown:
                return await read_lms(gateway, district, shown.read)

    try:
        return asyncio.run(read())
    except NotConnected as error:
        raise UsageError(str(error)) from None
    except LmsError as error:
        raise UsageError(f"the LMS cannot be read: {error}") from None


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
