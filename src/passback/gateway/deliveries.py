"""Reading deliveries and their outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.context import Answer
from passback.delivery import present
from passback.domain.delivery import Delivered, Refused, summed
from passback.store import deliveries
from passback.wire import cursor, errors

if TYPE_CHECKING:
    from collections.abc import Collection

    from passback.context import Caller, Gateway
    from passback.domain.delivery import Delivery, State
    from passback.store.engine.database import Connection
    from passback.wire import responses


async def read(gateway: Gateway, caller: Caller, delivery_id: str) -> Answer[responses.Delivery]:
    """A delivery that the caller's application asked for. Raises `Refusal`: 404 if there is none."""

    def transaction(conn: Connection) -> responses.Delivery:
        found = deliveries.find_of(conn, caller.district_id, caller.application, delivery_id)
        if found is None:
            raise errors.resource_not_found()
        return _shown(conn, found)

    return Answer(await gateway.database.read(transaction))


class DeliveryPage(Struct, frozen=True):
    """A page of deliveries, and the cursor of the next one."""

    items: list[responses.Delivery]
    next_cursor: str | None


async def page(
    gateway: Gateway, caller: Caller, states: Collection[State], *, limit: int, after_cursor: str | None
) -> DeliveryPage:
    """A page of the application's deliveries, the newest first. Raises `Refusal`: bad cursor."""
    now = gateway.clock()
    list_name = f"{caller.district_id}/{caller.application}/deliveries/{','.join(sorted(states))}"
    before = cursor.open_sealed(gateway.cursor_key, list_name, after_cursor, now) if after_cursor else None

    def transaction(conn: Connection) -> tuple[list[responses.Delivery], str | None]:
        found = deliveries.page(
            conn,
            limit=limit + 1,
            district_id=caller.district_id,
            application=caller.application,
            states=states,
            before=before,
            background=True,
        )
        shown = found[:limit]
        return [_shown(conn, one) for one in shown], shown[-1].id if len(found) > limit else None

    items, last = await gateway.database.read(transaction)
    return DeliveryPage(
        items, None if last is None else cursor.seal(gateway.cursor_key, list_name, last, now)
    )


def _shown(conn: Connection, delivery: Delivery) -> responses.Delivery:
    if delivery.operation != "update_submissions":
        return present.delivery(delivery)
    parts = deliveries.parts(conn, delivery.id)
    return present.delivery(summed(delivery, parts), [_outcome(part) for part in parts])


def _outcome(part: Delivery) -> responses.SubmissionOutcome:
    """The outcome of a part of many; 202 if it is not known yet."""
    user_id = part.user_id or ""
    match part.state:
        case "delivered":
            return present.submission_outcome(user_id, Delivered(part.result))
        case "refused":
            return present.submission_outcome(user_id, Refused(part.status or 400, part.message or ""))
        case "waiting" | "delivering":
            return present.submission_outcome(user_id, Refused(202, part.message or "waiting"))
        case _:
            return present.submission_outcome(user_id, Refused(500, part.message or part.state))
