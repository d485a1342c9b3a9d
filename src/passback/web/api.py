"""The API as an application: the contract's order of checks, from the path to the method.

The handlers do the next checks (input, form), the use cases the last (rules, look-ups, the LMS). Unlike in frameworks,
routing ignores the method, because the method is checked after the token and the rate limit.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from msgspec.structs import replace

from passback.context import Caller
from passback.gateway.rate_limit import RateLimit
from passback.observe import request_id, tracing
from passback.observe.requests import ObservedRequest
from passback.store.engine.database import StoreUnavailable
from passback.web.authorization import bearer_secret
from passback.web.handlers import HANDLERS
from passback.web.limit import LimitHeaders
from passback.web.messages import (
    TEXT,
    BodyTooLarge,
    Call,
    ClientGone,
    Reply,
    Request,
    Response,
    refused,
    reply,
)
from passback.web.preferences import prefers_async
from passback.web.refused_tokens import RefusedTokens
from passback.web.routes import BrokenPath, Routes, decode_path
from passback.wire import errors
from passback.wire.params import unknown_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from passback.context import Gateway
    from passback.gateway.authorization import Authorization
    from passback.web.messages import Header
    from passback.web.pages import Guard, Page
    from passback.web.routes import Handler

    Faults = Callable[[Gateway, Sequence[bytes]], AbstractAsyncContextManager[Gateway]]

log = logging.getLogger(__name__)

_WITH_BODY = frozenset({"POST", "PATCH"})
_PRIVATE = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
"""Answers hold students' data, also errors: nobody on the way may keep them, or read them as anything else."""


class Api:
    """Serves the API and, without a token, the `pages` (by path)."""

    def __init__(
        self,
        gateway: Gateway,
        authorization: Authorization,
        *,
        requests_per_minute: int,
        max_body_bytes: int,
        pages: Mapping[str, Page],
        guard: Guard,
        faults: Faults | None = None,
        folders: Mapping[str, Page] | None = None,
    ) -> None:
        """`folders` answer for all paths below theirs.

        In a sandbox, `faults` turns a request's ``Sandbox-Fault`` headers into the gateway that serves it.
        """
        self._gateway = gateway
        self._authorization = authorization
        self._limit = RateLimit(requests_per_minute, gateway.database)
        self._limit_headers = LimitHeaders(requests_per_minute)
        self._max_body_bytes = max_body_bytes
        self._pages = pages
        self._guard = guard
        self._faults = faults
        self._folders = folders or {}
        self._routes = Routes()
        self._refused_tokens = RefusedTokens()

    async def __call__(self, request: Request) -> Reply | None:
        """Answer a request. None if its client is gone."""
        with ObservedRequest(self._gateway.metrics, request.method, request.headers) as seen:
            headers = [(request_id.HEADER, seen.id.encode())]
            try:
                response = await self._answer(request, headers, seen)
            except errors.Refusal as refusal:
                response = _refused(refusal, request)
            except BrokenPath:
                response = Response(400, b"400 Bad Request", TEXT)
            except ClientGone:
                return None
            except BodyTooLarge:
                response = _refused(errors.body_too_large(), request)
            except StoreUnavailable as error:
                log.error("the store is not available: %s", error)  # noqa: TRY400 - a traceback says nothing more
                response = _refused(errors.store_unavailable(), request)
            except Exception:
                log.exception("internal error in %s %s", seen.method, seen.path or "-")
                response = _refused(errors.internal_error(), request)
            seen.status = response.status
        if seen.operation != "page":
            headers += _PRIVATE
        return reply(response, headers)

    async def _answer(self, request: Request, headers: list[Header], seen: ObservedRequest) -> Response:
        """The answer; adds the headers that accompany any answer, errors included. Raises `Refusal`."""
        path = decode_path(request.path)
        method = request.method
        found = self._routes.find(path)
        if found is None:
            page = self._pages.get(path)
            if page is None:
                path = "/" + path[1:].partition("/")[0]
                page = self._folders.get(path)
            if page is None:
                raise errors.resource_not_found()
            seen.operation, seen.path = "page", path
            if (refusal := self._guard.refusal(path, request.headers)) is not None:
                return refusal
            return await page(request)
        endpoint, parameters = found
        operation = endpoint.operations.get(method)
        seen.operation, seen.path = "none" if operation is None else operation.name, endpoint.path
        now = self._gateway.clock()
        try:
            token = await self._authorization.token(bearer_secret(request.headers), now)
        except errors.Refusal as refusal:
            self._refused_tokens.note(request, refusal)
            raise
        seen.district_id, seen.application = token.district_id, token.application
        self._limit_headers.add(headers, self._limit.count(token.id, now), now)
        if operation is None:
            return Response(405, headers=((b"allow", endpoint.allow),))
        body = await request.body(self._max_body_bytes) if method in _WITH_BODY else b""
        caller = Caller(
            token.district_id,
            token.application,
            background=method in _WITH_BODY and prefers_async(request.values(b"prefer")),
            request_id=seen.id,
            trace=tracing.traceparent(),
            is_gone=request.has_gone,
        )
        call = Call(self._gateway, caller, path, parameters, request.query, body, request.headers)
        handler = HANDLERS[operation.name]
        faults = request.values(b"sandbox-fault")
        if faults and self._faults is not None:
            response = await _with_faults(self._faults, faults, handler, call)
        else:
            response = await handler(call)
        if unknown := unknown_parameters(call.query, operation.query):
            codes = tuple(f"UNKNOWN_PARAMETER:{name}" for name in unknown)
            return replace(response, warnings=(*response.warnings, *codes))
        return response


async def _with_faults(faults: Faults, wanted: Sequence[bytes], handler: Handler, call: Call) -> Response:
    async with faults(call.gateway, wanted) as gateway:
        if call.caller.background:
            # The LMS is called after the answer, and fails then.
            caller = replace(call.caller, fault=wanted[0].decode("latin-1"))
            return await handler(replace(call, caller=caller))
        return await handler(replace(call, gateway=gateway))


def _refused(refusal: errors.Refusal, request: Request) -> Response:
    return refused(refusal, b",".join(request.values(b"accept")))
