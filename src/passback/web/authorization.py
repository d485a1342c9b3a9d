"""The token in a request's headers (contract: order of checks, step 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.wire import errors

if TYPE_CHECKING:
    from passback.web.messages import Headers

_BEARER = b"Bearer "


def bearer_secret(headers: Headers) -> bytes:
    """The text behind ``Bearer`` in the first ``Authorization`` header. Raises `Refusal`: row 11."""
    given = headers.get(b"authorization")
    if given is None or not given[0].startswith(_BEARER):
        raise errors.no_authorization()
    return given[0][len(_BEARER) :]
