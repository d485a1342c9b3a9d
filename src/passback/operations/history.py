"""What was done, the newest first: by people and commands, as the audit has it, and by applications' calls.

The calls are read from the ledger of deliveries, which keeps them for a while after they have ended; nothing is written
for them besides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.clock import first_id_at
from passback.operations import not_arrived
from passback.store import audit, calls, districts
from passback.store import not_arrived as stored
from passback.store.audit import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.clock import Instant
    from passback.domain.delivery import Operation, State
    from passback.operations.not_arrived import Named
    from passback.store.engine.database import Connection, Database

__all__ = ["CALLS", "Asked", "Entry", "Line", "Part", "part"]

CALLS: dict[Operation, str] = {
    "create_assignment": "assignment.create",
    "update_assignment": "assignment.update",
    "delete_assignment": "assignment.delete",
    "update_submission": "submission.update",
    "update_submissions": "submissions.update",
}
"""What calls are named as, by the operation."""
_OPERATIONS = {action: operation for operation, action in CALLS.items()}
_APPLICATION = "application:"
_LAST = "~"
"""An id after all others."""


class Asked(Struct, frozen=True):
    """What is asked for; anything if it is empty."""

    district_id: str | None = None
    actor: str = ""
    action: str = ""
    since: Instant | None = None
    until: Instant | None = None
    """Before when."""


class Entry(Struct, frozen=True):
    """Something that was done."""

    line: Line
    state: State | None = None
    """What became of a call; None if it was none."""


class Part(Struct, frozen=True):
    """Part of what was done."""

    entries: Sequence[Entry]
    next: str | None
    """Before which id the next part begins; None at the end."""


async def part(database: Database, asked: Asked, *, limit: int, before: str = "") -> Part:
    """Return up to `limit` entries before that id, the newest first."""
    until = _LAST if asked.until is None else first_id_at(asked.until)
    end = min(before or _LAST, until)
    since = "" if asked.since is None else first_id_at(asked.since)

    def read(conn: Connection) -> Part:
        lines = {it.id: it for it in _lines(conn, asked, since, end, limit + 1)}
        called = _calls(conn, asked, since, end, limit + 1)
        newest = sorted({*lines, *called}, reverse=True)
        shown = newest[:limit]
        ids = [it for it in shown if it not in lines]
        entries = {it.delivery.id: _call(it) for it in not_arrived.named(conn, stored.of_ids(conn, ids))}
        entries |= {id_: Entry(line) for id_, line in lines.items()}
        return Part(
            [entries[it] for it in shown if it in entries], shown[-1] if len(newest) > limit else None
        )

    return await database.snapshot(read)


def _lines(conn: Connection, asked: Asked, since: str, before: str, limit: int) -> list[Line]:
    if asked.action in _OPERATIONS:
        return []
    return audit.page(
        conn,
        limit=limit,
        since=since,
        before=before,
        district=asked.district_id,
        action=asked.action,
        actor=asked.actor,
    )


def _calls(conn: Connection, asked: Asked, since: str, before: str, limit: int) -> list[str]:
    if asked.action and asked.action not in _OPERATIONS:
        return []
    if asked.actor and not asked.actor.startswith(_APPLICATION):
        return []
    any_at_all = not (asked.district_id or asked.actor or asked.action)
    of = [asked.district_id] if asked.district_id else districts.all_ids(conn)
    return calls.page(
        conn,
        None if any_at_all else of,
        limit=limit,
        since=since,
        before=before,
        application=asked.actor.removeprefix(_APPLICATION),
        operation=_OPERATIONS.get(asked.action),
    )


def _call(named: Named) -> Entry:
    it = named.delivery
    line = Line(
        it.created,
        f"{_APPLICATION}{it.application}",
        CALLS[it.operation],
        it.id,
        it.district_id,
        ", ".join(part for part in (named.student, named.assignment, named.section) if part),
        it.id,
    )
    return Entry(line, it.state)
