"""HTTP to other servers: an exchange at a time, as asked for and not otherwise.

No redirect is followed, nothing is sent twice, and no cookie, proxy or password of this machine is used. Each phase has
its time, and a head its size; whoever reads a body bounds it.

A client with a `reach` connects only to addresses that were checked: the server's name is resolved for each request,
and the connection goes to one of those addresses, with the name in the ``Host`` header and the TLS handshake, and the
certificate is verified for the name. So a name that points elsewhere a moment later (DNS rebinding) changes nothing.

Import it only where it is needed: it loads the HTTP library.
"""

from __future__ import annotations

import asyncio
import io
import re
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

import passback
from passback.network.addresses import Network, Resolve, Unreachable, addresses_of, resolve
from passback.network.trust import trusted, untrusted

_MAX_ADDRESSES = 4
"""How many of a name's addresses are tried: if connecting fails nothing was sent, so the next one is safe."""
_CONNECT_SECONDS = 5.0
"""The limit for one address, which leaves time for the next."""
_IDLE_SECONDS = 5.0
"""For how long an unused connection is kept: a server may close one that it is about to be used."""
_LONGEST_LINE = 64 * 1024
_LARGE_BODY = 512 * 1024
_KEPT_IN_URLS = "%/:=&?~#+!$,;'@()*[]"
_PLAIN_URL = re.compile(rf"[\w.{re.escape(_KEPT_IN_URLS)}-]*", re.ASCII)
_OWN_HEADERS = {"Accept-Encoding": "gzip, deflate", "User-Agent": f"Passback/{passback.__version__}"}


class Failed(Exception):
    """There is no answer, or not all of it. The text says why; no address or header is in it."""

    def __init__(
        self, reason: str, *, not_sent: bool = False, too_late: bool = False, lasting: bool = False
    ) -> None:
        super().__init__(reason)
        self.not_sent = not_sent
        """Whether nothing can have reached the server."""
        self.too_late = too_late
        self.lasting = lasting
        """Whether another try would fail as well: the certificate is not trusted."""


class Unsendable(Failed):
    """A header holds characters that cannot be sent."""


