"""The services of an LMS for LTI tools as the connector uses them: tokens, scopes, media types, pages, and errors."""

from __future__ import annotations

import contextlib
import itertools
import re
from typing import TYPE_CHECKING, Any, TypeVar

from passback.lms.http.client import LmsClient
from passback.lms.http.links import links_of
from passback.lms.http.reply import Reply, sent_at, throttled_for
from passback.lms.interface import Gone, NotAllowed, Unavailable
from passback.lms.lti import errors
from passback.lms.lti.errors import Overtaken
from passback.lms.lti.one_look import OneLook
from passback.lms.lti.tokens import LtiTokens
from passback.lms.toolkit.json_fields import Json, as_object
from passback.lms.toolkit.pages import Pages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from passback.domain.clock import Clock
    from passback.lms.interface import LmsConnection, Thing
    from passback.lms.lti.contexts import Context
    from passback.lms.lti.families import Family

T = TypeVar("T")

ITEM = "application/vnd.ims.lis.v2.lineitem+json"
ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

_AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
MAY_CHANGE_ITEMS, MAY_READ_ITEMS = _AGS + "lineitem", _AGS + "lineitem.readonly"
MAY_READ_RESULTS, MAY_SEND_SCORES = _AGS + "result.readonly", _AGS + "score"
MAY_READ_MEMBERS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
SCOPES = (MAY_CHANGE_ITEMS, MAY_READ_ITEMS, MAY_READ_RESULTS, MAY_SEND_SCORES, MAY_READ_MEMBERS)
"""All that grades need. Some Moodles read line items only for the scope that says so."""

_WAIT_SECONDS = 5.0
_WAIT_FOR_LOCK = 1.0
_NEXT = re.compile(r"<([^<>]*)>\s*;[^<>]*?\brel\s*=[^a-z<>]*next(?![a-z0-9])", re.IGNORECASE)
"""The next page in a ``Link`` header that keeps no rule: Moodle's has typographic quotes."""


class LtiManners:
    """How to authorize requests to the services. See `passback.lms.http.client.Manners`."""

    def __init__(self, tokens: LtiTokens) -> None:
        self._tokens = tokens

    async def credentials(self, method: str, url: str, acting: str, *, renew: bool) -> Mapping[str, str]:  # noqa: ARG002
        return {"Authorization": f"Bearer {(await self._tokens.get(acting, renew=renew)).text}"}

    def refused_credentials(self, reply: Reply) -> bool:
        return errors.is_about_token(reply)

    def throttled(self, reply: Reply) -> float | None:
        return throttled_for(reply, default=_WAIT_SECONDS)

    def room(self, reply: Reply) -> float | None:  # noqa: ARG002 - it never says
        return None

    def own_refusal(self, reply: Reply) -> bool:
        return errors.is_own(reply)


