"""Signing in and out. A sandbox on loopback signs in whoever comes from the same machine."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.responses import RedirectResponse, Response

from passback.console.render import bare_page
from passback.console.visit import ROOT, Console, Visit
from passback.network.addresses import is_loopback, is_this_machine
from passback.operations import accounts

if TYPE_CHECKING:
    from starlette.requests import Request

    from passback.operations.accounts import AccountSession

SIGN_IN = ROOT + "/sign-in"
_AGE = accounts.LONGEST_SESSION // 1000
_ADDED_BY_PROXIES = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
)


async def session_of(console: Console, request: Request) -> tuple[AccountSession | None, str | None]:
    """Who is signed in; and, if that has just happened by itself, the cookie to set."""
    database, clock = console.gateway.database, console.clock
    secret = request.cookies.get(cookie_name(console))
    if secret is not None:
        session = await accounts.session_of(database, secret, clock)
        if session is not None:
            return session, None
    if not (console.signs_in_itself and _is_of_this_machine(request)):
        return None, None
    account = await accounts.sandbox_owner(database, clock)
    secret = await accounts.begin_session(database, account, clock)
    return await accounts.session_of(database, secret, clock), secret


def lead_there(request: Request) -> Response:
    """Have somebody sign in, and come back to the page that they asked for, or that had the form."""
    if "hx-request" in request.headers:
        return Response(status_code=401)  # the page stays, and says so
    sent = request.method != "GET"
    onward = page_of_form(request) if sent else _path_of(str(request.url))
    return RedirectResponse(f"{SIGN_IN}?next={quote(onward, safe='')}{'&ended=yes' if sent else ''}", 303)


def page_of_form(request: Request) -> str:
    """The page that had the form that was sent; empty if it was not one of the console."""
    path = _path_of(request.headers.get("referer", ""))
    return path if is_ours(path) else ""


def _path_of(url: str) -> str:
    """An address without its site; empty if it is none."""
    try:
        return urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl()
    except ValueError:
        return ""


async def show(console: Console, request: Request) -> Response:
    """The page to sign in."""
    asked = request.query_params
    lost = "You are no longer signed in, so what you sent is not saved. Sign in, and send it again."
    return await _page(console, asked.get("next", ""), error=lost if asked.get("ended") else "")


async def take(console: Console, request: Request) -> Response:
    """Sign in with a name and a password."""
    async with request.form() as form:
        name, password, onward = (str(form.get(it, "")) for it in ("name", "password", "next"))
    if not _is_from_here(request):
        return await _page(console, onward, name, "This form was sent from another site.", status=403)
    address = request.client.host if request.client else ""
    try:
        secret = await accounts.sign_in(console.gateway.database, name, password, address, console.clock)
    except accounts.SignInRefused as refused:
        status = 401 if refused.retry_after is None else 429
        response = await _page(console, onward, name, str(refused), status=status)
        if refused.retry_after is not None:
            response.headers["retry-after"] = str(refused.retry_after)
        return response
    response = RedirectResponse(onward if is_ours(onward) else ROOT, 303)
    set_cookie(console, response, secret)
    return response


async def refused(console: Console, why: str, status: int) -> Response:
    """The page to sign in, with the reason why that came to nothing."""
    return await _page(console, "", "", why, status=status)


async def leave(visit: Visit) -> Response:
    """Sign out."""
    secret = visit.request.cookies.get(cookie_name(visit.console), "")
    await accounts.end_session(visit.gateway.database, secret)
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(cookie_name(visit.console), path="/")
    return response


def cookie_name(console: Console) -> str:
    """The name of the session's cookie. Behind TLS, browsers take one of this name only from this very host."""
    return "__Host-passback" if console.is_secure else "passback"


def set_cookie(console: Console, response: Response, secret: str) -> None:
    """Have the browser keep a session."""
    response.set_cookie(
        cookie_name(console),
        secret,
        max_age=_AGE,
        path="/",
        secure=console.is_secure,
        httponly=True,
        samesite="lax",
    )


async def _page(
    console: Console, onward: str, name: str = "", error: str = "", *, status: int = 200
) -> Response:
    return bare_page(
        console,
        "sign_in.html",
        status=status,
        onward=onward if is_ours(onward) else "",
        name=name,
        error=error,
        provider=console.provider and console.provider.name,
        is_first=not await accounts.any_exist(console.gateway.database),
    )


def is_ours(url: str) -> bool:
    """Whether an address leads to a page of the console, and nowhere else."""
    return (url == ROOT or url.startswith(ROOT + "/")) and "\\" not in url and url.isprintable()


def _is_from_here(request: Request) -> bool:
    """Whether a form was sent by a page of this site, as browsers say. Signing in has no session that could tell."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _is_of_this_machine(request: Request) -> bool:
    """Whether a browser of this machine has asked for this machine, and nothing shows that it was not.

    A page of another site whose name has come to lead here says so in ``Host``. Proxies connect from this machine for
    everybody. Most add headers; nginx adds none, and names this machine as the host, but before 1.29.7 it closes
    each connection, which no browser does.
    """
    if any(it in request.headers for it in _ADDED_BY_PROXIES):
        return False
    if request.headers.get("connection", "").lower() == "close":
        return False
    try:
        host = urlsplit("//" + request.headers.get("host", "")).hostname or ""
    except ValueError:
        return False
    peer = request.client.host if request.client else ""
    return is_loopback(peer) and is_this_machine(host)
