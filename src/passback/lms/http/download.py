"""Fetching a file that a client names, for an LMS that wants its bytes.

The address comes from outside, so only servers on the public network are asked (`passback.network`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from msgspec import Struct

from passback.lms.interface import RefusedByLms, Unavailable
from passback.network.addresses import Unreachable

if TYPE_CHECKING:
    import httpx2

LARGEST_FILE = 25 * 1024 * 1024
"""The most bytes that are fetched."""
_MOST_REDIRECTS = 3


class File(Struct, frozen=True):
    """A file's bytes, as its server gave them."""

    name: str
    kind: str
    """The media type."""
    content: bytes


async def fetch(url: str, patience: float, *, private: bool = False) -> File:
    """The file at `url`, within so many seconds. Raises `Refused` and `Unavailable`.

    Addresses of the own network (loopback, private, link-local) are refused unless `private`.
    """
    import httpx2

    from passback.network.client import client
    from passback.network.trust import untrusted

    try:
        async with (
            asyncio.timeout(patience),
            client(patience, reach="private" if private else "public") as http,
        ):
            for _ in range(_MOST_REDIRECTS + 1):
                async with http.stream("GET", url) as response:
                    if response.is_redirect:
                        url = urljoin(url, response.headers.get("location", ""))
                        continue
                    if response.status_code != 200:
                        raise _refused(f"its server answers {response.status_code}")
                    return await _read(url, response)
            raise _refused("its server redirects too often")
    except TimeoutError:
        raise Unavailable("a file's server takes too long", retry_after=30) from None
    except Unreachable as error:
        raise _refused(str(error)) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise _refused(untrusted(error) or type(error).__name__) from None


async def _read(url: str, response: httpx2.Response) -> File:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > LARGEST_FILE:
            raise _refused(f"it is larger than {LARGEST_FILE // (1024 * 1024)} MB")
        parts.append(part)
    name = unquote(urlsplit(url).path.rpartition("/")[2]) or "file"
    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    good = kind.isascii() and kind.isprintable() and kind
    return File(name, kind if good else "application/octet-stream", b"".join(parts))


def _refused(why: str) -> RefusedByLms:
    return RefusedByLms("INVALID_ATTACHMENT", f"the file cannot be fetched: {why}")
