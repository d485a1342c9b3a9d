"""How a gateway is: what is wrong where, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

import passback
from passback.delivery import presence
from passback.domain.clock import DAY
from passback.operations import overview
from passback.operations.checks import Check, room, worst_first
from passback.store import destinations, held_back, matching, not_arrived, restored, webhooks, workers
from passback.store.engine import migrate

if TYPE_CHECKING:
    from passback.domain.clock import Clock, Instant
    from passback.operations.checks import Level
    from passback.operations.overview import Health
    from passback.settings import Settings
    from passback.store.engine.database import Connection, Database
    from passback.store.held_back import HeldBack

_BACKUP_LATE = 7 * DAY
_LEVELS: dict[overview.Level, Level] = {"bad": "problem", "warn": "warning", "good": "ok", "idle": "ok"}
_NEXT_STEP = {
    "problem": "passback connection check --district {}",
    "warning": "passback deliveries list --district {}, passback sync status --district {}",
}


class Process(Struct, frozen=True):
    """A process that delivers."""

    id: str
    pid: int
    alive: bool | None
    """None if it is another machine's, of which this one cannot know."""


class DistrictStatus(Struct, frozen=True):
    """How a district is."""

    health: Health
    not_arrived: int
    """How many deliveries ended without success within the last day."""
    unmatched: dict[str, int]
    """How many ``sections`` and ``people`` have no match, if the LMS is another than Passback's own."""
    held_back: HeldBack | None
    failing_webhooks: list[str]
    """The applications whose webhooks do not answer, or are disabled."""


class Status(Struct, frozen=True):
    """How a gateway is."""

    version: str
    """Of this command: servers may be of another."""
    schema: int
    database: str
    last_backup: Instant | None
    """None if it is not known: PostgreSQL is backed up by others."""
    processes: list[Process]
    districts: list[DistrictStatus]
    checks: list[Check]
    """What is wrong, worst first; empty if all is well."""


async def find(
    database: Database, settings: Settings, clock: Clock, district_id: str | None = None
) -> Status:
    """Return how a gateway is, with all districts or one. Raises `NotFound`."""
    # The requests to LMSs are counted in the processes that serve.
    health = await overview.of_all(database, clock, {}, district_id)
    now = clock()

    def read(conn: Connection) -> Status:
        processes = [
            Process(it.id, it.pid, presence.is_alive(it, settings.lease_seconds))
            for it in workers.find_all(conn)
        ]
        found = [_district(conn, it, now) for it in health]
        backup = None if database.shared else restored.last_backup(conn)
        checks = [*_processes(processes), *_disk(settings), *(check for it in found for check in _checks(it))]
        if backup is not None and now - backup > _BACKUP_LATE:
            checks.append(
                Check(
                    "warning",
                    "backup",
                    f"the last one is {(now - backup) // DAY} days old",
                    "passback backup",
                )
            )
        return Status(
            passback.__version__,
            migrate.version_of(conn, database.name),
            database.name,
            backup,
            processes,
            found,
            worst_first(checks),
        )

    return await database.snapshot(read)


def _processes(found: list[Process]) -> list[Check]:
    if any(it.alive is not False for it in found):
        return []
    return [
        Check(
            "problem", "processes", "none is running: nothing is delivered or synced", "start passback serve"
        )
    ]


def _disk(settings: Settings) -> list[Check]:
    """PostgreSQL's disk is its server's."""
    path = None if settings.database_url else settings.data_file
    found = [] if path is None else [room(path.parent)]
    return [it for it in found if it.level != "ok"]


def _district(conn: Connection, health: Health, now: Instant) -> DistrictStatus:
    id_ = health.district.id
    unmatched: dict[str, int] = {}
    if health.district.lms_type and not health.uses_builtin:
        unmatched = {"sections": 0, "people": 0}
        for kind, way, count in matching.count_by_way(conn, id_):
            if way in ("unmatched", "undecided"):
                unmatched[kind] += count
    failing = destinations.find_all(conn)
    return DistrictStatus(
        health,
        not_arrived.ended_since(conn, id_, now - DAY),
        unmatched,
        held_back.find(conn, id_),
        [
            it.application
            for it in webhooks.find_all(conn, id_)
            if it.disabled is not None or (it.id in failing and failing[it.id].failures)
        ],
    )


def _checks(it: DistrictStatus) -> list[Check]:
    """What is wrong with a district, in the words of the console."""
    district = it.health.district
    subject = f"{district.name} ({district.id})"
    level = _LEVELS[it.health.level]
    found = []
    for position, note in enumerate(it.health.notes):
        # The worst note has the district's level; what follows one that is broken is a warning.
        of_note: Level = level if position == 0 else "warning"
        found.append(Check(of_note, subject, note, _NEXT_STEP[of_note].format(*[district.id] * 2)))
    if it.held_back is not None:
        found.append(
            Check(
                "warning",
                subject,
                "Removals wait for a person.",
                f"passback sync status --district {district.id} says which",
            )
        )
    found += [
        Check(
            "warning",
            subject,
            f"A webhook of {application} does not answer, or is disabled.",
            "passback webhook list",
        )
        for application in it.failing_webhooks
    ]
    return found