class Response:
    """The head of an answer, and its body as it comes in."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = _headers(response)
        """By lower-case names."""

    async def parts(self) -> AsyncIterator[bytes]:
        """The body, decompressed, in parts of limited size. Raises `Failed`."""
        try:
            async for part in self._response.content.iter_any():
                yield part
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failed(error) from None


class Client:
    """Asks servers."""

    def __init__(
        self,
        seconds: float,
        *,
        reach: Network | None = None,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`seconds` bounds each phase: connecting, and each wait for more of the answer.

        `reach` says which servers may be asked, and that each connection is used once; without it, all may, and
        connections are kept. `tls` sets the trusted certificates, by default `trusted`.
        """
        self._timeout = aiohttp.ClientTimeout(
            total=None,
            connect=seconds,
            sock_connect=seconds if reach is None else min(seconds, _CONNECT_SECONDS),
            sock_read=seconds,
        )
        self._reach: Network | None = reach
        self._resolve = resolve
        self._tls = tls
        self._kept: aiohttp.ClientSession | None = None
        self._closed = False

    def asking(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> AbstractAsyncContextManager[Response]:
        """Send a request; inside the ``with`` there is its answer. Raises `Failed`, and `Unreachable`."""
        return _Exchange(self, method, url, headers, body)

    async def _sent(self, exchange: _Exchange) -> aiohttp.ClientResponse:
        if not all(value.isascii() and value.isprintable() for value in exchange.headers.values()):
            raise Unsendable("a header holds characters that cannot be sent", not_sent=True)
        body = exchange.body
        try:
            url = _parsed(exchange.url)
            session = self._session() if self._reach is None else await self._pinned(url, self._reach)
            if self._reach is not None:
                exchange.session = session
            return await session.request(
                exchange.method,
                url,
                headers={**_OWN_HEADERS, **exchange.headers},
                data=(body if len(body) < _LARGE_BODY else io.BytesIO(body)) if body else None,
                skip_auto_headers=("Content-Type",),
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failed(error) from None

    def _session(self) -> aiohttp.ClientSession:
        if self._closed:
            # One of several requests has failed, nobody waits for the others, and they come to their turn now.
            raise Failed("the client is closed", not_sent=True)
        if self._kept is None:
            # Not earlier: it belongs to the running loop.
            self._kept = self._opened(
                aiohttp.TCPConnector(ssl=self._tls or trusted(), keepalive_timeout=_IDLE_SECONDS)
            )
        return self._kept

    async def _pinned(self, url: URL, reach: Network) -> aiohttp.ClientSession:
        found = await addresses_of(url.raw_host or "", reach=reach, resolve=self._resolve)
        return self._opened(
            aiohttp.TCPConnector(
                ssl=self._tls or trusted(),
                resolver=_Pinned(found[:_MAX_ADDRESSES]),
                use_dns_cache=False,
                happy_eyeballs_delay=None,
                force_close=True,
            )
        )

    def _opened(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )
        # Else a PUT whose answer is lost would be sent again, and what it appends would be there twice.
        session._retry_connection = False  # noqa: SLF001 - there is no other way; a test holds it
        return session

    async def close(self) -> None:
        """Close the connections, and open none any more."""
        self._closed = True
        if self._kept is not None:
            await self._kept.close()
            self._kept = None


class _Exchange(AbstractAsyncContextManager[Response]):
    """A request, and what is to be closed after its answer. A class, as a generator costs each exchange 40 us."""

    def __init__(
        self, client: Client, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        self._client = client
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.session: aiohttp.ClientSession | None = None
        """The session that is for this request alone."""
        self._response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> Response:
        try:
            self._response = await self._client._sent(self)  # noqa: SLF001 - it is a part of it
        except BaseException:
            await self._close()
            raise
        return Response(self._response)

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _close(self) -> None:
        if self._response is not None:
            self._response.close()
        if self.session is not None:
            await self.session.close()


class _Pinned(AbstractResolver):
    """Resolves every name to addresses that were checked."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
            if family in (socket.AF_UNSPEC, socket.AF_INET6 if ":" in address else socket.AF_INET)
        ]

    async def close(self) -> None:
        """Nothing is open."""


def _parsed(url: str) -> URL:
    """A URL, with whatever cannot stand in one as %XX, else as it is: it may be signed. Raises `Unreachable`."""
    try:
        plain = url if _PLAIN_URL.fullmatch(url) else quote(url, safe=_KEPT_IN_URLS)
        parsed = URL(plain, encoded=True)
        if parsed.scheme in ("http", "https") and parsed.raw_host and parsed.port is not None:
            return parsed
    except ValueError:
        pass
    raise Unreachable("its address is not a valid web server address")


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        text = value if value.isascii() else value.encode(errors="surrogateescape").decode("latin-1")
        known = headers.get(name.lower())
        headers[name.lower()] = text if known is None else f"{known}, {text}"
    return headers


def _failed(error: Exception) -> Failed:
    """What an error of the library says: only its kind, for its text may hold the address with its query."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return Failed("it cannot be connected to in time", not_sent=True, too_late=True)
        case aiohttp.ClientConnectorError():
            reason = untrusted(error)
            return Failed(reason or "it cannot be connected to", not_sent=True, lasting=reason is not None)
        case asyncio.TimeoutError():
            return Failed("it took too long", too_late=True)
        case aiohttp.ClientPayloadError():
            return Failed("its answer cannot be read (it breaks off, or is badly compressed)")
        case aiohttp.ClientResponseError():
            return Failed("its answer cannot be read (it is not HTTP)")
        case aiohttp.ClientConnectionError():
            return Failed("its answer cannot be read (it hung up)")
        case _:
            return Failed(f"its answer cannot be read ({type(error).__name__})")
