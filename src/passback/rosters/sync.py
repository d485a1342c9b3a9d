"""Keeping districts in step with their LMSs: reading them, matching, and writing down what has changed.

A sync is held by one process at a time. What has been read of the LMS is kept section by section: whoever takes a sync
up after a crash, a stop or a failure of the LMS goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from uuid_utils import uuid7

from passback.delivery.lms_errors import report_lms_error
from passback.domain.clock import HOUR, MINUTE, SECOND
from passback.lms.interface import LmsError, NotAllowed, Unavailable
from passback.lms.registry import BUILTIN
from passback.rosters import import_files, read_lms
from passback.rosters.lms_as_files import LmsRoster
from passback.rosters.match import TooManyUnmatched, match_roster
from passback.rosters.progress import Quiet
from passback.rosters.read_lms import LeaseLost
from passback.store import districts, lms_roster, roster, syncs
from passback.store.engine.database import StoreError
from passback.store.staging import compare

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.domain.clock import Instant
    from passback.lms.interface import Connector
    from passback.rosters.progress import Progress
    from passback.store.engine.database import Connection, Session
    from passback.store.syncs import Sync

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_AT_ONCE = 2
"""How many districts a process reads at once."""
_HELD_FOR = 45 * SECOND
_HOLD_AGAIN_SECONDS = 10.0
_POLL_SECONDS = 1.0
_STOP_SECONDS = 20.0
_LONGEST_WAIT = HOUR
_ALLOW = "passback sync run --allow-removals --district"


class NotConnected(LookupError):
    """The district has no connection to an LMS."""


class Broken(Exception):
    """A sync cannot be finished until somebody does something; the message says what."""


class NoRoster(Broken):
    """The district has no sections yet that could be matched."""

    def __init__(self) -> None:
        super().__init__(
            "the district has no roster yet: passback roster import FILE, or --from-lms where there is none"
        )


class _Stopped(Exception):
    """This process is to stop."""


class SyncLease(Struct, frozen=True):
    """A sync that this process holds."""

    sync: Sync
    worker: str
    gateway: Gateway

    @property
    def district_id(self) -> str:
        """Whose it is."""
        return self.sync.district_id

    def renew(self, conn: Connection) -> None:
        """Go on holding it; part of a transaction. Raises `Lost`."""
        if not syncs.renew(conn, self.district_id, self.worker, self.gateway.clock() + _HELD_FOR):
            raise LeaseLost(self.district_id)


async def claim(gateway: Gateway, district_id: str | None = None) -> SyncLease | None:
    """Hold a sync that is due, or the district's that is named; None where there is none, or another holds it."""
    worker = str(uuid7())
    now = gateway.clock()
    found = await gateway.database.write(
        lambda conn: syncs.claim(conn, worker, now, now + _HELD_FOR, district_id)
    )
    return None if found is None else SyncLease(found, worker, gateway)


async def sync(held: SyncLease, progress: Progress) -> None:
    """Carry out a sync, or write down why it was broken off. Raises what it was broken off by."""
    began = await items_read(held)
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
    if not (districts.follows_lms(conn, district_id) or roster.has_sections(conn, district_id)):
        raise NoRoster


async def read(held: SyncLease, progress: Progress) -> dict[str, LmsError]:
    """Read the district's LMS; why some sections cannot be. Raises `NotConnected` and `LmsError`."""
    connector = await connector_of(held.gateway, held.district_id)
    unread = await read_lms.read_lms(held.gateway, connector, held.sync, held.renew, progress)

    def enter(conn: Connection) -> None:
        districts.enter_first_sync(conn, held.district_id, "matching_in_progress")
        held.renew(conn)
        syncs.set_phase(conn, held.district_id, "matching")

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
    version = compare.version(session, held.district_id)
    if districts.follows_lms(session, held.district_id):
        files = LmsRoster(session, held.district_id, "The LMS's roster")
        checked = import_files.check(session, files, held.district_id, held.gateway.clock, progress)
        if checked.plan is None:
            more = f" (and {checked.count - 1:,} more)" if checked.count > 1 else ""
            raise Broken(f"{checked.problems[0]}{more}")
        if checked.plan.version != version:
            raise compare.RosterChanged  # a file may have been imported since, which is followed from now on
        if (removed := import_files.too_many_removed(checked.plan)) and not held.sync.removals:
            raise Broken(
                f"this would remove {', '.join(removed)}: if that is right, {_ALLOW} {held.district_id}"
            )
        if not checked.plan.nothing:
            import_files.apply(session, checked.plan, held.gateway.clock, progress, held.renew)
    match(held, session, progress, allow_losses=held.sync.removals == 1)


def match(held: SyncLease, session: Session, progress: Progress, *, allow_losses: bool) -> None:
    """Match the roster to what was read. Raises `Broken`, `Lost` and `passback.store.staging.compare.RosterChanged`."""
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
        syncs.record_success(conn, held.district_id, now, left)

    await held.gateway.database.write(end)
    # What is left after a crash here is forgotten when the next one begins.
    await read_lms.clear(held.gateway, held.district_id, held.renew)


async def discard(held: SyncLease) -> None:
    """Forget what was read, and leave the next sync as it was set."""

    def end(conn: Connection) -> None:
        districts.enter_first_sync(conn, held.district_id, "initial_sync_processing")
        held.renew(conn)
        syncs.set_phase(conn, held.district_id, "idle")

    await held.gateway.database.write(end)
    await read_lms.clear(held.gateway, held.district_id, held.renew)


