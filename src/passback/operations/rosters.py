"""Rosters: making a district's what files, or its LMS, say."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct

from passback.lms.interface import LmsError
from passback.operations.districts import required
from passback.operations.errors import OperationError
from passback.operations.syncs import resumes_from
from passback.rosters import failures, import_files, lease, read_lms, sync, threads
from passback.rosters.import_files import Checked
from passback.rosters.lms_as_files import LmsRoster
from passback.sis.archive import Archive
from passback.sis.formats import format_of
from passback.sis.rows import UnusableFile
from passback.store.staging.compare import Plan, RosterChanged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passback.context import Gateway
    from passback.domain.clock import Clock, Instant
    from passback.rosters.lease import Renew, SyncLease
    from passback.rosters.progress import Progress
    from passback.sis.rows import Format
    from passback.store.engine.database import Opened, Session

__all__ = ["Checked", "ImportRequest", "Observer", "Outcome", "Plan", "import_from_files", "import_from_lms"]


class Observer(Protocol):
    """Sees an import while it goes on."""

    def progress(self) -> AbstractContextManager[Progress]:
        """Show the progress of a step inside the ``with``."""
        ...

    def resuming(self, since: Instant) -> None:
        """What has been read of the LMS since then is used."""
        ...

    def compared(self, name: str, checked: Checked) -> None:
        """The roster of that name was checked and compared; nothing has changed yet."""
        ...

    def applied(self, plan: Plan) -> None:
        """It is the district's roster now."""
        ...


class ImportRequest(Struct, frozen=True):
    """An import to be carried out."""

    district_id: str
    dry_run: bool = False
    """Whether to change nothing."""
    allow_removals: bool = False
    """Whether it may remove, or unmatch, more than 10 %."""


class Outcome(Struct, frozen=True):
    """What came of an import."""

    state: Literal["applied", "dry run", "invalid", "too many removals"]
    removals: Sequence[str] = ()
    """Of which kinds of objects it would remove too many, each with how many."""
    skipped: str | None = None
    """Which sections the LMS did not give; None if it gave all."""


async def require_district(database: Opened, district_id: str) -> None:
    """Raise `NotFound` for an unknown district."""
    await database.read(lambda conn: required(conn, district_id))


def import_from_files(
    database: Opened, file: Path, wanted: ImportRequest, clock: Clock, observer: Observer
) -> Outcome:
    """Make a district's roster what a zip archive or a folder says, at once or not at all. It takes long.

    Raises `OperationError`: an unknown district, unusable files, another import meanwhile.
    """
    database.read_now(lambda conn: required(conn, wanted.district_id))
    with _opened(file) as files, database.session() as session:
        return _import(session, files, wanted, clock, observer)


async def import_from_lms(gateway: Gateway, wanted: ImportRequest, observer: Observer) -> Outcome:
    """Read a district's LMS, and make its roster what the LMS has. As any sync it can be interrupted and resumed.

    Raises `OperationError`: no LMS, one that cannot be read, one that is being read by another.
    """
    await require_district(gateway.database, wanted.district_id)
    try:
        connector = await read_lms.connector_of(gateway, wanted.district_id)
        held = await lease.claim(gateway, wanted.district_id)
        if held is None:
            raise OperationError(
                "the LMS is being read now: passback sync status shows the progress (a process that was killed keeps it"
                " for 45 seconds)"
            )
        if (since := resumes_from(held.sync, gateway.clock())) is not None:
            observer.resuming(since)
        name = f"The roster of {connector.capabilities.name}"
        return await _read_and_import(held, wanted, name, observer)
    except (read_lms.NotConnected, failures.Broken) as error:
        raise OperationError(str(error)) from None
    except LmsError as error:
        raise OperationError(failures.describe_error(error)) from None
    except lease.LeaseLost:
        raise OperationError("another process began to read the LMS meanwhile: run this again") from None


async def _read_and_import(held: SyncLease, wanted: ImportRequest, name: str, observer: Observer) -> Outcome:
    began = await read_lms.items_read(held)
    async with lease.leased(held):
        try:
            with observer.progress() as progress:
                unread = await sync.read(held, progress)
        except LmsError as error:
            await failures.record_failure(held, error, began)
            raise

        def work(session: Session, _: object) -> Outcome:
            files = LmsRoster(session, wanted.district_id, name)
            found = _import(session, files, wanted, held.gateway.clock, observer, held.renew)
            if found.state == "applied":
                with observer.progress() as progress:
                    sync.match(held, session, progress, allow_losses=wanted.allow_removals)
            return found

        outcome = await threads.in_thread(held.gateway, work)
        skipped = sync.skipped_sections_note(unread)
        if outcome.state == "applied":
            await sync.finish(held, skipped)
        else:
            await read_lms.discard(held)
    return Outcome(outcome.state, outcome.removals, skipped)


def _import(
    session: Session,
    files: Format,
    wanted: ImportRequest,
    clock: Clock,
    observer: Observer,
    renew: Renew | None = None,
) -> Outcome:
    """Check a roster, and apply it unless something is against that. Raises `OperationError` and `lease.LeaseLost`."""
    with observer.progress() as progress:
        checked = import_files.check(session, files, wanted.district_id, clock, progress)
    observer.compared(files.name, checked)
    if checked.plan is None:
        return Outcome("invalid")
    removals = import_files.too_many_removed(checked.plan)
    if removals and not wanted.allow_removals:
        return Outcome("too many removals", removals)
    if wanted.dry_run:
        return Outcome("dry run")
    # Even if nothing changes: from now on the roster follows its new source.
    try:
        with observer.progress() as progress:
            import_files.apply(session, checked.plan, clock, progress, renew)
    except RosterChanged:
        raise OperationError("the roster was changed by another import meanwhile: run this again") from None
    observer.applied(checked.plan)
    return Outcome("applied")


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Format]:
    """The files of a roster. Raises `OperationError`."""
    try:
        archive = Archive(file)
    except UnusableFile as error:
        raise OperationError(str(error)) from None
    with contextlib.closing(archive):
        try:
            files = format_of(archive)
        except UnusableFile as error:
            raise OperationError(str(error)) from None
        yield files
