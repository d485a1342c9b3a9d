"""What handlers read of a query, and the links that they answer with."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload
from urllib.parse import urlencode

from passback.wire import params
from passback.wire.roster import Link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.web.messages import Call

PAGE = 100
"""The default page size."""


@overload
def text(value: str) -> str: ...
@overload
def text(value: str | None) -> str | None: ...
def text(value: str | None) -> str | None:
    """Replace what the store would not take: NUL, and surrogates that stand for bytes that are not UTF-8."""
    if value is None:
        return None
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\0", "\ufffd")


def limit_of(call: Call) -> int:
    """The page size asked for, as any number. Raises `Refusal`."""
    given = params.query_value(call.query, "limit")
    return PAGE if given is None else params.convert_limit(given)


def link(rel: str, path: str, query: Mapping[str, str | list[str]]) -> Link:
    """A link to a page of the list at `path`."""
    return Link(rel=rel, uri=f"{path}?{urlencode(query, doseq=True)}")
