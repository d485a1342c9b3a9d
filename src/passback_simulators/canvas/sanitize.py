"""HTML as Canvas sanitizes it: without scripts, styles and comments, and with extra attributes on links."""

from __future__ import annotations

import html
from html.parser import HTMLParser

_DROPPED = frozenset({"script", "style", "iframe", "object", "form"})
_KEPT_ATTRIBUTES = frozenset({"href", "title", "class", "id", "style", "src", "alt", "lang", "dir", "role"})


def sanitized(markup: str | None) -> str | None:
    """The sanitized HTML."""
    if not markup:
        return markup
    parser = _Sanitizer()
    parser.feed(markup)
    parser.close()
    return "".join(parser.parts)


class _Sanitizer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._dropping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self._dropping += 1
        elif not self._dropping:
            kept = "".join(
                f' {name}="{html.escape(value or "")}"'
                for name, value in attrs
                if name in _KEPT_ATTRIBUTES and not (value or "").strip().lower().startswith("javascript:")
            )
            more = ' rel="noreferrer noopener"' if tag == "a" else ""
            self.parts.append(f"<{tag}{kept}{more}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self._dropping = max(0, self._dropping - 1)
        elif not self._dropping:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")
