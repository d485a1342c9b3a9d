"""Is it working right now? All districts, worst first, and each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.console.figures import charts
from passback.console.render import page
from passback.console.routing import Shown
from passback.console.visit import redirect
from passback.operations import overview, webhooks

if TYPE_CHECKING:
    from starlette.responses import Response

    from passback.console.figures import Sample
    from passback.console.visit import Visit


async def show_all(visit: Visit) -> Response:
    """All districts that the account sees, worst first."""
    own = visit.account.district_id
    if not visit.may("see"):
        return redirect(f"/districts/{own}/gradebook")
    if own is not None:
        return redirect(f"/districts/{own}")
    total = _counted(visit)
    found = await overview.of_all(visit.gateway.database, visit.gateway.clock, total.districts)
    rates = visit.console.figures.rates()
    return page(
        visit,
        "districts.html",
        found=found,
        total=total,
        rates=rates,
        charts=charts(rates),
    )


async def show(visit: Visit) -> Response:
    """One district."""
    total, gateway = _counted(visit), visit.gateway
    [health] = await overview.of_all(gateway.database, gateway.clock, total.districts, visit.district_id)
    own = visit.district_id
    return page(
        visit,
        "district.html",
        health=health,
        district=health.district,
        total=total,
        webhooks=await webhooks.with_newest_message(gateway.database, own) if visit.may("apps") else (),
    )


def _counted(visit: Visit) -> Sample:
    """What this process has counted of late."""
    figures, metrics = visit.console.figures, visit.gateway.metrics
    figures.watch(metrics)
    return figures.summed(metrics)


PAGES = (
    Shown("/districts", None, show_all),
    Shown("/districts/{district_id}", "see", show),
)
