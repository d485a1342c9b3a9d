"""Keeping districts in step with their LMSs: reading them, matching, and writing down what has changed.

A sync is held by one process at a time. What has been read of the LMS is kept section by section: whoever takes a sync
up after a crash, a stop or a failure of the LMS goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from passback.rosters import import_files, read_lms
from passback.rosters.failures import Broken, NoRoster, record_failure
from passback.rosters.lease import LeaseLost, leased
from passback.rosters.lms_as_files import LmsRoster
from passback.rosters.match import TooManyUnmatched, match_roster
from passback.rosters.threads import Checking, in_thread
from passback.store import roster, syncs
from passback.store.staging import tables

if TYPE_CHECKING:
    from passback.lms.interface import LmsError
    from passback.rosters.lease import SyncLease
    from passback.rosters.progress import Progress
    from passback.store.engine.database import Connection, Session

_ALLOW = "passback sync run --allow-removals --district"


async def sync(held: SyncLease, progress: Progress) -> None:
    """Carry out a sync, or write down why it was broken off. Raises what it was broken off by."""
    began = await read_lms.items_read(held)
    async with leased(held):
        try:
            await held.gateway.database.read(lambda conn: _check_roster(conn, held.district_id))
            unread = await read(held, progress)
            await in_thread(
                held.gateway, lambda session, check: _take_over(held, session, Checking(progress, check))
            )
            await finish(held, skipped_sections_note(unread))
        except LeaseLost:
            raise
        except Exception as error:
            await record_failure(held, error, began)
            raise


def _check_roster(conn: Connection, district_id: str) -> None:
    """Raises `NoRoster` where there would be nothing to match."""
    if not (roster.follows_lms(conn, district_id) or roster.has_sections(conn, district_id)):
        raise NoRoster


async def read(held: SyncLease, progress: Progress) -> dict[str, LmsError]:
    """Read the district's LMS; why some sections cannot be. Raises `NotConnected` and `LmsError`."""
    connector = await read_lms.connector_of(held.gateway, held.district_id)
    unread = await read_lms.read_lms(held.gateway, connector, held.sync, held.renew, progress)

    def enter(conn: Connection) -> None:
        roster.enter_first_sync(conn, held.district_id, "matching_in_progress")
        held.renew(conn)
        syncs.enter(conn, held.district_id, "matching")

    await held.gateway.database.write(enter)
    return unread


def skipped_sections_note(unread: Mapping[str, LmsError]) -> str | None:
    """What to tell of sections that could not be read."""
    if not unread:
        return None
    first, error = next(iter(unread.items()))
    if len(unread) == 1:
        return (
            f"done without section {first}, which could not be read; what there is of it here stays: {error}"
        )
    return (
        f"done without {len(unread):,} sections that could not be read; what there is of them here stays: section"
        f" {first}: {error}"
    )


def _take_over(held: SyncLease, session: Session, progress: Progress) -> None:
    version = tables.version(session, held.district_id)
    if roster.follows_lms(session, held.district_id):
        files = LmsRoster(session, held.district_id, "The LMS's roster")
        checked = import_files.check(session, files, held.district_id, held.gateway.clock, progress)
        if checked.plan is None:
            more = f" (and {checked.count - 1:,} more)" if checked.count > 1 else ""
            raise Broken(f"{checked.problems[0]}{more}")
        if checked.plan.version != version:
            raise tables.RosterChanged  # a file may have been imported since, which is followed from now on
        if (removed := import_files.too_many_removed(checked.plan)) and not held.sync.removals:
            raise Broken(
                f"this would remove {', '.join(removed)}: if that is right, {_ALLOW} {held.district_id}"
            )
        if not checked.plan.nothing:
            import_files.apply(session, checked.plan, held.gateway.clock, progress, held.renew)
    match(held, session, progress, allow_losses=held.sync.removals == 1)


def match(held: SyncLease, session: Session, progress: Progress, *, allow_losses: bool) -> None:
    """Match the roster to what was read. Raises `Broken`, `Lost` and `passback.store.staging.tables.Overtaken`."""
    progress.step("matching")
    try:
        match_roster(
            session,
            held.district_id,
            held.gateway.clock,
            held.renew,
            progress.read,
            allow_losses=allow_losses,
        )
    except TooManyUnmatched as error:
        raise Broken(
            f"{error} would be matched no more, and stay as they are: if that is right, {_ALLOW} {held.district_id}"
        ) from None


async def finish(held: SyncLease, left: str | None = None) -> None:
    """The sync is done: the next one is set, and what was read is forgotten. `left` says what stayed as it was."""
    now = held.gateway.clock()

    def end(conn: Connection) -> None:
        held.renew(conn)
        syncs.succeeded(conn, held.district_id, now, left)

    await held.gateway.database.write(end)
    # What is left after a crash here is forgotten when the next one begins.
    await read_lms.clear(held.gateway, held.district_id, held.renew)
