"""An HTTP client that connects only to addresses that were checked.

A name is resolved once for each request. The connection then goes to one of those addresses, with the name in the
``Host`` header and the TLS handshake, and the certificate is verified for the name; so a name that points elsewhere a
moment later (DNS rebinding) changes nothing. Import it only where it is needed: it loads the HTTP library.
"""

from __future__ import annotations

import logging
import ssl

import httpx2

from passback.network.addresses import Network, Resolve, Unreachable, addresses_of, resolve
from passback.network.trust import trusted

_MAX_ADDRESSES = 4
"""How many of a name's addresses are tried: if connecting fails nothing was sent, so the next one is safe."""
_CONNECT_SECONDS = 5.0
"""The limit for one address, which leaves time for the next."""
_LAST_PORT = 65535

for _name in ("httpx2", "httpcore2"):
    # They would log every URL with its query.
    logging.getLogger(_name).setLevel(logging.WARNING)


def client(
    patience: float, *, reach: Network, resolve: Resolve = resolve, tls: ssl.SSLContext | None = None
) -> httpx2.AsyncClient:
    """A client for the servers within `reach`. It follows no redirects and uses no proxy.

    Its requests also raise `Unreachable`. `tls` sets the trusted certificates, by default the system's.
    """
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(patience, connect=min(patience, _CONNECT_SECONDS)),
        follow_redirects=False,
        trust_env=False,
        transport=_CheckedTransport(reach=reach, resolve=resolve, tls=tls),
    )


class _CheckedTransport(httpx2.AsyncBaseTransport):
    def __init__(self, *, reach: Network, resolve: Resolve, tls: ssl.SSLContext | None) -> None:
        self._reach: Network = reach
        self._resolve = resolve
        self._inner = httpx2.AsyncHTTPTransport(
            verify=tls or trusted(),
            trust_env=False,
            # Pooled connections are keyed by address, which two names may share: so none are kept.
            limits=httpx2.Limits(max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        host = url.raw_host.decode("ascii")
        if not host or url.scheme not in ("http", "https") or (url.port or 0) > _LAST_PORT:
            raise Unreachable("its address is not a valid web server address")
        failure: Exception | None = None
        for address in (await addresses_of(host, reach=self._reach, resolve=self._resolve))[:_MAX_ADDRESSES]:
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
