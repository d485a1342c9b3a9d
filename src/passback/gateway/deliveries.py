"""Reading deliveries and their outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.context import Answer
from passback.delivery import present
from passback.domain.delivery import Delivered, Refused, summed
from passback.gateway.pages import Page, Place
from passback.store import deliveries
from passback.wire import errors

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


async def page(
    gateway: Gateway, caller: Caller, states: Collection[State], *, limit: int, after_cursor: str | None
) -> Page[responses.Delivery]:
    """A page of the application's deliveries, the newest first. Raises `Refusal`: bad cursor."""
    list_name = f"{caller.district_id}/{caller.application}/deliveries/{','.join(sorted(states))}"
    place = Place(gateway, list_name, gateway.clock())
    before = place.opened(after_cursor) or None

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
    return Page(items, place.sealed(last))


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
