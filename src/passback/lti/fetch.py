"""Asking an LMS for a short document, before there is a connection to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 8.0
"""How many seconds an LMS has to answer."""
_LONGEST = 256 * 1024


class NotFetched(Exception):
    """The document cannot be had; the message says why, begins with "it" or "its", and holds no address."""


async def fetch_json(
    method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Mapping[str, Any]:
    """The object that is at an address, or that the LMS answers with. Raises `NotFetched`."""
    status, content = await _ask(method, url, {"Accept": "application/json", **(headers or {})}, body)
    if status not in (200, 201):
        raise NotFetched(f"it answers {status}")
    try:
        document = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise NotFetched("its answer is no JSON object")
    return document


async def fetch_status(url: str) -> int:
    """The status that an address answers with. Raises `NotFetched`."""
    return (await _ask("GET", url, {}, b""))[0]


async def _ask(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """The status and content of an answer. Raises `NotFetched`."""
    # Imported only where LMSs are asked: a gateway without LTI starts faster without it.
    from passback.network.addresses import Unreachable
    from passback.network.client import Client, Failed

    http = Client(PATIENCE)
    content = b""
    try:
        async with asyncio.timeout(PATIENCE), http.asking(method, url, headers, body) as response:
            async for part in response.parts():
                content += part
                if len(content) > _LONGEST:
                    raise NotFetched("its answer is too long")
    except TimeoutError:
        raise NotFetched("it took too long") from None
    except (Failed, Unreachable) as error:
        raise NotFetched(str(error)) from None
    finally:
        await http.close()
    return response.status, content
