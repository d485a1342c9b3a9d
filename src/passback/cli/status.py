"""``passback status``: what is wrong where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from passback.cli import Data
from passback.cli.data import on_database
from passback.cli.doctor import show_checks
from passback.cli.output import Column, show_json, show_rows
from passback.cli.sync import waiting_fields
from passback.cli.text import iso, one_line, show_time
from passback.domain.clock import system_clock
from passback.operations import status as operation
from passback.settings import load

if TYPE_CHECKING:
    from passback.operations.status import DistrictStatus, Status

_COLUMNS = (
    Column("district id", "id"),
    Column("level", "level"),
    Column("LMS", "lms"),
    Column("last sync", "last_sync"),
    Column("open", "open"),
    Column("oldest", "oldest_open"),
    Column("not arrived today", "not_arrived_in_day"),
    Column("unmatched", "unmatched"),
    Column("district", "name"),
)


def status(*, district: str | None = None, json: bool = False, data: Data = None) -> int:
    """Show what is wrong where, worst first, and how each district is.

    Exit codes: 0 nothing is wrong, 1 something is, 2 usage error.

    Args:
        district: Only this district.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found = on_database(
        data,
        lambda it: operation.find(it, load(data=data), system_clock, district and district.lower()),
    )
    if json:
        show_json(_fields(found))
    else:
        _show(found)
    return int(bool(found.checks))


def _show(found: Status) -> None:
    if found.checks:
        show_checks(found.checks)
    else:
        print("Nothing is wrong.")
    print()
    rows = [_district(it) for it in found.districts]
    show_rows(({**it, "unmatched": it["unmatched"] or None} for it in rows), _COLUMNS, json=False)
    print()
    backup = "not known" if found.last_backup is None else show_time(found.last_backup)
    processes = ", ".join(f"pid {it.pid}{_in_words(it.alive)}" for it in found.processes) or "none"
    print(f"Processes: {processes}. Last backup: {backup}.")
    print(one_line(f"Passback {found.version} on {found.database}, schema {found.schema}."))


def _in_words(alive: bool | None) -> str:
    return {True: "", False: " (gone)", None: " (on another machine)"}[alive]


def _fields(found: Status) -> dict[str, Any]:
    return {
        "version": found.version,
        "database": found.database,
        "schema": found.schema,
        "last_backup": iso(found.last_backup),
        "processes": [asdict(it) for it in found.processes],
        "checks": [asdict(it) for it in found.checks],
        "districts": [_district(it) for it in found.districts],
    }


def _district(it: DistrictStatus) -> dict[str, Any]:
    health = it.health
    district, sync = health.district, health.sync
    return {
        "id": district.id,
        "name": district.name,
        "level": health.level,
        "lms": health.lms or None,
        "lms_state": district.lms_state or None,
        "reachable": health.reachable,
        "last_sync": iso(district.last_lms_sync),
        "sync_failures": 0 if sync is None else sync.failures,
        "open": health.backlog.open,
        "oldest_open": iso(health.backlog.oldest),
        "not_arrived": health.backlog.ended,
        "not_arrived_in_day": it.not_arrived,
        "unmatched": it.unmatched,
        "waiting": waiting_fields(it.held_back),
        "failing_webhooks": it.failing_webhooks,
    }
