"""Sending a request to this very server over HTTP, and both sides of it as they went over the wire."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

from msgspec import Struct

from passback.operations.errors import OperationError

_PATIENCE = 75.0
"""How many seconds an answer may take: a fault can last for a minute."""


class Exchange(Struct, frozen=True):
    """A request and its answer, byte for byte."""

    asked: bytes
    answered: bytes

    @property
    def status(self) -> int:
        """The answer's status; 0 if there was none."""
        parts = self.answered.split(b" ", 2)
        return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0

    @property
    def body(self) -> bytes:
        """The answer's body."""
        return self.answered.partition(b"\r\n\r\n")[2]

    @property
    def request_id(self) -> str:
        """The answer's ``X-Request-Id``; empty if it has none."""
        for line in self.answered.partition(b"\r\n\r\n")[0].split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"x-request-id":
                return value.strip().decode("latin-1")
        return ""


async def exchange(
    base_url: str,
    method: str,
    path: str,
    *,
    token: str | None,
    body: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Exchange:
    """Send a request to `base_url`, as `curl` would. Raises `OperationError` if nobody answers."""
    url = urlsplit(base_url)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {url.netloc}", "Connection: close"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    lines += [f"{name}: {value}" for name, value in headers]
    content = (body or "").encode()
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    asked = "\r\n".join([*lines, "", ""]).encode() + content
    tls = ssl.create_default_context() if url.scheme == "https" else None
    port = url.port or (443 if tls else 80)
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(url.hostname, port, ssl=tls)
            try:
                writer.write(asked)
                answered = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        raise OperationError(f"nobody answers at {base_url}") from None
    return Exchange(asked, answered)
