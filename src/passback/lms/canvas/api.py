"""Canvas's REST API as the connector uses it: credentials, limits, pages, and errors.

Source: Instructure's API documentation ("OAuth2", "Throttling", "Pagination").
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin

from passback.lms.canvas import errors
from passback.lms.http.client import LmsClient
from passback.lms.http.links import next_page
from passback.lms.http.oauth2 import SignedInTokens, TokenEndpoint
from passback.lms.http.reply import Reply, header_number, is_throttled, retry_after
from passback.lms.toolkit.json_fields import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Clock
    from passback.lms.http.hosts import Params
    from passback.lms.interface import LmsConnection, Thing

_RESERVED = 50.0
"""What Canvas charges for each request until it has ended, of the 600 units that a token usually has."""
_DRAINS_IN_A_SECOND = 10.0
_LEAST_WAIT = 2.0
_REMAINING = "x-rate-limit-remaining"
_AT_ONCE, _AT_FIRST = 20, 10
"""Of 600 units eleven requests at once can be charged for; some tokens have more, and others may use them, too."""

_MOST_PAGES = 100
"""Of a list in one course, each of 100 items."""


class CanvasManners:
    """How to authorize requests to Canvas, and how it limits them. See `passback.lms.http.client.Manners`."""

    def __init__(self, connection: LmsConnection, clock: Clock) -> None:
        self._given = connection.credentials
        self._refresh = TokenEndpoint(
            connection.address + "login/oauth2/token",
            clock,
            connection.patience,
            connection.watch,
            connection.timer,
        )
        self._tokens = SignedInTokens(self._refresh, connection, clock, errors.NAME)

    async def credentials(self, method: str, url: str, acting: str, *, renew: bool) -> Mapping[str, str]:  # noqa: ARG002
        token = self._given.get("access_token") or (await self._tokens.get(renew=renew)).text
        return {"Authorization": f"Bearer {token}", "Accept": "application/json+canvas-string-ids"}

    def refused_credentials(self, reply: Reply) -> bool:
        # A token that was made by hand is asked with once more: one refusal may be a slip.
        return errors.is_renewable(reply)

    def throttled(self, reply: Reply) -> float | None:
        if not is_throttled(reply):
            return None
        # Canvas itself does not say how long to wait; what is before it may.
        remaining = header_number(reply, _REMAINING) or 0.0
        return retry_after(reply, default=max(_LEAST_WAIT, (_RESERVED - remaining) / _DRAINS_IN_A_SECOND))

    def room(self, reply: Reply) -> float | None:
        # What is under way has been charged for; one that would use up the rest would be refused.
        remaining = header_number(reply, _REMAINING)
        return None if remaining is None else max(0, math.ceil(remaining / _RESERVED) - 1)

    def own_refusal(self, reply: Reply) -> bool:
        return errors.is_own(reply)

    async def close(self) -> None:
        """Close the connections."""
        await self._tokens.close()
        await self._refresh.close()


class CanvasApi:
    """Calls to one Canvas; paths are below ``/api/v1/``. Ids are texts."""

    def __init__(self, connection: LmsConnection, clock: Clock) -> None:
        self._manners = CanvasManners(connection, clock)
        self._client = LmsClient(connection, self._manners, most_at_once=_AT_ONCE, at_first=_AT_FIRST)

    async def get(self, path: str, params: Params | None = None, *, gone: Thing = "assignment") -> Any:
        """Read one object. Raises `LmsError`; with a 404, `gone` does not exist."""
        return _good(await self._client.get("api/v1/" + path, params), gone)

    async def pages(
        self, path: str, params: Mapping[str, Any], *, gone: Thing = "assignment", most: int = _MOST_PAGES
    ) -> list[dict[str, Any]]:
        """Read all of a list, each item once, in up to `most` pages. Raises `LmsError`."""
        found: dict[str, dict[str, Any]] = {}
        url = "api/v1/" + path
        query: Mapping[str, Any] | None = {"per_page": 100, **params}
        asked: set[str] = set()
        for _ in range(most):
            read = self._client.get_further if asked else self._client.get
            reply = await read(url, query)
            content = _good(reply, gone)
            if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
                raise reply.useless("is no list")
            before = len(found)
            # While pages are read, an item may move to a later one: then the newer counts.
            found |= {text(it, "id") or f"{url} {at}": it for at, it in enumerate(content)}
            target = next_page(reply)
            if target is None:
                return list(found.values())
            if len(found) == before:
                raise reply.useless("has a page with nothing new, and goes on")
            url, query = urljoin(url, target), None
            if url in asked:
                raise reply.useless("leads back to an earlier page")
            asked.add(url)
        raise reply.useless("has no end")

    async def send(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        params: Params | None = None,
        safe: bool,
        gone: Thing = "assignment",
    ) -> Any:
        """Send a write. Raises `LmsError`."""
        reply = await self._client.send(method, "api/v1/" + path, params=params, content=content, safe=safe)
        return _good(reply, gone)

    async def send_form(self, method: str, path: str, form: Mapping[str, str]) -> Any:
        """Send a write that Canvas understands only as a form and that may be repeated. Raises `LmsError`."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = await self._client.send(
            method, "api/v1/" + path, content=urlencode(form).encode(), headers=headers, safe=True
        )
        return _good(reply, "assignment")

    async def graphql(self, query: str, variables: Mapping[str, Any]) -> Any:
        """Run a GraphQL mutation that may be repeated. Raises `LmsError`."""
        content = {"query": query, "variables": variables}
        answer = _good(
            await self._client.send("POST", "api/graphql", content=content, safe=True), "assignment"
        )
        if not isinstance(answer, dict) or answer.get("errors"):
            raise errors.NotAuthorized("Canvas does not post the grades")  # or says that there are none
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        await self._manners.close()


def _good(reply: Reply, gone: Thing) -> Any:
    if reply.status >= 400:
        raise errors.refusal(reply, gone)
    return reply.json()
