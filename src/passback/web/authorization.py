"""The token in a request's headers (contract: order of checks, step 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.wire import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passback.web.messages import Header

_BEARER = b"Bearer "


def bearer_secret(headers: Iterable[Header]) -> bytes:
    """The text behind ``Bearer`` in the first ``Authorization`` header. Raises `Refusal`: row 11."""
    for name, value in headers:
        if name == b"authorization":
            if not value.startswith(_BEARER):
                break
            return value[len(_BEARER) :]
    raise errors.no_authorization()
