"""The id of the current request, for its response, logs and traces.

It is kept in a context variable, so tasks that the request starts inherit it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar

from uuid_utils import uuid7

HEADER = b"x-request-id"

_SANE = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current() -> str | None:
    """The id of the current request; None outside of a request."""
    return _current.get()


def new() -> str:
    """A new unique id."""
    return str(uuid7())


def begin(headers: Mapping[bytes, Sequence[bytes]]) -> str:
    """Set the current id, from the request's headers (by lower-case name) or else a new one, and return it.

    The first header counts. An id that is too long, or unsafe to log, is ignored.
    """
    given = headers.get(HEADER)
    found = given[0].decode("ascii") if given is not None and _SANE.fullmatch(given[0]) else new()
    # It is never reset: each request is answered in its own context.
    _current.set(found)
    return found


@contextlib.contextmanager
def continued(request_id: str | None) -> Iterator[None]:
    """Continue as that request inside the ``with``, for example when a delivery is resumed later."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)
