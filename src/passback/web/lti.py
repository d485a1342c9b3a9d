"""The pages that LMSs and browsers open for LTI: login, launch, and our public keys."""

from __future__ import annotations

import logging
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
from passback.observe.counts import Counter
from passback.operations.lti import REGISTER, register
from passback.web.lti_html import LAUNCH, LOGIN, PRIVATE, beginning, cookie, fetching, page
from passback.web.messages import JSON, BodyTooLarge, Response
from passback.web.pages import not_allowed, read_only
from passback.wire.encode import encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from passback.web.messages import Request
    from passback.web.pages import Page

log = logging.getLogger(__name__)

KEYS, RETURN = "/lti/jwks.json", "/lti/return"

_LONGEST_FORM = 256 * 1024
_MOST_FIELDS = 100
_FRAMES = (b"iframe", b"frame", b"object", b"embed", b"fencedframe")


class _Tool(Struct, frozen=True):
    """What the pages work with."""

    gateway: Gateway
    keys: PlatformKeys
    launches: Counter

    @property
    def base_url(self) -> str:
        return self.gateway.base_url


def lti_pages(gateway: Gateway) -> dict[str, Page]:
    """The pages."""
    counter = Counter(
        "passback_lti_launches", "Launches of applications from an LMS, by outcome.", ("outcome",)
    )
    tool = _Tool(gateway, PlatformKeys(gateway.clock), gateway.metrics.add(counter))

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
    async def answered(request: Request) -> Response:
        if request.method not in methods:
            return not_allowed(*methods)
        try:
            return await answer(tool, request)
        except Refused as refused:
            path = request.path.decode()
            log.info("%s was refused: %s (%d)", path, refused.why, refused.status)
            if path in (LOGIN, LAUNCH):
                tool.launches.add(refused.why)
            return page(refused.status, "This cannot be opened", str(refused))

    return answered


async def _begin(tool: _Tool, request: Request) -> Response:
    """Ask the LMS who comes. Raises `Refused`."""
    given = await _parameters(request)
    begun = await login.begin(tool.gateway, given, tool.base_url + LAUNCH)
    if begun.state.storage or _is_in_frame(request):
        return beginning(tool.base_url, begun, given)
    kept = cookie(tool.base_url, begun.state, begun.secret)
    return Response(302, headers=((b"location", begun.url.encode()), kept, *PRIVATE))


async def _land(tool: _Tool, request: Request) -> Response:
    """Send on whom the LMS says that it is. Raises `Refused`."""
    given = await _parameters(request)
    gateway = tool.gateway
    state = login.open_sealed(gateway.cursor_key, given.get("state", ""), gateway.clock())
    if given.get("error") and "id_token" not in given:
        raise Refused(
            "The LMS does not say who you are, and gives as the reason:"
            f" {given.get('error_description', given['error'])[:500]}",
            why="declined",
        )
    secret = _cookies(request).get(state.name) or _stored(tool, request, given)
    if not secret and state.storage and "stored" not in given:
        return fetching(tool.base_url, state, given)
    if not state.is_of(secret):
        raise Refused(
            "This browser does not keep what it was given at the beginning of the launch: it blocks cookies. Allow them"
            " for this site, or let the LMS open the activity in a new window.",
            why="other_browser",
        )
    onward = await launch.take(gateway, tool.keys, state, given.get("id_token", ""))
    tool.launches.add("sent_on")
    over = cookie(tool.base_url, state, "")
    return Response(303, headers=((b"location", onward.url.encode()), over, *PRIVATE))


async def _register(tool: _Tool, request: Request) -> Response:
    """Have the LMS know us, whose administrator has opened a link of ours. Raises `Refused`."""
    await register(tool.gateway, tool.base_url, await _parameters(request))
    text = (
        "The LMS and Passback know each other now. If the LMS shows the tool as pending, activate it there."
    )
    return page(200, "Registered", text, {"do": "close"})


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
    return page(200, "One moment", "Your choice goes back to the LMS.", attributes)


async def _parameters(request: Request) -> Mapping[str, str]:
    """The parameters of a GET or of a form, none of which may have two values (RFC 6749, 3.1). Raises `Refused`."""
    try:
        raw = request.query if request.method == "GET" else await request.body(_LONGEST_FORM)
    except BodyTooLarge:
        raise Refused("The request is too long.", status=413) from None
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Refused("The request cannot be read.") from None
    given = dict(pairs)
    if len(given) < len(set(pairs)):
        raise Refused("The request says two things of the same name.")
    return given


def _cookies(request: Request) -> Mapping[str, str]:
    pairs = (
        part.strip().decode("latin-1").partition("=")
        for value in request.values(b"cookie")
        for part in value.split(b";")
    )
    return {name: value for name, _, value in pairs}


def _stored(tool: _Tool, request: Request, given: Mapping[str, str]) -> str:
    """The secret that the LMS's page has kept; empty if it comes from another page than ours.

    Another site could have the browser send what it was given in a launch of its own, and so sign somebody in as
    somebody else.
    """
    base = urlsplit(tool.base_url)
    is_ours = request.values(b"origin") == [f"{base.scheme}://{base.netloc}".encode()]
    return given.get("stored", "") if is_ours else ""


def _is_in_frame(request: Request) -> bool:
    """Whether the browser says that the page will be inside of another."""
    return any(it in _FRAMES for it in request.values(b"sec-fetch-dest"))
