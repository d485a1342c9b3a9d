"""The pages that LMSs and browsers open for LTI: login, launch, and our public keys."""

from __future__ import annotations

import base64
import hashlib
import logging
from functools import cache
from html import escape
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from passback.context import Gateway
from passback.lms.interface import NotAllowed
from passback.lms.stored_keys import StoredKeys
from passback.lti import deep_linking, launch, login
from passback.lti.keys import published
from passback.lti.platform_keys import PlatformKeys
from passback.lti.refused import Refused
from passback.operations.lti import REGISTER, register
from passback.web.messages import JSON, Response
from passback.web.pages import not_allowed, read_only
from passback.wire.encode import encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from passback.lti.login import State
    from passback.web.messages import Header, Request
    from passback.web.pages import Page

log = logging.getLogger(__name__)

LOGIN, LAUNCH, KEYS, RETURN = "/lti/login", "/lti/launch", "/lti/jwks.json", "/lti/return"

_HTML = b"text/html; charset=utf-8"
_LONGEST_FORM = 256 * 1024
_MOST_FIELDS = 100
_COOKIE_SECONDS = login.LASTS // 1000
_PRIVATE = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class _Tool(Struct, frozen=True):
    """What the pages work with."""

    gateway: Gateway
    keys: PlatformKeys

    @property
    def base_url(self) -> str:
        return self.gateway.base_url


def lti_pages(gateway: Gateway) -> dict[str, Page]:
    """The pages."""
    tool = _Tool(gateway, PlatformKeys(gateway.clock))

    async def show_keys() -> Response:
        shown = await published(gateway)
        return Response(200, encode(shown), JSON, ((b"cache-control", b"public, max-age=3600"),))

    return {
        LOGIN: _page_of(tool, _begin, "GET", "POST"),
        LAUNCH: _page_of(tool, _land, "POST"),
        KEYS: read_only(show_keys),
        REGISTER: _page_of(tool, _register, "GET"),
        RETURN: _page_of(tool, _return, "GET"),
    }


def _page_of(tool: _Tool, answer: Callable[[_Tool, Request], Awaitable[Response]], *methods: str) -> Page:
    async def page(request: Request) -> Response:
        if request.method not in methods:
            return not_allowed(*methods)
        try:
            return await answer(tool, request)
        except Refused as refused:
            log.info("%s was refused (%d)", request.path.decode(), refused.status)
            return _page(refused.status, "This cannot be opened", str(refused))

    return page


async def _begin(tool: _Tool, request: Request) -> Response:
    """Ask the LMS who comes. Raises `Refused`."""
    begun = await login.begin(tool.gateway, await _parameters(request), tool.base_url + LAUNCH)
    cookie = _cookie(tool.base_url, begun.state, begun.secret)
    if begun.state.storage:
        return _storing(begun, cookie)
    return Response(302, headers=((b"location", begun.url.encode()), cookie, *_PRIVATE))


async def _land(tool: _Tool, request: Request) -> Response:
    """Send on whom the LMS says that it is. Raises `Refused`."""
    given = await _parameters(request)
    if given.get("error") and "id_token" not in given:
        raise Refused(
            "The LMS does not say who you are, and gives as the reason:"
            f" {given.get('error_description', given['error'])[:500]}"
        )
    gateway = tool.gateway
    state = login.open_sealed(gateway.cursor_key, given.get("state", ""), gateway.clock())
    secret = _cookies(request).get(state.name) or given.get("stored", "")
    if not secret and state.storage and "stored" not in given:
        return _fetching(tool.base_url, state, given)
    if not state.is_of(secret):
        raise Refused(
            "This browser does not keep what it was given at the beginning of the launch: it blocks cookies inside of"
            " other pages. Open the activity in a new window, or allow cookies for this site."
        )
    onward = await launch.take(gateway, tool.keys, state, given.get("id_token", ""))
    over = _cookie(tool.base_url, state, "")
    return Response(303, headers=((b"location", onward.url.encode()), over, *_PRIVATE))


