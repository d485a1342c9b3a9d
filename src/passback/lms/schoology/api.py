"""Schoology's REST API as the connector uses it: credentials, limits, pages, and errors.

Source: Schoology's developer documentation, "REST API v1".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from passback.lms.http.client import LmsClient
from passback.lms.http.pace import Limit
from passback.lms.http.reply import Reply, throttled_for
from passback.lms.interface import NotAllowed, Unavailable
from passback.lms.schoology import errors
from passback.lms.schoology.credentials import HMAC, Key, Signer
from passback.lms.toolkit.json_fields import Json, as_object, as_objects, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.domain.clock import Clock
    from passback.lms.http.hosts import Params
    from passback.lms.interface import LmsConnection, Thing

_RUN_AS = "X-Schoology-Run-As"
_WINDOW_SECONDS = 5.0
_REQUESTS = 12
_WAIT_SECONDS = 5.0
"""How long to wait if Schoology throttles requests: its window, because it never says."""
_PAGE = 200
_MOST_PAGES = 300
_MOST_READINGS = 3
_IDS = ("id", "uid", "enrollment_id", "assignment_id", "revision_id")
"""What tells the items of a list apart."""
_STUDENT = "student:"


class SchoologyManners:
    """How to authorize requests to Schoology, and how it limits them. See `passback.lms.http.client.Manners`."""

    def __init__(self, connection: LmsConnection, clock: Clock) -> None:
        self._given = connection.credentials
        self._signer = Signer(clock, connection.options.get("signature_method") or HMAC)

    async def credentials(self, method: str, url: str, acting: str, *, renew: bool) -> Mapping[str, str]:  # noqa: ARG002
        # Every try is signed again, so a second one is not a replay.
        return {"Authorization": self._signer.authorization(self._key(acting), method, url)}

    def _key(self, acting: str) -> Key:
        given = self._given
        consumer, secret = given.get("consumer_key", ""), given.get("consumer_secret", "")
        if not acting.startswith(_STUDENT):
            return Key(consumer, secret, given.get("token", ""), given.get("token_secret", ""))
        token, _, token_secret = given.get(acting, "").partition(":")
        if not token:
            raise NotAllowed("the student has not signed in")
        return Key(given.get("app_key") or consumer, given.get("app_secret") or secret, token, token_secret)

    def refused_credentials(self, reply: Reply) -> bool:
        # One refusal may be a stray one: what may be repeated is sent again, once, before it is believed.
        return reply.status in (401, 403) and not reply.doubtful

    def throttled(self, reply: Reply) -> float | None:
        return throttled_for(reply, default=_WAIT_SECONDS)

    def room(self, reply: Reply) -> float | None:  # noqa: ARG002 - it never says
        return None

    def own_refusal(self, reply: Reply) -> bool:
        return errors.is_own(reply)


class SchoologyApi:
    """Calls to one Schoology; paths are below ``/v1/``."""

    def __init__(self, connection: LmsConnection, clock: Clock) -> None:
        self._given = connection.credentials
        self._secure = connection.address.startswith("https")
        requests = connection.options.get("requests_in_5_seconds") or ""
        limit = Limit(int(requests) if requests.isdecimal() and int(requests) else _REQUESTS, _WINDOW_SECONDS)
        self._client = LmsClient(connection, SchoologyManners(connection, clock), limit=limit)

    def has_signed_in(self, uid: str) -> bool:
        """Whether a student has signed in, so that we may act as them."""
        return bool(self._given.get(_STUDENT + uid))

    async def get(self, path: str, params: Params | None = None, *, gone: Thing = "assignment",
                  run_as: str | None = None) -> Json:  # fmt: skip
        """Read one object. Raises `LmsError`; with a 404, `gone` does not exist."""
        reply = await self._client.get(path, params, headers=_headers(run_as))
        return as_object(_good(reply, gone).json())

    async def pages(self, path: str, name: str | tuple[str, str], params: Mapping[str, Any] | None = None, *,
                    gone: Thing = "assignment") -> list[Json]:  # fmt: skip
        """Read all pages of a list whose items are under `name`, or under two names, one inside the other.

        An item that moved to another page while they were read is returned once, and a list whose length changed is
        read again. Raises `LmsError`, also if the list ends before its ``total``, or has no end.
        """
        for _ in range(_MOST_READINGS):
            found = await self._read_through(path, name, params or {}, gone)
            if found is not None:
                return found
        raise Unavailable("a list changes whenever it is read")

    async def _read_through(
        self, path: str, name: str | tuple[str, str], params: Mapping[str, Any], gone: Thing
    ) -> list[Json] | None:
        """Read a list, each item once; None if its length changed meanwhile. Raises `LmsError`."""
        names = (name,) if isinstance(name, str) else name
        found: dict[Any, Json] = {}
        received, totals, followed = 0, set[Any](), set[str]()
        last: list[Json] = []
        url, query = path, {"start": 0, "limit": _PAGE, **params}
        for _ in range(_MOST_PAGES):
            read = self._client.get_further if received else self._client.get
            reply = _good(await read(url, query), gone)
            content = as_object(reply.json())
            items, total = _listed(reply, content, names), number(content, "total")
            links = as_object(content.get("links") or {})
            next_url = text(links, "next")
            again = bool(items) and items == last
            if again and followed:
                raise reply.useless("leads back to itself")
            if again:  # it is not paged, and says so only by beginning again
                items, next_url = [], None
            last = items
            found |= {_identity(item, received + at): item for at, item in enumerate(items)}
            received += len(items)
            totals.add(total)
            more = len(found) < total if total is not None else not links
            if next_url:
                if not items or next_url in followed:
                    raise reply.useless("has a page without end")
                followed.add(next_url)
                url, query = self._own(next_url), {}
            elif items and more:
                # Schoology does not say where the next page begins; a page may have fewer items than were asked for.
                url, query = path, {**query, "start": received, "limit": _PAGE, **params}
            elif len(totals) > 1:
                return None
            elif total is not None and more:
                raise reply.useless(f"ends after {len(found)} of {total} items")
            else:
                return list(found.values())
        raise reply.useless("has no end")

    async def unpaged(self, path: str, name: str, *, gone: Thing = "section") -> list[Json]:
        """Read a list that is not paged."""
        reply = _good(await self._client.get(path), gone)
        return _listed(reply, as_object(reply.json()), (name,))

    async def send(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        safe: bool,
        gone: Thing = "assignment",
        run_as: str | None = None,
        student: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a write; returns the answer, or None if it is empty. Raises `LmsError`.

        `run_as` is the user whom the key impersonates; `student` is one who has signed in and acts themselves.
        """
        reply = await self._client.send(
            method,
            self._own(path),
            content=content,
            headers={**_headers(run_as), **(headers or {})},
            acting="" if student is None else _STUDENT + student,
            safe=safe,
        )
        _good(reply, gone)
        return reply.json() if reply.body.strip() else None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _own(self, address: str) -> str:
        """Return an address with ``https``: Schoology writes ``http`` even if it is reached by ``https``."""
        if self._secure and urlsplit(address).scheme == "http":
            return "https" + address[4:]
        return address


def one_or_more(value: Any) -> list[Json]:
    """Return the objects of a list, which may be a single object if there is only one."""
    return [value] if isinstance(value, dict) else as_objects(value)


def _listed(reply: Reply, content: Json, names: tuple[str, ...]) -> list[Json]:
    """Return a list that is under `names`, one inside the other. Raises `Unavailable` if it is not all there."""
    value: Any = content
    for name in names:
        if value == [] and value is not content:
            return []  # how PHP writes an object without members
        # On any level, a list of one may be a single object.
        if not isinstance(value, dict) or name not in value:
            raise reply.useless("lacks the list")  # an empty one is there, too
        value = value[name]
    items = [value] if isinstance(value, dict) else value
    if items in (None, "") and number(content, "total") == 0:
        return []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise reply.useless("has something else than a list")
    return items


def _identity(item: Json, position: int) -> Any:
    ids = tuple(text(item, name) for name in _IDS)
    return ids if any(ids) else position


def _headers(run_as: str | None) -> dict[str, str]:
    return {} if run_as is None else {_RUN_AS: run_as}


def _good(reply: Reply, gone: Thing) -> Reply:
    if reply.status >= 400:
        raise errors.refusal(reply, gone)
    return reply
