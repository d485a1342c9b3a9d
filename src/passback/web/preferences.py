"""What a client asks for by headers: how it is answered, and that a repeated request counts once."""

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

    RFC 7240: names are compared without regard to case, an empty value is as none, and what is within quotes is
    a value.
    """
    preferences = b",".join(_QUOTED.sub(_VALUE, header) for header in headers).lower().split(b",")
    return any(_ASYNC.fullmatch(preference.split(b";")[0].strip()) for preference in preferences)


def idempotency_key(headers: Sequence[bytes]) -> str | None:
    """The ``Idempotency-Key``, with or without quotes; None where there is none. Raises `Refusal`."""
    if not headers:
        return None
    match = _KEY.fullmatch(headers[0].strip())
    if match is None or len(headers) > 1:
        raise invalid_idempotency_key()
    quoted = re.sub(rb"\\(.)", rb"\1", match[1]) if match[1] is not None else match[2]
    return quoted.decode("ascii")
