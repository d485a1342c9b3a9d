"""A simulator's reply to a request."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct
from msgspec.structs import replace


class Reply(Struct, frozen=True):
    """An HTTP response."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def with_headers(self, **headers: str) -> Reply:
        """This reply with more headers; underscores in their names stand for hyphens."""
        more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return replace(self, headers=self.headers + more)


class Refusal(Exception):
    """Raised by a handler to end a request with an error reply. Nothing may have been changed by then."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def json_reply(status: int, content: Any, content_type: str = "application/json; charset=utf-8") -> Reply:
    """A reply in JSON."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status, body, (("content-type", content_type),))


def text_reply(status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> Reply:
    """A reply in plain text or HTML."""
    return Reply(status, text.encode(), (("content-type", content_type),))
