"""From a request to the page that answers it: who asks, whether they may, and what everybody gets who may not.

Each page names the right that it needs. A page below a district is not there for accounts that do not see the district,
and every POST must come from a page of the same session.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from passback.console import once, sign_in
from passback.console.forms import Form, form_of
from passback.console.render import bare_page, page, sentence
from passback.console.visit import ROOT, Console, NotHere, Visit
from passback.domain.account import Right
from passback.operations.errors import NotFound, OperationError
from passback.store.engine.database import StoreUnavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from passback.operations.accounts import AccountSession

log = logging.getLogger(__name__)

_MOST_FIELDS = 10_000
"""How many fields a form may have: a large section's grades and comments are one."""

Answer = Callable[[Visit], Awaitable[Response]]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
}


class Shown(Struct, frozen=True):
    """A page, or what a form of one is sent to."""

    path: str
    """Below the console's own."""
    right: Right | None
    """What an account needs; None if it only has to be one."""
    answer: Answer
    method: str = "GET"


def route(console: Console, shown: Shown) -> Route:
    """The route of a page."""
    return Route(
        ROOT + shown.path,
        partial(_answer, console, shown),
        methods=[shown.method],
        name=f"{shown.method} {shown.path}",
    )


def route_of_nobody(
    console: Console, path: str, method: str, answer: Callable[[Console, Request], Awaitable[Response]]
) -> Route:
    """The route of a page for people who are not signed in."""

    async def endpoint(request: Request) -> Response:
        return await _safely(console, path, answer(console, request))

    return Route(path, endpoint, methods=[method])


async def _answer(console: Console, shown: Shown, request: Request) -> Response:
    return await _safely(console, shown.path, _of_anybody(console, shown, request))


async def _safely(console: Console, path: str, answer: Awaitable[Response]) -> Response:
    """The answer, whatever fails."""
    try:
        return await answer
    except HTTPException as error:  # of Starlette, for a form
        return failed(console, error.status_code, "The form cannot be read", "Go back, and send it again.")
    except StoreUnavailable as error:
        log.error("the store is not available: %s", error)  # noqa: TRY400 - a traceback says nothing more
        return failed(console, 503, "The database cannot be reached", "Try again in a moment.")
    except ClientDisconnect:  # or what it sends is cut off: see `passback.web.asgi`
        return failed(
            console, 413, "That is too large", "Nothing has been changed. Go back, and send less at once."
        )
    except Exception:
        log.exception("internal error in the console's %s", path)
        return failed(console, 500, "Something went wrong here", "It is in the server's log.")


async def _of_anybody(console: Console, shown: Shown, request: Request) -> Response:
    session, cookie = await sign_in.session_of(console, request)
    if session is None:
        return sign_in.lead_there(request)
    response = await _of_session(console, shown, request, session)
    once.forget(request, response)
    if cookie is not None:
        sign_in.set_cookie(console, response, cookie)
    return response


async def _of_session(console: Console, shown: Shown, request: Request, session: AccountSession) -> Response:
    visit = Visit(console, request, session)
    if any("\0" in str(it) for it in request.path_params.values()):
        return show_not_here(visit)  # no database keeps it in a text
    district_id = request.path_params.get("district_id")
    if shown.right is not None and not visit.may(shown.right, district_id):
        return show_not_here(visit)
    try:
        if shown.method != "POST":
            return await shown.answer(visit)
        async with request.form(max_fields=_MOST_FIELDS) as form:
            if form_of(Form, console, session, form).validate():
                return await shown.answer(Visit(console, request, session, form))
        return _error(
            visit,
            403,
            "This form is from another session",
            "Nothing has been changed. Go back, reload the page, and send the form again.",
        )
    except (NotHere, NotFound):
        return show_not_here(visit)
    except OperationError as error:
        return _error(visit, 409, "That was not possible", sentence(str(error)))


async def not_here(visit: Visit) -> Response:
    """The page of every path that has none."""
    return show_not_here(visit)


def show_not_here(visit: Visit) -> Response:
    """The answer to whoever asks for what is not there, or not for them."""
    return _error(
        visit, 404, "There is no such page", "It may have been removed, or your account may not see it."
    )


def _error(visit: Visit, status: int, title: str, text: str) -> Response:
    back = sign_in.page_of_form(visit.request) if visit.request.method == "POST" else ""
    return page(visit, "error.html", status=status, title=title, text=text, back=back)


def failed(console: Console, status: int, title: str, text: str) -> Response:
    """The answer if nothing can be shown."""
    return bare_page(console, "failed.html", status=status, title=title, text=text)


class SecureHeaders:
    """Adds to every answer what browsers may do with it."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                more = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                if b"cache-control" not in given:
                    is_ours = scope["path"].startswith(ROOT + "/static/")
                    more.append((b"cache-control", b"no-cache" if is_ours else b"no-store"))
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self._application(scope, receive, send_more)


def lead_to_start(_request: Request) -> Response:
    """From the console's own address to its first page."""
    return RedirectResponse(ROOT + "/districts")
