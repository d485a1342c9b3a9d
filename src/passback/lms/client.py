"""HTTP to an LMS, as every connector needs it: bounded, paced, retried only where that is safe, and discreet.

What is retried, within the patience of the client: what the LMS has certainly not done (no connection, a throttled
request), and reading. A write that may have happened raises `Unavailable` with `in_doubt`: whoever sent it looks
whether it did. What an LMS says of a request (a status from 200 to 499) is returned; what it means is the connector's
business. Nothing that is logged or raised holds a query, a header or a body: those may hold secrets and students.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from passback.lms.connector import Unavailable
from passback.lms.pace import Breaker, Pace

if TYPE_CHECKING:
    import httpx2

LARGEST_REPLY = 10 * 1024 * 1024
"""The most bytes that are read of an answer."""

_MOST_REDIRECTS = 3
_LEAST_TIME = 1.0
"""The seconds that a request gets even when its turn came late."""
_FIRST_BACKOFF = 0.5
_LONGEST_BACKOFF = 8.0


class Reply(Struct, frozen=True):
    """What an LMS answered."""

    status: int
    headers: Mapping[str, str]
    """By lower-case names."""
    body: bytes

    def json(self) -> Any:
        """The body. Raises `Unavailable` where it is no JSON, as when a proxy answers for the LMS."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Unavailable(f"its answer (status {self.status}) is not JSON") from None


class Manners(Protocol):
    """What is particular about one LMS."""

    async def credentials(self, method: str, url: str, *, renew: bool) -> Mapping[str, str]:
        """The headers that authorize a request; `renew` where the LMS has just refused those given before."""
        ...

    def refused_credentials(self, reply: Reply) -> bool:
        """Whether renewed credentials may help."""
        ...

    def throttled(self, reply: Reply) -> float | None:
        """For how many seconds to wait where the LMS says that it is too much; None where it does not."""
        ...

    def remaining(self, reply: Reply) -> float | None:
        """What remains of the LMS's limit, from 0 to 1, where it says so."""
        ...


class LmsClient:
    """Sends requests to one LMS with one credential."""

    def __init__(
        self,
        base_url: str,
        manners: Manners,
        *,
        most_at_once: int = 6,
        patience: float = 25.0,
        timeout: float = 15.0,
        failures: int = 5,
        rest: float = 30.0,
    ) -> None:
        """`patience` bounds a request with its retries, `timeout` each phase of a try (both in seconds)."""
        # Imported with the first connection: a gateway without any starts faster without it.
        import httpx2

        self._base_url = base_url
        self._host = urlsplit(base_url).netloc
        self._manners = manners
        self._patience = patience
        self._pace = Pace(most_at_once, time.monotonic)
        self._breaker = Breaker(failures, rest, time.monotonic)
        self._http = httpx2.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Reply:
        """Read something; retried where it fails. Raises `Unavailable`."""
        return await self._send("GET", path, params=params, safe=True)

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        content: Any = None,
        headers: Mapping[str, str] | None = None,
        safe: bool = False,
    ) -> Reply:
        """Write something, with `content` as JSON; `safe` where doing it twice is as good as once.

        Raises `Unavailable`, with `in_doubt` where it may have happened.
        """
        return await self._send(method, path, params=params, content=content, headers=headers, safe=safe)

    async def _send(self, method: str, path: str, *, safe: bool, **request: Any) -> Reply:
        url = urljoin(self._base_url, path)
        what = f"{method} {urlsplit(url).path}"
        give_up = time.monotonic() + self._patience
        renewed = renew = False
        tries = 0
        while True:
            self._breaker.check()
            held_back = self._pace.held_back()
            if held_back and held_back > give_up - time.monotonic():
                raise Unavailable(f"{what}: it limits us", retry_after=round(held_back) + 1)
            tries += 1
            backoff = random.uniform(0, min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2**tries))  # noqa: S311 - jitter
            try:
                async with self._pace:
                    async with asyncio.timeout(max(_LEAST_TIME, give_up - time.monotonic())):
                        reply = await self._once(method, url, renew=renew, **request)
            except TimeoutError:
                self._breaker.failed()
                raise Unavailable(f"{what}: it took too long", in_doubt=not safe, retry_after=30) from None
            except _Failed as failure:
                self._breaker.failed()
                if not (safe or failure.not_sent):
                    raise Unavailable(f"{what}: {failure}", in_doubt=True) from None
                if time.monotonic() + backoff > give_up:
                    raise Unavailable(f"{what}: {failure}", retry_after=30) from None
                await asyncio.sleep(backoff)
                continue
            wait = self._manners.throttled(reply)
            if wait is not None:
                self._breaker.succeeded()
                self._pace.hold_back(wait + backoff)
                continue
            if reply.status >= 500:
                self._breaker.failed()
                if not safe:
                    raise Unavailable(f"{what}: status {reply.status}", in_doubt=True)
                if time.monotonic() + backoff > give_up:
                    raise Unavailable(f"{what}: status {reply.status}", retry_after=30)
                await asyncio.sleep(backoff)
                continue
            self._breaker.succeeded()
            if (remaining := self._manners.remaining(reply)) is not None:
                self._pace.leave_room(remaining)
            renew = not renewed and self._manners.refused_credentials(reply)
            if not renew:
                return reply
            renewed = True

    async def _once(self, method: str, url: str, *, renew: bool, **request: Any) -> Reply:
        """One try, with the redirects that stay on the LMS's host. Raises `_Failed`."""
        for _ in range(_MOST_REDIRECTS + 1):
            reply = await self._exchange(method, url, renew=renew, **request)
            location = reply.headers.get("location")
            if reply.status not in (301, 302, 303, 307, 308) or location is None:
                return reply
            url = urljoin(url, location)
            if urlsplit(url).netloc != self._host or urlsplit(url).scheme != urlsplit(self._base_url).scheme:
                raise _Failed("it redirects to another host")
            if method != "GET":
                raise _Failed("it redirects a write")
            request["params"] = None  # the redirect's own query counts
        raise _Failed("it redirects too often")

    async def _exchange(
        self,
        method: str,
        url: str,
        *,
        renew: bool,
        params: Mapping[str, Any] | None = None,
        content: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        import httpx2

        sent = {**(headers or {}), **await self._manners.credentials(method, url, renew=renew)}
        try:
            async with self._http.stream(method, url, params=params, json=content, headers=sent) as response:
                return Reply(response.status_code, dict(response.headers), await _bounded(response))
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise _Failed(type(error).__name__, not_sent=True) from None
        except (httpx2.TransportError, httpx2.DecodingError, httpx2.InvalidURL) as error:
            # Its text may hold the address with its query, so only its name is told.
            raise _Failed(type(error).__name__) from None


class _Failed(Exception):
    """A try came to nothing; `not_sent` where the LMS cannot have seen it."""

    def __init__(self, reason: str, *, not_sent: bool = False) -> None:
        super().__init__(reason)
        self.not_sent = not_sent


async def _bounded(response: httpx2.Response) -> bytes:
    """The whole body, if it is not too large. Raises `_Failed`."""
    parts = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > LARGEST_REPLY:
            raise _Failed("its answer is too large")
        parts.append(part)
    return b"".join(parts)
