"""What did not arrive? The list, a delivery by itself, and what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.console.render import counted, page
from passback.console.routing import Shown
from passback.console.visit import redirect
from passback.operations import deliveries, districts, held, not_arrived, story
from passback.operations.errors import NotFound, OperationError

if TYPE_CHECKING:
    from starlette.responses import Response

    from passback.console.visit import Visit
    from passback.operations.held import Held

_A_PAGE = 50


async def of_all(visit: Visit) -> Response:
    """What has not arrived, in all districts that the account sees."""
    if visit.account.district_id is not None:
        return redirect(f"/districts/{visit.account.district_id}/not-arrived")
    return await _list(visit, None)


async def of_district(visit: Visit) -> Response:
    """What has not arrived in a district."""
    return await _list(visit, visit.district_id)


async def _list(visit: Visit, district_id: str | None) -> Response:
    database = visit.gateway.database
    found = await not_arrived.page(
        database,
        district_id,
        limit=_A_PAGE,
        before=visit.asked("before") or None,
        application=visit.asked("app"),
    )
    district = None if district_id is None else await districts.find(database, district_id)
    return page(
        visit,
        "not_arrived.html",
        found=found,
        district=district,
        done=visit.done,
        app=visit.asked("app"),
        may_deliver=visit.may("deliver"),
    )


async def show(visit: Visit) -> Response:
    """One delivery, with its whole story."""
    return await _story(visit)


async def look(visit: Visit) -> Response:
    """One delivery, beside what its LMS holds now, which is read for that."""
    told = await deliveries.find(visit.gateway.database, visit.of_path("delivery_id"))
    visit.require_district(told.delivery.district_id)
    return await _story(visit, await held.read(visit.gateway, told.delivery.id))


async def _story(visit: Visit, found: Held | None = None) -> Response:
    told = await story.told(visit.gateway.database, visit.of_path("delivery_id"))
    visit.require_district(told.named.delivery.district_id)
    return page(
        visit,
        "delivery.html",
        story=told,
        held=found,
        is_readable=held.is_readable(told.named.delivery),
        found=told.named,
        district=told.named.district,
        may_deliver=visit.may("deliver"),
    )


async def act(visit: Visit) -> Response:
    """Retry or cancel one delivery, or all that are selected."""
    doing = visit.sent("do")
    if doing not in _ACTS:
        raise OperationError("choose whether to retry or to cancel")
    done = 0
    refused: list[str] = []
    for delivery_id in dict.fromkeys(visit.sent_all("delivery")):
        try:
            await _one(visit, doing, delivery_id)
            done += 1
        except OperationError as error:
            refused.append(str(error))
    if refused and not done:
        raise OperationError("; ".join(refused[:3]))
    said = f"{counted(done, 'delivery', 'deliveries')} {_ACTS[doing]}"
    if refused:
        said += f", and {len(refused):,} could not be: they have arrived, ended or begun meanwhile"
    back = visit.sent("back")
    return redirect(back if back.startswith("/") and not back.startswith("//") else "/not-arrived", done=said)


_ACTS = {"retry": "will be tried now", "cancel": "cancelled"}


async def _one(visit: Visit, doing: str, delivery_id: str) -> None:
    database, clock = visit.gateway.database, visit.gateway.clock
    found = await deliveries.find(database, delivery_id)
    if not visit.account.sees(found.delivery.district_id):
        raise NotFound(f"there is no delivery {delivery_id}")
    if doing == "retry":
        await deliveries.retry(database, delivery_id, clock, actor=visit.actor)
    else:
        await deliveries.cancel(database, delivery_id, clock, actor=visit.actor)


PAGES = (
    Shown("/not-arrived", "see", of_all),
    Shown("/districts/{district_id}/not-arrived", "see", of_district),
    Shown("/deliveries", "deliver", act, "POST"),
    Shown("/deliveries/{delivery_id}", "see", show),
    Shown("/deliveries/{delivery_id}/held", "see", look, "POST"),
)
