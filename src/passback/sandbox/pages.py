"""The sandbox's own endpoints, beside the API. They need no token: nothing in a sandbox is secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.sandbox import state
from passback.web.messages import JSON, Response
from passback.web.pages import not_allowed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from passback.domain.clock import Clock
    from passback.store.engine.database import Database
    from passback.web.messages import Request
    from passback.web.pages import Page

MAX_STATE_BYTES = 256 * 1024 * 1024


def sandbox_pages(
    database: Database, clock: Clock, replaced: Callable[[], Awaitable[None]]
) -> dict[str, Page]:
    """``POST /sandbox/reset``; ``GET`` and ``PUT /sandbox/state``. Calls `replaced` after replacing the whole state."""

    async def reset_page(request: Request) -> Response:
        if request.method != "POST":
            return not_allowed("POST")
        await state.reset(database, clock)
        await replaced()
        return Response(200, b"{}", JSON)

    async def state_page(request: Request) -> Response:
        match request.method:
            case "GET" | "HEAD":
                return Response(200, await state.save(database), JSON)
            case "PUT":
                await state.load(database, await request.body(MAX_STATE_BYTES))
                await replaced()
                return Response(200, b"{}", JSON)
            case _:
                return not_allowed("GET", "HEAD", "PUT")

    return {"/sandbox/reset": reset_page, "/sandbox/state": state_page}
