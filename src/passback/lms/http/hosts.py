"""Which servers the requests of one connection may go to: the LMS's own host, and others that it is known to have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit

from passback.lms.interface import Unavailable
from passback.network.addresses import is_this_machine
from passback.network.web_address import with_query

if TYPE_CHECKING:
    from collections.abc import Collection

    from passback.network.addresses import Network
    from passback.network.client import Client

Params = Mapping[str, Any] | Sequence[tuple[str, str]]
"""A query; a value may be a list, for a name that comes several times."""

_PLAIN_PATH = re.compile(r"\w[\w-]*(/[\w-]+)*", re.ASCII)
"""A path that only needs to be put behind the LMS's address."""


class Hosts:
    """The servers of one LMS."""

    def __init__(self, address: str, seconds: float, also: Collection[str] = ()) -> None:
        """`address` is the base; `also` are more hosts that its operator has named. `seconds` is as for `Client`."""
        # Imported with the first connection: a gateway without any starts faster without it.
        from passback.network.client import Client

        self._base = address
        self._own = _origin(address)
        self._known = {self._own, *(_origin(it if "://" in it else f"https://{it}") for it in also)}
        self._seconds = seconds
        self._client = Client(seconds)
        self._guarded: Client | None = None

    def joined(self, method: str, path: str, params: Params | None, named: Collection[str]) -> str:
        """Return the address of a path, with a query. Raises `Unavailable` if it is on a host that nobody has named.

        `named` are addresses that the LMS itself has given where nobody else can: their hosts may be asked.
        """
        query = urlencode(params, doseq=True) if params else ""
        if self._base.endswith("/") and _PLAIN_PATH.fullmatch(path):  # as nearly all are
            return f"{self._base}{path}?{query}" if query else self._base + path
        try:
            url = urljoin(self._base, path)
        except ValueError:
            raise Unavailable(f"{method}: it redirects to an invalid address") from None
        if query:
            url = with_query(url, query)
        origin = _origin(url)
        if origin in self._known:
            return url
        if origin not in {_origin(it) for it in named}:
            raise Unavailable(f"{method}: it sends us to another host ({origin[1][:100]})")
        if origin[0] not in ("https", self._own[0]):
            raise Unavailable(f"{method}: it sends us to another host without TLS ({origin[1][:100]})")
        return url

    def redirected(self, url: str, location: str) -> str | None:
        """Return where a redirect leads; None if that is another host. Raises `ValueError`."""
        found, own = urljoin(url, location), _origin(url)
        if own[0] == "https" and found.startswith("http:"):
            found = "https" + found[4:]  # an LMS that forgets that it is behind TLS
        return found if _origin(found) == own else None

    def client(self, url: str) -> Client:
        """Return what asks the server of an address that `joined` returned."""
        if url.startswith(self._base) or _origin(url) in self._known:
            return self._client
        if self._guarded is None:
            from passback.network.client import Client

            # Only an operator may name what is not on the public network.
            host = urlsplit(self._base).hostname or ""
            reach: Network = "loopback" if is_this_machine(host) else "public"
            self._guarded = Client(self._seconds, reach=reach)
        return self._guarded

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        if self._guarded is not None:
            await self._guarded.close()


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""  # an invalid URL has no origin
    return parts.scheme, parts.netloc.lower()
