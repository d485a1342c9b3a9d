"""The id of the request that is being answered, for its answer, its logs and its traces.

It is in a context variable, so tasks that the request starts have it too.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from contextvars import ContextVar

from uuid_utils import uuid7

HEADER = b"x-request-id"

_SANE = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current() -> str | None:
    """The id of the request that this is done for; None outside of one."""
    return _current.get()


def new() -> str:
    """An id that nobody has had."""
    return str(uuid7())


def begin(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Take the request's own id from its headers (names in lower case), or make one; from now on it is current.

    The first header counts. An id that is too long, or could disturb a log, is as none.
    """
    # Nobody sets it back: each request is answered in a context of its own.
    for name, value in headers:
        if name == HEADER:
            found = value.decode("ascii") if _SANE.fullmatch(value) else new()
            break
    else:
        found = new()
    _current.set(found)
    return found


@contextlib.contextmanager
def continued(request_id: str | None) -> Iterator[None]:
    """What is done inside the ``with`` is done for that request, as when a delivery is taken up again later."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)
