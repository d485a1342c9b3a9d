"""Lists in pages. A page token is opaque, and valid only for a request that is otherwise the same."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import errors, parsing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback_simulators.google_classroom.call import Call


def page(call: Call, name: str, items: Sequence[Any], usual: int = 0, most: int = 0) -> dict[str, Any]:
    """The page that is asked for, as the message of a list with the items under `name`.

    Args:
        call: The request.
        name: The list's field.
        items: All items of the list.
        usual: The page size if the request does not name one; 0 means the largest.
        most: The largest page of this list; 0 means that of all lists.
    """
    largest = call.lms.settings["largest_page"]
    largest = min(most or largest, largest)
    asked = parsing.int32(call.param("pageSize") or "0", "page_size")
    if asked < 0:
        raise errors.invalid("Page size must be non-negative", "page_size")
    size = min(asked or usual or largest, largest)
    if call.lms.settings["short_pages"]:
        size = max(1, size // 2)
    start = _position(call)
    end = start + size
    return {name: list(items[start:end]), "nextPageToken": _token(call, end) if end < len(items) else None}


def _request_digest(call: Call) -> bytes:
    """What a token is bound to: the caller, and the whole request apart from the token itself."""
    query = sorted((key, values) for key, values in call.query.items() if key != "pageToken")
    asked = json.dumps([call.user["id"], call.request.path, query])
    return hashlib.sha256(asked.encode()).digest()[:12]


def _token(call: Call, position: int) -> str:
    return urlsafe_b64encode(_request_digest(call) + position.to_bytes(6, "big")).decode()


def _position(call: Call) -> int:
    token = call.param("pageToken")
    if not token:
        return 0
    try:
        raw = urlsafe_b64decode(token)
    except ValueError as error:
        raise errors.invalid() from error
    if len(raw) != 18 or raw[:12] != _request_digest(call):
        raise errors.invalid()
    return int.from_bytes(raw[12:], "big")