class LtiApi:
    """Calls to the services of one LMS.

    Addresses may be below the LMS's. They may be on other hosts, too, if the operator or a launch has named these.
    """

    def __init__(self, connection: LmsConnection, clock: Clock, family: Family) -> None:
        self.tokens = LtiTokens(connection, clock)
        self._family = family
        self._timer = connection.timer
        self._look = OneLook(family.name)
        hosts = connection.options.get("service_hosts", "").replace(",", " ").split()
        self._client = LmsClient(connection, LtiManners(self.tokens), most_at_once=family.at_once, also=hosts)

    async def item(self, context: Context, path: str) -> Json:
        """Read a line item. Raises `LmsError`."""
        return await self._judged(context, path, MAY_READ_ITEMS, lambda: self._item(context, path))

    async def _item(self, context: Context, path: str) -> Json:
        acting = await self._allowed(context, MAY_READ_ITEMS)
        reply = await self._client.get(path, headers={"Accept": ITEM}, acting=acting, named=context.addresses)
        return as_object(self._good(reply, "assignment").json())

    async def items(self, context: Context, params: Mapping[str, str] | None = None) -> list[Json]:
        """Read our line items of a course. Filters may be ignored. Raises `LmsError`."""
        return await self._pages(
            context, context.lineitems, ITEMS, MAY_READ_ITEMS, "line items", params=params, gone="section"
        )

    async def results(self, context: Context, item: str, user: str = "") -> list[Json]:
        """Read the results of a line item, of one user if one is given and that is possible. Raises `LmsError`."""
        params = {"user_id": user} if user else {}

        async def read() -> list[Json]:
            return await self._pages(
                context,
                below(item, "results"),
                RESULTS,
                MAY_READ_RESULTS,
                "results",
                key="userId",
                params=params,
            )

        return await self._judged(context, item, MAY_READ_RESULTS, read)

    async def members(self, context: Context) -> tuple[Json, list[Json]]:
        """Read the members of a course, and what the list says of the course. Raises `LmsError`."""
        *older, oldest = context.memberships, *context.older_memberships
        for path in older:
            with contextlib.suppress(Gone):
                return await self._members(context, path)
        return await self._members(context, oldest)

    async def _members(self, context: Context, path: str) -> tuple[Json, list[Json]]:
        said: list[Json] = []

        def listed(content: Any) -> Any:
            said.append(as_object(content))
            return said[-1].get("members")

        found = await self._pages(
            context, path, MEMBERS, MAY_READ_MEMBERS, "members", key="user_id", listed=listed,
            gone="section",
        )  # fmt: skip
        about = said[0].get("context")
        return (about if isinstance(about, dict) else {}), found

    async def send_item(
        self, context: Context, method: str, path: str, content: Json | None, *, safe: bool, gone: Thing
    ) -> Reply:
        """Create, change or delete a line item. Raises `LmsError`."""

        async def send() -> Reply:
            return await self._send_item(context, method, path, content, safe=safe, gone=gone)

        # Unless it is safe, whoever looks for what it may have done asks for it again.
        return await (self._judged(context, path, MAY_CHANGE_ITEMS, send) if safe else send())

    async def _send_item(
        self, context: Context, method: str, path: str, content: Json | None, *, safe: bool, gone: Thing
    ) -> Reply:
        acting = await self._allowed(context, MAY_CHANGE_ITEMS)
        kinds = {"Accept": ITEM} if content is None else {"Accept": ITEM, "Content-Type": ITEM}
        reply = await self._client.send(
            method, path, content=content, headers=kinds, acting=acting, safe=safe, named=context.addresses
        )
        return self._good(reply, gone)

    async def send_score(self, context: Context, item: str, content: Json, *, safe: bool) -> None:
        """Send a score; unless that is `safe`, the answer must show that it was taken, if this LMS's do.

        Raises `Overtaken` if the LMS has one that is as new, else `LmsError`.
        """

        async def send() -> None:
            await self._send_score(context, item, content, safe=safe)

        await (self._judged(context, item, MAY_SEND_SCORES, send) if safe else send())

    async def _send_score(self, context: Context, item: str, content: Json, *, safe: bool) -> None:
        acting = await self._allowed(context, MAY_SEND_SCORES)
        refuses = errors.is_locked if self._family.locks_with_500 else None
        for seconds in (_WAIT_FOR_LOCK, None):
            reply = await self._client.send(
                "POST", below(item, "scores"), content=content, headers={"Accept": "*/*", "Content-Type": SCORE},
                acting=acting, safe=safe, refuses=refuses, named=context.addresses,
            )  # fmt: skip
            if reply.status != 500:
                break
            if seconds is None:
                raise errors.Locked(self._family.name)
            # It says the same if its database fails, which passes.
            await self._timer.sleep(seconds)
        if errors.is_overtaken(reply):
            raise Overtaken(self._family.name, sent_at(reply))
        self._good(reply, "assignment")
        known = "" if safe else self._family.acknowledges
        answer = reply.content() if known else None
        if known and not (isinstance(answer, dict) and known in answer):
            raise Unavailable(f"its answer to a score has no {known}", in_doubt=True)

    async def _judged(self, context: Context, item: str, scope: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Do something with a line item; what is denied of it alone is a refusal. Raises `LmsError`."""
        began = self._timer.seconds()

        async def look() -> None:
            await self.granted(context, since=began)  # a scope may have been taken away
            await self._allowed(context, scope)
            await self.items(context)

        return await self._look.ask(item, ask, look)

    async def granted(
        self, context: Context | None = None, *, renew: bool = False, since: float | None = None
    ) -> frozenset[str]:
        """Return the scopes that we are granted of those that we ask for; see `Tokens`. Raises `LmsError`."""
        asked = _asked(context)
        return (await self.tokens.get(asked, renew=renew, since=since)).scopes or frozenset(asked.split())

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        await self.tokens.close()

    async def _allowed(self, context: Context, scope: str) -> str:
        """Return the scopes to ask a token for, one of which is needed. Raises `NotAllowed` if it is not granted."""
        wanted = {scope, MAY_CHANGE_ITEMS} if scope == MAY_READ_ITEMS else {scope}
        if wanted.isdisjoint(await self.granted(context)) and wanted.isdisjoint(
            await self.granted(context, renew=True)  # the LMS may grant it by now
        ):
            raise NotAllowed(f"the LMS does not grant the app the scope {scope}")
        return _asked(context)

    async def _pages(
        self,
        context: Context,
        path: str,
        kind: str,
        scope: str,
        name: str,
        *,
        key: str = "id",
        params: Mapping[str, str] | None = None,
        listed: Callable[[Any], Any] = lambda content: content,
        gone: Thing = "assignment",
    ) -> list[Json]:
        """Read all pages of a list; `key` tells its items apart, and `listed` returns them of an answer."""
        acting, pages = await self._allowed(context, scope), Pages(name, key)
        url, query = path, {**(params or {})}
        if self._family.page is not None:
            query["limit"] = str(self._family.page)
        for number in itertools.count(1):
            read = self._client.get if number == 1 else self._client.get_further
            reply = await read(url, query, headers={"Accept": kind}, acting=acting, named=context.addresses)
            following = next_page(reply)
            pages.add(listed(self._good(reply, gone).json()), following)
            if following is None:
                break
            url, query = following, {}  # as it is: what is added to it may break it
        return pages.items

    def _good(self, reply: Reply, gone: Thing) -> Reply:
        if reply.status >= 400:
            raise errors.refusal(reply, gone, self._family)
        return reply


def below(item: str, name: str) -> str:
    """Return the address of something below a line item's, whose query stays behind it."""
    path, mark, query = item.partition("?")
    return f"{path.rstrip('/')}/{name}{mark}{query}"


def next_page(reply: Reply) -> str | None:
    """Return the address of a list's next page; None if there is none."""
    following = links_of(reply).get("next")
    if following is None:
        found = _NEXT.search(reply.headers.get("link", ""))
        following = None if found is None else found[1]
    return None if following is None else following.replace("&amp;", "&")


def _asked(context: Context | None) -> str:
    """Return the scopes that we ask for: of those for grades only what the LMS has offered."""
    offered = set(context.scopes) if context is not None else set()
    return " ".join(it for it in SCOPES if not offered or it in offered or it == MAY_READ_MEMBERS)
