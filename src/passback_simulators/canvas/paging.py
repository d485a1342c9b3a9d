"""Lists in pages, with a ``Link`` header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from passback_simulators.canvas.replies import answer

if TYPE_CHECKING:
    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


def page(lms: CanvasState, request: Request, items: list[Any]) -> Reply:
    """The page that is asked for: ten items unless the request says otherwise, and never more than the cap."""
    bookmarks = lms.settings["bookmark_pages"]
    size = max(1, min(lms.settings["per_page_cap"], _number(request.param("per_page"), 10)))
    number = _number(request.param("page").removeprefix("bookmark:"), 1)
    last = max(1, -(-len(items) // size))
    kept = [
        (name, value) for name, value in request.query if name not in ("page", "per_page", "access_token")
    ]

    def link(page_number: int, rel: str) -> str:
        shown = f"bookmark:{page_number}" if bookmarks else str(page_number)
        query = urlencode([*kept, ("page", shown), ("per_page", str(size))])
        return f'<{request.base_url}{request.path}?{query}>; rel="{rel}"'

    links = [link(number, "current"), link(1, "first")]
    if number < last:
        links.append(link(number + 1, "next"))
    if number > 1:
        links.append(link(number - 1, "prev"))
    if not bookmarks:
        links.append(link(last, "last"))
    shown = items[(number - 1) * size : number * size]
    return answer(request, 200, shown).with_headers(Link=",".join(links))


def _number(text: str, default: int) -> int:
    return int(text) if text.isdecimal() and int(text) > 0 else default
