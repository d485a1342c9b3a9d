"""The headers with which a client asks for an answer in the background, or for a request to take effect once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from passback.wire.errors import invalid_idempotency_key

_KEY = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\]){1,255})"|([!#-~](?:[ -~]{0,253}[!-~])?)')
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)+(?:"|$)')
_VALUE = b"value"
_ASYNC = re.compile(rb'respond-async(?:\s*=\s*(?:"")?)?')


def prefers_async(headers: Sequence[bytes]) -> bool:
    """Whether ``Prefer`` headers ask for ``respond-async``.

    RFC 7240: names are case-insensitive, an empty value is the same as none, and anything in quotes is part of a value.
    """
    if not headers:
        return False
    preferences = b",".join(_QUOTED.sub(_VALUE, header) for header in headers).lower().split(b",")
    return any(_ASYNC.fullmatch(preference.split(b";")[0].strip()) for preference in preferences)


def idempotency_key(headers: Sequence[bytes]) -> str | None:
    """The ``Idempotency-Key``, sent with or without quotes; None if there is none. Raises `Refusal`."""
    if not headers:
        return None
    match = _KEY.fullmatch(headers[0].strip())
    if match is None or len(headers) > 1:
        raise invalid_idempotency_key()
    quoted = re.sub(rb"\\(.)", rb"\1", match[1]) if match[1] is not None else match[2]
    return quoted.decode("ascii")
