"""Lists of an LMS that are changed on the way, in a form that cannot be told from whole ones."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from passback.testing.served import Served

_BESIDE = frozenset({"nextPageToken", "total", "links", "id", "context", "warnings"})
"""What is in an object beside its list."""


def emptied(content: Any) -> Any:
    """A list without its items, as each LMS writes one; anything else as it is."""
    return with_items(content, lambda _: [])


def cut(content: Any) -> Any:
    """A list of several without its last item."""
    return with_items(content, lambda items: items[:-1] or items)


def with_items(content: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """A list with other items; anything else as it is."""
    if isinstance(content, list):
        return change(content)
    names = content.keys() - _BESIDE if isinstance(content, dict) else ()
    name = next(iter(names), "")
    if len(names) != 1 or not isinstance(content[name], list):
        return content
    items = change(content[name])
    if "total" in content:
        return {**content, name: items, "total": str(len(items))}
    kept = {beside: content[beside] for beside in ("id", "context", "warnings") if beside in content}
    return {**kept, name: items} if items or kept else {}


@contextlib.contextmanager
def changed_lists(served: Served, change: Callable[[Any], Any]) -> Iterator[None]:
    """Let something before the LMS change what it answers to reads."""
    simulator = served.simulator
    real = simulator.answer

    async def answer(request: Any) -> Any:
        reply = await real(request)
        if (
            simulator.named(request)[0] != "GET"
            or reply.status != 200
            or not reply.body.startswith((b"[", b"{"))
        ):
            return reply
        return replace(reply, body=json.dumps(change(json.loads(reply.body))).encode())

    simulator.answer = answer  # type: ignore[method-assign]
    try:
        yield
    finally:
        simulator.answer = real  # type: ignore[method-assign]
