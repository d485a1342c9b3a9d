"""The calls of applications that were to change something, as the ledger of deliveries has them.

They are in the order of ids, which begin with the time. Those of a district, an application or a kind are merged from
runs of one index, each of one district, application and kind, so it does not matter how many others there are. So are
all of a district's deliveries, which are those of the calls and the messages to webhooks.
"""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Any, get_args

from msgspec import Struct

from passback.domain.delivery import Operation
from passback.store.statements import among

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from passback.domain.delivery import State
    from passback.store.engine.database import Connection

OPERATIONS: tuple[Operation, ...] = tuple(it for it in get_args(Operation) if it != "send_webhook")
"""The kinds of calls. A call that changes many is one; its parts are not listed."""
_CALL = "batch_id IS NULL"
_APPLICATIONS = (  # a look-up for each
    "WITH RECURSIVE found (application) AS ("
    f" SELECT MIN(application) FROM deliveries WHERE district_id = :district_id AND {_CALL}"
    " UNION ALL SELECT (SELECT MIN(application) FROM deliveries"
    f" WHERE district_id = :district_id AND {_CALL} AND application > found.application)"
    " FROM found WHERE found.application IS NOT NULL"
    ") SELECT application FROM found WHERE application IS NOT NULL"
)
_AT_ONCE = 32
_LAST = "~"
"""An id after all others."""


class Run(Struct, frozen=True):
    """The calls of one kind that an application made in a district."""

    district_id: str
    application: str
    operation: Operation


def page(
    connection: Connection,
    district_ids: Collection[str] | None,
    *,
    limit: int,
    before: str,
    since: str = "",
    application: str = "",
    operation: Operation | None = None,
) -> list[str]:
    """Up to `limit` ids of calls, from `since` on and before `before`, the newest first; in some districts, or all."""
    if district_ids is None:
        rows = connection.execute(
            f"SELECT id FROM deliveries WHERE id >= :since AND id < :before AND {_CALL}"
            " AND operation <> 'send_webhook' ORDER BY id DESC LIMIT :limit",
            {"since": since, "before": before, "limit": limit},
        )
        return [row[0] for row in rows]
    runs = [
        Run(district_id, app, kind)
        for district_id in district_ids
        for app in ([application] if application else _applications(connection, district_id))
        for kind in (OPERATIONS if operation is None else [operation])
    ]
    return _merged(connection, runs, limit=limit, before=before, since=since)


def deliveries(
    connection: Connection, district_id: str, *, limit: int, states: Collection[State] = ()
) -> list[str]:
    """Up to `limit` ids of a district's deliveries, the newest first: all, or those in some states."""
    runs = [
        Run(district_id, app, kind)
        for app in _applications(connection, district_id)
        for kind in get_args(Operation)
    ]
    return _merged(connection, runs, limit=limit, states=states)


def _merged(
    connection: Connection,
    runs: Collection[Run],
    *,
    limit: int,
    before: str = _LAST,
    since: str = "",
    states: Collection[State] = (),
) -> list[str]:
    at_once = min(_AT_ONCE, limit)
    each = [_newest(connection, run, before, since, at_once, states) for run in runs]
    return list(itertools.islice(heapq.merge(*each, reverse=True), limit))


def _applications(connection: Connection, district_id: str) -> list[str]:
    """The applications that have called in a district."""
    return [row[0] for row in connection.execute(_APPLICATIONS, {"district_id": district_id})]


def _newest(
    connection: Connection, run: Run, before: str, since: str, at_once: int, states: Collection[State]
) -> Iterator[str]:
    """The ids of a run, the newest first; in some states, if any are named."""
    chosen: dict[str, Any] = {}
    in_states = f" AND {among('state', states, chosen)}" if states else ""
    while True:
        given: dict[str, Any] = {
            "district_id": run.district_id,
            "application": run.application,
            "operation": run.operation,
            "before": before,
            "since": since,
            "at_once": at_once,
            **chosen,
        }
        rows = connection.execute(
            "SELECT id FROM deliveries WHERE district_id = :district_id AND application = :application"
            f" AND operation = :operation AND {_CALL} AND id >= :since AND id < :before{in_states}"
            " ORDER BY id DESC LIMIT :at_once",
            given,
        ).fetchall()
        yield from (row[0] for row in rows)
        if len(rows) < at_once:
            return
        before = rows[-1][0]
