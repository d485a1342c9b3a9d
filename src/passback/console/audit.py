"""What did whom do here? The audit, with filters, and as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.console.csv_file import csv_file
from passback.console.render import page, utc
from passback.console.routing import Shown
from passback.operations import audit, districts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from passback.console.visit import Visit

_A_PAGE = 100
_MOST_AS_CSV = 100_000
_COLUMNS = ("time", "who", "action", "object", "district", "detail")


async def show(visit: Visit) -> Response:
    """A page of the audit, the newest first."""
    found = await _asked(visit, limit=_A_PAGE + 1)
    of_all = await districts.list_all(visit.gateway.database)
    return page(
        visit,
        "audit.html",
        lines=found[:_A_PAGE],
        next=found[_A_PAGE - 1].id if len(found) > _A_PAGE else None,
        names={it.district.id: it.district.name for it in of_all},
        asked={name: visit.asked(name) for name in ("who", "action", "district")},
    )


async def as_csv(visit: Visit) -> Response:
    """All of it that the filters leave, as a file."""
    found = await _asked(visit, limit=_MOST_AS_CSV)
    rows = ((utc(it.at), it.actor, it.action, it.object_id, it.district, it.detail) for it in found)
    return csv_file("audit", _COLUMNS, rows)


async def _asked(visit: Visit, *, limit: int) -> Sequence[audit.Line]:
    return await audit.newest(
        visit.gateway.database,
        limit=limit,
        before=visit.asked("before"),
        district_id=visit.account.district_id or visit.asked("district") or None,
        action=visit.asked("action"),
        actor=visit.asked("who"),
    )


PAGES = (
    Shown("/audit", "audit", show),
    Shown("/audit.csv", "audit", as_csv),
)
