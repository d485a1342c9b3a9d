"""An HTTP client that connects to exactly the addresses that were judged.

A name is looked up once for each request; the connection then goes to an address of that answer, with the name in the
``Host`` header and in the TLS handshake, and the certificate is held against the name. So a name that leads elsewhere a
moment later changes nothing. Import it where it is needed: it brings the HTTP library along.
"""

from __future__ import annotations

import functools
import logging
import ssl

import httpx2

from passback.network.addresses import Resolve, Unreachable, addresses_of, resolve

_MOST_TRIED = 4
"""Of a name's addresses; one that cannot be connected to was sent nothing, so the next may be tried."""
_CONNECT_SECONDS = 5.0
"""For one address, so that there is time for the next."""
_LAST_PORT = 65535

for _name in ("httpx2", "httpcore2"):
    # They would log every address with its query.
    logging.getLogger(_name).setLevel(logging.WARNING)


def client(
    patience: float, *, private: bool, resolve: Resolve = resolve, tls: ssl.SSLContext | None = None
) -> httpx2.AsyncClient:
    """A client for public servers, or for all if `private`. It follows no redirects and uses no proxy.

    Its requests also raise `Unreachable`. `tls` says whose certificates are trusted; the machine's unless given.
    """
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(patience, connect=min(patience, _CONNECT_SECONDS)),
        follow_redirects=False,
        trust_env=False,
        transport=_CheckedTransport(private=private, resolve=resolve, tls=tls),
    )


class _CheckedTransport(httpx2.AsyncBaseTransport):
    def __init__(self, *, private: bool, resolve: Resolve, tls: ssl.SSLContext | None) -> None:
        self._private = private
        self._resolve = resolve
        self._inner = httpx2.AsyncHTTPTransport(
            verify=tls or trusted(),
            trust_env=False,
            # Connections would be kept by their addresses, and two names may share one: so none is kept.
            limits=httpx2.Limits(max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        host = url.raw_host.decode("ascii")
        if not host or url.scheme not in ("http", "https") or (url.port or 0) > _LAST_PORT:
            raise Unreachable("its address is none of a web server")
        failure: Exception | None = None
        for address in (await addresses_of(host, private=self._private, resolve=self._resolve))[:_MOST_TRIED]:
            pinned = httpx2.Request(
                request.method,
                url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return await self._inner.handle_async_request(pinned)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def aclose(self) -> None:
        await self._inner.aclose()


@functools.cache
def trusted() -> ssl.SSLContext:
    """The machine's certificates; reading them takes some 20 milliseconds, so it is done once."""
    return httpx2.create_ssl_context(trust_env=False)
