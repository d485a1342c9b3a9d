"""Rosters: making a district's what files, or its LMS, say."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from passback import __version__
from passback.domain.roster import District
from passback.lms.interface import LmsError
from passback.operations import audit
from passback.operations.districts import required
from passback.operations.errors import OperationError
from passback.operations.syncs import connected, resumes_from
from passback.rosters import delta, failures, import_files, lease, read_lms, sync, threads
from passback.rosters.import_files import STRICT, USUAL, Checked, Options, Tolerance
from passback.rosters.lms_as_files import LmsRoster
from passback.sis.archive import Archive
from passback.sis.rows import UnusableFile
from passback.store import districts, held_back, roster, syncs
from passback.store.held_back import HeldBack
from passback.store.staging import compare
from passback.store.staging.calendar import Calendar
from passback.store.staging.compare import Plan, RosterChanged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passback.context import Gateway
    from passback.domain.clock import Clock, Instant
    from passback.rosters.delta import Source
    from passback.rosters.lease import Renew, SyncLease
    from passback.rosters.progress import Progress
    from passback.sis.rows import Format
    from passback.store.engine.database import Connection, Database, Opened, Session

__all__ = [
    "STRICT",
    "USUAL",
    "Calendar",
    "Checked",
    "HeldBack",
    "ImportRequest",
    "Observer",
    "Options",
    "Outcome",
    "Plan",
    "Status",
    "Tolerance",
    "follow_lms",
    "import_files_in",
    "import_from_files",
    "import_from_lms",
    "status",
]


class Observer(Protocol):
    """Sees an import while it goes on."""

    def progress(self) -> AbstractContextManager[Progress]:
        """Show the progress of a step inside the ``with``."""
        ...

    def resuming(self, since: Instant) -> None:
        """What has been read of the LMS since then is used."""
        ...

    def noted(self, notes: Sequence[str]) -> None:
        """The files were read; operators should know these things about them."""
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
    options: Options = Options()
    """If it may remove any number of objects, it may also unmatch them."""
    end_is_last_day: bool = False
    """Whether OneRoster's ``endDate`` is the last day, instead of the first day after."""


class Outcome(Struct, frozen=True):
    """What came of an import."""

    state: Literal["applied", "dry run", "invalid"]
    removals: Sequence[str] = ()
    """Of which kinds of objects it would remove too many, each with how many: all removals wait for a person."""
    note: str | None = None
    """Which sections the LMS did not give, and what waits for a person; None if there is nothing to say."""
    rows_left_out: int = 0
    """How many rows have problems and were left out."""


class Status(Struct, frozen=True):
    """A district's roster."""

    district: District
    from_lms: bool
    """Whether it comes from the LMS."""
    sizes: dict[str, int]
    """How many objects of each kind it has."""
    held_back: HeldBack | None


async def status(database: Database, district_id: str | None = None) -> list[Status]:
    """The roster of a district, or of all districts. Raises `NotFound`."""

    def read(conn: Connection) -> list[Status]:
        return [
            Status(
                required(conn, id_),
                districts.follows_lms(conn, id_),
                districts.noted_sizes(conn, id_) or compare.sizes(conn, id_),
                held_back.find(conn, id_),
            )
            for id_ in (districts.all_ids(conn) if district_id is None else [district_id])
        ]

    return await database.snapshot(read)


async def follow_lms(database: Database, district_id: str, clock: Clock, *, actor: str = "") -> None:
    """Have a district that has no roster yet get it from its LMS, with the sync that this requests and each later one.

    Raises `OperationError` and `NotFound`.
    """

    def write(conn: Connection) -> None:
        district = connected(conn, district_id)
        if roster.has_sections(conn, district_id):
            raise OperationError(f"{district.name} has a roster already")
        districts.follow_lms(conn, district_id, follows=True)
        syncs.request(conn, district_id, clock())
        audit.record(conn, "roster.from_lms", district_id, district_id, actor=actor)

    await database.write(write)


async def require_district(database: Opened, district_id: str) -> None:
    """Raise `NotFound` for an unknown district."""
    await database.read(lambda conn: required(conn, district_id))


