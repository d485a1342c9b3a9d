"""Failed syncs: what is recorded, what operators read about them, and when they are retried."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from passback.delivery.lms_errors import report_lms_error
from passback.domain.clock import HOUR, MINUTE, SECOND
from passback.lms.interface import LmsError, NotAllowed, Unavailable
from passback.rosters.lease import LeaseLost
from passback.rosters.read_lms import NotConnected, discard, items_read
from passback.store import districts, syncs
from passback.store.engine.database import StoreError
from passback.store.staging import compare

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.rosters.lease import SyncLease
    from passback.store.engine.database import Connection
    from passback.store.syncs import Sync

_LONGEST_WAIT = HOUR


class Broken(Exception):
    """A sync cannot finish until somebody steps in; the message says what to do."""


class NoRoster(Broken):
    """The district has no sections yet that could be matched."""

    def __init__(self) -> None:
        super().__init__(
            "the district has no roster yet: import its files or take over the LMS's, by passback roster import or in"
            " the console"
        )


async def record_failure(lease: SyncLease, error: Exception, items_before: int) -> None:
    """Record why a sync failed and when to retry it. `items_before` is how many items were read when it began."""
    further = await items_read(lease) > items_before
    gateway, district_id = lease.gateway, lease.district_id
    if isinstance(error, LmsError):
        await report_lms_error(gateway, district_id, error)
    # Without a roster, what an import from the LMS has already read is kept for the next one.
    can_resume = isinstance(error, LmsError | StoreError | compare.RosterChanged | NoRoster)
    now = gateway.clock()
    due = _due(now, lease.sync, error, further=further)

    def end(conn: Connection) -> None:
        if isinstance(error, NotAllowed | Broken) and not isinstance(error, NoRoster):
            districts.enter_first_sync(conn, district_id, "error")
        syncs.record_failure(
            conn, district_id, lease.worker, describe_error(error), due, now, can_resume=can_resume, further=further,
            tried=not isinstance(error, NoRoster),
        )  # fmt: skip

    with contextlib.suppress(StoreError, LeaseLost):  # if so, it is retried once its lease has expired
        if not can_resume:
            await discard(lease)
        await gateway.database.write(end)


def _due(now: Instant, sync: Sync, error: Exception, *, further: bool) -> Instant | None:
    """When to retry a failed sync; waits double while it makes no progress. None: only on request."""
    if isinstance(error, Broken | NotConnected):
        return None if sync.every is None else now + sync.every  # until then, somebody has to step in
    if isinstance(error, compare.RosterChanged):
        return now
    wait = min(MINUTE << min(0 if further else sync.failures, 10), _LONGEST_WAIT)
    asked = error.retry_after if isinstance(error, Unavailable) and error.retry_after else 0
    return now + max(wait, asked * SECOND)


def describe_error(error: Exception) -> str:
    """Why a sync failed, for operators."""
    match error:
        case LmsError():
            where = "".join(f"{note}: " for note in getattr(error, "__notes__", ()))
            return f"the LMS cannot be read: {where}{error}"
        case Broken() | NotConnected():
            return str(error)
        case compare.RosterChanged():
            return "the roster changed during the sync"
        case StoreError():
            return f"the data store is unavailable: {error}"
        case _:
            return f"internal error: {type(error).__name__}"