@contextlib.asynccontextmanager
async def leased(held: SyncLease) -> AsyncIterator[None]:
    """Hold a sync inside the ``with``. What is not finished in the end is gone on with later, by this or another."""

    async def show() -> None:
        while True:
            await asyncio.sleep(_HOLD_AGAIN_SECONDS)
            # Where it cannot be shown, or another holds it by now, the next thing that is written finds out.
            with contextlib.suppress(StoreError, LeaseLost):
                await held.gateway.database.write(held.renew)

    task = asyncio.create_task(show())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        with contextlib.suppress(StoreError):
            await held.gateway.database.write(lambda conn: syncs.release(conn, held.district_id, held.worker))


class Checking:
    """Stops the work in a thread where the process is to stop. See `passback.rosters.progress.Progress`."""

    def __init__(self, progress: Progress, check: Callable[[], None]) -> None:
        self._progress = progress
        self._check = check

    def read(self, done: int, total: int) -> None:
        self._check()
        self._progress.read(done, total)

    def step(self, what: str) -> None:
        self._check()
        self._progress.step(what)


async def in_thread(gateway: Gateway, work: Callable[[Session, Callable[[], None]], T]) -> T:
    """Do a long piece of work on a session of its own, beside all else. It is given what it must call now and then."""
    stopped = threading.Event()

    def check() -> None:
        if stopped.is_set():
            raise _Stopped

    def run() -> T:
        with gateway.database.session() as session:
            return work(session, check)

    doing = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait([doing], timeout=_STOP_SECONDS)
        if doing.done():
            doing.exception()  # it has stopped, or is done with: either way it is gone on with later
        raise


async def connector_of(gateway: Gateway, district_id: str) -> Connector:
    """The connector to a district's LMS. Raises `NotConnected`."""

    def look_up(conn: Connection) -> Connector | None:
        district = roster.find(conn, roster.DISTRICTS, district_id, district_id)
        if district is None or district.lms_type == BUILTIN:  # which has no roster of its own
            return None
        return gateway.connectors.find(conn, district_id, district.lms_type)

    connector = await gateway.database.read(look_up)
    if connector is None:
        raise NotConnected(f"district {district_id} is not connected to an LMS")
    return connector


async def items_read(held: SyncLease) -> int:
    """How many courses and sections have been read."""
    found = await held.gateway.database.read(lambda conn: lms_roster.count(conn, held.district_id))
    return found.courses_read + found.sections_read


async def record_failure(held: SyncLease, error: Exception, began: int) -> None:
    """Write down why a sync was broken off that `began` with so much read, and when it is gone on with."""
    further = await items_read(held) > began
    gateway, district_id = held.gateway, held.district_id
    if isinstance(error, LmsError):
        await report_lms_error(gateway, district_id, error)
    # Without a roster what an import from the LMS has read by now waits for the next one.
    goes_on = isinstance(error, LmsError | StoreError | compare.RosterChanged | NoRoster)
    now = gateway.clock()
    due = _due(now, held.sync, error, further=further)

    def end(conn: Connection) -> None:
        if isinstance(error, NotAllowed | Broken) and not isinstance(error, NoRoster):
            districts.enter_first_sync(conn, district_id, "error")
        syncs.record_failure(
            conn, district_id, held.worker, describe_error(error), due, now, can_resume=goes_on, further=further,
            tried=not isinstance(error, NoRoster),
        )  # fmt: skip

    with contextlib.suppress(StoreError, LeaseLost):  # then it is taken up when nobody holds it any more
        if not goes_on:
            await discard(held)
        await gateway.database.write(end)


def _due(now: Instant, sync: Sync, error: Exception, *, further: bool) -> Instant | None:
    """When a sync that was broken off is gone on with: the later, the more often it was."""
    if isinstance(error, Broken | NotConnected):
        return None if sync.every is None else now + sync.every  # before that, somebody must do something
    if isinstance(error, compare.RosterChanged):
        return now
    wait = min(MINUTE << min(0 if further else sync.failures, 10), _LONGEST_WAIT)
    asked = error.retry_after if isinstance(error, Unavailable) and error.retry_after else 0
    return now + max(wait, asked * SECOND)


def describe_error(error: Exception) -> str:
    """What to tell an operator of why a sync was broken off."""
    match error:
        case LmsError():
            where = "".join(f"{it}: " for it in getattr(error, "__notes__", ()))
            return f"the LMS cannot be read: {where}{error}"
        case Broken() | NotConnected():
            return str(error)
        case compare.RosterChanged():
            return "the roster was changed meanwhile"
        case StoreError():
            return f"the store cannot be used: {error}"
        case _:
            return f"a fault of Passback's: {type(error).__name__}"


async def run_due(gateway: Gateway) -> None:
    """Carry out the syncs that are due, until cancelled; then they are left for whoever comes next."""
    running: set[asyncio.Task[None]] = set()
    try:
        while True:
            with contextlib.suppress(StoreError):
                while len(running) < MOST_AT_ONCE and (held := await _next(gateway)) is not None:
                    task = asyncio.create_task(_run_one(held))
                    running.add(task)
                    task.add_done_callback(running.discard)
            await asyncio.sleep(_POLL_SECONDS)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _next(gateway: Gateway) -> SyncLease | None:
    now = gateway.clock()
    if not await gateway.database.read(lambda conn: syncs.any_due(conn, now)):
        return None
    return await claim(gateway)


async def _run_one(held: SyncLease) -> None:
    try:
        await sync(held, Quiet())
    except Broken:  # what is in the way may name somebody
        log.warning(
            "the sync of district %s waits for somebody: passback sync status says why", held.district_id
        )
    except (LmsError, NotConnected, StoreError, compare.RosterChanged) as error:
        log.warning("the sync of district %s was broken off: %s", held.district_id, describe_error(error))
    except LeaseLost:
        log.warning("the sync of district %s is another's by now, or nobody's", held.district_id)
    except Exception:
        log.exception("a fault of ours in the sync of district %s", held.district_id)
