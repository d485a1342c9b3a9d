"""``passback roster``: bring in a district's people and sections."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App
from msgspec import Struct

from passback.cli import Data, UsageError, one_line
from passback.cli.data import existing, gateway_on
from passback.cli.progress import shown
from passback.cli.sync import report_resuming
from passback.domain.clock import system_clock
from passback.store import roster

if TYPE_CHECKING:
    from passback.rosters.import_files import Checked
    from passback.rosters.lease import Renew
    from passback.sis.rows import Format
    from passback.store.engine.database import Opened, Session
    from passback.store.staging.compare import Plan

app = App(name="roster", help="Bring in a district's people and sections.")

_MOST_SHOWN = 50


@app.command(name="import")
def import_roster(
    file: str | None = None,
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

    Exit codes: 0 done (or nothing to do), 1 the roster has problems or would remove too much, 2 it could not be read,
    or was asked for wrongly.

    Args:
        file: The zip archive, or the folder of the files.
        district: The district's id.
        from_lms: Read the roster from the connected LMS instead, where there is nothing else.
        dry_run: Only show what would change.
        allow_removals: Remove also more than a tenth of what there is.
        all_problems: Show not only the first 50 problems, but all that are kept: 1,000, and of each sort of problem
            between rows (such as students who are not there) 200.
        data: The folder of the data file [data].
    """
    if (file is None) is not from_lms or file == "":  # which would be the folder that one is in
        raise UsageError("name a file, or say --from-lms" + (", not both" if file and from_lms else ""))
    district = district.lower()
    wanted = Wanted(district, dry_run, allow_removals, all_problems)
    with existing(data) as database, contextlib.ExitStack() as ends:
        if database.read_now(lambda conn: roster.find(conn, roster.DISTRICTS, district, district)) is None:
            raise UsageError(f"there is no district {district}")
        if file is None:
            return asyncio.run(_take_lms(database, data, wanted))
        files = _open(Path(file), ends)
        session = ends.enter_context(database.session())
        return 0 if _take(session, files, wanted) is not None else 1


class Wanted(Struct, frozen=True):
    """What is to be done with a roster."""

    district: str
    dry_run: bool
    allow_removals: bool
    all_problems: bool


def _take(session: Session, files: Format, wanted: Wanted, hold: Renew | None = None) -> bool | None:
    """Check a roster, show its changes, and apply it. Whether it is the district's now; None where it is refused."""
    from passback.rosters import import_files
    from passback.store.staging.compare import RosterChanged

    with shown() as bar:
        checked = import_files.check(session, files, wanted.district, system_clock, bar)
    if checked.plan is None:
        _show_problems(checked, all_problems=wanted.all_problems)
        return None
    print(f"{files.name}:")
    _show_plan(checked.plan)
    removed = import_files.too_many_removed(checked.plan)
    if removed and not wanted.allow_removals:
        print(
            f"passback: this would remove {', '.join(removed)}. If that is right, say --allow-removals. Nothing has"
            " been changed.",
            file=sys.stderr,
        )
        return None
    if wanted.dry_run:
        print("Nothing has been changed: this was a dry run.")
        return False
    # Also where nothing changes: from now on the roster follows where this one is from.
    try:
        with shown() as bar:
            import_files.apply(session, checked.plan, system_clock, bar, hold)
    except RosterChanged:
        raise UsageError("the roster was changed by another import meanwhile: run this again") from None
    if not checked.plan.nothing:
        print("Done.")
    return True


async def _take_lms(database: Opened, data: str | None, wanted: Wanted) -> int:
    """Read the LMS, and take what it has. As any sync it can be broken off, and goes on where it was."""
    from passback.lms.interface import LmsError
    from passback.rosters import read_lms, sync
    from passback.rosters.failures import Broken, describe_error, record_failure
    from passback.rosters.lease import LeaseLost, claim, leased
    from passback.rosters.lms_as_files import LmsRoster
    from passback.rosters.threads import in_thread

    async with gateway_on(database, data) as gateway:
        try:
            connector = await read_lms.connector_of(gateway, wanted.district)
            held = await claim(gateway, wanted.district)
            if held is None:
                raise UsageError(
                    "the LMS is being read now: passback sync status says how far it is (a command that was killed is"
                    " waited for 45 seconds)"
                )
            report_resuming(held.sync)
            began = await read_lms.items_read(held)
            async with leased(held):
                try:
                    with shown() as bar:
                        unread = await sync.read(held, bar)
                except LmsError as error:
                    await record_failure(held, error, began)
                    raise

                def take(session: Session, _: object) -> bool | None:
                    files = LmsRoster(
                        session, wanted.district, f"The roster of {connector.capabilities.name}"
                    )
                    taken = _take(session, files, wanted, held.renew)
                    if taken:
                        with shown() as bar:
                            sync.match(held, session, bar, allow_losses=wanted.allow_removals)
                    return taken

                taken = await in_thread(gateway, take)
                left = sync.skipped_sections_note(unread)
                if left is not None and taken is not None:
                    print(f"passback: {one_line(left)}", file=sys.stderr)
                await (sync.finish(held, left) if taken else read_lms.discard(held))
        except (read_lms.NotConnected, Broken) as error:
            raise UsageError(str(error)) from None
        except LmsError as error:
            raise UsageError(describe_error(error)) from None
        except LeaseLost:
            raise UsageError("another began to read the LMS meanwhile: run this again") from None
    return 1 if taken is None or left is not None else 0


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
    if plan.people_left_out:
        people = "1 person is" if plan.people_left_out == 1 else f"{plan.people_left_out:,} people are"
        print(f"{people} left out: neither student nor teacher, or not now")
    if plan.left_out:
        enrollments = "1 enrollment is" if plan.left_out == 1 else f"{plan.left_out:,} enrollments are"
        print(f"{enrollments} left out: not now, or of people in another role")
    if plan.nothing:
        print("Nothing to change.")
