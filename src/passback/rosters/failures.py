"""Why a sync is broken off, what is written down of it, and when it is gone on with."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from passback.delivery.lookup import report_lms_error
from passback.domain.clock import HOUR, MINUTE, SECOND
from passback.lms.interface import LmsError, NotAllowed, Unavailable
from passback.rosters.lease import LeaseLost
from passback.rosters.read_lms import NotConnected, discard, items_read
from passback.store import roster, syncs
from passback.store.engine.database import StoreError
from passback.store.staging import tables

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.rosters.lease import SyncLease
    from passback.store.engine.database import Connection
    from passback.store.syncs import Sync

_LONGEST_WAIT = HOUR


class Broken(Exception):
    """A sync cannot be finished until somebody does something; the message says what."""


class NoRoster(Broken):
    """The district has no sections yet that could be matched."""

    def __init__(self) -> None:
        super().__init__(
            "the district has no roster yet: passback roster import FILE, or --from-lms where there is none"
        )


async def record_failure(held: SyncLease, error: Exception, began: int) -> None:
    """Write down why a sync was broken off that `began` with so much read, and when it is gone on with."""
    further = await items_read(held) > began
    gateway, district_id = held.gateway, held.district_id
    if isinstance(error, LmsError):
        await report_lms_error(gateway, district_id, error)
    # Without a roster what an import from the LMS has read by now waits for the next one.
    goes_on = isinstance(error, LmsError | StoreError | tables.RosterChanged | NoRoster)
    now = gateway.clock()
    due = _due(now, held.sync, error, further=further)

    def end(conn: Connection) -> None:
        if isinstance(error, NotAllowed | Broken) and not isinstance(error, NoRoster):
            roster.enter_first_sync(conn, district_id, "error")
        syncs.failed(
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
    if isinstance(error, tables.RosterChanged):
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
        case tables.RosterChanged():
            return "the roster was changed meanwhile"
        case StoreError():
            return f"the store cannot be used: {error}"
        case _:
            return f"a fault of Passback's: {type(error).__name__}"