async def _register(tool: _Tool, request: Request) -> Response:
    """Have the LMS know us, whose administrator has opened a link of ours. Raises `Refused`."""
    await register(tool.gateway, tool.base_url, await _parameters(request))
    text = (
        "The LMS and Passback know each other now. If the LMS shows the tool as pending, activate it there."
    )
    return _page(200, "Registered", text, {"do": "close"})


async def _return(tool: _Tool, request: Request) -> Response:
    """Take an activity that was chosen back to the LMS. Raises `Refused`."""
    gateway = tool.gateway
    keys = StoredKeys(gateway.database, gateway.vault, gateway.clock)
    ticket = (await _parameters(request)).get("ticket", "")
    try:
        url, token = await deep_linking.give_back(gateway.database, keys, ticket, gateway.clock())
    except NotAllowed as error:
        log.error("nothing can be signed for an LMS: %s", error)  # noqa: TRY400 - a traceback says nothing more
        raise Refused("This gateway cannot sign now. Tell whoever runs it.", status=500) from None
    attributes = {"do": "return", "url": url, "token": token}
    return _page(200, "One moment", "Your choice goes back to the LMS.", attributes)


async def _parameters(request: Request) -> Mapping[str, str]:
    """The parameters of a GET or of a form; of several with the same name, the first. Raises `Refused`."""
    raw = request.query if request.method == "GET" else await request.body(_LONGEST_FORM)
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Refused("The request cannot be read.") from None
    given: dict[str, str] = {}
    for name, value in pairs:
        given.setdefault(name, value)
    return given


def _cookie(base_url: str, state: State, secret: str) -> Header:
    """Have the browser keep a secret, also inside of another site's page; an empty one is forgotten.

    Browsers take such a cookie over HTTPS only. Without, the LMS is on the same machine, and so the same site.
    """
    age = _COOKIE_SECONDS if secret else 0
    base = urlsplit(base_url)
    across = "; Secure; SameSite=None; Partitioned" if base.scheme == "https" else ""
    cookie = f"{state.name}={secret}; Path={base.path}/lti; Max-Age={age}; HttpOnly{across}"
    return (b"set-cookie", cookie.encode())


def _cookies(request: Request) -> Mapping[str, str]:
    pairs = (
        part.strip().decode("latin-1").partition("=")
        for value in request.values(b"cookie")
        for part in value.split(b";")
    )
    return {name: value for name, _, value in pairs}


def _storing(begun: login.Login, cookie: Header) -> Response:
    """A page that has the LMS's own page keep the secret, too, and then goes on."""
    attributes = {
        "do": "put",
        "target": begun.state.storage,
        "origin": begun.state.storage_origin,
        "key": begun.state.name,
        "value": begun.secret,
        "url": begun.url,
    }
    return _page(200, "One moment", "You are being signed in.", attributes, headers=(cookie,))


def _fetching(base_url: str, state: State, given: Mapping[str, str]) -> Response:
    """A page that asks the LMS's own page for the secret, and comes back with it."""
    attributes = {
        "do": "get",
        "target": state.storage,
        "origin": state.storage_origin,
        "key": state.name,
        "state": given.get("state", ""),
        "token": given.get("id_token", ""),
        "url": base_url + LAUNCH,
    }
    return _page(200, "One moment", "You are being signed in.", attributes)


def _page(
    status: int,
    title: str,
    text: str,
    attributes: Mapping[str, str] | None = None,
    headers: tuple[Header, ...] = (),
) -> Response:
    """A page for people, which may be inside of the LMS's. With `attributes` it does what they say."""
    given = "".join(f' data-{name}="{escape(value)}"' for name, value in (attributes or {}).items())
    script = f"<script>{_script()}</script>" if attributes else ""
    allowed = f"'sha256-{_script_hash()}'" if attributes else "'none'"
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><body{given}><h1>{escape(title)}</h1><p>{escape(text)}</p>{script}</body></html>"
    )
    policy = f"default-src 'none'; script-src {allowed}; base-uri 'none'"
    return Response(
        HTTPStatus(status),
        body.encode(errors="backslashreplace"),
        _HTML,
        (*headers, *_PRIVATE, (b"content-security-policy", policy.encode())),
    )


@cache
def _script() -> str:
    return files("passback.web").joinpath("lti.js").read_text("utf-8")


@cache
def _script_hash() -> str:
    return base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
