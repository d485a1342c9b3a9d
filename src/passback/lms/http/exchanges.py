"""What an LMS was asked and what it answered, in short, for whoever wants to show it later."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_KEPT = 12

_KEPT: ContextVar[list[str] | None] = ContextVar("exchanges", default=None)


@contextlib.contextmanager
def keeping_exchanges() -> Iterator[list[str]]:
    """Keep the last exchanges with LMSs inside the ``with``, such as ``PUT /api/v1/x: status 503``, in order."""
    kept: list[str] = []
    token = _KEPT.set(kept)
    try:
        yield kept
    finally:
        _KEPT.reset(token)


def note(what: str, answer: str) -> None:
    """Note the answer to a request, or why there is none; neither holds a query, a header or a body."""
    kept = _KEPT.get()
    if kept is not None:
        kept.append(f"{what}: {answer}")
        del kept[:-_MOST_KEPT]
