"""Between the HTML that some LMSs keep and plain text."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

from passback.domain.assignment import AssignmentFields

_TAG = re.compile(r"<[a-zA-Z/!][^>]*>")
_BLOCKS = frozenset(
    {"p", "div", "br", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr"}
)
_UNSHOWN = frozenset({"script", "style", "template", "title"})


def is_html(text: str) -> bool:
    """Whether a text contains tags."""
    return _TAG.search(text) is not None


def html_to_text(markup: str) -> str:
    """Return what a reader sees of HTML: no tags, one line for each block, entities decoded."""
    parser = _Text()
    parser.feed(markup)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def text_to_html(text: str) -> str:
    """Return HTML that shows a plain text: a paragraph for each block of lines."""
    blocks = [block for block in re.split(r"\n\s*\n", text.strip()) if block]
    return "".join(f"<p>{html.escape(block, quote=False).replace(chr(10), '<br>')}</p>" for block in blocks)


def description_html(fields: AssignmentFields) -> str | None:
    """Return the description that a change gives, as HTML; None if it gives none."""
    if fields.description or not fields.description_plaintext:
        return fields.description
    return text_to_html(fields.description_plaintext)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in _UNSHOWN
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _UNSHOWN and self._hidden > 0
        if tag in _BLOCKS - {"br", "hr"}:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
