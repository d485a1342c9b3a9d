"""Who did what here? People and commands, as the audit has it, and applications' calls; with filters, and as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from passback.console.csv_file import csv_file
from passback.console.render import page, utc
from passback.console.routing import Shown
from passback.console.sent import moment
from passback.domain.clock import DAY
from passback.operations import districts, history, tokens
from passback.operations.errors import OperationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from passback.console.visit import Visit
    from passback.operations.history import Asked, Entry

_A_PAGE = 100
_AT_ONCE = 1_000
_MOST_AS_CSV = 100_000
_COLUMNS = ("time", "who", "action", "object", "district", "detail", "outcome")
_FILTERS = ("who", "action", "district", "since", "until")


async def show(visit: Visit) -> Response:
    """A page of what was done, the newest first."""
    database = visit.gateway.database
    problem = ""
    try:
        asked = _asked(visit)
    except OperationError as error:
        problem, asked = str(error), history.Asked(_district(visit))
    found = await history.part(database, asked, limit=_A_PAGE, before=visit.asked("before"))
    return page(
        visit,
        "audit.html",
        status=422 if problem else 200,
        found=found,
        problem=problem,
        names={it.district.id: it.district.name for it in await districts.list_all(database)},
        asked={name: visit.asked(name) for name in _FILTERS},
        query=urlencode({name: visit.asked(name) for name in _FILTERS if visit.asked(name)}),
        apps=sorted({it.application for it in await tokens.list_all(database, _district(visit))}),
        calls=history.CALLS.values(),
        days=visit.gateway.keep_ended // DAY,
    )


async def as_csv(visit: Visit) -> Response:
    """All of it that the filters leave, as a file."""
    asked = _asked(visit)
    found: list[Entry] = []
    before: str | None = ""
    while before is not None and len(found) < _MOST_AS_CSV:
        part = await history.part(visit.gateway.database, asked, limit=_AT_ONCE, before=before)
        found += part.entries
        before = part.next
    return csv_file("audit", _COLUMNS, (_row(it) for it in found))


def _row(entry: Entry) -> Sequence[str]:
    it = entry.line
    return utc(it.at), it.actor, it.action, it.object_id, it.district, it.detail, entry.state or ""


def _asked(visit: Visit) -> Asked:
    """What the filters say. Raises `OperationError`."""
    return history.Asked(
        _district(visit),
        actor=visit.asked("who"),
        action=visit.asked("action"),
        since=moment(visit.asked("since")),
        until=moment(visit.asked("until")),
    )


def _district(visit: Visit) -> str | None:
    return visit.account.district_id or visit.asked("district") or None


PAGES = (
    Shown("/audit", "audit", show),
    Shown("/audit.csv", "audit", as_csv),
)
