"""HTML as Schoology keeps it: without scripts, styles, comments and what could run code."""

from __future__ import annotations

import html
from html.parser import HTMLParser

_DROPPED = frozenset({"script", "style"})
"""Tags that go with what is in them."""
_UNWRAPPED = frozenset({"iframe", "object", "embed", "form", "input", "button", "meta", "link", "base"})
"""Tags that go, while their text stays."""


def filtered(markup: str) -> str:
    """The HTML that is kept of what was sent."""
    parser = _Filter()
    parser.feed(markup)
    parser.close()
    return "".join(parser.parts)


class _Filter(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._dropping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self._dropping += 1
        elif tag not in _UNWRAPPED and not self._dropping:
            kept = "".join(
                f' {name}="{html.escape(value or "")}"' for name, value in attrs if _harmless(name, value)
            )
            self.parts.append(f"<{tag}{kept}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self._dropping = max(0, self._dropping - 1)
        elif tag not in _UNWRAPPED and not self._dropping:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self.parts.append(html.escape(data, quote=False))


def _harmless(name: str, value: str | None) -> bool:
    return not name.startswith("on") and not (value or "").strip().lower().startswith("javascript:")
