"""Syncs a district with its LMS: reads it, updates a roster that follows it, matches, and records the result.

What has been read is kept section by section, so that a sync resumes where it was after a crash, a shutdown or a
failure of the LMS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from passback.rosters import import_files, read_lms, removals
from passback.rosters.failures import Broken, NoRoster, record_failure
from passback.rosters.lease import LeaseLost, leased
from passback.rosters.lms_as_files import LmsRoster
from passback.rosters.match import match_roster
from passback.rosters.threads import StoppableProgress, in_thread
from passback.store import districts, held_back, looks, roster, syncs
from passback.store.staging import compare

if TYPE_CHECKING:
    from passback.lms.interface import LmsError
    from passback.rosters.lease import SyncLease
    from passback.rosters.progress import Progress
    from passback.store.engine.database import Connection, Session


async def sync(lease: SyncLease, progress: Progress) -> str | None:
    """Run a sync. If it fails, records why and re-raises the error.

    Returns the note to operators about what it left out or held back; None if there is nothing to say.
    """
    items_before = await read_lms.items_read(lease)
    async with leased(lease):
        try:
            await lease.gateway.database.read(lambda conn: _check_roster(conn, lease.district_id))
            skipped = await read(lease, progress)
            await in_thread(
                lease.gateway,
                lambda session, check: _apply_and_match(lease, session, StoppableProgress(progress, check)),
            )
            return await finish(lease, skipped_sections_note(skipped))
        except LeaseLost:
            raise
        except Exception as error:
            await record_failure(lease, error, items_before)
            raise


def _check_roster(conn: Connection, district_id: str) -> None:
    """Raises `NoRoster` if there is nothing to match."""
    if not (districts.follows_lms(conn, district_id) or roster.has_sections(conn, district_id)):
        raise NoRoster


async def read(lease: SyncLease, progress: Progress) -> dict[str, LmsError]:
    """Read the district's LMS. Return the sections that were skipped, each with its error.

    Raises `passback.rosters.read_lms.NotConnected` and `LmsError`.
    """
    connector = await read_lms.connector_of(lease.gateway, lease.district_id)
    skipped = await read_lms.read_lms(lease, connector, progress)

    def enter(conn: Connection) -> None:
        districts.enter_first_sync(conn, lease.district_id, "matching_in_progress")
        lease.renew(conn)
        syncs.set_phase(conn, lease.district_id, "matching")

    await lease.gateway.database.write(enter)
    return skipped


def skipped_sections_note(skipped: Mapping[str, LmsError]) -> str | None:
    """The note to operators about sections that could not be read; None if there are none."""
    if not skipped:
        return None
    first, error = next(iter(skipped.items()))
    if len(skipped) == 1:
        return f"finished without section {first}, which could not be read and was left unchanged: {error}"
    return (
        f"finished without {len(skipped):,} sections, which could not be read and were left unchanged; the first is"
        f" section {first}: {error}"
    )


def _apply_and_match(lease: SyncLease, session: Session, progress: Progress) -> None:
    version = compare.version(session, lease.district_id)
    if districts.follows_lms(session, lease.district_id):
        files = LmsRoster(session, lease.district_id, "The LMS's roster")
        checked = import_files.check(
            session,
            files,
            lease.district_id,
            lease.gateway.clock,
            progress,
            import_files.Options(allow_removals=lease.sync.removals == 1, tolerance=import_files.STRICT),
        )
        if checked.plan is None:
            more = f" (and {checked.count - 1:,} more)" if checked.count > 1 else ""
            raise Broken(f"{checked.problems[0]}{more}")
        if checked.plan.version != version:
            raise compare.RosterChanged  # perhaps by a file, which the roster now follows instead
        # Even if nothing changes: something else may be held back than before.
        import_files.apply(session, checked.plan, lease.gateway.clock, progress, lease.renew)
    match(lease, session, progress, allow_losses=lease.sync.removals == 1)


def match(lease: SyncLease, session: Session, progress: Progress, *, allow_losses: bool) -> None:
    """Match the roster to what was read. Raises `LeaseLost` and `passback.store.staging.compare.RosterChanged`."""
    progress.step("matching")
    match_roster(
        session,
        lease.district_id,
        lease.gateway.clock,
        lease.renew,
        progress.read,
        allow_losses=allow_losses,
    )


async def finish(lease: SyncLease, skipped: str | None = None) -> str | None:
    """End a sync: schedule the next one and discard what was read. `skipped` is the note about skipped sections.

    Returns the whole note to operators, which is also recorded.
    """
    now = lease.gateway.clock()

    def end(conn: Connection) -> str | None:
        lease.renew(conn)
        follows = districts.follows_lms(conn, lease.district_id)
        held = removals.note(held_back.find(conn, lease.district_id), lease.district_id, follows_lms=follows)
        note = "; ".join(filter(None, (skipped, held))) or None
        syncs.record_success(conn, lease.district_id, now, note)
        looks.request_all(conn, lease.district_id, now, even_recent=lease.sync.requested is not None)
        return note

    note = await lease.gateway.database.write(end)
    # If the gateway crashes here, the next sync discards the rest when it begins.
    await read_lms.clear(lease)
    return note
