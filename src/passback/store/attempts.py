"""The attempts to deliver: when each began, how long it took, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection

FIRST_KEPT = 5
LAST_KEPT = 15
"""Of each delivery, so many of its first and of its last attempts are kept."""

Result = Literal["delivered", "refused", "failed", "interrupted"]
"""``interrupted`` if the process that made the attempt ended before it could record what came of it."""

_COLUMNS = ("delivery_id", "slot", "number", "began", "ended", "result", "status", "said", "exchanges")
_REPLACING = "ON CONFLICT (delivery_id, slot) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in _COLUMNS[2:]
)


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt to deliver. It holds no secret and no student data."""

    number: int
    """Of the delivery's attempts, from 1."""
    began: Instant | None
    """None if that is not known."""
    ended: Instant
    result: Result
    status: int | None = None
    """The HTTP status that the client got for it, or would get."""
    said: str | None = None
    """Why it did not succeed."""
    exchanges: tuple[str, ...] = ()
    """The last requests to the LMS, each with its answer."""


def add(connection: Connection, made: Sequence[tuple[str, Attempt]]) -> None:
    """Add attempts, each with the id of its delivery, in place of those that are no longer kept."""
    rows = [
        (
            delivery_id,
            _slot(it.number),
            it.number,
            it.began,
            it.ended,
            it.result,
            it.status,
            it.said,
            "\n".join(it.exchanges),
        )
        for delivery_id, it in made
    ]
    connection.insert("delivery_attempts", _COLUMNS, rows, _REPLACING)


def find_all(connection: Connection, delivery_id: str) -> list[Attempt]:
    """The attempts of a delivery that are kept, in order."""
    rows = connection.execute(
        "SELECT number, began, ended, result, status, said, exchanges FROM delivery_attempts"
        " WHERE delivery_id = :delivery_id ORDER BY number",
        {"delivery_id": delivery_id},
    )
    return [
        Attempt(
            number=row[0],
            began=row[1],
            ended=row[2],
            result=row[3],
            status=row[4],
            said=row[5],
            exchanges=tuple(row[6].splitlines()),
        )
        for row in rows
    ]


def _slot(number: int) -> int:
    """The place of an attempt. The last ones take turns."""
    return number if number <= FIRST_KEPT else FIRST_KEPT + 1 + (number - FIRST_KEPT - 1) % LAST_KEPT
