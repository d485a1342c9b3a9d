"""How every district is, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from passback.domain.clock import DAY, HOUR, Instant
from passback.lms import registry
from passback.lms.registry import BUILTIN
from passback.operations.districts import required
from passback.store import connections, destinations, districts, match_candidates, not_arrived, syncs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Clock
    from passback.domain.roster import District
    from passback.store.destinations import Destination
    from passback.store.engine.database import Connection, Database
    from passback.store.not_arrived import Backlog
    from passback.store.syncs import Sync

Level = Literal["bad", "warn", "good", "idle"]
"""``bad``: nothing arrives; ``warn``: a person should look; ``good``; ``idle``: not connected to anything yet."""

LEVELS: tuple[Level, ...] = ("bad", "warn", "idle", "good")
"""Worst first."""

_LATE = HOUR
"""For how many milliseconds a delivery may wait before somebody should look."""
_SYNC_LATE = 2 * DAY


_FEW = 20
"""Of fewer requests the share that failed says little."""
_MANY_FAILED = 0.1


class Tried(Struct, frozen=True):
    """Requests to a district's LMS of late."""

    requests: int = 0
    failed: int = 0
    """Those that failed or were throttled."""

    def since(self, before: Tried) -> Tried:
        """What came after what had been counted `before`."""
        return Tried(self.requests - before.requests, self.failed - before.failed)

    @property
    def share_failed(self) -> float:
        """Which part of them failed; 0 if none were made."""
        return self.failed / self.requests if self.requests else 0.0


class Health(Struct, frozen=True):
    """How a district is."""

    district: District
    address: str
    """Of its LMS; empty if it has none."""
    level: Level
    notes: list[str]
    """What somebody should know, the worst first; empty if all is well."""
    backlog: Backlog
    undecided: int
    """For how many sections and people a person must choose a match, in a number up to `COUNTED`."""
    sync: Sync | None
    reachable: bool
    """Whether its LMS has answered of late, as far as it was asked."""
    tried: Tried

    @property
    def lms(self) -> str:
        """What people call its LMS; empty if it has none."""
        if self.uses_builtin:
            return "Built-in gradebook"
        try:
            return registry.kind(self.district.lms_type).capabilities.name
        except registry.UnknownKind:
            return self.district.lms_type

    @property
    def uses_builtin(self) -> bool:
        """Whether it uses the built-in gradebook."""
        return self.district.lms_type == BUILTIN


async def of_all(
    database: Database, clock: Clock, tried: Mapping[str, Tried], district_id: str | None = None
) -> list[Health]:
    """Return how all districts are, worst first, or how one is. Raises `NotFound`.

    `tried` has the requests to their LMSs, by the districts' ids.
    """
    now = clock()

    def read(conn: Connection) -> list[Health]:
        failing = destinations.find_all(conn)
        ids = districts.all_ids(conn) if district_id is None else [district_id]
        return [_of_one(conn, it, failing.get(it), tried.get(it, Tried()), now) for it in ids]

    found = await database.snapshot(read)
    return sorted(found, key=_badness)


def _badness(it: Health) -> tuple[int, float, str]:
    return LEVELS.index(it.level), -it.tried.share_failed, it.district.name.casefold()


def _of_one(
    conn: Connection, district_id: str, failing: Destination | None, tried: Tried, now: Instant
) -> Health:
    district = required(conn, district_id)
    stored = connections.find(conn, district_id)
    backlog = not_arrived.backlog(conn, district_id)
    sync = syncs.find(conn, district_id)
    reachable = failing is None or failing.backing_off_until <= now
    bad = _broken(district, reachable=reachable)
    warn = _worrying(backlog, sync, district, tried, now)
    level: Level = "bad" if bad else "warn" if warn else "good" if district.lms_type else "idle"
    return Health(
        district=district,
        address="" if stored is None else stored.address,
        level=level,
        notes=bad + warn,
        backlog=backlog,
        undecided=match_candidates.count(conn, district_id, most=not_arrived.COUNTED + 1),
        sync=sync,
        reachable=reachable,
        tried=tried,
    )


def _broken(district: District, *, reachable: bool) -> list[str]:
    match district.lms_state:
        case "error":
            return ["The LMS refuses the credentials, or was not reached: check the connection."]
        case "disconnected":
            return ["It has been disconnected from its LMS."]
    return [] if reachable else ["The LMS does not answer: nothing is sent for a while."]


def _worrying(
    backlog: Backlog, sync: Sync | None, district: District, tried: Tried, now: Instant
) -> list[str]:
    notes = []
    if backlog.ended:
        notes.append("Something did not arrive.")
    if backlog.oldest is not None and now - backlog.oldest >= _LATE:
        notes.append("A delivery has been waiting for more than an hour.")
    if tried.requests >= _FEW and tried.share_failed >= _MANY_FAILED:
        notes.append(f"Of late {tried.failed:,} of {tried.requests:,} requests to the LMS failed.")
    if sync is not None and sync.failures:
        notes.append(f"The last sync failed: {sync.error or 'the reason is not known'}.")
    elif (
        sync is not None
        and sync.every
        and district.last_lms_sync is not None
        and now - district.last_lms_sync >= max(_SYNC_LATE, 2 * sync.every)
    ):
        notes.append("The last sync is long ago.")
    return notes
