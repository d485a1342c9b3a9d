"""The API with the sandbox's journal before it: each request is noted with its answer."""

from __future__ import annotations

import hashlib
from time import perf_counter
from typing import TYPE_CHECKING

from passback.observe import request_id
from passback.sandbox.journal import LONGEST_BODY, Answer, Body
from passback.store.engine.database import StoreUnavailable
from passback.web.authorization import bearer_secret
from passback.web.messages import Request
from passback.wire.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from passback.gateway.authorization import Authorization
    from passback.sandbox.journal import Entry, Journal
    from passback.web.messages import Application, Header, Headers, Reply

_SECRET = ("authorization", "proxy-authorization", "cookie")


class Recorded:
    """An application whose requests are noted, but for those to pages aside of the API."""

    def __init__(
        self,
        application: Application,
        journal: Journal,
        authorization: Authorization,
        aside: Collection[str],
    ) -> None:
        """`aside` are the paths of those pages, and the first parts of the paths of others."""
        self._application = application
        self._journal = journal
        self._authorization = authorization
        self._aside = aside

    async def __call__(self, request: Request) -> Reply | None:
        """Answer a request."""
        path = request.path.decode("latin-1")
        if path in self._aside or "/" + path[1:].partition("/")[0] in self._aside:
            return await self._application(request)
        # Decided here, so that it is known before anything is done for the request.
        id_ = request_id.begin(request.headers)
        entry = self._journal.begin(
            id_, request.method, path, request.query.decode("latin-1"), _shown(_pairs(request.headers))
        )
        heard = _HeardRequest(request, {**request.headers, request_id.HEADER: [id_.encode()]})
        began = perf_counter()
        reply = await self._application(heard)
        entry.milliseconds = round((perf_counter() - began) * 1000, 1)
        entry.body = heard.body_heard
        if reply is not None:
            _note(entry, reply)
        await self._note_caller(entry, request)
        return reply

    async def _note_caller(self, entry: Entry, request: Request) -> None:
        try:
            secret = bearer_secret(request.headers)
            entry.token = token_hash(secret)
            token = await self._authorization.token(secret, entry.at)
        except (Refusal, StoreUnavailable):
            return
        entry.district_id, entry.application = token.district_id, token.application


class _HeardRequest(Request):
    """A request whose body is kept as it is read."""

    __slots__ = ("_kept", "_of", "_size")

    def __init__(self, of: Request, headers: Headers) -> None:
        super().__init__(of.method, of.path, of.query, headers, of.peer, keep_alive=of.keep_alive)
        self._of = of
        self._kept = bytearray()
        self._size: int | None = None

    @property
    def body_heard(self) -> Body | None:
        """As much of the body as was read and is kept."""
        return None if self._size is None else Body(bytes(self._kept), self._size)

    async def part(self) -> bytes:
        """See `Request`."""
        part = await self._of.part()
        self.is_complete = self._of.is_complete
        self._size = (self._size or 0) + len(part)
        self._kept += part[: max(0, LONGEST_BODY - len(self._kept))]
        return part

    async def has_gone(self) -> bool:
        """See `Request`."""
        return await self._of.has_gone()


def token_hash(secret: bytes) -> bytes:
    """What requests with a token are found by."""
    return hashlib.sha256(secret).digest()


def _note(entry: Entry, reply: Reply) -> None:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in reply.headers]
    if warnings := dict(headers).get("passback-warnings"):
        entry.warnings = warnings.split(", ")
    entry.answer = Answer(reply.status, headers, Body(reply.body[:LONGEST_BODY], len(reply.body)))


def _pairs(headers: Headers) -> Iterable[Header]:
    return ((name, value) for name, values in headers.items() for value in values)


def _shown(headers: Iterable[Header]) -> list[tuple[str, str]]:
    """The headers without secrets."""
    shown = []
    for name, value in headers:
        text = value.decode("latin-1")
        if name.decode("latin-1") in _SECRET:
            scheme, blank, _ = text.partition(" ")
            text = f"{scheme} ..." if blank and name == b"authorization" else "..."
        shown.append((name.decode("latin-1"), text))
    return shown
