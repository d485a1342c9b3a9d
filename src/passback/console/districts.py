"""Is it working right now? All districts, worst first, and each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.console.figures import charts
from passback.console.render import page
from passback.console.routing import Shown
from passback.console.visit import redirect
from passback.operations import overview

if TYPE_CHECKING:
    from starlette.responses import Response

    from passback.console.visit import Visit


async def show_all(visit: Visit) -> Response:
    """All districts that the account sees, worst first."""
    own = visit.account.district_id
    if not visit.may("see"):
        return redirect(f"/districts/{own}/gradebook")
    if own is not None:
        return redirect(f"/districts/{own}")
    found = await overview.of_all(visit.gateway.database, visit.gateway.clock)
    figures, metrics = visit.console.figures, visit.gateway.metrics
    figures.watch(metrics)
    rates = figures.rates()
    return page(
        visit,
        "districts.html",
        found=found,
        total=figures.summed(metrics),
        rates=rates,
        charts=charts(rates),
    )


async def show(visit: Visit) -> Response:
    """One district."""
    health = (await overview.of_all(visit.gateway.database, visit.gateway.clock, visit.district_id))[0]
    return page(visit, "district.html", health=health, district=health.district)


PAGES = (
    Shown("/districts", None, show_all),
    Shown("/districts/{district_id}", "see", show),
)
