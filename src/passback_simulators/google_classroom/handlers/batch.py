"""``POST /batch``: several calls in one request, as multipart/mixed of application/http.

Each call counts against the quotas; the outer request's headers apply to each, unless it has its own.
"""

from __future__ import annotations

import re
import secrets
from email import message_from_bytes
from email.message import Message
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace

from passback_simulators.google_classroom import errors
from passback_simulators.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback_simulators.request import Request

MOST_CALLS = 50


def batch(perform: Callable[[Request], Reply], request: Request) -> Reply:
    """Answer the calls of a batch, in their order."""
    head = f"content-type: {request.headers.get('content-type', '')}\r\n\r\n".encode("latin-1")
    message = message_from_bytes(head + request.body)
    parts = message.get_payload()
    if not message.is_multipart() or not isinstance(parts, list):
        raise errors.invalid("Failed to parse batch request, error: 0 items.")
    if len(parts) > MOST_CALLS:
        raise errors.invalid(f"The batch request has more than {MOST_CALLS} calls.")
    boundary = f"batch_{secrets.token_urlsafe(16)}"
    # All calls are parsed before the first is made, so that a refused batch has no effect.
    calls = [
        (part, _call(request, part.get_payload(decode=True))) for part in parts if isinstance(part, Message)
    ]
    answers = b"".join(_answer(perform, part, call, boundary) for part, call in calls)
    kind = f"multipart/mixed; boundary={boundary}"
    return Reply(200, answers + f"--{boundary}--\r\n".encode(), (("content-type", kind),))


def _answer(perform: Callable[[Request], Reply], part: Message, call: Request, boundary: str) -> bytes:
    """The part of the reply for one call."""
    reply = perform(call)
    id_ = part.get("Content-ID", "")
    content_id = f"Content-ID: <response-{id_.strip().removeprefix('<')}\r\n" if id_ else ""
    headers = "".join(f"{name.title()}: {value}\r\n" for name, value in reply.headers)
    return (
        f"--{boundary}\r\nContent-Type: application/http\r\n{content_id}\r\n"
        f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n{headers}"
        f"Content-Length: {len(reply.body)}\r\n\r\n"
    ).encode() + (reply.body + b"\r\n")


def _call(request: Request, payload: object) -> Request:
    """A call as a request of its own."""
    if not isinstance(payload, bytes):
        raise errors.invalid("Failed to parse batch request, error: a part is not a call.")
    head, _, body = (
        payload.replace(b"\r\n\r\n", b"\n\n", 1) if b"\r\n\r\n" in payload else payload
    ).partition(b"\n\n")
    first, *lines = head.decode("latin-1").splitlines() or [""]
    found = re.fullmatch(r"(\w+) (\S+)(?: HTTP/[\d.]+)?", first.strip())
    if found is None:
        raise errors.invalid("Failed to parse batch request, error: invalid request line.")
    address = urlsplit(found[2])
    headers = {
        name: value for name, value in request.headers.items() if not name.startswith(("content-", "host"))
    }
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return replace(
        request,
        method=found[1],
        path=unquote(address.path),
        raw_path=address.path,
        query_string=address.query,
        headers=headers,
        body=body,
    )
