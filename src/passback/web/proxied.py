"""Requests that come by the proxies that the operator names: their peer is the client, as those say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.network.proxies import HEADER

if TYPE_CHECKING:
    from passback.network.proxies import Proxies
    from passback.web.messages import Application, Reply, Request


def behind(proxies: Proxies, application: Application) -> Application:
    """An application that sees the client of each request in place of the proxies."""

    async def answer(request: Request) -> Reply | None:
        request.peer = proxies.client(request.peer, request.values(HEADER))
        return await application(request)

    return answer if proxies else application
