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
    from passback.network.client import Response

LARGEST_FILE = 25 * 1024 * 1024
"""The most bytes that are fetched."""
_MOST_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)


class File(Struct, frozen=True):
    """A file's bytes, as its server gave them."""

    name: str
    kind: str
    """The media type."""
    content: bytes


async def fetch(url: str, patience: float, *, private: bool = False) -> File:
    """The file at `url`, within so many seconds. Raises `RefusedByLms` and `Unavailable`.

    Addresses of the own network (loopback, private, link-local) are refused unless `private`.
    """
    from passback.network.client import Client, Failed

    http = Client(patience, reach="private" if private else "public")
    try:
        async with asyncio.timeout(patience):
            for _ in range(_MOST_REDIRECTS + 1):
                async with http.asking("GET", url, {}) as response:
                    location = response.headers.get("location")
                    if response.status in _REDIRECTS and location is not None:
                        url = urljoin(url, location)
                        continue
                    if response.status != 200:
                        raise _refused(f"its server answers {response.status}")
                    return await _read(url, response)
            raise _refused("its server redirects too often")
    except TimeoutError:
        raise Unavailable("a file's server takes too long") from None
    except Unreachable as error:
        raise _refused(str(error)) from None
    except Failed as error:
        if error.too_late:
            raise Unavailable("a file's server takes too long") from None
        raise _refused(str(error)) from None
    except ValueError:
        raise _refused("its server redirects to an invalid address") from None


async def _read(url: str, response: Response) -> File:
    parts, size = [], 0
    async for part in response.parts():
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
