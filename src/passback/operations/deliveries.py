"""Deliveries: listing, showing, retrying and cancelling them, and how long a district's are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.delivery import ledger
from passback.domain.delivery import KEPT_FOR, Delivery, State, summed
from passback.operations import audit
from passback.operations.districts import required
from passback.operations.errors import NotFound, OperationError
from passback.operations.not_arrived import Named, named
from passback.store import calls, deliveries, districts, not_arrived

if TYPE_CHECKING:
    from collections.abc import Collection

    from passback.domain.clock import Clock
    from passback.store.engine.database import Connection, Database


class Detailed(Struct, frozen=True):
    """A delivery, and its parts if it stands for many."""

    delivery: Delivery
    parts: list[Delivery]


async def list_newest(
    database: Database, *, limit: int, district_id: str | None = None, states: Collection[State] = ()
) -> list[Named]:
    """Return up to `limit` deliveries with names, the newest first: all, a district's, or those in some states.

    Raises `NotFound` for an unknown district.
    """

    def read(conn: Connection) -> list[Named]:
        if district_id is None:
            found = deliveries.page(conn, limit=limit, states=states)
        else:
            required(conn, district_id)
            ids = calls.deliveries(conn, district_id, limit=limit, states=states)
            found = not_arrived.of_ids(conn, ids)
        return named(conn, [_whole(conn, one).delivery for one in found])

    return await database.snapshot(read)


async def find(database: Database, delivery_id: str) -> Detailed:
    """Return a delivery with its parts. Raises `NotFound`."""

    def read(conn: Connection) -> Detailed:
        return whole(conn, delivery_id)

    return await database.snapshot(read)


def whole(conn: Connection, delivery_id: str) -> Detailed:
    """A delivery with its parts, inside a transaction. Raises `NotFound`."""
    return _whole(conn, _required(conn, delivery_id))


async def retry(database: Database, delivery_id: str, clock: Clock, *, actor: str = "") -> None:
    """Try a delivery now, be it waiting or ended without success.

    Raises `NotFound`, and `OperationError` if nothing is left to deliver.
    """
    now = clock()

    def write(conn: Connection) -> None:
        delivery = _required(conn, delivery_id)
        if not ledger.retry(conn, delivery, now):
            raise OperationError(
                f"delivery {delivery_id} has nothing left to deliver: it was delivered (or a newer one with its values"
                " was), it is under way, or it waits for the create of its assignment"
            )
        _record(conn, "delivery.retried", delivery, actor)

    await database.write(write)


async def cancel(database: Database, delivery_id: str, clock: Clock, *, actor: str = "") -> None:
    """Cancel a delivery that is waiting. Raises `NotFound`, and `OperationError` if it is not."""
    now = clock()

    def write(conn: Connection) -> None:
        delivery = _required(conn, delivery_id)
        if not ledger.cancel(conn, delivery, now):
            raise OperationError(f"delivery {delivery_id} is not waiting")
        _record(conn, "delivery.cancelled", delivery, actor)

    await database.write(write)


async def tried_for(database: Database, district_id: str) -> int:
    """For how many milliseconds deliveries to a district are tried. Raises `NotFound`."""

    def read(conn: Connection) -> int:
        required(conn, district_id)
        return districts.keep_trying(conn, district_id) or KEPT_FOR

    return await database.snapshot(read)


async def try_for(database: Database, district_id: str, milliseconds: int | None) -> None:
    """Set for how long deliveries to a district are tried; None for the default. Raises `OperationError`."""
    if milliseconds is not None and milliseconds <= 0:
        raise OperationError("the time must be longer than zero")

    def write(conn: Connection) -> None:
        required(conn, district_id)
        districts.set_keep_trying(conn, district_id, milliseconds)

    await database.write(write)


def _record(conn: Connection, action: str, delivery: Delivery, actor: str) -> None:
    detail = f"{delivery.operation} of {delivery.application}"
    audit.record(conn, action, delivery.id, delivery.district_id, detail, actor=actor)


def _whole(conn: Connection, delivery: Delivery) -> Detailed:
    if delivery.operation != "update_submissions":
        return Detailed(delivery, [])
    parts = deliveries.parts(conn, delivery.id)
    return Detailed(summed(delivery, parts), parts)


def _required(conn: Connection, delivery_id: str) -> Delivery:
    found = deliveries.find(conn, delivery_id)
    if found is None:
        raise NotFound(f"there is no delivery {delivery_id}")
    return found
