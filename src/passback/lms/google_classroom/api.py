"""Google Classroom's API as the connector uses it: credentials, limits, pages, and errors."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from passback.lms.google_classroom import errors
from passback.lms.google_classroom.credentials import GoogleTokens
from passback.lms.http.client import LmsClient
from passback.lms.http.reply import Reply, retry_after
from passback.lms.interface import RefusedByLms, Unavailable
from passback.lms.toolkit.json_fields import Json, as_object, text
from passback.lms.toolkit.pages import Pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Clock
    from passback.lms.http.hosts import Params
    from passback.lms.interface import LmsConnection, Thing

_FIRST_WAIT = 1.0
"""Seconds to wait if Google throttles requests without saying how long; the client adds its own, longer each time."""
_PAGE = 100
AT_ONCE = 10
"""Google takes 1,200 requests of a user in a minute, and about half a second for each."""


class GoogleManners:
    """How to authorize requests to Google, and how it limits them. See `passback.lms.http.client.Manners`."""

    def __init__(self, tokens: GoogleTokens) -> None:
        self._tokens = tokens

    async def credentials(self, method: str, url: str, acting: str, *, renew: bool) -> Mapping[str, str]:  # noqa: ARG002
        return {"Authorization": f"Bearer {(await self._tokens.get(acting, renew=renew)).text}"}

    def refused_credentials(self, reply: Reply) -> bool:
        return reply.status == 401

    def throttled(self, reply: Reply) -> float | None:
        return (
            retry_after(reply, default=errors.retry_delay(reply) or _FIRST_WAIT)
            if errors.is_throttled(reply)
            else None
        )

    def room(self, reply: Reply) -> float | None:  # noqa: ARG002 - it never says
        return None

    def own_refusal(self, reply: Reply) -> bool:
        return errors.is_own(reply)


class ClassroomApi:
    """Calls to one domain's Classroom; paths are below ``/v1/``. `acting` is the e-mail address to act as."""

    def __init__(self, connection: LmsConnection, clock: Clock) -> None:
        self.tokens = GoogleTokens(connection, clock)
        self._client = LmsClient(connection, GoogleManners(self.tokens), most_at_once=AT_ONCE)

    async def get(self, path: str, acting: str, params: Params | None = None, *,
                  gone: Thing = "assignment") -> Json:  # fmt: skip
        """Read one object. Raises `LmsError`; with a 404, `gone` does not exist."""
        return as_object(_good(await self._client.get("v1/" + path, params, acting=acting), gone).json())

    async def pages(self, path: str, name: str, acting: str, params: Mapping[str, Any] | None = None, *,
                    gone: Thing = "assignment", key: str = "id", most: int | None = None) -> list[Json]:  # fmt: skip
        """Read all pages of a list, or at most so many. `key` tells its items apart.

        If there are no items, Google leaves their name out, and so does an answer that is none: see `surely`.
        """
        pages = Pages(name, key)
        query: dict[str, Any] = {"pageSize": _PAGE, **(params or {})}
        for number in itertools.count(1):
            read = self._client.get if number == 1 else self._client.get_further
            reply = await read("v1/" + path, query, acting=acting)
            try:
                content = as_object(_good(reply, gone).json())
            except RefusedByLms:
                if number == 1:
                    raise
                raise reply.useless("refuses the next page of a list") from None
            if name not in content and content.keys() - {"nextPageToken"}:
                raise Unavailable(f"a list of its {name} is not as expected")
            token = text(content, "nextPageToken") or None
            pages.add(content.get(name, []), token)
            if token is None or number == most:
                break
            query["pageToken"] = token
        return pages.items

    async def surely(self, path: str, name: str, acting: str, params: Mapping[str, Any] | None = None, *,
                     gone: Thing = "assignment", key: str = "id") -> list[Json]:  # fmt: skip
        """Read all pages of a list that is seldom empty: it counts as empty if it is so twice."""
        found = await self.pages(path, name, acting, params, gone=gone, key=key)
        return found or await self.pages(path, name, acting, params, gone=gone, key=key)

    async def send(
        self,
        method: str,
        path: str,
        acting: str,
        content: Any = None,
        *,
        params: Params | None = None,
        safe: bool,
        gone: Thing = "assignment",
    ) -> Json:
        """Send a write. Raises `LmsError`."""
        reply = await self._client.send(
            method, "v1/" + path, params=params, content=content, acting=acting, safe=safe
        )
        content = _good(reply, gone).json()
        if not isinstance(content, dict):
            raise reply.useless("is no object")
        return content

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        await self.tokens.close()


def _good(reply: Reply, gone: Thing) -> Reply:
    if reply.status >= 400:
        raise errors.refusal(reply, gone)
    return reply
