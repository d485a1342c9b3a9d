"""Lists in pages, with a ``Link`` header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from passback_simulators.canvas.replies import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from passback_simulators.canvas.state import CanvasState
    from passback_simulators.reply import Reply
    from passback_simulators.request import Request


def page(
    lms: CanvasState,
    request: Request,
    items: Sequence[Any],
    show: Callable[[Any], Any] | None = None,
    *,
    bookmarks: bool = False,
) -> Reply:
    """The page that is asked for: ten items unless the request says otherwise, and never more than the cap.

    `show` makes of an item what the API shows. With `bookmarks`, as some lists have them, pages have no numbers and
    there is no last one.
    """
    found, links = _window(lms, request, items, bookmarks=bookmarks or lms.settings["bookmark_pages"])
    shown = list(found) if show is None else [show(it) for it in found]
    return answer(request, 200, shown).with_headers(Link=_header(links))


def json_api_page(lms: CanvasState, request: Request, name: str, items: Sequence[Any], **more: Any) -> Reply:
    """A page in the form of JSON API: an object that has the items by name, and the links also in its ``meta``."""
    shown, links = _window(lms, request, items, bookmarks=False)
    pagination = {"per_page": _size(lms, request), **links, "count": len(items)}
    meta = {"pagination": pagination, "primaryCollection": name}
    return answer(request, 200, {name: list(shown), "meta": meta, **more}).with_headers(Link=_header(links))


def _window(
    lms: CanvasState, request: Request, items: Sequence[Any], *, bookmarks: bool
) -> tuple[Sequence[Any], dict[str, str]]:
    """The items of the page that is asked for, and the addresses of this and other pages."""
    size = _size(lms, request)
    number = _number(request.param("page").removeprefix("bookmark:"), 1)
    last = max(1, -(-len(items) // size))
    kept = [
        (name, value) for name, value in request.query if name not in ("page", "per_page", "access_token")
    ]

    def address(page_number: int) -> str:
        shown = f"bookmark:{page_number}" if bookmarks else str(page_number)
        query = urlencode([*kept, ("page", shown), ("per_page", str(size))])
        return f"{request.base_url}{request.path}?{query}"

    links = {"current": address(number), "first": address(1)}
    if number < last:
        links["next"] = address(number + 1)
    if number > 1:
        links["prev"] = address(number - 1)
    if not bookmarks:
        links["last"] = address(last)
    return items[(number - 1) * size : number * size], links


def _header(links: dict[str, str]) -> str:
    return ",".join(f'<{address}>; rel="{rel}"' for rel, address in links.items())


def _size(lms: CanvasState, request: Request) -> int:
    return max(1, min(int(lms.settings["per_page_cap"]), _number(request.param("per_page"), 10)))


def _number(text: str, default: int) -> int:
    return int(text) if text.isdecimal() and int(text) > 0 else default
