"""Cursors: where the next page of a list begins, in a form that only we can make.

A cursor holds a position, its expiry, and a code over both and the list it belongs to (contract: Submissions). One that
was altered, made up, or used with another list or district is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from passback.wire.errors import Refusal, bad_request

LIFETIME_MS = 2 * 60 * 60 * 1000
"""Cursors are valid for two hours."""

_CODE_BYTES = 16
_TIME_BYTES = 8


def seal(key: bytes, list_name: str, position: str, now: int) -> str:
    """Make the cursor for `position` in the list called `list_name`, at `now` (milliseconds)."""
    content = (now + LIFETIME_MS).to_bytes(_TIME_BYTES) + position.encode()
    return _text(_code(key, list_name, content) + content)


def open_sealed(key: bytes, list_name: str, cursor: str, now: int) -> str:
    """Return the position in `cursor`.

    Raises `Refusal`: ``INVALID_CURSOR`` if it is not ours or belongs to another list, ``EXPIRED_CURSOR`` if it is
    older than two hours.
    """
    try:
        sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raise _invalid() from None
    if _text(sealed) != cursor:
        raise _invalid()  # each cursor has only one spelling
    code, content = sealed[:_CODE_BYTES], sealed[_CODE_BYTES:]
    if not hmac.compare_digest(code, _code(key, list_name, content)):
        raise _invalid()
    if now >= int.from_bytes(content[:_TIME_BYTES]):
        raise bad_request("EXPIRED_CURSOR")
    return content[_TIME_BYTES:].decode()


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _code(key: bytes, list_name: str, content: bytes) -> bytes:
    message = list_name.encode() + b"\0" + content
    return hmac.digest(key, message, hashlib.sha256)[:_CODE_BYTES]


def _invalid() -> Refusal:
    return bad_request("INVALID_CURSOR")
