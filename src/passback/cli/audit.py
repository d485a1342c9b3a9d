"""``passback audit``: who did what."""

from __future__ import annotations

from passback.cli import Data
from passback.cli.data import with_district_names
from passback.cli.output import Column, show_rows
from passback.cli.text import duration, iso
from passback.domain.clock import system_clock
from passback.operations import audit as operation

_COLUMNS = (
    Column("time", "time"),
    Column("actor", "actor"),
    Column("action", "action"),
    Column("object id", "object_id"),
    Column("district id", "district_id"),
    Column("district", "district_name"),
    Column("detail", "detail", none=""),
)


def audit(
    *, district: str | None = None, last: str | None = None, json: bool = False, data: Data = None
) -> None:
    """List who made, changed or revoked tokens, connections, webhooks, matches and the key, oldest first.

    Args:
        district: Only this district's.
        last: Only what was done within this time, such as 90d, 12h or 30m.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    since = 0 if last is None else system_clock() - duration(last)
    found, names = with_district_names(
        data, lambda it: operation.list_all(it, since, district and district.lower())
    )
    rows = (
        {
            "time": iso(line.at),
            "actor": line.actor,
            "action": line.action,
            "object_id": line.object_id or None,
            "district_id": line.district or None,
            "district_name": names.get(line.district),
            "detail": line.detail,
        }
        for line in found
    )
    show_rows(rows, _COLUMNS, json=json)
