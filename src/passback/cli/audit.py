"""``passback audit``: who did what."""

from __future__ import annotations

from passback.cli import Data
from passback.cli.data import on_database
from passback.cli.text import duration, one_line, show_time
from passback.domain.clock import system_clock
from passback.operations import audit as operation


def audit(*, district: str | None = None, last: str | None = None, data: Data = None) -> None:
    """List who made, changed or revoked tokens, connections, webhooks, matches and the key, oldest first.

    Args:
        district: Only this district's.
        last: Only what was done within this time, such as 90d, 12h or 30m.
        data: The folder of the data file [data].
    """
    since = 0 if last is None else system_clock() - duration(last)
    found = on_database(data, lambda it: operation.list_all(it, since, district and district.lower()))
    for line in found:
        print(
            f"{show_time(line.at)}  {one_line(line.actor)}  {line.action}  {one_line(line.object_id)}"
            f"  district {line.district or '-'}  {one_line(line.detail)}".rstrip()
        )
