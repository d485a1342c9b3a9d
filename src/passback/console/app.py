"""The console as an application: its pages, and the files that they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from passback.console import (
    accounts,
    apps,
    audit,
    connecting,
    deliveries,
    districts,
    gradebook,
    matches,
    rosters,
    search,
    sign_in,
)
from passback.console.routing import SecureHeaders, Shown, lead_to_start, not_here, route, route_of_nobody
from passback.console.visit import ROOT, Console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp

PAGES = (
    *districts.PAGES,
    *deliveries.PAGES,
    *search.PAGES,
    *matches.PAGES,
    *rosters.PAGES,
    *connecting.PAGES,
    *gradebook.PAGES,
    *apps.PAGES,
    *audit.PAGES,
    *accounts.PAGES,
    Shown("/sign-out", None, sign_in.leave, "POST"),
)
"""The pages of every console, in the order in which their paths are tried."""
_OTHERWISE = Shown("/{path:path}", None, not_here)


def _openid(parts: Console) -> list[Mount]:
    if parts.provider is None:
        return []
    # Imported only where a provider is set.
    from passback.console import openid

    return openid.routes(parts)


def console(parts: Console, more: Sequence[Shown] = ()) -> ASGIApp:
    """The application, with `more` pages than every console has."""
    return Starlette(
        routes=[
            Route(ROOT, lead_to_start),
            Route(ROOT + "/", lead_to_start),
            Mount(ROOT + "/static", StaticFiles(packages=[("passback.console", "static")])),
            route_of_nobody(parts, sign_in.SIGN_IN, "GET", sign_in.show),
            route_of_nobody(parts, sign_in.SIGN_IN, "POST", sign_in.take),
            *_openid(parts),
            *(route(parts, shown) for shown in (*PAGES, *more, _OTHERWISE)),
        ],
        middleware=[Middleware(SecureHeaders)],
    )