def import_from_files(
    database: Opened, file: Path, wanted: ImportRequest, clock: Clock, observer: Observer
) -> Outcome:
    """Make a district's roster what a zip archive or a folder says, at once or not at all. It takes long.

    Rows with problems are left out, as far as that is tolerated, and what exists of them stays.

    Raises `OperationError`: an unknown district, unusable files, another import meanwhile.
    """
    with database.session() as session:
        return import_files_in(session, file, wanted, clock, observer)


def import_files_in(
    session: Session, file: Path, wanted: ImportRequest, clock: Clock, observer: Observer
) -> Outcome:
    """`import_from_files` in a session that is open. Raises as it does."""
    required(session, wanted.district_id)
    with _opened(file) as archive:
        try:
            opened = delta.open_files(
                session, archive, wanted.district_id, end_is_last_day=wanted.end_is_last_day
            )
        except UnusableFile as error:
            raise OperationError(str(error)) from None
        if opened.source is not None and opened.source.notes:
            observer.noted(opened.source.notes)
        # What OneRoster's files say depends on the day; and delta files need their rows.
        digest = _digest(opened.files, archive) if opened.source is None else None
        if digest is not None and districts.is_of_files(session, wanted.district_id, digest):
            return _unchanged(session, opened.files, wanted, observer)
        return _import(session, opened.files, wanted, clock, observer, source=opened.source, digest=digest)


def _digest(files: Format, archive: Archive) -> str | None:
    """What tells files from others that are, or may be read, as another roster; None if one cannot be read."""
    digest = archive.digest()
    return digest and f"{files.name} {__version__} {digest}"


def _unchanged(session: Session, files: Format, wanted: ImportRequest, observer: Observer) -> Outcome:
    """An import of the files that the roster is from, and that it has not changed since."""
    plan = compare.no_change(session, wanted.district_id)
    observer.compared(files.name, Checked(plan, [], 0))
    if wanted.dry_run:
        return Outcome("dry run")
    observer.applied(plan)
    return Outcome("applied")


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
            found = _import(session, files, wanted, held.gateway.clock, observer, renew=held.renew)
            if found.state == "applied":
                with observer.progress() as progress:
                    sync.match(held, session, progress, allow_losses=wanted.options.allow_removals)
            return found

        outcome = await threads.in_thread(held.gateway, work)
        note = sync.skipped_sections_note(unread)
        if outcome.state == "applied":
            note = await sync.finish(held, note)
        else:
            await read_lms.discard(held)
    return Outcome(outcome.state, outcome.removals, note)


def _import(
    session: Session,
    files: Format,
    wanted: ImportRequest,
    clock: Clock,
    observer: Observer,
    *,
    renew: Renew | None = None,
    source: Source | None = None,
    digest: str | None = None,
) -> Outcome:
    """Check a roster, and apply it unless something is against that. Raises `OperationError` and `lease.LeaseLost`."""
    with observer.progress() as progress:
        # The LMS's roster has no rows that somebody could correct.
        options = wanted.options if renew is None else replace(wanted.options, tolerance=STRICT)
        checked = import_files.check(session, files, wanted.district_id, clock, progress, options)
    observer.compared(files.name, checked)
    plan = checked.plan
    if plan is None:
        return Outcome("invalid")
    removals = tuple(
        f"{count:,} of {plan.kinds[kind].before:,} {kind}" for kind, count in plan.too_many.items()
    )
    if wanted.dry_run:
        return Outcome("dry run", removals, rows_left_out=checked.rows_left_out)
    # Even if nothing changes: from now on the roster follows its new source.
    try:
        with observer.progress() as progress:
            if source is not None:
                delta.collect(session, wanted.district_id, source)
            import_files.apply(
                session, plan, clock, progress, renew, source, digest=digest if checked.as_it_is else None
            )
    except RosterChanged:
        raise OperationError("the roster was changed by another import meanwhile: run this again") from None
    observer.applied(plan)
    return Outcome("applied", removals, rows_left_out=checked.rows_left_out)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Archive]:
    """The files of a roster. Raises `OperationError`."""
    try:
        archive = Archive(file)
    except UnusableFile as error:
        raise OperationError(str(error)) from None
    with contextlib.closing(archive):
        yield archive
