"""The sandbox's own endpoints, beside the API. They need no token: nothing in a sandbox is secret."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from passback.sandbox import clock, state
from passback.sandbox.journal_pages import entry_page, list_page
from passback.sandbox.people_pages import people_page
from passback.web.messages import JSON, Response
from passback.web.pages import READING, not_allowed
from passback.wire.encode import encode
from passback.wire.errors import Refusal

if TYPE_CHECKING:
    from passback.sandbox.clock import SandboxClock
    from passback.sandbox.control import Control
    from passback.sandbox.parts import Parts
    from passback.sandbox.people import People
    from passback.store.engine.database import Database
    from passback.web.messages import Request
    from passback.web.pages import Page

FROM_ELSEWHERE = "a page of another site must not change the sandbox"
MAX_STATE_BYTES = 256 * 1024 * 1024
_MAX_BYTES = 64 * 1024


def from_here(page: Page) -> Page:
    """Refuse changes that a page of another site has somebody's browser ask for. There is no token that would.

    A page of this machine, on whatever port, is no other site. The page raises `Refusal`.
    """

    async def guarded(request: Request) -> Response:
        if request.method not in READING and _is_from_elsewhere(request):
            raise Refusal(403, FROM_ELSEWHERE)
        return await page(request)

    return guarded


def _is_from_elsewhere(request: Request) -> bool:
    site = request.values(b"sec-fetch-site")
    if site:
        return site == [b"cross-site"]
    # Browsers that do not send it name the page's origin.
    return any(
        _host(it) != _host(b"//" + b"".join(request.values(b"host"))) for it in request.values(b"origin")
    )


def _host(url: bytes) -> bytes | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def state_pages(database: Database, control: Control) -> dict[str, Page]:
    """``POST /sandbox/reset``; ``GET`` and ``PUT /sandbox/state``."""

    async def reset_page(request: Request) -> Response:
        if request.method != "POST":
            return not_allowed("POST")
        await control.reset()
        return Response(200, b"{}", JSON)

    async def state_page(request: Request) -> Response:
        match request.method:
            case "GET" | "HEAD":
                return Response(200, await state.save(database), JSON)
            case "PUT":
                await control.load(await request.body(MAX_STATE_BYTES))
                return Response(200, b"{}", JSON)
            case _:
                return not_allowed("GET", "HEAD", "PUT")

    return {"/sandbox/reset": reset_page, "/sandbox/state": state_page}


def pages_of_parts(parts: Parts, control: Control) -> dict[str, Page]:
    """The endpoints of what only a sandbox has that is served for itself."""
    return {
        "/sandbox/clock": clock_page(parts.clock, control),
        "/sandbox/requests": list_page(parts.journal),
    }


def folder_of_parts(parts: Parts, people: People) -> Page:
    """All paths below ``/sandbox`` that hold an id. The page raises `Refusal`."""
    entry, others = entry_page(parts.journal), people_page(people)

    async def page(request: Request) -> Response:
        if request.path.startswith(b"/sandbox/requests/"):
            return await entry(request)
        return await others(request)

    return page


def clock_page(moved: SandboxClock, control: Control) -> Page:
    """``/sandbox/clock``: ``GET``, ``PUT`` to move it, ``DELETE`` to go by the machine's again."""

    async def page(request: Request) -> Response:
        match request.method:
            case "GET" | "HEAD":
                pass
            case "PUT":
                wanted = clock.parse(await request.body(_MAX_BYTES))
                await control.move_clock(clock.moved_by(moved, wanted))
            case "DELETE":
                await control.move_clock(0)
            case _:
                return not_allowed("GET", "HEAD", "PUT", "DELETE")
        return Response(200, encode(clock.show(moved)), JSON)

    return page
