"""The API as an ASGI application: the contract's order of checks, from the path to the method.

The rest of the order is the handlers' (input, form) and the use cases' (rules, look-ups, the LMS). Routing is not
by method, as frameworks do it, because the method is judged after the token and the limit.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from passback.store import tokens
from passback.store.database import StoreUnavailable
from passback.web.handlers import HANDLERS
from passback.web.limit import RateLimit
from passback.web.messages import TEXT, BodyTooLarge, Call, Response, read_body, send_response
from passback.web.routes import BrokenPath, Routes, decode_path
from passback.wire import errors
from passback.wire.encode import error_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.gateway.context import Gateway
    from passback.store.tokens import Caller
    from passback.web.messages import Header, Receive, Scope, Send
    from passback.web.pages import Page

log = logging.getLogger(__name__)

_WITH_BODY = frozenset({"POST", "PATCH"})
_BEARER = b"Bearer "


class Api:
    """Serves the API and the `pages` beside it (by path), which need no token."""

    def __init__(
        self, gateway: Gateway, *, requests_per_minute: int, max_body_bytes: int, pages: Mapping[str, Page]
    ) -> None:
        self._gateway = gateway
        self._limit = RateLimit(requests_per_minute)
        self._limit_header = (b"x-ratelimit-limit", b"%d" % requests_per_minute)
        self._max_body_bytes = max_body_bytes
        self._pages = pages
        self._routes = Routes(HANDLERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        authorization = accept = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = authorization or value
            elif name == b"accept":
                accept = value if accept is None else accept + b"," + value
        extra: list[Header] = []
        try:
            response = await self._answer(scope, receive, authorization, extra)
        except errors.Refusal as refusal:
            response = _refused(refusal, accept)
        except BrokenPath:
            response = Response(400, b"400 Bad Request", TEXT)
        except BodyTooLarge:
            response = _refused(errors.body_too_large(), accept)
        except StoreUnavailable:
            log.exception("the store is not available")
            response = _refused(errors.store_unavailable(), accept)
        except Exception:
            log.exception("a fault of ours in %s %s", scope["method"], scope["path"])
            response = _refused(errors.internal_error(), accept)
        await send_response(send, response, tuple(extra))

    async def _answer(
        self, scope: Scope, receive: Receive, authorization: bytes | None, extra: list[Header]
    ) -> Response:
        path = decode_path(scope["raw_path"])
        found = self._routes.find(path)
        method: str = scope["method"]
        if found is None:
            page = self._pages.get(path)
            if page is None:
                raise errors.resource_not_found()
            return await page(method, receive)
        endpoint, parameters = found
        caller = await self._authorize(authorization)
        self._count(caller, extra)
        handler = endpoint.handlers.get(method)
        if handler is None:
            return Response(405, headers=((b"allow", endpoint.allow),))
        body = await read_body(receive, self._max_body_bytes) if method in _WITH_BODY else b""
        return await handler(
            Call(self._gateway, caller.district_id, path, parameters, scope["query_string"], body)
        )

    async def _authorize(self, authorization: bytes | None) -> Caller:
        """Whose request it is. Raises `Refusal`: rows 11 and 12."""
        if authorization is None or not authorization.startswith(_BEARER):
            raise errors.no_authorization()
        secret = authorization[len(_BEARER) :]
        if not secret.strip():
            raise errors.no_authorization()
        now = self._gateway.clock()
        caller = await self._gateway.database.read(lambda conn: tokens.authorize(conn, secret, now))
        if caller is None:
            raise errors.token_refused()
        return caller

    def _count(self, caller: Caller, extra: list[Header]) -> None:
        """Count the request, and tell the client in headers. Raises `Refusal`: 429."""
        now = self._gateway.clock()
        remaining, reset = self._limit.take(caller.token_id, now)
        extra += (
            (b"x-ratelimit-bucket", b"all"),
            self._limit_header,
            (b"x-ratelimit-remaining", b"%d" % max(remaining, 0)),
            (b"x-ratelimit-reset", b"%d" % reset),
        )
        if remaining < 0:
            raise errors.too_many_requests(max(1, reset - now // 1000))


def _refused(refusal: errors.Refusal, accept: bytes | None) -> Response:
    body, content_type = error_body(refusal, accept)
    headers = () if refusal.retry_after is None else ((b"retry-after", b"%d" % refusal.retry_after),)
    return Response(refusal.status, body, content_type, headers)
